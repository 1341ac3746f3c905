"""A forecast on all cores: each process takes one virtual shard after the other."""

import gc
import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any, TypeVar

from functions.forecast.log import Log
from functions.virtual.plan import SHARDS, Plan
from functions.virtual.shards import Read, one_shard

R = TypeVar("R")


def _unheard(done: int) -> None:
    pass


def forecast(
    plan: Plan,
    read: Read,
    take: Callable[[Log], R],
    *,
    cores: int | None = None,
    progress: Callable[[int], None] = _unheard,
) -> Iterator[R]:
    """What `take` makes of each shard's log. See `each`."""
    return each(partial(one_shard, plan, read, take), cores, progress)


def each(
    work: Callable[[int], R], cores: int | None = None, progress: Callable[[int], None] = _unheard
) -> Iterator[R]:
    """What `work` makes of each shard, in their order: the same on any number of cores (None or 0:
    all that there are).

    `progress` is told how many shards are done, in this process. The work is pickled: it may hold
    functions of modules, but no lambdas. Where there can be no other processes (in Lambda), all is
    done in this one. Whatever a shard raises is raised here.
    """
    number = min(cores or cores_here(), SHARDS)
    if number == 1 or not _may_share():
        for shard in range(SHARDS):
            found = work(shard)
            progress(shard + 1)
            yield found
        return
    yield from _on(number, pickle.dumps(work), progress)


def _on(number: int, work: bytes, progress: Callable[[int], None]) -> Iterator[Any]:
    # Not forked: a copy of a process that has threads and open files may hang, or write to them.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(number, fresh, _begin, (work,)) as pool:
        waiting = [pool.submit(_one, shard) for shard in range(SHARDS)]
        try:
            for done in range(SHARDS):
                found = waiting[done].result()
                waiting[done].cancel()
                progress(done + 1)
                yield found
        finally:  # also when nobody wants the rest
            pool.shutdown(wait=True, cancel_futures=True)


_work: Callable[[int], Any]


def _begin(work: bytes) -> None:
    """In a process of its own, once."""
    global _work
    signal.signal(signal.SIGINT, _end)
    _work = pickle.loads(work)
    gc.freeze()  # the modules stay: only what a shard leaves need be looked through


def _end(number: int, frame: object) -> None:
    """Ctrl-C reaches every process of a terminal; the first one says so to whoever pressed it."""
    os._exit(130)


def _one(shard: int) -> Any:
    return _work(shard)


def cores_here() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _may_share() -> bool:
    """Whether processes can be made that wait for each other: Lambda has no semaphores."""
    try:
        multiprocessing.get_context("spawn").Semaphore()
    except (ImportError, OSError):
        return False
    return True
