"""On simulated people whose preferences are known, learning pays: the comparison of
`make bench-channel`, smaller."""

from collections.abc import Callable
from typing import Any

from bench.bench_channel import (
    Result,
    always,
    any_hour,
    at_ten,
    best_hour,
    by_chance,
    by_channel,
    by_hour,
    knowing,
    learned,
    learned_hour,
)

PEOPLE, MESSAGES, SEEDS = 70, 24, (11, 12)


def net(simulate: Callable[..., Result], way: Any) -> float:
    """Per 100 messages, over all seeds."""
    found = [simulate(way, PEOPLE, MESSAGES, seed) for seed in SEEDS]
    return 100 * sum(one.net for one in found) / len(found)


def test_the_learned_channel_pays_more_than_always_e_mail_and_than_chance() -> None:
    found = net(by_channel, learned)
    assert found > 1.1 * net(by_channel, always("email"))
    assert found > 1.2 * net(by_channel, by_chance)
    assert found < net(by_channel, knowing)


def test_the_learned_hour_brings_more_answers_than_one_hour_for_all_and_than_chance() -> None:
    found = net(by_hour, learned_hour)
    assert found > 2 * net(by_hour, at_ten)
    assert found > 2 * net(by_hour, any_hour)
    assert found < net(by_hour, best_hour)
