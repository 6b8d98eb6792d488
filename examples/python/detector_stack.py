"""Frames of a detector go into HDF5 one by one, parts of them come back; few values cost next to nothing.

It writes stack.h5 into the current folder; h5py is needed. docs/hdf5.md says more.
"""

import h5py
import numpy as np

from collapsar.hdf5 import Collapsar, settings

# powder rings on four modules: photons per pixel; the gaps between the modules have the largest value
y, x = np.mgrid[:512, :512]
radius = np.hypot(y - 250, x - 270)
rings = 0.2 + 8 * np.exp(-((radius % 60 - 30) ** 2) / 30) * np.exp(-radius / 150)
is_gap = (abs(y - 256) < 6) | (abs(x - 256) < 6)
GAP = 2**32 - 1
rng = np.random.default_rng(1)
frames = [np.where(is_gap, GAP, rng.poisson(rings)).astype("u4") for _ in range(12)]


def size(dataset):
    """What its chunks take in the file."""
    return dataset.id.get_storage_size()


# a chunk is a part of one frame, so that a frame is written when it comes, and a region of it is read alone
gzip = {"compression": "gzip", "shuffle": True}
shape = {"shape": (len(frames), 512, 512), "chunks": (1, 256, 256), "dtype": "u4", "fillvalue": GAP}
with h5py.File("stack.h5", "w") as file:
    ours = file.create_dataset("frames", **shape, **Collapsar(level=3))
    theirs = file.create_dataset("frames_gzip", **shape, **gzip)
    for n, frame in enumerate(frames):
        ours[n], theirs[n] = frame, frame
    print(f"{ours.nbytes} bytes of frames: gzip {size(theirs)}, collapsar {size(ours)}, {settings(ours)}")
    assert size(ours) < 0.9 * size(theirs)

# data of few values, far from each other: what a calibration gives for 0, 1, 2, ... photons
energies = np.array([0.0, 8047.8, 16095.6, 24143.4, 1e30], dtype="f4")
calibrated = energies[rng.poisson(rings / 4).clip(0, 4)]
with h5py.File("stack.h5", "a") as file:
    keywords = {"data": calibrated, "chunks": (256, 256)}
    ours = file.create_dataset("energy", **keywords, **Collapsar(level=3))
    theirs = file.create_dataset("energy_gzip", **keywords, **gzip)
    print(f"{ours.nbytes} bytes of five values: gzip {size(theirs)}, collapsar {size(ours)}")
    assert size(ours) < 0.9 * size(theirs)

with h5py.File("stack.h5") as file:
    region = file["frames"][7, 100:164, 300:364]  # decodes one chunk of 48
    assert (region == frames[7][100:164, 300:364]).all()
    assert (file["frames"][:] == frames).all() and (file["energy"][:] == calibrated).all()
