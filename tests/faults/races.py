"""Two handlers at the same time: every place where one may stop for the other, enumerated."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.faults.lambdas import Invocation
from tests.faults.operations import Operation, address, phone
from tests.faults.scenarios import ORDER, SAME, Script, play
from tests.faults.simulation import DAY, Simulation
from tests.faults.trial import Trial

TO_THE_END = 10_000  # calls


@dataclass(frozen=True)
class Race:
    """Two invocations, told by words in their names, that are to meet."""

    tell: Callable[[Script], None]
    one: tuple[str, ...]
    other: tuple[str, ...]

    def operations(self) -> list[Operation]:
        """What has to happen so that they meet."""
        script = Script()
        self.tell(script)
        return sorted(script.operations, key=lambda operation: operation.at)


@dataclass
class Meeting:
    """One order of their calls: the first makes `until` calls, the second `meanwhile`, the first
    goes on to its end, then the second."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    until: int
    meanwhile: int
    found: dict[tuple[str, ...], Invocation] = field(default_factory=dict)

    def plant(self, simulation: Simulation) -> None:
        simulation.lambdas.gate = self.holds_back

    def holds_back(self, working: Invocation, what: str) -> bool:
        """Whether this invocation must wait before its next call."""
        for words in (self.first, self.second):
            if words not in self.found and all(word in working.name for word in words):
                self.found[words] = working
        if working is self.found.get(self.first):
            stops = working.calls > self.until
            return stops and not self._has_made(self.second, self.meanwhile)
        if working is self.found.get(self.second):
            if not self._has_made(self.first, self.until):
                return True
            return working.calls > self.meanwhile and not self._is_over(self.first)
        return False

    def _has_made(self, words: tuple[str, ...], calls: int) -> bool:
        found = self.found.get(words)
        if found is None:
            return calls == 0
        return found.state != "running" or found.calls > calls

    def _is_over(self, words: tuple[str, ...]) -> bool:
        found = self.found.get(words)
        return found is not None and found.state != "running"

    @property
    def took_place(self) -> bool:
        """Whether both were there, and nobody waited until it was killed."""
        return len(self.found) == 2 and not any(
            one.state == "timed out" for one in self.found.values()
        )


def _registering(script: Script) -> None:
    """The parcel arrives while the receipt is sent and the wait for it registered."""
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    script.say(70, "Parcel Received", properties=SAME, happened=69)


def _timing_out(script: Script) -> None:
    """The parcel arrives when the wait for it is over and the other arm begins."""
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    script.say(3 * DAY + 60.3, "Parcel Received", properties=SAME)


def _answering_twice(script: Script) -> None:
    """Two events that release the same wait."""
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    script.say(600, "Parcel Received", properties=SAME)
    script.say(604, "Parcel Received", properties=SAME)


def _unsubscribing(script: Script) -> None:
    """One click while a text is on its way."""
    script.customer()
    script.say(60, "Signed Up")
    script.say(60, "Order Completed", properties=ORDER)
    leave = lambda outside: outside.leave("u0", phone("u0"))  # noqa: E731
    script.do(4 * DAY + 63, "u0 unsubscribes", leave)


def _unsubscribing_by_event(script: Script) -> None:
    script.customer()
    script.say(60, "Signed Up")
    script.say(64, "Unsubscribed", properties={"channel": "email"}, happened=61)


def _leaving(script: Script) -> None:
    """A refund while the receipt is sent."""
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    script.say(64, "Order Refunded", properties=SAME, happened=63)


def _overtaking(script: Script) -> None:
    """A refund that is processed together with the order."""
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    script.say(64, "Order Refunded", properties=SAME, happened=60)


def _merging(script: Script) -> None:
    """A device is identified while an event of it lets somebody in."""
    script.customer()
    script.say(60, "Visited", user="", device="u0-d0")
    script.say(64, kind="identify", device="u0-d0")


def _merging_and_sending(script: Script) -> None:
    """A device is identified while a run that began on it sends."""
    script.say(60, "Order Completed", user="", device="u0-d0", properties=ORDER)
    script.customer()
    script.say(64, kind="identify", device="u0-d0")


