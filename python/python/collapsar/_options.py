"""Keywords → what the compiled part takes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from collapsar import _collapsar
from collapsar.errors import ArgumentError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from collapsar._recipe import Recipe

__all__ = ["BOUNDS", "Weights", "decoding", "encoding"]

#: Bytes of a safetensors file, or of a recipe that carries weights, its path, or several of them.
Weights = bytes | str | os.PathLike[str] | Iterable[bytes | str | os.PathLike[str]]

#: Keywords that say what may be lost: at most one of them.
BOUNDS = ("abs", "rel", "pw_rel", "near", "psnr", "mantissa", "noise_step", "denoise", "ratio")


class Bounds(TypedDict, total=False):
    """What may be lost: one of these at most, and nothing where there is none."""

    abs: float | None
    rel: float | None
    pw_rel: float | None
    near: int | None
    psnr: float | None
    mantissa: int | None
    mantissa_mode: Literal["round", "trunc"]
    noise_step: float | None
    denoise: float | None
    ratio: float | None


class Coding(Bounds, total=False):
    """How arrays are coded."""

    model: str | None
    recipe: Recipe | None
    weights: Weights
    device: Literal["cpu", "gpu"]
    max_memory: int | None


class FileCoding(Coding, total=False):
    """How files are coded."""

    embed_weights: bool


def loaded(weights: Weights) -> list[bytes]:
    """The bytes of weights files."""

    def one(given: bytes | str | os.PathLike[str]) -> bytes:
        if isinstance(given, bytes):
            return given
        with open(given, "rb") as file:
            return file.read()

    if isinstance(weights, (bytes, str, os.PathLike)):
        return [one(weights)]
    return [one(given) for given in weights]


def loss(bounds: Mapping[str, Any]) -> tuple[str, float | int] | None:
    """The one bound that was given, by its keyword."""
    mode = bounds.get("mantissa_mode", "round")
    if mode not in ("round", "trunc"):
        raise ArgumentError(f"mantissa_mode {mode!r} is not one of 'round' and 'trunc'")
    given = [(name, bounds[name]) for name in BOUNDS if bounds.get(name) is not None]
    if len(given) > 1:
        names = " and ".join(f"{name}=" for name, _ in given)
        raise ArgumentError(f"{names} are two bounds: give one")
    if not given:
        return None
    name, value = given[0]
    if isinstance(value, bool):
        raise TypeError(f"{name}= takes a number, not {value!r}")
    if name in ("near", "mantissa"):
        value = _whole(name, value)
    else:
        value = float(value)
    if name == "mantissa" and mode == "trunc":
        name = "mantissa_trunc"
    return name, value


def _whole(name: str, value: Any) -> int:
    try:
        whole = value.__index__()
    except AttributeError:
        raise TypeError(f"{name}= takes a whole number, not {value!r}") from None
    if not 0 <= whole < 1 << (64 if name == "near" else 32):
        raise ArgumentError(f"{name}={value!r} is out of range")
    return int(whole)


def encoding(level: int | None, **keywords: Unpack[FileCoding]) -> _collapsar.Encoding:
    """Refuses keywords that are not known, and all that make no sense."""
    given: dict[str, Any] = dict(keywords)
    bound = loss({name: given.pop(name) for name in (*BOUNDS, "mantissa_mode") if name in given})
    model, recipe = given.pop("model", None), given.pop("recipe", None)
    weights, device = loaded(given.pop("weights", ())), given.pop("device", "cpu")
    max_memory, embed = given.pop("max_memory", None), given.pop("embed_weights", False)
    if given:
        raise TypeError(f"{next(iter(given))}= is no keyword here")
    if recipe is not None and not hasattr(recipe, "_native"):
        raise TypeError(f"recipe= takes a collapsar.Recipe, not {type(recipe).__name__}")
    native = None if recipe is None else recipe._native
    return _collapsar.Encoding(level, model, bound, native, weights, device, max_memory, embed)


def decoding(
    weights: Weights = (), device: Literal["cpu", "gpu"] = "cpu", max_memory: int | None = None
) -> _collapsar.Decoding:
    """The same for decoding."""
    return _collapsar.Decoding(loaded(weights), device, max_memory)
