"""Evidence of consent: what a person said, where, when and to which words, as a chain of hashes.

The law wants each person's consent documented in full and printable at any time (GDPR Art. 7;
BGH, 10.02.2011, I ZR 164/09). Each record holds the hash of the one before, so that none can be
changed, left out or put in later without its hash or a later one telling.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

Said = Literal["asked", "confirmed", "given", "withdrawn", "expired"]
_NOT_HASHED = ("version", "hash")


class Evidence(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One word about consent. `number` counts from 1 within the chain of one key of the person.

    `asked`: they signed up; `confirmed`: they said again, by the link that only the owner of the
    address has, that it was they; `given`: a trusted source told of it, without us as a witness;
    `withdrawn`, `expired`: they left, or never confirmed. `text` names the version of the wording
    and `wording` has the words themselves; `form` and `page` say where they stood. `request` is the
    name of the sign-up, `fields` what else was entered. `previous` is the hash of the record
    before, "" of the first.
    """

    person: str
    number: int
    version: int = 0
    said: Said
    channel: str
    purposes: list[str]
    time: datetime
    received: datetime
    source: str
    message_id: str
    address: str = ""
    request: str = ""
    text: str = ""
    wording: str = ""
    form: str = ""
    page: str = ""
    ip: str = ""
    agent: str = ""
    language: str = ""
    fields: dict[str, Any] = {}
    previous: str = ""
    hash: str = ""

    @property
    def key(self) -> str:
        """Its place in the chain, as text that sorts like it."""
        return f"{self.number:06}"


def digest(record: Evidence) -> str:
    """SHA-256 over all that the record says, the hash of the one before included."""
    said = {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name in Evidence.__struct_fields__
        if name not in _NOT_HASHED
        for value in (getattr(record, name),)
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def link(record: Evidence, last: Evidence | None) -> Evidence:
    """The record as the next of the chain that ends with `last`."""
    record.number = last.number + 1 if last else 1
    record.previous = last.hash if last else ""
    record.hash = digest(record)
    return record


def verify(chain: Iterable[Evidence]) -> int:
    """The number of the first record that was changed, left out, put in or moved; 0: none was.

    What is cut off at the end cannot be seen from the chain: the hash of the last record that was
    printed or noted elsewhere tells.
    """
    previous = ""
    for number, record in enumerate(chain, 1):
        if (record.number, record.previous) != (number, previous) or digest(record) != record.hash:
            return number
        previous = record.hash
    return 0
