"""A column as plain arrays, its pieces, and back:

    column of depth d  =  [valid, counts] × d,  valid,  [counts of characters],  content

``counts`` are the lengths of lists, ``valid`` says which are there. What is missing has no counts and no content. A piece that says
nothing is None: ``valid`` where nothing is missing.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from collapsar.errors import CorruptError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Type", "joined", "needed", "pieces_of"]

_TEXT = {"string": "char", "bytes": "byte"}
_COUNT = np.dtype("<u4")
_BYTE = np.dtype("u1")
#: What is coded as integers of the same bits.
_AS_INTEGERS = {"b": "u1", "M": "<i8", "m": "<i8"}

if TYPE_CHECKING:
    Pieces: TypeAlias = list[NDArray[Any] | None]


def needed(module: str) -> Any:
    """A package of the extra."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise ImportError(f"this needs {name}: pip install collapsar[columns]", name=name) from error


class Type(NamedTuple):
    """What an entry of a column is: lists of lists of numbers, of small arrays of one shape, or of text. As awkward writes it:
    ``var * 3 * float32``.
    """

    n_lists: int
    shape: tuple[int, ...]
    leaf: str

    def __str__(self) -> str:
        return " * ".join([*["var"] * self.n_lists, *map(str, self.shape), self.leaf])

    @classmethod
    def parse(cls, text: str) -> Type:
        """What `str` gives."""
        *outer, leaf = text.split(" * ")
        n_lists = next((i for i, word in enumerate(outer) if word != "var"), len(outer))
        if not all(re.fullmatch("[0-9]{1,9}", word) for word in outer[n_lists:]):
            raise ValueError(f"{text!r} is no type of a column")
        it = cls(n_lists, tuple(map(int, outer[n_lists:])), leaf)
        if leaf not in _TEXT:
            coded(np.dtype(leaf))
        elif it.shape:
            raise ValueError(f"{text!r} is no type of a column")
        return it

    @property
    def is_text(self) -> bool:
        """Whether its content is characters."""
        return self.leaf in _TEXT

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its content."""
        return _BYTE if self.is_text else np.dtype(self.leaf).newbyteorder("<")

    @property
    def dtypes(self) -> list[np.dtype[Any]]:
        """As which its pieces are coded."""
        lists: list[np.dtype[Any]] = [_BYTE, _COUNT] * (self.n_lists + self.is_text)
        return [*lists, coded(self.dtype)] if self.is_text else [*lists, _BYTE, coded(self.dtype)]


def coded(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of a chunk that holds such samples."""
    as_integers = "<u2" if dtype == np.float16 else _AS_INTEGERS.get(dtype.kind)
    if as_integers is None and (dtype.kind not in "iuf" or dtype.itemsize > 8):
        raise TypeError(f"dtype {dtype} is no number that can be kept")
    return np.dtype(as_integers) if as_integers else dtype.newbyteorder("<")


def pieces_of(array: Any) -> tuple[Type, Pieces]:
    """Of an array of NumPy or awkward; a TypeError says what cannot be kept."""
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError("a masked array would lose its mask: fill it first, with array.filled(value)")
    if isinstance(array, np.ndarray) and array.dtype.kind not in "SU":
        if array.ndim == 0:
            raise TypeError("an array without dimensions has no entries")
        return _of_numbers(array)
    ak = needed("awkward")
    layout = ak.to_layout(ak.from_numpy(array) if isinstance(array, np.ndarray) else array)
    pieces: Pieces = []
    n_lists = 0
    while True:
        while layout.is_indexed and not layout.is_option:
            layout = layout.project()
        valid = None
        if layout.is_option:
            valid = np.asarray(layout.mask_as_bool(valid_when=True))
            layout, valid = layout.project(), None if valid.all() else valid.view(np.uint8)
        kind = layout.parameter("__array__")
        if not layout.is_list or (layout.is_regular and kind not in ("string", "bytestring") and _is_box(layout)):
            break
        layout = layout.to_ListOffsetArray64(True)
        offsets = np.asarray(layout.offsets.data)
        counts = np.diff(offsets)
        if counts.size and counts.max() > np.iinfo(_COUNT).max:
            raise TypeError("a list has more than 2³² − 1 items")
        pieces += [valid, counts.astype(_COUNT)]
        layout = layout.content[: offsets[-1]]
        if kind in ("string", "bytestring"):
            content = np.asarray(layout.data).view(np.uint8)
            return Type(n_lists, (), "string" if kind == "string" else "bytes"), [*pieces, content]
        n_lists += 1
    it, of_numbers = _of_numbers(_box(layout))
    return it._replace(n_lists=n_lists), [*pieces, valid, of_numbers[-1]]


