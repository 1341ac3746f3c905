"""Answers about erasing people: the order, its proof, and doing it again after a restore."""

from datetime import datetime

import msgspec
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions.handlers import erasing, wiring
from functions.handlers.answers.door import (
    LIMIT,
    LONGEST,
    NEXT,
    PERSON,
    operation,
    page_size,
    query,
)
from functions.handlers.openapi import Parameter
from functions.storage.erasing import erasures_of, replay
from functions.storage.retention import TITLES
from functions.tracking.erasure import Erasure

MOST_REPLAYED = 100  # erasures that one call looks at


class ErasureView(msgspec.Struct, kw_only=True):
    """The proof of an erasure: it has hashes, times and numbers alone.

    `found` counts what was deleted, `found_again` what a second look found a quarter of an hour
    later; `keys` are the keyed hashes under which the person was known. `done`: nothing is left.
    """

    person: str
    asked: datetime
    why: str
    done: datetime | None
    replayed: datetime | None
    keys: list[str]
    found: dict[str, int]
    found_again: dict[str, int]


class ErasuresPage(msgspec.Struct):
    """Erasures, newest first, and the cursor of the next page ("" on the last)."""

    erasures: list[ErasureView]
    next: str = ""


class Replayed(msgspec.Struct):
    """How many of the erasures `looked` at are carried out `again`; `next` is the next page's
    cursor."""

    looked: int
    again: int
    next: str = ""


@operation(
    "/api/people/{person_id}",
    "Erase a person everywhere: at once nothing goes to them any more, the rest follows",
    ErasureView,
    PERSON,
    Parameter("why", "query", "a word for the proof, such as the ticket; nothing about the person"),
    method="delete",
)
def _erase(person_id: str) -> ErasureView:
    short = len(person_id) <= LONGEST
    found = erasing.order(wiring.parts(), person_id, query("why")) if short else None
    return _view(found or _erasures(person_id)[0])


@operation("/api/erasures", "Erasures, newest first", ErasuresPage, LIMIT, NEXT)
def _list() -> ErasuresPage:
    found, after = wiring.parts().store.listing(Erasure, limit=page_size(), after=query("after"))
    return ErasuresPage([_view(one) for one in found], after)


@operation(
    "/api/erasures/{person_id}",
    "How far erasing a person is, and the proof of it; newest first",
    ErasuresPage,
    PERSON,
)
def _one(person_id: str) -> ErasuresPage:
    return ErasuresPage([_view(one) for one in _erasures(person_id)])


@operation(
    "/api/erasures/replay",
    "After a restore: erase again whom it brought back; page by page",
    Replayed,
    NEXT,
    method="post",
)
def _replay() -> Replayed:
    parts = wiring.parts()
    found, after = parts.store.listing(Erasure, limit=MOST_REPLAYED, after=query("after"))
    again = [one for one in found if replay(parts.store, one, parts.now())]
    for erasure in again:
        erasing.go_on(parts, erasure)
    return Replayed(len(found), len(again), after)


def _erasures(person_id: str) -> list[Erasure]:
    short = len(person_id) <= LONGEST
    found = erasures_of(wiring.parts().store, person_id) if short else []
    if not found:
        raise NotFoundError(f'no person has the id "{person_id[:50]}", and none of it was erased')
    return found


def _view(erasure: Erasure) -> ErasureView:
    return ErasureView(
        person=erasure.person,
        asked=erasure.asked,
        why=erasure.why,
        done=erasure.done,
        replayed=erasure.replayed,
        keys=[*erasure.keys, *erasure.links],
        found=_titled(erasure.found),
        found_again=_titled(erasure.found_again),
    )


def _titled(counts: dict[str, int]) -> dict[str, int]:
    return {TITLES.get(prefix, prefix): number for prefix, number in counts.items()}
