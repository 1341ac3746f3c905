"""A forecast's report in the terminal: its sentences, the map, messages, what was held back."""

from collections.abc import Iterable, Iterator

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from functions.forecast.report import (
    Counts,
    JourneyReport,
    MessageReport,
    Number,
    Report,
    StepReport,
)
from functions.forecast.words import (
    CHANNELS,
    amount,
    at,
    between,
    in_channel,
    money,
    money_between,
    share,
    time,
)

BAR = 10  # characters
_EIGHTHS = " ▏▎▍▌▋▊▉"


def show(report: Report, console: Console, whole: bool = False) -> None:
    """Print the report; `whole` with its tables by day."""
    for part in _parts(report, whole):
        console.print(part)


def bar(part: float, most: float, width: int = BAR) -> str:
    """A bar in eighths of a character; what is more than nothing is seen."""
    if not part or not most:
        return ""
    eighths = max(1, round(8 * width * part / most))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _parts(report: Report, whole: bool) -> Iterator[RenderableType]:
    for sentence in report.says:
        yield _point("•", sentence)
    for journey in report.journeys:
        if journey.asked and journey.runs.high:
            yield from _head(f"The map of {journey.title}")
            yield _map(journey)
            yield _outcomes(journey)
    for part in (_messages, _held_back, _tasks, _busiest, _cost, *((_by_day,) if whole else ())):
        yield from part(report)
    yield from _warnings(report)
    yield Text("")
    yield Text(report.rule, style="dim")


def _head(title: str) -> Iterator[Text]:
    yield Text("")
    yield Text(title, style="bold")


