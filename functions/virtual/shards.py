"""A forecast's virtual shards, one after the other or each wherever there is a core for it."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from functions.forecast.log import Log
from functions.virtual.stage import SHARDS, Plan, Someone, Stage

R = TypeVar("R")
Read = Callable[[int], Iterable[Someone]]  # the people of a shard


def forecast(plan: Plan, read: Read, take: Callable[[Log], R]) -> Iterator[R]:
    """What `take` makes of each shard's log, in the order of the shards, whatever runs them."""
    for shard in range(SHARDS):
        yield take(Stage(plan).run(read(shard)))
