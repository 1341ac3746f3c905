"""Who an event is about: the person key and the identifiers that lead to it."""

import hashlib
from typing import Any

from functions.tracking.event import Event

KINDS = ("user_id", "email", "phone", "anonymous_id")


def person_key(secret: bytes, kind: str, value: str) -> str:
    """The key of the person first seen under this identifier: 128 bits in hexadecimal.

    A keyed hash (BLAKE2b), so that creating needs no look-up, two creators agree, and the key
    tells nobody the identifier. `secret` is at most 64 bytes.
    """
    return hashlib.blake2b(f"{kind}\0{value}".encode(), digest_size=16, key=secret).hexdigest()


def short_hash(*parts: str) -> str:
    """A hash of the parts for keys and execution names: 64 bits in hexadecimal."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


def normal_email(value: Any) -> str:
    """The e-mail address trimmed and in lower case, or "" when it is none."""
    text = value.strip().lower() if isinstance(value, str) else ""
    name, at, domain = text.rpartition("@")
    fine = at and name and "." in domain and len(text) <= 254 and text.isprintable()
    return text if fine and " " not in text and "@" not in name else ""


def identifiers(event: Event) -> list[tuple[str, str]]:
    """The identifiers that an event carries, strongest first, as (kind, value)."""
    found = [("user_id", event.user_id)]
    if event.type == "identify":
        found.append(("email", normal_email(event.traits.get("email"))))
    found.append(("anonymous_id", event.anonymous_id))
    return [(kind, value) for kind, value in found if value]
