"""Ratio, speed and the time of a cut-out, beside the filters of hdf5plugin.

    python hdf5/bench.py [--mb 32] [--cuts 200] FILE.npy…

Every file is one dataset in chunks of 512 × 512 (less where it is smaller), written and read through h5py on one thread,
from memory to memory: the file is in RAM. Times are of the CPU, which others on the machine don't stretch as much. A
cut-out is a box of 64 × 64 at a random place; there is no cache of chunks. Integers are coded without loss; floats
without, and within 1e-3 of their range, which is checked.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("BLOSC_NTHREADS", "1")

import h5py
import hdf5plugin
import numpy as np

from collapsar.hdf5 import Collapsar

SIDE, CUT = 512, 64


def lossless():
    yield "gzip 6, shuffle", dict(compression="gzip", compression_opts=6, shuffle=True)
    yield "Zstd 9, shuffle", dict(hdf5plugin.Zstd(clevel=9), shuffle=True)
    yield "Bitshuffle, LZ4", hdf5plugin.Bitshuffle(cname="lz4")
    yield "Bitshuffle, Zstd", hdf5plugin.Bitshuffle(cname="zstd", clevel=9)
    yield "Blosc2 Zstd 9, bitshuffle", hdf5plugin.Blosc2(cname="zstd", clevel=9, filters=hdf5plugin.Blosc2.BITSHUFFLE)
    for level in (1, 3, 5, 7):
        yield f"Collapsar {level}", Collapsar(level=level)


def within(bound):
    yield "SZ3", hdf5plugin.SZ3(absolute=bound)
    yield "SPERR", hdf5plugin.Sperr(absolute=bound)
    yield "ZFP", hdf5plugin.Zfp(accuracy=bound)
    for level in (1, 3, 5, 7):
        yield f"Collapsar {level}", Collapsar(level=level, abs=bound)


def measure(data, way, n_cuts, bound):
    shape = tuple(min(SIDE, d) for d in data.shape[-2:])
    with h5py.File("bench.h5", "w", driver="core", backing_store=False, rdcc_nbytes=0) as f:
        start = time.process_time()
        t = f.create_dataset("t", data=data, chunks=(1,) * (data.ndim - 2) + shape, **way)
        f.flush()
        write = time.process_time() - start
        n_bytes = t.id.get_storage_size()
        start = time.process_time()
        back = t[...]
        read = time.process_time() - start
        if bound is None:
            assert back.tobytes() == data.tobytes(), "not the same"
            off = 0
        else:
            off = float(np.abs(back.astype("f8") - data).max()) / bound
        rng, cuts = np.random.default_rng(7), []
        for _ in range(n_cuts):
            box = tuple(int(rng.integers(0, d)) for d in data.shape[:-2])
            box += tuple(
                slice(a, a + CUT) for a in (int(rng.integers(0, max(d - CUT, 0) + 1)) for d in data.shape[-2:])
            )
            start = time.process_time()
            t[box]
            cuts.append(1e3 * (time.process_time() - start))
    return (
        data.nbytes / n_bytes,
        data.nbytes / 1e6 / write,
        data.nbytes / 1e6 / read,
        *np.percentile(cuts, [50, 95]),
        off,
    )


def tables(name, data, n_cuts):
    """Of an array of two or more dimensions: without loss, and within 1e-3 of its range where it has floats."""
    jobs = [(None, lossless())]
    if data.dtype.kind == "f" and np.isfinite(data).all():
        bound = 1e-3 * float(np.ptp(data.astype("f8")))
        jobs.append((bound, within(bound)))
    for bound, ways in jobs:
        says = "lossless" if bound is None else f"within {bound:.3g}, 1e-3 of the range"
        print(f"\n{name}: {data.dtype} {'×'.join(map(str, data.shape))}, {data.nbytes / 1e6:.1f} MB, {says}\n")
        print("| | ratio | write MB/s | read MB/s | cut-out p50 ms | p95 ms |" + (" off / bound |" if bound else ""))
        print("|---|---|---|---|---|---|" + ("---|" if bound else ""))
        for way, how in ways:
            ratio, write, read, p50, p95, off = measure(data, dict(how), n_cuts, bound)
            row = f"| {way} | {ratio:.3f} | {write:.1f} | {read:.1f} | {p50:.2f} | {p95:.2f} |"
            print(row + (f" {off:.3f} |" if bound else ""), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mb", type=float, default=32, help="of a larger file the first planes")
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("files", nargs="+", type=Path)
    given = parser.parse_args()
    for path in given.files:
        data = np.load(path)
        data = data.reshape(-1, *data.shape[-2:])
        tables(path.name, np.ascontiguousarray(data[: max(1, int(given.mb * 1e6 / data[0].nbytes))]), given.cuts)


if __name__ == "__main__":
    main()
