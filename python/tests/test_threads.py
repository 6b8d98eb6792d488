"""The GIL is released, threads are shared, a child that was forked has its own."""

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


def in_two_threads(work):
    """The seconds that it takes, and of the time that the thread with less of it spends in the work, the share in which both are there."""
    spans = [[], []]

    def some(mine):
        for _ in range(12):
            mine.append(work())

    threads = [threading.Thread(target=some, args=(mine,)) for mine in spans]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    both = sum(max(0.0, min(a[1], b[1]) - max(a[0], b[0])) for a in spans[0] for b in spans[1])
    return seconds, both / min(sum(end - begin for begin, end in mine) for mine in spans)


def timed(call):
    begin = time.perf_counter()
    call()
    return begin, time.perf_counter()


def test_two_python_threads_are_faster_than_one():
    # one tile: two threads of the pool have work where two Python threads call
    chunk = collapsar.encode(chunks(1, 250)[0], level=1)
    lock = threading.Lock()

    def decode():
        for _ in range(4):
            collapsar.decode(chunk)

    def free():
        return timed(decode)

    def locked():
        with lock:
            return timed(decode)

    # what a busy machine cannot hide: both threads are in the decoder at once, and where a lock forbids it they are not
    assert in_two_threads(free)[1] > 0.5
    assert in_two_threads(locked)[1] == 0.0
    # what it can hide: that this takes less time
    runs = [(in_two_threads(free)[0], in_two_threads(locked)[0]) for _ in range(12)]
    fastest, one_at_a_time = min(run[0] for run in runs), min(run[1] for run in runs)
    if os.getloadavg()[0] > len(os.sched_getaffinity(0)) / 2:
        pytest.skip(f"others use the machine: {fastest:.3f} s at once, {one_at_a_time:.3f} s one at a time")
    assert fastest < one_at_a_time / 1.2, f"{fastest:.3f} s at once, {one_at_a_time:.3f} s one at a time"


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
