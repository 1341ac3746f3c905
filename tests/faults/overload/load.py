"""What the scenarios share: the simulator under load, and what it shows."""

import resource
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

from functions.handlers import wiring
from functions.storage import people
from functions.storage.store import Conflict, Store
from functions.tracking.event import EventBatch
from functions.tracking.profile import Profile, TimelineRow
from tests.faults import journeys, simulation, trial
from tests.faults.lambdas import Invocation
from tests.faults.loop import START, us
from tests.faults.operations import address
from tests.faults.outside import Outside, Said
from tests.faults.scenarios import NO_FAULTS
from tests.faults.simulation import SETTINGS, Simulation
from tests.faults.sqs import Letter
from tests.faults.trial import quiet

MINUTE = 60.0
BATCH = 100  # messages of a call of process_event, and the copies of it at work: as in infra/
AT_ONCE = 5
MOST_RETRIES = 1.5  # times the calls without trouble
KNOWN = 10 * MINUTE  # by then who was identified at the start is known, whatever the queue does
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


def sign_up(load: Load, user: str, at: float) -> None:
    """Somebody who was known before; queues do not keep the order."""
    load.say(at, Said(f"{user}-i", at, user, kind="identify", traits={"email": address(user)}))
    at += KNOWN
    load.say(at, Said(f"{user}-s", at, user, event="Signed Up"))


def iso(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def peak() -> float:
    """The most memory that this process ever had, in MB. (What getrusage tells is inherited from
    the process that started this one.)"""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
