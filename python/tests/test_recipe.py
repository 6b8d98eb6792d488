"""Recipes as values."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import collapsar


def frames(n):
    return [np.random.default_rng(i).poisson(900, (128, 128)).astype(np.uint16) for i in range(n)]


def test_a_recipe_codes_others_of_its_kind():
    a, b, c = frames(3)
    recipe = collapsar.Recipe.learn([a, b], level=5)
    chunk = collapsar.encode(c, recipe=recipe)
    assert (collapsar.decode(chunk) == c).all()
    assert len(chunk) < c.nbytes * 0.6
    assert collapsar.encode(c, recipe=recipe) == chunk
    assert "u16 128×128" in repr(recipe) and "u16 128×128" in recipe._repr_html_()


def test_a_recipe_is_bytes_and_pickles():
    a, b = frames(2)
    recipe = collapsar.Recipe.learn(a)
    data = recipe.to_bytes()
    for again in [collapsar.Recipe.from_bytes(data), pickle.loads(pickle.dumps(recipe))]:
        assert again == recipe and hash(again) == hash(recipe)
        assert collapsar.encode(b, recipe=again) == collapsar.encode(b, recipe=recipe)
    for wrong in [b"", data[:-1], data + b"x", data[:20] + b"y" + data[21:]]:
        with pytest.raises(collapsar.CorruptError):
            collapsar.Recipe.from_bytes(wrong)


def test_a_recipe_of_another_kind_is_refused(field):
    recipe = collapsar.Recipe.learn(frames(1))
    with pytest.raises(ValueError, match="the recipe does not fit f32 of 200×180"):
        collapsar.encode(field, recipe=recipe)
    both = collapsar.Recipe.learn([*frames(1), field])
    assert (collapsar.decode(collapsar.encode(field, recipe=both)) == field).all()
    with pytest.raises(TypeError):
        collapsar.Recipe()
    with pytest.raises(ValueError):
        collapsar.Recipe.learn([])


def test_a_recipe_with_a_bound(field):
    recipe = collapsar.Recipe.learn(field, rel=1e-3)
    other = np.roll(field, 31, axis=1)
    again = collapsar.decode(collapsar.encode(other, rel=1e-3, recipe=recipe))
    assert 0 < abs(again - other).max() <= 1e-3 * np.ptp(other)


def test_a_file_takes_a_recipe(frame):
    from conftest import fits

    one, two = (fits(np.random.default_rng(i).poisson(900, (128, 128)).astype(">i2")) for i in range(2))
    recipe = collapsar.Recipe.learn(np.random.default_rng(5).poisson(900, (128, 128)).astype(">i2"))
    for data in [one, two]:
        assert collapsar.decompress(collapsar.compress(data, recipe=recipe)) == data


def test_a_recipe_of_a_camera_carries_its_network(tmp_path):
    camera = frames(3)
    for n, frame in enumerate(camera):
        np.save(tmp_path / f"{n}.npy", frame)
    out = str(tmp_path / "camera.recipe")
    command = [sys.executable, "-m", "collapsar", "adapt", "--steps", "4", "-o", out]
    subprocess.run([*command, *(str(tmp_path / f"{n}.npy") for n in range(3))], check=True)
    recipe = collapsar.Recipe.from_bytes(Path(out).read_bytes())
    assert "camera" in repr(recipe)
    (weights,) = recipe.weights()
    assert collapsar.Recipe.learn(camera).weights() == []
    other = np.random.default_rng(9).poisson(900, (128, 128)).astype(np.uint16)
    chunk = collapsar.encode(other, recipe=recipe)
    with pytest.raises(collapsar.MissingModelError):
        collapsar.decode(chunk)
    for given in [weights, recipe.weights(), out, recipe.to_bytes()]:
        assert (collapsar.decode(chunk, weights=given) == other).all()
    again = pickle.loads(pickle.dumps(recipe))
    assert collapsar.encode(other, recipe=again) == chunk
    np.save(tmp_path / "other.npy", other)
    file = tmp_path / "other.npy.clps"
    collapsar.compress_file(tmp_path / "other.npy", file, recipe=recipe, embed_weights=True)
    assert (collapsar.open(file)[0][...] == other).all()

    # a codec's configuration has the recipe, and so all that a reader needs
    numcodecs = pytest.importorskip("numcodecs")
    from collapsar.numcodecs import Collapsar

    said = Collapsar(recipe=recipe).get_config()
    coded = Collapsar(recipe=recipe).encode(other)
    assert (np.asarray(numcodecs.get_codec(said).decode(coded)) == other).all()
