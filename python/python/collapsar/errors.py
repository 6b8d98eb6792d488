"""What can go wrong, each a kind of exception that Python code catches already.

>>> import collapsar
>>> try:
...     collapsar.decompress(b"no compressed file")
... except ValueError as error:
...     type(error).__name__
'CorruptError'
"""

__all__ = [
    "ArgumentError",
    "ChangedError",
    "CorruptError",
    "DeviceError",
    "Error",
    "FileError",
    "InternalError",
    "LimitError",
    "MissingModelError",
    "TruncatedError",
    "UnsupportedError",
]


class Error(Exception):
    """Every exception of this package that is not a plain ``ValueError``, ``TypeError`` or ``OSError`` of Python."""


class ArgumentError(Error, ValueError):
    """What was asked for makes no sense."""


class CorruptError(Error, ValueError):
    """The input contradicts itself, or a sum does not match."""


class TruncatedError(CorruptError):
    """The input ends before it should."""


class UnsupportedError(Error, ValueError):
    """The input is of a version, a dtype or a family that this build does not know."""


class LimitError(MemoryError, Error):  # in this order, or Dask cannot make one
    """The input asks for more memory than is allowed: give ``max_memory=``, or read a part."""


class MissingModelError(Error, LookupError):
    """A network that the input names is not at hand: the message has its hash, give the file of it with ``weights=``."""


class FileError(Error, OSError):
    """A file cannot be read or written."""


class ChangedError(FileError):
    """The input was written to, cut or replaced while it was read."""


class DeviceError(Error, RuntimeError):
    """No usable GPU, or one that does not give the answer of the CPU."""


class InternalError(Error, RuntimeError):
    """A mistake of ours; please report it. Nothing was written."""


# they are the package's own, and say so
for _name in __all__:
    globals()[_name].__module__ = "collapsar"
del _name
