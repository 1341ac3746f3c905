"""Signed links with which a person leaves: they carry keys, never an address, and do not expire."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

import msgspec


class Leaving(msgspec.Struct, array_like=True):
    """What a link withdraws: one purpose on one channel of one person."""

    person: str
    channel: str
    purpose: str


class BadLink(ValueError):
    """The link was not made by us, or was cut or changed on its way."""


def sign(leaving: Leaving, keys: Mapping[str, bytes]) -> str:
    """A token `<key id>.<payload>.<mac>`; the last key signs, so that keys can be rotated."""
    key_id = list(keys)[-1]
    payload = _encode(msgspec.msgpack.encode(leaving))
    return f"{key_id}.{payload}.{_mac(keys[key_id], payload)}"


def read(token: str, keys: Mapping[str, bytes]) -> Leaving:
    """What a token says. Raises BadLink."""
    key_id, _, rest = token.partition(".")
    payload, _, mac = rest.partition(".")
    key = keys.get(key_id) if token.isascii() else None
    if key is None or not hmac.compare_digest(mac.encode(), _mac(key, payload).encode()):
        raise BadLink("this link is not complete or not ours")
    return msgspec.msgpack.decode(_decode(payload), type=Leaving)


def _mac(key: bytes, payload: str) -> str:
    # The purpose of the token is part of what is signed: no other link can pass for this one.
    digest = hmac.new(key, b"leave\0" + payload.encode(), hashlib.sha256).digest()
    return _encode(digest[:16])


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
