"""Networks of one's own, and devices."""

import io
import pathlib
import pickle
import re

import numpy as np
import pytest

import collapsar

WEIGHTS = pathlib.Path(__file__).parents[2] / "weights"


@pytest.fixture(scope="module")
def own():
    """Weights that are built in nowhere: a known network under another name, which is another file with another hash."""
    data = (WEIGHTS / "pixelcnn-tiny-1.safetensors").read_bytes()
    assert data.count(b"pixelcnn-tiny") == 1
    return data.replace(b"pixelcnn-tiny", b"my-own-survey")


def waves():
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:200, 0:200]
    return rng.poisson(900 + 300 * np.sin(x / 31) * np.cos(y / 23)).astype(np.uint16)


def test_a_chunk_of_own_weights_needs_them_again(own, tmp_path):
    array = waves()
    chunk = collapsar.encode(array, weights=own)
    with pytest.raises(collapsar.MissingModelError) as raised:
        collapsar.decode(chunk)
    # a chunk names them by the first bytes of their hash
    assert any(len(word) == 16 and word in chunk.hex() for word in re.findall("[0-9a-f]+", str(raised.value)))
    (tmp_path / "own.safetensors").write_bytes(own)
    for weights in [own, [own], tmp_path / "own.safetensors", [str(tmp_path / "own.safetensors")]]:
        assert (collapsar.decode(chunk, weights=weights) == array).all()
    assert collapsar.encode(array, weights=own, model="my-own-survey") == chunk


def test_files_carry_them_where_asked(own):
    array = waves()
    with pytest.raises(collapsar.MissingModelError):
        collapsar.decompress(collapsar.compress(npy(array), weights=own))
    packed = collapsar.compress(npy(array), weights=own, embed_weights=True)
    assert collapsar.decompress(packed) == npy(array)


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_a_recipe_and_a_codec_carry_them_through_pickling(own):
    recipe = collapsar.Recipe.learn(waves(), weights=own)
    again = pickle.loads(pickle.dumps(recipe))
    chunk = collapsar.encode(waves(), recipe=again)
    assert "my-own-survey" in repr(again) and (collapsar.decode(chunk, weights=own) == waves()).all()
    pytest.importorskip("numcodecs")
    from collapsar.numcodecs import Collapsar

    codec = pickle.loads(pickle.dumps(Collapsar(weights=own)))
    assert (codec.decode(codec.encode(waves())) == waves()).all() and codec.get_config() == {"id": "collapsar"}


def test_models_are_named():
    models = {model["name"] for model in collapsar.models()}
    assert {"pixelcnn-tiny", "pixelcnn-small", "pixelcnn-default"} <= models
    for name in ["pixelcnn-small", "classic", "auto"]:
        assert (collapsar.decode(collapsar.encode(waves(), model=name)) == waves()).all()


def test_a_gpu_gives_the_same_bytes_or_there_is_none():
    try:
        chunk = collapsar.encode(waves(), device="gpu", model="pixelcnn-tiny")
    except collapsar.DeviceError:
        assert not any(device["hardware"] for device in collapsar.devices() if device["kind"] == "gpu")
    else:
        assert chunk == collapsar.encode(waves(), model="pixelcnn-tiny")
        assert (collapsar.decode(chunk, device="gpu") == waves()).all()
