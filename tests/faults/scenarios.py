"""Short scenarios without chance, for enumerating every crash point and every order of two."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from functions.storage.store import Store
from tests.faults.lambdas import Invocation
from tests.faults.operations import Operation, address, phone
from tests.faults.outside import Outside, Said
from tests.faults.simulation import DAY, HOUR, Simulation
from tests.faults.trial import Trial, run

NO_FAULTS: frozenset[str] = frozenset()
CLOCKS = ("settle_messages", "compare_runs", "publish_journey")
READS = ("get", "query", "listing", "list", "describe", "history")


class Script:
    """Collects operations with message ids that count up."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def say(self, at: float, event: str = "", user: str = "u0", **more: Any) -> None:
        said = Said(f"m{len(self.operations) + 1}", at, user, event=event, **more)
        words = f"{said.id}: {user or said.device} says {event or said.kind}"
        self.do(at, words, lambda outside: outside.say(said), said)

    def do(self, at: float, words: str, act: Callable[[Outside], None], *said: Said) -> None:
        self.operations.append(Operation(at, words, act, said))

    def customer(self) -> None:
        """Somebody with addresses who permits everything."""
        self.say(10, kind="identify", traits={"email": address("u0"), "phone": phone("u0")})
        for channel in ("email", "sms"):
            properties = {"channel": channel, "purposes": ["tips"]}
            self.say(12, "Consent Given", properties=properties)


ORDER = {"order_id": "o1", "revenue": 10, "currency": "EUR"}
SAME = {"order_id": "o1"}


def _entry(script: Script) -> None:
    script.say(60, "Looked")


def _send(script: Script) -> None:
    script.customer()
    script.say(60, "Signed Up")


def _event(script: Script) -> None:
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    script.say(600, "Parcel Received", properties=SAME)


def _exit(script: Script) -> None:
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    script.say(600, "Order Refunded", properties=SAME)


def _withdraw(script: Script) -> None:
    script.customer()
    script.say(60, "Signed Up")
    script.do(2 * DAY + 300, "u0 unsubscribes", lambda outside: outside.leave("u0", phone("u0")))
    script.say(2 * DAY + 600, "Visited")
    script.say(2 * DAY + 700, "Answered")


def _merge(script: Script) -> None:
    script.say(10, "Looked", user="", device="u0-d0")
    script.say(20, "Visited", user="", device="u0-d0")
    script.customer()
    script.say(300, kind="identify", device="u0-d0")
    script.say(5 * HOUR, "Answered")


def _undo(script: Script) -> None:
    """It was somebody else's device: what began with it goes on with it."""
    script.say(10, "Looked", user="", device="u0-d0")
    script.say(20, "Visited", user="", device="u0-d0")
    script.customer()
    script.say(2 * HOUR, kind="identify", device="u0-d0")
    script.do(3 * HOUR, "u0-d0 is parted", lambda outside: outside.simulation.undo("u0-d0"))
    script.say(5 * HOUR, "Answered", user="", device="u0-d0")


def _again(script: Script) -> None:
    """The same order once more, when its run is over and its device known."""
    script.say(10, "Order Completed", user="", device="u0-d0", properties=ORDER)
    script.customer()
    script.say(300, kind="identify", device="u0-d0")
    script.say(5 * DAY, "Order Completed", properties=ORDER)


def _twins(script: Script) -> None:
    """One order, said by a device that nobody knows yet and by its owner; then it is theirs."""
    script.say(10, "Order Completed", user="", device="u0-d0", properties=ORDER)
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    script.say(300, kind="identify", device="u0-d0")


def _finished_twin(script: Script) -> None:
    """The same, but the owner is through with it before the device is known to be theirs."""
    script.say(10, "Order Completed", user="", device="u0-d0", properties=ORDER)
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    script.say(600, "Parcel Received", properties=SAME)
    script.say(2 * DAY, kind="identify", device="u0-d0")


def _start_journey(script: Script) -> None:
    script.customer()
    script.say(60, "Visited")
    script.say(4 * HOUR + 200, "Answered")
    script.say(DAY, "Bye")


def _go_on(script: Script) -> None:
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    script.do(300, "every run goes on", lambda outside: outside.simulation.move())
    script.say(600, "Parcel Received", properties=SAME)
    script.do(900, "every run goes on", lambda outside: outside.simulation.move())


