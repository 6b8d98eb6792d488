"""A volume of float32 is scanned, cut at a threshold, quantised to u8 and segmented, and each held against a ZIP.

It writes nothing and needs NumPy alone. Otsu's threshold before and after says whether the segmentation is the same.
"""

import zlib

import numpy as np

import collapsar

# grains in air, as a tomogram has them: attenuation per voxel, blurred by the optics, with the noise of the camera
rng = np.random.default_rng(1)
z, y, x = np.mgrid[:48, :160, :160].astype("f4")
phase = np.zeros(z.shape, "u1")
for n, (cz, cy, cx, radius) in enumerate(rng.uniform((0, 0, 0, 8), (48, 160, 160, 20), (60, 4))):
    phase[(z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 < radius**2] = 1 + n % 2
ATTENUATION = np.array([0.02, 0.31, 0.47], "f4")
volume = ATTENUATION[phase]
for axis in range(3):
    volume = (np.roll(volume, 1, axis) + 2 * volume + np.roll(volume, -1, axis)) / 4
volume += rng.normal(0, 0.015, volume.shape).astype("f4")


def otsu(samples):
    """The threshold that parts samples into two classes with the largest variance between them."""
    counts, edges = np.histogram(samples, 256)
    below, sums = np.cumsum(counts), np.cumsum(counts * (edges[1:] + edges[:-1]) / 2)
    below, sums = below[:-1] / below[-1], sums / below[-1]  # the last class would be empty
    return edges[1 + np.argmax((sums[-1] * below - sums[:-1]) ** 2 / (below * (1 - below)))]


def sizes(array):
    """What an array takes in a ZIP, whose method is zlib's, and here."""
    chunk = collapsar.encode(array)
    assert (collapsar.decode(chunk) == array).all()
    return len(zlib.compress(array.tobytes())), len(chunk)


# scan: slice by slice, as a volume that memory does not hold is read; 0.1 % at either end are outliers
low, high = np.mean([np.percentile(plane, (0.1, 99.9)) for plane in volume], axis=0)
threshold = otsu(volume)
print(f"scanned: {low:.3f} to {high:.3f}, Otsu's threshold {threshold:.3f}")

# quantise: 256 steps over the range that was scanned; below half of the threshold is air, which loses its noise
step = (high - low) / 255
is_air = volume < threshold / 2
codes = np.clip(np.rint((np.where(is_air, np.median(volume[is_air]), volume) - low) / step), 0, 255).astype("u1")
after = low + otsu(codes) * step
agree = np.mean((volume > threshold) == (codes > otsu(codes)))
print(f"quantised: Otsu's threshold {after:.3f} after, {agree:.3%} of voxels in the same class")
assert agree > 0.999

# few values, far from each other in their bits: a dictionary is found and only the classes are coded
labels = ATTENUATION[(volume > threshold).astype("u1") + (volume > 0.39)]
for name, array in (("float32", volume), ("u8", codes), ("float32 of three values", labels)):
    zipped, ours = sizes(array)
    print(f"{name:24} {array.nbytes} bytes: zip {array.nbytes / zipped:.2f}, collapsar {array.nbytes / ours:.2f}")
    assert ours < zipped
