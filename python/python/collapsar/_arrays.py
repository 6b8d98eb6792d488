"""Arrays as chunks, files as bytes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from collapsar import _collapsar, _options
from collapsar.errors import ArgumentError

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import ArrayLike, NDArray
    from typing_extensions import Buffer, Unpack

    Described: TypeAlias = tuple[str, bool, tuple[int, ...]]

__all__ = ["compress", "decode", "decompress", "describe", "encode"]

#: Their names here by those of NumPy.
_NAMES = {f"{kind}{8 * n}": f"{kind[0]}{8 * n}" for kind in ("uint", "int") for n in (1, 2, 4, 8)}
_NAMES |= {"float32": "f32", "float64": "f64"}
_DTYPES = {ours: np.dtype(theirs) for theirs, ours in _NAMES.items()}


def described(array: NDArray[Any]) -> Described:
    """Name of the dtype, whether it is big-endian, shape."""
    dtype = array.dtype
    name = _NAMES.get(dtype.name)
    if name is None:
        raise TypeError(f"dtype {dtype} is not one of u8 i8 u16 i16 u32 i32 i64 u64 f32 f64")
    native_is_big = sys.byteorder == "big"
    return name, dtype.byteorder == ">" or (native_is_big and dtype.byteorder == "="), array.shape


def dtype_of(name: str, big_endian: bool) -> np.dtype[Any]:
    """The NumPy dtype of a name of ours."""
    native = _DTYPES[name]
    return native if big_endian == (sys.byteorder == "big") else native.newbyteorder()


def plain(array: ArrayLike) -> NDArray[Any]:
    """An array in C order; no sample changes, nor the byte order."""
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError("a masked array would lose its mask: fill it first, with array.filled(value)")
    return np.asarray(array, order="C")


def flat(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The bytes of an array in C order, without a copy."""
    return array.reshape(-1).view(np.uint8)


def bytes_of(data: Buffer) -> NDArray[np.uint8]:
    """The bytes of anything that has a buffer, without a copy where it is contiguous."""
    if isinstance(data, str):
        raise TypeError("a bytes-like object is required, not 'str'")
    view = memoryview(data)
    if view.nbytes == 0:
        return np.empty(0, np.uint8)
    if view.c_contiguous:
        return np.frombuffer(view, np.uint8)
    return np.frombuffer(view.tobytes(), np.uint8)


def encode(array: ArrayLike, level: int | None = None, **keywords: Unpack[_options.Coding]) -> bytes:
    """An array as bytes that say its dtype, byte order and shape; `decode` gives it back, bit for bit unless a bound is given.

    ``level`` goes from 1, the fastest, to 9, the smallest; 5 unless it is given. At most one bound says what may be lost:
    ``abs=E``, ``rel=E`` (of the range), ``pw_rel=E`` (of each float), ``near=N`` (integers), ``psnr=dB``, ``mantissa=bits`` (with
    ``mantissa_mode="round"`` or ``"trunc"``), ``noise_step=Q``, ``denoise=K``, ``ratio=R``. ``recipe=`` takes what a `Recipe` decided;
    ``model=`` a name of `models`; ``weights=`` networks of your own; ``device="gpu"`` runs networks there.

    The same bytes come out on every machine. Do not write to the array meanwhile: the GIL is released.

    >>> import collapsar, numpy as np
    >>> frame = np.arange(64 * 64, dtype=">u2").reshape(64, 64)
    >>> chunk = collapsar.encode(frame, level=1)
    >>> again = collapsar.decode(chunk)
    >>> again.dtype, again.shape, bool((again == frame).all())
    (dtype('>u2'), (64, 64), True)
    >>> field = np.sin(np.linspace(0, 9, 64 * 64)).reshape(64, 64)
    >>> bool(abs(collapsar.decode(collapsar.encode(field, abs=1e-3)) - field).max() <= 1e-3)
    True
    """
    if "embed_weights" in keywords:
        raise TypeError("a chunk has no room for weights: give them again to decode it")
    array = plain(array)
    ty = described(array)
    return _collapsar.encode(flat(array), ty, _options.encoding(level, **keywords))


