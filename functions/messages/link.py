"""Signed links: what a link of ours says, that only we can have written it, and until when.

Imported by the door behind each click, so it stands on the standard library alone.
"""

import hmac
import json
from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from collections import namedtuple
from collections.abc import Mapping, Sequence
from datetime import datetime
from json.encoder import encode_basestring_ascii as quoted

PURPOSES = frozenset({"leave", "preferences", "confirm", "click", "open", "download", "page"})
MAC = 16  # bytes: half of what SHA-256 gives, more than anybody can guess
HONEYPOT = "~"  # the name of the link that no person sees

# One of a message's links: whose it is, of which run and send, its name or number there, of how
# many links, and where it leads ("" for the pixel and the honeypot).
Tracked = namedtuple(
    "Tracked", ("person", "run", "send", "message", "channel", "name", "of", "target")
)


class BadLink(ValueError):
    """The link was not made by us, was changed on its way, is for something else, or is over."""


def sign(
    purpose: str, fields: Sequence[str], keys: Mapping[str, bytes], until: datetime | None = None
) -> str:
    """A token `<key id>.<payload>.<mac>`; the last key signs, so that keys can be rotated.

    The payload is the JSON list of the fields after the second since 1970 `until` which it is
    taken (0: for ever). HMAC (RFC 2104) with SHA-256, its left half (section 5 there).
    """
    if purpose not in PURPOSES:
        raise ValueError(f"links have no purpose {purpose}")
    key_id = [*keys][-1]
    ends = int(until.timestamp()) if until else 0
    said = f"[{','.join([str(ends), *map(quoted, fields)])}]"  # twice as fast as `json.dumps`
    payload = encode(said.encode())
    return f"{key_id}.{payload}.{_mac(keys[key_id], purpose, payload)}"


def read(purpose: str, token: str, keys: Mapping[str, bytes], now: datetime) -> list[str]:
    """The fields of a token made for just this purpose. Raises BadLink."""
    key_id, _, rest = token.partition(".")
    payload, _, mac = rest.partition(".")
    key = keys.get(key_id) if token.isascii() else None
    if key is None or not hmac.compare_digest(mac, _mac(key, purpose, payload)):
        raise BadLink("this link is not complete or not ours")
    try:
        until, *fields = json.loads(decode(payload))
    except (NotBase64, ValueError, TypeError):
        until, fields = None, []
    if type(until) is not int:
        raise BadLink("this link was signed by us and cannot be read")
    if until and now.timestamp() >= until:
        raise BadLink("this link is over")
    return [str(field) for field in fields]


def refusal(url: str) -> str:
    """Why nobody is led to this address; "" when it is one that a browser can be sent to.

    ASVS 5.0 1.2.2: only http and https, nothing before the host, and no letter by which a header
    or a browser would read another address than we do.
    """
    if any(letter <= " " or letter == "\x7f" for letter in url):
        return "it holds a space, a line's end or another control character"
    if "\\" in url:
        return "it holds a backslash, which browsers read as a slash"
    scheme, _, rest = url.partition("://")
    host = rest.replace("?", "/").replace("#", "/").partition("/")[0]
    if scheme.lower() not in ("http", "https") or not host:
        return "it does not begin with https:// and the name of a host"
    if "@" in host:
        return "a name stands before the host (as in https://name@host)"
    return ""


def _mac(key: bytes, purpose: str, payload: str) -> str:
    # The purpose is part of what is signed: no other link can pass for this one.
    return encode(hmac.digest(key, f"{purpose}\0{payload}".encode(), "sha256")[:MAC])


# Base64 for addresses (RFC 4648, section 5) without its filling, as `base64` would make it, whose
# import (it brings `struct`) a click would wait for.
_FOR_ADDRESSES, _AS_USUAL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")


def encode(raw: bytes) -> str:
    """Bytes as letters that an address may have."""
    return b2a_base64(raw, newline=False).rstrip(b"=").translate(_FOR_ADDRESSES).decode()


def decode(text: str) -> bytes:
    """The bytes that `encode` wrote. Raises ValueError."""
    return a2b_base64(text.encode("ascii").translate(_AS_USUAL) + b"=" * (-len(text) % 4))
