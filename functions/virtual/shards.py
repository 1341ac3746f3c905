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
    with _without_collecting():
        return take(Stage(plan).run(crowd(read, shard, plan.together)))


def crowd(read: Read, shard: int, together: bool) -> Iterable[Someone]:
    """Who goes through a shard; where all go `together` it is the first."""
    if not together:
        return read(shard)
    return chain.from_iterable(map(read, range(SHARDS))) if shard == 0 else ()


@contextmanager
def _without_collecting() -> Iterator[None]:
    """A shard's records live as long as its stage: to look for garbage among them again and again
    finds none, and takes a tenth of the time. What was there before it is not looked through."""
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
