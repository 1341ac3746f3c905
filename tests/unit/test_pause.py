"""A provider that asks us to wait is asked again by one, not by all."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.channels.channel import Outgoing, Temporary
from functions.tracking.pause import LONGEST, Pause, extend, turn
from tests.support.world import World

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_the_first_pause_is_as_long_as_the_provider_asked() -> None:
    pause = Pause(channel="email")
    assert extend(pause, NOON, 60)
    assert pause.until == NOON + timedelta(seconds=60)


def test_during_a_pause_another_refusal_changes_nothing() -> None:
    pause = Pause(channel="email")
    extend(pause, NOON, 60)
    assert not extend(pause, NOON + timedelta(seconds=59), 60)
    assert pause.until == NOON + timedelta(seconds=60)


@given(st.lists(st.floats(0, 1.9), min_size=1, max_size=30))
def test_pauses_that_do_not_help_become_twice_as_long_up_to_an_hour(after: list[float]) -> None:
    pause, now, lengths = Pause(channel="email"), NOON, []
    for part in after:
        assert extend(pause, now, 60)
        lengths.append(pause.seconds)
        assert pause.until
        now = pause.until + timedelta(seconds=part * pause.seconds)
    assert lengths == [min(LONGEST, 60.0 * 2**n) for n in range(len(after))]


def test_a_refusal_long_after_the_last_pause_begins_anew() -> None:
    pause = Pause(channel="email")
    extend(pause, NOON, 60)
    assert extend(pause, NOON + timedelta(seconds=60 + 121), 60)
    assert pause.seconds == 60


@given(st.floats(0, 1), st.floats(0, 59))
def test_everybody_s_turn_comes_after_the_pause_and_within_as_long_again(
    spread: float, passed: float
) -> None:
    pause = Pause(channel="email")
    extend(pause, NOON, 60)
    at = turn(pause, NOON + timedelta(seconds=passed), spread)
    assert at
    assert NOON + timedelta(seconds=60) <= at <= NOON + timedelta(seconds=120)
    assert turn(pause, NOON + timedelta(seconds=60), spread) is None
    assert turn(None, NOON, spread) is None


class Provider:
    """Takes nothing for an hour, then everything."""

    def __init__(self, world: World) -> None:
        self.world, self.until = world, world.now + timedelta(hours=1)
        self.asked, self.took = 0, 0

    def send(self, message: Outgoing) -> str:
        self.asked += 1
        if self.world.system.now() < self.until:
            raise Temporary("SES: 454", 60)
        self.took += 1
        return message.send_id


@pytest.mark.parametrize("people", [40])
def test_an_hour_of_refusals_costs_a_few_calls_however_many_wait_and_all_get_their_mail(
    tmp_path: Path, people: int
) -> None:
    world = World(tmp_path)
    for number in range(people):
        world.customer(f"u{number}")
    provider = Provider(world)
    channels = world.system.parts.channels
    channels["email"] = provider  # type: ignore[index]
    for number in range(people):
        world.order(f"u{number}", f"o{number}", "basic-1y")
    world.advance("1 day")
    assert provider.took == people, "each has the welcome"
    assert [world.sent(f"u{n}") for n in range(people)] == [["welcome"]] * people
    assert provider.asked < 1.5 * people
