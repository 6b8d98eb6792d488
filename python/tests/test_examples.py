"""The scripts of examples/python run as they are; each checks what it shows."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "examples" / "python").glob("*.py"))
TRAINER = ROOT / "target" / "release" / "models"
#: What a script needs besides NumPy. Where Python is too old for it, the script is passed over.
NEEDED = {"climate_run": ["xarray", "zarr"], "detector_stack": ["h5py"]}


def run(*words, folder):
    ended = subprocess.run(list(map(str, words)), cwd=folder, capture_output=True, text=True)
    assert ended.returncode == 0, f"{words}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def test_there_are_scripts_and_what_they_need_is_said_of_each_that_is_there():
    names = {script.stem for script in SCRIPTS}
    assert len(names) >= 6 and names >= NEEDED.keys()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_runs_and_says_what_came_of_it(script, tmp_path):
    for module in NEEDED.get(script.stem, []):
        if importlib.util.find_spec(module) is None and sys.version_info < (3, 11):
            pytest.skip(f"{module} needs a newer Python")
    assert len(run(sys.executable, script, folder=tmp_path).splitlines()) >= 2
    # once more over what the first run left
    run(sys.executable, script, folder=tmp_path)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_fits_a_screen(script):
    lines = script.read_text().splitlines()
    assert len(lines) < 60 and max(map(len, lines)) <= 120


@pytest.mark.skipif(not TRAINER.exists(), reason="the trainer is not built: cargo build --release -p models")
def test_a_survey_trains_its_network_and_uses_it(tmp_path):
    script = ROOT / "examples" / "python" / "survey_weights.py"
    run(sys.executable, script, folder=tmp_path)
    built_in = ROOT / "weights" / "pixelcnn-fast-1.safetensors"
    words = ["--from", built_in, "--data", "survey", "--steps", "2", "--batch", "128", "--pool", "2"]
    run(TRAINER, "finetune", *words, "--out", "survey.safetensors", folder=tmp_path)
    assert "pixelcnn-fast-survey" in run(sys.executable, script, "survey.safetensors", folder=tmp_path)
