"""The best channel and the best hour on simulated people whose preferences are known, as ratios of
what is learned to always writing e-mails (or at one hour), to chance and to the best possible.

Everybody has a rate of answers on each channel and hours at which they are there. They get a
message each few days; learning sees only what the ledger would tell, and all people's figures are
counted anew each thirty days by the census's own code. Every way of choosing meets the same people
and the same luck. Regret is what is lost to somebody who knows everybody's rates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import fmean
from zoneinfo import ZoneInfo

from functions.messages.best_channel import Market, best_channel
from functions.messages.best_time import best_time
from functions.segments.census_records import Responding
from functions.segments.responding import HOURS, ResponseSums
from functions.tracking.response import Response

START = datetime(2027, 1, 1, 9, tzinfo=UTC)
ZONE = ZoneInfo("UTC")
DAY, BETWEEN = timedelta(days=1), timedelta(days=4)
WORTH, SMS_COST = 1.0, 0.08  # of an answer and of a text message, in euros
COSTS = {"email": 0.0, "sms": SMS_COST}
CHANNELS = tuple(COSTS)
EACH = 8  # messages between two censuses
# Of people: mean and strength (as of a Beta distribution) of their rates of answers by channel, so
# that most answer e-mails a little, and some text messages only.
KINDS = ((0.55, {"email": 0.10, "sms": 0.06}), (0.30, {"email": 0.03, "sms": 0.30}))
REST = {"email": 0.01, "sms": 0.01}
STRENGTH = 12.0


@dataclass
class Simulated:
    """A person: the true rates, the chance to be there by hour, and what is known of them."""

    rates: dict[str, float]
    awake: list[float]
    responses: list[Response] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)


@dataclass
class Result:
    """Per message: answers, costs, their worth less the costs, and what of that was lost."""

    answers: float
    cost: float
    net: float
    regret: float


Choose = Callable[[Simulated, Responding, str, datetime], str]
ChooseHour = Callable[[Simulated, Responding, str, datetime], datetime]


def people(number: int, seed: int) -> list[Simulated]:
    """Simulated people, the same for a seed."""
    chance = Random(f"people{seed}")
    return [Simulated(_rates(chance), _awake(chance)) for _ in range(number)]


def _rates(chance: Random) -> dict[str, float]:
    left, kind = chance.random(), REST
    for share, means in KINDS:
        if left < share:
            kind = means
            break
        left -= share
    return {
        channel: chance.betavariate(kind[channel] * STRENGTH, (1 - kind[channel]) * STRENGTH)
        for channel in CHANNELS
    }


def _awake(chance: Random) -> list[float]:
    """Most are there in the evening, some at noon, some early; each at an hour of their own."""
    peak = chance.choice((19, 19, 20, 12, 7)) + chance.choice((-1, 0, 0, 1))
    near = {0: 1.0, 1: 0.5, 2: 0.2}
    return [near.get(min((hour - peak) % 24, (peak - hour) % 24), 0.08) for hour in range(HOURS)]


# --- channels


def always(channel: str) -> Choose:
    """The same for everybody."""
    return lambda person, known, occasion, now: channel


def by_chance(person: Simulated, known: Responding, occasion: str, now: datetime) -> str:
    """A coin."""
    return Random(occasion).choice(CHANNELS)


def last_answered(person: Simulated, known: Responding, occasion: str, now: datetime) -> str:
    """The channel of the last answer, else e-mail: what Tante did before."""
    answers = [one.channel for one in person.responses if one.is_answer]
    return answers[-1] if answers else "email"


def learned(person: Simulated, known: Responding, occasion: str, now: datetime) -> str:
    """What Tante does."""
    market = Market(known.rates, WORTH, {"sms": SMS_COST})
    return best_channel(CHANNELS, None, lambda: person.responses, market, occasion, now).channel


def knowing(person: Simulated, known: Responding, occasion: str, now: datetime) -> str:
    """Somebody who knows everybody's rates."""
    return max(CHANNELS, key=lambda channel: _net(person, channel))


def _net(person: Simulated, channel: str) -> float:
    return WORTH * person.rates[channel] - COSTS[channel]


