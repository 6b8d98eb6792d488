"""What is at hand, and how much of it is used."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from collapsar import _arrays, _collapsar
from collapsar.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["devices", "evaluate", "models", "set_threads"]

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_collapsar.forget_threads)


def models() -> list[dict[str, Any]]:
    """The networks that are built in: what ``collapsar models`` lists.

    >>> import collapsar
    >>> sorted(collapsar.models()[0])
    ['blake3', 'default', 'family', 'mac_per_cell', 'name', 'superseded']
    """
    return _collapsar.models()


def devices() -> list[dict[str, Any]]:
    """The CPU, and every GPU that a driver shows; software renderers say ``hardware: False``.

    >>> import collapsar
    >>> collapsar.devices()[0]["kind"]
    'cpu'
    """
    return _collapsar.devices()


def set_threads(n: int | None) -> None:
    """All work of this process that begins after this shares so many threads; None is one per core, which is so unless this is
    called. No byte depends on it.

    >>> import collapsar
    >>> collapsar.set_threads(2)
    >>> collapsar.set_threads(None)
    """
    if n is not None and n < 1:
        raise ArgumentError(f"{n} threads do no work: give 1 or more, or None")
    _collapsar.set_threads(0 if n is None else n)


def evaluate(before: ArrayLike | str | os.PathLike[str], after: ArrayLike | str | os.PathLike[str]) -> dict[str, Any]:
    """How far ``after`` is from ``before``: what ``collapsar eval --json`` prints. Of two arrays of one dtype and shape, the figures
    of one array; of two paths (a file, and what it became), those of all arrays of the files. A figure that is infinite is None.

    >>> import collapsar, numpy as np
    >>> field = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    >>> quality = collapsar.evaluate(field, collapsar.decode(collapsar.encode(field, abs=0.01)))
    >>> 0 < quality["largest"] <= 0.01, quality["psnr"] > 40
    (True, True)
    """
    if isinstance(before, (str, os.PathLike)) and isinstance(after, (str, os.PathLike)):
        os.stat(before), os.stat(after)
        told = _collapsar.evaluate_files(before, after)
    else:
        if isinstance(before, (str, os.PathLike)) or isinstance(after, (str, os.PathLike)):
            raise TypeError("two arrays or two paths are compared, not one of each")
        one, other = _arrays.plain(before), _arrays.plain(after)
        (name, big_endian, shape), (other_name, *_) = _arrays.described(one), _arrays.described(other)
        if (name, one.shape) != (other_name, other.shape):
            raise ArgumentError(f"{one.dtype} of {one.shape} cannot be held against {other.dtype} of {other.shape}")
        other = other.astype(one.dtype, copy=False)
        told = _collapsar.evaluate(_arrays.flat(one), _arrays.flat(other), (name, big_endian, shape))
    figures: dict[str, Any] = json.loads(told)
    return figures
