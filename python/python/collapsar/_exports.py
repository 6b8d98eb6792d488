"""Columns as tables of Arrow, Parquet files and TTrees, cluster by cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from collapsar._pieces import Type, needed
from collapsar.errors import ArgumentError

if TYPE_CHECKING:
    from collapsar._table import Table

__all__ = ["to_arrow", "to_parquet", "to_root"]


def to_arrow(table: Table, schema: Any, start: int | None = None, stop: int | None = None) -> Any:
    """Entries as a table of pyarrow."""
    pyarrow, ak = needed("pyarrow"), needed("awkward")
    schema = schema or _schema(pyarrow, table)
    columns = []
    for field in schema:
        array = ak.to_arrow(
            table.array(field.name, start, stop), extensionarray=False, list_to32=True, string_to32=True
        )
        columns.append(array if array.type == field.type else array.cast(field.type))
    return pyarrow.Table.from_arrays(columns, schema=schema)


def to_parquet(table: Table, schema: Any, path: str | os.PathLike[str], keywords: dict[str, Any]) -> None:
    """Writes a Parquet file."""
    parquet = needed("pyarrow.parquet")
    schema = schema or _schema(needed("pyarrow"), table)
    with parquet.ParquetWriter(path, schema, **keywords) as file:
        for start in range(0, table.n_entries, table.cluster):
            file.write_table(to_arrow(table, schema, start, start + table.cluster))


def _schema(pyarrow: Any, table: Table) -> Any:
    """Of columns that did not come from Arrow; every value of them may be missing."""
    return pyarrow.schema([(name, _arrow_type(pyarrow, column.type)) for name, column in table._columns.items()])


def _arrow_type(pyarrow: Any, it: Type) -> Any:
    out = getattr(pyarrow, {"string": "string", "bytes": "binary"}.get(it.leaf, ""), None)
    out = out() if out else pyarrow.from_numpy_dtype(it.dtype)
    for size in reversed(it.shape):
        out = pyarrow.list_(out, size)
    for _ in range(it.n_lists):
        out = pyarrow.list_(out)
    return out


def to_root(table: Table, path: str | os.PathLike[str], tree: str, title: str, keywords: dict[str, Any]) -> None:
    """Writes a TTree. Columns of a group that has a counter of its own are a record of lists, of which uproot makes branches."""
    uproot, ak = needed("uproot"), needed("awkward")
    counters, groups = _groups(table)
    types: dict[str, Any] = {}
    for name, column in table._columns.items():
        if name not in counters and not any(name in fields for fields in groups.values()):
            types[name] = _root_type(name, column.type, column.has_missing)
    for group, fields in groups.items():
        inner = ", ".join(f'"{name[len(group) + 1 :]}": {table._columns[name].type.leaf}' for name in fields)
        types[group] = f"var * {{{inner}}}"
    with uproot.recreate(path, **keywords) as file:
        out = file.mktree(tree, types, title=title)
        for start in range(0, table.n_entries, table.cluster):
            stop = start + table.cluster
            data = {name: table.array(name, start, stop) for name in types if name not in groups}
            for group, fields in groups.items():
                data[group] = ak.zip({name[len(group) + 1 :]: table.array(name, start, stop) for name in fields})
            out.extend(data)


def _root_type(name: str, it: Type, has_missing: bool) -> Any:
    if it.leaf == "string" and not it.n_lists and not has_missing:
        return "string"
    is_number = not it.is_text and it.dtype.kind in "biuf" and it.leaf != "float16"
    if has_missing or not is_number or it.n_lists > 1 or (it.n_lists and it.shape):
        told = f"{it} with missing values" if has_missing else str(it)
        raise TypeError(f"column {name!r} is {told}, which a TTree has not: exclude it, or write Parquet")
    return f"var * {it.leaf}" if it.n_lists else np.dtype((it.leaf, it.shape))


def _groups(table: Table) -> tuple[set[str], dict[str, list[str]]]:
    """Branches that are written as the counters of others; and columns by the group whose counter they share."""
    columns = table._columns
    lists = [name for name, column in columns.items() if column.type.n_lists == 1 and not column.type.is_text]
    counters: set[str] = set()
    groups: dict[str, list[str]] = {}
    for name, column in columns.items():
        if not name.startswith("n") or column.type.n_lists or column.type.dtype not in (np.uint32, np.int32):
            continue
        # the same pieces are stored once: the same place is the same numbers
        said = [places[-1] for places in column.places]
        fields = [n for n in lists if n.startswith(name[1:] + "_") and columns[n].counts == said]
        if name[1:] in lists:
            if columns[name[1:]].counts != said:
                raise ArgumentError(
                    f"a TTree counts {name[1:]!r} by {name!r}, and here it says something else: exclude it"
                )
            counters.add(name)
        elif fields:
            counters.add(name)
            groups[name[1:]] = [n for n in fields if not any(n in other for other in groups.values())]
    return counters, groups
