"""napari's own engine of plug-ins finds the reader by the installed manifest, and gets lazy arrays from it."""

import numpy as np
import pytest
from conftest import fits

import collapsar

npe2 = pytest.importorskip("npe2")


def test_the_manifest_names_a_reader_for_our_files(tmp_path, frame):
    plugins = npe2.PluginManager.instance()
    plugins.discover()
    manifest = plugins.get_manifest("collapsar")
    assert manifest.contributions.readers[0].filename_patterns == ["*.clps"]
    planes = [frame.astype(np.int16), frame[:100].astype(np.int16)]
    (tmp_path / "a.fits").write_bytes(fits(*planes))
    collapsar.compress_file(tmp_path / "a.fits", tmp_path / "a.fits.clps", level=1)
    path = str(tmp_path / "a.fits.clps")
    layers = npe2.read([path], stack=False)
    assert [(array.shape, kind) for array, _, kind in layers] == [((300, 310), "image"), ((100, 310), "image")]
    assert len({keywords["name"] for _, keywords, _ in layers}) == 2
    array = layers[0][0]
    assert array.archive.n_tiles_decoded == 0
    assert (np.asarray(array[10:20, 30:40]) == planes[0][10:20, 30:40]).all() and array.archive.n_tiles_decoded == 1
    assert not list(plugins.iter_compatible_readers([str(tmp_path / "a.fits")]))
