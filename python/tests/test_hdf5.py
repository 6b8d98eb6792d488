"""The filter of HDF5 is in the wheel. `hdf5/tests` has what it does; here is how it is found."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import collapsar
from collapsar import hdf5
from collapsar.hdf5 import Collapsar, settings

READ = "import h5py, sys; a = h5py.File('a.h5')['t'][...]; assert a.sum() > 0 and 'collapsar' not in sys.modules"


def alone(script, folder, **environment):
    """A process of its own, whose HDF5 knows what the environment says."""
    env = {key: value for key, value in os.environ.items() if key != "HDF5_PLUGIN_PATH"} | environment
    return subprocess.run([sys.executable, "-c", script], cwd=folder, env=env, capture_output=True, text=True)


def test_the_import_is_enough_for_h5py(tmp_path, frame, field):
    np.savez(tmp_path / "a.npz", frame=frame, field=field)
    script = (
        "import h5py, numpy as np; from collapsar.hdf5 import Collapsar; a = np.load('a.npz')\n"
        "with h5py.File('a.h5', 'w') as f:\n"
        "    f.create_dataset('t', data=a['frame'], chunks=(128, 128), **Collapsar())\n"
        "    f.create_dataset('u', data=a['field'], chunks=(128, 128), **Collapsar(rel=1e-3))\n"
    )
    done = alone(script, tmp_path)
    assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "a.h5") as f:
        assert (f["t"][...] == frame).all() and f["t"].id.get_storage_size() < frame.nbytes / 2
        assert 0 < abs(f["u"][...] - field).max() <= 1e-3 * np.ptp(field)
        assert settings(f["u"]) == {"level": 5, "rel": 1e-3}


def test_other_programs_need_the_folder_and_nothing_else(tmp_path, frame):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("t", data=frame, chunks=frame.shape, **Collapsar())
    assert Path(hdf5.PLUGIN_PATH) == Path(collapsar.__file__).parent / "plugin"
    done = alone(READ, tmp_path, HDF5_PLUGIN_PATH=hdf5.PLUGIN_PATH)
    assert done.returncode == 0, done.stderr
    assert "OSError" in alone(READ, tmp_path).stderr


def test_a_package_without_the_filter_says_so_and_takes_another_one(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "__file__", str(tmp_path / "hdf5.py"))
    monkeypatch.delenv("HDF5_PLUGIN_PATH", raising=False)
    with pytest.raises(ImportError, match="built without the filter of HDF5: libcollapsar_hdf5 is in none of"):
        hdf5._plugin_path()
    monkeypatch.setenv("HDF5_PLUGIN_PATH", os.pathsep.join([str(tmp_path), hdf5.PLUGIN_PATH]))
    assert hdf5._plugin_path() == hdf5.PLUGIN_PATH


def test_a_recipe_is_kept_with_the_dataset(tmp_path, frame):
    recipe = collapsar.Recipe.learn(frame[:128, :128])
    with h5py.File(tmp_path / "a.h5", "w") as f:
        t = f.create_dataset("t", data=frame, chunks=(128, 128), **Collapsar(recipe=recipe))
        assert (t[...] == frame).all()
        assert settings(t) == {"level": 5, "recipe": recipe.to_bytes()}
        assert Collapsar(**settings(t)) == Collapsar(recipe=recipe)
    with pytest.raises(ValueError):
        Collapsar(recipe=b"no recipe")


def test_bounds_of_whole_arrays_are_refused():
    for wrong in [{"psnr": 60.0}, {"ratio": 10.0}]:
        with pytest.raises(ValueError, match="a bound of whole arrays"):
            Collapsar(**wrong)
