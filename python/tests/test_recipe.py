"""Recipes as values."""

import pickle

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
