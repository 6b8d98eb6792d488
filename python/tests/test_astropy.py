"""A compressed FITS through astropy is what the file itself is there; a section decodes the tiles that it touches."""

import gzip

import numpy as np
import pytest

import collapsar

fits = pytest.importorskip("astropy.io.fits")

from collapsar import astropy  # noqa: E402


@pytest.fixture
def paths(tmp_path):
    """A file with an empty primary HDU, images of several kinds and a table; and the same compressed."""
    rng = np.random.default_rng(1)
    columns = [fits.Column("x", "E", array=rng.normal(size=999)), fits.Column("n", "J", array=range(999))]
    hdus = [
        fits.PrimaryHDU(header=fits.Header({"OBSERVER": "a test"})),
        fits.ImageHDU(rng.poisson(900, (700, 600)).astype("u2"), name="COUNTS"),
        fits.BinTableHDU.from_columns(columns, name="T"),
        fits.ImageHDU(rng.normal(size=(2, 3, 40, 300)).astype("f4"), name="CUBE"),
        fits.ImageHDU(np.arange(1000, dtype="i4"), name="LINE"),
        fits.ImageHDU(rng.integers(0, 9, (50, 60)).astype("u1"), name="MASK"),
    ]
    hdus[5].header["BSCALE"] = 0.5
    plain, packed = tmp_path / "a.fits", tmp_path / "a.fits.clps"
    fits.HDUList(hdus).writeto(plain)
    collapsar.compress_file(plain, packed, level=1)
    return plain, packed


def test_every_hdu_is_what_astropy_reads_from_the_file_itself(paths):
    with fits.open(paths[0]) as wanted, astropy.open(paths[1]) as got:
        assert len(got) == len(wanted) == 6
        for a, b in zip(wanted, got):
            assert repr(a.header) == repr(b.header) and type(a) is type(b)
            if a.data is None:
                assert b.data is None
            else:
                assert a.data.dtype == b.data.dtype and a.data.tobytes() == b.data.tobytes()
        assert got["COUNTS"].data.dtype == np.uint16 and got["T"].data["x"].size == 999
        got.verify("exception")


SECTIONS = {
    "COUNTS": [np.s_[:], np.s_[255:257, 250:520], np.s_[5], np.s_[:, 3], np.s_[600:100:-7, ::50], np.s_[-1, -1]],
    "CUBE": [np.s_[1, 2, 5:9, 250:260], np.s_[0], np.s_[..., 7], np.s_[:, 1, :, 256:], np.s_[1, 2, 39, 299]],
    "LINE": [np.s_[250:260], np.s_[999], np.s_[::100]],
    "MASK": [np.s_[2:4, 5:7], np.s_[49, 59]],
}


@pytest.mark.parametrize(("name", "index"), [(name, index) for name, all_of in SECTIONS.items() for index in all_of])
def test_a_section_is_that_of_the_file_itself(paths, name, index):
    with fits.open(paths[0]) as wanted, astropy.open(paths[1]) as got:
        a, b = (np.asarray(hdus[name].section[index]) for hdus in (wanted, got))
        assert a.dtype == b.dtype and a.shape == b.shape and (a == b).all()


def test_a_section_decodes_the_tiles_that_it_touches_once(paths, monkeypatch):
    opened = []
    one = collapsar.Archive.__init__
    monkeypatch.setattr(collapsar.Archive, "__init__", lambda self, *a, **k: opened.append(self) or one(self, *a, **k))
    hdus = astropy.open(paths[1])
    assert len(hdus) == 6 and hdus["COUNTS"].shape == (700, 600)
    [archive] = opened
    assert archive.n_tiles_decoded == 0 and archive[0].n_tiles == 9
    hdus["COUNTS"].section[100:200, 50:80]
    assert archive.n_tiles_decoded == 1
    hdus["COUNTS"].section[200:300, 50:80]
    assert archive.n_tiles_decoded == 2
    assert hdus["COUNTS"].data.shape == (700, 600)
    assert archive.n_tiles_decoded == 2 + 9


def test_a_bound_a_gz_and_tables_alone(paths, tmp_path):
    near, zipped = tmp_path / "near.clps", tmp_path / "b.fits.gz"
    collapsar.compress_file(paths[0], near, rel=1e-2)
    with fits.open(paths[0]) as wanted, astropy.open(near) as got:
        off = abs(got["CUBE"].data - wanted["CUBE"].data).max()
        assert 0 < off <= 1e-2 * np.ptp(wanted["CUBE"].data)
    zipped.write_bytes(gzip.compress(paths[0].read_bytes()))
    collapsar.compress_file(zipped, tmp_path / "b.clps", level=1)
    with fits.open(paths[0]) as wanted, astropy.open(tmp_path / "b.clps") as got:
        assert (got["COUNTS"].data == wanted["COUNTS"].data).all()


def test_what_is_no_fits_or_is_to_be_changed_is_refused(paths, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((9, 9)))
    collapsar.compress_file(tmp_path / "a.npy", tmp_path / "a.clps")
    with pytest.raises(OSError, match="FITS"):
        astropy.open(tmp_path / "a.clps")
    with pytest.raises(TypeError):
        astropy.open(paths[1], mode="update")
    with pytest.raises(collapsar.CorruptError):
        astropy.open(paths[0])


def test_damage_raises(paths):
    packed = bytearray(paths[1].read_bytes())
    packed[len(packed) // 3] ^= 1
    paths[1].write_bytes(packed)
    with pytest.raises(collapsar.CorruptError):
        for hdu in astropy.open(paths[1]):
            hdu.data
