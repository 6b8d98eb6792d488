"""How a file of columns is written: pieces of columns, cluster by cluster, become chunks; `_table` says where they lie and reads them."""

from __future__ import annotations

import base64
import json
import zipfile
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np

from collapsar import _arrays, _collapsar
from collapsar._pieces import Type, needed, pieces_of
from collapsar._policy import LOSSLESS, Policy, Rule
from collapsar._sources import Branch, Source
from collapsar._table import AS_BYTES, FORMAT, MANIFEST, MANIFEST_LIMIT, VERSION
from collapsar.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from collapsar._table import Place

__all__ = ["written"]

#: Pieces below it share a chunk, which costs some 150 bytes whatever is in it.
_SMALL = 1 << 12
#: Such a chunk is closed when it has this many bytes, so that a column of it is soon decoded.
_SHARED = 1 << 16
#: Chunks that wait until those before them are coded.
_N_WAITING = 16


def written(
    file: IO[bytes],
    source: Source,
    policy: Policy,
    level: int | None,
    cluster: int,
    unsupported: Literal["refuse", "exclude"],
) -> None:
    """Writes a table into a file that is open."""
    if not 1 <= cluster <= 1 << 30:
        raise ArgumentError(f"cluster={cluster} is out of range")
    if unsupported not in ("refuse", "exclude"):
        raise ArgumentError(f"unsupported={unsupported!r} is not one of 'refuse' and 'exclude'")
    types, excluded = _types(source, policy, unsupported)
    with zipfile.ZipFile(file, "w") as into:
        with ThreadPoolExecutor(_collapsar.n_threads()) as pool:
            chunks = _Chunks(into, level, pool)
            columns = [
                _column(chunks, branch, types[branch.name], policy.rule(branch.name), source.n_entries, cluster)
                for branch in source.branches
                if branch.name in types
            ]
            chunks.close()
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "n_entries": source.n_entries,
            "cluster": cluster,
            "tree": source.tree,
            "schema": _schema(source, types),
            "columns": columns,
            "excluded": [[branch.name, branch.n_bytes or 0, branch.n_bytes_stored] for branch in excluded],
        }
        data = json.dumps(manifest, separators=(",", ":")).encode()
        if len(data) > MANIFEST_LIMIT:
            raise ArgumentError("there are too many columns and clusters: give a larger cluster=")
        into.writestr(_member(MANIFEST, zipfile.ZIP_DEFLATED), data, compresslevel=9)


def _types(
    source: Source, policy: Policy, unsupported: Literal["refuse", "exclude"]
) -> tuple[dict[str, Type], list[Branch]]:
    """Types of the branches to be written, and the branches not to be; refuses what cannot be kept before anything is coded."""
    types: dict[str, Type] = {}
    excluded: list[Branch] = []
    refused: list[str] = []
    for branch in source.branches:
        if policy.rule(branch.name).kind == "exclude":
            excluded.append(branch)
            continue
        try:
            types[branch.name] = pieces_of(branch.read(0, 0))[0]
        except (ImportError, OSError, MemoryError):
            raise
        except Exception as error:  # of uproot, awkward or Arrow, of many kinds
            excluded.append(branch)
            refused.append(f"{branch.name!r} ({' '.join(str(error).split())[:120]})")
    if refused and unsupported == "refuse":
        rest = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
        raise TypeError(
            f"branches that cannot be kept: {', '.join(refused[:3])}{rest}; exclude them by the policy, or all by "
            "unsupported='exclude'"
        )
    text = np.dtype("S1")
    dtypes = {branch.name: None for branch in excluded} | {
        name: text if it.is_text else it.dtype for name, it in types.items()
    }
    policy.check(dtypes)
    return types, excluded


def _schema(source: Source, types: dict[str, Type]) -> str | None:
    """Of the columns that are there, as Arrow writes it."""
    if source.schema is None:
        return None
    kept = needed("pyarrow").schema([field for field in source.schema if field.name in types], source.schema.metadata)
    return base64.b64encode(kept.serialize().to_pybytes()).decode()


