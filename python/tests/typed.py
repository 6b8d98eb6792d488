"""What a typed caller writes: mypy --strict reads it, nobody runs it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

import collapsar
from collapsar import columns
from collapsar.hdf5 import PLUGIN_PATH, settings
from collapsar.hdf5 import Collapsar as OfHdf5
from collapsar.numcodecs import Collapsar as OfNumcodecs
from collapsar.zarr import Collapsar as OfZarr

frame = np.zeros((4, 4), np.uint16)
recipe = collapsar.Recipe.learn([frame], level=3)
assert_type(collapsar.encode(frame, level=5, rel=1e-3, recipe=recipe), bytes)
assert_type(collapsar.decode(memoryview(b"")), NDArray[Any])
assert_type(collapsar.compress(bytearray(), level=5, embed_weights=True, weights=["a.safetensors", b""]), bytes)
assert_type(collapsar.compress_file("a", "b", psnr=60.0).n_arrays, int)
assert_type(collapsar.open("a")[1][100:200, 50:80], NDArray[Any])
assert_type(collapsar.open("a")[1].header["OBJECT"], str | int | float | bool | None)
assert_type(collapsar.evaluate(frame, frame), dict[str, Any])
assert_type(collapsar.__version__, str)
assert_type(columns.compress({"x": frame}, [("x", "mantissa = 9")], level=5), bytes)
assert_type(columns.compress_file("a.root:Events", "a.columns", "policy.toml").total.n_bytes_after, int)
assert_type(columns.open("a.columns").keys(), list[str])
columns.compress({}, unsupported="keep")  # type: ignore[arg-type]
OfZarr(level=3, recipe=recipe, near=2)
OfHdf5(level=3, recipe=recipe, rel=1e-3)
OfHdf5(rel="much")  # type: ignore[arg-type]
OfHdf5(model="pixelcnn")  # type: ignore[call-arg]
assert_type(settings(None), dict[str, Any] | None)
assert_type(PLUGIN_PATH, str)
OfNumcodecs(mantissa=9, mantissa_mode="trunc")
collapsar.encode(frame, bound=3)  # type: ignore[call-arg]
collapsar.encode(frame, rel="much")  # type: ignore[arg-type]
collapsar.encode(frame, embed_weights=True)  # type: ignore[call-arg]
