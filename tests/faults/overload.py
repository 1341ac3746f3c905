"""Overload: bad records, who throttles, storms, one hot person, floods: slower, but nothing lost.

Scenarios 1 to 5 are on the simulator (virtual time, several Lambdas at once). Scenarios 6 and 7
are on the local parts, which are some fifty times as fast: the real local system with its worker,
and the two handlers on SQLite in memory. `python -m tests.faults.overload` runs them large.
"""

import json
import resource
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any
from unittest.mock import patch

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from functions.handlers import collect_event, process_event, wiring
from functions.storage import people, remember
from functions.storage.kinds import TABLES
from functions.storage.store import Conflict, Store
from functions.tracking.event import Event, EventBatch
from functions.tracking.message import Message
from functions.tracking.profile import Profile, TimelineRow
from local.system import System
from tests.faults import journeys, simulation, trial
from tests.faults.lambdas import Invocation
from tests.faults.loop import START, us
from tests.faults.operations import address
from tests.faults.outside import Outside, Said, request
from tests.faults.scenarios import NO_FAULTS
from tests.faults.simulation import DAY, HOUR, SETTINGS, WRITE_KEY, Simulation
from tests.faults.sqs import Letter
from tests.faults.trial import quiet
from tests.support.world import JOURNEYS

MINUTE = 60.0
BATCH = 100  # messages of a call of process_event, and the copies of it at work: as in infra/
AT_ONCE = 5
MOST_RETRIES = 1.5  # times the calls without trouble
ONE_JOURNEY = {
    "news": """
        title: Three mails, a day apart
        purpose: transactional
        enter when: {event: Signed Up}
        once per: person
        steps:
          - send: hello
          - wait: 1 day
          - send: more
          - wait: 1 day
          - send: last
    """
}


@dataclass
class Found:
    """What a scenario showed: a row of the table. `usual` are the calls without the trouble."""

    scenario: str
    events: int = 0
    calls: int = 0
    usual: int = 0
    lost: int = 0
    double: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    notes: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak: float = 0.0  # MB

    @property
    def ratio(self) -> float:
        """How many times the usual calls it took."""
        return self.calls / self.usual if self.usual else 0.0

    def must(self, fine: bool, words: str) -> None:
        """Note a broken rule."""
        if not fine:
            self.problems.append(words)

    def judge(self) -> "Found":
        """The rules that hold for every scenario."""
        self.must(self.lost == 0, f"{self.lost} events are lost")
        self.must(self.double == 0, f"{self.double} events count twice")
        return self

    def bound(self) -> "Found":
        """And the one for those in which somebody refuses."""
        self.must(self.ratio < MOST_RETRIES, f"{self.ratio:.2f} times the usual calls")
        return self


# --- the simulator under load

Strike = Callable[["Load", Invocation, str], str]


def _calm(load: "Load", working: Invocation, what: str) -> str:
    return ""


