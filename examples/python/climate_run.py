"""A climate run goes to Zarr with a bound for each variable, is read back lazily, and held against the bounds.

It writes run.zarr into the current folder; xarray and zarr 3.1 or newer are needed. docs/python.md says more.
"""

from pathlib import Path

import numpy as np
import xarray
from zarr.storage import LocalStore, LoggingStore

from collapsar.zarr import Collapsar

# forty days on a grid of two degrees
day, lat, lon = np.arange(40.0), np.arange(-89.0, 90, 2), np.arange(0.0, 360, 2)
t, y, x = np.meshgrid(day, np.radians(lat), np.radians(lon), indexing="ij")
rng = np.random.default_rng(1)
wave = np.sin(5 * x - t / 3) * np.cos(y) ** 2
land = np.sin(2 * x[0]) + np.cos(3 * y[0]) > 0.9
fields = {
    "temperature": 250 + 45 * np.cos(y) + 6 * wave + rng.normal(0, 0.1, t.shape),
    "rain": np.maximum(wave + rng.normal(0, 0.2, t.shape) - 0.5, 0) ** 2 * 1e-3,
    "sea_surface": np.where(land, np.nan, 271 + 28 * np.cos(y) ** 2 + wave),
    "evaporation": np.maximum(np.cos(y) + 0.2 * wave, 0) * 1e-4,
}
axes = ("day", "lat", "lon")
variables = {name: (axes, field.astype("f4")) for name, field in fields.items()}
ds = xarray.Dataset(variables, coords={"day": day, "lat": lat, "lon": lon})

# no sample is off by more than 0.05 K; a hundredth of itself, so that 0 stays 0; a thousandth of the range; nothing
bounds = {"temperature": {"abs": 0.05}, "rain": {"pw_rel": 0.01}, "sea_surface": {"rel": 1e-3}, "evaporation": {}}
encoding = {}
for name, bound in bounds.items():
    encoding[name] = {"serializer": Collapsar(**bound), "compressors": None, "chunks": (10, 45, 90)}
    ds[name].attrs["lossy_compression"] = f"collapsar {bound or 'lossless'}"
ds.to_zarr("run.zarr", mode="w", encoding=encoding, zarr_format=3, consolidated=False)

# opening reads metadata, a cut-out the chunks that it touches
store = LoggingStore(LocalStore("run.zarr", read_only=True), log_level="ERROR")
again = xarray.open_zarr(store, chunks=None, consolidated=False)
store.counter.clear()
europe = again.temperature.sel(day=7, lat=slice(35, 70), lon=slice(0, 40)).values
n_read = store.counter["get"] + store.counter["get_sync"]
print(f"a cut-out of {europe.shape} read {n_read} of 16 chunks")
assert n_read == 1

for name, bound in bounds.items():
    field, back = ds[name].values.astype("f8"), again[name].values.astype("f8")
    off = np.abs(back - field)
    scale = {"abs": 1, "rel": np.nanmax(field) - np.nanmin(field), "pw_rel": np.abs(field)}
    limit = sum(share * scale[kind] for kind, share in bound.items())
    ratio = ds[name].nbytes / sum(file.stat().st_size for file in Path("run.zarr", name, "c").glob("*/*/*"))
    print(f"{name:12} {bound or 'lossless'}: ratio {ratio:.1f}, largest error {np.nanmax(off):.3g}")
    assert ((off <= limit) | (np.isnan(field) & np.isnan(back))).all()
    assert (np.nanmax(off) > 0) == bool(bound)
