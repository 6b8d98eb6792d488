"""Through programs that never heard of us: h5repack, h5dump, h5diff, nccopy, ncdump, netCDF4-python."""

import re
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import field, frame, same

from collapsar.hdf5 import FILTER_ID, Collapsar, settings


@pytest.fixture
def plain(tmp_path, rng):
    with h5py.File(tmp_path / "in.h5", "w", libver=("earliest", "v110")) as f:
        f.create_dataset("frames", data=np.stack([frame(rng, (100, 120)) for _ in range(3)]), chunks=(1, 100, 120))
        f.create_dataset("t", data=field((100, 100), ">f8"), chunks=(40, 40))
    return tmp_path / "in.h5"


def params(text):
    """The numbers that `h5dump -p` shows of each of our filters."""
    blocks = re.findall(r"USER_DEFINED_FILTER \{\s*FILTER_ID (\d+)\s*COMMENT ([^\n]*)\s*PARAMS \{([\d ]*)\}", text)
    assert all(int(number) == FILTER_ID and comment.startswith("collapsar") for number, comment, _ in blocks), text
    return [[int(word) for word in words.split()] for *_, words in blocks]


def test_h5repack_codes_and_h5dump_reads_without_python(run, plain, tmp_path):
    run(
        "h5repack",
        "-f",
        f"frames:UD={FILTER_ID},0,2,1,3",
        "-f",
        f"t:UD={FILTER_ID},0,4,1,5,2,1062232653",
        plain,
        "out.h5",
    )
    text = run("h5dump", "-p", "-H", "out.h5")
    # the table of FORMAT.md, section 13
    asked = [[1, 3, 0, 0, 0, 0], [1, 5, 2, 1062232653, 0, 0]]
    assert params(text) == [asked[0] + [3, 0, 0, 0, 3, 1, 100, 120], asked[1] + [0x80 + 9, 0, 0, 0, 2, 40, 40]]
    run("h5diff", plain, "out.h5", "/frames")
    run("h5diff", "--delta=0.04", plain, "out.h5", "/t")
    with h5py.File(plain) as a, h5py.File(tmp_path / "out.h5") as b:
        assert same(a["frames"][...], b["frames"][...]) and settings(b["frames"]) == {"level": 3}
        assert 0 < np.abs(a["t"][...] - b["t"][...]).max() <= 1e-3 * np.ptp(a["t"][...])
        assert settings(b["t"]) == {"level": 5, "rel": pytest.approx(1e-3, rel=1e-6)}


def test_h5dump_prints_the_samples(run, plain):
    run("h5repack", "-f", f"UD={FILTER_ID},0,0", plain, "out.h5")
    of = lambda name: re.sub(r'HDF5 "[^"]*"', "", run("h5dump", "-d", "/frames", "-d", "/t", name))
    assert of("out.h5") == of(plain) and len(of(plain)) > 100_000


def test_h5repack_goes_back_and_changes_the_chunks(run, plain, tmp_path):
    run("h5repack", "-f", f"UD={FILTER_ID},0,2,1,2", plain, "out.h5")
    run("h5repack", "-l", "frames:CHUNK=3x50x60", "out.h5", "other.h5")
    run("h5repack", "-f", "NONE", "other.h5", "back.h5")
    for name in ["out.h5", "other.h5", "back.h5"]:
        run("h5diff", plain, name)
    assert [1, 2, 0, 0, 0, 0, 3, 0, 0, 0, 3, 3, 50, 60] in params(run("h5dump", "-p", "-H", "other.h5"))
    assert params(run("h5dump", "-p", "-H", "back.h5")) == []


def test_without_the_filter_there_is_an_error_and_no_sample(run, plain, tmp_path):
    run("h5repack", "-f", f"UD={FILTER_ID},0,0", plain, "out.h5")
    (tmp_path / "none").mkdir()
    text = run("h5dump", "-d", "/frames", "out.h5", plugins=tmp_path / "none", fails=True)
    assert "unable to print data" in text


