"""The codec of Zarr v3: what was written in chunks and shards comes back, a cut-out touches its chunks only, damage raises."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

import collapsar

zarr = pytest.importorskip("zarr", minversion="3.1")

from collapsar.zarr import Collapsar  # noqa: E402


def create(store, array, codec, chunks, **more):
    return zarr.create_array(
        store, shape=array.shape, chunks=chunks, dtype=array.dtype, serializer=codec, compressors=None, **more
    )


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", ">f4", ">i2"])
def test_every_dtype(dtype):
    array = np.random.default_rng(1).integers(0, 90, (50, 70)).astype(dtype)
    a = create({}, array, Collapsar(level=1), (32, 32))
    a[:] = array
    assert (a[:] == array).all() and a[:].dtype == array.dtype


@pytest.mark.parametrize("dtype", ["bool", "c8", "f2"])
def test_other_dtypes_are_refused_when_an_array_is_made(dtype):
    with pytest.raises(ValueError, match="is not one of u8"):
        create({}, np.zeros((4, 4), dtype), Collapsar(), (2, 2))


@pytest.mark.parametrize("shape", [(), (7,), (5, 6, 7), (2, 3, 4, 5, 6)])
def test_every_number_of_dimensions(shape):
    array = np.arange(int(np.prod(shape)), dtype=np.int16).reshape(shape)
    a = create({}, array, Collapsar(), tuple(max(1, n // 2) for n in shape))
    a[...] = array
    assert (a[...] == array).all()


def test_metadata_is_what_a_person_can_read(tmp_path, frame):
    recipe = collapsar.Recipe.learn(frame[:100, :100])
    codec = Collapsar(level=4, near=2, recipe=recipe)
    a = create(tmp_path / "a.zarr", frame, codec, (100, 100))
    [written] = json.loads((tmp_path / "a.zarr" / "zarr.json").read_text())["codecs"]
    assert written["name"] == "collapsar" and list(written["configuration"]) == ["level", "near", "recipe"]
    again = Collapsar.from_dict(written)
    assert again == codec == pickle.loads(pickle.dumps(codec)) and hash(again) == hash(codec)
    assert again.to_dict() == written and "level=4" in repr(codec)
    assert a.metadata.codecs == (codec,)


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"level": 5, "speed": 9}, "'speed' is no key"),
        ({"weights": "x"}, "'weights' is no key"),
        ({"abs": 1.0, "rel": 0.1}, "two bounds"),
        ({"recipe": "no base64!"}, "base64"),
        ({"recipe": "AAAA"}, "recipe"),
        ({"level": 77}, "level 77"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(configuration, message):
    with pytest.raises(ValueError, match=message):
        Collapsar.from_dict({"name": "collapsar", "configuration": configuration})


def test_chunks_in_shards_and_a_cut_out_that_reads_its_chunks_only(frame):
    store = Counting({})
    a = create(store, frame, Collapsar(level=1), (50, 50), shards=(150, 160 - 10))
    a[:] = frame
    store.read.clear()
    assert (zarr.open_array(store)[60:90, 210:240] == frame[60:90, 210:240]).all()
    assert {key for key, _ in store.read if "c/" in key} == {"c/0/1"}
    # of the shard an index and one chunk
    parts = [length for key, length in store.read if "c/" in key]
    assert len(parts) == 2 and sum(parts) < len(store.data["c/0/1"]) / 2


class Counting(zarr.storage.MemoryStore):
    """Remembers what was read: key and number of bytes."""

    def __init__(self, data):
        super().__init__()
        self.read = []

    @property
    def data(self):
        return {key: value.to_bytes() for key, value in self._store_dict.items()}

    def with_read_only(self, read_only=False):
        return self

    async def get(self, key, *args, **keywords):
        got = await super().get(key, *args, **keywords)
        if got is not None:
            self.read.append((key, len(got)))
        return got

    async def get_partial_values(self, prototype, key_ranges):
        got = await super().get_partial_values(prototype, key_ranges)
        self.read.extend((key, len(part)) for (key, _), part in zip(key_ranges, got) if part is not None)
        return got


def test_decoded_chunks_are_those_of_the_cut_out(frame, monkeypatch):
    a = create({}, frame, Collapsar(level=1), (50, 50))
    a[:] = frame
    decoded = []
    one = Collapsar._decode_sync
    monkeypatch.setattr(Collapsar, "_decode_sync", lambda self, *args: decoded.append(1) or one(self, *args))
    assert (a[60:110, 210:240] == frame[60:110, 210:240]).all()
    assert len(decoded) == 2


def test_a_bound_holds(field):
    for keywords in [{"abs": 0.01}, {"rel": 1e-3}, {"mantissa": 9, "mantissa_mode": "trunc"}]:
        a = create({}, field, Collapsar(**keywords), (64, 64))
        a[:] = field
        off = abs(a[:].astype(float) - field)
        # a share is of the range of each chunk, which is no larger than that of the array
        assert 0 < off.max() <= keywords.get("abs", 1e-3 * np.ptp(field) if "rel" in keywords else 320 * 2**-9)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other shape", "other dtype"])
def test_damage_raises(damage, frame):
    store = zarr.storage.MemoryStore()
    a = create(store, frame, Collapsar(level=1), (300, 310))
    a[:] = frame
    chunk = bytearray(store._store_dict["c/0/0"].to_bytes())
    if damage == "flip":
        chunk[len(chunk) // 2] ^= 1
    chunk = {
        "cut": chunk[:-5],
        "empty": b"",
        "other shape": collapsar.encode(frame[:5]),
        "other dtype": collapsar.encode(frame.view(np.int16)),
    }.get(damage, chunk)
    store._store_dict["c/0/0"] = zarr.core.buffer.default_buffer_prototype().buffer.from_bytes(bytes(chunk))
    with pytest.raises(collapsar.CorruptError):
        a[:]


def test_the_sync_pair_does_what_the_async_pair_does(frame):
    from zarr.abc.codec import SupportsSyncCodec

    assert isinstance(Collapsar(), SupportsSyncCodec)
    with zarr.config.set({"codec_pipeline.path": "zarr.core.codec_pipeline.BatchedCodecPipeline"}):
        a = create({}, frame, Collapsar(level=1), (100, 100), shards=(200, 200))
        a[:] = frame
        assert (a[:] == frame).all()
    try:
        from zarr.core.codec_pipeline import FusedCodecPipeline  # noqa: F401
    except ImportError:
        pytest.skip("this zarr has no synchronous pipeline")
    with zarr.config.set({"codec_pipeline.path": "zarr.core.codec_pipeline.FusedCodecPipeline"}):
        b = create({}, frame, Collapsar(level=1), (100, 100), shards=(200, 200))
        b[:] = frame
        assert (b[:] == frame).all()


def test_dask_writes_chunks_and_shards(frame):
    dask_array = pytest.importorskip("dask.array")
    for more, chunks in [({}, (50, 62)), ({"shards": (100, 124)}, (100, 124))]:
        a = create({}, frame, Collapsar(level=2), (50, 62), **more)
        dask_array.store(dask_array.from_array(frame, chunks=chunks), a, lock=False)
        assert (a[:] == frame).all()
        assert (dask_array.from_zarr(a)[10:20].compute() == frame[10:20]).all()


def test_xarray_writes_and_reads_lazily(tmp_path, field):
    xarray = pytest.importorskip("xarray")
    ds = xarray.Dataset({"t": (("y", "x"), field)}, attrs={"title": "a test"})
    encoding = {"t": {"serializer": Collapsar(rel=1e-3), "compressors": None, "chunks": (50, 60)}}
    ds.to_zarr(tmp_path / "ds.zarr", encoding=encoding, zarr_format=3, consolidated=False)
    again = xarray.open_zarr(tmp_path / "ds.zarr", consolidated=False)
    part = again.t[60:70, 100:110]
    assert part.chunks is not None
    assert abs(part.values - field[60:70, 100:110]).max() <= 1e-3 * np.ptp(field)
    assert abs(again.t.values - field).max() <= 1e-3 * np.ptp(field)
    shards = {"t": {**encoding["t"], "serializer": Collapsar(level=1), "shards": (100, 120)}}
    ds.chunk(y=100, x=120).to_zarr(tmp_path / "shards.zarr", encoding=shards, zarr_format=3, consolidated=False)
    assert (xarray.open_zarr(tmp_path / "shards.zarr", consolidated=False).t.values == field).all()


def test_a_fresh_process_reads_with_only_the_package_installed(tmp_path, frame):
    a = create(tmp_path / "a.zarr", frame, Collapsar(level=1), (100, 100), shards=(200, 200))
    a[:] = frame
    code = "import sys, zarr; a = zarr.open_array(sys.argv[1], mode='r'); print(int(a[:].astype('u8').sum()))"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a.zarr"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert int(done.stdout) == int(frame.astype("u8").sum())


def test_other_codecs_may_stand_around_it(frame):
    from zarr.codecs import Crc32cCodec, TransposeCodec

    a = zarr.create_array(
        {},
        shape=frame.shape,
        chunks=(100, 100),
        dtype=frame.dtype,
        filters=[TransposeCodec(order=(1, 0))],
        serializer=Collapsar(level=1),
        compressors=[Crc32cCodec()],
    )
    a[:] = frame
    assert (a[:] == frame).all()