def by_channel(choose: Choose, number: int, messages: int, seed: int) -> Result:
    """What a way of choosing the channel brings, over so many messages to so many people."""
    everybody, known = people(number, seed), Responding(people=0)
    answers, cost, net, lost = 0, 0.0, 0.0, 0.0
    for index in range(messages):
        now = START + index * BETWEEN
        if index and index % EACH == 0:
            known = _census(everybody, now)
        for place, person in enumerate(everybody):
            occasion = f"{seed} {place} {index}"
            channel = choose(person, known, occasion, now)
            worth = float(Random(f"luck {occasion}").random() < person.rates[channel])
            person.responses.append(Response(channel, now, worth))
            answers, cost = answers + int(worth), cost + COSTS[channel]
            net += WORTH * worth - COSTS[channel]
            lost += _net(person, knowing(person, known, "", now)) - _net(person, channel)
    of = number * messages
    return Result(answers / of, cost / of, net / of, lost / of)


def _census(everybody: Sequence[Simulated], now: datetime) -> Responding:
    sums = ResponseSums()
    for person in everybody:
        sums.take(person.responses, person.times, ZONE)
    return sums.found()


# --- hours


def at_ten(person: Simulated, known: Responding, occasion: str, now: datetime) -> datetime:
    """Everybody at ten."""
    return now + timedelta(hours=1)


def any_hour(person: Simulated, known: Responding, occasion: str, now: datetime) -> datetime:
    """Some time in the next day."""
    return now + timedelta(hours=Random(occasion).randrange(HOURS))


def learned_hour(person: Simulated, known: Responding, occasion: str, now: datetime) -> datetime:
    """What Tante does."""
    times, until = person.times, now + DAY
    return best_time(now, until, ZONE, times, known.hours, lambda moment: True, occasion).at


def best_hour(person: Simulated, known: Responding, occasion: str, now: datetime) -> datetime:
    """Somebody who knows when everybody is there."""
    hours = (now + timedelta(hours=number) for number in range(HOURS))
    return max(hours, key=lambda moment: person.awake[moment.hour])


def by_hour(choose: ChooseHour, number: int, messages: int, seed: int) -> Result:
    """The same for hours: an answer comes as far as the person is there when the message comes. Now
    and then they come to the website by themselves."""
    everybody, known = people(number, seed), Responding(people=0)
    answers, lost = 0, 0.0
    for index in range(messages):
        now = START + index * BETWEEN
        if index and index % EACH == 0:
            known = _census(everybody, now)
        for place, person in enumerate(everybody):
            occasion = f"{seed} {place} {index}"
            at, luck = choose(person, known, occasion, now), Random(f"luck {occasion}")
            rate = sum(person.rates.values())
            if luck.random() < rate * person.awake[at.hour]:
                answers += 1
                person.times.append(at)
            if luck.random() < 0.3:
                hour = luck.choices(range(HOURS), person.awake)[0]
                person.times.append((now + DAY).replace(hour=hour))
            lost += rate * (1 - person.awake[at.hour])
    of = number * messages
    return Result(answers / of, 0.0, answers / of, lost / of)


WAYS: dict[str, Choose] = {
    "always e-mail": always("email"),
    "always SMS": always("sms"),
    "at random": by_chance,
    "last answered": last_answered,
    "learned": learned,
    "knowing all": knowing,
}
HOUR_WAYS: dict[str, ChooseHour] = {
    "at ten": at_ten,
    "at random": any_hour,
    "learned": learned_hour,
    "knowing all": best_hour,
}
PEOPLE, MESSAGES, SEEDS = 500, 24, (1, 2, 3)


def main() -> None:
    """Print both comparisons."""
    print(f"{PEOPLE} people, {MESSAGES} messages each, {len(SEEDS)} seeds; per 100 messages\n")
    print("BEST CHANNEL, an answer is worth 1.00, a text message costs 0.08")
    _show({name: _mean(by_channel, way) for name, way in WAYS.items()}, "always e-mail")
    print("\nBEST TIME within 24 hours")
    _show({name: _mean(by_hour, way) for name, way in HOUR_WAYS.items()}, "at ten")


def _mean(simulate: Callable[..., Result], way: object) -> Result:
    found = [simulate(way, PEOPLE, MESSAGES, seed) for seed in SEEDS]
    return Result(*(fmean(getattr(one, name) for one in found) for name in Result.__annotations__))


def _show(found: dict[str, Result], peer: str) -> None:
    print(f"{'':16}{'answers':>9}{'cost':>8}{'net':>8}{'regret':>9}{'net, to ' + peer:>24}")
    for name, one in found.items():
        figures = (100 * one.answers, 100 * one.cost, 100 * one.net, 100 * one.regret)
        shown = "".join(
            f"{figure:>{width}.2f}" for figure, width in zip(figures, (9, 8, 8, 9), strict=True)
        )
        print(f"{name:16}{shown}{one.net / found[peer].net:>24.2f}")


if __name__ == "__main__":
    main()
