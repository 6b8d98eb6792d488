"""Compressed files that are read in parts."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterator
from html import escape
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

import numpy as np

from collapsar import _arrays, _collapsar, _options, _urls
from collapsar._header import Header

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Archive", "LazyArray", "open"]

Index = SupportsIndex | slice | EllipsisType


def open(  # noqa: A001
    path: str | os.PathLike[str],
    *,
    weights: _options.Weights = (),
    device: Literal["cpu", "gpu"] = "cpu",
    max_memory: int | None = None,
) -> Archive:
    """Opens a compressed file: heads are read, no sample is decoded. A URL of fsspec is fetched whole. `Archive` has an example."""
    return Archive(path, weights=weights, device=device, max_memory=max_memory)


class Archive:
    """The arrays of a compressed file, numbered from 0 in the order of the file.

    >>> import collapsar, numpy as np, os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "a.npy")
    >>> np.save(path, np.arange(512 * 512, dtype=np.int32).reshape(512, 512))
    >>> _ = collapsar.compress_file(path, path + ".clps", level=1)
    >>> a = collapsar.open(path + ".clps")
    >>> len(a), a[0].shape, a[0].dtype
    (1, (512, 512), dtype('int32'))
    >>> a[0][10, 20:23]
    array([5140, 5141, 5142], dtype=int32)
    >>> a.n_tiles_decoded, a[0].n_tiles
    (1, 4)
    >>> folder.cleanup()
    """

    __slots__ = ("_native", "_options", "arrays", "n_tiles_decoded", "path")

    #: Where the file lies: a path, or a URL of fsspec.
    path: str
    #: Its arrays; samples are decoded when an array is indexed.
    arrays: tuple[LazyArray, ...]
    #: Tiles that were decoded for what was read so far.
    n_tiles_decoded: int

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        weights: _options.Weights = (),
        device: Literal["cpu", "gpu"] = "cpu",
        max_memory: int | None = None,
    ) -> None:
        self.path = os.fspath(path)
        self._options = (_options.loaded(weights), device, max_memory)
        with _urls.fetched(path) as here:  # the copy of what a URL names stays open, and has no name from here on
            self._native = _collapsar.Archive(here, _options.decoding(*self._options))
        self.n_tiles_decoded = 0
        self.arrays = tuple(LazyArray(self, n, *array) for n, array in enumerate(self._native.arrays()))

    def __len__(self) -> int:
        return len(self.arrays)

    def __iter__(self) -> Iterator[LazyArray]:
        return iter(self.arrays)

    def __getitem__(self, which: SupportsIndex | str) -> LazyArray:
        """An array by its number, or by what the file calls it."""
        if isinstance(which, str):
            for array in self.arrays:
                if array.label == which:
                    return array
            raise KeyError(which)
        return self.arrays[operator.index(which)]

    def __reduce__(self) -> tuple[Callable[..., Archive], tuple[Any, ...]]:
        return _reopened, (self.path, *self._options)

    def __repr__(self) -> str:
        lines = [f"<collapsar.Archive {self.path!r}: {len(self)} array{'' if len(self) == 1 else 's'}"]
        return "\n  ".join([*lines, *(repr(array) for array in self.arrays)]) + ">"

    def _repr_html_(self) -> str:
        row = "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>"
        rows = "".join(row.format(a.number, escape(a.label), a.dtype, escape(str(a.shape)), a.n_tiles) for a in self)
        head = "<tr><th></th><th>array</th><th>dtype</th><th>shape</th><th>tiles</th></tr>"
        return f"<p>{escape(self.path)}</p><table>{head}{rows}</table>"


def _reopened(path: str, weights: list[bytes], device: Literal["cpu", "gpu"], max_memory: int | None) -> Archive:
    return Archive(path, weights=weights, device=device, max_memory=max_memory)


class LazyArray:
    """An array of a compressed file. An index of integers, slices and ``...`` decodes the tiles that it touches, and no other;
    ``numpy.asarray(array)`` decodes all. Samples are those of the file: of a FITS, BZERO and BSCALE are not applied.
    """

    __slots__ = ("_header", "archive", "dtype", "label", "n_tiles", "number", "shape")

    archive: Archive
    #: Which of the file's arrays it is, from 0.
    number: int
    #: What the file calls it: an HDU, a member of a tar.
    label: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    #: Tiles that it consists of.
    n_tiles: int

    def __init__(
        self, archive: Archive, number: int, label: str, ty: tuple[str, bool, tuple[int, ...] | list[int]], n_tiles: int
    ) -> None:
        name, big_endian, shape = ty
        self.archive, self.number, self.label, self.n_tiles = archive, number, label, n_tiles
        self.dtype, self.shape = _arrays.dtype_of(name, big_endian), tuple(shape)
        self._header: Header | None = None

    @property
    def ndim(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many samples it has."""
        return int(np.prod(self.shape, dtype=object))

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return self.size * self.dtype.itemsize

    @property
    def header(self) -> Header:
        """The header of its HDU; empty where the file is no FITS."""
        if self._header is None:
            self._header = Header(self.archive._native.header(self.number).decode("ascii", "replace"))
        return self._header

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without dimensions")
        return self.shape[0]

    def __getitem__(self, index: Index | tuple[Index, ...]) -> NDArray[Any]:
        """The samples of a box; a step takes every n-th of it."""
        boxes, then = _boxes(index if isinstance(index, tuple) else (index,), self.shape)
        origin, shape = [start for start, _ in boxes], [n for _, n in boxes]
        out = np.empty(shape, self.dtype)
        if out.size:
            self.archive.n_tiles_decoded += self.archive._native.read(self.number, origin, shape, _arrays.flat(out))
        part: NDArray[Any] = out[then]
        return part

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("samples are decoded into new memory: copy=False cannot be kept")
        whole = self[...]
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def __reduce__(self) -> tuple[Callable[[Archive, int], LazyArray], tuple[Archive, int]]:
        return _of, (self.archive, self.number)

    def __repr__(self) -> str:
        return f"<{self.label or 'array'}: {self.dtype} {self.shape}>"


