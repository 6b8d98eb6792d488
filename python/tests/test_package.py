"""The examples of docstrings and documents run as they are written; the package says what it is."""

import doctest
import importlib
import importlib.metadata
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import fits

import collapsar

ROOT = pathlib.Path(__file__).parents[2]
MODULES = [
    "collapsar",
    "collapsar._archive",
    "collapsar._arrays",
    "collapsar._files",
    "collapsar._header",
    "collapsar._machine",
    "collapsar._recipe",
    "collapsar.astropy",
    "collapsar.columns",
    "collapsar.errors",
    "collapsar.hdf5",
    "collapsar.numcodecs",
    "collapsar.zarr",
]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    if name.endswith((".zarr", ".numcodecs")):
        pytest.importorskip(name.rpartition(".")[2])
    module = importlib.import_module(name)
    done = doctest.testmod(module, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert done.failed == 0 and (done.attempted > 0 or not hasattr(module, "__all__"))


def test_every_public_name_has_an_example_or_points_to_one():
    for name in collapsar.__all__:
        thing = getattr(collapsar, name)
        if name == "__version__" or isinstance(thing, type) and issubclass(thing, Exception):
            continue
        text = thing.__doc__
        assert text and (">>>" in text or "example" in text or name in ("LazyArray", "Report")), name


def blocks(path):
    return re.findall(r"^```python\n(.*?)^```", path.read_text(), re.M | re.S)


@pytest.mark.parametrize("name", ["README.md", "python/README.md", "docs/python.md", "docs/batch.md"])
def test_documents(name, tmp_path, monkeypatch, frame):
    if name == "docs/python.md":
        for needed in ("xarray", "zarr", "numcodecs", "dask", "h5py", "uproot", "awkward", "pyarrow"):
            pytest.importorskip(needed)
    if name == "docs/batch.md":
        pytest.importorskip("distributed")
    found = blocks(ROOT / name)
    assert found, f"{name} shows nothing"
    # the files that documents speak of
    monkeypatch.chdir(tmp_path)
    frames = [np.random.default_rng(i).poisson(900, (300, 310)).astype(np.int16) for i in range(2)]
    pathlib.Path("a.fits").write_bytes(fits(*frames))
    words = ["batch", "plan", "a.fits", "-o", "plan.jsonl", "--output-dir", "z"]
    subprocess.run([sys.executable, "-m", "collapsar", *words], check=True)
    names = {"__name__": "__main__"}
    for block in found:
        exec(compile(block, name, "exec"), names)
    assert name != "docs/batch.md" or pathlib.Path("z/a.fits.clps").exists()


def test_the_version_is_that_of_the_crate():
    manifest = (ROOT / "Cargo.toml").read_text()
    assert collapsar.__version__ == re.search(r'^version = "(.*)"', manifest, re.M).group(1)
    assert importlib.metadata.version("collapsar") == collapsar.__version__


def test_the_package_needs_numpy_alone():
    needs = importlib.metadata.requires("collapsar")
    assert [need for need in needs if "extra ==" not in need] == ["numpy>=1.24"]
    groups = {point.group: point.value for point in importlib.metadata.distribution("collapsar").entry_points}
    assert groups["zarr.codecs"] == "collapsar.zarr:Collapsar"
    assert groups["numcodecs.codecs"] == "collapsar.numcodecs:Collapsar"