class _Counting:
    """A store that counts how often each record was put, and how often somebody was faster."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.puts: Counter[tuple[str, str]] = Counter()
        self.conflicts: Counter[tuple[str, str]] = Counter()

    def put(self, record: Any) -> None:
        name = (type(record).__name__, str(getattr(record, "person", "")))
        try:
            self._inner.put(record)
        except Conflict:
            self.conflicts[name] += 1
            raise
        self.puts[name] += 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Load:
    """A simulation that only `strike` disturbs (it names the fault of a call, "" for none)."""

    def __init__(self, strike: Strike = _calm, at_once: int = AT_ONCE) -> None:
        self.simulation = Simulation("overload", allowed=NO_FAULTS)
        self.outside = Outside(self.simulation)
        self.counting = _Counting(self.simulation.bare)
        self.simulation.store._inner = self.counting  # type: ignore[assignment]
        self.deal(at_once, BATCH, 1.0)
        self.simulation.lambdas.script = self._script
        self.calls: Counter[str] = Counter()  # by service, with those that were refused
        self.refused: Counter[str] = Counter()
        self.said: dict[str, set[str]] = {}
        self.batches: Counter[str] = Counter()  # calls of process_event that a user's events are in
        self.transitions = 0
        self._handled = self.simulation.events.handled
        self.simulation.events.handled = self._count_batches
        self._strike = strike
        self._ended = self.simulation.states.ended
        self.simulation.states.ended = self._count_transitions  # type: ignore[method-assign]

    def deal(self, at_once: int, batch: int, window: float = 0.001) -> None:
        """How the event queue deals out its messages: to so many Lambdas, so many at a time."""
        queue = self.simulation.events
        queue.at_once, queue.batch, queue.window = at_once, batch, window

    @property
    def time(self) -> float:
        """Seconds since the start."""
        return self.simulation.loop.time / us(1)

    @property
    def all_said(self) -> set[str]:
        """The ids of all events."""
        return set().union(*self.said.values())

    def _script(self, working: Invocation, number: int, what: str) -> str:
        service = what.partition(" ")[0]
        kind = self._strike(self, working, what)
        self.calls[service] += 1
        self.refused[service] += bool(kind)
        return kind

    def _count_batches(self, letters: list[Letter], invocation: Invocation) -> None:
        users = {user for letter in letters for user in _users(letter.body)}
        self.batches.update(users)
        self._handled(letters, invocation)

    def _count_transitions(self, history: Any, execution: Any) -> None:
        self.transitions += execution.transitions
        self._ended(history, execution)

    def say(self, at: float, *said: Said) -> None:
        """One request of a client."""
        for one in said:
            self.said.setdefault(one.user, set()).add(one.id)
        self.simulation.loop.at(us(at), lambda: self.outside.say(*said))

    def bring(self, at: float, body: bytes, name: str) -> None:
        """A message for the event queue."""
        self.simulation.loop.at(us(at), lambda: self.simulation.events.send(body, name))

    def run(self, until: float) -> None:
        """Let virtual time pass."""
        wiring.use(self.simulation.parts)  # there may be two of these in turn
        self.simulation.loop.run(us(until))

    def person(self, user: str) -> Profile:
        """Who is known by this user id."""
        found = people.People(self.simulation.bare, SETTINGS.identity_key).by("user_id", user)
        return found or Profile(person="nobody")

    def tell(self, found: Found) -> Found:
        """Count what is lost, double, dead or still under way."""
        found.events += sum(map(len, self.said.values()))
        for user, ids in self.said.items():
            lost, double = tally(self.simulation.bare, self.person(user), ids)
            found.lost, found.double = found.lost + lost, found.double + double
        found.dead.update(dead.reason or "no reason" for dead in self.simulation.events.dead)
        found.must(not self.simulation.events.letters, "there is something left in the queue")
        found.must(not self.outside.open, f"{self.outside.open} requests are open")
        failed = [h for h in self.simulation.states.histories.values() if h.status == "FAILED"]
        found.must(not failed, f"{len(failed)} runs have failed")
        return found.judge()


def tally(store: Store, profile: Profile, ids: set[str]) -> tuple[int, int]:
    """How many of these events the timeline or the profile lacks, and how many are there twice."""
    rows = [row.event for key in profile.keys for row in store.query(TimelineRow, key)]
    lost = len(ids - {event.message_id for event in rows})
    double = len(rows) - len({event.message_id for event in rows})
    counted = Counter(event.name for event in rows)
    for name in counted.keys() | profile.events.keys():
        kept = profile.events[name].count if name in profile.events else 0
        lost += max(0, counted[name] - kept)
        double += max(0, kept - counted[name])
    return lost, double


def _users(body: bytes) -> set[str]:
    if not body.startswith(b'{"events"'):
        return set()
    return {event.user_id for event in msgspec.json.decode(body, type=EventBatch).events}


@cache
def _own() -> dict[Any, dict[str, Any]]:
    """What the simulator keeps of its journeys, once more for this one."""
    names = {journeys: ("versions", "machine"), trial: ("_checked",), simulation: ("published",)}
    return {
        module: {name: cache(getattr(module, name).__wrapped__) for name in kept}
        for module, kept in names.items()
    }


@contextmanager
def one_journey() -> Iterator[None]:
    """The simulator with a journey of three mails only; what it keeps of its own stays as it is."""
    own = _own()
    with ExitStack() as stack:
        mails = {"news": ["hello", "more", "last"]}
        files = {"JOURNEYS": ONE_JOURNEY, "MAILS": mails, "TEXTS": {}, "VERSIONS": (1,)}
        stack.enter_context(patch.multiple(journeys, **files))
        for module, kept in own.items():
            stack.enter_context(patch.multiple(module, **kept))
        stack.enter_context(quiet())
        yield


KNOWN = 10 * MINUTE  # by then who was identified at the start is known, whatever the queue does


def _sign_up(load: Load, user: str, at: float) -> None:
    """Somebody who was known before; queues do not keep the order."""
    load.say(at, Said(f"{user}-i", at, user, kind="identify", traits={"email": address(user)}))
    at += KNOWN
    load.say(at, Said(f"{user}-s", at, user, event="Signed Up"))


# --- 1: bad records

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


# --- 2: a store that throttles

THROTTLED = (DAY + KNOWN, DAY + KNOWN + 10 * MINUTE)  # when the second mails are due


def throttled_store(events: int = 600, part: float = 1.0, runs: int = 20) -> Found:
    """For ten minutes the store refuses this part of all calls, while events of many come in."""
    found = Found(f"a store that refuses {part:.0%} for ten minutes")
    with one_journey():
        calm = Load()
        _traffic(calm, events, runs)
        load = Load(partial(_throttle, part=part))
        _traffic(load, events, runs)
        load.tell(found)
        found.calls, found.usual = load.calls["store"], calm.calls["store"]
        done = load.simulation.seen.done_time
        ended = max(done[name] for name in done if name in load.all_said) / us(1) - THROTTLED[1]
        mails = Counter(one.message.to for one in load.simulation.provider.accepted)
        found.must(max(mails.values(), default=0) <= 3, "a mail went twice")
        found.must(
            mails.total() == 3 * runs, f"{3 * runs - mails.total()} mails of {runs} runs did not go"
        )
        found.notes = {
            "refused": load.refused["store"],
            "all done after": f"{max(0, ended) / MINUTE:.0f} min",
        }
        found.must(not found.dead, f"dead letters: {dict(found.dead)}")
    return found.bound()


def _throttle(load: Load, working: Invocation, what: str, part: float) -> str:
    """An outage: the store says that it is too busy."""
    if not what.startswith("store ") or not THROTTLED[0] <= load.time < THROTTLED[1]:
        return ""
    label = f"{working.name} {working.calls} throttled"
    return "outage" if load.simulation.chance.number(label) < part else ""


def _traffic(load: Load, events: int, runs: int) -> None:
    """Twelve minutes of events around the ten, each person has three; runs that are to send."""
    for number in range(runs):
        _sign_up(load, f"r{number}", 10 + number * 4 * MINUTE / runs)
    for number in range(events):
        at = THROTTLED[0] - MINUTE + number * 12 * MINUTE / events
        load.say(at, Said(f"m{number}", at, f"u{number % (events // 3)}", event="Page Seen"))
    load.run(3 * DAY)


# --- 3: SES says 454


def refusing_provider(messages: int = 200, at_once: bool = False, workers: int = 20) -> Found:
    """For an hour the provider says 454 to everybody; people sign up all the while, or all of
    them at the same moment."""
    found = Found("SES says 454 for an hour" + (", all mails at once" if at_once else ""))
    with one_journey():
        calm, load = Load(), Load(_not_now)
        for one in (calm, load):
            if at_once:
                one.deal(workers, BATCH if workers < messages else 1)
            for number in range(messages):
                _sign_up(one, f"u{number}", 10 if at_once else 10 + number * 0.8 * HOUR / messages)
            one.run(DAY - HOUR)
            _stop_counting(one)
        load.tell(found)
        took = Counter(one.message.to for one in load.simulation.provider.accepted)
        found.must(took == {address(f"u{n}"): 1 for n in range(messages)}, f"{took.total()} went")
        found.calls, found.usual = load.calls["email"], messages
        last = max(one.time for one in load.simulation.provider.accepted) / us(1)
        held = load.transitions - calm.transitions
        found.notes = {
            "refused": load.refused["email"],
            "transitions of holds": f"{held} ({held / messages:.1f} each)",
            "last sent after": f"{(last - HOUR) / MINUTE:.0f} min",
        }
        found.must(not found.dead, f"dead letters: {dict(found.dead)}")
    return found.bound()


def _not_now(load: Load, working: Invocation, what: str) -> str:
    return "not now" if what.startswith("email ") and load.time < HOUR else ""


def _stop_counting(load: Load) -> None:
    """Transitions so far, of those that run."""
    running = load.simulation.states._running.values()
    load.transitions += sum(one.execution.transitions for one in running)


# --- 4: a bounce storm

STORM = 2 * HOUR


def bounce_storm(mails: int = 200) -> Found:
    """Within a minute every mail bounces or is complained of, three times told, in any order."""
    found = Found("a bounce storm")
    with one_journey():
        load = Load()
        load.simulation.provider._tell = lambda channel, message, where: []  # type: ignore[method-assign]
        for number in range(mails):
            _sign_up(load, f"u{number}", 10 + number * MINUTE / mails)
        load.run(STORM)
        sent = [one.message for one in load.simulation.provider.accepted]
        found.must(len(sent) == mails, f"{len(sent)} of {mails} mails went")
        _let_bounce(load, sent)
        load.run(STORM + 2 * HOUR)
        found.notes["told"] = 9 * len(sent)
        for number in range(mails):
            _check_bounced(load, found, number)
        load.run(3 * DAY)
        later = Counter(one.message.to for one in load.simulation.provider.accepted[mails:])
        soft = {address(f"u{n}"): 2 for n in range(mails) if _kind_of_storm(n) == "soft"}
        found.must(later == soft, f"{later.total()} later mails, {2 * len(soft)} were allowed")
        load.tell(found)
        found.calls = load.calls["store"]
        found.must(not found.dead, f"dead letters: {dict(found.dead)}")
    return found


def _kind_of_storm(number: int) -> str:
    """Of ten mails five are complained of, four bounce for good, one bounces for a while."""
    return ("hard", "spam")[number % 2] if number % 10 else "soft"


def _let_bounce(load: Load, sent: list[Any]) -> None:
    random = Random(4)
    for message in sent:
        kind = _kind_of_storm(int(message.to.partition("@")[0][1:]))
        told = ["Send", "Delivery", "Complaint" if kind == "spam" else "Bounce"]
        for number, what in enumerate(told * 3):
            detail = {"timestamp": _iso(STORM + told.index(what) * 5)}
            if what == "Bounce":
                detail["bounceType"] = "Permanent" if kind == "hard" else "Transient"
            tags = {name: [value] for name, value in message.tags.items()}
            mail = {"timestamp": _iso(STORM), "tags": tags}
            said = {"eventType": what, "mail": mail, what.lower(): detail}
            body = json.dumps({"Message": json.dumps(said)}).encode()
            at = STORM + 10 + random.random() * MINUTE
            load.bring(at, body, f"{what} {number} of {message.send_id}")


def _iso(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def _check_bounced(load: Load, found: Found, number: int) -> None:
    user, kind = f"u{number}", _kind_of_storm(number)
    profile = load.person(user)
    name = "Email Marked as Spam" if kind == "spam" else "Email Bounced"
    times = {one: profile.events[one].count for one in profile.events if one.startswith("Email")}
    found.must(times == {"Email Sent": 1, "Email Delivered": 1, name: 1}, f"{user} knows {times}")
    permission = people.permission_of(load.simulation.bare, profile.person)
    reason = {"hard": "hard bounce", "spam": "marked as spam", "soft": None}[kind]
    found.must(permission.suppressed.get("email") == reason, f"{user}: {permission.suppressed}")
    rows = list(load.simulation.bare.query(Message, profile.person))
    known = [row.complained if kind == "spam" else row.bounced for row in rows]
    found.must(len(known) == 1 and known[0] is not None, f"the ledger of {user} says {known}")


# --- 5: one hot person


def hot_person(events: int = 1000, requests: int = 100) -> Found:
    """One person has nine of ten events, in many messages, with five Lambdas at once."""
    found = Found("one person with 90 % of the events")
    with one_journey():
        alone, load = Load(at_once=1), Load()
        for one in (alone, load):
            _crowd(one, events, requests)
            one.run(HOUR)
        load.tell(found)
        found.calls, found.usual = load.calls["store"], alone.calls["store"]
        _check_heat(load, found)
        found.must(not found.dead, f"dead letters: {dict(found.dead)}")
    return found.bound()


def _crowd(load: Load, events: int, requests: int) -> None:
    """All within three seconds; a person besides the hot one has one request or two."""
    load.deal(load.simulation.events.at_once, 10, 0.05)
    each = events // requests
    for number in range(requests):
        at = 10 + number * 3 / requests
        user = f"u{number % 7}-{number // 14}" if number % 10 == 0 else "hot"
        names = (f"m{number}-{i}" for i in range(each))
        load.say(at, *(Said(name, at, user, event=f"Seen {n % 3}") for n, name in enumerate(names)))


def _check_heat(load: Load, found: Found) -> None:
    """A batch costs the hot person one write, and one more try where somebody was faster."""
    done = load.simulation.seen.done_time
    last = max(done[name] for name in load.said["hot"])
    first = max(done[name] for user, ids in load.said.items() if user != "hot" for name in ids)
    found.must(first <= last, "the others had to wait for the hot person")
    hot = load.person("hot").person
    batches, again = load.batches["hot"], load.counting.conflicts["Profile", hot]
    writes = load.counting.puts["Profile", hot]
    found.must(writes <= batches, f"{writes} writes in {batches} batches")
    found.notes = {"batches": batches, "writes": writes, "conflicts": again}


# --- 6: a flood into the real local system

CALL = {
    "type": "track",
    "event": "Product Viewed",
    "properties": {
        "product_id": "1234",
        "name": "Espresso machine with a grinder",
        "category": "kitchen",
        "price": 249.0,
        "url": "https://shop.example.com/kitchen/espresso-machine-with-a-grinder",
    },
    "context": {"library": {"name": "analytics-python", "version": "2.4.0"}, "locale": "de-DE"},
}
FIRST = 1000  # events before the memory is measured: by then everything is imported
# MB, however many events: SQLite keeps 64 MB of pages for the worker's thread, and as much again
# as half of that is for what is under way, of which a round of a thousand events takes some 3 MB.
MOST_GROWTH = 96
EACH = 10  # events of a person, in requests of a hundred; every twentieth request comes twice


def flood(events: int = 10_000, bug: str = "") -> Found:
    """So many events at once through collect_event into the local queue, while its worker does
    what is there. In a process of its own, which tells its memory."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_flood, (events, bug))


