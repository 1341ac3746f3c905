"""What journeys cost: counted as they go, priced by the month, and held against their budgets."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from weakref import WeakKeyDictionary

import msgspec

from functions.channels.channel import Channel, Outgoing
from functions.forecast import budget as budgets
from functions.forecast import cost
from functions.forecast.budget import State, state_of
from functions.forecast.cost import Bill
from functions.forecast.prices import Prices, UnknownRegion, prices
from functions.forecast.texts import parts_of
from functions.handlers.discreet import Logger
from functions.handlers.wiring import Parts
from functions.journeys import counted
from functions.journeys.billed import after_each, transitions
from functions.journeys.counted import SHARDS, Counted, Used, counted_key
from functions.journeys.run import Run
from functions.messages.brand import Brand
from functions.messages.country import calling_code, country_of_number
from functions.segments import phrases
from functions.storage.store import Contended, Store, change

logger = Logger(service="costing")
# What an alarm looks for (infra/monitoring.py).
OVER, WILL_BE_OVER = "a budget is exceeded", "a budget will be exceeded by the end of the month"
NOT_CHECKED = "budgets cannot be checked"
TRIES = 2  # shards, where others work on one


class Watched:
    """A channel that notes what it handed over."""

    def __init__(self, channel: Channel, handed: list[Outgoing]) -> None:
        self._channel, self._handed = channel, handed

    def send(self, message: Outgoing) -> str:
        """As the channel does; what raises was not sent, or nobody knows, and is not noted."""
        found = self._channel.send(message)
        self._handed.append(message)
        return found


class Meter(msgspec.Struct):
    """What one call of run_step used."""

    mails: list[Outgoing] = []
    texts: list[Outgoing] = []
    waits: int = 0

    def watch(self, channels: Mapping[str, Channel]) -> dict[str, Channel]:
        """The channels, those that cost something watched."""
        watched = {"email": self.mails, "sms": self.texts}
        return {
            name: Watched(channel, watched[name]) if name in watched else channel
            for name, channel in channels.items()
        }

    def used(self, step: str) -> Used:
        """All of it."""
        texts: dict[str, int] = {}
        for one in self.texts:
            country = country_of_number(one.to)
            texts[country] = texts.get(country, 0) + parts_of(one.text)
        messages = len(self.mails) + len(self.texts)
        return Used(
            step=step, waits=self.waits, mails=len(self.mails), texts=texts, messages=messages
        )


# By store, journey and month, for how many the next one stands: what the last write here showed.
_weights: WeakKeyDictionary[Store, dict[tuple[str, str], int]] = WeakKeyDictionary()


def count_step(parts: Parts, run: Run, step: str, entered: str, meter: Meter) -> None:
    """Count a call of run_step and what it used; of a forecast only the texts, for all else it
    knows by itself."""
    if parts.explains or meter.texts:
        count(parts, run.journey, meter.used(step), run.run_id, step, entered)


def count_end(parts: Parts, journey: str, execution: str) -> None:
    """Count that a run has ended with this execution."""
    if parts.explains:
        count(parts, journey, Used(), execution)


def count(parts: Parts, journey: str, used: Used, *names: str) -> None:
    """Count what a step used, or that a run has ended; `names` tell it from all others.

    A mistake here is no reason to do the step again: it is logged, and the count is too low.
    """
    try:
        _count(parts, journey, used, names)
    except Exception:
        logger.exception("what a step cost was not counted", extra={"journey": journey})


def _count(parts: Parts, journey: str, used: Used, names: tuple[str, ...]) -> None:
    month = counted.month_of(parts.now())
    known = _weights.setdefault(parts.store, {})
    weight = known.get((journey, month), 1)
    chosen = weight if counted.is_chosen(weight, *names) else 0
    if not chosen and not used.texts:
        return

    def add(row: Counted) -> bool:
        counted.add(row, used, chosen)
        return True

    first = counted.shard_of(*names)
    for number in range(TRIES):
        try:
            row = change(parts.store, _reader(parts, journey, month, first + number), add)
        except Contended:
            continue
        known[journey, month] = row.weight
        return
    logger.warning("what a step cost was not counted: others count", extra={"journey": journey})


def _reader(parts: Parts, journey: str, month: str, number: int) -> Callable[[], Counted]:
    def read() -> Counted:
        blank = Counted(journey=journey, month=month, shard=number % SHARDS)
        return parts.store.get(Counted, counted_key(journey), blank.key) or blank

    return read


@dataclass(frozen=True)
class Spent:
    """What a journey cost in a month so far, and what it will have by its end if it goes on so.

    `off` is the share by which the dollars may be off, because counts are samples; `budget` None
    where it has none.
    """

    journey: str
    title: str
    counts: Counted
    bill: Bill
    expected: Decimal
    off: float
    budget: Decimal | None
    state: State

    @property
    def dollars(self) -> Decimal:
        """What it cost so far."""
        return self.bill.dollars


@dataclass(frozen=True)
class Month:
    """All journeys of a month, the dearest first, and what they cost together."""

    month: str
    prices: Prices
    share: Decimal
    journeys: list[Spent]
    dollars: Decimal
    expected: Decimal
    budget: Decimal | None
    state: State


def month(parts: Parts, asked: str, region: str = "") -> Month:
    """What journeys cost in a month ("2027-01"). Raises UnknownRegion; ValueError unless it is a
    month that has begun."""
    share = _share(asked, parts.now())
    table = prices(region or parts.settings.region)
    found = [_spent(parts, name, asked, table, share) for name in parts.library.names()]
    journeys = sorted(
        (one for one in found if one.counts.events or one.bill.rows or one.budget),
        key=lambda one: (-one.bill.dollars, one.journey),
    )
    dollars = sum((one.bill.dollars for one in journeys), Decimal())
    expected = sum((one.expected for one in journeys), Decimal())
    budget = _brand_budget(parts)
    return Month(
        month=asked,
        prices=table,
        share=share,
        journeys=journeys,
        dollars=dollars,
        expected=expected,
        budget=budget,
        state=state_of(budget, dollars, expected),
    )


def check_budgets(parts: Parts) -> list[str]:
    """Daily: log what is over its budget, or will be by the end of the month, so that the alarm
    rings; returns the names, "all" for all journeys together."""
    try:
        found = month(parts, counted.month_of(parts.now()))
    except UnknownRegion as error:
        if _has_budgets(parts):
            logger.error(NOT_CHECKED, extra={"why": str(error)})
        return []
    every: list[tuple[str, Month | Spent]] = [("all", found)]
    every += [(one.journey, one) for one in found.journeys]
    told = []
    for name, one in every:
        if one.budget is None or one.state == "within":
            continue
        sums = {"dollars": one.dollars, "expected": one.expected, "budget": one.budget}
        said = {word: f"{amount:.2f}" for word, amount in sums.items()}
        logger.error(OVER if one.state == "over" else WILL_BE_OVER, extra={"of": name, **said})
        told.append(name)
    return told


def _share(asked: str, now: datetime) -> Decimal:
    """How much of the month is over, 1 when all of it is. Raises ValueError."""
    begin, end = counted.begin_of(asked), counted.end_of(asked)
    if now < begin:
        raise ValueError(f'"{asked}" has not begun')
    past = Decimal((min(now, end) - begin).total_seconds())
    return past / Decimal((end - begin).total_seconds())


def _spent(parts: Parts, journey: str, asked: str, table: Prices, share: Decimal) -> Spent:
    rows = list(parts.store.query(Counted, counted_key(journey), prefix=f"{asked}/"))
    counts = counted.total(rows, journey, asked)
    newest = parts.library.newest(journey)
    after = after_each(newest.journey) if newest else {}
    bill = cost.bill(
        cost.of_journey(
            runs=counts.ended,
            transitions=transitions(counts, after),
            steps=sum(counts.steps.values()),
            waits=counts.waits,
            mails=counts.mails,
            texts=counts.texts,
            sent=counts.messages,
        ),
        table,
        own_prices(parts.library.brand(), counts.texts, table),
    )
    budget = newest.journey.budget if newest else None
    expected = budgets.expected(bill.dollars, share)
    return Spent(
        journey=journey,
        title=newest.journey.title if newest else "",
        counts=counts,
        bill=bill,
        expected=expected,
        off=_off(counts, bill),
        budget=budget,
        state=state_of(budget, bill.dollars, expected),
    )


def _off(counts: Counted, bill: Bill) -> float:
    """The share by which the dollars may be off: text messages are counted exactly."""
    texts = sum((row.dollars for row in bill.rows if row.part.startswith("SMS")), Decimal())
    return counted.spread(counts) * float(1 - texts / bill.dollars) if bill.dollars else 0.0


def own_prices(brand: Brand, countries: Iterable[str], table: Prices) -> dict[str, Decimal]:
    """By country, what a text costs in dollars where brand.yaml says it ("sms costs"), in a
    currency that the table knows."""
    rate = table.currencies.get(brand.currency)
    if rate is None:
        return {}
    codes = {country: calling_code(country) for country in countries if country}
    return {
        country: Decimal(str(brand.sms_cost(code))) * rate.dollars
        for country, code in codes.items()
        if code and brand.says_sms_cost(code)
    }


def _brand_budget(parts: Parts) -> Decimal | None:
    try:
        said = parts.library.brand().budget
    except LookupError:  # nothing is published yet
        return None
    return phrases.budget(said) if said else None


def _has_budgets(parts: Parts) -> bool:
    own = any(one.journey.budget for one in parts.library.journeys())
    return own or _brand_budget(parts) is not None
