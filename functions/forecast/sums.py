"""Sums of counts: of shards, draws and people, field by field."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def plus(one: T, other: T, few: Callable[[Iterable[Any]], tuple[Any, ...]] = tuple) -> T:
    """Two of one kind as one: numbers add, dictionaries by key, structs by field; `few` are those
    that stay of the examples (tuples) of both."""
    mine: Any = one
    theirs: Any = other
    if isinstance(mine, dict):
        both = {key: plus(mine[key], theirs[key], few) for key in mine.keys() & theirs.keys()}
        return {**mine, **theirs, **both}  # type: ignore[return-value]
    if isinstance(mine, tuple):
        return few((*mine, *theirs))  # type: ignore[return-value]
    if isinstance(mine, msgspec.Struct):
        names = mine.__struct_fields__
        return type(one)(**{n: plus(getattr(mine, n), getattr(theirs, n), few) for n in names})
    return mine + theirs  # type: ignore[no-any-return]
