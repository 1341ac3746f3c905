"""Reports on sales: time in stage and bottlenecks, the worth of the pipeline, time to owner."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

import msgspec

from functions.sales.records import UNKNOWN_STAGE, Deal, Lead, LeadStatus
from functions.sales.rules import CLOSED, WON, Stage

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class StageReport(msgspec.Struct, kw_only=True):
    """A stage: the deals in it now and their value by currency; how many days deals stay (those
    that are there now counted until now), in the middle and at the most; its limit in days, how
    many are over it now, and its share of all waiting. `is_bottleneck` and why."""

    stage: str
    deals: int
    value: dict[str, Decimal]
    stays: int
    median_days: float | None
    longest_days: float | None
    limit_days: float | None
    over_limit: int
    share_of_waiting: float
    is_bottleneck: bool
    because: str


class DealReport(msgspec.Struct, kw_only=True):
    """The stages in their order, and how deals ended."""

    stages: list[StageReport]
    won: int
    lost: int
    won_value: dict[str, Decimal]


class OwnerReport(msgspec.Struct, kw_only=True):
    """The leads of an owner: how many, and the hours from hand-over to acceptance."""

    owner: str
    leads: int
    median_hours: float | None


class LeadReport(msgspec.Struct, kw_only=True):
    """Leads by status, how often they were handed on, the hours from hand-over to acceptance (time
    to owner), and the longest that one waits now."""

    leads: int
    by_status: dict[LeadStatus, int]
    forwarded: int
    median_hours: float | None
    longest_hours: float | None
    waiting_hours: float | None
    owners: list[OwnerReport]


def deal_report(deals: Iterable[Deal], pipeline: Mapping[str, Stage], now: datetime) -> DealReport:
    """How long deals stay in each stage, and where they get stuck.

    A bottleneck is a stage in which half of the stays are longer than its limit; and the one
    that has the largest share of all waiting, if that is more than half.
    """
    found = list(deals)
    times: dict[str, list[timedelta]] = {name: [] for name in pipeline}
    for deal in found:
        for stage, length in lengths(deal, now):
            if stage not in (*CLOSED, UNKNOWN_STAGE):
                times.setdefault(stage, []).append(length)
    whole = sum((length for spent in times.values() for length in spent), timedelta())
    return DealReport(
        stages=[
            _stage(name, pipeline.get(name), spent, whole, found, now)
            for name, spent in times.items()
        ],
        won=sum(deal.stage == WON for deal in found),
        lost=sum(deal.stage in CLOSED and deal.stage != WON for deal in found),
        won_value=_value(deal for deal in found if deal.stage == WON),
    )


def lengths(deal: Deal, now: datetime) -> list[tuple[str, timedelta]]:
    """Each stay of the deal and how long it was, the present one until now."""
    ends = [*(stay.since for stay in deal.stays[1:]), now]
    return [(stay.stage, end - stay.since) for stay, end in zip(deal.stays, ends, strict=True)]


def _stage(
    name: str,
    stage: Stage | None,
    spent: list[timedelta],
    whole: timedelta,
    deals: list[Deal],
    now: datetime,
) -> StageReport:
    limit = stage.limit if stage else None
    here = [deal for deal in deals if deal.stage == name]
    middle = _middle(spent)
    share = sum(spent, timedelta()) / whole if whole else 0.0
    because = ""
    if limit and middle and middle > limit:
        because = f"half of the stays are longer than {stage.at_most if stage else ''}"
    elif share > 0.5:
        because = f"{share:.0%} of all waiting is here"
    return StageReport(
        stage=name,
        deals=len(here),
        value=_value(here),
        stays=len(spent),
        median_days=_in(DAY, middle),
        longest_days=_in(DAY, max(spent, default=None)),
        limit_days=_in(DAY, limit),
        over_limit=sum(now - deal.stays[-1].since > limit for deal in here) if limit else 0,
        share_of_waiting=round(share, 3),
        is_bottleneck=bool(because),
        because=because,
    )


def _middle(spent: list[timedelta]) -> timedelta | None:
    seconds = [one.total_seconds() for one in spent]
    return timedelta(seconds=median(seconds)) if seconds else None


def _in(unit: timedelta, length: timedelta | None) -> float | None:
    return None if length is None else round(length / unit, 1)


def _value(deals: Iterable[Deal]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for deal in deals:
        found[deal.currency] = found.get(deal.currency, Decimal(0)) + deal.value
    return found


def lead_report(leads: Iterable[Lead], now: datetime) -> LeadReport:
    """Time to owner: from the hand-over until sales takes a lead on."""
    found = list(leads)
    by_status: dict[LeadStatus, int] = {}
    by_owner: dict[str, list[Lead]] = {}
    for lead in found:
        by_status[lead.status] = by_status.get(lead.status, 0) + 1
        by_owner.setdefault(lead.owner, []).append(lead)
    waiting = [now - lead.handed for lead in found if lead.status == "open"]
    taken = _taken(found)
    return LeadReport(
        leads=len(found),
        by_status=by_status,
        forwarded=sum(lead.forwarded for lead in found),
        median_hours=_in(HOUR, _middle(taken)),
        longest_hours=_in(HOUR, max(taken, default=None)),
        waiting_hours=_in(HOUR, max(waiting, default=None)),
        owners=[_owner(name, theirs) for name, theirs in sorted(by_owner.items())],
    )


def _owner(name: str, leads: list[Lead]) -> OwnerReport:
    middle = _in(HOUR, _middle(_taken(leads)))
    return OwnerReport(owner=name, leads=len(leads), median_hours=middle)


def _taken(leads: list[Lead]) -> list[timedelta]:
    return [lead.accepted - lead.handed for lead in leads if lead.accepted]
