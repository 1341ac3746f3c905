"""Codes at work: given to who is sent one, and recognised in the orders that name them."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from functions.codes import issue
from functions.codes.records import FREE, PASSED_ON, IssuedCode
from functions.codes.rules import CodeRule
from functions.handlers.desk import journey_desk
from functions.handlers.discreet import Logger
from functions.handlers.wiring import Parts
from functions.journeys.run import Run
from functions.messages.codes import Codes, Given, unknown
from functions.storage import people
from functions.storage.store import Contended, Unavailable
from functions.tracking.event import IMPORT, Event, EventBatch, bodies
from functions.tracking.identity import short_hash
from functions.tracking.own_event import CODE_ISSUED, CODE_REDEEMED, CODES, own_event
from functions.tracking.profile import Profile

logger = Logger(service="coding")
MOST_COUPONS, MOST_LETTERS = 10, 64  # of an order; of a code
LOOKS = 50  # on average so many codes are taken from a list until its rest is counted again
LOW, NONE_LEFT = "codes run low", "no code is left"  # an alarm looks for these words
Delay = Callable[[int, str], int | None]  # (how often, of what) -> seconds; None: no more


class Redeem(msgspec.Struct, omit_defaults=True):
    """An order of ours: `redeem` is the person who ordered with these coupons."""

    redeem: str
    order_id: str
    coupons: list[str]
    when: datetime
    quiet: bool = False
    put_off: int = 0


_encode = msgspec.json.Encoder().encode
_redeems = msgspec.json.Decoder(Redeem)


# --- giving


def codes_for(parts: Parts, profile: Profile, run: Run) -> Codes:
    """What a template sees as `code`: whatever it shows is given to the person for good."""
    return Codes(lambda name: _give(parts, profile, run, name))


def _give(parts: Parts, profile: Profile, run: Run, name: str) -> Given:
    rule, now = parts.library.codes().get(name), parts.now()
    if rule is None:
        return unknown(name)
    wanted = IssuedCode(
        person=profile.person,
        name=name,
        occasion=run.run_id if rule.once_per == "run" else "",
        code="",
        issued=now,
        journey=run.journey,
        run_id=run.run_id,
    )
    zone = journey_desk(parts).zone(profile)
    given = issue.issue(parts.store, profile, rule, wanted, zone, secrets.choice)
    if given is None:
        logger.error(NONE_LEFT, extra={"code_name": name})
        return Given("", why_not=f"{NONE_LEFT}: {name}")
    _tell_issued(parts, given, run)
    _watch(parts, given, rule)
    state = given.state(now)
    if state != "open":
        return Given("", why_not=f"the code is {state}: {name}")
    return Given(given.code, given.ends, rule.worth)


def _tell_issued(parts: Parts, given: IssuedCode, run: Run) -> None:
    """The same event for every try of the run in which it was given, so that it counts once."""
    if given.run_id != run.run_id:
        return
    told = own_event(
        CODES,
        given.person,
        CODE_ISSUED,
        given.code,
        given.issued,
        code_name=given.name,
        code=given.code,
        expires=given.ends.isoformat() if given.ends else None,
        journey=given.journey,
        run_id=given.run_id,
    )
    parts.send_events(bodies(EventBatch([told])), 0)


def _watch(parts: Parts, given: IssuedCode, rule: CodeRule) -> None:
    """Say when a list runs low. Counting reads all of it, so it is done now and then."""
    if not rule.low_at or int(short_hash(given.code)[:8], 16) % LOOKS:
        return
    left = issue.count(parts.store, given.name)[FREE]
    if left <= rule.low_at:
        logger.warning(LOW, extra={"code_name": given.name, "left": left})


# --- recognising


def note(parts: Parts, profile: Profile, events: Iterable[Event]) -> None:
    """Have codes looked up with which these events ordered. Raises Busy."""
    if not parts.library.codes():
        return
    orders = [event for event in events if event.name == "Order Completed"]
    asked = [_encode(one) for one in _redeems_of(profile, orders)]
    if asked:
        parts.send_events(asked, 0)


def _redeems_of(profile: Profile, orders: Iterable[Event]) -> Iterator[Redeem]:
    for event in orders:
        found = coupons(event)
        if found:
            order = str(event.properties.get("order_id") or event.message_id)[:255]
            yield Redeem(profile.person, order, found, event.time, event.is_quiet)


def coupons(event: Event) -> list[str]:
    """The coupons that an order names, for the whole or for a product (Segment's `coupon`)."""
    lines = [line for line in _listed(event.properties.get("products")) if isinstance(line, dict)]
    said = (one.get("coupon") for one in (event.properties, *lines))
    texts = [text.strip() for one in said for text in _listed(one) if isinstance(text, str)]
    return list(dict.fromkeys(one for one in texts if 0 < len(one) <= MOST_LETTERS))[:MOST_COUPONS]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def is_redeem(body: str) -> bool:
    """Whether a queue message asks to look codes up."""
    return body.startswith('{"redeem"')


def read(body: str) -> Redeem:
    """Raises msgspec.DecodeError."""
    return _redeems.decode(body)


def redeem(parts: Parts, asked: Redeem, put_off: Delay) -> None:
    """Note what became of these codes, and tell of those that were the person's own. Safe to
    repeat. Raises Busy."""
    try:
        profile = people.profile_of(parts.store, asked.redeem)
        for coupon in asked.coupons:
            _redeem(parts, profile, asked, coupon)
    except (Contended, Unavailable) as error:
        delay = put_off(asked.put_off + 1, asked.redeem)
        later = _encode(msgspec.structs.replace(asked, put_off=asked.put_off + 1))
        if delay is None:
            parts.bury(later, str(error))
        else:
            parts.send_events([later], delay)


def _redeem(parts: Parts, profile: Profile, asked: Redeem, coupon: str) -> None:
    own = issue.redeem(parts.store, profile, coupon, asked.order_id, asked.when)
    if own is None:
        for name in parts.library.codes():
            if issue.mark(parts.store, name, coupon, PASSED_ON):
                return
    elif own.order_id == asked.order_id:
        told = own_event(
            CODES,
            own.person,
            CODE_REDEEMED,
            own.code,
            own.redeemed or asked.when,
            code_name=own.name,
            code=own.code,
            order_id=own.order_id,
            journey=own.journey,
            run_id=own.run_id,
        )
        told.context = {IMPORT: {"quiet": True}} if asked.quiet else {}
        parts.send_events(bodies(EventBatch([told])), 0)
