"""Who an event is about: the person key and the identifiers that lead to it."""

import hashlib
import re
from functools import lru_cache
from typing import Any

from functions.tracking.event import Event

# Clients send traits with identify calls; of track calls only our own forms' do, so that whoever
# signs up is known by their address when the journey begins.
SPEAKS_OF_TRAITS = ("identify", "track")
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


@lru_cache(maxsize=1024)
def message_hash(message_id: str) -> str:
    """The hash of an event's id, which is asked for again and again while it is taken in."""
    return short_hash(message_id)


def normal_email(value: Any) -> str:
    """The e-mail address trimmed and in lower case, or "" when it is none."""
    text = value.strip().lower() if isinstance(value, str) else ""
    name, at, domain = text.rpartition("@")
    fine = at and name and "." in domain and len(text) <= 254 and text.isprintable()
    return text if fine and " " not in text and "@" not in name else ""


_TRUNK = re.compile(r"\(\s*0\s*\)")  # +49 (0) 30: the zero is not dialled from abroad


def normal_phone(value: Any) -> str:
    """The number as "+" and its digits, or "" when it is none: "0151 1234" is of Germany, as in
    `messages.address`, which says more exactly where a message can go."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    text = str(value).strip()
    digits = "".join(letter for letter in _TRUNK.sub("", text) if letter in "0123456789")
    if not digits or any(letter.isalpha() for letter in text):
        return ""
    if not text.startswith("+"):
        digits = digits[2:] if digits.startswith("00") else f"49{digits.removeprefix('0')}"
    return f"+{digits}" if 7 <= len(digits) <= 15 else ""


def phones(traits: dict[str, Any]) -> list[str]:
    """The numbers that traits name, the one that is used first."""
    found = [normal_phone(traits.get(name)) for name in ("phone", "mobile")]
    return [number for number in found if number]


NORMAL = {"email": normal_email, "phone": normal_phone}


def normal(kind: str, value: str) -> str:
    """An identifier in the form under which it is kept; "" when it is none."""
    return NORMAL[kind](value) if kind in NORMAL else value


def identifiers(event: Event) -> list[tuple[str, str]]:
    """The identifiers that an event carries, strongest first, as (kind, value)."""
    found = [("user_id", event.user_id)]
    if event.type in SPEAKS_OF_TRAITS:
        found.append(("email", normal_email(event.traits.get("email"))))
        found += [("phone", number) for number in phones(event.traits)[:1]]
    found.append(("anonymous_id", event.anonymous_id))
    return [(kind, value) for kind, value in found if value]


def key_of(secret: bytes, event: Event) -> str:
    """The key by which an event names its person: that of its strongest identifier."""
    return event.person or person_key(secret, *identifiers(event)[0])
