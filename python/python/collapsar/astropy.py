"""Compressed FITS files as astropy has them: headers, tables and images. Samples are decoded when they are asked for.

>>> import os, tempfile
>>> import collapsar, numpy as np
>>> from astropy.io import fits
>>> from collapsar.astropy import open
>>> folder = tempfile.TemporaryDirectory()
>>> path = os.path.join(folder.name, "a.fits")
>>> fits.PrimaryHDU(np.arange(600 * 600, dtype=np.int16).reshape(600, 600)).writeto(path)
>>> _ = collapsar.compress_file(path, path + ".clps", level=1)
>>> with open(path + ".clps") as hdus:
...     print(hdus[0].header["NAXIS1"], hdus[0].section[1, 20:23])
600 [620 621 622]
>>> folder.cleanup()
"""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from astropy.io import fits  # type: ignore[import-untyped]

from collapsar import _archive, _arrays, _options

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["open"]

#: What is decoded at once where single rows are read: a tile of most images.
_SIDE = 256
#: So many of these are kept, 8 MB of 16-bit samples: a row of tiles of an image of 16 000 columns.
_N_KEPT = 64


def open(  # noqa: A001
    path: str | os.PathLike[str],
    *,
    weights: _options.Weights = (),
    device: Literal["cpu", "gpu"] = "cpu",
    max_memory: int | None = None,
    **keywords: Any,
) -> fits.HDUList:
    """A compressed FITS file, read-only. ``hdu.section[100:200, 50:80]`` decodes the tiles that it touches, ``hdu.data``
    all of an image; BZERO and BSCALE are applied. Other keywords are those of ``astropy.io.fits.open``.
    """
    archive = _archive.open(path, weights=weights, device=device, max_memory=max_memory)
    return fits.open(_Content(archive), mode="readonly", memmap=False, **keywords)


class _Content(io.RawIOBase):
    """What the file was before it was compressed, as a file that decodes what is read of it."""

    def __init__(self, archive: _archive.Archive) -> None:
        self.archive, self.name = archive, archive.path
        self._n_bytes, arrays, blocks = archive._native.layout()
        #: Where a stretch begins, and the array that it is or the block that has it.
        stretches: list[tuple[int, _archive.LazyArray | int]] = [*zip(arrays, archive), *blocks]
        self._stretches = sorted(stretches, key=lambda stretch: stretch[0])
        self._starts = [at for at, _ in self._stretches]
        self._at = 0
        self._other = lru_cache(8)(archive._native.stretch)
        self._box = lru_cache(_N_KEPT)(self._decoded)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._n_bytes}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        out = memoryview(buffer).cast("B")
        n = max(0, min(len(out), self._n_bytes - self._at))
        done = 0
        while done < n:
            which = bisect_right(self._starts, self._at) - 1
            start, what = self._stretches[which]
            end = self._starts[which + 1] if which + 1 < len(self._starts) else self._n_bytes
            part = out[done : done + min(n - done, end - self._at)]
            if isinstance(what, int):
                part[:] = self._other(what)[self._at - start :][: len(part)]
            else:
                self._read(what, self._at - start, part)
            done, self._at = done + len(part), self._at + len(part)
        return n

    def _read(self, array: _archive.LazyArray, at: int, out: memoryview) -> None:
        """Bytes of an array, from the byte ``at`` on."""
        if len(out) == array.nbytes:
            np.frombuffer(out, np.uint8)[:] = _arrays.flat(array[...])
            return
        width = array.shape[-1] * array.dtype.itemsize
        while out:
            row, column = divmod(at, width)
            n = min(len(out), width - column)
            out[:n] = self._row(array, row, column, n)
            at, out = at + n, out[n:]

    def _row(self, array: _archive.LazyArray, row: int, at: int, n: int) -> bytes:
        """Bytes of a row, rows of all planes counted together."""
        size = array.dtype.itemsize
        rows = array.shape[-2] if array.ndim > 1 else 1
        plane, y = divmod(row, rows)
        first, last = at // size // _SIDE, (at + n - 1) // size // _SIDE
        boxes = [self._box(array.number, plane, y // _SIDE, box) for box in range(first, last + 1)]
        row_bytes = b"".join(box[y % _SIDE].tobytes() for box in boxes)
        return row_bytes[at - first * _SIDE * size :][:n]

    def _decoded(self, number: int, plane: int, y: int, x: int) -> NDArray[Any]:
        """A box of an array."""
        array = self.archive[number]
        planes = np.unravel_index(plane, array.shape[:-2]) if array.ndim > 2 else ()
        rows = (slice(y * _SIDE, (y + 1) * _SIDE),) if array.ndim > 1 else ()
        box = array[(*(int(p) for p in planes), *rows, slice(x * _SIDE, (x + 1) * _SIDE))]
        return box.reshape(-1, box.shape[-1])
