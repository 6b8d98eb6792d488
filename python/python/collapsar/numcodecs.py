"""The codec of numcodecs, ``codec_id`` ``collapsar``: a compressor of Zarr v2, and of whatever else names codecs that way.

>>> import numcodecs, numpy as np
>>> codec = numcodecs.get_codec({"id": "collapsar", "level": 3})
>>> frame = np.random.default_rng(1).poisson(900, (64, 64)).astype(np.uint16)
>>> bool((codec.decode(codec.encode(frame)) == frame).all())
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numcodecs import abc  # type: ignore[import-untyped, unused-ignore]

from collapsar import _arrays, _collapsar, _options
from collapsar._configuration import Codec, Configuration, Configured, checked

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self, Unpack

__all__ = ["Collapsar"]


class Collapsar(Codec, abc.Codec):  # type: ignore[misc, unused-ignore]
    """Keywords are those of `collapsar.encode`; ``recipe`` may be in base64.

    A buffer is an array of its dtype and shape where it is in C order; one in Fortran order is coded as its transpose, so that
    samples come back in the order that they had in memory. Buffers of other dtypes are arrays of bytes, and a bound is refused.
    """

    codec_id = "collapsar"

    def __init__(self, level: int | None = None, **keywords: Unpack[Configured]) -> None:
        self._configuration = Configuration(level, **keywords)
        self._may_lose = any(key in self._configuration.json for key in _options.BOUNDS)

    def encode(self, buf: Buffer) -> bytes:
        """An array, or any buffer, as a chunk."""
        array = buf if isinstance(buf, np.ndarray) else np.asarray(memoryview(buf))
        if array.flags.f_contiguous and not array.flags.c_contiguous:
            array = array.T
        array = _arrays.plain(array)
        try:
            described = _arrays.described(array)
        except TypeError:
            if self._may_lose:
                raise
            array = _arrays.flat(array)
            described = _arrays.described(array)
        return _collapsar.encode(_arrays.flat(array), described, self._configuration.encoding)

    def decode(self, buf: Buffer, out: Any = None) -> Any:
        """The array; with ``out``, any buffer of as many bytes, its bytes there."""
        samples = _arrays.decode_with(buf, None, self._configuration.decoding)
        if out is None:
            return samples
        into = out.reshape(-1, order="A") if isinstance(out, np.ndarray) else np.frombuffer(out, np.uint8)
        into = into.view(np.uint8)
        if not np.may_share_memory(into, out):
            raise ValueError("out is not contiguous")
        if into.size != samples.nbytes:
            raise ValueError(f"out has {into.size} bytes, the chunk holds {samples.nbytes}")
        into[...] = _arrays.flat(samples)
        return out

    def get_config(self) -> dict[str, Any]:
        """For metadata."""
        return {"id": self.codec_id, **self._configuration.json}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Of metadata; unknown keys are refused."""
        return cls(**checked({key: value for key, value in config.items() if key != "id"}))
