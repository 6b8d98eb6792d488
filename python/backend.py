"""The build of the wheel: cargo builds the filter of HDF5 into collapsar/plugin/, maturin does the rest.

Where ../hdf5 is missing, as in an sdist, the wheel has no filter, and `import collapsar.hdf5` says so. Nor has it one on Windows, which
the filter does not know.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import maturin
from maturin import *  # noqa: F403: the hooks that need nothing of ours

HERE = Path(__file__).resolve().parent
CRATE = HERE.parent / "hdf5" / "Cargo.toml"
PLUGIN = HERE / "python" / "collapsar" / "plugin"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    plugin()
    return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    plugin()
    return maturin.build_editable(wheel_directory, config_settings, metadata_directory)


def plugin():
    shutil.rmtree(PLUGIN, ignore_errors=True)
    if os.name != "posix" or not CRATE.exists():
        print("without the filter of HDF5")
        return
    # cargo says where the library is, whatever CARGO_TARGET_DIR and its configuration say
    command = ["cargo", "build", "--release", "--lib", "--message-format=json-render-diagnostics"]
    said = subprocess.run([*command, "--manifest-path", CRATE], stdout=subprocess.PIPE, text=True, check=True).stdout
    messages = [json.loads(line) for line in said.splitlines()]
    library = next(m["filenames"][0] for m in messages if m.get("target", {}).get("name") == "collapsar_hdf5")
    PLUGIN.mkdir()
    shutil.copy(library, PLUGIN)
