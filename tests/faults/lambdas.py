"""Lambdas: each call of a handler is a strand that may fail, hang or die at any of its calls."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from functions.storage.store import Unavailable
from tests.faults.chance import Chance
from tests.faults.loop import Loop, Strand, us

MOST_INVOCATIONS = 100_000  # a trial has some two hundred, an overload some thousands
MOST_SKEW = 2.0  # seconds
LONGEST_CALL = 0.03  # seconds, of a service in good health
OUTAGE = 300  # seconds
HELD_BACK = us(0.05)
NOTHING: Mapping[str, Callable[[], Any]] = {}


class NoAnswer(Exception):
    """A service did not do what it was asked, or does not say so."""


class Killed(BaseException):
    """This Lambda is gone: nobody catches this."""


class Invocation(Strand):
    """One call of one handler. `done` is told "done", "failed", "crashed" or "timed out"."""

    def __init__(
        self,
        loop: Loop,
        name: str,
        work: Callable[[], Any],
        limit: float,
        skew: timedelta,
        done: Callable[["Invocation"], None],
    ) -> None:
        super().__init__(loop, self._work)
        self.name, self.skew = name, skew
        self.function = name.partition(" ")[0]
        self.at_end: list[Callable[[Invocation], None]] = []
        self.deadline = loop.time + us(limit)
        self.calls = 0
        self.state = "running"
        self.result: Any = None
        self._do, self._done = work, done
        self._places: dict[str, int] = {}

    def _work(self) -> None:
        try:
            self.result = self._do()
            self.state = "done"
        except Killed:
            self.state = self.state if self.state != "running" else "crashed"
        except Exception as error:
            self.result, self.state = error, "failed"
        self._done(self)

    def place(self, what: str) -> str:
        """A name for the call that it makes now, which other calls before it do not change."""
        times = self._places[what] = self._places.get(what, 0) + 1
        return f"{self.name} {what}" + (f" ({times})" if times > 1 else "")

    def rest(self, length: int) -> None:
        """Wait for an answer; a Lambda whose time is up is killed while it waits."""
        left = self.deadline - self.loop.time
        if length >= left:
            self.loop.pause(max(0, left))
            self.state = "timed out"
            raise Killed
        self.loop.pause(length)

    def die(self) -> None:
        self.state = "crashed"
        raise Killed


class Storm(BaseException):
    """What comes again becomes more and more, and would never end."""


class Lambdas:
    """Calls handlers, and disturbs whatever they call."""

    def __init__(self, loop: Loop, chance: Chance, trace: list[tuple[int, str, str]]) -> None:
        self.loop, self.chance, self.trace = loop, chance, trace
        self.calls = 0
        self.invocations = 0
        # Tests may decide by themselves what strikes a call: (invocation, number, call) -> kind.
        self.script: Callable[[Invocation, int, str], str | None] | None = None
        # Tests may hold an invocation back before a call, as long as this says so.
        self.gate: Callable[[Invocation, str], bool] | None = None
        self._names: dict[str, int] = {}
        self._outages: dict[tuple[str, int], bool] = {}

    def now(self) -> datetime:
        """The clock of the Lambda that is at work, or the true time."""
        working = self.loop.current
        skew = working.skew if isinstance(working, Invocation) else timedelta()
        return self.loop.now + skew

    def note(self, who: str, what: str) -> None:
        """A line of the trace."""
        self.trace.append((self.loop.time, who, what))

    def call(
        self,
        name: str,
        work: Callable[[], Any],
        done: Callable[[Invocation], None],
        limit: float = 60.0,
    ) -> Invocation:
        """Begin a call of a handler at the loop's next turn; names are made unique."""
        self.invocations += 1
        if self.invocations > MOST_INVOCATIONS:
            raise Storm(f"{self.invocations} calls of Lambdas: work makes more work")
        number = self._names[name] = self._names.get(name, 0) + 1
        name = f"{name} ({number})"
        made = Invocation(self.loop, name, work, limit, self._skew(name), self._ending(done))
        self.note(name, "called")
        self.loop.at(self.loop.time, made.resume)
        return made

    def _skew(self, name: str) -> timedelta:
        if not self.chance.fault(name, ["skew"]):
            return timedelta()
        part = self.chance.number(f"{name} skew") * 2 - 1
        return timedelta(milliseconds=int(part * MOST_SKEW * 1000))

    def _ending(self, done: Callable[[Invocation], None]) -> Callable[[Invocation], None]:
        def ended(invocation: Invocation) -> None:
            shown = f": {invocation.result!r}"[:120] if invocation.state == "failed" else ""
            self.note(invocation.name, invocation.state + shown)
            for act in invocation.at_end:
                act(invocation)
            # Told from the loop, not from within the Lambda that has just ended.
            self.loop.at(self.loop.time, lambda: done(invocation))

        return ended

    def disturb(
        self,
        service: str,
        what: str,
        act: Callable[[], Any],
        kinds: Iterable[str],
        instead: Mapping[str, Callable[[], Any]] = NOTHING,
    ) -> Any:
        """One call of a service by the Lambda at work. `instead` says what to do where a fault is
        more than an error or a crash around the effect."""
        working = self.loop.current
        if not isinstance(working, Invocation):
            return act()
        if working.state != "running":
            raise Killed
        self.calls += 1
        working.calls += 1
        what = f"{service} {what}"
        where = working.place(what)
        while self.gate is not None and self.gate(working, what):
            working.rest(HELD_BACK)
        kind = self._kind(working, where, service, what, kinds)
        working.rest(self._pause(where, kind))
        self.trace.append((self.loop.time, f"{working.name} #{working.calls} {what}", kind))
        if not kind:
            return act()
        return self._strike(working, service, kind, act, instead.get(kind))

    def _strike(
        self,
        working: Invocation,
        service: str,
        kind: str,
        act: Callable[[], Any],
        instead: Callable[[], Any] | None,
    ) -> Any:
        if instead:
            return instead()
        if kind == "crash before":
            working.die()
        if kind in ("error", "outage"):
            raise self._refusal(working, service, kind)
        found = act()
        if kind == "crash after":
            working.die()
        if kind == "lost answer":
            raise self._refusal(working, service, kind)
        return found

    def _refusal(self, working: Invocation, service: str, kind: str) -> Exception:
        """Store and workflow say mostly that they are too busy; the others never do."""
        odd = self.chance.number(f"{working.name} #{working.calls} odd") < 0.3
        busy = service in ("store", "states") and (kind == "outage" or not odd)
        return (Unavailable if busy else NoAnswer)(f"{service}: {kind}")

    def _kind(
        self, working: Invocation, where: str, service: str, what: str, kinds: Iterable[str]
    ) -> str:
        if self.script is not None:
            found = self.script(working, working.calls, what)
            if found is not None:
                return found
        if self._is_out(service):
            return "outage"
        return self.chance.fault(where, kinds)

    def _is_out(self, service: str) -> bool:
        """Whether a service is down for the minutes that now belong to."""
        if self.chance.off or "outage" not in self.chance.rates:
            return False
        window = self.loop.time // us(OUTAGE)
        known = self._outages.get((service, window))
        if known is None:
            known = bool(self.chance.fault(f"{service} in window {window}", ["outage"]))
            self._outages[service, window] = known
        return known

    def _pause(self, where: str, kind: str) -> int:
        part = self.chance.number(f"{where} pause")
        if kind == "delay":
            return us(0.03 + part * part * 8)
        if kind == "hang":
            return us(20 + part * 60)
        return us(0.001 + part * LONGEST_CALL)
