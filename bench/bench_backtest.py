"""How well a forecast of the second half-year would have been, made of the first: real households.

Answers to campaigns and purchases are drawn by the model of `tante forecast`, and compared with
what came; the floor is "the same as in the last period". Errors are ratios to the floor's: below 1
is better. The interval is of 80 % of the draws, so it should hold eight of ten times.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil, floor
from statistics import fmean, median
from time import perf_counter

from bench.backtest_data import SPLIT, Halves, Received, halves
from functions.channels.channel import Outgoing
from functions.forecast.answers import CLICK, Drawn
from functions.forecast.population import DAY, Sample, takes
from local.households import FIRST_DAY, LAST_MOMENT

DAYS = (LAST_MOMENT - SPLIT) / DAY
Figures = Mapping[Hashable, float]


@dataclass
class Draws:
    """What was drawn, a counter for each draw, by campaign, month and household; and the mean of
    the probabilities that were given to each received campaign."""

    campaigns: list[Figures] = field(default_factory=list)
    orders: list[Figures] = field(default_factory=list)
    revenue: list[Figures] = field(default_factory=list)
    households: list[Figures] = field(default_factory=list)
    chances: dict[tuple[int, int], float] = field(default_factory=lambda: defaultdict(float))


def main() -> None:
    """Print how far off the forecast and the floor would have been."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--draws", type=int, default=20)
    asked.add_argument("--seed", default="1")
    said = asked.parse_args()
    found, begun = halves(), perf_counter()
    draws = drawn(found, said.draws, said.seed)
    took = perf_counter() - begun
    _campaigns(found, draws)
    _purchases(found, draws)
    print(f"\n{said.draws} draws of {len(found.known):,} households in {took:.0f} s")


def drawn(found: Halves, number: int, seed: str) -> Draws:
    """The second half-year, so many times."""
    everybody = list(found.known.values())
    people = [one for one in everybody if takes(one.person, len(everybody))]
    sample, draws = Sample(SPLIT, DAYS, people), Draws()
    for draw in range(number):
        answers = Drawn(sample.population(f"{seed}/{draw}"), seed, draw)
        campaigns: Counter[Hashable] = Counter()
        for one in everybody:
            answers.meet(one)
        for row in found.after:
            name = f"campaign/{row.kind}"
            chances = answers.chances(str(row.household), "sms", name, row.start)
            draws.chances[row.household, row.campaign] += chances[1] / number
            clicks = (one for one in answers(_message(row), row.start) if one.event == CLICK["sms"])
            campaigns[row.campaign] += sum(one.time <= LAST_MOMENT for one in clicks)
        draws.campaigns.append(campaigns)
        _bought(found, answers, draws)
    return draws


def _message(row: Received) -> Outgoing:
    send, run = f"{row.household}-{row.campaign}", f"campaign-{row.household}"
    tags = {"send": send, "run": run, "message": row.kind}
    return Outgoing(send_id=send, to="+1", text="", tags=tags, person=str(row.household))


def _bought(found: Halves, answers: Drawn, draws: Draws) -> None:
    orders: Counter[Hashable] = Counter()
    revenue: dict[Hashable, float] = defaultdict(float)
    households: Counter[Hashable] = Counter()
    for household, one in found.known.items():
        for event in answers.happenings(one, SPLIT, LAST_MOMENT):
            orders[event.time.month] += 1
            revenue[event.time.month] += event.properties["revenue"]
            households[household] += 1
    draws.orders.append(orders)
    draws.revenue.append(revenue)
    draws.households.append(households)


# --- what is told


def _campaigns(found: Halves, draws: Draws) -> None:
    got, received = Counter[Hashable](), Counter[Hashable]()
    for row in found.after:
        got[row.campaign] += row.used is not None
        received[row.campaign] += 1
    before = _rates(found.before)
    kinds = {row.campaign: row.kind for row in found.after}
    floors = {one: before[kinds[one]] * received[one] for one in received}  # type: ignore[index]
    print("\nHouseholds that redeemed a coupon of a campaign (July to December 2017)\n")
    names = {one: f"{one} ({kinds[one]})" for one in received}  # type: ignore[index]
    _compare(received, draws.campaigns, got, floors, names)
    _people(found.after, draws, before)


def _rates(rows: Iterable[Received]) -> dict[str, float]:
    """The share of the last period, by the type of the campaign."""
    got, all_ = Counter[str](), Counter[str]()
    for row in rows:
        got[row.kind] += row.used is not None and row.used < SPLIT
        all_[row.kind] += 1
    return {kind: got[kind] / number for kind, number in all_.items()}


