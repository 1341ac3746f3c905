"""What a forecast journey costs: from the tallies of its draws to the report's figures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from functions.forecast.cost import Usage, bill, of_journey, plain, together
from functions.forecast.draws import Draws, ends
from functions.forecast.prices import Prices
from functions.forecast.report import Cost, CostLine, Number, Range
from functions.forecast.tally import JourneyTally, Tally

NOTHING = JourneyTally()


def usage(found: JourneyTally) -> Usage:
    """What a journey used. Where the log did not tell to which country texts went, the price of
    others holds for them."""
    sent = {"email": 0, "sms": 0, "webhook": 0}
    for key, message in found.messages.items():
        sent[key.rpartition("/")[2]] += message.sent
    return of_journey(
        runs=found.runs,
        transitions=found.transitions,
        steps=found.calls,
        waits=found.waits,
        mails=sent["email"],
        texts=found.texts or {"": sent["sms"]},
        sent=sum(sent.values()),
    )


def costing(
    tallies: Sequence[Tally],
    journeys: Iterable[str],
    scale: float,
    prices: Prices,
    texts: Mapping[str, Decimal] | None = None,
) -> Cost:
    """What these journeys (one at least) cost, by the prices of a region; `texts` as in `bill`. Of
    the people of a sample there are `scale` times as many."""
    names = list(journeys)
    ours = [bill(_all_of(one, names, usage), prices, texts) for one in tallies]
    others = [bill(_all_of(one, names, _plain), prices, texts) for one in tallies]
    middle = tallies.index(Draws(tallies).middle)
    likely = ours[middle].rows

    def line(part: str) -> CostLine:
        # Lambda has two units: the dollars are of both.
        amount, unit = next((row.amount, row.unit) for row in likely if row.part == part)
        dollars = _over([found.of(part) for found in ours], middle, scale)
        return CostLine(part=part, amount=_few(float(amount) * scale), unit=unit, dollars=dollars)

    return Cost(
        region=prices.region,
        dated=prices.dated,
        lines=[line(part) for part in dict.fromkeys(row.part for row in likely)],
        dollars=_over([one.dollars for one in ours], middle, scale),
        per_participant=_over([one.per_participant or Decimal() for one in ours], middle, 1),
        plain=_over([one.dollars for one in others], middle, scale),
    )


def _all_of(one: Tally, names: Sequence[str], used: Callable[[JourneyTally], Usage]) -> Usage:
    return together(used(one.journeys.get(name, NOTHING)) for name in names)


def _plain(found: JourneyTally) -> Usage:
    return plain(usage(found), sum(step.came for step in found.steps.values()))


def _over(dollars: Sequence[Decimal], middle: int, scale: float) -> Range:
    """The range over draws, as `Draws.of` takes it, but to a millionth of a dollar."""
    low, high = ends(dollars)
    likely = min(max(dollars[middle], low), high)
    return Range(*(round(float(one) * scale, 6) for one in (low, likely, high)))


def _few(amount: float) -> Number:
    return round(amount) if amount >= 100 else round(amount, 2)
