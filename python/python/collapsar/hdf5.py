"""HDF5 datasets whose chunks Collapsar codes, through h5py.

Importing this module makes the filter known to h5py, for reading and for writing:

>>> import h5py, numpy as np
>>> from collapsar.hdf5 import Collapsar, settings
>>> field = np.sin(np.arange(64 * 64, dtype="f4").reshape(64, 64) / 99)
>>> with h5py.File("field.h5", "w", driver="core", backing_store=False) as f:
...     t = f.create_dataset("t", data=field, chunks=(64, 64), **Collapsar(level=5, rel=1e-3))
...     settings(t)
{'level': 5, 'rel': 0.001}

Other programs find the filter where HDF5_PLUGIN_PATH names the folder `PLUGIN_PATH`; ``python -m collapsar.hdf5 --rel 1e-3`` prints the
lines for h5repack and nccopy.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py  # type: ignore[import-untyped, unused-ignore]

from collapsar import _options
from collapsar._configuration import recipe_of
from collapsar.errors import ArgumentError, UnsupportedError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from collapsar._recipe import Recipe

__all__ = ["FILTER_ID", "PLUGIN_PATH", "Collapsar", "settings"]

#: From the range for private use: The HDF Group has registered no number yet.
FILTER_ID = 32768

_VERSION = 1
_N_ASKED = 6
#: In the order of their numbers in cd_values, from 1 on.
_KINDS = ("abs", "rel", "pw_rel", "near", "mantissa", "mantissa_trunc", "noise_step")
_WHOLE = ("near", "mantissa", "mantissa_trunc")
_USUAL_LEVEL = 5
_LIBRARY = "libcollapsar_hdf5"


def _plugin_path() -> str:
    """The folder of the package, or the one of HDF5_PLUGIN_PATH that has the filter."""
    folders = [Path(__file__).parent / "plugin"]
    folders += [Path(folder) for folder in os.environ.get("HDF5_PLUGIN_PATH", "").split(os.pathsep) if folder]
    for folder in folders:
        if any(folder.glob(_LIBRARY + ".*")):
            return str(folder)
    raise ImportError(
        f"this package was built without the filter of HDF5: {_LIBRARY} is in none of {', '.join(map(str, folders))}. "
        "Install it from a checkout of the repository, or build hdf5/ there and name the folder in HDF5_PLUGIN_PATH."
    )


#: The folder of the filter, for HDF5_PLUGIN_PATH of other programs.
PLUGIN_PATH = _plugin_path()


def _register() -> None:
    known = [h5py.h5pl.get(i) for i in range(h5py.h5pl.size())]
    if os.fsencode(PLUGIN_PATH) not in known:
        h5py.h5pl.append(os.fsencode(PLUGIN_PATH))
    if not h5py.h5z.filter_avail(FILTER_ID):
        raise ImportError(f"HDF5 cannot load the filter in {PLUGIN_PATH}; is HDF5_PLUGIN_PRELOAD set?")


_register()


class Collapsar(h5py.filters.FilterRefBase):  # type: ignore[misc, unused-ignore]
    """What h5py needs for a dataset: ``f.create_dataset("t", data=x, chunks=(512, 512), **Collapsar(level=5))``.

    The bounds are those of `collapsar.encode` without ``psnr`` and ``ratio``: at most one, and nothing is lost without one. ``rel`` and
    ``noise_step`` are taken chunk by chunk. With ``recipe``, a `collapsar.Recipe` or the bytes of one, nothing is searched. A fill value
    other than 0 keeps its bits.
    """

    filter_id = FILTER_ID
    filter_options: tuple[int, ...]

    def __init__(
        self,
        level: int | None = None,
        *,
        recipe: Recipe | str | bytes | None = None,
        **bounds: Unpack[_options.Bounds],
    ) -> None:
        learned = recipe_of(recipe, [])
        _options.encoding(level, recipe=learned, **bounds)  # refuses what makes no sense
        name, value = _options.loss(bounds) or ("", 0)
        if name and name not in _KINDS:
            raise ArgumentError(f"{name}= is a bound of whole arrays, the filter sees one chunk at a time")
        if name == "near" and value >= 1 << 32:
            raise ArgumentError(f"near={value}: at most 2³² − 1")
        kind = 1 + _KINDS.index(name) if name else 0
        code = learned.to_bytes() if learned else b""
        words = struct.unpack(f"<{-(-len(code) // 4)}I", code + bytes(-len(code) % 4))
        bound = struct.unpack(">II", struct.pack(">d", value))
        self.filter_options = (_VERSION, _USUAL_LEVEL if level is None else level, kind, *bound, len(code), *words)

    def __repr__(self) -> str:
        return f"Collapsar({', '.join(f'{key}={value!r}' for key, value in _read(self.filter_options).items())})"


def settings(dataset: Any) -> dict[str, Any] | None:
    """What a dataset was written with, as keywords of `Collapsar`; None where another filter wrote it.

    A level that was not named is 5.
    """
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(i) for i in range(properties.get_nfilters())]
    return next((_read(values) for number, _, values, _ in filters if number == FILTER_ID), None)


def _read(values: Sequence[int]) -> dict[str, Any]:
    version, level, kind, high, low, n_bytes = (*values, *[0] * _N_ASKED)[:_N_ASKED] if values else (_VERSION, *[0] * 5)
    if version != _VERSION:
        raise UnsupportedError(f"cd_values of version {version}, this module knows {_VERSION}")
    out: dict[str, Any] = {"level": level or _USUAL_LEVEL}
    if kind:
        name, (value,) = _KINDS[kind - 1], struct.unpack(">d", struct.pack(">II", high, low))
        out[name.removesuffix("_trunc")] = int(value) if name in _WHOLE else value
        if name == "mantissa_trunc":
            out["mantissa_mode"] = "trunc"
    if n_bytes:
        out["recipe"] = struct.pack(f"<{len(values) - _N_ASKED}I", *values[_N_ASKED:])[:n_bytes]
    return out


def _main() -> None:
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m collapsar.hdf5", description="Lines for programs that use the filter."
    )
    parser.add_argument("--level", type=int)
    for name in _KINDS:
        if name != "mantissa_trunc":
            parser.add_argument(f"--{name.replace('_', '-')}", type=int if name in _WHOLE else float)
    parser.add_argument("--mantissa-mode", default="round", choices=("round", "trunc"))
    try:
        options = Collapsar(**vars(parser.parse_args())).filter_options
    except ValueError as error:
        parser.error(str(error))
    values = ",".join(map(str, options if options[2] else options[:2]))
    n = 1 + values.count(",")
    print(f"export HDF5_PLUGIN_PATH={PLUGIN_PATH}")
    print(f"h5repack -f UD={FILTER_ID},0,{n},{values} IN.h5 OUT.h5")
    print(f"nccopy -4 -F 'VARIABLE,{FILTER_ID},{values}' IN.nc OUT.nc")


if __name__ == "__main__":
    _main()
