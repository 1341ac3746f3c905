"""The score is kept true from what a profile holds alone: at each event, and when it is due."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from functions.segments.keeping import complete, keep, take_in
from functions.segments.rules import SCORING_FILE, SEGMENTS_FILE, Rules, rules_of
from functions.segments.score import score_at
from functions.tracking.event import Event
from functions.tracking.fold import fold
from functions.tracking.merge import merge_profiles
from functions.tracking.profile import Profile

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
LATELY = {"did": "C", "in the last": "3 days"}
SCORING: dict[str, Any] = {
    "title": "Score",
    "fit": [
        {"points": 7, "when": {"person": {"ends": {"in the next": "2 days"}}}},
        {"points": 4, "when": {"in segment": "lately"}},
    ],
    "behaviour": [
        {"points": 10, "for": {"did": "A"}, "half-life": "1 day", "at most": 25},
        {"points": -6, "for": {"did": "B"}, "half-life": "12 hours"},
        {"points": 3, "for": {"did": ["A", "C"], "where": {"colour": "red"}}},
    ],
    "thresholds": {"low": 5, "warm": 12, "hot": 24},
}
RULES = rules_of(
    {SCORING_FILE: SCORING, SEGMENTS_FILE: {"lately": {"title": "Lately", "who": LATELY}}}
)


def by_hand(events: list[Event], now: datetime) -> float:
    """The score by its formula, from all events."""

    def faded(name: str, half_life: timedelta) -> float:
        return sum(0.5 ** ((now - e.time) / half_life) for e in events if e.name == name)

    ends = [e.traits["ends"] for e in sorted(events, key=lambda e: e.time) if e.type == "identify"]
    end = datetime.fromisoformat(ends[-1]) if ends else None
    total = 7.0 if end and now <= end <= now + timedelta(days=2) else 0.0
    total += 4 if any(e.name == "C" and e.time >= now - timedelta(days=3) for e in events) else 0
    total += min(25, 10 * faded("A", timedelta(days=1))) - 6 * faded("B", timedelta(hours=12))
    return total + 3 * sum(
        e.name in ("A", "C") and e.properties.get("colour") == "red" for e in events
    )


def remember(profile: Profile, events: list[Event], now: datetime, by: Rules = RULES) -> None:
    """What one write of `storage.remember` does to the profile, without a store."""
    for event in events:
        fold(profile, event)
    take_in(profile, events, by, now)
    profile.version += 1


@st.composite
def arrivals(draw: Any) -> list[tuple[datetime, Event]]:
    """Events, each with the moment at which we hear of it; some late."""
    found = []
    for number in range(draw(st.integers(1, 10))):
        time = NOON + timedelta(minutes=draw(st.integers(0, 12_000)))
        late = timedelta(hours=draw(st.sampled_from([0, 0, 0, 1, 30])))
        name, colour = draw(st.sampled_from("ABC")), draw(st.sampled_from(["red", "blue"]))
        said: dict[str, Any] = {"type": "track", "event": name, "properties": {"colour": colour}}
        if number == 3:
            said = {"type": "identify", "traits": {"ends": (time + timedelta(days=3)).isoformat()}}
        heard = time + late
        event = Event(message_id=f"m{number}", time=time, received_at=heard, **said)
        found.append((heard, event))
    return sorted(found, key=lambda one: (one[0], one[1].message_id))


probes = st.lists(st.integers(0, 40_000), min_size=1, max_size=8)


@given(arrivals(), probes)
def test_looking_only_when_due_finds_each_threshold_that_the_formula_passes(
    heard: list[tuple[datetime, Event]], minutes: list[int]
) -> None:
    moments = sorted(NOON + timedelta(minutes=one, seconds=7) for one in minutes)
    steps: list[tuple[datetime, Event | None]] = sorted(
        [*heard, *((moment, None) for moment in moments)], key=lambda step: (step[0], not step[1])
    )
    profile, events = Profile(person="ada"), []
    for now, event in steps:
        while profile.due and profile.due <= now:
            keep(profile, RULES, profile.due)
            profile.version += 1
        if event:
            events.append(event)
            remember(profile, [event], now)
        elif profile.version:
            true = by_hand(events, now)
            assert abs(score_at(profile, now) - true) < 1e-5
            for name, at in SCORING["thresholds"].items():
                if abs(true - at) > 1e-4:
                    assert (name in profile.score.reached) == (true > at)


@given(arrivals(), probes)
def test_what_is_told_of_a_threshold_goes_up_and_down_by_turns(
    heard: list[tuple[datetime, Event]], minutes: list[int]
) -> None:
    profile = Profile(person="ada")
    end = heard[-1][0] + timedelta(days=60)
    for now, event in [*heard, (end, None)]:
        while profile.due and profile.due <= now:
            keep(profile, RULES, profile.due)
            profile.version += 1
        if event:
            remember(profile, [event], now)
    for name, at in SCORING["thresholds"].items():
        told = [fact for fact in profile.outbox if fact.properties.get("threshold") == name]
        names = [fact.name for fact in told]
        assert names == [("Score Reached", "Score Fell")[n % 2] for n in range(len(names))]
        for fact in told:
            assert (fact.properties["score"] >= at) == (fact.name == "Score Reached")
    occasions = [(fact.name, fact.occasion) for fact in profile.outbox]
    assert len(set(occasions)) == len(occasions)


@given(arrivals(), st.data())
def test_any_order_and_any_batches_give_the_same_score(
    heard: list[tuple[datetime, Event]], data: Any
) -> None:
    now, events = heard[-1][0], [event for _, event in heard]
    other, size = data.draw(st.permutations(events)), data.draw(st.integers(1, 4))
    one, two = Profile(person="ada"), Profile(person="ada")
    for event in events:
        remember(one, [event], now)
    for start in range(0, len(other), size):
        remember(two, other[start : start + size], now)
    assert one.score == two.score
    assert one.tallies == two.tallies
    assert score_at(one, now) == score_at(two, now)


@given(arrivals(), st.data())
def test_who_was_two_people_has_the_score_of_both(
    heard: list[tuple[datetime, Event]], data: Any
) -> None:
    now = heard[-1][0]
    whole, mine, theirs = (Profile(person=name) for name in ("whole", "mine", "theirs"))
    for _, event in heard:
        remember(whole, [event], now)
        remember(data.draw(st.sampled_from([mine, theirs])), [event], now)
    if mine.version and theirs.version:
        merge_profiles(theirs, mine)
        keep(mine, RULES, now)
        assert score_at(mine, now) == score_at(whole, now)
        assert mine.score.reached == whole.score.reached


def old_and_new() -> tuple[Rules, Rules]:
    """The same rule fading faster: its sum has to be counted anew."""
    rule = {"points": 10, "for": {"did": "A"}, "half-life": "4 days"}
    slow = {"title": "S", "behaviour": [rule], "thresholds": {"warm": 5}}
    fast = {**slow, "behaviour": [{**rule, "half-life": "2 days"}]}
    return rules_of({SCORING_FILE: slow}), rules_of({SCORING_FILE: fast})


def track(name: str, time: datetime) -> Event:
    return Event(type="track", event=name, message_id=f"{name}{time}", time=time, received_at=time)


def test_until_it_is_counted_by_new_rules_the_score_stays_as_it_was() -> None:
    slow, fast = old_and_new()
    profile, first = Profile(person="ada"), track("A", NOON)
    remember(profile, [first], NOON, slow)
    later = NOON + timedelta(days=4)
    other = track("Other", later)
    remember(profile, [other], later, fast)
    assert score_at(profile, later) == 5
    complete(profile, fast, [first, other])
    keep(profile, fast, later)
    assert score_at(profile, later) == 2.5


def test_without_scoring_nobody_has_a_score_by_rules_nor_anything_to_keep() -> None:
    slow, _ = old_and_new()
    profile = Profile(person="ada")
    remember(profile, [track("A", NOON)], NOON, slow)
    assert profile.due
    none = rules_of({})
    remember(profile, [track("B", NOON)], NOON + timedelta(days=9), none)
    assert score_at(profile, NOON) == 0
    assert profile.tallies == {}