def _is_box(layout: Any) -> bool:
    """Whether numbers stand in a box of one shape."""
    while layout.is_regular or layout.is_option:
        layout = layout.content
    return bool(layout.is_numpy)


def _box(layout: Any) -> NDArray[Any]:
    if layout.is_numpy:
        return np.asarray(layout.data)
    if layout.is_unknown:
        return np.empty(0)
    if not layout.is_regular:
        raise TypeError(f"entries of type {layout.form.type} are neither numbers nor lists of them, nor text")
    inner = layout.content[: len(layout) * layout.size]
    if inner.is_option:
        if not np.asarray(inner.mask_as_bool(valid_when=True)).all():
            raise TypeError("numbers are missing within a fixed shape")
        inner = inner.project()
    inner = _box(inner)
    return inner.reshape(len(layout), layout.size, *inner.shape[1:])


def _of_numbers(array: NDArray[Any]) -> tuple[Type, Pieces]:
    dtype = coded(array.dtype)
    it = Type(0, array.shape[1:], array.dtype.name)
    content = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return it, [None, content.view(dtype)]


def joined(it: Type, pieces: Pieces, n: int, as_awkward: bool) -> Any:
    """``n`` entries; pieces that contradict each other raise."""
    content = pieces[-1]
    if content is None:
        content = np.empty(0, it.dtypes[-1])
    if not as_awkward:
        return _numbers(it, content, n)
    ak = needed("awkward")
    wraps: list[Any] = []
    lists = pieces[:-1] if it.is_text else pieces[:-2]
    for at in range(0, len(lists), 2):
        valid, counts = lists[at : at + 2]
        n = _wrap_missing(ak, wraps, valid, n)
        if counts is None:
            counts = np.empty(0, _COUNT)
        if len(counts) != n:
            raise CorruptError(f"{len(counts)} lists where {n} belong")
        offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        is_characters = it.is_text and at + 2 == len(lists)
        wraps.append(
            lambda inner, offsets=offsets, is_characters=is_characters: ak.contents.ListOffsetArray(
                ak.index.Index64(offsets), inner, parameters=_parameters(it, is_characters)
            )
        )
        n = int(offsets[-1])
    if it.is_text:
        if len(content) != n:
            raise CorruptError(f"{len(content)} characters where {n} belong")
        layout = ak.contents.NumpyArray(content, parameters={"__array__": _TEXT[it.leaf]})
    else:
        n = _wrap_missing(ak, wraps, pieces[-2], n)
        layout = ak.contents.NumpyArray(_numbers(it, content, n))
        layout = layout.to_RegularArray()
    for wrap in reversed(wraps):
        layout = wrap(layout)
    return ak.Array(layout)


def _parameters(it: Type, is_characters: bool) -> dict[str, str] | None:
    return {"__array__": "string" if it.leaf == "string" else "bytestring"} if is_characters else None


def _wrap_missing(ak: Any, wraps: list[Any], valid: NDArray[Any] | None, n: int) -> int:
    """How many of ``n`` are there."""
    if valid is None:
        return n
    if len(valid) != n:
        raise CorruptError(f"{len(valid)} entries are said to be there or not where {n} belong")
    is_there = valid.astype(bool)
    index = np.where(is_there, np.cumsum(is_there) - 1, -1)
    wraps.append(lambda inner: ak.contents.IndexedOptionArray(ak.index.Index64(index), inner))
    return int(is_there.sum())


def _numbers(it: Type, content: NDArray[Any], n: int) -> NDArray[Any]:
    size = n * int(np.prod(it.shape, dtype=object))
    if content.size != size:
        raise CorruptError(f"{content.size} numbers where {size} belong")
    return content.reshape(n, *it.shape).view(it.dtype.newbyteorder("="))
