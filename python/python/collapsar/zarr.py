"""The codec of Zarr v3: an array → bytes codec, named ``collapsar``; in metadata

.. code-block:: json

    {"name": "collapsar", "configuration": {"level": 5, "rel": 0.001, "recipe": "j0NSAQ..."}}

It stands where ``bytes`` stands otherwise (``serializer=``), alone or in the chunks of ``sharding_indexed``, and needs no compressor
behind it. Whoever has the package installed reads such arrays without importing this module.

>>> import numpy as np, zarr
>>> from collapsar.zarr import Collapsar
>>> field = np.sin(np.linspace(0, 9, 128 * 128, dtype=np.float32)).reshape(128, 128)
>>> a = zarr.create_array(
...     {}, shape=field.shape, chunks=(64, 64), dtype=field.dtype, serializer=Collapsar(rel=1e-3), compressors=None
... )
>>> a[:] = field
>>> bool(abs(a[:] - field).max() <= 1e-3 * np.ptp(field))
True
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.abc.codec import ArrayBytesCodec

from collapsar import _arrays, _collapsar
from collapsar._configuration import Codec, Configuration, Configured, checked
from collapsar.errors import CorruptError, UnsupportedError

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer

__all__ = ["Collapsar"]

NAME = "collapsar"


class Collapsar(Codec, ArrayBytesCodec):
    """Chunks as `collapsar.encode` writes them. Keywords are those of `collapsar.encode`; ``recipe`` may be in base64. Weights and
    device are not part of the metadata.

    >>> from collapsar.zarr import Collapsar
    >>> Collapsar(level=3, near=2).to_dict()
    {'name': 'collapsar', 'configuration': {'level': 3, 'near': 2}}
    """

    is_fixed_size = False

    def __init__(self, level: int | None = None, **keywords: Unpack[Configured]) -> None:
        # what is built on dataclasses is frozen; so is this
        object.__setattr__(self, "_configuration", Configuration(level, **keywords))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Of metadata; unknown keys are refused."""
        if data.get("name") != NAME:
            raise ValueError(f"the codec is {data.get('name')!r}, not {NAME!r}")
        return cls(**checked(data.get("configuration") or {}))

    def to_dict(self) -> dict[str, Any]:
        """For metadata."""
        return {"name": NAME, "configuration": dict(self._configuration.json)}

    def validate(self, *, shape: tuple[int, ...], dtype: Any, chunk_grid: Any) -> None:
        """Arrays of other dtypes are refused before anything is written."""
        native = dtype.to_native_dtype() if hasattr(dtype, "to_native_dtype") else np.dtype(dtype)
        _supported(native)

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Not known before."""
        raise NotImplementedError

    def _encode_sync(self, chunk_data: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        array = np.asarray(chunk_data.as_numpy_array(), dtype=_supported(_native(chunk_spec)), order="C")
        chunk = _collapsar.encode(_arrays.flat(array), _arrays.described(array), self._configuration.encoding)
        return chunk_spec.prototype.buffer.from_bytes(chunk)

    def _decode_sync(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        packed = _arrays.bytes_of(chunk_data.to_bytes())
        wanted = _native(chunk_spec)
        name, big_endian, shape = _collapsar.describe(packed)
        dtype = _arrays.dtype_of(name, big_endian)
        if tuple(shape) != tuple(chunk_spec.shape) or dtype.newbyteorder("=") != wanted.newbyteorder("="):
            raise CorruptError(f"a chunk holds {dtype} of {tuple(shape)} where {wanted} of {chunk_spec.shape} belongs")
        samples: Any = np.empty(tuple(shape), dtype)
        _collapsar.decode_into(packed, self._configuration.decoding, _arrays.flat(samples))
        return chunk_spec.prototype.nd_buffer.from_ndarray_like(samples.astype(wanted, copy=False))

    async def _encode_single(self, chunk_data: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._encode_sync, chunk_data, chunk_spec)

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        return await asyncio.to_thread(self._decode_sync, chunk_data, chunk_spec)


def _native(spec: ArraySpec) -> np.dtype[Any]:
    native: np.dtype[Any] = spec.dtype.to_native_dtype()
    return native


def _supported(dtype: np.dtype[Any]) -> np.dtype[Any]:
    try:
        _arrays.described(np.empty(0, dtype))
    except TypeError as error:
        raise UnsupportedError(f"collapsar codes no such array: {error}") from None
    return dtype
