"""Bugs to plant into erasing, suppression and STOP, each of which the oracle must find."""

from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from functions.handlers import erasing, texting
from functions.journeys import enter
from functions.journeys.run import run_id_of
from functions.messages import allowed
from functions.storage import erasing as stored
from functions.tracking.message import Message
from functions.tracking.permission import refusal


def _no_suppression() -> Any:
    """Neither before nor within the claim is it asked whether the address is suppressed."""

    def careless(permission: Any, channel: str, purpose: str, needs_consent: bool) -> str:
        return refusal(replace(permission, suppressed={}), channel, purpose, needs_consent)

    return patch.object(allowed, "refusal", careless)


def _forget_ledger() -> Any:
    """Erasing overlooks one kind of record."""
    real = stored.Eraser._clear_kind

    def careless(self: Any, kind: Any, key: str) -> bool:
        return kind is Message or real(self, kind, key)

    return patch.object(stored.Eraser, "_clear_kind", careless)


def _runs_go_on() -> Any:
    """Erasing deletes the records of runs, and lets their executions be."""

    def eraser(parts: Any, erasure: Any) -> Any:
        return stored.Eraser(parts.store, parts.settings.identity_key, erasure, lambda run: None)

    return patch.object(erasing, "_eraser", eraser)


def _overlook_identifiers() -> Any:
    """Erasing does not ask by which identifiers the person was found."""
    return patch.object(stored.Eraser, "_note", lambda self, found: False)


def _acknowledge_erasing_first() -> Any:
    """An erasure is only queued when the admin is told that nothing goes any more."""

    def go_on(parts: Any, erasure: Any) -> Any:
        erasing._send(parts, erasure, erasing.BEHIND)
        return erasure

    return patch.object(erasing, "go_on", go_on)


def _no_second_look() -> Any:
    """Whoever was at work on the person while they were erased is not waited for."""

    def step(parts: Any, erasure: Any) -> None:
        eraser = erasing._eraser(parts, erasure)
        if not eraser.clear():
            return erasing._send(parts, erasure, 0)
        eraser.open(parts.now())

    return patch.object(erasing, "_step", step)


def _one_life() -> Any:
    """Who comes anew gets the ids, and so the executions, of the runs of before."""

    def careless(person: str, journey: str, key: str, erased: Any = None) -> str:
        return run_id_of(person, journey, key)

    return patch.object(enter, "run_id_of", careless)


def _deaf_to_strangers() -> Any:
    """STOP of a number that nobody has is forgotten."""
    return patch.object(texting, "_for_all", lambda parts, number, said, time: None)


BUGS = {
    "a claim does not ask for suppression": _no_suppression,
    "erasing forgets a kind of record": _forget_ledger,
    "erasing does not stop runs": _runs_go_on,
    "erasing overlooks identifiers": _overlook_identifiers,
    "erasing is acknowledged too early": _acknowledge_erasing_first,
    "erasing does not look again": _no_second_look,
    "who comes anew has the runs of before": _one_life,
    "STOP of a stranger is forgotten": _deaf_to_strangers,
}
