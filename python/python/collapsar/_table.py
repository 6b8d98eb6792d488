"""The file of columns, and how it is read in parts; `_clusters` writes it.

    manifest.json  =  {format, version, n_entries, cluster, tree, schema, columns: [{name, type, policy, stored, pieces}]}
    pieces         =  for each cluster the pieces of `_pieces`, each [chunk, first sample, number of samples], or null

Chunks are members of the ZIP, named by their numbers: ``7`` as `collapsar.encode` writes it, or ``7.bytes``, its samples by
`collapsar.compress`, where that is smaller, as where whole rows come again. Pieces that are alike are stored once. Small ones of one
cluster, dtype and bound lie one after another in a chunk.
"""

from __future__ import annotations

import base64
import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from collapsar import _arrays, _exports, _urls
from collapsar._audit import Audit, Row
from collapsar._pieces import Type, joined, needed
from collapsar._policy import parsed
from collapsar.errors import CorruptError, Error, LimitError, UnsupportedError

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray
    from typing_extensions import Self

    #: Chunk, first sample, number of samples; None where there are none.
    Place: TypeAlias = tuple[int, int, int] | None

__all__ = ["Table"]

FORMAT, VERSION = "collapsar columns", 1
MANIFEST, AS_BYTES = "manifest.json", ".bytes"
#: Chunks up to this size, lengths of lists among them, are kept when they were decoded: so many.
_KEPT_BYTES, _N_KEPT = 1 << 19, 64
MANIFEST_LIMIT = 1 << 28


