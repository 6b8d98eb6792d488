"""Figures of the Python package, as Markdown. The machine should do nothing else.

    python bench.py chunk               a chunk of 512 × 512 u16 through Python, beside the same call in Rust
    python bench.py share               the same chunk beside its share of a large frame, with recipes, on one thread
    python bench.py threads             what a second Python thread gains
    python bench.py zarr [FILE …]       an array in chunks of 256 × 256 in files of Zarr, beside its codecs and blosc2
    python bench.py hdf5 [FILE …]       a dataset of HDF5 in chunks of 512 × 512, beside hdf5plugin; floats also within a bound, beside
                                        SZ3, SPERR and ZFP

A figure is the median of interleaved runs. `threads` shows the fastest run: others on the machine can only slow it down. `hdf5` runs
once, in seconds of the CPU. Files are cut to two dimensions, `--rows` rows at most. `--quick` only shows that everything runs: small
arrays, one run.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import collapsar
from collapsar import _arrays, _collapsar, _options


def camera(h: int, w: int) -> np.ndarray:
    """Counts of a camera: a sky with a slope, stars, photon and read noise; seeded."""
    rng = np.random.default_rng(11)
    y, x = np.mgrid[0:h, 0:w]
    sky = 900 + y / 9 + x / 17
    for cy, cx, flux in zip(rng.uniform(0, h, 60), rng.uniform(0, w, 60), rng.pareto(1.5, 60) * 3000):
        sky = sky + flux * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 5)
    return np.clip(rng.poisson(sky) + rng.normal(0, 5, (h, w)), 0, 65535).astype(np.uint16)


def field(h: int, w: int) -> np.ndarray:
    """Temperatures: waves of many lengths, the short ones low; seeded."""
    rng = np.random.default_rng(12)
    y, x = np.mgrid[0:h, 0:w]
    out = np.full((h, w), 280.0)
    for length in np.geomspace(8, 512, 40):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        out += 0.05 * length**0.8 * np.sin((y * np.sin(angle) + x * np.cos(angle)) * 2 * np.pi / length + phase)
    return out.astype(np.float32)


def samples(path: Path) -> np.ndarray:
    """An NPY, or the largest array of any file that collapsar reads."""
    if path.suffix == ".npy":
        return np.load(path)
    with tempfile.TemporaryDirectory() as folder:
        collapsar.compress_file(path, Path(folder) / "a.clps", level=1)
        return np.asarray(max(collapsar.open(Path(folder) / "a.clps"), key=lambda a: a.size))


def median_ms(seconds: list[float]) -> float:
    return 1e3 * statistics.median(seconds)


def chunk(runs: int) -> None:
    frame = camera(512, 512)
    recipe = collapsar.Recipe.learn(frame)
    print("| level | encode, Rust | Python | more | decode, Rust | Python | more | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for name, keywords in [("1", {"level": 1}), ("3", {"level": 3}), ("5", {"level": 5}), ("recipe", {"recipe": recipe})]:
        encoding, decoding = _options.encoding(**{"level": None, **keywords}), _options.decoding()
        packed = collapsar.encode(frame, **keywords)
        rust: list[tuple[float, float]] = []
        python: list[tuple[float, float]] = []
        for _ in range(runs):
            rust.append(_collapsar.seconds_in_rust(_arrays.flat(frame), _arrays.described(frame), encoding, decoding))
            start = time.perf_counter()
            again = collapsar.encode(frame, **keywords)
            middle = time.perf_counter()
            collapsar.decode(again)
            python.append((middle - start, time.perf_counter() - middle))
        cells = []
        for i in range(2):
            one, other = median_ms([run[i] for run in rust]), median_ms([run[i] for run in python])
            cells += [f"{one:.2f} ms", f"{other:.2f} ms", f"{100 * (other / one - 1):+.1f} %"]
        print(f"| {name} | {' | '.join(cells)} | {frame.nbytes / len(packed):.3f} |")


def share(runs: int, side: int) -> None:
    """A chunk has four tiles, a frame of `side` many: what is done once for an array is a larger part of the chunk."""
    collapsar.set_threads(1)
    frame = camera(side, side)
    part = np.ascontiguousarray(frame[:512, :512])
    print(f"| level | encode, chunk | share of {side}² | more | decode, chunk | share | more | MB/s |")
    print("|---|---|---|---|---|---|---|---|")
    for level in (1, 3, 5, 7):
        arrays = [(array, collapsar.Recipe.learn(array, level=level)) for array in (part, frame)]
        seconds: list[list[tuple[float, float]]] = [[], []]
        for _ in range(runs):
            for (array, recipe), taken in zip(arrays, seconds):
                # as many samples of either
                for _ in range(frame.size // array.size):
                    start = time.perf_counter()
                    packed = collapsar.encode(array, recipe=recipe)
                    middle = time.perf_counter()
                    collapsar.decode(packed)
                    taken.append((middle - start, time.perf_counter() - middle))
        cells, speeds = [], []
        for i in range(2):
            one, large = (median_ms([run[i] for run in taken]) for taken in seconds)
            large *= part.size / frame.size
            cells += [f"{one:.2f} ms", f"{large:.2f} ms", f"{100 * (one / large - 1):+.1f} %"]
            speeds.append(f"{part.nbytes / 1e3 / one:.0f}")
        print(f"| {level} | {' | '.join(cells)} | {', '.join(speeds)} |")


#: Of a thread: some milliseconds.
N_CALLS = 4


def seconds_of(work: Callable[[], object], threads: int) -> float:
    """That so many Python threads take, each with the work."""
    all_ = [threading.Thread(target=work) for _ in range(threads)]
    start = time.perf_counter()
    for thread in all_:
        thread.start()
    for thread in all_:
        thread.join()
    return time.perf_counter() - start


def threads(runs: int) -> None:
    frame = camera(250, 250)
    collapsar.set_threads(2)
    print("| level | | one thread, MB/s | two, MB/s | gain |")
    print("|---|---|---|---|---|")
    for level in (1, 5):
        packed = collapsar.encode(frame, level=level)
        ways: dict[str, Callable[[], object]] = {
            "encode": lambda level=level: [collapsar.encode(frame, level=level) for _ in range(N_CALLS)],
            "decode": lambda packed=packed: [collapsar.decode(packed) for _ in range(N_CALLS)],
        }
        for name, work in ways.items():
            tries = [(seconds_of(work, 1), seconds_of(work, 2)) for _ in range(runs)]
            speeds = [n * N_CALLS * frame.nbytes / 1e6 / min(one[n - 1] for one in tries) for n in (1, 2)]
            print(f"| {level} | {name} | {speeds[0]:.1f} | {speeds[1]:.1f} | {speeds[1] / speeds[0]:.2f} |")
    print(f"\nOf {os.cpu_count()} cores others used {os.getloadavg()[0]:.1f} in the last minute.")


def codecs(array: np.ndarray) -> dict[str, dict[str, object]]:
    """Arguments of `zarr.create_array`."""
    import numcodecs.zarr3
    import zarr.codecs

    from collapsar.zarr import Collapsar

    recipe = collapsar.Recipe.learn(array[:256, :256])
    ours = {f"collapsar level {n}": Collapsar(level=n) for n in (1, 3, 5)} | {"collapsar, recipe": Collapsar(recipe=recipe)}
    out: dict[str, dict[str, object]] = {name: {"serializer": codec, "compressors": None} for name, codec in ours.items()}
    bit = zarr.codecs.BloscCodec(cname="zstd", clevel=5, shuffle="bitshuffle", typesize=array.itemsize)
    byte = zarr.codecs.BloscCodec(cname="zstd", clevel=9, shuffle="shuffle", typesize=array.itemsize)
    out["blosc zstd 5, bitshuffle"] = {"compressors": [bit]}
    out["blosc zstd 9, shuffle"] = {"compressors": [byte]}
    out["zstd 9"] = {"compressors": [zarr.codecs.ZstdCodec(level=9)]}
    out["pcodec 8"] = {"serializer": numcodecs.zarr3.PCodec(level=8), "compressors": None} if _has_pcodec() else {}
    return {name: how for name, how in out.items() if how}


def _has_pcodec() -> bool:
    try:
        from numcodecs.pcodec import PCodec

        PCodec()
    except ImportError:
        return False
    return True


class InZarr:
    """An array in a folder, by `zarr`."""

    def __init__(self, **how: object) -> None:
        self.how = how

    def write(self, at: Path, array: np.ndarray) -> None:
        import zarr

        zarr.create_array(at, shape=array.shape, chunks=(256, 256), dtype=array.dtype, **self.how)[:] = array

    def open(self, at: Path) -> Any:
        import zarr

        return zarr.open_array(at, mode="r")


class InBlosc2:
    """The same chunks in a file of blosc2, which is no codec of Zarr v3."""

    def write(self, at: Path, array: np.ndarray) -> None:
        import blosc2

        cparams = {"codec": blosc2.Codec.ZSTD, "clevel": 5, "filters": [blosc2.Filter.BITSHUFFLE], "nthreads": 2}
        blosc2.asarray(array, chunks=(256, 256), cparams=cparams, urlpath=str(at), mode="w")

    def open(self, at: Path) -> Any:
        import blosc2

        return blosc2.open(str(at), mode="r")


def stores(arrays: dict[str, np.ndarray], runs: int, n_cuts: int) -> None:
    for name, array in arrays.items():
        print(f"\n{name}: {array.dtype} {array.shape}, {array.nbytes / 1e6:.1f} MB\n")
        print("| codec | ratio | write MB/s | read MB/s | cut-out p50 | p95 |")
        print("|---|---|---|---|---|---|")
        results: dict[str, tuple[list[float], list[float], list[float], int]] = {}
        rng = np.random.default_rng(5)
        corners = [tuple(int(rng.integers(0, d - 63)) for d in array.shape) for _ in range(n_cuts)]
        ways: dict[str, Any] = {codec: InZarr(**how) for codec, how in codecs(array).items()}
        ways["blosc2 zstd 5, bitshuffle"] = InBlosc2()
        for _ in range(runs):
            for codec, way in ways.items():
                with tempfile.TemporaryDirectory() as folder:
                    at = Path(folder) / "a"
                    write, read, cut, _size = results.setdefault(codec, ([], [], [], 0))
                    start = time.perf_counter()
                    way.write(at, array)
                    write.append(time.perf_counter() - start)
                    a = way.open(at)
                    start = time.perf_counter()
                    again = a[:]
                    read.append(time.perf_counter() - start)
                    assert again.tobytes() == array.tobytes()
                    for y, x in corners:
                        start = time.perf_counter()
                        a[y : y + 64, x : x + 64]
                        cut.append(time.perf_counter() - start)
                    size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
                    results[codec] = (write, read, cut, size)
        for codec, (write, read, cut, size) in results.items():
            speeds = [array.nbytes / 1e6 / statistics.median(one) for one in (write, read)]
            p50, p95 = (1e3 * float(np.quantile(cut, q)) for q in (0.5, 0.95))
            print(
                f"| {codec} | {array.nbytes / size:.3f} | {speeds[0]:.0f} | {speeds[1]:.0f} | {p50:.1f} ms | {p95:.1f} ms |"
            )


def datasets(arrays: dict[str, np.ndarray], n_cuts: int) -> None:
    """The tables of hdf5/bench.py."""
    spec = importlib.util.spec_from_file_location("hdf5_bench", Path(__file__).parents[1] / "hdf5" / "bench.py")
    assert spec and spec.loader
    there = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(there)
    for name, array in arrays.items():
        there.tables(name, array, n_cuts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["chunk", "share", "threads", "zarr", "hdf5"])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.what in ("chunk", "threads"):
        return {"chunk": chunk, "threads": threads}[args.what](args.runs or (1 if args.quick else 25))
    if args.what == "share":
        return share(args.runs or (1 if args.quick else 3), 1024 if args.quick else 4096)
    shape = (256, 320) if args.quick else (1536, 2048)
    arrays = {"synthetic camera": camera(*shape), "synthetic field": field(*shape)}
    for path in args.files:
        array = samples(path)
        arrays[path.name] = np.ascontiguousarray(array.reshape(-1, array.shape[-1])[: args.rows])
        arrays[path.name] = arrays[path.name].astype(array.dtype.newbyteorder("="))
    n_cuts = 3 if args.quick else 60
    if args.what == "hdf5":
        return datasets(arrays, n_cuts)
    stores(arrays, args.runs or (1 if args.quick else 3), n_cuts)


if __name__ == "__main__":
    main()