def _people(rows: list[Received], draws: Draws, before: Mapping[str, float]) -> None:
    """Whether it is known who answers: by the Brier score, and of those most expected to."""
    did = [row.used is not None for row in rows]
    own = [draws.chances[row.household, row.campaign] for row in rows]
    same = [before[row.kind] for row in rows]
    ratio = _brier(own, did) / _brier(same, did)
    best = sorted(range(len(rows)), key=lambda index: own[index])[-len(rows) // 10 :]
    print(
        f"who answers: Brier score {ratio:.2f} of the floor's; of the tenth most expected to, "
        f"{fmean(did[index] for index in best):.0%} did, of all {fmean(did):.0%}"
    )


def _brier(chances: Sequence[float], did: Sequence[bool]) -> float:
    """G. W. Brier, Verification of Forecasts Expressed in Terms of Probability, 1950."""
    return fmean((chance - done) ** 2 for chance, done in zip(chances, did, strict=True))


def _purchases(found: Halves, draws: Draws) -> None:
    months = range(7, 13)
    orders, revenue = Counter[Hashable](), defaultdict[Hashable, float](float)
    for household in found.known:
        for time, paid in found.orders.get(household, []):
            if time < LAST_MOMENT:
                orders[time.month] += 1
                revenue[time.month] += paid
    before = SPLIT - FIRST_DAY
    length = {month: _length(month) / before for month in months}
    placed = sum(len(one.placed) for one in found.known.values())
    paid = sum(sum(all_) for one in found.known.values() for all_ in one.amounts.values())
    names: dict[Hashable, str] = {month: f"2017-{month:02}" for month in months}
    print("\nOrders by month\n")
    _compare(months, draws.orders, orders, {m: placed * length[m] for m in months}, names)
    print("\nRevenue by month, dollars\n")
    _compare(months, draws.revenue, revenue, {m: paid * length[m] for m in months}, names)
    came: Figures = {house: len(found.orders.get(house, [])) for house in found.known}
    same: Figures = {
        house: len(one.placed) * DAYS * DAY / before for house, one in found.known.items()
    }
    print("\nOrders of each household: " + _summary(came, draws.households, came, same))


def _length(month: int) -> timedelta:
    begin = max(SPLIT, SPLIT.replace(month=month, day=1))
    until = LAST_MOMENT if month == 12 else begin.replace(month=month + 1, day=1)
    return until - begin


def _compare(
    keys: Iterable[Hashable],
    draws: list[Figures],
    came: Figures,
    floors: Figures,
    names: Mapping[Hashable, str],
) -> None:
    every = list(keys)
    print(f"{'':16}{'forecast':>10}{'80 %':>24}{'came':>10}{'floor':>10}")
    for key in every:
        values = [one.get(key, 0) for one in draws]
        _row(names[key], values, came.get(key, 0), floors[key])
    whole = [sum(one.get(key, 0) for key in every) for one in draws]
    _row("all", whole, sum(came.get(k, 0) for k in every), sum(floors[k] for k in every))
    print("\n" + _summary(every, draws, came, floors))


def _row(name: str, drawn: list[float], came: float, same: float) -> None:
    low, high = _interval(drawn)
    mark = "" if low <= came <= high else "  outside"
    between = f"{low:,.0f} to {high:,.0f}"
    print(f"{name:16}{median(drawn):>10,.0f}{between:>24}{came:>10,.0f}{same:>10,.0f}{mark}")


def _interval(drawn: Iterable[float]) -> tuple[float, float]:
    """As a report tells it."""
    found = sorted(drawn)
    last = len(found) - 1
    return found[floor(0.1 * last)], found[ceil(0.9 * last)]


def _summary(keys: Iterable[Hashable], draws: list[Figures], came: Figures, floors: Figures) -> str:
    errors, same, inside = [], [], []
    for key in keys:
        values, truth = [one.get(key, 0) for one in draws], came.get(key, 0)
        low, high = _interval(values)
        errors.append(abs(fmean(values) - truth))
        same.append(abs(floors[key] - truth))
        inside.append(low <= truth <= high)
    ratio = fmean(errors) / fmean(same)
    wins = "better" if ratio < 1 else "worse: the floor wins"
    return (
        f"mean error {fmean(errors):,.2f}, {ratio:.2f} of the floor's {fmean(same):,.2f} ({wins}); "
        f"inside the interval: {sum(inside)} of {len(inside)}, {fmean(inside):.0%}"
    )


if __name__ == "__main__":
    main()
