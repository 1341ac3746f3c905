"""Answers about segments: which there are, how far everybody is brought up to date, who is in."""

from datetime import datetime

import msgspec
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions.handlers import views, wiring
from functions.handlers.answers.door import (
    LANGUAGE,
    LIMIT,
    NEXT,
    chosen_language,
    operation,
    page_size,
    query,
)
from functions.handlers.keeping import RULES
from functions.handlers.openapi import Parameter
from functions.journeys.standing import Backfill
from functions.segments.condition import did_you_mean
from functions.segments.sentence import sentence
from functions.settings import RETENTION
from functions.storage import people
from functions.tracking.profile import Profile

MOST_SCANNED, MOST_PAGES = 5_000, 60  # people of one answer, which has 30 seconds; reads


class SegmentView(msgspec.Struct, kw_only=True):
    """A segment: its name, title and condition in words; `since`: with `counts` it counts events,
    and knows those from then on."""

    name: str
    title: str
    who: str
    counts: bool
    since: datetime | None


class BackfillView(msgspec.Struct, kw_only=True):
    """How far everybody is brought up to date with the segments as published last: `done` people
    so far, of about `people` (as many as there were the last time; 0: not known)."""

    begun: datetime | None
    ended: datetime | None
    done: int
    people: int


class SegmentsPage(msgspec.Struct):
    """All segments, and whether everybody is up to date with them."""

    segments: list[SegmentView]
    backfill: BackfillView | None


class MembersPage(msgspec.Struct):
    """People of a segment, newest first, of the `looked_at` people that were looked through; the
    cursor of the next page ("" on the last). A page may be short or empty and not be the last."""

    people: list[views.Person]
    looked_at: int
    next: str = ""


SEGMENT = Parameter("segment", "path", "the segment's name")


@operation("/api/segments", "The segments in force", SegmentsPage, LANGUAGE)
def _segments() -> SegmentsPage:
    parts, language = wiring.parts(), chosen_language()
    since = parts.now() - RETENTION
    found = [
        SegmentView(
            name=name,
            title=one.title,
            who=sentence(dict(one.who), language),
            counts=bool(one.needs),
            since=since if one.needs else None,
        )
        for name, one in parts.library.segments().items()
    ]
    return SegmentsPage(found, _backfill())


def _backfill() -> BackfillView | None:
    parts = wiring.parts()
    found = parts.store.get(Backfill, RULES)
    if found is None or found.hash != parts.library.rules().hash:
        return None  # nobody was reached yet
    return BackfillView(begun=found.begun, ended=found.ended, done=found.done, people=found.people)


@operation(
    "/api/segments/{segment}/people",
    f"The people of a segment, newest first; looks through {MOST_SCANNED} people at most",
    MembersPage,
    SEGMENT,
    LIMIT,
    NEXT,
)
def _members(segment: str) -> MembersPage:
    _known(segment)
    store, wanted, after = wiring.parts().store, page_size(), query("after")
    found: list[Profile] = []
    looked_at = 0
    for _ in range(MOST_PAGES):
        # No more than still fit: the cursor stands behind the last person of a page.
        profiles, after = store.listing(Profile, limit=wanted - len(found), after=after)
        looked_at += len(profiles)
        found += [profile for profile in profiles if segment in profile.segments]
        if not after or 2 * len(found) >= wanted or looked_at >= MOST_SCANNED:
            break
    now, cuts = wiring.parts().now(), wiring.parts().library.rules().cuts
    shown = [views.person(one, people.permission_of(store, one.person), now, cuts) for one in found]
    return MembersPage(shown, looked_at, after)


def _known(name: str) -> None:
    """Raises NotFoundError."""
    segments = wiring.parts().library.segments()
    if name not in segments:
        hint = did_you_mean(name, segments)
        raise NotFoundError(f'there is no segment "{name[:60]}"; {hint}')
