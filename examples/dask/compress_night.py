"""Compresses a folder on the workers of a Dask cluster: python compress_night.py RAW RESULTS [SCHEDULER]

Without the address of a scheduler the cluster is this machine. Started again, it does what is missing.
"""

import subprocess
import sys
from pathlib import Path

from distributed import Client

from collapsar.dask import compress_files


def main(raw: str, results: str, scheduler: str | None = None) -> None:
    plan = Path(results).resolve().with_suffix(".plan.jsonl")
    if not plan.exists():
        words = ["batch", "plan", raw, "--output-dir", results, "-o", str(plan)]
        subprocess.run([sys.executable, "-m", "collapsar", *words], check=True)
    with Client(scheduler) if scheduler else Client(threads_per_worker=1) as client:
        done = compress_files(client, plan)
    print(f"{done.done} compressed, {done.before} were there, {done.failed} failed")
    for failure in done.failures:
        print(failure["file"], failure["error"]["message"])
    sys.exit(1 if done.failed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