class Table:
    """A file of columns that is open: ``table["pt"]`` is a column, ``table.array("pt", 1000, 2000)`` a part of it, of which the clusters
    it touches are decoded. Numbers are arrays of NumPy; lists, text, and what is missing in parts are arrays of awkward.
    """

    #: Chunks that were decoded for what was read so far.
    n_chunks_decoded: int
    #: Entries of every column.
    n_entries: int
    #: Entries that are coded together.
    cluster: int

    def __init__(
        self,
        file: str | os.PathLike[str] | IO[bytes] | io.IOBase,
        max_memory: int | None = None,
        name: str | None = None,
    ) -> None:
        self._label = name or (os.fspath(file) if isinstance(file, (str, os.PathLike)) else "the file")
        self._max_memory, self.n_chunks_decoded = max_memory, 0
        self._kept: dict[int, NDArray[Any]] = {}
        with _blamed(self._label):
            self._zip = zipfile.ZipFile(file)  # type: ignore[arg-type, unused-ignore]
        try:
            with _blamed(self._label):
                self._parse()
        except BaseException:
            self._zip.close()
            raise

    def _parse(self) -> None:
        said = self._zip.getinfo(MANIFEST)
        if said.file_size > MANIFEST_LIMIT:
            raise LimitError(f"a manifest of {said.file_size} bytes")
        manifest = json.loads(self._zip.read(said))
        if manifest["format"] != FORMAT:
            raise CorruptError("it is no file of columns")
        if manifest["version"] != VERSION:
            raise UnsupportedError(f"{self._label}: version {manifest['version']}, this package knows {VERSION}")
        self.n_entries, self.cluster = _whole(manifest["n_entries"]), max(1, _whole(manifest["cluster"]))
        self._tree, self._schema, self._excluded = manifest["tree"], manifest["schema"], manifest["excluded"]
        n_clusters = -(-self.n_entries // self.cluster)
        self._columns = {column["name"]: _Column(column, n_clusters) for column in manifest["columns"]}

    def keys(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self._columns)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __len__(self) -> int:
        return len(self._columns)

    def __getitem__(self, name: str) -> Any:
        return self.array(name)

    def type(self, name: str) -> str:
        """What an entry of a column is, as awkward writes it: ``var * float32``."""
        return str(self._columns[name].type)

    def array(self, name: str, entry_start: int | None = None, entry_stop: int | None = None) -> Any:
        """The entries of a column from one number to another, counted as slices count."""
        column = self._columns[name]
        if self._zip.fp is None:
            raise ValueError(f"{self._label} is closed")
        start, stop, _ = slice(entry_start, entry_stop).indices(self.n_entries)
        parts = []
        with _blamed(f"column {name!r} of {self._label}"):
            for number in range(start // self.cluster, -(-max(start, stop) // self.cluster)):
                first = number * self.cluster
                n = min(self.cluster, self.n_entries - first)
                part = joined(column.type, self._pieces(column, number), n, column.is_awkward)
                parts.append(part[max(0, start - first) : stop - first])
            if not parts:
                return joined(column.type, [None] * len(column.type.dtypes), 0, column.is_awkward)
        if len(parts) == 1:
            return parts[0]
        return needed("awkward").concatenate(parts) if column.is_awkward else np.concatenate(parts)

    def _pieces(self, column: _Column, cluster: int) -> list[NDArray[Any] | None]:
        pieces = [
            None if place is None else self._piece(place, dtype)
            for place, dtype in zip(column.places[cluster], column.type.dtypes)
        ]
        content, n_bits = pieces[-1], column.n_restored_from
        if content is not None and n_bits is not None:
            pieces[-1] = _arrays.restored(content, n_bits)
        return pieces

    def _piece(self, place: tuple[int, int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
        chunk, start, n = place
        samples = self._kept.get(chunk)
        if samples is None:
            samples = self._decoded(chunk, dtype)
        if samples.dtype.itemsize != dtype.itemsize or start + n > samples.size:
            raise CorruptError(f"chunk {chunk} has {samples.size} samples of {samples.dtype}")
        return samples[start : start + n].view(dtype)

    def _decoded(self, chunk: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        name = str(chunk)
        is_encoded = name in self._zip.NameToInfo
        said = self._zip.getinfo(name if is_encoded else name + AS_BYTES)
        if said.compress_type != zipfile.ZIP_STORED:
            raise CorruptError(f"chunk {chunk} is not stored as it is")
        data = self._zip.read(said)
        if is_encoded:
            samples = _arrays.decode(data, max_memory=self._max_memory).reshape(-1)
            samples = np.ascontiguousarray(samples, samples.dtype.newbyteorder("<"))
        else:
            samples = np.frombuffer(_arrays.decompress(data, max_memory=self._max_memory), dtype)
        self.n_chunks_decoded += 1
        if samples.nbytes <= _KEPT_BYTES:
            if len(self._kept) >= _N_KEPT:
                self._kept.pop(next(iter(self._kept)))
            samples.flags.writeable = False
            self._kept[chunk] = samples
        return samples

    def audit(self) -> Audit:
        """What every column took and takes."""
        with _blamed(self._label):
            members = (said for said in self._zip.infolist() if said.filename != MANIFEST)
            sizes = {int(said.filename.removesuffix(AS_BYTES)): said.compress_size for said in members}
            rows = _rows(self._columns, sizes)
            rows += [Row(name, "", "exclude", before, stored, 0) for name, before, stored in self._excluded]
        return Audit(rows, self._n_bytes())

    def _n_bytes(self) -> int:
        file: Any = self._zip.fp
        return int(file.seek(0, io.SEEK_END))

    def to_arrow(self, entry_start: int | None = None, entry_stop: int | None = None) -> Any:
        """A table of pyarrow, of the types that it had if it came from one."""
        return _exports.to_arrow(self, self._arrow_schema(), entry_start, entry_stop)

    def to_parquet(self, path: str | os.PathLike[str], *, replace: bool = False, **keywords: Any) -> None:
        """Writes a Parquet file, a row group for each cluster. A file of that name is kept unless ``replace=True``; other keywords are
        those of ``pyarrow.parquet.ParquetWriter``.
        """
        with _urls.whole(path, replace) as there:
            _exports.to_parquet(self, self._arrow_schema(), there, keywords)

    def to_root(
        self, path: str | os.PathLike[str], tree: str | None = None, *, replace: bool = False, **keywords: Any
    ) -> None:
        """Writes a ROOT file with a TTree. A file of that name is kept unless ``replace=True``; other keywords are those of
        ``uproot.recreate``. Branches of lists that have the same lengths as a branch says (``nMuon`` those of ``Muon_pt`` and
        ``Muon_eta``) share it as their counter. Lists of lists, missing values, dates and halves are a TypeError: a TTree has none.
        """
        name, title = self._tree or ("tree", "")
        with _urls.whole(path, replace) as there:
            _exports.to_root(self, there, tree or name, title, keywords)

    def _arrow_schema(self) -> Any:
        if self._schema is None:
            return None
        pyarrow = needed("pyarrow")
        with _blamed(self._label):
            return pyarrow.ipc.read_schema(pyarrow.py_buffer(base64.b64decode(self._schema)))

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<collapsar.columns.Table {self._label!r}: {self.n_entries} entries, {len(self)} columns>"


class _Column:
    """A column of a manifest."""

    def __init__(self, said: dict[str, Any], n_clusters: int) -> None:
        self.type, self.policy, self.stored = Type.parse(said["type"]), str(said["policy"]), said.get("stored")
        #: What is restored is so in whole clusters, so that parts of a column are the same in all of it.
        self.n_restored_from = parsed(self.policy).n_restored_from
        n_pieces = len(self.type.dtypes)
        self.places: list[list[Place]] = [[_place(place) for place in places] for places in said["pieces"]]
        if len(self.places) != n_clusters or any(len(places) != n_pieces for places in self.places):
            raise CorruptError(f"column {said['name']!r} has not the pieces of its type")
        valid = range(0, 2 * self.type.n_lists + 1, 2)
        #: Whether values or lists are missing.
        self.has_missing = any(places[at] is not None for places in self.places for at in valid)
        #: Whether it is more than numbers.
        self.is_awkward = self.type.n_lists > 0 or self.type.is_text or self.has_missing

    @property
    def counts(self) -> list[Place]:
        """Where the lengths of its outer lists are."""
        return [places[1] for places in self.places]


def _place(said: Any) -> Place:
    if said is None:
        return None
    chunk, start, n = map(_whole, said)
    return chunk, start, n


def _whole(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError(f"{number!r} is no count")
    return number


def _rows(columns: dict[str, _Column], sizes: dict[int, int]) -> list[Row]:
    """Pieces that share a chunk share its bytes, by the samples that they have of it; the first column that has a piece pays for it."""
    n_samples: dict[int, int] = {}
    for column in columns.values():
        for chunk, start, n in filter(None, (place for places in column.places for place in places)):
            n_samples[chunk] = max(n_samples.get(chunk, 0), start + n)
    paid: set[tuple[int, int, int]] = set()
    rows: list[Row] = []
    for name, column in columns.items():
        before = after = 0
        for places in column.places:
            for place, dtype in zip(places, column.type.dtypes):
                if place is None:
                    continue
                chunk, start, n = place
                before += n * dtype.itemsize
                if place not in paid:
                    paid.add(place)
                    size, of = sizes[chunk], n_samples[chunk]
                    after += size * (start + n) // of - size * start // of
        rows.append(Row(name, str(column.type), column.policy, before, column.stored, after))
    return rows


@contextmanager
def _blamed(what: str) -> Iterator[None]:
    """Says of damage where it is."""
    try:
        yield
    except CorruptError as error:
        raise type(error)(f"{what}: {error}") from error
    except Error:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error) as error:
        raise CorruptError(f"{what}: {error}") from error
    except (ImportError, FileNotFoundError, PermissionError, IsADirectoryError, MemoryError):
        raise
    except (LookupError, ValueError, TypeError, ArithmeticError, RuntimeError, AttributeError, OSError) as error:
        raise CorruptError(f"{what}: {error}") from error
