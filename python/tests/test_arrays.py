"""Arrays come back as they were: samples, dtype, byte order, shape."""

import numpy as np
import pytest

import collapsar

DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]


def assert_same(again, array):
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    assert again.dtype.byteorder == array.dtype.byteorder
    assert again.tobytes() == array.tobytes()


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_in_both_byte_orders(dtype, order):
    rng = np.random.default_rng(3)
    dtype = np.dtype(order + dtype)
    array = (rng.normal(0, 20, (70, 65)) if dtype.kind == "f" else rng.integers(0, 100, (70, 65))).astype(dtype)
    again = collapsar.decode(collapsar.encode(array, level=3))
    assert_same(again, array)
    assert collapsar.describe(collapsar.encode(array, level=1)) == (array.dtype, array.shape)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3, 0, 2), (1,), (1, 1), (7,), (2, 3, 4, 5, 6), (64, 1), (1, 64)])
def test_every_shape(shape):
    array = np.arange(int(np.prod(shape)), dtype=">i4").reshape(shape) * 5
    again = collapsar.decode(collapsar.encode(array))
    assert_same(again, array)
    out = np.ones(shape, array.dtype)
    assert collapsar.decode(collapsar.encode(array), out=out) is out
    assert_same(out, array)


def test_views_are_taken_as_they_are(frame):
    for view in [frame[::2, 1::3], frame[::-1], frame.T, np.asfortranarray(frame), frame[5], frame[:, 3], frame[4, 4]]:
        again = collapsar.decode(collapsar.encode(view, level=1))
        assert again.shape == view.shape and (again == view).all()
    broadcast = np.broadcast_to(np.float32(2.5), (40, 50))
    assert (collapsar.decode(collapsar.encode(broadcast)) == broadcast).all()


def test_read_only_arrays_and_buffers_are_taken(frame):
    frame.flags.writeable = False
    chunk = collapsar.encode(frame, level=1)
    for buffer in [chunk, bytearray(chunk), memoryview(chunk), np.frombuffer(chunk, np.uint8), memoryview(chunk + b"x")[:-1]]:
        assert (collapsar.decode(buffer) == frame).all()
    strided = memoryview(bytes(b for byte in chunk for b in (byte, 0)))[::2]
    assert (collapsar.decode(strided) == frame).all()


def test_what_comes_back_can_be_written_to(frame):
    again = collapsar.decode(collapsar.encode(frame, level=1))
    again[0, 0] = 3
    assert again.flags.writeable and again.flags.aligned and again.flags.c_contiguous


def test_lists_are_arrays():
    assert_same(collapsar.decode(collapsar.encode([[1.5, 2.5]])), np.array([[1.5, 2.5]]))


def test_nan_and_infinities_keep_their_bits():
    array = np.random.default_rng(1).normal(size=(64, 64))
    array[3, :4] = [np.nan, np.inf, -np.inf, -0.0]
    array.view(np.uint64)[5, 5] = 0x7FF8000000000123
    for bounds in [{}, {"abs": 0.1}]:
        again = collapsar.decode(collapsar.encode(array, **bounds))
        assert again[5, 5].tobytes() == array[5, 5].tobytes() and again[3, :3].tobytes() == array[3, :3].tobytes()


@pytest.mark.parametrize("level", range(1, 8))
def test_every_level(level, frame):
    chunk = collapsar.encode(frame[:64, :64], level=level)
    assert (collapsar.decode(chunk) == frame[:64, :64]).all()
    if level == 5:
        assert chunk == collapsar.encode(frame[:64, :64])


