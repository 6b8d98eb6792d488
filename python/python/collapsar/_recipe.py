"""Recipes: decisions that are made once and used for many arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from collapsar import _arrays, _collapsar, _options

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["Recipe"]


class Recipe:
    """What was decided for arrays of a kind (dtype, rows, columns), to be used for others of it: of one camera, of one simulation.
    Nothing is searched or fitted then, which is most of the work of small arrays. Readers need no recipe, but one that carries weights.

    >>> import collapsar, numpy as np, pickle
    >>> frames = [np.random.default_rng(i).poisson(900, (64, 64)).astype(np.uint16) for i in range(3)]
    >>> recipe = collapsar.Recipe.learn(frames[:2])
    >>> chunk = collapsar.encode(frames[2], recipe=recipe)
    >>> bool((collapsar.decode(chunk) == frames[2]).all())
    True
    >>> collapsar.Recipe.from_bytes(recipe.to_bytes()) == pickle.loads(pickle.dumps(recipe)) == recipe
    True
    """

    __slots__ = ("_native", "_weights")
    _native: _collapsar.Recipe
    _weights: list[bytes]

    def __init__(self) -> None:
        raise TypeError("a recipe is learned from arrays, or read: Recipe.learn([...]), Recipe.from_bytes(bytes)")

    @classmethod
    def _of(cls, native: _collapsar.Recipe, weights: list[bytes]) -> Recipe:
        recipe = object.__new__(cls)
        recipe._native, recipe._weights = native, weights
        return recipe

    @classmethod
    def learn(
        cls, arrays: Iterable[ArrayLike], level: int | None = None, **keywords: Unpack[_options.Coding]
    ) -> Recipe:
        """What a search decides for these arrays; of several of one kind the first decides. Keywords are those of `encode`: a recipe
        for arrays with a bound is learned with that bound.
        """
        if isinstance(arrays, np.ndarray):
            arrays = [arrays]
        plain = [_arrays.plain(array) for array in arrays]
        if not plain:
            raise ValueError("there is nothing to learn from: give an array")
        weights = _options.loaded(keywords.get("weights", ()))
        keywords["weights"] = weights
        encoding = _options.encoding(level, **keywords)
        pairs: list[tuple[Any, Any]] = [(_arrays.flat(array), _arrays.described(array)) for array in plain]
        return cls._of(_collapsar.Recipe.learn(pairs, encoding), weights)

    @classmethod
    def from_bytes(cls, data: bytes, weights: _options.Weights = ()) -> Recipe:
        """What `to_bytes` gave, or the commands ``collapsar compress --learn-recipe`` and ``collapsar adapt``."""
        loaded = _options.loaded(weights)
        return cls._of(_collapsar.Recipe.from_bytes(bytes(data), loaded), loaded)

    def to_bytes(self) -> bytes:
        """Some hundred bytes, and the weights that it carries, for the metadata of a data set."""
        return self._native.to_bytes()

    def weights(self) -> list[bytes]:
        """The weights files that it carries: of ``collapsar adapt`` one, else none. Whoever decodes what it coded needs them; ``weights=``
        takes the recipe's bytes, or its path, too.
        """
        return self._native.weights()

    def __reduce__(self) -> tuple[Callable[[bytes, list[bytes]], Recipe], tuple[bytes, list[bytes]]]:
        return _read, (self.to_bytes(), self._weights)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def _lines(self) -> list[tuple[str, str]]:
        return [
            (f"{name} {'×'.join(map(str, shape)) or '1'}", coder) for (name, _, shape), coder in self._native.kinds()
        ]

    def __repr__(self) -> str:
        return f"<collapsar.Recipe for {'; '.join(f'{what}: {coder}' for what, coder in self._lines())}>"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{escape(what)}</td><td>{escape(coder)}</td></tr>" for what, coder in self._lines())
        return f"<table><tr><th>arrays like</th><th>coded by</th></tr>{rows}</table>"


def _read(data: bytes, weights: list[bytes]) -> Recipe:
    return Recipe.from_bytes(data, weights)

