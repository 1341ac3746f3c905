"""A forecast's virtual shards, one after the other; `local/cores.py` does them on all cores."""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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
        return take(Stage(plan).run(read(shard)))


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