def _flood(events: int, bug: str) -> Found:
    found = Found(f"{events:,} events at once, on one machine", events)
    with TemporaryDirectory() as folder, quiet(), FLOOD_BUGS[bug]():
        system = System(Path(folder), JOURNEYS, "http://127.0.0.1:8000")
        system.publish()
        with system.running():
            _pour(system, range(FIRST))
            before = _peak()
            began = perf_counter()
            requests = _pour(system, range(FIRST, FIRST + events))
            seconds = perf_counter() - began
        growth = _peak() - before
        found.must(growth < MOST_GROWTH, f"{growth:.0f} MB more memory")
        found.notes = {"events/s": f"{events / seconds:,.0f}", "growth": f"{growth:.0f} MB"}
        found.peak, found.seconds = _peak(), seconds
        found.calls, found.usual = requests, -(-events // 100)
        _count_flood(system, found, FIRST + events)
    return found.judge()


def _pour(system: System, numbers: range) -> int:
    """Send them; return how many requests that took when all are done."""
    firsts = range(numbers.start, numbers.stop, 100)
    for first in (*firsts, *firsts[::20]):
        calls = [
            {**CALL, "userId": f"u{number // EACH}", "messageId": f"m{number}", "timestamp": NOON}
            for number in range(first, min(first + 100, numbers.stop))
        ]
        body = {"writeKey": system.keys.write_key, "batch": calls}
        answer = collect_event.handler(request("POST", "/v1/batch", body), None)
        assert answer["statusCode"] == 200, answer
    while system.queue.size():
        sleep(0.01)
    return len(firsts) + len(firsts[::20])


NOON = "2027-03-01T12:00:00Z"


def _count_flood(system: System, found: Found, events: int) -> None:
    finder = people.People(system.store, system.parts.settings.identity_key)
    for number in range(0, events, EACH):
        profile = finder.by("user_id", f"u{number // EACH}") or Profile(person="nobody")
        ids = {f"m{one}" for one in range(number, min(number + EACH, events))}
        lost, double = tally(system.store, profile, ids)
        found.lost, found.double = found.lost + lost, found.double + double
    found.dead.update(reason for _, reason, _ in system.queue.dead())


def _peak() -> float:
    """The most memory that this process ever had, in MB. (What getrusage tells is inherited from
    the process that started this one.)"""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024


def _hoard() -> Any:
    """The worker keeps every batch that it has read."""
    real, kept = process_event.read, []

    def read(*asked: Any) -> EventBatch:
        kept.append(real(*asked))
        return kept[-1]

    return patch.object(process_event, "read", read)


def _no_dedupe() -> Any:
    """An event that is known already counts again."""
    return patch.object(remember, "known", lambda profile, event: False)


FLOOD_BUGS: Mapping[str, Callable[[], Any]] = {
    "": ExitStack,
    "hoard": _hoard,
    "no dedupe": _no_dedupe,
}

# --- 7: a million duplicates over thirty days

PERSONS, OF_EACH = 40, 60  # many more than the ids that a profile remembers
BEFORE = 20 * DAY  # in which the original events happened


def duplicates(
    deliveries: int = 20_000,
    persons: int = PERSONS,
    tick: Callable[[int], None] = lambda done: None,
) -> Found:
    """Deliveries of events that are known already, for thirty days, change no byte."""
    found = Found(f"{deliveries:,} duplicates over 30 days", persons * OF_EACH, deliveries)
    with one_journey():  # which nobody enters
        twins = Twins()
        twins.live(persons)
        before = twins.everything()
        began = perf_counter()
        random = Random(7)
        for done in range(0, deliveries, BATCH):
            twins.deliver(random, min(BATCH, deliveries - done))
            tick(min(BATCH, deliveries - done))
        found.seconds = perf_counter() - began
        found.notes["duplicates/s"] = f"{deliveries / found.seconds:,.0f}"
        found.must(twins.everything() == before, "the records are not the same as before")
        for user, ids in twins.ids.items():
            lost, double = tally(twins.store, twins.person(user), ids)
            found.lost, found.double = found.lost + lost, found.double + double
        found.dead.update(twins.dead)
        found.must(not found.dead, f"dead letters: {dict(found.dead)}")
        let_go = [user for user in twins.ids if twins.person(user).let_go]
        found.must(len(let_go) == persons, f"only {len(let_go)} have let go of ids")
    return found.judge()


class Twins:
    """collect_event and process_event on SQLite in memory, and events that come again."""

    def __init__(self) -> None:
        self._world = Simulation("duplicates", allowed=NO_FAULTS)
        self.store = self._world.bare
        self.dead: list[str] = []
        self.ids: dict[str, set[str]] = {}
        self._queue: list[bytes] = []
        self._calls: list[bytes] = []
        wiring.use(
            replace(
                self._world.parts,
                store=self.store,
                send_events=lambda bodies, delay: self._queue.extend(bodies),
                bury=lambda body, reason: self.dead.append(reason),
            )
        )

    def person(self, user: str) -> Profile:
        found = people.People(self.store, SETTINGS.identity_key).by("user_id", user)
        return found or Profile(person="nobody")

    def live(self, persons: int) -> None:
        """What happened, delivered in any order, some of it days late."""
        random = Random(1)
        for number in range(persons):
            user = f"u{number}"
            for i, call in enumerate(_life(user, random)):
                self._calls.append(msgspec.json.encode({**call, "messageId": f"{user}-{i}"}))
                self.ids.setdefault(user, set()).add(f"{user}-{i}")
        in_any_order = list(self._calls)
        random.shuffle(in_any_order)
        for first in range(0, len(in_any_order), 7):
            self._send(in_any_order[first : first + 7], BEFORE, BEFORE)

    def deliver(self, random: Random, number: int) -> None:
        """Some of them once more, at some moment of the thirty days after."""
        at = BEFORE + random.random() * 30 * DAY
        said_at = at + random.uniform(-DAY, DAY)  # by a clock that is wrong: other times come out
        self._send(random.choices(self._calls, k=number), at, said_at)

    def send_one(self, call: dict[str, Any], at: float) -> None:
        """A single call of the first person."""
        made = {"userId": "u0", "messageId": f"one-{at}", "timestamp": _iso(at), **call}
        self._send([msgspec.json.encode(made)], at, at)

    def send_many(self, user: str, events: int, every: int = 1) -> None:
        """One of `every` so many events of a person, a second apart, in requests of a hundred."""
        said = {"type": "track", "event": "Seen", "userId": user}
        calls = [
            msgspec.json.encode({**said, "messageId": f"m{at}", "timestamp": _iso(at)})
            for at in range(0, events, every)
        ]
        for first in range(0, len(calls), BATCH):
            self._send(calls[first : first + BATCH], DAY * every, DAY * every)

    def _send(self, calls: list[bytes], at: float, said_at: float) -> None:
        self._world.loop.time = us(at)
        sent_at = (START + timedelta(seconds=said_at)).isoformat().encode()
        start = b'{"writeKey":"%s","sentAt":"%s","batch":[' % (WRITE_KEY.encode(), sent_at)
        asked = request("POST", "/v1/batch")
        asked["body"] = (start + b",".join(calls) + b"]}").decode()
        answer = collect_event.handler(asked, None)
        assert answer["statusCode"] == 200, answer
        while self._queue:
            records = [{"messageId": "1", "body": self._queue.pop().decode()}]
            assert process_event.handler({"Records": records}, None) == {"batchItemFailures": []}

    def everything(self) -> list[Any]:
        """Every byte of the database, versions and all."""
        asked = (f"SELECT * FROM {table} ORDER BY pk, sk" for table in TABLES)
        return [self.store.connection.execute(sql).fetchall() for sql in asked]


def _life(user: str, random: Random) -> Iterator[dict[str, Any]]:
    """Sixty events of a person: pages, carts, more orders than a profile keeps, who they are.

    Times are written as different clients write them."""
    for number in range(OF_EACH):
        moment = START + timedelta(seconds=random.random() * BEFORE)
        when: Any = moment.isoformat() if number % 3 else f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"
        said: dict[str, Any] = {"userId": user, "timestamp": when, "type": "track"}
        match number % 4:
            case 0:
                order = {"order_id": f"o{number // 4 % 23}", "revenue": 10, "currency": "EUR"}
                name = "Order Refunded" if number % 16 == 0 else "Order Completed"
                yield {**said, "event": name, "properties": order}
            case 1:
                cart = {"cart_id": f"c{number % 8}", "sku": f"s{number % 5}"}
                yield {**said, "event": "Product Added", "properties": cart}
            case 2:
                traits = {"email": address(user), "city": f"city {number}"}
                device = {"anonymousId": f"{user}-d{number % 2}"}
                yield {**said, **device, "type": "identify", "traits": traits}
            case _:
                yield {**said, "type": "page", "name": f"page {number}"}


# --- all of them, large

LARGE: dict[str, Callable[[], Found]] = {
    "records": lambda: bad_records(100),
    "throttle": lambda: throttled_store(3000, runs=200),
    "half": lambda: throttled_store(3000, 0.5, runs=200),
    "454": lambda: refusing_provider(2000),
    "454-at-once": lambda: refusing_provider(100, at_once=True),
    "bounces": lambda: bounce_storm(1000),
    "hot": lambda: hot_person(5000, 500),
    "flood": lambda: _flood(100_000, ""),
    "duplicates": lambda: _with_progress(1_000_000),
}


def _with_progress(deliveries: int) -> Found:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("duplicates", total=deliveries)
        return duplicates(deliveries, tick=lambda done: progress.update(task, advance=done))


def _measured(name: str) -> Found:
    began = perf_counter()
    found = LARGE[name]()
    found.seconds = found.seconds or perf_counter() - began
    found.peak = found.peak or _peak()
    return found


def table(all_found: list[Found]) -> Table:
    """One row for each scenario."""
    made = Table(title="overload", title_justify="left")
    made.add_column("scenario")
    for name in ("events", "calls", "ratio", "lost", "double", "dead", "s", "peak MB"):
        made.add_column(name, justify="right")
    made.add_column("the dead letters' reasons, and more")
    for found in all_found:
        why = [f"{times:,} × {reason}" for reason, times in found.dead.most_common()]
        more = ", ".join(f"{name} {value}" for name, value in found.notes.items())
        ratio = f"{found.ratio:.2f}" if found.usual else ""
        figures = (f"{found.events:,}", f"{found.calls:,}", ratio, f"{found.lost}")
        cost = (f"{found.dead.total():,}", f"{found.seconds:.1f}", f"{found.peak:.0f}")
        words = "\n".join(filter(None, [more, *why]))
        made.add_row(found.scenario, *figures, f"{found.double}", *cost, words)
    return made


def main() -> int:
    """0 when no bound is broken. Each scenario has a process of its own, to tell its memory."""
    parser = ArgumentParser(prog="python -m tests.faults.overload", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help=f"some of {', '.join(LARGE)}; else all")
    chosen = parser.parse_args().scenarios or list(LARGE)
    console, all_found = Console(), []
    console.width = max(console.width, 160)
    for name in chosen:
        with console.status(name), get_context("spawn").Pool(1) as pool:
            all_found.append(pool.apply(_measured, (name,)))
    console.print(table(all_found))
    problems = [f"{found.scenario}: {words}" for found in all_found for words in found.problems]
    for words in problems[:40]:
        console.print(words, style="bold red", markup=False)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
