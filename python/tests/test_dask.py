"""A plan on a cluster whose workers are killed: every file once, and the same bytes as without one."""

import collections
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import collapsar
from collapsar.dask import BatchError, _run, compress_files

distributed = pytest.importorskip("distributed")

N_FILES = 300
N_KILLS = 3


def batch(*words):
    return subprocess.run([sys.executable, "-m", "collapsar", "batch", *words], capture_output=True, text=True, check=True)


@pytest.fixture
def plan(tmp_path):
    """300 small files."""
    (tmp_path / "raw").mkdir()
    for i in range(N_FILES):
        frame = np.random.default_rng(i).poisson(900, (40, 50 + i % 7)).astype(np.uint16)
        np.save(tmp_path / "raw" / f"{i:03}.npy", frame)
    path = tmp_path / "plan.jsonl"
    batch("plan", str(tmp_path / "raw"), "--output-dir", str(tmp_path / "z"), "-o", str(path), "--level", "1")
    return path


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def receipts(plan):
    """Of each result the hashes that receipts say, in all of them."""
    said = collections.defaultdict(list)
    for path in (plan.parent / (plan.name + ".receipts")).iterdir():
        for line in path.read_text().splitlines():
            line = json.loads(line)
            if "output" in line:
                said[os.path.basename(line["output"])].append(line["output_blake3"])
    return said


def kill(client, results, killed):
    """Kills a worker when a part of the results is there, then another one."""
    for n in range(N_KILLS):
        while len(os.listdir(results)) < (n + 1) * N_FILES // (N_KILLS + 2):
            time.sleep(0.02)
        pids = {}
        while not pids:
            try:
                pids = client.run(os.getpid, on_error="ignore")
            except Exception:  # the worker that was to answer is the one that has just been killed
                time.sleep(0.1)
        pid = sorted(pids.values())[n % len(pids)]
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)


def test_300_tasks_on_two_workers_that_are_killed_lose_nothing_and_double_nothing(plan, tmp_path):
    results, alone = tmp_path / "z", tmp_path / "alone"
    results.mkdir()
    alone.mkdir()
    for source in sorted((tmp_path / "raw").iterdir()):
        collapsar.compress_file(source, alone / (source.name + ".clps"), level=1)
    wanted = digests(alone)

    killed = []
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            killer = threading.Thread(target=kill, args=(client, results, killed))
            killer.start()
            done = compress_files(client, plan)
            killer.join()
            assert len(set(killed)) == N_KILLS
            assert (done.done + done.before, done.failed, done.failures) == (N_FILES, 0, [])

            batch("gc", str(plan), "--older-than", "0")
            assert digests(results) == wanted
            said = receipts(plan)
            assert said.keys() == wanted.keys()
            assert all(len(set(hashes)) == 1 for hashes in said.values())
            n_receipts = sum(map(len, said.values()))

            times = {path.name: path.stat().st_ctime_ns for path in results.iterdir()}
            assert compress_files(client, plan, tasks=20) == (0, N_FILES, 0, [])
            assert {path.name: path.stat().st_ctime_ns for path in results.iterdir()} == times
            assert sum(map(len, receipts(plan).values())) == n_receipts
    status = json.loads(batch("status", str(plan), "--json").stdout)
    assert (status["done"], status["missing"], status["failed"]) == (N_FILES, 0, 0)
    batch("verify", str(plan), "--sample", "10%")


def test_what_fails_is_named_and_the_others_are_done(plan, tmp_path):
    (tmp_path / "raw" / "007.npy").unlink()
    done = _run(str(plan), "7/30", 1, [])
    assert (done.done, done.before, done.failed) == (N_FILES // 30 - 1, 0, 1)
    assert done.failures[0]["file"].endswith("007.npy")
    assert done.failures[0]["error"]["kind"] == "missing"
    with pytest.raises(BatchError, match="does not exist"):
        _run(str(tmp_path / "none"), "0/1", 1, [])
