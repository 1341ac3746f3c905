"""Rates of people and of messages: what all have in common, how much they differ, and draws of it.

Empirical Bayes: the population is the prior of each person. Proportions are Beta-binomial (J. C.
Kleinman, Proportions with Extraneous Variance, 1973, by `segments.responding`), counts in time are
gamma-Poisson (R. J. Marshall, Mapping Disease and Mortality Rates Using Empirical Bayes
Estimators, 1991), and messages differ on the scale of log odds (R. DerSimonian, N. Laird,
Meta-analysis in Clinical Trials, 1986).
"""

from collections.abc import Iterable, Mapping, Sequence
from math import exp, log, sqrt
from random import Random
from typing import NamedTuple

import msgspec

from functions.segments.census_records import Rate
from functions.segments.responding import ChannelSums, rate

_WHOLE = 1_000_000
EVEN = 1e-9  # a variance that is none
LEAST = 1e-6  # from 0 and from 1: so far every probability stays
FEW_SENT = 30  # times that a message went, below which it tells nothing of how messages differ
ASSUMED = 0.4  # how much messages differ, on log odds, as long as too few have gone to tell
WAVES_ASSUMED = 0.2  # and the same message from month to month
ASSUMED_WEIGHS = 3  # messages, months


class Pace(msgspec.Struct, array_like=True):
    """How often people do something: own rates a day lie around shape / days as a gamma
    distribution. `once`: nobody does it a second time."""

    shape: float
    days: float
    once: bool = False


class Differences(msgspec.Struct, array_like=True):
    """How much log odds differ from message to message, and for the same message from month to
    month: standard deviations."""

    messages: float = ASSUMED
    months: float = WAVES_ASSUMED


class Effect(msgspec.Struct, array_like=True):
    """By how much log odds of a message lie above the channel's, and how surely."""

    mean: float = 0.0
    deviation: float = 0.0


def proportion(people: Iterable[tuple[int, int, int]], towards: Rate) -> Rate:
    """The Beta distribution of people's rates, from (weight, tries, successes) of each; of few, it
    lies `towards` what is assumed."""
    sums = ChannelSums()
    for weight, tries, got in people:
        if not tries or not weight:
            continue
        sums.people += weight
        sums.sent += weight * tries
        sums.squares += weight * tries * tries
        sums.brought += weight * got * _WHOLE
        sums.spread += weight * round(got * got / tries * _WHOLE)
    return rate(sums, towards)


def own_proportion(prior: Rate, tries: int, got: int, chance: Random) -> float:
    """One person's rate, drawn from what is believed of it."""
    good, bad = prior.mean * prior.strength + got, (1 - prior.mean) * prior.strength + tries - got
    return chance.betavariate(max(good, LEAST), max(bad, LEAST))


def pace(people: Iterable[tuple[int, int, float]]) -> Pace | None:
    """The gamma distribution of people's rates, from (weight, how often, in how many days) of each;
    None where nobody did it."""
    known = [(weight, got, days) for weight, got, days in people if weight and days > 0]
    number = sum(weight for weight, _, _ in known)
    times = sum(weight * got for weight, got, _ in known)
    whole = sum(weight * days for weight, _, days in known)
    if not times:
        return None
    mean = times / whole
    spread = sum(weight * days * (got / days - mean) ** 2 for weight, got, days in known) / whole
    differ = max(spread - mean * number / whole, EVEN * mean * mean)
    again = sum(weight * max(got - 1, 0) for weight, got, _ in known)
    once = again < times / 20
    return Pace(mean * mean / differ, mean / differ, once)


def own_pace(prior: Pace, got: int, days: float, chance: Random) -> float:
    """One person's rate a day, drawn from what is believed of it."""
    return chance.gammavariate(prior.shape + got, 1 / (prior.days + days))