def decode(
    chunk: Buffer,
    out: NDArray[Any] | None = None,
    *,
    weights: _options.Weights = (),
    device: Literal["cpu", "gpu"] = "cpu",
    max_memory: int | None = None,
) -> NDArray[Any]:
    """The array that `encode` was given: its dtype, byte order, shape and samples. Damage raises, and never gives other samples.

    With ``out=`` the samples go into that array, which has the same shape and dtype (of any byte order), and it is returned; what
    it holds after an exception is undefined. Without it at most ``max_memory`` bytes, or 1 GiB, are decoded.

    >>> import collapsar, numpy as np
    >>> chunk = collapsar.encode(np.full((3, 5), 7, np.int16))
    >>> out = np.zeros((3, 5), np.int16)
    >>> collapsar.decode(chunk, out=out) is out, int(out.sum())
    (True, 105)
    >>> collapsar.decode(chunk[:-1])
    Traceback (most recent call last):
    collapsar.TruncatedError: a chunk of 11 more bytes, of which 10 are there
    """
    return decode_with(chunk, out, _options.decoding(weights, device, max_memory))


def decode_with(chunk: Buffer, out: NDArray[Any] | None, decoding: _collapsar.Decoding) -> NDArray[Any]:
    """The same with options that were read before."""
    packed = bytes_of(chunk)
    if out is None:
        (name, big_endian, shape), samples = _collapsar.decode(packed, decoding)
        return samples.view(dtype_of(name, big_endian)).reshape(shape)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out= takes an array, not {type(out).__name__}")
    name, big_endian, shape = _collapsar.describe(packed)
    dtype = dtype_of(name, big_endian)
    if out.shape != tuple(shape) or out.dtype.newbyteorder("=") != dtype.newbyteorder("="):
        raise ArgumentError(f"out= is {out.dtype} of {out.shape}, the chunk holds {dtype} of {tuple(shape)}")
    if not out.flags.writeable:
        raise ArgumentError("out= is read-only")
    if out.dtype == dtype and out.flags.c_contiguous:
        _collapsar.decode_into(packed, decoding, flat(out))
    else:
        samples = np.empty(tuple(shape), dtype)
        _collapsar.decode_into(packed, decoding, flat(samples))
        out[...] = samples
    return out


def restored(array: NDArray[Any], n_bits: int) -> NDArray[Any]:
    """Floats whose mantissas were rounded to so many bits, spread over the intervals that rounding left; or as they are, where they do
    not look it."""
    array = np.array(array, order="C")
    _collapsar.restore(flat(array), described(array), n_bits)
    return array


def describe(chunk: Buffer) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Dtype and shape of a chunk; nothing is decoded.

    >>> import collapsar, numpy as np
    >>> collapsar.describe(collapsar.encode(np.zeros((2, 3), ">f8")))
    (dtype('>f8'), (2, 3))
    """
    name, big_endian, shape = _collapsar.describe(bytes_of(chunk))
    return dtype_of(name, big_endian), tuple(shape)


def compress(data: Buffer, level: int | None = None, **keywords: Unpack[_options.FileCoding]) -> bytes:
    """The content of a file as a smaller one: arrays of FITS and NPY are found in it, alone or in a tar or .gz, and coded; all
    else is kept byte for byte. `decompress` gives it back. Keywords are those of `encode`; ``embed_weights=True`` puts the weights
    that were given into the file.

    >>> import collapsar, io, numpy as np
    >>> file = io.BytesIO()
    >>> np.save(file, np.arange(4096, dtype=np.uint16).reshape(64, 64))
    >>> packed = collapsar.compress(file.getbuffer(), level=1)
    >>> len(packed) < 4096, collapsar.decompress(packed) == file.getvalue()
    (True, True)
    """
    return _collapsar.compress(bytes_of(data), _options.encoding(level, **keywords))


def decompress(
    data: Buffer,
    *,
    weights: _options.Weights = (),
    device: Literal["cpu", "gpu"] = "cpu",
    max_memory: int | None = None,
) -> bytes:
    """The content of a compressed file, of at most 4 GiB; `decompress_file` writes any.

    >>> import collapsar
    >>> collapsar.decompress(collapsar.compress(b"any bytes"))
    b'any bytes'
    """
    return _collapsar.decompress(bytes_of(data), _options.decoding(weights, device, max_memory))
