"""What a person buys without being asked: when, for how much and what, drawn from their own past
with the population's as prior."""

from collections.abc import Iterator
from datetime import datetime
from math import inf
from random import Random
from typing import Any

from functions.forecast.known import Known
from functions.forecast.population import DAY, Population, history
from functions.forecast.rates import drawn_of, own_pace
from functions.segments.buying import History

MOST = 24.0  # orders a day: no rate is believed beyond


def placed(
    person: Known, population: Population, days: float, factor: float, chance: Random
) -> Iterator[float]:
    """When they order in the next so many days, in days from now, in order.

    Further orders as BG/NBD tells the story (see `segments.buying`): at their own rate, until after
    one of them they leave. `factor` is what the period does to everybody's rate.
    """
    known, at = history(person, population.made), 0.0
    if known is None:
        known, at = (0, 0.0, 0.0), _first(person, population, factor, chance)
        if at >= days:
            return
        yield at
    rate, leaves = _own(known, population, chance)
    if population.wander > 0:
        factor *= chance.gammavariate(1 / population.wander, population.wander)
    while (at := at + _until_next(rate * factor, chance)) < days:
        yield at
        if chance.random() < leaves:
            return


def _first(person: Known, population: Population, factor: float, chance: Random) -> float:
    """In how many days they order for the first time."""
    if population.first is None:
        return inf
    known = (population.made - person.since) / DAY if person.since else 0.0
    return _until_next(own_pace(population.first, 0, max(known, 0.0), chance) * factor, chance)


def _own(known: History, population: Population, chance: Random) -> tuple[float, float]:
    """The rate of their further orders a day, and with what probability they leave after one."""
    again, _, whole = known
    model = population.buying
    if model is None:
        pace = population.again
        return (own_pace(pace, again, whole, chance) if pace else 0.0), 0.0
    if chance.random() >= model.alive(known):
        return 0.0, 1.0
    rate = chance.gammavariate(model.r + again, 1 / (model.alpha + whole))
    return rate, chance.betavariate(model.a, model.b + again)


def _until_next(rate: float, chance: Random) -> float:
    """Days, by a rate a day."""
    return chance.expovariate(min(rate, MOST)) if rate > 0 else inf


def amounts(person: Known, population: Population, chance: Random) -> Iterator[float]:
    """What one order after the other comes to, in their currency (see `segments.spending`: around
    a mean of their own); from everybody's orders where no model is known, 0 where none is."""
    currency = person.currency or population.currency
    model, everyones = population.spending.get(currency), population.amounts.get(currency)
    if model:
        number, average = person.spent.get(currency, (0, 0.0))
        shape, scale = model.q + model.p * number, model.gamma + number * average
        own = chance.gammavariate(shape, 1 / scale)
        while True:
            yield round(chance.gammavariate(model.p, 1 / own), 2)
    while True:
        yield round(drawn_of(everyones, chance), 2) if everyones else 0.0


def orders(
    person: Known, population: Population, begin: datetime, days: float, factor: float, seed: str
) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """The orders of a person from a moment on: when, and the properties of Order Completed."""
    chance = Random(f"{seed}/{person.person}/orders")
    worth = amounts(person, population, Random(f"{seed}/{person.person}/amounts"))
    for number, at in enumerate(placed(person, population, days, factor, chance)):
        time = _at_their_hour(begin, begin + at * DAY, population, chance)
        said = _said(person, population, next(worth), chance)
        yield time, {"order_id": f"forecast-{person.person}-{number}", **said}


def basket(person: Known, population: Population, chance: Random) -> dict[str, Any]:
    """The properties of one order, but its id."""
    return _said(person, population, next(amounts(person, population, chance)), chance)


def _said(person: Known, population: Population, worth: float, chance: Random) -> dict[str, Any]:
    said: dict[str, Any] = {
        "revenue": worth,
        "currency": person.currency or population.currency,
    }
    baskets = person.baskets or population.baskets
    if baskets:
        said["products"] = [{"product_id": sku} for sku in chance.choice(baskets)]
    return said


def _at_their_hour(
    begin: datetime, time: datetime, population: Population, chance: Random
) -> datetime:
    """The same day at an hour at which people order: the models know days only."""
    if not population.hours:
        return time
    [hour] = chance.choices(range(len(population.hours)), population.hours)
    moved = time.replace(hour=hour, minute=int(chance.random() * 60))
    return moved if begin <= moved else time
