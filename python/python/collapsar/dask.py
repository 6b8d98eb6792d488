"""Many files on the workers of a Dask cluster: the tasks of a plan that ``collapsar batch plan`` wrote.

A task is ``collapsar batch run PLAN --shard I/N`` in a process of its own, beside the Dask worker. What Dask computes again after the loss
of a worker has receipts already, and is not done again. Plan, sources and results lie where all workers see them under the same path.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BatchError", "Done", "compress_files"]

#: So many tasks where the plan has more files: a scheduler takes a million, and is slow with them.
_MOST_TASKS = 1000


class BatchError(RuntimeError):
    """A task ended before it had done its share: killed, or without a plan that can be read."""


class Done(NamedTuple):
    """What came of the files of a plan."""

    #: Compressed now.
    done: int
    #: Had a receipt whose result is as it was written.
    before: int
    failed: int
    #: Of the files that failed: ``{"file": …, "error": {"kind", "message", "code"}}``.
    failures: list[dict[str, Any]]


def compress_files(
    client: Any,
    plan: str | os.PathLike[str],
    *,
    tasks: int | None = None,
    threads: int = 1,
    retries: int = 10,
    resources: Mapping[str, float] | None = None,
    options: Sequence[str] = (),
) -> Done:
    """Compresses the files of ``plan`` on the workers of ``client``, a ``distributed.Client``, and waits for the end.

    ``tasks``: into how many the plan is cut; one a file unless there are more than a thousand. ``threads``: of each task. ``retries``: how
    often a task may be started again when its process was killed. ``resources``: of Dask, as ``{"gpu": 1}``, with one worker process for
    each device. ``options``: of ``collapsar batch run``, as ``["-M", "2G"]``.

    A file that fails does not end the others: it is in ``failures``, as in ``collapsar batch status``. Call it again, and what was done is
    not done again.
    """
    path = os.path.abspath(os.fspath(plan))
    with open(path, encoding="utf-8") as lines:
        n_files = int(json.loads(lines.readline())["files"])
    n_tasks = max(1, min(n_files, tasks or _MOST_TASKS))
    run = uuid.uuid4().hex  # a run is no earlier one whose result Dask still has
    futures = client.map(
        _run,
        [path] * n_tasks,
        [f"{i}/{n_tasks}" for i in range(n_tasks)],
        threads=threads,
        options=list(options),
        key=[f"collapsar-{run}-{i}" for i in range(n_tasks)],
        pure=False,
        retries=retries,
        resources=dict(resources) if resources else None,
    )
    parts: list[Done] = client.gather(futures)
    return Done(
        sum(part.done for part in parts),
        sum(part.before for part in parts),
        sum(part.failed for part in parts),
        [failure for part in parts for failure in part.failures],
    )


def _run(plan: str, shard: str, threads: int, options: list[str]) -> Done:
    """A task, on a worker."""
    command = [sys.executable, "-m", "collapsar", "batch", "run", plan, "--shard", shard]
    command += ["-T", str(threads), "--json", "--no-progress", *options]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    if not lines or "shard" not in lines[-1]:
        raise BatchError(f"share {shard} of {plan} ended with {ended.returncode}: {ended.stderr.strip()}")
    failures = [line for line in lines if "error" in line]
    return Done(lines[-1]["done"], lines[-1]["before"], lines[-1]["failed"], failures)