def test_bounds_hold(field, frame):
    original = field.astype(np.float64)
    span = original.max() - original.min()

    def after(array, **bound):
        chunk = collapsar.encode(array, **bound)
        assert len(chunk) < len(collapsar.encode(array))
        return collapsar.decode(chunk).astype(np.float64)

    assert abs(after(field, abs=0.01) - original).max() <= 0.01
    assert abs(after(field, rel=1e-3) - original).max() <= 1e-3 * span
    assert (abs(after(field, pw_rel=1e-3) - original) <= 1e-3 * abs(original)).all()
    assert abs(after(frame, near=3) - frame).max() == 3
    rmse = np.sqrt(((after(field, psnr=60) - original) ** 2).mean())
    assert 20 * np.log10(span / rmse) >= 60
    assert abs(after(frame, noise_step=1.0) - frame).max() > 0
    moved = abs(after(frame, denoise=1.0) - frame)
    assert 0 < moved.max() < 4 * moved.std()
    with pytest.raises(ValueError, match="denoising is for integers"):
        collapsar.encode(field, denoise=1.0)
    assert len(collapsar.encode(field, ratio=20)) * 20 <= field.nbytes
    for mode in ["round", "trunc"]:
        kept = collapsar.decode(collapsar.encode(field, mantissa=7, mantissa_mode=mode))
        assert not (kept.view(np.uint32) & 0xFFFF).any() and (kept != field).any()
        assert mode == "round" or (abs(kept) <= abs(field)).all()


def test_two_bounds_are_an_error(frame):
    with pytest.raises(ValueError, match="abs= and near= are two bounds"):
        collapsar.encode(frame, abs=1.0, near=3)
    with pytest.raises(ValueError, match="two bounds"):
        collapsar.compress(b"", rel=1e-3, psnr=50)


@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"level": 0}, ValueError),
        ({"level": 10}, ValueError),
        ({"level": 1 << 70}, (ValueError, OverflowError)),
        ({"level": "5"}, TypeError),
        ({"abs": -1.0}, ValueError),
        ({"abs": float("nan")}, ValueError),
        ({"rel": 2}, ValueError),
        ({"rel": "much"}, ValueError),
        ({"abs": True}, TypeError),
        ({"near": 1.5}, TypeError),
        ({"near": -1}, ValueError),
        ({"mantissa": 99}, ValueError),
        ({"mantissa": 9, "mantissa_mode": "up"}, ValueError),
        ({"model": "no such network"}, ValueError),
        ({"model": 5}, TypeError),
        ({"device": "tpu"}, ValueError),
        ({"recipe": b"bytes"}, TypeError),
        ({"weights": b"no weights"}, ValueError),
        ({"speed": 3}, TypeError),
        ({"embed_weights": True}, TypeError),
        ({"max_memory": -1}, (ValueError, OverflowError)),
    ],
)
def test_what_makes_no_sense_is_refused(keywords, error, frame):
    with pytest.raises(error):
        collapsar.encode(frame, **keywords)


@pytest.mark.parametrize("array", [[True], [1j], ["a"], [None], np.float16([1]), np.zeros(3, "M8[s]"), np.zeros(2, "i4,f4")])
def test_other_dtypes_are_a_type_error(array):
    with pytest.raises(TypeError, match="is not one of u8"):
        collapsar.encode(array)


def test_a_masked_array_is_refused():
    with pytest.raises(TypeError, match="mask"):
        collapsar.encode(np.ma.masked_less([1, 2, 3], 2))


def test_out_takes_any_layout_and_byte_order(frame):
    chunk = collapsar.encode(frame, level=1)
    wide = np.zeros((600, 310), np.uint16)
    for out in [np.zeros_like(frame), wide[::2], np.zeros(frame.shape, ">u2"), np.zeros(frame.shape, "u2", order="F")]:
        assert collapsar.decode(chunk, out=out) is out
        assert (out == frame).all()
    assert not wide[1::2].any()


def test_out_of_another_kind_is_refused(frame):
    chunk = collapsar.encode(frame, level=1)
    for out in [np.zeros(frame.shape, np.int16), np.zeros((310, 300), np.uint16), np.zeros(frame.size, np.uint16)]:
        with pytest.raises(ValueError, match="the chunk holds"):
            collapsar.decode(chunk, out=out)
    locked = np.zeros_like(frame)
    locked.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        collapsar.decode(chunk, out=locked)
    with pytest.raises(TypeError):
        collapsar.decode(chunk, out=bytearray(frame.nbytes))


def test_the_same_bytes_from_any_number_of_threads(frame, field):
    want = [collapsar.encode(frame), collapsar.encode(field, rel=1e-3)]
    try:
        for n in [1, 2, 5]:
            collapsar.set_threads(n)
            assert [collapsar.encode(frame), collapsar.encode(field, rel=1e-3)] == want
    finally:
        collapsar.set_threads(None)
