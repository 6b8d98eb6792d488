"""HDF5 datasets whose chunks Collapsar codes, through h5py.

Importing this module makes the filter known to h5py, for reading and for writing:

>>> import h5py, numpy as np
>>> from collapsar.hdf5 import Collapsar
>>> field = np.sin(np.arange(64 * 64, dtype="f4").reshape(64, 64) / 99)
>>> with h5py.File("field.h5", "w", driver="core", backing_store=False) as f:
...     t = f.create_dataset("t", data=field, chunks=(64, 64), **Collapsar(level=5, rel=1e-3))
...     settings(t)
{'level': 5, 'rel': 0.001}

Other programs find the filter where HDF5_PLUGIN_PATH names the folder PLUGIN_PATH; `python -m collapsar.hdf5 --rel 1e-3`
prints the lines for h5repack and nccopy.
"""

import math
import operator
import os
import struct
from pathlib import Path

import h5py

__all__ = ["FILTER_ID", "PLUGIN_PATH", "Collapsar", "settings"]

#: From the range for private use: The HDF Group has registered no number yet.
FILTER_ID = 32768

_VERSION = 1
_N_ASKED = 6
#: In the order of their numbers in cd_values, from 1 on.
_KINDS = ("abs", "rel", "pw_rel", "near", "mantissa", "mantissa", "noise_step")
_WHOLE = ("near", "mantissa")
_LEVELS = range(1, 10)
_USUAL_LEVEL = 5
_LIBRARY = "libcollapsar_hdf5"


def _plugin_path():
    """The folder beside this file, or the one of HDF5_PLUGIN_PATH that has the filter."""
    folders = [Path(__file__).parent / "plugin"]
    folders += [Path(folder) for folder in os.environ.get("HDF5_PLUGIN_PATH", "").split(os.pathsep) if folder]
    for folder in folders:
        if any(folder.glob(_LIBRARY + ".*")):
            return str(folder)
    raise ImportError(f"{_LIBRARY} is in none of: {', '.join(map(str, folders))}")


#: The folder of the filter, for HDF5_PLUGIN_PATH of other programs.
PLUGIN_PATH = _plugin_path()


def _register():
    known = [h5py.h5pl.get(i) for i in range(h5py.h5pl.size())]
    if os.fsencode(PLUGIN_PATH) not in known:
        h5py.h5pl.append(os.fsencode(PLUGIN_PATH))
    if not h5py.h5z.filter_avail(FILTER_ID):
        raise ImportError(f"HDF5 cannot load the filter in {PLUGIN_PATH}; is HDF5_PLUGIN_PRELOAD set?")


_register()


class Collapsar(h5py.filters.FilterRefBase):
    """What h5py needs for a dataset: `f.create_dataset("t", data=x, chunks=(512, 512), **Collapsar(level=5))`.

    level       1, the fastest, to 9, the smallest
    abs         no sample is off by more
    rel         nor by more than this share of the range of its chunk
    pw_rel      nor by more than this share of itself (floats)
    near        nor by more than this whole number (integers)
    mantissa    floats keep so many bits, rounded or truncated as `mantissa_mode` says
    noise_step  steps of the noise of the chunk, divided by this
    recipe      a `collapsar.Recipe`, or the bytes of one: nothing is searched then

    Lossless unless one of the bounds is given; two are an error. A fill value other than 0 keeps its bits.
    """

    filter_id = FILTER_ID

    def __init__(self, level=_USUAL_LEVEL, *, mantissa_mode="round", recipe=b"", **bound):
        level = operator.index(level)
        if level not in _LEVELS:
            raise ValueError(f"level {level} is not one of 1 to 9")
        if mantissa_mode not in ("round", "trunc"):
            raise ValueError(f"mantissa_mode is round or trunc, not {mantissa_mode!r}")
        unknown = set(bound) - set(_KINDS)
        if unknown:
            raise TypeError(f"no bound is called {', '.join(sorted(unknown))}")
        asked = {name: value for name, value in bound.items() if value is not None}
        if len(asked) > 1:
            raise ValueError(f"one bound at a time: {' and '.join(asked)} were given")
        kind, value = 0, 0.0
        for name, value in asked.items():
            kind = 1 + _KINDS.index(name) + (name == "mantissa" and mantissa_mode == "trunc")
            value = _checked(name, value)
        recipe = recipe.to_bytes() if hasattr(recipe, "to_bytes") else bytes(recipe or b"")
        words = struct.unpack(f"<{-(-len(recipe) // 4)}I", recipe + bytes(-len(recipe) % 4))
        self.filter_options = (
            _VERSION,
            level,
            kind,
            *struct.unpack(">II", struct.pack(">d", value)),
            len(recipe),
            *words,
        )

    def __repr__(self):
        return f"Collapsar({', '.join(f'{key}={value!r}' for key, value in _read(self.filter_options).items())})"


def _checked(name, value):
    value = float(operator.index(value) if name in _WHOLE else value)
    if not (math.isfinite(value) and value >= 0 and (value > 0 or name == "near")):
        raise ValueError(f"{name}={value}: a bound is above 0")
    if name in ("rel", "pw_rel") and value >= 1:
        raise ValueError(f"{name}={value}: a share lies between 0 and 1")
    if name == "mantissa" and not 1 <= value <= 52:
        raise ValueError(f"mantissa={value:.0f}: 1 to 52 bits can be kept")
    if name == "near" and value >= 1 << 32:
        raise ValueError(f"near={value:.0f}: at most 2³² − 1")
    return value


def settings(dataset):
    """What a dataset was written with, as keywords of `Collapsar`; None where another filter wrote it.

    A level that was not named is 5.
    """
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(i) for i in range(properties.get_nfilters())]
    return next((_read(values) for number, _, values, _ in filters if number == FILTER_ID), None)


def _read(values):
    version, level, kind, high, low, n_bytes = (*values, *[0] * _N_ASKED)[:_N_ASKED] if values else (_VERSION, *[0] * 5)
    if version != _VERSION:
        raise ValueError(f"cd_values of version {version}, this module knows {_VERSION}")
    out = {"level": level or _USUAL_LEVEL}
    if kind:
        name, (value,) = _KINDS[kind - 1], struct.unpack(">d", struct.pack(">II", high, low))
        out[name] = int(value) if name in _WHOLE else value
        if kind == 1 + _KINDS.index("mantissa") + 1:
            out["mantissa_mode"] = "trunc"
    if n_bytes:
        out["recipe"] = struct.pack(f"<{len(values) - _N_ASKED}I", *values[_N_ASKED:])[:n_bytes]
    return out


def _main():
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m collapsar.hdf5", description="Lines for programs that use the filter."
    )
    parser.add_argument("--level", type=int, default=_USUAL_LEVEL)
    for name in dict.fromkeys(_KINDS):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int if name in _WHOLE else float)
    parser.add_argument("--mantissa-mode", default="round", choices=("round", "trunc"))
    try:
        values = Collapsar(**vars(parser.parse_args())).filter_options
    except ValueError as error:
        parser.error(str(error))
    values = ",".join(map(str, values if values[2] else values[:2]))
    n = 1 + values.count(",")
    print(f"export HDF5_PLUGIN_PATH={PLUGIN_PATH}")
    print(f"h5repack -f UD={FILTER_ID},0,{n},{values} IN.h5 OUT.h5")
    print(f"nccopy -4 -F 'VARIABLE,{FILTER_ID},{values}' IN.nc OUT.nc")


if __name__ == "__main__":
    _main()
