"""When a condition may change by time alone: perhaps too early, never too late."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.segments.condition import Facts, condition
from functions.segments.turning import of_a_run, turning
from functions.tracking.event import Event
from functions.tracking.permission import Permission
from functions.tracking.profile import Company, Profile, Trait

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
TICK = timedelta(microseconds=1)
LENGTHS = ["1 hour", "1 day", "3 days", "1 month"]
some_length = st.sampled_from(LENGTHS)
moments = st.integers(-100, 100).map(lambda hours: NOW + timedelta(hours=hours))
values = moments.map(datetime.isoformat) | st.sampled_from(["pro", "2027-03-02"])
tests = st.one_of(
    st.fixed_dictionaries({"in the last": some_length}),
    st.fixed_dictionaries({"in the next": some_length}),
    st.fixed_dictionaries({"in the next": some_length, "after": st.just("2027-03-02")}),
    st.just("pro"),
    st.just({"known": True}),
)
person = tests.map(lambda test: {"person": {"day": test}})
did = st.builds(
    lambda length, times, where: {
        "did": "Visit",
        **({"in the last": length} if length else {}),
        **({"times": times} if times else {}),
        **({"where": {"day": where}} if where else {}),
    },
    st.none() | some_length,
    st.none() | st.sampled_from([2, {"at most": 1}]),
    st.none() | tests,
)
conditions = st.recursive(
    person | did,
    lambda part: st.dictionaries(
        st.sampled_from(["all of", "any of", "none of"]),
        st.lists(part, min_size=1, max_size=3),
        min_size=1,
        max_size=1,
    ),
    max_leaves=4,
)


def facts(now: datetime, day: Any = None, events: list[Event] | None = None) -> Facts:
    traits = {"day": Trait(day, NOW, "m")} if day is not None else {}
    entry = Event(type="track", event="Entered", message_id="e", time=NOW, received_at=NOW)
    return Facts(
        profile=Profile(
            person="p", traits=traits, groups={"g": NOW}, companies={"g": Company(joined=NOW)}
        ),
        permission=Permission(person="p"),
        now=now,
        journey="cart",
        run_id="r",
        entry=entry,
        entered=NOW,
        purpose="offers",
        needs_consent={},
        events=lambda names, since: [
            one for one in events or [] if one.name in names and (not since or one.time >= since)
        ],
    )


def visit(time: datetime, day: Any) -> Event:
    return Event(
        type="track",
        event="Visit",
        message_id=f"{time}{day}",
        time=time,
        received_at=time,
        properties={"day": day},
    )


visits = st.lists(st.builds(visit, moments, values), max_size=3)


@given(conditions, st.none() | values, visits, moments)
def test_until_the_moment_it_names_no_condition_changes(
    raw: dict[str, Any], day: Any, events: list[Event], now: datetime
) -> None:
    holds = condition(raw)
    turns = turning(raw)(facts(now, day, events))
    assert turns is None or turns > now
    truth = holds(facts(now, day, events))
    # All at which anything could change, and moments between them.
    marks = [now + timedelta(hours=hours) for hours in range(0, 1000, 7)]
    dates = [NOW, *(event.time for event in events)]
    dates += [datetime.fromisoformat(str(one.properties["day"])) for one in events if _is_date(one)]
    dates += [datetime.fromisoformat(day)] if isinstance(day, str) and day != "pro" else []
    for date in dates:
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        for hours in (0, 1, 24, 72, 31 * 24):
            for around in (-TICK, timedelta(), TICK):
                marks += [date + timedelta(hours=sign * hours) + around for sign in (1, -1)]
    for mark in marks:
        if now <= mark and (turns is None or mark < turns):
            assert holds(facts(mark, day, events)) == truth, mark


def _is_date(event: Event) -> bool:
    return event.properties["day"] != "pro"


@pytest.mark.parametrize(
    ("raw", "day", "expected"),
    [
        (
            {"person": {"day": {"in the last": "1 day"}}},
            "2027-03-01",
            NOW.replace(day=2, hour=0) + TICK,
        ),
        ({"person": {"day": {"in the next": "1 day"}}}, "2027-03-05", NOW.replace(day=4, hour=0)),
        (
            {"person": {"day": {"in the next": "9 days"}}},
            "2027-03-05",
            NOW.replace(day=5, hour=0) + TICK,
        ),
        ({"person": {"day": {"in the last": "1 day"}}}, "2027-02-01", None),
        ({"person": {"day": {"before": "2027-04-01"}}}, "2027-03-05", None),
        ({"person": {"day": "pro"}}, "pro", None),
        (
            {"person": {"day": {"in the next": "1 day"}}},
            "9999-12-31T23:59:59",
            datetime(9999, 12, 30, 23, 59, 59, tzinfo=UTC),
        ),
        ({"account": {"since": {"in the last": "1 day"}}}, None, NOW + timedelta(days=1) + TICK),
        ({"did": "Visit"}, None, None),
        ({"may get": "email"}, None, None),
        ({"unconfirmed": "email"}, None, None),
    ],
)
def test_it_names_the_first_change_there_is(
    raw: dict[str, Any], day: Any, expected: datetime | None
) -> None:
    assert turning(raw)(facts(NOW, day)) == expected


def test_of_a_condition_that_it_does_not_know_it_says_tomorrow() -> None:
    unknown = {"any of": [{"in segment": "fans"}]}
    assert turning(unknown)(facts(NOW)) == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ({"entry": {"x": 1}}, "entry"),
        ({"cart": {"items": 0}}, "cart"),
        ({"all of": [{"person": {"x": 1}}, {"none of": [{"sent": "guide"}]}]}, "sent: guide"),
        ({"did": "A", "since": "entry"}, "since: entry"),
        ({"did": "A", "same": "shop"}, "same"),
        ({"clicked": ["other/guide", "guide"]}, "clicked: guide"),
        ({"clicked": "other/guide"}, ""),
        ({"person": {"entry": 1}}, ""),
    ],
)
def test_what_speaks_of_a_run_is_found_wherever_it_stands(raw: Any, word: str) -> None:
    assert of_a_run(raw) == word
