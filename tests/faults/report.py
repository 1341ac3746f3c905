"""What is told of many trials: a table, and the shortest trace of each that failed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter

from rich.console import Console
from rich.table import Table

from functions.storage import people
from functions.tracking.message import GIVEN_UP, Message
from tests.faults.loop import START
from tests.faults.simulation import SETTINGS
from tests.faults.trial import Trial, run

LOST = ("no_event_is_lost",)
DOUBLE = ("no_event_counts_twice", "every_order_counts_once", "nothing_is_sent_twice")
STUCK = (
    "nothing_is_left_in_queues",
    "runs_and_executions_agree",
    "every_event_has_its_row",
    "everything_ends",
    "every_message_is_settled",
    "every_erasure_is_carried_out",
)


@dataclass
class Summary:
    """The figures of one trial, or the sums of many."""

    seeds: int = 0
    calls: int = 0
    invocations: int = 0
    events: int = 0
    messages: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    forbade: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, list[str]]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: "Summary") -> None:
        """Take the figures of another."""
        for name in ("seeds", "calls", "invocations", "events", "messages", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("faults", "unknown", "forbade", "broken"):
            getattr(self, name).update(getattr(other, name))
        self.failed += other.failed


def summary(seed: int) -> Summary:
    """Run a seed and count."""
    began = perf_counter()
    trial = run(seed)
    seen = trial.simulation.seen
    return Summary(
        1,
        trial.simulation.lambdas.calls,
        trial.simulation.lambdas.invocations,
        len(seen.accepted),
        len(trial.simulation.provider.accepted),
        Counter(fault.partition(" @ ")[0] for fault in trial.faults),
        Counter(reconciled(trial)),
        forbidden(trial),
        Counter(problem.partition(":")[0] for problem in trial.problems),
        [(seed, trial.problems)] if trial.problems else [],
        perf_counter() - began,
    )


def forbidden(trial: Trial) -> Counter[str]:
    """How many times it was acknowledged that nothing may go: people erased or leaving (by link,
    one click, STOP or an event), addresses that a receipt rules out."""
    seen = trial.simulation.seen
    said = [
        one.id
        for operation in trial.operations
        for one in operation.said
        if one.event == "Unsubscribed"
    ]
    verdicts = {one.verdict for one in trial.simulation.provider.accepted}
    left = [*said, *(name for name, _, _ in seen.stopped)]
    return Counter(
        {
            "erased": len(seen.erased),
            "left": len(seen.withdrawn) + sum(name in seen.done for name in left),
            "suppressed": len(verdicts & seen.done.keys()),
        }
    )


def reconciled(trial: Trial) -> Iterable[str]:
    """How each message that was unknown for a time was settled."""
    seen, store = trial.simulation.seen, trial.simulation.bare
    took = {one.message.send_id for one in trial.simulation.provider.accepted}
    finder = people.People(store, SETTINGS.identity_key)
    users = {said.user for one in trial.operations for said in one.said if said.user}
    for user in sorted(users):
        profile = finder.by("user_id", user)
        for key in profile.keys if profile else ():
            for row in store.query(Message, key):
                if row.send_id in seen.unknown:
                    yield _settled(row, row.send_id in took)


def _settled(row: Message, went: bool) -> str:
    if row.state == "sent":
        return "settled as sent by a receipt"
    if row.reason == GIVEN_UP:
        return "presumed not sent, and " + ("had gone" if went else "had not gone")
    return f"left as {row.state}"


def table(found: Summary, elapsed: float) -> Table:
    """All that was counted."""
    made = Table(title=f"{found.seeds} schedules", show_header=False, title_justify="left")
    made.add_column(style="bold")
    made.add_column()
    for name, value in _rows(found, elapsed):
        made.add_row(name, value)
    return made


def _rows(found: Summary, elapsed: float) -> Iterable[tuple[str, str]]:
    yield "events accepted", f"{found.events:,}"
    yield "messages taken by providers", f"{found.messages:,}"
    yield "calls of Lambdas", f"{found.invocations:,}"
    yield "calls they made", f"{found.calls:,}"
    kinds = ", ".join(f"{kind} {times:,}" for kind, times in found.faults.most_common())
    yield f"faults injected: {found.faults.total():,}", kinds
    yield "lost", str(_sum(found, LOST))
    yield "double", str(_sum(found, DOUBLE))
    yield "stuck", str(_sum(found, STUCK))
    others = found.broken.keys() - {*LOST, *DOUBLE, *STUCK}
    yield "otherwise wrong", str(_sum(found, others))
    ways = ", ".join(f"{way} {times:,}" for way, times in sorted(found.unknown.items()))
    yield f"unknown for a time: {found.unknown.total():,}", ways or "-"
    forbade = (f"{found.forbade[way]:,}" for way in ("erased", "left", "suppressed"))
    yield "acknowledged", "erased {}, left {}, suppressed {}".format(*forbade)
    pace = found.seeds / elapsed if elapsed else 0
    yield "time", f"{elapsed:.0f} s, {pace:.1f} schedules/s"


def _sum(found: Summary, rules: Iterable[str]) -> int:
    return sum(found.broken[rule] for rule in rules)


def show_trace(console: Console, trial: Trial, everything: bool) -> None:
    """The trace; without `everything` only what changes something or went wrong."""
    for time, who, what in trial.simulation.trace:
        if everything or _matters(who, what):
            moment = START + timedelta(microseconds=time)
            text = f"{moment:%d. %H:%M:%S}.{moment.microsecond // 1000:03} {who} {what}"
            console.print(text.rstrip(), style="red" if _is_fault(who, what) else "", markup=False)


def _is_fault(who: str, what: str) -> bool:
    return " #" in who and bool(what)


def _matters(who: str, what: str) -> bool:
    if " #" not in who:
        return what not in ("called", "done")
    reading = any(word in who for word in (" get ", " query ", " listing ", " list ", " describe "))
    return bool(what) or not reading