def _go_on_in_a_loop(script: Script) -> None:
    """In its second pass."""
    script.customer()
    script.say(60, "Signed Up")
    script.do(40 * HOUR, "every run goes on", lambda outside: outside.simulation.move())


def _erase(script: Script) -> None:
    """Of somebody with a device, an order and a run under way; and then they come back."""
    script.say(10, "Looked", user="", device="u0-d0")
    script.customer()
    script.say(60, "Order Completed", device="u0-d0", properties=ORDER)
    script.do(600, "u0 is erased", lambda outside: outside.erase("u0"))
    script.say(900, "Order Completed", properties=ORDER)


def _stop(script: Script) -> None:
    """STOP comes from a number, and then somebody who consented before says that it is theirs."""
    script.say(10, kind="identify", traits={"email": address("u0")})
    properties = {"channel": "sms", "purposes": ["tips"]}
    script.say(12, "Consent Given", properties=properties)
    script.do(30, "u0 texts STOP", lambda outside: outside.text(phone("u0"), "STOP"))
    script.say(60, kind="identify", traits={"phone": phone("u0")})
    script.say(70, "Order Completed", properties=ORDER)


SCENARIOS: dict[str, Callable[[Script], None]] = {
    "entry": _entry,
    "send": _send,
    "send, wait and event": _event,
    "exit": _exit,
    "withdraw": _withdraw,
    "merge": _merge,
    "undo a merge": _undo,
    "again after a merge": _again,
    "twice before a merge": _twins,
    "finished before a merge": _finished_twin,
    "start journey": _start_journey,
    "go on": _go_on,
    "go on in a loop": _go_on_in_a_loop,
    "erase": _erase,
    "STOP of a stranger": _stop,
}


def operations_of(name: str) -> list[Operation]:
    """A scenario's operations in their order."""
    script = Script()
    SCENARIOS[name](script)
    return sorted(script.operations, key=lambda operation: operation.at)


def play(
    operations: list[Operation],
    prepare: Callable[[Simulation], None] = lambda simulation: None,
    store: Store | None = None,
) -> Trial:
    """Run operations with no faults but those that `prepare` plants."""
    return run("scenario", allowed=NO_FAULTS, operations=operations, prepare=prepare, store=store)


# --- crash points


@dataclass(frozen=True)
class Point:
    """A place to crash: before or after the n-th call of all that are not the clocks'."""

    number: int
    kind: str


class Crashes:
    """Crashes at some points; counts the calls, and notes which have an effect."""

    def __init__(self, *points: Point) -> None:
        self.calls: list[str] = []
        self._points = {point.number: point.kind for point in points}

    def __call__(self, working: Invocation, number: int, what: str) -> str | None:
        if working.function in CLOCKS:
            return ""
        self.calls.append(f"{working.name} #{number} {what}")
        return self._points.get(len(self.calls), "")

    def plant(self, simulation: Simulation) -> None:
        simulation.lambdas.script = self


def calls_of(operations: list[Operation]) -> list[str]:
    """The calls of an undisturbed run."""
    crashes = Crashes()
    trial = play(operations, crashes.plant)
    assert not trial.problems, trial.problems
    return crashes.calls


def has_effect(call: str) -> bool:
    """Whether a call changes something: two reads in a row leave the same world behind."""
    return call.rpartition("#")[2].split(" ")[2] not in READS


def points(calls: list[str]) -> Iterator[Point]:
    """Before and after every call."""
    for number in range(1, len(calls) + 1):
        yield Point(number, "crash before")
        yield Point(number, "crash after")


def different_points(calls: list[str]) -> Iterator[Point]:
    """Those that leave different worlds behind: a Lambda that dies between two effects of its
    leaves the same one wherever that is. So before every effect, and after a Lambda's last."""
    last = {call.partition(" #")[0]: n for n, call in enumerate(calls, 1) if has_effect(call)}
    for number, call in enumerate(calls, 1):
        if has_effect(call):
            yield Point(number, "crash before")
        if last.get(call.partition(" #")[0]) == number:
            yield Point(number, "crash after")


def crash_at(operations: list[Operation], *chosen: Point) -> Trial:
    """Run with crashes at these points."""
    return play(operations, Crashes(*chosen).plant)
