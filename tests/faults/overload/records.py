"""Bad records: they stop nobody else, and the dead letters say what is wrong."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from unittest.mock import patch

import msgspec

from functions.handlers import process_event
from functions.storage import remember
from functions.tracking.event import Event, EventBatch
from functions.tracking.profile import Profile
from tests.faults.loop import START
from tests.faults.overload.load import Found, Load, tally
from tests.faults.simulation import HOUR
from tests.faults.trial import quiet

SAID_BY_US = '{"events":[{"type":"track","message_id":"x","time":"2027-03-01T09:00:00Z"'
NESTED = "[" * 50_000
RECEIPT = {
    "eventType": "Send",
    "mail": {"timestamp": "noon", "tags": {"person": ["p"], "run": ["r"], "send": ["s"]}},
}
BAD_RECORDS: Mapping[str, tuple[str, str]] = {  # a body, and what its reason must name
    "empty": ("", "Expecting value"),
    "no JSON": ("not JSON", "Expecting value"),
    "half": ('{"events":[{"type":"track",', "truncated"),
    "a list": ("[]", "not a notification"),
    "a number": ("7", "not a notification"),
    "events are a number": ('{"events":7}', "Expected `array`"),
    "an event lacks its id": ('{"events":[{"type":"track"}]}', "`message_id`"),
    "an event at no time": (f'{SAID_BY_US},"received_at":"x"}}]}}', "`$.events[0].received_at`"),
    "an event without a type": ('{"events":[{"message_id":"x"}]}', "`type`"),
    "a receipt of nobody": ('{"eventType":"Send"}', "neither an event batch nor an SES event"),
    "a receipt at no time": (json.dumps(RECEIPT), "noon"),
    "a broken receipt": ('{"Message":"{"}', "Expecting property name"),
    "huge": ("x" * 200_000, "Expecting value"),
    "huge and nearly right": (f'{SAID_BY_US},"user_id":"{"x" * 200_000}', "truncated"),
    "nested too deep": (NESTED, "recursion"),
    "an event nested too deep": (f'{SAID_BY_US},"properties":{{"a":{NESTED}', "recursion"),
}
POISON = "this event cannot be folded"


def _poisoned(profile: Profile, event: Event, fold: Callable[[Profile, Event], None]) -> None:
    if event.event == "Poison":
        raise ArithmeticError(POISON)
    fold(profile, event)


def event_of(message_id: str, user: str, name: str) -> Event:
    """An event as collect_event hands it on."""
    times = {"time": START, "received_at": START, "client_time": START.isoformat()}
    return Event(type="track", message_id=message_id, user_id=user, event=name, **times)


def bad_records(copies: int = 1) -> Found:
    """Of a batch all but the bad ones are done in the same call; the bad ones say what is wrong."""
    found = Found("bad records")
    with quiet(), patch.object(remember, "fold", partial(_poisoned, fold=remember.fold)):
        load = Load()
        for number in range(copies):
            _bad_batch(load, found, f"c{number}")
        load.run(HOUR)
        load.tell(found)
        found.calls = load.calls["store"]
        found.notes["messages sent again"] = load.simulation.events.sent
        sane = {dead.reason for dead in load.simulation.events.dead}
        found.must(all(sane), "a dead letter has no reason")
        poison = [dead for dead in load.simulation.events.dead if POISON in dead.reason]
        found.must(len(poison) == copies, f"{len(poison)} dead letters for {copies} poisons")
        found.must(all(dead.body.count(b'"Poison"') == 1 for dead in poison), "poison with others")
        found.dead = Counter(_kind(dead.reason) for dead in load.simulation.events.dead)
    return found


def _kind(reason: str) -> str:
    """A reason without what all of them begin with, in a line."""
    return reason.removeprefix("not an event batch: neither events nor a receipt: ")[:52]


def _bad_batch(load: Load, found: Found, name: str) -> None:
    """One call with everything that can be wrong, between messages that are fine."""
    bodies: list[str] = []
    for number, (body, _) in enumerate(BAD_RECORDS.values()):
        bodies += [_fine(load, f"{name}-u{number}", ("Looked", "Page Seen")), body]
    fine = list(load.said)[-len(BAD_RECORDS) :]
    sick = f"{name}-sick"
    poison = event_of(f"{sick}-poison", sick, "Poison")
    well = [event_of(f"{sick}-{number}", sick, "Page Seen") for number in range(2)]
    bodies += [body_of(well[0], poison), body_of(well[1])]
    load.said[sick] = {event.message_id for event in well}
    records = [{"messageId": f"{name}-{n}", "body": body} for n, body in enumerate(bodies)]
    before = len(load.simulation.events.dead)
    answer = process_event.handler({"Records": records}, None)
    found.must(answer == {"batchItemFailures": []}, f"left to SQS: {answer}")
    for user in fine:
        found.must(
            tally(load.simulation.bare, load.person(user), load.said[user]) == (0, 0),
            f"{user} is not done at once",
        )
    buried = load.simulation.events.dead[before:]
    found.must(len(buried) == len(BAD_RECORDS), f"{len(buried)} of {len(BAD_RECORDS)} buried")
    for (what, (body, reason)), dead in zip(BAD_RECORDS.items(), buried, strict=False):
        named = dead.body.decode() == body and reason.lower() in dead.reason.lower()
        found.must(named, f"{what} is said to be {dead.reason!r}")


def _fine(load: Load, user: str, names: tuple[str, ...]) -> str:
    events = [event_of(f"{user}-{name}", user, name) for name in names]
    load.said[user] = {event.message_id for event in events}
    return body_of(*events)


def body_of(*events: Event) -> str:
    """A message of the event queue."""
    return msgspec.json.encode(EventBatch(list(events))).decode()
