"""Figures of the Python package, as Markdown. The machine should do nothing else.

    python bench.py chunk               a chunk of 512 × 512 u16 through Python, beside the same call in Rust
    python bench.py zarr [FILE …]       a Zarr array in chunks of 256 × 256, beside blosc2 and the codecs of Zarr

Each figure is the median of interleaved runs. Files are cut to two dimensions, `--rows` rows at most.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

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


def stores(arrays: dict[str, np.ndarray], runs: int) -> None:
    import zarr

    for name, array in arrays.items():
        print(f"\n{name}: {array.dtype} {array.shape}, {array.nbytes / 1e6:.1f} MB\n")
        print("| codec | ratio | write MB/s | read MB/s | cut-out p50 | p95 |")
        print("|---|---|---|---|---|---|")
        results: dict[str, tuple[list[float], list[float], list[float], int]] = {}
        rng = np.random.default_rng(5)
        corners = [(int(rng.integers(0, array.shape[0] - 63)), int(rng.integers(0, array.shape[1] - 63))) for _ in range(60)]
        for _ in range(runs):
            for codec, how in codecs(array).items():
                with tempfile.TemporaryDirectory() as folder:
                    write, read, cut, _size = results.setdefault(codec, ([], [], [], 0))
                    a = zarr.create_array(folder, shape=array.shape, chunks=(256, 256), dtype=array.dtype, **how)
                    start = time.perf_counter()
                    a[:] = array
                    write.append(time.perf_counter() - start)
                    a = zarr.open_array(folder, mode="r")
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


def blosc2_arrays(arrays: dict[str, np.ndarray]) -> None:
    """blosc2 has no codec of Zarr v3; its own arrays have the same chunks."""
    import blosc2

    for name, array in arrays.items():
        cparams = {"codec": blosc2.Codec.ZSTD, "clevel": 5, "filters": [blosc2.Filter.BITSHUFFLE], "nthreads": 2}
        start = time.perf_counter()
        packed = blosc2.asarray(array, chunks=(256, 256), cparams=cparams)
        write = time.perf_counter() - start
        start = time.perf_counter()
        assert (packed[:] == array).all()
        read = time.perf_counter() - start
        speeds = [array.nbytes / 1e6 / one for one in (write, read)]
        ratio = array.nbytes / packed.schunk.cbytes
        print(f"{name}, blosc2 zstd 5 bitshuffle, in memory: {ratio:.3f}, {speeds[0]:.0f} and {speeds[1]:.0f} MB/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["chunk", "zarr"])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--rows", type=int, default=2048)
    args = parser.parse_args()
    if args.what == "chunk":
        return chunk(args.runs or 25)
    arrays = {"synthetic camera": camera(1536, 2048)}
    for path in args.files:
        array = samples(path)
        arrays[path.name] = np.ascontiguousarray(array.reshape(-1, array.shape[-1])[: args.rows])
        arrays[path.name] = arrays[path.name].astype(array.dtype.newbyteorder("="))
    stores(arrays, args.runs or 3)
    print()
    blosc2_arrays(arrays)


if __name__ == "__main__":
    main()