def _column(chunks: _Chunks, branch: Branch, it: Type, rule: Rule, n_entries: int, cluster: int) -> dict[str, Any]:
    if it.is_text or not rule.takes(it.dtype):
        rule = LOSSLESS
    places: list[list[Place]] = []
    for number, start in enumerate(range(0, n_entries, cluster)):
        stop = min(n_entries, start + cluster)
        try:
            found, pieces = pieces_of(branch.read(start, stop))
        except TypeError as error:
            raise TypeError(f"branch {branch.name!r}, entries {start} to {stop}: {error}") from error
        if found != it:
            raise TypeError(f"branch {branch.name!r}: entries {start} to {stop} are {found}, others {it}")
        rules = [LOSSLESS] * (len(pieces) - 1) + [rule]
        places.append([chunks.push(piece, rule, number) for piece, rule in zip(pieces, rules)])
    stored = {} if branch.n_bytes_stored is None else {"stored": branch.n_bytes_stored}
    return {"name": branch.name, "type": str(it), "policy": str(rule), **stored, "pieces": places}


def _member(name: str, method: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
    """A member that says nothing of today or of this system."""
    member = zipfile.ZipInfo(name)
    member.compress_type, member.create_system, member.external_attr = method, 3, 0o644 << 16
    return member


class _Chunks:
    """Pieces as members of a ZIP. They are coded side by side, since many are too small for one call to share out, and written in the
    order in which they came."""

    def __init__(self, into: zipfile.ZipFile, level: int | None, pool: ThreadPoolExecutor) -> None:
        self.into, self.level, self.pool, self.n_chunks = into, level, pool, 0
        self.coding: deque[Future[tuple[str, bytes]]] = deque()
        self.places: dict[tuple[int, Rule, bytes], Place] = {}
        #: By cluster, dtype and rule: number of the chunk, bytes in it, pieces.
        self.shared: dict[tuple[int, str, Rule], tuple[int, list[int], list[NDArray[Any]]]] = {}

    def push(self, piece: NDArray[Any] | None, rule: Rule, cluster: int) -> Place:
        """Where it is."""
        if piece is None or not piece.size:
            return None
        # by their bits: the lengths of lists are often a branch too, of another dtype
        key = piece.dtype.itemsize, rule, blake2b(_arrays.flat(piece).data, digest_size=20).digest()
        if key not in self.places:
            self.places[key] = self._push(piece, rule, cluster)
        return self.places[key]

    def _push(self, piece: NDArray[Any], rule: Rule, cluster: int) -> Place:
        if piece.nbytes >= _SMALL:
            self._write(self._numbered(), piece, rule)
            return self.n_chunks - 1, 0, piece.size
        key = cluster, piece.dtype.str, rule
        if key not in self.shared:
            self.shared[key] = self._numbered(), [0], []
        chunk, [n_bytes], pieces = self.shared[key]
        pieces.append(piece.reshape(-1))
        self.shared[key][1][0] += piece.nbytes
        if n_bytes + piece.nbytes >= _SHARED:
            self._close(key)
        return chunk, n_bytes // piece.dtype.itemsize, piece.size

    def _numbered(self) -> int:
        self.n_chunks += 1
        return self.n_chunks - 1

    def _close(self, key: tuple[int, str, Rule]) -> None:
        chunk, _, pieces = self.shared.pop(key)
        self._write(chunk, np.concatenate(pieces), key[2])

    def close(self) -> None:
        """Writes what waits for more."""
        for key in list(self.shared):
            self._close(key)
        while self.coding:
            self._written()

    def _write(self, chunk: int, samples: NDArray[Any], rule: Rule) -> None:
        self.coding.append(self.pool.submit(_coded, str(chunk), samples, self.level, rule))
        if len(self.coding) > _N_WAITING:
            self._written()

    def _written(self) -> None:
        name, data = self.coding.popleft().result()
        self.into.writestr(_member(name), data)


def _coded(name: str, samples: NDArray[Any], level: int | None, rule: Rule) -> tuple[str, bytes]:
    """Name and content of a member."""
    data = _arrays.encode(samples, level, **rule.bound)
    kept = _arrays.decode(data, np.empty_like(samples)) if rule.bound else samples
    as_bytes = _arrays.compress(kept.tobytes(), level)
    return (name + AS_BYTES, as_bytes) if len(as_bytes) < len(data) else (name, data)
