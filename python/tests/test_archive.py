"""Arrays of a file, read in parts: what comes back is what NumPy gives of the whole, and no tile more is decoded."""

import pickle

import numpy as np
import pytest
from conftest import fits

import collapsar


@pytest.fixture
def path(tmp_path, frame, field):
    (tmp_path / "a.fits").write_bytes(fits(frame.astype(">i2"), field.astype(">f4")))
    collapsar.compress_file(tmp_path / "a.fits", tmp_path / "a.fits.clps", level=1)
    return tmp_path / "a.fits.clps"


def test_arrays_are_described_and_none_is_decoded(path, frame):
    a = collapsar.open(path)
    assert len(a) == 2 and [array.number for array in a] == [0, 1]
    assert (a.arrays[0].shape, a[0].dtype, a[0].ndim, len(a[0])) == (frame.shape, np.dtype(">i2"), 2, 300)
    assert (a[1].shape, a[-1].dtype, a[1].nbytes) == ((200, 180), np.dtype(">f4"), 200 * 180 * 4)
    assert a[a[1].label] is a[1]
    with pytest.raises(KeyError):
        a["no such array"]
    with pytest.raises(IndexError):
        a[2]
    assert a.n_tiles_decoded == 0


def test_a_cut_out_decodes_its_tiles_only(path, field):
    a = collapsar.open(path)
    assert (a[1][100:200, 50:80] == field[100:200, 50:80]).all()
    big = collapsar.open(path)
    n_tiles = big[0].n_tiles
    assert n_tiles == 4
    big[0][:10, :10]
    assert big.n_tiles_decoded == 1
    big[0][250:260, 3]
    assert big.n_tiles_decoded == 3
    big[0][...]
    assert big.n_tiles_decoded == 3 + n_tiles
    big[0][5:5]
    assert big.n_tiles_decoded == 3 + n_tiles


def test_the_header_of_a_hdu(path):
    header = collapsar.open(path)[1].header
    assert (header["BITPIX"], header["extname"], header["EXPTIME"]) == (-32, "P1", 2.5)
    assert header["COMMENT"] == "written by a test" and "XTENSION" in header and header.text.startswith("XTENSION")
    assert len(header.text) % 2880 == 0 and "NAXIS3" not in header


INDICES = [
    np.s_[...], np.s_[3], np.s_[-1], np.s_[2, 5], np.s_[1:4], np.s_[::2, ::3], np.s_[::-1], np.s_[10:2:-3, -5:],
    np.s_[..., 4], np.s_[1, ...], np.s_[2, ..., 3], np.s_[5:2], np.s_[100:], np.s_[:, -3:-1, 2], np.s_[np.int64(2), 1, 1],
    np.s_[-3:, ::-2, ::-1], np.s_[:0, 1], np.s_[7:8:100], (),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_slices_are_those_of_numpy(index, tmp_path):
    array = np.arange(11 * 12 * 13, dtype=np.int32).reshape(11, 12, 13) ** 2
    np.save(tmp_path / "a.npy", array)
    collapsar.compress_file(tmp_path / "a.npy", tmp_path / "a.clps", level=1)
    got, want = collapsar.open(tmp_path / "a.clps")[0][index], array[index]
    assert (got.dtype, got.shape) == (want.dtype, want.shape) and (got == want).all()


def test_other_indices_are_refused(path):
    a = collapsar.open(path)[0]
    for index in [[1, 2], np.array([1, 2]), None, 1.5, "x", True, np.zeros(a.shape, bool)]:
        with pytest.raises((TypeError, IndexError)):
            a[index]
    for index in [300, -301, (1, 2, 3), (0, 310), (..., ...)]:
        with pytest.raises(IndexError):
            a[index]


def test_arrays_pickle_and_become_numpy_arrays(path, frame):
    a = collapsar.open(path)
    again = pickle.loads(pickle.dumps(a[0]))
    assert (np.asarray(again) == frame).all() and again.archive.path == str(path)
    assert np.asarray(a[0], dtype=np.float64).dtype == np.float64
    assert len(pickle.loads(pickle.dumps(a))) == 2


def test_dask_reads_them_lazily(path, frame):
    dask_array = pytest.importorskip("dask.array")
    a = collapsar.open(path)
    lazy = dask_array.from_array(a[0], chunks=(150, 155))
    assert a.n_tiles_decoded == 0
    assert int(lazy.sum().compute(scheduler="threads")) == int(frame.astype(np.int64).sum())


def test_a_notebook_shows_a_table(path):
    html = collapsar.open(path)._repr_html_()
    assert html.count("<tr>") == 3 and "P1" in html and "(200, 180)" in html
    assert "2 arrays" in repr(collapsar.open(path))


def test_a_damaged_tile_is_an_error(path, frame):
    data = bytearray(path.read_bytes())
    data[2880 * 2 + len(data) // 8] ^= 1
    path.write_bytes(data)
    with pytest.raises(collapsar.CorruptError):
        for array in collapsar.open(path):
            array[...]
