"""Answers about consent: what a person ever said, provable and fit to print."""

from datetime import datetime
from typing import Any

import msgspec

from functions.handlers import wiring
from functions.handlers.answers.door import (
    LANGUAGE,
    PERSON,
    chosen_language,
    operation,
    profile_of_id,
)
from functions.messages.evidence_words import html, paragraphs
from functions.storage.evidence import chains
from functions.tracking.evidence import Evidence, verify


class EvidenceView(msgspec.Struct, kw_only=True):
    """One word about consent. `said` is asked, confirmed, given, withdrawn or expired; `text` is
    the version of the `wording`; `hash` is SHA-256 over all of it and the `previous` hash."""

    number: int
    said: str
    channel: str
    purposes: list[str]
    time: datetime
    received: datetime
    source: str
    message_id: str
    address: str
    request: str
    text: str
    wording: str
    form: str
    page: str
    ip: str
    agent: str
    language: str
    fields: dict[str, Any]
    previous: str
    hash: str


class EvidenceChain(msgspec.Struct):
    """The records kept under one key of the person, oldest first; `broken_at` is the number of the
    first that was changed, 0 if none was."""

    person: str
    broken_at: int
    records: list[EvidenceView]


class ConsentProof(msgspec.Struct):
    """All that a person ever said about consent: their own chain first, then those from before a
    merge; `paragraphs` and `html` say the same in words."""

    person: str
    intact: bool
    chains: list[EvidenceChain]
    paragraphs: list[str]
    html: str


@operation(
    "/api/people/{person_id}/consent",
    "All that a person ever said about consent, as proof and in words to print",
    ConsentProof,
    PERSON,
    LANGUAGE,
)
def _consent(person_id: str) -> ConsentProof:
    parts, profile, language = wiring.parts(), profile_of_id(person_id), chosen_language()
    found = chains(parts.store, profile)
    shown = [_chain(chain) for chain in found]
    who = str(profile.trait("email") or profile.trait("phone") or profile.person)
    said = paragraphs(found, who, parts.library.brand(), parts.now(), language)
    whole = not any(chain.broken_at for chain in shown)
    return ConsentProof(profile.person, whole, shown, said, html(said, language))


def _chain(chain: list[Evidence]) -> EvidenceChain:
    names = EvidenceView.__struct_fields__
    views = [EvidenceView(**{name: getattr(one, name) for name in names}) for one in chain]
    return EvidenceChain(chain[0].person, verify(chain), views)
