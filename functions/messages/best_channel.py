"""The best channel: by which of several a person is written to, learned from how they respond."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from functions.segments.census_records import Rate
from functions.segments.responding import MEAN, STRENGTH
from functions.tracking.choice import ASKED_FOR, LEARNED, ONLY, TRIED, ChannelChoice
from functions.tracking.response import Response

ORDER = ("email", "sms")  # of those that are worth the same
HALF_LIFE = timedelta(days=90)  # after which a response tells half as much
UNKNOWN = Rate(MEAN, STRENGTH)


@dataclass(frozen=True)
class Market:
    """What all people have in common: how they respond by channel, what an answer is worth, and
    what a message costs by channel, both in the brand's currency."""

    rates: Mapping[str, Rate] = field(default_factory=dict)
    worth: float = 1.0
    costs: Mapping[str, float] = field(default_factory=dict)


def best_channel(
    allowed: Sequence[str],
    own: object,
    responses: Callable[[], Iterable[Response]],
    market: Market,
    occasion: str,
    now: datetime,
) -> ChannelChoice:
    """Of the channels that the person may get it by (one at least): their `own` choice; else the
    one with the greatest worth of an answer times its rate, less its cost.

    A channel's rate is drawn from what is believed of it: a Beta distribution, of all people's
    rates as the prior and of the person's own `responses`, which fade. So a channel of which
    little is known is tried now and then, and the less the more is known: W. R. Thompson, On the
    Likelihood that One Unknown Probability Exceeds Another, 1933. The draw hangs on the
    `occasion` alone, so that a retry draws the same.

    `responses()` cost a read: they are asked for only where there is a choice.
    """
    if len(allowed) == 1:
        return ChannelChoice(allowed[0], ONLY)
    if own in allowed:
        return ChannelChoice(str(own), ASKED_FOR)
    known = [one for one in responses() if one.channel in allowed]
    chance = Random(occasion)
    drawn, expected = {}, {}
    for channel in sorted(allowed, key=ORDER.index):  # the order of drawing is always the same
        good, bad = belief(channel, known, market.rates.get(channel, UNKNOWN), now)
        cost = market.costs.get(channel, 0.0)
        drawn[channel] = market.worth * chance.betavariate(good, bad) - cost
        expected[channel] = market.worth * good / (good + bad) - cost
    chosen = max(drawn, key=drawn.__getitem__)
    why = LEARNED if expected[chosen] == max(expected.values()) else TRIED
    return ChannelChoice(chosen, why, _counts(drawn, known))


def belief(
    channel: str, responses: Iterable[Response], prior: Rate, now: datetime
) -> tuple[float, float]:
    """The two parameters of the Beta distribution of the person's rate on a channel: both count
    messages, those that brought an answer and those that did not."""
    good = prior.mean * prior.strength
    bad = prior.strength - good
    for one in responses:
        if one.channel == channel:
            weight = 0.5 ** ((now - one.sent) / HALF_LIFE)
            good += weight * one.worth
            bad += weight * (1 - one.worth)
    return good, bad


def _counts(channels: Iterable[str], known: Sequence[Response]) -> dict[str, tuple[int, int]]:
    """By channel, how many messages the person answered, of how many."""
    found = {}
    for channel in channels:
        own = [one for one in known if one.channel == channel]
        found[channel] = (sum(one.is_answer for one in own), len(own))
    return found
