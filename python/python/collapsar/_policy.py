"""What a policy says of branches: the first glob that matches a name gives its rule, and what no glob matches is lossless.

| rule | what is kept |
|---|---|
| `lossless` | every bit |
| `mantissa = N` | N bits of the mantissas of floats, rounded as by `encode(mantissa=N)` |
| `restore = N` | the same, and readers get floats that are spread over the intervals that rounding left |
| `abs = X` | numbers within X |
| `exclude` | nothing: the branch is not written |
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from collapsar import _options
from collapsar.errors import ArgumentError

__all__ = ["Policy", "Rule", "parsed"]

_WITH_NUMBER = ("mantissa", "restore", "abs")
_OF_FLOATS = ("mantissa", "restore")
_WORDS = ("lossless", "exclude")


class Rule(NamedTuple):
    """A word, and the number of ``mantissa``, ``restore`` and ``abs``."""

    kind: str
    number: float | int | None = None

    def __str__(self) -> str:
        return self.kind if self.number is None else f"{self.kind} = {self.number:g}"

    @property
    def bound(self) -> dict[str, Any]:
        """As keywords of `collapsar.encode`."""
        kind = "mantissa" if self.kind in _OF_FLOATS else self.kind
        return {} if self.number is None else {kind: self.number}

    @property
    def n_restored_from(self) -> int | None:
        """The bits of mantissas that are to be restored."""
        return int(self.number) if self.kind == "restore" and self.number is not None else None

    def takes(self, dtype: np.dtype[Any]) -> bool:
        """Whether the rule says something of such numbers: a mantissa is one of floats."""
        kinds = {"mantissa": "f", "restore": "f", "abs": "fiu"}.get(self.kind)
        return kinds is None or (dtype.kind in kinds and dtype.itemsize > (2 if dtype.kind == "f" else 0))


LOSSLESS = Rule("lossless")


class Policy:
    """Globs with their rules, in order."""

    def __init__(self, rules: list[tuple[str, Rule]]) -> None:
        self.rules = rules

    @classmethod
    def of(cls, given: Any) -> Policy:
        """From the path of a TOML or JSON file, a mapping, a list of (glob, rule), or None, which is lossless."""
        if isinstance(given, Policy):
            return given
        where = ""
        if isinstance(given, (str, os.PathLike)):
            where, given = f" of {os.fspath(given)}", _loaded(given)
        if given is None:
            return cls([])
        pairs = given.items() if isinstance(given, Mapping) else given
        if not isinstance(pairs, Iterable):
            raise TypeError(f"a policy is a path, a mapping or a list of (glob, rule), not {type(given).__name__}")
        rules: list[tuple[str, Rule]] = []
        for pair in pairs:
            if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[0], str):
                raise ArgumentError(f"policy{where}: {pair!r} is not (glob, rule)")
            rules.append((pair[0], _rule(pair[0], pair[1], where)))
        return cls(rules)

    def rule(self, name: str) -> Rule:
        """Of the first glob that matches."""
        return next((rule for glob, rule in self.rules if fnmatchcase(name, glob)), LOSSLESS)

    def check(self, dtypes: Mapping[str, np.dtype[Any] | None]) -> None:
        """Refuses globs that match none of these branches, or none that the rule can say something of; a branch that has no dtype
        takes any rule."""
        for glob, rule in self.rules:
            matched = [name for name in dtypes if fnmatchcase(name, glob)]
            if not matched:
                raise ArgumentError(f"the glob {glob!r} of the policy matches no branch")
            if not any(dtype is None or rule.takes(dtype) for dtype in map(dtypes.__getitem__, matched)):
                kind = "floats" if rule.kind in _OF_FLOATS else "numbers"
                raise ArgumentError(f"the glob {glob!r} of the policy says {rule} and matches no branch of {kind}")


def parsed(text: str) -> Rule:
    """What `str` of a rule gives."""
    kind, _, number = text.partition(" = ")
    return Rule(kind, float(number) if number else None)


def _rule(glob: str, given: Any, where: str) -> Rule:
    def refused(why: str) -> ArgumentError:
        return ArgumentError(f"policy{where}: {why} for {glob!r}; rules are lossless, mantissa = N, restore = N, abs = X, exclude")

    if isinstance(given, Rule):
        return given
    if isinstance(given, Mapping) and len(given) == 1:
        [(kind, number)] = given.items()
    elif isinstance(given, str):
        kind, _, text = (part.strip() for part in given.partition("="))
        try:
            number = json.loads(text) if text else None
        except ValueError:
            raise refused(f"{given!r} has no number") from None
    else:
        raise refused(f"{given!r} is no rule")
    if kind in _WORDS and number in (None, True):
        return Rule(kind)
    if kind not in _WITH_NUMBER:
        raise refused(f"{given!r} is no rule")
    try:
        kept = "mantissa" if kind in _OF_FLOATS else kind
        _, number = _options.loss({kept: number}) or ("", None)
        _options.encoding(None, **{kept: number})  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise refused(str(error)) from None
    if number is None:
        raise refused(f"{kind!r} has no number")
    return Rule(kind, number)


def _loaded(path: str | os.PathLike[str]) -> Any:
    with open(path, "rb") as file:
        data = file.read()
    try:
        if os.fspath(path).endswith(".json"):
            return json.loads(data, object_pairs_hook=_pairs)
        try:
            import tomllib
        except ImportError:
            raise ArgumentError(f"{os.fspath(path)}: TOML needs Python 3.11; write the policy as .json") from None
        return tomllib.loads(data.decode())
    except ArgumentError:
        raise
    except ValueError as error:
        raise ArgumentError(f"policy of {os.fspath(path)}: {error}") from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ArgumentError("a policy names a glob twice")
    return dict(pairs)
