"""A stamp is cut out of a large compressed frame: only the tiles that it touches are decoded.

It writes frame.npy and frame.npy.clps into the current folder. docs/python.md says more.
"""

import time

import numpy as np

import collapsar

# 3000 x 4000 counts of a sky that gets brighter to the right, with a star where we shall look
rng = np.random.default_rng(1)
y, x = np.ogrid[:3000, :4000]
sky = 900 + x / 20 + 9000 * np.exp(-((y - 2100) ** 2 + (x - 1234) ** 2) / 12)
frame = rng.poisson(sky).clip(0, 65535).astype("u2")
np.save("frame.npy", frame)
report = collapsar.compress_file("frame.npy", "frame.npy.clps", level=3, replace=True)
print(f"{report.n_bytes_in} bytes are {report.n_bytes_out}, ratio {report.n_bytes_in / report.n_bytes_out:.2f}")
assert report.is_lossless

# opening reads heads; an index decodes tiles
archive = collapsar.open("frame.npy.clps")
array = archive[0]
print(f"{array.dtype} {array.shape} in {array.n_tiles} tiles, {archive.n_tiles_decoded} decoded")
assert archive.n_tiles_decoded == 0 and array.shape == frame.shape

start = time.perf_counter()
stamp = array[2080:2121, 1214:1255]
seconds, n_decoded = time.perf_counter() - start, archive.n_tiles_decoded
row, column = np.unravel_index(stamp.argmax(), stamp.shape)
print(f"a stamp of {stamp.shape}: {n_decoded} of {array.n_tiles} tiles decoded in {1e3 * seconds:.1f} ms")
print(f"the star is at {2080 + row}, {1214 + column}")
assert (stamp == frame[2080:2121, 1214:1255]).all() and n_decoded <= 4
