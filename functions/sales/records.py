"""What sales keeps of a person: leads, notes of conversations, and deals."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from functions.tracking.history import Change

LeadStatus = Literal["open", "accepted", "rejected", "won", "lost"]
NoteKind = Literal["call", "meeting", "visit", "email"]


class Lead(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A hand-over of a person to sales, with the score and its parts as they were then.

    `lead_id` is also the id of its task. `reason` is why it was rejected or lost; `forwarded` how
    often it was handed on.
    """

    person: str
    lead_id: str
    version: int = 0
    journey: str = ""
    run_id: str = ""
    text: str = ""
    owner: str
    why: str = ""
    score: float = 0
    parts: dict[str, float] = {}
    handed: datetime
    status: LeadStatus = "open"
    reason: str = ""
    forwarded: int = 0
    history: list[Change] = []

    @property
    def accepted(self) -> datetime | None:
        """When sales first took it on: by saying so, or by winning or losing it at once."""
        taken = ("Lead Accepted", "Lead Won", "Lead Lost")
        return next((one.time for one in self.history if one.event in taken), None)


class Note(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A conversation, held or tried: when it was and when it was `noted`, what was said, and
    what the form asks for (`fields`)."""

    person: str
    note_id: str
    version: int = 0
    kind: NoteKind
    at: datetime
    noted: datetime
    outcome: str = ""
    text: str = ""
    fields: dict[str, Any] = {}
    deal: str = ""
    by: str = ""


class Offer(msgspec.Struct, omit_defaults=True):
    """An offer of a deal."""

    offer_id: str
    sent: datetime
    value: Decimal | None = None
    signed: datetime | None = None


class Stay(msgspec.Struct, array_like=True):
    """From when on a deal stood in a stage."""

    stage: str
    since: datetime


UNKNOWN_STAGE = ""  # of a deal before we heard of it


class Deal(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A chance to sell something, long before the formal offer; `stays` tell its way through the
    pipeline, the present stage last. `known` is what the notes on it said, by field; `heard` the
    time of a CRM's last word of it that changed anything."""

    person: str
    deal_id: str
    version: int = 0
    title: str
    owner: str = ""
    account: str = ""
    value: Decimal = Decimal(0)
    currency: str = ""
    expected: str = ""
    created: datetime
    stays: list[Stay]
    offers: list[Offer] = []
    known: dict[str, Any] = {}
    reason: str = ""
    heard: datetime | None = None
    history: list[Change] = []

    @property
    def stage(self) -> str:
        """Where it stands now."""
        return self.stays[-1].stage
