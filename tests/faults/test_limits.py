"""Limits under faults: whoever stops for the other, and whatever is lost, no limit is exceeded."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf

import pytest

from functions.messages import room
from functions.messages.limits import DROP, Cap, Limits
from functions.messages.room import Wanted
from functions.storage.library import Library
from functions.tracking.permission import Permission
from tests.faults.oracle import TIPS
from tests.faults.races import TO_THE_END, Meeting, Race
from tests.faults.scenarios import ORDER, Script, play
from tests.faults.simulation import DAY
from tests.faults.trial import Trial, run

SEEDS = range(2000, 2008)


def _both_send(script: Script) -> None:
    """A text and a mail that need consent, of two journeys, at the same time."""
    script.customer()
    script.say(60, "Order Completed", properties=ORDER)
    script.say(4 * DAY + 63, "Signed Up")


CALLS = range(14, 21)  # around the claim of each
RACE = Race(_both_send, ("run_step", "send rate"), ("run_step", "send hello 1]"))


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> timedelta:
    """One message in two days."""
    found = Limits(caps=(Cap(1, timedelta(days=2), "2 days"),), when_full=DROP)
    monkeypatch.setattr(Library, "limits", lambda library: found)
    return found.caps[0].within


def claimed(trial: Trial) -> dict[str, list[float]]:
    """The seconds in which messages that need consent were let go, by person."""
    found = defaultdict(list)
    claims = trial.simulation.seen.claims
    for one in trial.simulation.provider.accepted:
        if one.message.tags["message"] in TIPS:
            times = [at for _, at in claims[one.message.send_id]]
            found[one.message.person].append(max(times) / 1_000_000)
    return found


def met() -> Iterator[tuple[Meeting, Trial]]:
    """Each stops for the other shortly before its claim and after it; played."""
    for first, second in ((RACE.one, RACE.other), (RACE.other, RACE.one)):
        for until in CALLS:
            meeting = Meeting(first, second, until, TO_THE_END)
            trial = play(RACE.operations(), meeting.plant)
            if meeting.took_place:
                yield meeting, trial


def nearest(trial: Trial) -> float:
    """The shortest time between two of them to the same person, in seconds."""
    found = [
        after - before
        for times in claimed(trial).values()
        for before, after in pairwise(sorted(times))
    ]
    return min(found, default=inf)


def test_of_two_that_meet_at_the_last_place_one_goes(limit: timedelta) -> None:
    count = 0
    for meeting, trial in met():
        count += 1
        assert claimed(trial)
        assert nearest(trial) >= limit.total_seconds(), meeting
    assert count > len(CALLS)


def test_the_race_finds_a_limit_that_is_not_asked_within_the_claim(
    limit: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count_only(permission: Permission, wanted: Wanted, limits: Limits, now: datetime) -> None:
        times = permission.sent.get(wanted.key, [])
        permission.sent = {**permission.sent, wanted.key: [*times, room.second_of(now)]}

    monkeypatch.setattr(room, "take", count_only)
    assert any(nearest(trial) < limit.total_seconds() for _, trial in met())


@pytest.mark.parametrize("seed", SEEDS)
def test_no_limit_is_exceeded_whatever_is_lost_or_comes_twice(seed: int, limit: timedelta) -> None:
    assert nearest(run(seed)) >= limit.total_seconds()
