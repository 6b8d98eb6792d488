"""Files as bytes and by their paths; the command line."""

import gzip
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import fits

import collapsar


def test_any_bytes_come_back(frame):
    npy = io.BytesIO()
    np.save(npy, frame)
    image = fits(frame.astype(">i2"), frame[:50].astype(">f4"))
    for data in [b"", b"x", os.urandom(5000), npy.getvalue(), image, gzip.compress(image, 6, mtime=0)]:
        packed = collapsar.compress(data, level=1)
        assert collapsar.decompress(packed) == data
        for buffer in [bytearray(data), memoryview(data)]:
            assert collapsar.compress(buffer, level=1) == packed
    assert len(collapsar.compress(image)) < len(image) * 0.5


def test_an_array_is_its_bytes(frame):
    assert collapsar.decompress(collapsar.compress(frame[::2])) == frame[::2].tobytes()


def test_a_file_becomes_the_file_of_the_command(tmp_path, frame):
    (tmp_path / "a.fits").write_bytes(fits(frame.astype(">i2")))
    report = collapsar.compress_file(tmp_path / "a.fits", str(tmp_path / "a.clps"), level=3)
    assert report.n_bytes_in == (tmp_path / "a.fits").stat().st_size
    assert report.n_bytes_out == (tmp_path / "a.clps").stat().st_size
    assert (report.n_arrays, report.is_lossless, report.largest_error) == (1, True, 0)
    command = [sys.executable, "-m", "collapsar", "-3", "-q", tmp_path / "a.fits", "-o", tmp_path / "b.clps"]
    subprocess.run(command, check=True)
    assert (tmp_path / "b.clps").read_bytes() == (tmp_path / "a.clps").read_bytes()
    collapsar.decompress_file(tmp_path / "b.clps", tmp_path / "b.fits")
    assert (tmp_path / "b.fits").read_bytes() == (tmp_path / "a.fits").read_bytes()


def test_a_lossy_report_says_so(tmp_path, field):
    np.save(tmp_path / "a.npy", field)
    report = collapsar.compress_file(tmp_path / "a.npy", tmp_path / "a.clps", abs=0.01)
    assert not report.is_lossless and 0 < report.largest_error <= 0.01
    quality = collapsar.evaluate(tmp_path / "a.npy", tmp_path / "a.clps")
    assert quality["total"]["largest"] == report.largest_error and quality["lossless"] is False
    decoded = np.asarray(collapsar.open(tmp_path / "a.clps")[0])
    of_arrays = collapsar.evaluate(field, decoded)
    assert all(quality["arrays"][0][key] == value for key, value in of_arrays.items() if key != "bits")
    assert 0 < of_arrays["js"] <= 1 and 0.4 < of_arrays["auc"] <= 1 and of_arrays["mmd"] >= 0
    assert {"from", "to", "ratio", "residual"} == set(of_arrays["spectrum"][0])
    with pytest.raises(ValueError):
        collapsar.evaluate(field, decoded.T)
    with pytest.raises(TypeError):
        collapsar.evaluate(field, tmp_path / "a.clps")
    assert collapsar.evaluate(field, field.astype(">f4"))["changed"] == 0


def test_a_name_is_kept_unless_it_may_be_replaced(tmp_path, frame):
    np.save(tmp_path / "a.npy", frame)
    collapsar.compress_file(tmp_path / "a.npy", tmp_path / "a.clps", level=1)
    with pytest.raises(FileExistsError):
        collapsar.decompress_file(tmp_path / "a.clps", tmp_path / "a.npy")
    collapsar.decompress_file(tmp_path / "a.clps", tmp_path / "a.npy", replace=True)
    assert (np.load(tmp_path / "a.npy") == frame).all()
    assert sorted(os.listdir(tmp_path)) == ["a.clps", "a.npy"]


def command(*words, **more):
    return subprocess.run([sys.executable, "-m", "collapsar", *words], capture_output=True, text=True, **more)


def test_the_command_line_has_its_exit_codes_and_json(tmp_path, frame):
    np.save(tmp_path / "a.npy", frame)
    assert command("--version").stdout.split() == ["collapsar", collapsar.__version__]
    assert command("compress", "--no-such-option").returncode == 1
    assert command("info", tmp_path / "none").returncode == 2
    assert command("-q", tmp_path / "a.npy").returncode == 0
    told = json.loads(command("info", "--json", tmp_path / "a.npy.clps").stdout)
    assert "u16" in json.dumps(told)
    names = [model["name"] for model in json.loads(command("models", "--json").stdout)["models"]]
    assert names == [model["name"] for model in collapsar.models()]


def test_the_command_ends_by_a_signal_and_leaves_nothing(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(1).poisson(900, (2000, 2000)).astype(np.uint16))
    process = subprocess.Popen([sys.executable, "-m", "collapsar", "-9", "-q", tmp_path / "a.npy"])
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)
    process.terminate()
    assert process.wait(20) in (-15, 143)
    assert os.listdir(tmp_path) == ["a.npy"]