def effects(
    messages: Mapping[str, Mapping[int, tuple[int, int]]], mean: float
) -> tuple[Differences, dict[str, Effect]]:
    """How much messages differ, and what is believed of each, from how often it went and was
    answered, by the month in which it went."""
    waves = {name: _waves(months, mean) for name, months in messages.items()}
    enough = [[wave for wave in waves[name] if wave.sent >= FEW_SENT] for name in sorted(waves)]
    within = _settled(WAVES_ASSUMED, [one for one in enough if len(one) > 1])
    of_each = {name: _joined(found, within) for name, found in waves.items() if found}
    large = [one for _, one in sorted(of_each.items()) if one.sent >= FEW_SENT]
    between = _settled(ASSUMED, [large] if len(large) > 1 else [])
    believed = {
        name: Effect(
            one.away * between / (between + one.noise),
            sqrt(between * one.noise / (between + one.noise)),
        )
        for name, one in of_each.items()
    }
    return Differences(sqrt(between), sqrt(within)), believed


class _Wave(NamedTuple):
    """By how much log odds lie above the mean, and the variance of that by chance."""

    sent: int
    away: float
    noise: float


def _waves(months: Mapping[int, tuple[int, int]], mean: float) -> list[_Wave]:
    return [
        _Wave(
            sent,
            _log_odds((got + 0.5) / (sent + 1)) - _log_odds(mean),
            1 / (got + 0.5) + 1 / (sent - got + 0.5),
        )
        for _, (sent, got) in sorted(months.items())
        if sent
    ]


def _joined(waves: Sequence[_Wave], within: float) -> _Wave:
    """The waves of one message as one."""
    weights = [1 / (one.noise + within) for one in waves]
    away = sum(w * one.away for w, one in zip(weights, waves, strict=True)) / sum(weights)
    return _Wave(sum(one.sent for one in waves), away, 1 / sum(weights))


def _settled(assumed: float, groups: Sequence[Sequence[_Wave]]) -> float:
    """The variance within groups beyond what chance makes of equal ones (DerSimonian and Laird),
    drawn towards what is assumed."""
    apart = room = freedom = 0.0
    for group in groups:
        weights = [1 / one.noise for one in group]
        whole = sum(weights)
        mean = sum(w * one.away for w, one in zip(weights, group, strict=True)) / whole
        apart += sum(w * (one.away - mean) ** 2 for w, one in zip(weights, group, strict=True))
        room += whole - sum(w * w for w in weights) / whole
        freedom += len(group) - 1
    found = max((apart - freedom) / room, 0.0) if room else 0.0
    return (assumed**2 * ASSUMED_WEIGHS + found * freedom) / (ASSUMED_WEIGHS + freedom)


def moved(probability: float, by: float) -> float:
    """A probability, its log odds moved."""
    return 1 / (1 + exp(-(_log_odds(probability) + by)))


def _log_odds(probability: float) -> float:
    inside = min(max(probability, LEAST), 1 - LEAST)
    return log(inside / (1 - inside))


MOST_QUANTILES = 65


def quantiles(values: Iterable[float]) -> list[float]:
    """A distribution as a few of its quantiles, from the least to the greatest; none of nothing."""
    every = sorted(values)
    if len(every) <= MOST_QUANTILES:
        return every
    step = (len(every) - 1) / (MOST_QUANTILES - 1)
    return [every[round(number * step)] for number in range(MOST_QUANTILES)]


def drawn_of(found: Sequence[float], chance: Random) -> float:
    """A value from a distribution that is told by its quantiles."""
    place = chance.random() * (len(found) - 1)
    low = int(place)
    high = min(low + 1, len(found) - 1)
    return found[low] + (found[high] - found[low]) * (place - low)


def times_drawn(weight_of: Random) -> int:
    """How often somebody stands in a bootstrap sample: Poisson of mean 1, which the binomial of
    B. Efron, Bootstrap Methods (1979), is of many people."""
    left, number = weight_of.random() - exp(-1), 0
    term = exp(-1)
    while left >= 0 and number < 20:
        number += 1
        term /= number
        left -= term
    return number
