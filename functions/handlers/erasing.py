"""Erasing a person as an admin asks for it: what forbids at once, the rest by the event queue."""

from collections.abc import Iterable
from datetime import UTC, datetime, time

import msgspec

from functions.handlers.again import Delay, send_again
from functions.handlers.discreet import Logger
from functions.handlers.wiring import Parts
from functions.journeys.run import Run
from functions.messages.subscription import Tell
from functions.segments.phrases import duration
from functions.storage import erasing
from functions.storage.people import find_profile, permission_of
from functions.storage.store import TRIES, Contended, Unavailable
from functions.tracking import orders
from functions.tracking.erasure import (
    LOOK_AGAIN,
    Erasure,
    erasure_key,
    mentions,
    predates,
    unheard,
)
from functions.tracking.event import Event, EventBatch
from functions.tracking.own_event import PERSON_ERASED
from functions.tracking.profile import Profile

logger = Logger(service="erasing")
MOST_REASON = 500  # letters
SOON = 15  # seconds, in which what was said of the sign-up is written
BEHIND = 30  # seconds that the queue waits for who asks, who marks the person at once
OUTCOME = "erased"  # of a run that was stopped


class Erase(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The body of a queue message: go on with this erasure (`asked`) of the person with this key;
    without it: erase them if nothing was heard of them (see `forget`), or if a `sign_up` that
    nobody confirmed is all we know of them. `attempt`, `reason` and
    `put_off` are as in an EventBatch."""

    erase: str
    asked: str = ""
    sign_up: bool = False
    attempt: int = 0
    reason: str = ""
    put_off: int = 0


_encode = msgspec.json.Encoder().encode
_erases = msgspec.json.Decoder(Erase)
_batches = msgspec.json.Decoder(EventBatch)


def is_erase(body: str) -> bool:
    """Whether a queue message asks to go on with an erasure."""
    return body.startswith('{"erase"')


def read(body: str) -> Erase:
    """Raises msgspec.DecodeError."""
    return _erases.decode(body)


def order(parts: Parts, person: str, why: str) -> Erasure | None:
    """Have the person with this key erased, asked for the first time or once more; None: nobody has
    it, and none who had it was erased. Raises Busy, Contended."""
    found = find_profile(parts.store, person)
    if found is not None:
        return ask(parts, found, why)
    erasure = next(iter(erasing.erasures_of(parts.store, person)), None)
    return erasure if erasure is None or erasure.done else go_on(parts, erasure)


def ask(parts: Parts, profile: Profile, why: str) -> Erasure:
    """Have the person erased: when this returns nothing is sent to them or noted of them any more,
    and the rest is on its way. Safe to repeat. Raises Busy, Contended."""
    return go_on(parts, erasing.ask(parts.store, profile, parts.now(), why))


def go_on(parts: Parts, erasure: Erasure) -> Erasure:
    """Mark the person, and have the queue do the rest, whatever becomes of this call."""
    _send(parts, erasure, BEHIND)
    for attempt in range(TRIES):
        try:
            _eraser(parts, erasure).mark()
            break
        except Contended:  # the queue was faster
            erasure = _fresh(parts, erasure) or erasure
            if attempt + 1 == TRIES:
                raise
    return erasure


def forget(parts: Parts, profiles: Iterable[Profile]) -> int:
    """Have those erased of whom nothing was heard for as long as brand.yaml says ("forget after");
    how many they are. Raises Busy."""
    since = _forgotten_before(parts)
    old = [one.person for one in profiles if since and unheard(one, since)]
    if old:
        parts.send_events([_encode(Erase(erase=person)) for person in old], 0)
    return len(old)


def forget_sign_up(parts: Parts, person: str) -> None:
    """Have somebody erased of whom there is nothing but a sign-up that they did not confirm: their
    address is not ours to keep. Raises Busy."""
    parts.send_events([_encode(Erase(erase=person, sign_up=True))], SOON)


def _forget(parts: Parts, asked: Erase) -> None:
    """Look once more: they may have come since."""
    profile, since = find_profile(parts.store, asked.erase), _forgotten_before(parts)
    if profile and asked.sign_up and _only_signed_up(parts, profile):
        ask(parts, profile, "never confirmed")
    elif profile and since and unheard(profile, since):
        ask(parts, profile, "not heard of")


def _only_signed_up(parts: Parts, profile: Profile) -> bool:
    """Whether they have neither an account nor an order, permitted nothing, and are not asked."""
    permission = permission_of(parts.store, profile.person)
    permits = any(one.given for one in permission.consents.values())
    return not (profile.user_id or orders.count(profile) or permits or permission.asked)


def _forgotten_before(parts: Parts) -> datetime | None:
    """Who was last heard of before then is erased; None: nobody is."""
    brand = parts.library.brand()
    if not brand.forget_after:
        return None
    day = duration(brand.forget_after).days_from(parts.now().date(), -1)
    return datetime.combine(day, time(), UTC)


def carry_out(parts: Parts, asked: Erase, again: Delay, later: Delay) -> None:
    """Do as much as one call can, and have the rest done by the next. Raises Busy."""
    try:
        if not asked.asked:
            return _forget(parts, asked)
        erasure = parts.store.get(Erasure, erasure_key(asked.erase), asked.asked)
        if erasure and not erasure.done:
            _step(parts, erasure)
    except (Contended, Unavailable) as error:
        put_off = asked.put_off + 1
        _later(parts, asked, error, later(put_off, asked.erase), put_off=put_off)
    except Exception as error:
        attempt = asked.attempt + 1
        _later(parts, asked, error, again(attempt, asked.erase), attempt=attempt)


def _step(parts: Parts, erasure: Erasure) -> None:
    """One part of the work: the first look in as many as it takes, then the second."""
    eraser = _eraser(parts, erasure)
    if not eraser.clear():
        return _send(parts, erasure, 0)
    erasure.count("dead letter", parts.search_dead(lambda body: less(parts, erasure, body)))
    if erasure.cleared is None:
        erasure.cleared = parts.now()
        eraser.save()
        return _send(parts, erasure, LOOK_AGAIN)
    _tell(parts, erasure)
    eraser.open(parts.now())
    parts.scrub(True)
    logger.info("a person was erased", extra={"found_again": erasure.found_again})


def _eraser(parts: Parts, erasure: Erasure) -> erasing.Eraser:
    def stop(run: Run) -> None:
        # Not the present one alone: a crash may have left an earlier one, and without the record
        # nothing would ever find it.
        for execution in run.executions:
            parts.workflow.stop(run.journey, execution, OUTCOME)

    return erasing.Eraser(parts.store, parts.settings.identity_key, erasure, stop)


def _fresh(parts: Parts, erasure: Erasure) -> Erasure | None:
    return parts.store.get(Erasure, erasure_key(erasure.person), erasure.key)


def less(parts: Parts, erasure: Erasure, body: bytes) -> bytes | None:
    """A dead letter without what it says of the person; None: it says nothing of them."""
    secret, keys = parts.settings.identity_key, {*erasure.keys, *erasure.links}
    if not mentions(secret, keys, body):
        return None
    try:
        batch = _batches.decode(body)
    except msgspec.DecodeError:
        return b""
    left = [event for event in batch.events if not _is_theirs(secret, keys, erasure, event)]
    if len(left) == len(batch.events):
        return None  # somebody who came anew
    return _encode(msgspec.structs.replace(batch, events=left)) if left else b""


def _is_theirs(secret: bytes, keys: Iterable[str], erasure: Erasure, event: Event) -> bool:
    return predates(event, erasure.asked) and mentions(secret, {*keys}, _encode(event))


def _tell(parts: Parts, erasure: Erasure) -> None:
    """Have those told who got their data from us and asked to hear of this (Art. 19 GDPR)."""
    told = [
        Tell(name, erasure.person, "", f"{PERSON_ERASED} {erasure.person} {erasure.key}")
        for name, webhook in parts.library.subscriptions().items()
        if PERSON_ERASED in webhook.tell
    ]
    if told:
        parts.send_tells([_encode(one) for one in told], 0)


def _send(parts: Parts, erasure: Erasure, delay: int) -> None:
    parts.send_events([_encode(Erase(erase=erasure.person, asked=erasure.key))], delay)


def _later(
    parts: Parts,
    asked: Erase,
    error: Exception,
    delay: int | None,
    attempt: int | None = None,
    put_off: int | None = None,
) -> None:
    reason = f"{type(error).__name__}: {error}"[:MOST_REASON]
    logger.warning("an erasure goes on later", extra={"reason": reason})
    again = msgspec.structs.replace(
        asked,
        attempt=asked.attempt if attempt is None else attempt,
        put_off=asked.put_off if put_off is None else put_off,
        reason=reason,
    )
    send_again(parts, _encode(again), reason, delay)
