"""Answers about merges: how a person came to be one of several, and undoing it."""

from datetime import datetime

import msgspec
from aws_lambda_powertools.event_handler.exceptions import NotFoundError, ServiceError

from functions.handlers import undoing, wiring
from functions.handlers.answers.door import (
    LANGUAGE,
    LONGEST,
    PERSON,
    chosen_language,
    operation,
    profile_of_id,
)
from functions.handlers.openapi import Parameter
from functions.segments import merge_words
from functions.storage.unmerge import merges_of, why_not
from functions.tracking.merge_record import Merge
from functions.tracking.profile import Profile


class MergeView(msgspec.Struct, kw_only=True):
    """A merge in words and in its parts: the identifier (`kind`, `value`) that led to somebody
    else, the one that was named beside it, and the event that did so. `why_not` says why it
    cannot be undone, "" when it can."""

    id: str
    sentence: str
    at: datetime
    kind: str
    value: str
    by_kind: str
    by_value: str
    event: str
    event_time: datetime
    message_id: str
    source: str
    undone: datetime | None
    why_not: str


class MergesPage(msgspec.Struct):
    """The merges of a person, newest first."""

    merges: list[MergeView]


@operation(
    "/api/people/{person_id}/merges",
    "Whom the person was known as before, and by what they were found to be one; newest first",
    MergesPage,
    PERSON,
    LANGUAGE,
)
def _merges(person_id: str) -> MergesPage:
    profile = profile_of_id(person_id)
    store = wiring.parts().store
    return MergesPage([_view(profile, merge) for merge in merges_of(store, profile)])


@operation(
    "/api/people/{person_id}/merges/{merge_id}/undo",
    "Part the two again, within seconds: each becomes as if they had never been one",
    MergeView,
    PERSON,
    Parameter("merge_id", "path", "the merge's id"),
    LANGUAGE,
    method="post",
)
def _undo(person_id: str, merge_id: str) -> MergeView:
    parts, profile = wiring.parts(), profile_of_id(person_id)
    found = (one for one in merges_of(parts.store, profile) if one.merge_id == merge_id)
    merge = next(found, None)
    if merge is None:
        raise NotFoundError(f'this person has no merge with the id "{merge_id[:LONGEST]}"')
    view = _view(profile, merge)
    if view.why_not and not merge.undone:
        raise ServiceError(409, f"this merge cannot be undone: {view.why_not}")
    undoing.ask(parts, merge)  # also once more, for what a crash may have left to be done
    return view


def _view(profile: Profile, merge: Merge) -> MergeView:
    parts, language = wiring.parts(), chosen_language()
    is_into = merge.into in profile.keys
    return MergeView(
        id=merge.merge_id,
        sentence=merge_words.sentence(merge, is_into, language),
        at=merge.at,
        kind=merge.kind,
        value=merge.value,
        by_kind=merge.by_kind,
        by_value=merge.by_value,
        event=merge.event,
        event_time=merge.time,
        message_id=merge.message_id,
        source=merge.source,
        undone=merge.undone,
        why_not=merge_words.why_not(why_not(parts.store, merge, parts.now()), language),
    )
