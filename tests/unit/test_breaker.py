"""The breaker: counted from receipts, it stops what too few receive, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.messages import breaker_rules
from functions.tracking import breaker
from functions.tracking.breaker import Bounds, Bucket
from functions.tracking.event import Event
from functions.tracking.message import RECEIPTS
from functions.tracking.pause import Counts, Pause

NOON = datetime(2027, 3, 1, 12, 30, tzinfo=UTC)
CAMPAIGN, DOMAIN = "tips/guide", "mail.example"


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def bucket(hours: float, shard: int = 0, **counts: Counts) -> Bucket:
    found = {name.replace("_", "/"): one for name, one in counts.items()}
    return Bucket(hour=breaker.hour_of(at(hours)), shard=shard, counts=found)


def receipt(name: str, source: str = RECEIPTS, **said: Any) -> Event:
    properties = {"journey": "tips", "message": "guide", "email_domain": DOMAIN, **said}
    return Event(
        type="track",
        event=name,
        message_id="m",
        time=NOON,
        received_at=NOON,
        properties=properties,
        source=source,
    )


def test_sent_bounced_for_good_and_complained_count_for_the_campaign_and_the_domain() -> None:
    events = [
        *[receipt("Email Sent")] * 3,
        receipt("Email Bounced", bounce_type="Permanent"),
        receipt("Email Bounced", bounce_type="Transient"),
        receipt("Email Marked as Spam"),
        receipt("Email Delivered"),
        receipt("Email Marked as Spam", source="website"),
    ]
    assert breaker.tally(events) == {CAMPAIGN: Counts(3, 1, 1), DOMAIN: Counts(3, 1, 1)}


@given(st.builds(Counts, *[st.integers(0, 10_000)] * 3), st.integers(1, 1000))
def test_it_stops_above_the_bounds_and_never_for_few_mails(counts: Counts, least: int) -> None:
    bounds = Bounds(0.05, 0.001, least)
    too_many = counts.bounced > 0.05 * counts.sent
    spam = counts.complained >= 3 and counts.complained > 0.001 * counts.sent
    assert bool(breaker.over(counts, bounds)) == (counts.sent >= least and (too_many or spam))


def test_it_says_why_with_the_numbers() -> None:
    why = "11 of 200 mails bounced for good (5.5%; the bound is 5.0%)"
    assert breaker.over(Counts(200, 11, 0), Bounds()) == why
    assert breaker.over(Counts(200, 10, 0), Bounds()) == ""
    spam = "3 of 1000 mails were marked as spam (0.3%; the bound is 0.1%)"
    assert breaker.over(Counts(1000, 0, 3), Bounds()) == spam


def test_a_campaign_stops_until_a_person_resumes_it_and_is_then_judged_anew() -> None:
    pause = Pause(channel="email")
    found = [bucket(-3, tips_guide=Counts(100, 9)), bucket(0, 1, tips_guide=Counts(100, 9))]
    assert breaker.lately(CAMPAIGN, found, pause) == Counts(200, 18)
    assert breaker.stop(pause, CAMPAIGN, "why", found, NOON)
    assert not breaker.stop(pause, CAMPAIGN, "another", found, at(1))
    for hours in (0, 24, 24 * 300):
        held = breaker.stopped_by(pause, "tips", "guide", "ada@shop.example", at(hours))
        assert held
        assert held[0] == CAMPAIGN
    assert breaker.stopped_by(pause, "tips", "other", "ada@shop.example", NOON) is None
    assert breaker.resume(pause, CAMPAIGN, found, NOON)
    assert not breaker.resume(pause, CAMPAIGN, found, NOON)
    assert breaker.stopped_by(pause, "tips", "guide", "ada@shop.example", NOON) is None
    assert breaker.lately(CAMPAIGN, found, pause) == Counts()
    found[1].counts[CAMPAIGN] = Counts(130, 10)
    assert breaker.lately(CAMPAIGN, found, pause) == Counts(30, 1)


def test_a_domain_waits_for_hours_and_twice_as_long_when_that_did_not_help() -> None:
    pause, moment = Pause(channel="email"), NOON
    waited = []
    for _ in range(7):
        assert breaker.stop(pause, DOMAIN, "why", [], moment)
        stop = pause.stops[DOMAIN]
        assert stop.until
        assert breaker.stopped_by(pause, "x", "y", f"ada@{DOMAIN}", moment)
        assert breaker.stopped_by(pause, "x", "y", "ada@other.example", moment) is None
        assert breaker.stopped_by(pause, "x", "y", f"ada@{DOMAIN}", stop.until) is None
        waited.append(stop.hours)
        moment = stop.until + timedelta(minutes=1)
    assert waited == [1, 2, 4, 8, 16, 24, 24]
    assert breaker.stop(pause, DOMAIN, "why", [], moment + timedelta(days=2))
    assert pause.stops[DOMAIN].hours == 1


def test_a_bucket_has_room_for_so_many_names_and_goes_after_days() -> None:
    one = bucket(0)
    breaker.add(one, {f"d{number}.example": Counts(1) for number in range(500)}, NOON)
    assert len(one.counts) == breaker.MOST_NAMES
    assert one.expires == int(at(72).timestamp())


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (None, Bounds()),
        ("off", None),
        ({}, Bounds()),
        ({"bounces": "3 %"}, Bounds(bounces=0.03)),
        (
            {"bounces": "10%", "complaints": "0.3 %", "at least": 1000},
            Bounds(0.1, 0.003, 1000),
        ),
    ],
)
def test_the_bounds_are_read_from_limits_yaml(said: Any, meant: Bounds | None) -> None:
    assert list(breaker_rules.mistakes(said)) == []
    found = breaker_rules.build(said)
    assert (found is None) == (meant is None)
    if found and meant:
        assert found.bounces == pytest.approx(meant.bounces)
        assert found.complaints == pytest.approx(meant.complaints)
        assert found.at_least == meant.at_least


@pytest.mark.parametrize(
    ("said", "place", "words"),
    [
        ("on", (), "the breaker is written like"),
        ({"bounces": 5}, ("bounces",), 'above 0, like "5 %"'),
        ({"bounces": "0 %"}, ("bounces",), "above 0"),
        ({"bounce": "5 %"}, ("bounce",), 'did you mean "bounces"'),
        ({"at least": 0}, ("at least",), "a number of mails"),
        ([], (), "the breaker is written like"),
    ],
)
def test_a_mistake_in_limits_yaml_is_told_at_its_place(
    said: Any, place: tuple[str, ...], words: str
) -> None:
    [(where, text)] = breaker_rules.mistakes(said)
    assert where == place
    assert words in text