def _point(mark: str, sentence: str, style: str = "") -> Table:
    """A sentence whose later lines stand below its first."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(mark, style=style), Text(sentence))
    return grid


def _table(columns: Iterable[tuple[str, bool]], rows: Iterable[Iterable[str]]) -> Table:
    """A table; of each column its head, and whether it has numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for head, is_number in columns:
        table.add_column(head, justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _map(journey: JourneyReport) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    table.add_column("step", ratio=1)
    table.add_column("came", justify="right", no_wrap=True)
    table.add_column("", width=BAR, no_wrap=True)
    for head in ("left", "there"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("half within", justify="right", no_wrap=True)
    most = max([journey.runs.likely, *(step.came.likely for step in journey.steps)])
    for step in journey.steps:
        if step.when:
            table.add_row(Padding(Text(f"{step.when}:", "italic"), (0, 0, 0, 2 * step.depth)))
        table.add_row(*_step(step, most))
    return table


def _step(step: StepReport, most: float) -> Iterator[RenderableType]:
    yield Padding(Text(step.says), (0, 0, 0, 2 * step.depth))
    yield Text(amount(step.came.likely), "" if step.came.likely else "dim")
    yield Text(bar(step.came.likely, most), "cyan")
    yield Text(_some(sum(step.left.values())), "yellow")
    yield Text(_some(step.there))
    yield Text("" if step.median in (None, 0) else time(step.median), "dim")


def _some(count: Number) -> str:
    return amount(count) if count else ""


def _outcomes(journey: JourneyReport) -> Table:
    told = [
        f"{outcome or 'under way at the end'} {between(found)}"
        for outcome, found in sorted(journey.outcomes.items(), key=lambda one: -one[1].likely)
        if found.high
    ]
    if journey.kept_out:
        told += [f"not let in: {reason} {amount(n)}" for reason, n in journey.kept_out.items()]
    return _point("→", "; ".join(told))


def _messages(report: Report) -> Iterator[RenderableType]:
    columns = ("sent", "not sent", "opened", "clicked", "orders", "revenue")
    heads = [("message", False), *((one, True) for one in columns)]
    for journey in report.journeys:
        if journey.messages:
            yield from _head(f"Messages of {journey.journey}")
            yield _table(heads, (_message(one) for one in journey.messages))


def _message(one: MessageReport) -> tuple[str, ...]:
    sent = one.sent.likely
    missing = one.wanted.likely - sent
    rates = (share(found.likely, sent) if sent else "" for found in (one.opened, one.clicked))
    name = f"{one.message} ({CHANNELS.get(one.channel, (one.channel,))[0]})"
    earned = "\n".join(f"{money(found.likely)} {name}" for name, found in one.revenue.items())
    return name, amount(sent), _some(missing), *rates, _some(one.orders.likely), earned


def _held_back(report: Report) -> Iterator[RenderableType]:
    if report.held_back:
        yield from _head("What was held back")
        yield _table(
            [("messages", True), ("", False), ("why", False)],
            ((between(one.messages), one.what, one.reason) for one in report.held_back),
        )


def _tasks(report: Report) -> Iterator[RenderableType]:
    owners = _owners(report)
    if owners:
        yield from _head("Sales tasks")
        yield _table([("owner", False), ("tasks", True), ("most in a day", True)], owners)


def _warnings(report: Report) -> Iterator[RenderableType]:
    if report.warnings:
        yield from _head("Look at this before you publish")
        for one in report.warnings:
            yield _point("!", one.says, "yellow")


def _owners(report: Report) -> list[tuple[str, ...]]:
    totals: dict[str, list[int]] = {}
    days: dict[str, Counts] = {}
    for journey in report.journeys:
        for day, owners in journey.tasks.items():
            for owner, count in owners.items():
                totals.setdefault(owner, []).append(count)
                own = days.setdefault(owner, {})
                own[day] = own.get(day, 0) + count
    return [
        (owner, amount(sum(counts)), amount(max(days[owner].values())))
        for owner, counts in sorted(totals.items())
    ]


def _busiest(report: Report) -> Iterator[RenderableType]:
    if not report.busiest:
        return
    yield from _head("Most messages to one person in seven days")
    most = max(report.busiest.values())
    yield _table(
        [("messages", True), ("people", True), ("", False)],
        ((str(n), amount(people), bar(people, most)) for n, people in report.busiest.items()),
    )
    for peak in report.peaks:
        plural = CHANNELS.get(peak.channel, ("", peak.channel))[1]
        yield _point(
            "•",
            f"{plural}: at most {amount(peak.in_day)} a day ({peak.day}) and "
            f"{amount(peak.in_hour)} an hour ({at(peak.hour, report.zone)})",
        )


def _cost(report: Report) -> Iterator[RenderableType]:
    cost = report.cost
    if cost is None:
        return
    rows = [
        (one.part, f"{amount(one.amount)} {one.unit}", money_between(one.dollars))
        for one in cost.lines
    ]
    rows.append(("all", "", money_between(cost.dollars)))
    if cost.plain:
        rows.append(("the plain design", "", money_between(cost.plain)))
    yield from _head(f"Cost (list prices of {cost.region}, {cost.dated})")
    yield _table([("part", False), ("", True), ("dollars", True)], rows)


def _by_day(report: Report) -> Iterator[RenderableType]:
    for journey in report.journeys:
        if journey.entered:
            yield from _head(f"Entering {journey.journey} by day")
            yield _days({"": journey.entered})
        for message in journey.messages:
            states = dict.fromkeys(state for found in message.days.values() for state in found)
            found = {s: {d: n.get(s, 0) for d, n in message.days.items()} for s in states}
            yield from _head(f"{journey.journey}: {message.message} ({message.channel}) by day")
            yield _days(found)
        if journey.tasks:
            yield from _head(f"Tasks of {journey.journey} by day")
            owners = dict.fromkeys(owner for found in journey.tasks.values() for owner in found)
            yield _days({o: {d: n.get(o, 0) for d, n in journey.tasks.items()} for o in owners})
    for channel, days in report.days.items():
        yield from _head(f"{in_channel(channel, report.sent[channel])} by day")
        yield _days({"": days})


def _days(series: dict[str, Counts]) -> Table:
    """One column of numbers for each series; a bar where there is just one."""
    days = sorted({day for counts in series.values() for day in counts})
    most = max((n for counts in series.values() for n in counts.values()), default=0)
    bars = [("", False)] if len(series) == 1 else []

    def row(day: str) -> Iterator[str]:
        yield day
        for counts in series.values():
            yield _some(counts.get(day, 0))
        for counts in series.values() if bars else ():
            yield bar(counts.get(day, 0), most, 4 * BAR)

    heads = [("day", False), *((name, True) for name in series), *bars]
    return _table(heads, map(row, days))
