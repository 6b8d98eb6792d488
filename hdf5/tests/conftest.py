"""The filter as others meet it: in HDF5_PLUGIN_PATH, for h5py and for the programs of the system."""

import os
import shutil
import subprocess

import numpy as np
import pytest

from collapsar.hdf5 import PLUGIN_PATH


@pytest.fixture
def run(tmp_path):
    """Runs a program that finds the filter; `plugins` may be another folder. Returns what it printed."""

    def run(*command, plugins=PLUGIN_PATH, fails=False, **environment):
        if not shutil.which(command[0]):
            pytest.fail(f"{command[0]} is not installed: apt-get install hdf5-tools netcdf-bin")
        env = {**os.environ, "HDF5_PLUGIN_PATH": str(plugins), **environment}
        done = subprocess.run(
            list(map(str, command)), cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300
        )
        assert (done.returncode != 0) == fails, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return run


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def frame(rng, shape, dtype="u2"):
    """A detector's image: a slope, shot noise, a few stars."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = rng.poisson(100 + x / 7 + y / 5).astype("f8")
    image[rng.integers(0, shape[0], 20), rng.integers(0, shape[1], 20)] += 9000
    return image.astype(dtype)


def field(shape, dtype="f4", low=270.0, high=310.0):
    """Temperatures, far from 0."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    waves = np.sin(x / 17) * np.cos(y / 13) + 0.01 * np.sin(x * y / 3)
    unit = (waves - waves.min()) / np.ptp(waves)
    return (low + (high - low) * unit).astype(dtype)


def same(a, b):
    """Bit for bit."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
