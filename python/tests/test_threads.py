"""The GIL is released, threads are shared, a child that was forked has its own."""

import itertools
import multiprocessing
import os
import threading
import time
import warnings

import numpy as np
import pytest

import collapsar
from collapsar import _collapsar


def chunks(n, size=160):
    return [np.random.default_rng(i).poisson(900, (size, size)).astype(np.uint16) for i in range(n)]


def seconds(work):
    """That two threads with the same work take."""
    threads = [threading.Thread(target=work) for _ in range(2)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")
def test_two_python_threads_gain_time():
    # one tile: two threads of the pool have work only where two Python threads call
    chunk = collapsar.encode(chunks(1, 250)[0], level=1)
    lock = threading.Lock()

    def free():
        for _ in range(8):
            collapsar.decode(chunk)

    def locked():
        with lock:
            free()

    # Others on the machine can only make a run slower, and one of some milliseconds they miss now and then: the fastest runs count, of
    # either way, in turns. Two cores with a load of 6 gave 1.9 after 40 runs, and 0.94 to 1.01 where both ways were locked.
    best_locked = best_free = float("inf")
    end = time.monotonic() + 60
    for n in itertools.count(1):
        best_locked, best_free = min(best_locked, seconds(locked)), min(best_free, seconds(free))
        if n >= 20 and best_free < best_locked / 1.3:
            break
        assert time.monotonic() < end, f"{n} runs: {best_free:.4f} s at once, {best_locked:.4f} s one at a time"


def test_python_runs_while_something_is_coded(frame):
    big = np.tile(frame, (4, 4))
    done, counted = threading.Event(), 0
    thread = threading.Thread(target=lambda: (collapsar.encode(big, level=4), done.set()))
    thread.start()
    while not done.is_set():
        counted += 1
        time.sleep(0.001)
    thread.join()
    assert counted > 5


def test_the_number_of_threads_is_what_was_set():
    try:
        for n in [1, 3]:
            collapsar.set_threads(n)
            assert _collapsar.n_threads() == n
    finally:
        collapsar.set_threads(None)
    for wrong in [0, -1, 10**6]:
        with pytest.raises(ValueError):
            collapsar.set_threads(wrong)


def _in_a_child(chunk, queue):
    queue.put((collapsar.decode(chunk).sum(), collapsar.encode(np.arange(100, dtype=np.int32)) != b""))


def test_a_forked_child_codes():
    array = chunks(1)[0]
    chunk = collapsar.encode(array)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = context.Process(target=_in_a_child, args=(chunk, queue))
        child.start()
    try:
        assert queue.get(timeout=30) == (array.sum(), True)
    finally:
        child.kill()
        child.join()


def test_two_threads_may_decode_into_parts_of_one_array():
    arrays = chunks(8)
    out = np.zeros((8, 160, 160), np.uint16)
    encoded = [collapsar.encode(array, level=1) for array in arrays]
    threads = [threading.Thread(target=collapsar.decode, args=(encoded[i], out[i])) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (out == np.array(arrays)).all()
