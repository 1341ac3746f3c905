"""Notes of conversations: what they tell of a deal, and the event that each of them is."""

from typing import Literal

import msgspec

from functions.sales.records import Deal, Note, NoteKind
from functions.tracking.event import Event
from functions.tracking.history import SALES
from functions.tracking.own_event import own_event

NoteOutcome = Literal["reached", "interested", "not interested", "call again", "not reached"]
NOT_REACHED = "not reached"
# The words of functions.segments.person.CONTACTS, on which `last_contact` and scores go.
NAMES: dict[NoteKind, str] = {
    "call": "Call Logged",
    "meeting": "Meeting Held",
    "visit": "Visit Held",
    "email": "Email Answered",
}
ATTEMPTED = "Contact Attempted"  # nobody was reached: that was no conversation


def note_event(note: Note) -> Event:
    """The conversation as an event about the person; its text stays in the note."""
    held = note.outcome != NOT_REACHED
    said = {"deal": note.deal, "by": note.by, "fields": note.fields}
    event = own_event(
        SALES,
        note.person,
        NAMES[note.kind] if held else ATTEMPTED,
        f"note/{note.note_id}",
        note.at,
        note=note.note_id,
        kind=note.kind,
        outcome=note.outcome,
        **{word: value for word, value in said.items() if value},
    )
    return msgspec.structs.replace(event, received_at=note.noted)


def learn(deal: Deal, note: Note) -> bool:
    """The deal knows what the note says. False: it did."""
    if all(deal.known.get(name) == value for name, value in note.fields.items()):
        return False
    deal.known = {**deal.known, **note.fields}
    return True
