"""A night of FITS frames goes into an archive: planned, compressed by two processes, verified, repaired, restored.

It writes raw/, archive/ and night.jsonl into the current folder. docs/batch.md says more.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

COLLAPSAR = [sys.executable, "-m", "collapsar"]  # the command `collapsar`


def batch(*words):
    """`collapsar batch ... --json`: its exit code, and the last line that it says."""
    ended = subprocess.run([*COLLAPSAR, "batch", *words, "--json"], stdout=subprocess.PIPE, text=True)
    return ended.returncode, json.loads(ended.stdout.splitlines()[-1])


def write_fits(path, counts, exposure):
    """Unsigned 16-bit counts as cameras write them: signed, big-endian, with BZERO 32768."""
    cards = {"SIMPLE": "T", "BITPIX": 16, "NAXIS": 2, "NAXIS1": counts.shape[1], "NAXIS2": counts.shape[0]}
    cards |= {"BSCALE": 1, "BZERO": 32768, "EXPTIME": exposure}
    header = "".join(f"{key:8}= {value:>20}".ljust(80) for key, value in cards.items()) + "END"
    samples = (counts.astype("i4") - 32768).astype(">i2").tobytes()
    path.write_bytes(header.ljust(2880).encode() + samples + bytes(-len(samples) % 2880))


raw, archive = Path("raw"), Path("archive")
raw.mkdir(exist_ok=True)
rng = np.random.default_rng(1)
for n in range(8):
    sky = np.full((400, 500), 900.0 + 20 * n)
    sky[rng.integers(0, 400, 60), rng.integers(0, 500, 60)] += rng.exponential(4000, 60)  # stars
    write_fits(raw / f"frame{n}.fits", rng.poisson(sky).clip(0, 65535), exposure=30 + n)

# the plan has files and settings; each worker does its share and leaves a receipt for every file
batch("plan", "raw", "--output-dir", "archive", "--level", "3", "-o", "night.jsonl", "-f")
run = [*COLLAPSAR, "batch", "run", "night.jsonl", "-T", "1", "--no-progress", "--shard"]
workers = [subprocess.Popen([*run, share]) for share in ("0/2", "1/2")]
assert [worker.wait() for worker in workers] == [0, 0]

code, status = batch("status", "night.jsonl")
print(f"{status['done']} frames: {status['bytes_in']} bytes are {status['bytes_out']}, ratio {status['ratio']}")
assert code == 0 and (status["done"], status["missing"]) == (8, 0) and status["ratio"] > 2

# a byte of a result changes on the disk: verify decodes everything and finds it, another run makes that file again
with open(archive / "frame3.fits.clps", "r+b") as file:
    file.seek(9000)
    file.write(b"\x55\xaa")
found, remade, repaired = batch("verify", "night.jsonl"), batch("run", "night.jsonl"), batch("verify", "night.jsonl")
print(f"verify: {found[1]['failed']} bad; run: {remade[1]['done']} made again; verify: {repaired[1]['verified']} good")
assert found[0] == 4 and found[1]["failed"] == 1 and remade[1]["done"] == 1
assert repaired[0] == 0 and repaired[1]["verified"] == 8

restored = subprocess.run([*COLLAPSAR, "decompress", "-c", archive / "frame3.fits.clps"], stdout=subprocess.PIPE)
assert restored.stdout == (raw / "frame3.fits").read_bytes()
