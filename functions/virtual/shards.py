"""A forecast's virtual shards, one after the other; `local/cores.py` does them on all cores."""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import TypeVar

from functions.forecast.log import Log
from functions.virtual.plan import SHARDS, Plan, Someone
from functions.virtual.stage import Stage

R = TypeVar("R")
Read = Callable[[int], Iterable[Someone]]  # the people of a shard


def forecast(plan: Plan, read: Read, take: Callable[[Log], R]) -> Iterator[R]:
    """What `take` makes of each shard's log, in the order of the shards, whatever runs them."""
    for shard in range(SHARDS):
        yield one_shard(plan, read, take, shard)


def one_shard(plan: Plan, read: Read, take: Callable[[Log], R], shard: int) -> R:
    """What `take` makes of one shard's log."""
    with without_collecting():
        return take(passed(plan, crowd(read, shard, plan.together)))


def passed(plan: Plan, people: Iterable[Someone]) -> Log:
    """The log of a stage on which the plan's time has passed for these people; nothing else of the
    stage is kept."""
    stage = Stage(plan)
    log = stage.run(people)
    stage.store.clear()
    return log


def crowd(read: Read, shard: int, together: bool) -> Iterable[Someone]:
    """Who goes through a shard; where all go `together` it is the first."""
    if not together:
        return read(shard)
    return chain.from_iterable(map(read, range(SHARDS))) if shard == 0 else ()


@contextmanager
def without_collecting() -> Iterator[None]:
    """A shard's records live as long as its stage: to look for garbage among them again and again
    finds none, and takes a tenth of the time. What was there before it is not looked through, and
    what the stage kept is gone by then."""
    was = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        if was:
            gc.enable()
        gc.unfreeze()
