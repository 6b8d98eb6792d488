"""A codec's configuration: keywords of `encode` as JSON that a person can read, the recipe in base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from collapsar import _collapsar, _options
from collapsar._recipe import Recipe
from collapsar.errors import ArgumentError

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Codec", "Configuration", "Configured", "checked", "recipe_of"]

_KEYS = ("level", *_options.BOUNDS, "mantissa_mode", "model", "recipe")


class Configured(_options.Bounds, total=False):
    """What a codec's configuration can say, beside the level."""

    model: str | None
    #: As a value, or in base64.
    recipe: Recipe | str | bytes | None
    #: Not part of the configuration: whoever reads gives them again.
    weights: _options.Weights
    device: Literal["cpu", "gpu"]


class Configuration:
    """Read once, and used for all chunks."""

    __slots__ = ("decoding", "encoding", "json", "rest")
    json: dict[str, Any]
    rest: dict[str, Any]
    encoding: _collapsar.Encoding
    decoding: _collapsar.Decoding

    def __init__(self, level: int | None, **keywords: Unpack[Configured]) -> None:
        given: dict[str, Any] = dict(keywords)
        weights, device = _options.loaded(given.pop("weights", ())), given.pop("device", "cpu")
        unknown = [key for key in given if key not in _KEYS]
        if unknown:
            raise ArgumentError(f"{unknown[0]!r} is no key of this codec: it has {', '.join(_KEYS)}")
        recipe = recipe_of(given.pop("recipe", None), weights)
        said = {"level": level, **given}
        if said.get("mantissa") is None or said.get("mantissa_mode") == "round":
            said.pop("mantissa_mode", None)
        self.json = {key: said[key] for key in _KEYS if said.get(key) is not None}
        if recipe is not None:
            self.json["recipe"] = base64.b64encode(recipe.to_bytes()).decode("ascii")
        self.rest = {"weights": weights, "device": device}
        self.encoding = _options.encoding(level, recipe=recipe, **given, **self.rest)
        # a configuration whose recipe carries weights has all that its chunks need
        self.decoding = _options.decoding([*weights, *(recipe.weights() if recipe is not None else [])], device)


class Codec:
    """What codecs that are values of their configuration share: they are equal, hashed, shown and pickled by it."""

    _configuration: Configuration

    def __reduce__(self) -> tuple[Callable[[], Codec], tuple[()]]:
        return partial(type(self), **self._configuration.json, **self._configuration.rest), ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._configuration.json == other._configuration.json

    def __hash__(self) -> int:
        return hash(tuple(self._configuration.json.items()))

    def __repr__(self) -> str:
        said = ", ".join(f"{key}={value!r}" for key, value in self._configuration.json.items())
        return f"{type(self).__name__}({said})"


def recipe_of(given: Recipe | str | bytes | None, weights: list[bytes]) -> Recipe | None:
    """A recipe as a value, its bytes, or these in base64."""
    if given is None or isinstance(given, Recipe):
        return given
    if isinstance(given, bytes):
        return Recipe.from_bytes(given, weights)
    if not isinstance(given, str):
        raise TypeError(f"recipe= takes a collapsar.Recipe or its base64, not {type(given).__name__}")
    try:
        return Recipe.from_bytes(base64.b64decode(given, validate=True), weights)
    except binascii.Error as error:
        raise ArgumentError(f"the recipe is no base64: {error}") from None


def checked(data: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration out of metadata: unknown keys are refused."""
    unknown = [key for key in data if key not in _KEYS]
    if unknown:
        raise ArgumentError(f"{unknown[0]!r} is no key of this codec: it has {', '.join(_KEYS)}")
    return dict(data)
