"""The codec of numcodecs, alone and as the compressor of a Zarr v2 store."""

import pickle

import numpy as np
import pytest

import collapsar

numcodecs = pytest.importorskip("numcodecs")

from collapsar.numcodecs import Collapsar  # noqa: E402


def test_buffers_come_back(frame, field):
    codec = numcodecs.get_codec({"id": "collapsar", "level": 2})
    assert isinstance(codec, Collapsar)
    for array in [frame, field, frame[::2, ::3], frame.astype(">i2"), np.float64(3), np.zeros((0, 4))]:
        again = codec.decode(codec.encode(array))
        assert (again.dtype, again.shape) == (np.asarray(array).dtype, np.shape(array)) and (again == array).all()
    for data in [b"some bytes" * 30, bytearray(b"x"), b""]:
        assert codec.decode(codec.encode(data)).tobytes() == data


def test_other_dtypes_are_bytes_and_lose_nothing(field):
    flags = field > 280
    assert (Collapsar().decode(Collapsar().encode(flags)).view(bool).reshape(flags.shape) == flags).all()
    with pytest.raises(TypeError):
        Collapsar(near=3).encode(flags)


def test_out_is_filled(frame):
    codec = Collapsar(level=1)
    for out in [np.zeros_like(frame), np.zeros(frame.nbytes, np.uint8), bytearray(frame.nbytes)]:
        assert codec.decode(codec.encode(frame), out=out) is out
        assert bytes(memoryview(out).cast("B")) == frame.tobytes()
    turned = np.zeros(frame.shape, frame.dtype, order="F")
    codec.decode(codec.encode(np.asfortranarray(frame)), out=turned)
    assert (turned == frame).all()
    for wrong in [np.zeros(5, np.uint8), np.zeros((600, 310), np.uint16)[::2]]:
        with pytest.raises(ValueError):
            codec.decode(codec.encode(frame), out=wrong)


def test_configurations(frame):
    codec = Collapsar(level=3, near=1, recipe=collapsar.Recipe.learn(frame))
    config = codec.get_config()
    assert list(config) == ["id", "level", "near", "recipe"]
    for again in [numcodecs.get_codec(config), Collapsar.from_config(config), pickle.loads(pickle.dumps(codec))]:
        assert again == codec and again.get_config() == config and again.encode(frame) == codec.encode(frame)
    with pytest.raises(ValueError, match="'speed' is no key"):
        numcodecs.get_codec({"id": "collapsar", "speed": 3})


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", ["<u2", ">f4", "i8"])
def test_a_store_of_version_2(dtype, order, frame):
    zarr = pytest.importorskip("zarr", minversion="3.1")
    array = frame.astype(dtype)
    a = zarr.create_array(
        {}, shape=array.shape, chunks=(100, 70), dtype=dtype, zarr_format=2, order=order, compressors=Collapsar(level=1)
    )
    a[:] = array
    assert (a[:] == array).all() and (a[30:170:7, 5] == array[30:170:7, 5]).all()
    assert a.metadata.compressor == Collapsar(level=1)
