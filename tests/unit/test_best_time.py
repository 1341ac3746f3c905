"""The best time: the hour in which the person is there, of those that are left."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.messages.best_time import TRIES, belief, best_time
from functions.messages.hours import Times
from functions.segments.hours import hours
from functions.segments.phrases import BadPhrase, within
from functions.tracking.choice import LEARNED, TRIED, TimeChoice
from tests.support.time_zones import ZONES

NOW = datetime(2027, 3, 1, 9, 20, tzinfo=UTC)
BERLIN, DAY = ZoneInfo("Europe/Berlin"), timedelta(days=1)
NIGHT = Times(quiet=hours("21:00 to 8:00"))


def at(hour: int, number: int) -> list[datetime]:
    """So many times at that hour in Berlin."""
    start = datetime(2027, 2, 27, hour, 30, tzinfo=BERLIN)
    return [start - DAY * index for index in range(number)]


def chosen(
    times: list[datetime], everyones: list[int], occasion: str, now: datetime = NOW
) -> TimeChoice:
    def allows(moment: datetime) -> bool:
        return NIGHT.allow(moment, BERLIN)

    return best_time(now, now + DAY, BERLIN, times, everyones, allows, occasion)


def spread(times: list[datetime], everyones: list[int]) -> list[int]:
    """In which hours of the day in Berlin 400 messages go."""
    found = [chosen(times, everyones, str(number)).at for number in range(400)]
    return [moment.astimezone(BERLIN).hour for moment in found]


def test_it_is_the_hour_in_which_the_person_is_there_most_but_for_one_in_ten() -> None:
    found = spread(at(18, 9) + at(11, 2), [])
    assert found.count(18) == pytest.approx(400 * (1 - TRIES), rel=0.07)
    assert len(set(found)) > 5
    assert set(found) <= set(range(8, 21))


def test_of_whom_nothing_is_known_it_is_the_hour_of_all_people() -> None:
    everyones = [0] * 24
    everyones[19], everyones[12] = 5000, 3000
    assert spread([], everyones).count(19) > 340
    assert spread(at(9, 30), everyones).count(9) > 340


def test_it_says_which_hour_was_tried_and_how_often_the_person_was_there() -> None:
    choices = [chosen(at(18, 9) + at(11, 2), [], str(number)) for number in range(100)]
    assert {one.why for one in choices} == {LEARNED, TRIED}
    assert next(one for one in choices if one.why == LEARNED).there == (9, 11)


def test_those_of_one_hour_are_spread_over_it_and_the_present_hour_is_now() -> None:
    moments = [chosen(at(18, 9), [], str(number)).at for number in range(200)]
    minutes = {moment.minute for moment in moments if moment.astimezone(BERLIN).hour == 18}
    assert len(minutes) > 40
    evening = datetime(2027, 3, 1, 17, 20, tzinfo=UTC)
    assert [chosen(at(18, 9), [], "x", evening).at] == [evening]


@given(
    st.sampled_from(ZONES),
    st.integers(0, 730 * 86_400).map(lambda seconds: NOW - timedelta(seconds=seconds)),
    st.timedeltas(timedelta(0), timedelta(days=7)),
    st.lists(st.integers(0, 8000).map(lambda hour: timedelta(hours=hour)), max_size=20),
    st.text(max_size=3),
)
def test_it_is_never_before_now_nor_too_late_nor_forbidden_and_the_same_at_a_retry(
    name: str, now: datetime, length: timedelta, ago: list[timedelta], occasion: str
) -> None:
    zone, times = ZoneInfo(name), [now - one for one in ago]

    def allows(moment: datetime) -> bool:
        return NIGHT.allow(moment, zone)

    choice = best_time(now, now + length, zone, times, [], allows, occasion)
    assert now <= choice.at <= now + length
    assert allows(choice.at) or choice.at == now
    assert best_time(now, now + length, zone, times[::-1], [], allows, occasion) == choice


@given(st.lists(st.integers(0, 10_000), min_size=24, max_size=24))
def test_what_is_believed_of_the_hours_adds_up_and_leaves_none_out(everyones: list[int]) -> None:
    found = belief(at(3, 5), everyones, BERLIN, NOW)
    assert sum(found) == pytest.approx(1)
    assert min(found) > 0


def test_within_is_two_hours_to_a_week() -> None:
    assert within("within 24 hours") == within("within 1 day") == DAY
    for wrong in ("24 hours", "within 1 hours", "within 8 days", "within 30 minutes", 3):
        with pytest.raises(BadPhrase, match="within 24 hours"):
            within(wrong)
