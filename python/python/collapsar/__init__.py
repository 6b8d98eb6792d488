"""Compression of scientific rasters by small integer networks: lossless unless a bound is asked for, the same bytes on every machine.

Files: `compress`, `decompress`, `compress_file`, `decompress_file`, `open`. Arrays: `encode`, `decode`, `describe`, `Recipe`. What came
of it: `evaluate`. Stores: `collapsar.zarr.Collapsar`, `collapsar.numcodecs.Collapsar`.

>>> import collapsar, numpy as np
>>> frame = np.random.default_rng(1).poisson(900, (64, 64)).astype(np.uint16)
>>> chunk = collapsar.encode(frame)
>>> bool((collapsar.decode(chunk) == frame).all()), len(chunk) < frame.nbytes
(True, True)
"""

from collapsar._archive import Archive, LazyArray, open
from collapsar._arrays import compress, decode, decompress, describe, encode
from collapsar._collapsar import version as _version
from collapsar._files import Report, compress_file, decompress_file
from collapsar._header import Header
from collapsar._machine import devices, evaluate, models, set_threads
from collapsar._recipe import Recipe
from collapsar.errors import (
    ArgumentError,
    ChangedError,
    CorruptError,
    DeviceError,
    Error,
    FileError,
    InternalError,
    LimitError,
    MissingModelError,
    TruncatedError,
    UnsupportedError,
)

__version__ = _version()

__all__ = [
    "Archive",
    "ArgumentError",
    "ChangedError",
    "CorruptError",
    "DeviceError",
    "Error",
    "FileError",
    "Header",
    "InternalError",
    "LazyArray",
    "LimitError",
    "MissingModelError",
    "Recipe",
    "Report",
    "TruncatedError",
    "UnsupportedError",
    "__version__",
    "compress",
    "compress_file",
    "decode",
    "decompress",
    "decompress_file",
    "describe",
    "devices",
    "encode",
    "evaluate",
    "models",
    "open",
    "set_threads",
]