def test_h5repack_says_why_a_dataset_is_refused_and_copies_it_as_it_is(run, tmp_path):
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f.create_dataset("s", data=np.ones((64, 64), [("a", "f4"), ("b", "f4")]), chunks=(64, 64))
    for flag in [0, 1]:
        text = run("h5repack", "--enable-error-stack", "-f", f"UD={FILTER_ID},{flag},0", "in.h5", "out.h5")
        assert "collapsar: a type of class 6" in text
        run("h5diff", "in.h5", "out.h5")
        assert params(run("h5dump", "-p", "-H", "out.h5")) == []


def test_a_damaged_chunk_is_an_error_of_h5dump(run, plain, tmp_path):
    run("h5repack", "-f", f"UD={FILTER_ID},0,0", plain, "out.h5")
    with h5py.File(tmp_path / "out.h5", "r+") as f:
        at = f["frames"].id.get_chunk_info(1)
    with open(tmp_path / "out.h5", "r+b") as f:
        f.seek(at.byte_offset + at.size // 2)
        byte = f.read(1)[0]
        f.seek(-1, 1)
        f.write(bytes([byte ^ 4]))
    text = run("h5dump", "--enable-error-stack", "-d", "/frames", "out.h5", fails=True)
    assert "collapsar: the checksum of a chunk does not match" in text


CDL = """
netcdf small {
dimensions: y = 70 ; x = 80 ; time = UNLIMITED ;
variables:
    float t(time, y, x) ; t:_FillValue = -999.f ; t:units = "K" ;
    short n(y, x) ;
    int time(time) ;
    char name(x) ;
}
"""


@pytest.fixture
def netcdf(run, tmp_path, rng):
    (tmp_path / "small.cdl").write_text(CDL)
    run("ncgen", "-4", "-o", "small.nc", "small.cdl")
    with h5py.File(tmp_path / "small.nc", "r+") as f:
        for name, size in (("t", 3), ("time", 3)):
            f[name].resize(size, axis=0)
        f["t"][...] = np.stack([field((70, 80)) + i for i in range(3)])
        f["t"][:, :7, :9] = -999
        f["n"][...] = frame(rng, (70, 80), "i2")
        f["time"][...] = [0, 6, 12]
        f["name"][...] = b"x"
    return tmp_path / "small.nc"


def test_nccopy_codes_variables_and_ncdump_reads_them(run, netcdf, tmp_path):
    chunks = "time/1,y/70,x/80"
    run("nccopy", "-4", "-c", chunks, "-F", f"t,{FILTER_ID},1,5", "-F", f"n,{FILTER_ID},1,2", netcdf, "out.nc")
    assert run("ncdump", "out.nc").split("\n", 1)[1] == run("ncdump", netcdf).split("\n", 1)[1]
    assert f't:_Filter = "{FILTER_ID},' in run("ncdump", "-hs", "out.nc")
    with h5py.File(tmp_path / "out.nc") as f:
        assert settings(f["t"]) == {"level": 5} and settings(f["n"]) == {"level": 2} and settings(f["time"]) is None
        assert f["t"].id.get_storage_size() < f["t"].size * 4 / 2
    # a copy of a copy keeps the filter
    run("nccopy", "-4", "out.nc", "again.nc")
    assert run("ncdump", "again.nc").split("\n", 1)[1] == run("ncdump", netcdf).split("\n", 1)[1]
    with h5py.File(tmp_path / "again.nc") as f:
        assert settings(f["t"]) == {"level": 5}


def test_nccopy_keeps_a_bound_and_what_is_masked(run, netcdf, tmp_path):
    run("nccopy", "-4", "-c", "time/1,y/70,x/80", "-F", f"t,{FILTER_ID},1,5,2,1062232653", netcdf, "out.nc")
    with h5py.File(netcdf) as a, h5py.File(tmp_path / "out.nc") as b:
        t, back = a["t"][...], b["t"][...]
    assert ((t == -999) == (back == -999)).all()
    assert 0 < np.abs(t - back).max() <= 1e-3 * np.ptp(t[t != -999])


def test_netcdf4_for_python_reads_it(run, netcdf):
    pytest.importorskip("netCDF4")
    run("nccopy", "-4", "-c", "time/1,y/70,x/80", "-F", f"t,{FILTER_ID},1,5", netcdf, "out.nc")
    script = (
        "import netCDF4; a, b = (netCDF4.Dataset(n)['t'] for n in ('small.nc', 'out.nc'))\n"
        "assert (a[:] == b[:]).all() and a[:].mask.sum() == b[:].mask.sum() == 189\n"
        "assert (a[1:, 30:40, ::7] == b[1:, 30:40, ::7]).all()\n"
    )
    run(sys.executable, "-c", script)


def test_the_lines_for_programs_work(run, plain, netcdf, tmp_path):
    lines = run(sys.executable, "-m", "collapsar.hdf5", "--level", "3", "--abs", "0.01").splitlines()
    assert lines[0].startswith("export HDF5_PLUGIN_PATH=")
    run("bash", "-c", lines[1].replace("IN.h5", "in.h5").replace("OUT.h5", "out.h5").replace("-f UD", "-f t:UD"))
    run("bash", "-c", lines[2].replace("IN.nc", "small.nc").replace("OUT.nc", "out.nc").replace("VARIABLE", "t"))
    for name in ["out.h5", "out.nc"]:
        with h5py.File(tmp_path / name) as f:
            assert settings(f["t"]) == {"level": 3, "abs": 0.01}
    assert "above 0" in run(sys.executable, "-m", "collapsar.hdf5", "--abs", "0", fails=True)


GUIDE = (Path(__file__).parent.parent.parent / "docs/hdf5.md").read_text()


def test_the_guide_does_what_it_says(run, tmp_path, rng, monkeypatch):
    """Its lines for h5repack and nccopy, and its Python, on files of the names and shapes that it uses."""
    frames, t = np.stack([frame(rng, (512, 512))] * 8), np.stack([field((180, 360))] * 2)
    with h5py.File(tmp_path / "scan.h5", "w") as f:
        f["frames"] = frames
    with h5py.File(tmp_path / "run.h5", "w") as f:
        f["t"] = t
    run(
        "ncgen",
        "-4",
        "-o",
        "run.nc",
        write(
            tmp_path,
            "netcdf run { dimensions: time = 2 ; lat = 180 ; lon = 360 ; variables: float t(time, lat, lon) ; }",
        ),
    )
    with h5py.File(tmp_path / "run.nc", "r+") as f:
        f["t"][...] = t
    block = next(block for block in GUIDE.split("```") if "h5repack -l" in block)
    lines = [line.split("#")[0].strip() for line in block.strip().splitlines()]
    assert len(lines) == 5
    for line in lines:
        run("bash", "-c", line)
    with h5py.File(tmp_path / "plain.h5") as f:
        assert 0 < np.abs(f["t"][...] - t).max() <= 1e-3 * np.ptp(t)
    with h5py.File(tmp_path / "small.nc") as f:
        assert same(f["t"][...], t) and settings(f["t"]) == {"level": 5}

    monkeypatch.chdir(tmp_path)
    code = next(block for block in GUIDE.split("```") if block.startswith("python\n")).removeprefix("python\n")
    there = {"frames": frames, "t": t}
    exec(code, there)
    assert same(there["cut"], frames[7, 100:164, 200:264])
    for words in re.findall(r"(\S+) (10\d{8})[,;.\s]", GUIDE.split("High words:")[1].split("FORMAT")[0]):
        value, word = float(words[0]), int(words[1])
        assert Collapsar(abs=value).filter_options[3] == word, words


def write(folder, text):
    (folder / "text.cdl").write_text(text)
    return "text.cdl"
