"""Through h5py: what is written comes back, what cannot be coded is refused, what is asked for is kept."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading

import h5py
import numpy as np
import pytest
from conftest import field, frame, same

from collapsar.hdf5 import FILTER_ID, PLUGIN_PATH, Collapsar, settings

FAST = 2
DTYPES = [f"{order}{kind}" for kind in "u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8".split() for order in "<>"] + ["?"]
SHAPES = [
    ((1,), (1,)),
    ((5000,), (1024,)),
    ((70, 90), (32, 32)),
    ((3, 40, 50), (1, 40, 50)),
    ((4, 33, 35), (2, 16, 35)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, chunks", SHAPES)
def test_every_dtype_comes_back_bit_for_bit(tmp_path, rng, dtype, shape, chunks):
    n = int(np.prod(shape))
    if dtype == "?":
        data = rng.random(shape) < 0.1
    else:
        data = (50 + 20 * np.sin(np.arange(n) / 30) + rng.integers(0, 5, n)).astype(dtype).reshape(shape)
        wild = rng.integers(0, n, n // 50)
        data.reshape(-1)[wild] = np.frombuffer(rng.bytes(len(wild) * data.itemsize), dtype)
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("t", data=data, chunks=chunks, **Collapsar(level=FAST))
    with h5py.File(tmp_path / "a.h5") as f:
        assert f["t"].dtype == data.dtype
        assert same(f["t"][...], data)
        box = tuple(slice(d // 3, d // 3 + max(d // 2, 1)) for d in shape)
        assert same(f["t"][box], data[box])


def test_special_floats_come_back_with_their_payloads(tmp_path):
    bits = np.array([0, 1 << 31, 0x7FC01234, 0xFF800001, 0x7F800000, 0xFF800000, 1, 0x3F800000], "u4")
    data = np.tile(bits, 512).view("f4").reshape(64, 64)
    with h5py.File(tmp_path / "a.h5", "w") as f:
        assert same(f.create_dataset("t", data=data, chunks=(64, 64), **Collapsar(level=FAST))[...], data)


@pytest.mark.parametrize("level", range(1, 10))
def test_every_level_comes_back_and_is_told(tmp_path, rng, level):
    data = frame(rng, (200, 200))
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("t", data=data, chunks=(200, 200), **Collapsar(level=level))
    with h5py.File(tmp_path / "a.h5") as f:
        assert same(f["t"][...], data) and settings(f["t"]) == {"level": level}
        assert f["t"].id.get_storage_size() < data.nbytes / 1.5


def test_a_dataset_grows_and_is_overwritten_in_parts(tmp_path, rng):
    whole = frame(rng, (300, 200))
    with h5py.File(tmp_path / "a.h5", "w") as f:
        t = f.create_dataset("t", (0, 200), "u2", maxshape=(None, 200), chunks=(64, 64), **Collapsar(level=FAST))
        for at in range(0, 300, 50):
            t.resize(at + 50, axis=0)
            t[at : at + 50] = whole[at : at + 50]
        whole[10:90, 30:170] = 7
        t[10:90, 30:170] = 7
    with h5py.File(tmp_path / "a.h5", "r+") as f:
        f["t"][299, 199] = whole[299, 199] = 65535
        assert same(f["t"][...], whole)
        assert f["t"].id.get_num_chunks() == 20


def test_chunks_not_written_are_fill_values(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        t = f.create_dataset("t", (100, 100), "f4", chunks=(50, 50), fillvalue=-9, **Collapsar())
        t[:10, :10] = 1
    with h5py.File(tmp_path / "a.h5") as f:
        assert f["t"].id.get_num_chunks() == 1 and (f["t"][...] == -9).sum() == 9900


def test_a_checksum_may_follow(tmp_path, rng):
    data = frame(rng, (64, 64))
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f.create_dataset("t", data=data, chunks=(64, 64), fletcher32=True, **Collapsar())
    with h5py.File(tmp_path / "a.h5") as f:
        assert same(f["t"][...], data)


def lossy(tmp_path, data, chunks, asked, **more):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        t = f.create_dataset("t", data=data, chunks=chunks, **asked, **more)
        n_bytes = t.id.get_storage_size()
    with h5py.File(tmp_path / "a.h5") as f:
        return f["t"][...], n_bytes


def off(a, b):
    return float(np.abs(a.astype("f8") - b.astype("f8")).max())


# chunks of 64 leave edges of 36: HDF5 fills them up with zeros, too near to be found, far enough to double the range
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<i2", ">u4"])
@pytest.mark.parametrize("rel", [1e-1, 1e-2, 1e-3])
def test_a_share_of_the_range_is_held_where_edges_are_filled_with_zeros(tmp_path, rng, dtype, rel):
    unit = 100 if dtype[1] in "iu" else 1
    data = (unit * (80 + 90 * rng.random((100, 100)))).astype(dtype)
    back, n_bytes = lossy(tmp_path, data, (64, 64), Collapsar(rel=rel))
    assert 0 < off(back, data) <= rel * float(np.ptp(data.astype("f8"))) and n_bytes < data.nbytes / 1.2


@pytest.mark.parametrize("dtype", ["<f4", ">f8"])
def test_every_kind_of_bound_is_held_for_floats(tmp_path, dtype):
    data = field((100, 100), dtype)
    back, _ = lossy(tmp_path, data, (50, 50), Collapsar(abs=0.05))
    assert 0 < off(back, data) <= 0.05
    back, _ = lossy(tmp_path, data, (50, 50), Collapsar(pw_rel=1e-3))
    assert 0 < float((np.abs(back.astype("f8") - data) / np.abs(data)).max()) <= 1e-3
    back, _ = lossy(tmp_path, data, (50, 50), Collapsar(mantissa=9))
    assert 0 < float((np.abs(back.astype("f8") - data) / np.abs(data)).max()) <= 2.0**-10
    back, _ = lossy(tmp_path, data, (50, 50), Collapsar(mantissa=9, mantissa_mode="trunc"))
    assert (back <= data).all() and 0 < float(((data - back.astype("f8")) / data).max()) < 2.0**-9
    noisy = data + np.random.default_rng(1).normal(0, 0.5, data.shape).astype(dtype)
    back, n_bytes = lossy(tmp_path, noisy, (50, 50), Collapsar(noise_step=4))
    assert 0 < off(back, noisy) <= 1.3 * 0.5 / 8, "σ is measured, not known: a fifth more is much"
    assert n_bytes < noisy.nbytes / 3


def test_whole_numbers_are_near(tmp_path, rng):
    data = frame(rng, (100, 100))
    for asked in [Collapsar(near=3), Collapsar(abs=3.9)]:
        back, n_bytes = lossy(tmp_path, data, (64, 64), asked)
        assert 0 < off(back, data) <= 3 and n_bytes < data.nbytes / 3
    back, _ = lossy(tmp_path, data, (64, 64), Collapsar(near=0))
    assert same(back, data)


@pytest.mark.parametrize("fill", [-999.0, 275.0, 1e20, np.nan])
@pytest.mark.parametrize(
    "asked", [Collapsar(abs=0.5), Collapsar(rel=1e-2), Collapsar(pw_rel=1e-2), Collapsar(mantissa=5)]
)
@pytest.mark.parametrize("n", [1, 5, 3000])
def test_a_fill_value_keeps_its_bits_and_nothing_becomes_one(tmp_path, rng, fill, asked, n):
    data = field((100, 100))
    missing = np.zeros(data.size, bool)
    missing[rng.permutation(data.size)[:n]] = True
    data.reshape(-1)[missing] = fill
    back, n_bytes = lossy(tmp_path, data, (50, 50), asked, fillvalue=np.float32(fill))
    is_fill = lambda a: a.reshape(-1).view("u4") == np.array([fill], "f4").view("u4")
    assert (is_fill(back) == is_fill(data)).all()


def test_bytes_are_the_same_whatever_the_number_of_threads(tmp_path):
    script = (
        "import sys, h5py, numpy as np; from collapsar.hdf5 import Collapsar; from conftest import frame, field\n"
        "rng = np.random.default_rng(3)\n"
        "with h5py.File('a.h5', 'w') as f:\n"
        "    a = f.create_dataset('a', data=frame(rng, (300, 600)), chunks=(300, 600), **Collapsar())\n"
        "    b = f.create_dataset('b', data=field((300, 300)), chunks=(300, 300), **Collapsar(rel=1e-3))\n"
        "    [sys.stdout.write(t.id.read_direct_chunk((0, 0))[1].hex()) for t in (a, b)]\n"
    )

    def with_threads(n):
        env = {
            **os.environ,
            "COLLAPSAR_THREADS": n,
            "HDF5_PLUGIN_PATH": PLUGIN_PATH,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        return subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, check=True
        ).stdout

    one = with_threads("1")
    assert len(one) > 1000 and with_threads("3") == one


def _sum_of(path):
    with h5py.File(path) as f:
        return int(f["t"][...].sum())


def _write(path):
    with h5py.File(path, "w") as f:
        f.create_dataset("t", data=frame(np.random.default_rng(5), (200, 200)), chunks=(200, 200), **Collapsar())


def test_a_forked_child_reads_and_writes(tmp_path):
    path = tmp_path / "a.h5"
    _write(path)
    expected = _sum_of(path)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map_async(_sum_of, [path] * 4).get(60) == [expected] * 4
        pool.apply_async(_write, [tmp_path / "b.h5"]).get(60)
    assert _sum_of(tmp_path / "b.h5") == expected


def test_threads_of_the_host_read_side_by_side(tmp_path):
    _write(tmp_path / "a.h5")
    expected, sums = _sum_of(tmp_path / "a.h5"), []
    threads = [threading.Thread(target=lambda: sums.append(_sum_of(tmp_path / "a.h5"))) for _ in range(8)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert sums == [expected] * 8


def test_two_hdf5_libraries_in_one_process_do_not_meet(tmp_path):
    """netCDF4 brings another HDF5 than h5py: its handles mean nothing there."""
    script = (
        "import netCDF4, h5py, numpy as np; from collapsar.hdf5 import Collapsar, settings; from conftest import field\n"
        "loaded = {line.split()[-1] for line in open('/proc/self/maps')}\n"
        "assert sum('/libhdf5-' in name or '/libhdf5.so' in name for name in loaded) == 2, loaded\n"
        "t = field((80, 90))\n"
        "with h5py.File('a.nc', 'w', track_order=True) as f:\n"
        "    y, x = (f.create_dataset(n, data=np.arange(d)) for n, d in zip('yx', t.shape))\n"
        "    y.make_scale(), x.make_scale()\n"
        "    d = f.create_dataset('t', data=t, chunks=(32, 45), **Collapsar(level=4))\n"
        "    d.dims[0].attach_scale(y), d.dims[1].attach_scale(x)\n"
        "with netCDF4.Dataset('a.nc') as n: assert (n['t'][:].data == t).all()\n"
        "with netCDF4.Dataset('a.nc', 'r+') as n: n['t'][:40] = t[40:]\n"
        "with h5py.File('a.nc') as f: assert (f['t'][:40] == t[40:]).all() and settings(f['t']) == {'level': 4}\n"
    )
    env = {**os.environ, "HDF5_PLUGIN_PATH": PLUGIN_PATH, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def refusal(make):
    with pytest.raises((ValueError, OSError)) as error:
        make()
    return str(error.value)


# each with words of the sentence that HDF5 passes on
REFUSED = [
    (dict(dtype=[("a", "f4"), ("b", "i2")]), "class 6"),
    (dict(dtype="c8"), "class 6"),
    (dict(dtype="S4"), "class 3"),
    (dict(dtype=np.dtype(("f4", (3,)))), "class 10"),
    (dict(dtype="V8"), "class 5"),
    (dict(dtype="f4", shuffle=True), "shuffle"),
    (dict(dtype="f4", scaleoffset=2), "another filter"),
]


@pytest.mark.parametrize("how, words", REFUSED, ids=[words for _, words in REFUSED])
def test_what_is_no_array_of_numbers_is_refused(tmp_path, how, words):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        said = refusal(lambda: f.create_dataset("t", (64, 64), chunks=(32, 32), **how, **Collapsar()))
        assert "collapsar" in said and words in said and "t" not in f


@pytest.mark.parametrize("dtype", ["f2", "?"])
def test_a_bound_of_what_is_only_bits_is_refused(tmp_path, dtype):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        said = refusal(lambda: f.create_dataset("t", (64, 64), dtype, chunks=(32, 32), **Collapsar(abs=1)))
        assert "only has bits" in said


def test_what_was_asked_is_checked_by_the_filter(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        for values, words in [
            ((2,), "version 2"),
            ((1, 17), "level 17"),
            ((1, 5, 9), "kind of bound 9"),
            ((1, 5, 1), "above 0"),
        ]:
            make = lambda: f.create_dataset(
                "t", (8, 8), "f4", chunks=(8, 8), compression=FILTER_ID, compression_opts=values
            )
            assert words in refusal(make)
        f.create_dataset("t", (8, 8), "f4", chunks=(8, 8), compression=FILTER_ID)[...] = 3
        assert settings(f["t"]) == {"level": 5} and (f["t"][...] == 3).all()


def test_what_was_asked_is_checked_by_python():
    for wrong in [
        dict(level=0),
        dict(level=10),
        dict(abs=0),
        dict(rel=1),
        dict(abs=float("nan")),
        dict(abs=1, rel=0.1),
        dict(mantissa=0),
        dict(mantissa=60),
        dict(near=-1),
        dict(mantissa_mode="up"),
    ]:
        with pytest.raises(ValueError):
            Collapsar(**wrong)
    for wrong in [dict(near=1.5), dict(bound=1), dict(level=1.0)]:
        with pytest.raises(TypeError):
            Collapsar(**wrong)


def test_settings_are_told_and_pickle(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        for i, asked in enumerate(
            [
                {},
                dict(abs=0.1),
                dict(rel=1e-3),
                dict(pw_rel=1e-3),
                dict(near=7),
                dict(mantissa=9),
                dict(mantissa=9, mantissa_mode="trunc"),
                dict(noise_step=4.0),
            ]
        ):
            filter = pickle.loads(pickle.dumps(Collapsar(level=7, **asked)))
            t = f.create_dataset(str(i), (8, 8), "i4" if "near" in asked else "f4", chunks=(8, 8), compression=filter)
            assert settings(t) == {"level": 7, **asked}
            assert eval(repr(filter)) == filter
        assert settings(f.create_dataset("z", (8, 8), "f4", chunks=(8, 8), compression="gzip")) is None


def made(f, name, dtype="u2", chunks=(16, 16), values=(1, FAST), before=(), flag=h5py.h5z.FLAG_OPTIONAL):
    """A dataset of one chunk; h5py's own door makes every filter optional."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk(chunks)
    for number in before:
        properties.set_filter(number)
    properties.set_filter(FILTER_ID, flag, values)
    kind, space = h5py.h5t.py_create(np.dtype(dtype), logical=True), h5py.h5s.create_simple(chunks)
    return h5py.Dataset(h5py.h5d.create(f.id, name.encode(), kind, space, properties))


