"""Where columns come from: a TTree or RNTuple of uproot, a table of pyarrow, arrays by their names, or the path of a file of these."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from collapsar._pieces import needed
from collapsar.errors import ArgumentError

__all__ = ["Branch", "Source", "opened"]

_TREES = ("TTree", "ROOT::RNTuple")


class Branch(NamedTuple):
    """A column that is not read yet."""

    name: str
    #: The entries from one number to another.
    read: Callable[[int, int], Any]
    #: What it takes as numbers, where the source says so before it is read.
    n_bytes: int | None
    #: What it takes in the file that it lies in.
    n_bytes_stored: int | None


class Source(NamedTuple):
    """Columns of one length."""

    n_entries: int
    branches: list[Branch]
    #: Name and title of a TTree.
    tree: tuple[str, str] | None = None
    #: The schema of an Arrow table.
    schema: Any = None


@contextmanager
def opened(given: Any, tree: str | None = None) -> Iterator[Source]:
    """What was given, as columns; a file is closed after that."""
    if not isinstance(given, (str, os.PathLike)):
        yield _of(given)
        return
    path = os.fspath(given)
    if path.endswith((".parquet", ".parq", ".pq")):
        os.stat(path)
        with needed("pyarrow.parquet").ParquetFile(path) as file:
            yield _of_parquet(file)
        return
    uproot = needed("uproot")
    if tree is None and not os.path.exists(path):
        before, colon, after = path.rpartition(":")
        if colon and "://" not in path[len(before) :]:
            path, tree = before, after
    with uproot.open(path) as file:
        yield _of_tree(_tree_of(file, path, tree))


def _of(given: Any) -> Source:
    home = type(given).__module__.partition(".")[0]
    if home == "uproot" and getattr(given, "classname", None) in _TREES:
        return _of_tree(given)
    if home == "pyarrow" and hasattr(given, "schema") and hasattr(given, "num_rows"):
        return _of_arrow(given)
    if home == "pyarrow" and hasattr(given, "read_row_group"):
        return _of_parquet(given)
    if home == "awkward" and getattr(given, "fields", None):
        given = {name: given[name] for name in given.fields}
    if isinstance(given, Mapping):
        return _of_arrays(given)
    raise TypeError(f"columns are a TTree, a table of Arrow, a mapping of arrays or a path, not {type(given).__name__}")


def _of_arrays(given: Mapping[str, Any]) -> Source:
    arrays: dict[str, Any] = {}
    for name, array in given.items():
        if not isinstance(name, str):
            raise TypeError(f"{name!r} is no name of a column")
        is_array = isinstance(array, np.ndarray) or type(array).__module__.partition(".")[0] == "awkward"
        arrays[name] = array if is_array else np.asarray(array)
        if isinstance(arrays[name], np.ndarray) and arrays[name].ndim == 0:
            raise TypeError(f"column {name!r} has no entries: it is a single value")
    lengths = {len(array) for array in arrays.values()}
    if len(lengths) > 1:
        told = ", ".join(f"{name!r} has {len(array)}" for name, array in arrays.items())
        raise ArgumentError(f"columns of one table have as many entries as each other: {told}")

    def branch_of(name: str, array: Any) -> Branch:
        return Branch(name, lambda start, stop: array[start:stop], getattr(array, "nbytes", None), None)

    branches = [branch_of(name, array) for name, array in arrays.items()]
    return Source(lengths.pop() if lengths else 0, branches)


def _tree_of(file: Any, path: str, name: str | None) -> Any:
    if name is not None:
        return file[name]
    names = sorted(set(file.keys(filter_classname=lambda kind: kind in _TREES, cycle=False)))
    if len(names) != 1:
        told = (
            f"the trees {', '.join(names)}: name one, as in {path}:{names[0]}" if names else "no TTree and no RNTuple"
        )
        raise ArgumentError(f"{path} has {told}")
    return file[names[0]]


def _of_tree(tree: Any) -> Source:
    """The branches of a TTree or the fields of an RNTuple that have none below them."""
    is_tuple = tree.classname != "TTree"
    below = "fields" if is_tuple else "branches"
    leaves = [(path, leaf) for path, leaf in tree.iteritems(recursive=True) if not getattr(leaf, below)]
    paths: dict[str, set[str]] = {}
    for path, leaf in leaves:
        paths.setdefault(leaf.name, set()).add(path)
    seen: Counter[str] = Counter()

    def branch_of(path: str, leaf: Any) -> Branch:
        def read(start: int, stop: int) -> Any:
            return leaf.array(entry_start=start, entry_stop=stop, library="ak")

        if is_tuple:
            return Branch(path, read, None, None)
        name = leaf.name if len(paths[leaf.name]) == 1 else path
        seen[name] += 1  # a TTree may have two branches of one name
        name = name if seen[name] == 1 else f"{name};{seen[name]}"
        return Branch(name, read, leaf.uncompressed_bytes, leaf.compressed_bytes)

    title = tree.description if is_tuple else tree.title
    return Source(tree.num_entries, [branch_of(path, leaf) for path, leaf in leaves], (tree.name, title))


def _of_arrow(table: Any) -> Source:
    branches = [
        _of_column(field, table.column(at).nbytes, None, partial(table.column, at))
        for at, field in enumerate(_fields(table.schema))
    ]
    return Source(table.num_rows, branches, schema=table.schema)


def _of_parquet(file: Any) -> Source:
    said = file.metadata
    plain: Counter[str] = Counter()
    stored: Counter[str] = Counter()
    for group in map(said.row_group, range(said.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            name = column.path_in_schema.partition(".")[0]
            plain[name] += column.total_uncompressed_size
            stored[name] += column.total_compressed_size
    branches = [
        _of_column(field, plain[field.name], stored[field.name], partial(_read, file, field.name))
        for field in _fields(file.schema_arrow)
    ]
    return Source(said.num_rows, branches, schema=file.schema_arrow)


def _read(file: Any, name: str) -> Any:
    return file.read([name]).column(0)


def _fields(schema: Any) -> list[Any]:
    twice = [name for name, n in Counter(schema.names).items() if n > 1]
    if twice:
        raise ArgumentError(f"two columns are named {twice[0]!r}")
    return list(schema)


def _of_column(field: Any, n_bytes: int, n_bytes_stored: int | None, get: Callable[[], Any]) -> Branch:
    """A column of Arrow is in memory from the first of its entries that are read to the last."""
    kept: list[Any] = []

    def read(start: int, stop: int) -> Any:
        if stop == start:
            return needed("awkward").from_arrow(needed("pyarrow").array([], field.type))
        if start == 0 or not kept:
            column = get()
            kept[:] = [column.combine_chunks() if hasattr(column, "combine_chunks") else column]
        part = needed("awkward").from_arrow(kept[0].slice(start, stop - start))
        if stop == len(kept[0]):
            kept.clear()
        return part

    return Branch(field.name, read, n_bytes, n_bytes_stored)
