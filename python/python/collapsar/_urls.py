"""Files by URLs of fsspec, such as ``s3://bucket/a.fits``: fetched whole, and written whole by one request."""

from __future__ import annotations

import errno
import inspect
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from tempfile import TemporaryDirectory
from typing import Any

from collapsar.errors import UnsupportedError

__all__ = ["fetched", "placed", "whole"]

_URL = re.compile(r"[a-z][a-z0-9+.-]+(://|::)")


def _is_url(path: str | os.PathLike[str]) -> bool:
    return isinstance(path, str) and _URL.match(path) is not None


def _found(url: str) -> tuple[Any, str]:
    """The file system, and what it calls the file."""
    import fsspec  # type: ignore[import-untyped, unused-ignore]

    system, name = fsspec.core.url_to_fs(url)
    return system, name


def _here(folder: str, name: str) -> str:
    return os.path.join(folder, os.path.basename(name.rstrip("/")) or "file")


@contextmanager
def fetched(path: str | os.PathLike[str]) -> Iterator[str]:
    """The path of a file that is here: of the file, or of a copy of what a URL names."""
    if not _is_url(path):
        os.stat(path)
        yield os.fspath(path)
        return
    system, name = _found(os.fspath(path))
    with TemporaryDirectory(prefix="collapsar-", ignore_cleanup_errors=True) as folder:
        system.get_file(name, _here(folder, name))
        yield _here(folder, name)


@contextmanager
def placed(path: str | os.PathLike[str], replace: bool) -> Iterator[str]:
    """A path that is to be written to. What a URL names gets the bytes after that, if nothing went wrong; what is there then is replaced
    if it may be, and by no race otherwise: the store is asked to create (``If-None-Match: *`` of S3).
    """
    system, name = _found(os.fspath(path)) if _is_url(path) else (None, os.fspath(path))
    if not replace and (system.exists(name) if system else os.path.lexists(name)):
        told = "exists already and is kept: give another name, or replace=True"
        raise FileExistsError(errno.EEXIST, told, os.fspath(path))
    if system is None:
        yield name
        return
    if not replace and "mode" not in inspect.signature(system.pipe_file).parameters:
        raise UnsupportedError(f"{type(system).__name__} can only write with replace=True")
    with TemporaryDirectory(prefix="collapsar-", ignore_cleanup_errors=True) as folder:
        yield _here(folder, name)
        with open(_here(folder, name), "rb") as file:
            data = file.read()
    system.pipe_file(name, data, **({} if replace else {"mode": "create"}))


@contextmanager
def whole(path: str | os.PathLike[str], replace: bool) -> Iterator[str]:
    """The same for what is written here: a path beside, whose file gets its name when it is whole and on the disk."""
    with placed(path, replace) as there:
        folder, name = os.path.split(os.path.abspath(there))
        temporary = os.path.join(folder, f".{name}.{os.urandom(8).hex()}.tmp")
        try:
            yield temporary
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            if replace or not hasattr(os, "link"):
                os.replace(temporary, there)
            else:
                os.link(temporary, there)  # does not replace what came there meanwhile
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
