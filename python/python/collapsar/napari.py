"""Compressed files in napari, which finds this by ``napari.yaml``: a layer for each array, decoded as it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from collapsar import _archive

__all__ = ["reader"]

Layer = tuple[_archive.LazyArray, dict[str, Any], str]


def reader(path: str | list[str]) -> Callable[[str | list[str]], list[Layer]]:
    """What reads these files: the arrays of each as images, called as the file calls them."""
    return _layers


def _layers(path: str | list[str]) -> list[Layer]:
    paths = [path] if isinstance(path, str) else path
    arrays = [array for each in paths for array in _archive.open(each)]
    return [(array, {"name": array.label or "array"}, "image") for array in arrays if array.ndim > 1 and array.size]
