"""Who asks the admin API: the bearer of a secret key, or a browser with the cookie of a log-in."""

import hmac
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from functions.doors import scopes
from functions.doors.records import Act, SecretKey, Session
from functions.handlers import wiring
from functions.storage.read_source import key_hash
from functions.storage.store import Conflict

ROOT = "root key"  # the one of the secret, which is nobody's own
COOKIE = "__Host-tante"  # the prefix has browsers insist on Secure, no Domain and Path=/
SESSION_LIVES = timedelta(hours=12)


class Unknown(Exception):
    """Nobody whom we know; the text says what to do."""


class Forbidden(Exception):
    """Known, but may not; the text says why."""


@dataclass(frozen=True)
class Caller:
    """Who asks: the name and the scopes of their key, and its hash."""

    name: str
    scopes: tuple[str, ...]
    key_hash: str

    def may(self, need: str) -> None:
        """Raises Forbidden without the scope `need`."""
        if not scopes.grants(self.scopes, need):
            have = ", ".join(self.scopes)
            raise Forbidden(f'the key "{self.name}" has no scope "{need}"; it has: {have}')


def of_request(parts: wiring.Parts, event: Mapping[str, Any]) -> Caller:
    """The caller of an HTTP API v2 event. Raises Unknown, and Forbidden when another web page
    makes a browser ask with our cookie."""
    headers = event.get("headers") or {}
    authorization = headers.get("authorization") or ""
    token = token_of(event)
    if authorization or not token:
        given = authorization.removeprefix("Bearer ")
        found = of_key(parts, key_hash_of(given)) if given else None
        if found is None:
            raise Unknown("send the secret key as a Bearer token")
        return found
    session = parts.store.get(Session, key_hash_of(token))
    caller = of_key(parts, session.key_hash) if session and parts.now() < session.ends else None
    if caller is None:
        raise Unknown("this log-in has ended; log in again, or send the key as a Bearer token")
    _from_our_own_page(parts, event)
    return caller


def of_key(parts: wiring.Parts, hashed: str) -> Caller | None:
    """Whose key has this hash, None when nobody's is in force."""
    if hmac.compare_digest(hashed, parts.settings.admin_key_hash):
        return Caller(ROOT, (scopes.ALL,), hashed)
    now = parts.now()
    found = parts.store.get(SecretKey, hashed)
    if found is None or not found.opens(now):
        return None
    if found.used != now.date():
        found.used = now.date()  # once a day: coarse, and cheap
        with suppress(Conflict):  # somebody said the same, or revoked it: that ends it next time
            parts.store.put(found)
    return Caller(found.name, tuple(found.scopes), hashed)


def key_hash_of(text: str) -> str:
    """The hash of what a caller sent, whatever letters are in it."""
    return key_hash(text.encode("utf-8", "replace").decode())


def token_of(event: Mapping[str, Any]) -> str:
    """The token of the log-in's cookie, "" without one."""
    for cookie in event.get("cookies") or []:
        name, _, value = cookie.partition("=")
        if name.strip() == COOKIE:
            return str(value)
    return ""


def _from_our_own_page(parts: wiring.Parts, event: Mapping[str, Any]) -> None:
    """SameSite=Strict keeps other pages' requests from having the cookie; this holds where a
    browser, or a page on a sister host, gets around it."""
    if event["requestContext"]["http"]["method"] in ("GET", "HEAD"):
        return
    headers = event.get("headers") or {}
    origin = urlsplit(headers.get("origin") or "").netloc
    own = {urlsplit(parts.settings.public_url).netloc, headers.get("host") or ""}
    if not origin or origin not in own:
        raise Forbidden("a log-in counts only for our own pages; send the key as a Bearer token")


def begin_session(parts: wiring.Parts, caller: Caller) -> str:
    """Log in; the token for the cookie."""
    token = secrets.token_urlsafe(32)
    ends = parts.now() + SESSION_LIVES
    session = Session(token_hash=key_hash(token), key_hash=caller.key_hash, ends=ends)
    parts.store.put(session)
    return token


def end_session(parts: wiring.Parts, event: Mapping[str, Any]) -> None:
    """Log out; no error when nobody was logged in."""
    token = token_of(event)
    found = parts.store.get(Session, key_hash_of(token)) if token else None
    if found:
        parts.store.delete(found)


def note(
    parts: wiring.Parts,
    caller: Caller,
    what: str,
    ids: Mapping[str, str],
    event: Mapping[str, Any],
    status: int,
) -> None:
    """Write an act down. Ids that lead nowhere may be anything, even an address: they are not."""
    act = Act(
        time=parts.now(),
        act_id=secrets.token_hex(6),
        who=caller.name,
        what=what,
        ids=scopes.noted_ids(ids.items()) if status < 400 else {},
        where=event["requestContext"]["http"].get("sourceIp", ""),
        status=status,
    )
    parts.store.write([act])