def _of(archive: Archive, number: int) -> LazyArray:
    return archive.arrays[number]


def _boxes(index: tuple[Index, ...], shape: tuple[int, ...]) -> tuple[list[tuple[int, int]], tuple[int | slice, ...]]:
    """Per axis where the box begins and how long it is; and the index that takes from the box what was asked for."""
    n_given = sum(part is not Ellipsis for part in index)
    if len(index) - n_given > 1:
        raise IndexError("an index can have one ellipsis ('...')")
    if n_given > len(shape):
        raise IndexError(f"{n_given} indices for an array of {len(shape)} dimensions")
    rest = (slice(None),) * (len(shape) - n_given)
    if len(index) == n_given:
        index = (*index, *rest)
    else:
        at = next(i for i, part in enumerate(index) if part is Ellipsis)
        index = (*index[:at], *rest, *index[at + 1 :])
    boxes: list[tuple[int, int]] = []
    then: list[int | slice] = []
    for axis, (part, n) in enumerate(zip(index, shape)):
        if isinstance(part, slice):
            wanted = range(*part.indices(n))
            lowest = min(wanted[0], wanted[-1]) if wanted else 0
            boxes.append((lowest, abs(wanted[-1] - wanted[0]) + 1 if wanted else 0))
            then.append(slice(None, None, wanted.step))
            continue
        is_bool = isinstance(part, (bool, np.bool_))
        if is_bool or part is Ellipsis or isinstance(part, np.ndarray) or not hasattr(part, "__index__"):
            raise TypeError(f"integers, slices and '...' select samples, not {type(part).__name__}")
        at = operator.index(part)
        if not -n <= at < n:
            raise IndexError(f"index {at} is out of bounds for axis {axis} with size {n}")
        boxes.append((at % n, 1))
        then.append(0)
    return boxes, tuple(then)