def test_an_optional_filter_leaves_a_chunk_that_would_grow_as_it_is(tmp_path, rng):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        for name, data, mask in [
            ("noise", rng.integers(0, 1 << 16, (16, 16), "u2"), 1),
            ("smooth", frame(rng, (64, 64)), 0),
        ]:
            t = made(f, name, data.dtype, data.shape)
            t[...] = data
            f.flush()
            assert same(t[...], data)
            info = t.id.get_chunk_info(0)
            assert info.filter_mask == mask and info.size <= data.nbytes, name


def test_what_cannot_be_coded_is_refused_whether_optional_or_not(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        for wrong in [dict(values=(9,)), dict(dtype="c8"), dict(before=(h5py.h5z.FILTER_SHUFFLE,))]:
            for flag in [0, h5py.h5z.FLAG_OPTIONAL]:
                assert "collapsar" in refusal(lambda: made(f, "wrong", **{"dtype": "u2", **wrong}, flag=flag))


# damage


def small_chunks(rng):
    return {
        "network": (frame(rng, (24, 24)), Collapsar(level=5)),
        "classic": (frame(rng, (12, 12)), Collapsar(level=1)),
        "bounded": (field((24, 24)), Collapsar(rel=1e-2)),
        "stored": (rng.integers(0, 1 << 16, (5, 5), "u2"), Collapsar()),
        "constant": (np.full((9, 9), 7, "i4"), Collapsar()),
    }


@pytest.mark.parametrize("name", ["network", "classic", "bounded", "stored", "constant"])
@pytest.mark.parametrize("flag", [0, h5py.h5z.FLAG_OPTIONAL])
def test_every_flipped_bit_and_every_cut_of_a_chunk_is_an_error(tmp_path, rng, name, flag):
    data, asked = small_chunks(rng)[name]
    make = lambda f, name, flag: made(f, name, data.dtype, data.shape, asked.filter_options, flag=flag)
    with h5py.File(tmp_path / "a.h5", "w") as f:
        make(f, "t", 0)[...] = data
    # what was written stays in a cache until the file is closed
    with h5py.File(tmp_path / "a.h5", "r+") as f:
        t = f["t"]
        right = t[...]
        _, chunk = t.id.read_direct_chunk((0, 0))
        t = make(f, "u", flag)
        damaged = [chunk[:n] for n in range(1, len(chunk))] + [chunk + b"\0"]
        for bit in range(8 * len(chunk)):
            one = bytearray(chunk)
            one[bit // 8] ^= 1 << bit % 8
            damaged.append(bytes(one))
        n_refused = n_same = n_wrong = 0
        for one in damaged:
            t.id.write_direct_chunk((0, 0), one)
            try:
                n_same += same(t[...], right)
                n_wrong += not same(t[...], right)
            except OSError:
                n_refused += 1
        print(
            f"{name}: {len(chunk)} bytes, {len(damaged)} damaged, {n_refused} refused, {n_same} the same, {n_wrong} wrong"
        )
        assert (n_refused, n_same, n_wrong) == (len(damaged), 0, 0)
        t.id.write_direct_chunk((0, 0), chunk)
        assert same(t[...], right)


def test_a_chunk_of_another_dataset_is_an_error(tmp_path, rng):
    with h5py.File(tmp_path / "a.h5", "w") as f:
        make = lambda name, dtype, shape: f.create_dataset(
            name, data=frame(rng, shape, dtype), chunks=shape, **Collapsar()
        )
        t = make("t", "u2", (20, 30))
        for name, dtype, shape in [
            ("a", "i2", (20, 30)),
            ("b", ">u2", (20, 30)),
            ("c", "u2", (30, 20)),
            ("d", "u4", (20, 15)),
        ]:
            t.id.write_direct_chunk((0, 0), make(name, dtype, shape).id.read_direct_chunk((0, 0))[1])
            refusal(lambda: t[...])


# few values


def few_valued(rng, dtype):
    labels = (np.cumsum(rng.random((256, 256)) < 0.02, axis=1) + np.arange(256)[:, None] // 40) % 7
    values = np.sort(rng.choice(60000, 7, replace=False)).astype("f8")
    return (values * (1 if dtype == "u2" else 1e-7 * np.pi)).astype(dtype)[labels]


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_few_values_are_a_dictionary(tmp_path, rng, dtype):
    """Seven values anywhere in the range of their dtype: smaller than what gzip and zstd find, shuffled or not."""
    zstd = pytest.importorskip("hdf5plugin").Zstd
    data, sizes = few_valued(rng, dtype), {}
    ways = {
        "gzip 9": dict(compression="gzip", compression_opts=9),
        "shuffle + gzip 9": dict(compression="gzip", compression_opts=9, shuffle=True),
        "zstd 19": dict(zstd(clevel=19)),
        "shuffle + zstd 19": dict(zstd(clevel=19), shuffle=True),
        "level 1": Collapsar(level=1),
        "level 5": Collapsar(level=5),
    }
    with h5py.File(tmp_path / "a.h5", "w") as f:
        for name, way in ways.items():
            t = f.create_dataset(name, data=data, chunks=data.shape, **way)
            f.flush()
            assert same(t[...], data)
            sizes[name] = t.id.get_storage_size()
    print(dtype, data.nbytes, sizes)
    ours = max(sizes.pop("level 1"), sizes.pop("level 5"))
    assert ours < min(sizes.values())
