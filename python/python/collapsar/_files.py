"""Files by their paths, or by URLs of fsspec."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NamedTuple

from collapsar import _collapsar, _options, _urls

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Report", "compress_file", "decompress_file"]


class Report(NamedTuple):
    """What came of compressing a file."""

    n_bytes_in: int
    n_bytes_out: int
    n_arrays: int
    is_lossless: bool
    #: The largest difference over all samples that are finite and no fill values; 0 where nothing was lost.
    largest_error: float
    #: A sentence where something is worth knowing.
    note: str | None


def compress_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    level: int | None = None,
    *,
    replace: bool = False,
    **keywords: Unpack[_options.FileCoding],
) -> Report:
    """Compresses ``source`` into the file ``target``, which is there when it is whole and not before. A file of that name is kept
    unless ``replace=True``. Keywords are those of `compress`. A source that changes while it is read raises `ChangedError`. URLs of
    fsspec, such as ``s3://bucket/a.fits``, are fetched whole and written whole.

    >>> import collapsar, numpy as np, os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> a, b = os.path.join(folder.name, "a.npy"), os.path.join(folder.name, "a.npy.clps")
    >>> np.save(a, np.arange(4096, dtype=np.uint16).reshape(64, 64))
    >>> report = collapsar.compress_file(a, b, level=1)
    >>> report.n_arrays, report.is_lossless
    (1, True)
    >>> collapsar.decompress_file(b, a, replace=True)
    >>> int(np.load(a).max())
    4095
    >>> folder.cleanup()
    """
    encoding = _options.encoding(level, **keywords)
    with _urls.fetched(source) as here, _urls.placed(target, replace) as there:
        return Report(*_collapsar.compress_file(here, there, encoding, replace))


def decompress_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    replace: bool = False,
    weights: _options.Weights = (),
    device: Literal["cpu", "gpu"] = "cpu",
    max_memory: int | None = None,
) -> None:
    """Decompresses ``source`` into the file ``target``, as `compress_file` writes one; it has an example."""
    decoding = _options.decoding(weights, device, max_memory)
    with _urls.fetched(source) as here, _urls.placed(target, replace) as there:
        _collapsar.decompress_file(here, there, decoding, replace)
