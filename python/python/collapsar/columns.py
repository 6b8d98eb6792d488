"""Tables of columns, from ROOT files by uproot, from Parquet and Arrow by pyarrow, or from arrays:

    a file  =  a ZIP, in which `manifest.json` names the columns, and every other member is a chunk of numbers

A column is coded in clusters of entries, lists apart from their lengths. A policy says by globs of names what may be lost; without one
nothing is.

>>> import numpy as np
>>> from collapsar import columns
>>> rng = np.random.default_rng(1)
>>> table = {"pt": rng.exponential(30, 5000).astype("f4"), "charge": rng.choice([-1, 1], 5000).astype("i4")}
>>> packed = columns.compress(table, {"pt": "mantissa = 10"})
>>> again = columns.open(packed)
>>> again.keys(), bool((again["charge"] == table["charge"]).all()), bool(np.allclose(again["pt"], table["pt"], rtol=2**-11))
(['pt', 'charge'], True, True)
>>> [(row.branch, row.policy, row.n_bytes_before) for row in again.audit()]
[('pt', 'mantissa = 10', 20000), ('charge', 'lossless', 20000)]
"""

from __future__ import annotations

import builtins
import io
import os
from typing import TYPE_CHECKING, Any, Literal

from collapsar import _urls
from collapsar._audit import Audit, Row
from collapsar._clusters import written
from collapsar._policy import Policy, Rule
from collapsar._sources import opened
from collapsar._table import Table

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Audit", "Policy", "Row", "Rule", "Table", "compress", "compress_file", "open"]

#: Entries that are coded together, unless it is said otherwise.
CLUSTER = 1 << 16


def compress(
    source: Any,
    policy: Any = None,
    *,
    tree: str | None = None,
    level: int | None = None,
    cluster: int = CLUSTER,
    unsupported: Literal["refuse", "exclude"] = "refuse",
) -> bytes:
    """A table as the bytes of a file that `open` reads. The module has an example.

    ``source`` is a TTree or RNTuple of uproot, a table of pyarrow, a mapping of names to arrays of NumPy or awkward, or the path of a
    ROOT or Parquet file; ``tree`` names the tree of a ROOT file that has several, as does ``path:tree``. ``policy`` is a mapping of
    globs to rules, a list of (glob, rule), or the path of a TOML or JSON file of such; the first glob that matches a branch counts.
    Rules are ``lossless``, ``mantissa = N``, ``restore = N``, ``abs = X`` and ``exclude``; branches that no glob matches are lossless. ``level`` is
    that of `collapsar.encode`. ``cluster`` entries are coded together. Branches that are neither numbers nor lists of them nor text
    raise a TypeError unless they are excluded, or ``unsupported="exclude"`` leaves them out.
    """
    file = io.BytesIO()
    with opened(source, tree) as table:
        written(file, table, Policy.of(policy), level, cluster, unsupported)
    return file.getvalue()


def compress_file(
    source: Any,
    target: str | os.PathLike[str],
    policy: Any = None,
    *,
    replace: bool = False,
    tree: str | None = None,
    level: int | None = None,
    cluster: int = CLUSTER,
    unsupported: Literal["refuse", "exclude"] = "refuse",
) -> Audit:
    """The same into a file, which is there when it is whole and not before. A file of that name is kept unless ``replace=True``.

    >>> import numpy as np, os, tempfile
    >>> from collapsar import columns
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "a.columns")
    >>> audit = columns.compress_file({"x": np.arange(1000), "y": np.zeros(1000)}, path, [("y", "exclude")])
    >>> with columns.open(path) as table:
    ...     table.keys(), table.array("x", 10, 13)
    (['x'], array([10, 11, 12]))
    >>> audit.total.n_bytes_before, audit.excluded.n_bytes_before
    (8000, 8000)
    >>> folder.cleanup()
    """
    rules = Policy.of(policy)
    with _urls.whole(target, replace) as there, opened(source, tree) as table:
        with builtins.open(there, "xb") as file:
            written(file, table, rules, level, cluster, unsupported)
        with Table(there) as done:
            return done.audit()


def open(  # noqa: A001
    file: str | os.PathLike[str] | Buffer | io.IOBase, *, max_memory: int | None = None
) -> Table:
    """Opens what `compress` or `compress_file` wrote: a path, bytes, or a file that is open. No number is decoded yet. The module has
    an example."""
    if isinstance(file, (str, os.PathLike)):
        with _urls.fetched(file) as here:
            return Table(here, max_memory, os.fspath(file))
    if isinstance(file, io.IOBase):
        return Table(file, max_memory)
    return Table(io.BytesIO(memoryview(file).cast("B")), max_memory)


def main(words: list[str]) -> int:
    """The command line: ``python -m collapsar columns --help``."""
    import argparse
    import sys

    parser = argparse.ArgumentParser(prog="collapsar columns", description="Columns of ROOT and Parquet files.")
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("compress", help="a ROOT or Parquet file into a file of columns")
    packing.add_argument("source", metavar="IN", help="a.root, a.root:tree or a.parquet")
    packing.add_argument("target", metavar="OUT")
    packing.add_argument("--policy", metavar="FILE", help="TOML or JSON: globs of branches and their rules")
    packing.add_argument("--tree", help="of a ROOT file that has several")
    packing.add_argument("--level", type=int, help="1 to 9")
    packing.add_argument("--exclude-unsupported", action="store_true", help="leave out what is no number, list or text")
    telling = commands.add_parser("audit", help="what every branch takes")
    telling.add_argument("file", metavar="FILE")
    unpacking = commands.add_parser("decompress", help="a file of columns into a ROOT or Parquet file")
    unpacking.add_argument("source", metavar="IN")
    unpacking.add_argument("target", metavar="OUT", help="a.root or a.parquet")
    for command in (packing, unpacking):
        command.add_argument("--replace", action="store_true", help="replace OUT")
    given = parser.parse_args(words)
    try:
        if given.command == "audit":
            with open(given.file) as table:
                print(table.audit())
        elif given.command == "compress":
            unsupported: Literal["refuse", "exclude"] = "exclude" if given.exclude_unsupported else "refuse"
            keywords: dict[str, Any] = {"tree": given.tree, "level": given.level, "unsupported": unsupported}
            print(compress_file(given.source, given.target, given.policy, replace=given.replace, **keywords))
        else:
            with open(given.source) as table:
                is_root = given.target.endswith(".root")
                (table.to_root if is_root else table.to_parquet)(given.target, replace=given.replace)
    except (OSError, ValueError, TypeError, LookupError, ImportError, MemoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0