def _merging_and_leaving(script: Script) -> None:
    """A device is identified while another event of its user ends a run."""
    script.customer()
    script.say(30, kind="page", user="", device="u0-d0")
    script.say(60, "Order Completed", properties=ORDER)
    script.say(600, "Order Refunded", properties=SAME)
    script.say(604, kind="identify", device="u0-d0")


def _changing_address(script: Script) -> None:
    """A new number while a text to the old one is on its way."""
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    traits = {"email": address("u0"), "phone": phone("u0")}
    script.say(64, kind="identify", traits={**traits, "plan": "basic"})


def _delivered_again(script: Script) -> None:
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    again = lambda outside: outside.simulation.events.send(  # noqa: E731
        outside.simulation.last_body, "again"
    )
    script.do(64, "the queue brings it again", again)


def _erasing(script: Script) -> None:
    """Somebody is erased while an event of theirs lets them in."""
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    script.do(62.5, "u0 is erased", lambda outside: outside.erase("u0"))


def _erasing_and_merging(script: Script) -> None:
    """Somebody is erased while a device becomes theirs."""
    script.say(10, "Visited", user="", device="u0-d0")
    script.customer()
    script.say(60, kind="identify", device="u0-d0")
    script.do(62.5, "u0 is erased", lambda outside: outside.erase("u0"))


RACES = {
    "event against registering its wait": Race(
        _registering, ("run_step", "send receipt 1]"), ("process_event", "m5")
    ),
    "event against time-out": Race(
        _timing_out, ("run_step", "send sorry"), ("process_event", "m5")
    ),
    "two consumers of one token": Race(
        _answering_twice, ("process_event", "m5"), ("process_event", "[m6]")
    ),
    "one click against a send": Race(_unsubscribing, ("run_step", "send rate"), ("take_leave",)),
    "unsubscribing against a send": Race(
        _unsubscribing_by_event, ("run_step", "send hello 1]"), ("process_event", "m5")
    ),
    "exit against a send": Race(_leaving, ("run_step", "send receipt 1]"), ("process_event", "m5")),
    "exit against its entry": Race(_overtaking, ("process_event", "m4"), ("process_event", "[m5]")),
    "merge against an entry": Race(_merging, ("process_event", "m4"), ("process_event", "[m5]")),
    "merge against a send": Race(
        _merging_and_sending, ("run_step", "send receipt 1]"), ("process_event", "m5")
    ),
    "merge against an exit": Race(
        _merging_and_leaving, ("process_event", "m6"), ("process_event", "[m7]")
    ),
    "a new trait against a send": Race(
        _changing_address, ("run_step", "send receipt 1]"), ("process_event", "m5")
    ),
    "erasing against an entry": Race(
        _erasing, ("process_event", "[m4]"), ("process_event", "[order]")
    ),
    "erasing against a merge": Race(
        _erasing_and_merging, ("process_event", "[m5]"), ("process_event", "[order]")
    ),
    "redelivery against first delivery": Race(
        _delivered_again, ("process_event", "m4"), ("process_event", "[again]")
    ),
}


def lengths(race: Race) -> tuple[int, int]:
    """How many calls each makes when the one is over before the other begins."""
    meeting = Meeting(race.one, race.other, TO_THE_END, 0)
    trial = play(race.operations(), meeting.plant)
    assert not trial.problems, trial.problems
    assert len(meeting.found) == 2, meeting.found
    return meeting.found[race.one].calls, meeting.found[race.other].calls


def meetings(
    race: Race, both_stop: bool, length: tuple[int, int] | None = None
) -> Iterator[tuple[Meeting, Trial]]:
    """All orders in which one stops once and, with `both_stop`, the other does so too; played."""
    here, there = length or lengths(race)
    for first, second, calls in ((race.one, race.other, here), (race.other, race.one, there)):
        for until in range(calls + 1):
            yield from _meanwhile(race, first, second, until, both_stop)


def _meanwhile(
    race: Race, first: tuple[str, ...], second: tuple[str, ...], until: int, both_stop: bool
) -> Iterator[tuple[Meeting, Trial]]:
    for meanwhile in range(1, TO_THE_END) if both_stop else (TO_THE_END,):
        meeting = Meeting(first, second, until, meanwhile)
        trial = play(race.operations(), meeting.plant)
        if meeting.took_place:
            yield meeting, trial
        if not meeting.took_place or meeting.found[second].calls < meanwhile:
            return
