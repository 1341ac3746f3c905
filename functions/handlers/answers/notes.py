"""Answers about conversations: notes of calls, meetings, visits and e-mails."""

import secrets
from datetime import datetime
from typing import Annotated, Any

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError

from functions.handlers import views, wiring
from functions.handlers.answers.deals import deals_of
from functions.handlers.answers.door import (
    LONGEST,
    PERSON,
    operation,
    own_record,
    profile_of_id,
    read_as,
)
from functions.handlers.sales_desk import tell
from functions.sales.deals import still_missing
from functions.sales.notes import NOT_REACHED, NoteOutcome, learn, note_event
from functions.sales.records import Deal, Note, NoteKind
from functions.sales.rules import CLOSED
from functions.storage.store import TRIES, Conflict, Contended, Store
from functions.tracking.profile import Profile

MOST_FIELDS, MOST_LETTERS = 50, 10_000


class NoteBody(msgspec.Struct, forbid_unknown_fields=True):
    """A conversation: how, what came of it, in words, and in the fields that the deal's stage
    needs. `deal` is its deal's id (needless where the person has just one that is open); `at` is
    when, by default now. The same `id` is noted once, however often it is sent."""

    kind: NoteKind
    outcome: NoteOutcome = "reached"
    text: Annotated[str, msgspec.Meta(max_length=MOST_LETTERS)] = ""
    fields: dict[str, Any] = {}
    deal: Annotated[str, msgspec.Meta(max_length=LONGEST)] = ""
    by: Annotated[str, msgspec.Meta(max_length=LONGEST)] = ""
    at: datetime | None = None
    id: Annotated[str, msgspec.Meta(max_length=100)] = ""


class NotesPage(msgspec.Struct):
    """Conversations with a person, newest first."""

    notes: list[views.NoteView]


@operation(
    "/api/people/{person_id}/notes",
    "Conversations with a person, newest first",
    NotesPage,
    PERSON,
)
def _notes(person_id: str) -> NotesPage:
    found = notes_of(profile_of_id(person_id))
    return NotesPage([views.note(one) for one in found])


@operation(
    "/api/people/{person_id}/notes",
    "Note a conversation; refused while something is missing that the deal's stage needs",
    views.NoteView,
    PERSON,
    method="post",
    body=NoteBody,
)
def _noted(person_id: str) -> views.NoteView:
    parts, said, profile = wiring.parts(), read_as(NoteBody), profile_of_id(person_id)
    now = parts.now()
    _check(said, now)
    there = next((one for one in notes_of(profile) if one.note_id == said.id), None)
    if there is None:
        deal = _deal(profile, said.deal)
        there = _keep(parts.store, _new_note(profile, said, deal, now), deal)
    tell(parts, [note_event(there)])
    return views.note(there)


def _keep(store: Store, note: Note, deal: Deal | None) -> Note:
    """Keep the note, and what it says in its deal, both or neither: a repetition of the note must
    not bring back what a later one has put right. Raises Contended."""
    for _ in range(TRIES):
        fresh = store.get(Deal, deal.person, deal.deal_id) if deal else None
        try:
            store.put_together([note, *([fresh] if fresh and learn(fresh, note) else [])])
        except Conflict:
            there = store.get(Note, note.person, note.note_id)
            if there:
                return there
            continue
        return note
    raise Contended("others kept changing the deal")


def _new_note(profile: Profile, said: NoteBody, deal: Deal | None, now: datetime) -> Note:
    """Raises BadRequestError while something is missing that the deal's stage needs."""
    if deal and said.outcome != NOT_REACHED:
        sales = wiring.parts().library.sales()
        lacks = still_missing(deal, sales.pipeline if sales else {}, said.fields)
        if lacks:
            words = f'a conversation in the stage "{deal.stage}" has to tell, in "fields": '
            raise BadRequestError(words + ", ".join(lacks))
    return Note(
        person=profile.person,
        note_id=said.id or secrets.token_hex(8),
        kind=said.kind,
        at=said.at or now,
        noted=now,
        outcome=said.outcome,
        text=said.text,
        fields=said.fields,
        deal=deal.deal_id if deal else "",
        by=said.by,
    )


def _check(said: NoteBody, now: datetime) -> None:
    """Raises BadRequestError."""
    if said.at and (said.at.tzinfo is None or said.at > now):
        raise BadRequestError('"at" is a time with its zone, and not in the future')
    if len(said.fields) > MOST_FIELDS:
        raise BadRequestError(f'"fields" has at most {MOST_FIELDS}')
    for name, value in said.fields.items():
        fits = isinstance(value, bool | int | float) or (
            isinstance(value, str) and len(value) <= LONGEST
        )
        if not fits or not 0 < len(name) <= 100 or (type(value) is int and abs(value) >= 2**63):
            raise BadRequestError(f'"{name[:50]}": a field is a short text, a number or a truth')


def _deal(profile: Profile, deal_id: str) -> Deal | None:
    """The deal of that id, else the person's only open one. Raises NotFoundError."""
    if deal_id:
        return own_record(Deal, profile, deal_id)
    still = [deal for deal in deals_of(profile) if deal.stage not in CLOSED]
    return still[0] if len(still) == 1 else None


def notes_of(profile: Profile) -> list[Note]:
    """The person's, newest first."""
    store = wiring.parts().store
    found = [note for key in profile.keys for note in store.query(Note, key)]
    return sorted(found, key=lambda note: (note.at, note.note_id), reverse=True)
