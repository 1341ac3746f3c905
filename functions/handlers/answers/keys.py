"""Answers about secret keys: who has one, what it may do, and a new one."""

import secrets
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from aws_lambda_powertools.event_handler.exceptions import (
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    ServiceError,
)

from functions.doors.records import SecretKey
from functions.doors.scopes import ALL, SCOPES
from functions.handlers import wiring
from functions.handlers.answers.door import known_caller, operation, read_as
from functions.handlers.callers import ROOT
from functions.handlers.openapi import Parameter
from functions.storage.read_source import key_hash
from functions.storage.store import Conflict

MOST_KEYS = 500
NAME = Parameter("key_name", "path", "the name that the key was given")
DAYS_LONGEST = 90


class KeyView(msgspec.Struct, kw_only=True):
    """A secret key, without the key. `used` is the last day on which it was used."""

    name: str
    scopes: list[str]
    created: datetime | None
    used: date | None
    ends: datetime | None
    state: Literal["in force", "ended"]


class KeysPage(msgspec.Struct):
    """All keys, the newest first. The root key is not among them."""

    keys: list[KeyView]


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """For whom or what the key is, and what it may do: scopes, of which there are read, people,
    journeys, forecasts, sales, keys and all."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=r"^[\w.@ -]+$")]
    scopes: Annotated[list[str], msgspec.Meta(min_length=1, max_length=len(SCOPES))]


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """For how many days the old key still opens, so that it can be exchanged in peace."""

    keep_days: Annotated[int, msgspec.Meta(ge=0, le=DAYS_LONGEST)] = 0


class MadeKey(msgspec.Struct):
    """A key, which is told this once."""

    name: str
    scopes: list[str]
    key: str


@operation("/api/keys", "Secret keys: whose, what they may do, when last used", KeysPage)
def _keys() -> KeysPage:
    return KeysPage([_view(one) for one in _all()])


@operation("/api/keys", "Make a secret key; it is told once", MadeKey, method="post", body=NewKey)
def _make() -> MadeKey:
    asked = read_as(NewKey)
    unknown = [scope for scope in asked.scopes if scope not in SCOPES]
    if unknown:
        raise BadRequestError(f'no scope "{unknown[0][:50]}"; there are: {", ".join(SCOPES)}')
    if asked.name == ROOT or _in_force(asked.name):
        raise ServiceError(409, f'there is a key "{asked.name}" already; rotate it instead')
    _may_give(asked.scopes)
    return _made(asked.name, asked.scopes)


@operation(
    "/api/keys/{key_name}/rotate",
    "A new key in the place of one, which ends",
    MadeKey,
    NAME,
    method="post",
    body=Rotation,
)
def _rotate(key_name: str) -> MadeKey:
    keep = timedelta(days=read_as(Rotation).keep_days)
    found = _found(key_name)
    newest = found[0]
    _may_give(newest.scopes)
    made = _made(newest.name, newest.scopes)
    _end(found, keep)
    return made


@operation("/api/keys/{key_name}", "Revoke a key at once", KeysPage, NAME, method="delete")
def _revoke(key_name: str) -> KeysPage:
    found = _found(key_name)
    for one in found:
        _may_give(one.scopes)
    _end(found, timedelta(0))
    return _keys_of(found)


def _keys_of(found: list[SecretKey]) -> KeysPage:
    return KeysPage([_view(one) for one in found])


def _may_give(wanted: list[str]) -> None:
    """Nobody makes or ends a key that may do more than their own. Raises ForbiddenError."""
    own = known_caller().scopes
    more = [scope for scope in wanted if scope not in own]
    if more and ALL not in own:
        raise ForbiddenError(f'your key has no scope "{more[0]}", so it cannot give it or take it')


def _made(name: str, scopes: list[str]) -> MadeKey:
    parts = wiring.parts()
    key = f"sk_{secrets.token_urlsafe(24)}"
    parts.store.put(
        SecretKey(key_hash=key_hash(key), name=name, scopes=scopes, created=parts.now())
    )
    return MadeKey(name, scopes, key)


def _end(keys: list[SecretKey], keep: timedelta) -> None:
    """Let keys end, those first that would live on."""
    parts = wiring.parts()
    ends = parts.now() + keep
    for one in keys:
        if one.ends is None or one.ends > ends:
            one.ends = ends
            try:
                parts.store.put(one)
            except Conflict:
                raise ServiceError(409, "the key was just used; ask once more") from None


def _all() -> Iterator[SecretKey]:
    found, _ = wiring.parts().store.listing(SecretKey, limit=MOST_KEYS)
    return iter(found)


def _in_force(name: str) -> list[SecretKey]:
    now = wiring.parts().now()
    return [one for one in _all() if one.name == name and one.opens(now)]


def _found(name: str) -> list[SecretKey]:
    found = _in_force(name)
    if not found:
        raise NotFoundError(f'no key "{name[:60]}" is in force')
    return found


def _view(one: SecretKey) -> KeyView:
    state: Literal["in force", "ended"] = "in force" if one.opens(wiring.parts().now()) else "ended"
    return KeyView(
        name=one.name,
        scopes=one.scopes,
        created=one.created,
        used=one.used,
        ends=one.ends,
        state=state,
    )
