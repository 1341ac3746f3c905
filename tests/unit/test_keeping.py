"""Segments are kept true from what a profile holds alone: at each event, and when one is due."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.segments.explain import explain
from functions.segments.keeping import (
    complete,
    facts_of,
    is_complete,
    keep,
    missing,
    prepare,
    take_in,
)
from functions.segments.rules import SEGMENTS_FILE, Rules, rules_of
from functions.segments.segment import mistakes
from functions.segments.tally import of_did
from functions.tracking.event import Event
from functions.tracking.fold import fold
from functions.tracking.merge import merge_profiles
from functions.tracking.own_event import told
from functions.tracking.permission import Live, Permission
from functions.tracking.profile import Profile
from functions.tracking.tally import Tally, joined, since

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
WHO: dict[str, Any] = {
    "ever": {"did": "A"},
    "never": {"none of": [{"did": "B"}]},
    "lately": {"did": "A", "in the last": "2 days"},
    "often": {"did": ["A", "B"], "in the last": "3 days", "times": {"at least": 3}},
    "seldom": {"did": "A", "in the last": "5 days", "times": {"at most": 2}},
    "twice": {"did": "A", "in the last": "4 days", "times": 2},
    "not-thrice": {"did": "B", "in the last": "4 days", "times": {"not": 3}},
    "one-or-three": {"did": "A", "in the last": "1 day", "times": {"one of": [1, 3]}},
    "some": {"did": "A", "times": {"more than": 1, "at most": 4}},
    "red": {"did": "A", "where": {"colour": "red"}, "in the last": "36 hours"},
    "quiet": {
        "all of": [
            {"in segment": "ever"},
            {"none of": [{"person": {"last_seen": {"in the last": "2 days"}}}]},
        ]
    },
    "new": {"person": {"first_seen": {"in the last": "3 days"}}},
}
PAID = {"person": {"plan": "pro"}}


def rules(**who: Any) -> Rules:
    """Segments with these conditions."""
    return rules_of({SEGMENTS_FILE: {n: {"title": n, "who": one} for n, one in who.items()}})


RULES = rules(**WHO)
AT_LEISURE = settings(max_examples=60)


def track(name: str, time: datetime, number: int = 0, **properties: Any) -> Event:
    return Event(
        type="track",
        event=name,
        message_id=f"{name}{number}",
        time=time,
        received_at=time,
        properties=properties,
    )


def remember(
    profile: Profile, events: Iterable[Event], by: Rules = RULES, now: datetime | None = None
) -> Profile:
    """What one write of `storage.remember` does to the profile, without a store."""
    found = list(events)
    for event in found:
        fold(profile, event)
    take_in(profile, found, by, now or max(event.time for event in found))
    profile.version += 1
    return profile


def look(profile: Profile, now: datetime, by: Rules = RULES, **more: Any) -> Profile:
    """What one look does to it."""
    keep(profile, by, now, **more)
    profile.version += 1
    return profile


def by_hand(profile: Profile, events: list[Event], now: datetime, by: Rules = RULES) -> set[str]:
    """Who is in what, asked of all events at this moment."""

    def happened(names: Iterable[str], since: datetime | None) -> list[Event]:
        wanted = set(names)
        return [e for e in events if e.name in wanted and (since is None or e.time >= since)]

    bare = msgspec.structs.replace(profile, tallies={}, tallied="")
    facts = facts_of(bare, by, now).but(tallied="", events=happened)
    return {name for name, segment in by.segments.items() if segment.holds(facts)}


@st.composite
def arrivals(draw: Any) -> list[tuple[datetime, Event]]:
    """Events, each with the moment at which we hear of it: some late, some twice a moment."""
    found = []
    for number in range(draw(st.integers(1, 14))):
        time = NOON + timedelta(hours=draw(st.integers(0, 240)))
        late = timedelta(hours=draw(st.sampled_from([0, 0, 0, 1, 30, 100])))
        name, colour = draw(st.sampled_from("AB")), draw(st.sampled_from(["red", "blue"]))
        found.append((time + late, track(name, time, number, colour=colour)))
    return sorted(found, key=lambda one: one[0])


@AT_LEISURE
@given(arrivals(), st.lists(st.integers(0, 500), min_size=1, max_size=6))
def test_looking_only_at_due_times_is_as_good_as_looking_at_every_moment(
    heard: list[tuple[datetime, Event]], probes: list[int]
) -> None:
    moments = sorted(NOON + timedelta(hours=hours, microseconds=hours % 3) for hours in probes)
    steps: list[tuple[datetime, Event | None]] = sorted(
        [*heard, *((moment, None) for moment in moments)], key=lambda step: (step[0], not step[1])
    )
    profile, events = Profile(person="ada"), []
    for now, event in steps:
        while profile.due and profile.due <= now:
            look(profile, profile.due)
        if event:
            events.append(event)
            remember(profile, [event], now=now)
        elif profile.version:
            assert profile.segments.keys() == by_hand(profile, events, now)


@AT_LEISURE
@given(arrivals(), st.data())
def test_any_order_and_any_batches_give_the_same_tallies_and_memberships(
    heard: list[tuple[datetime, Event]], data: Any
) -> None:
    events = [event for _, event in heard]
    now = max(moment for moment, _ in heard)
    other = data.draw(st.permutations(events))
    size = data.draw(st.integers(1, 5))
    one, two = Profile(person="ada"), Profile(person="ada")
    for event in events:
        remember(one, [event], now=now)
    for start in range(0, len(other), size):
        remember(two, other[start : start + size], now=now)
    assert (one.tallies, one.segments) == (two.tallies, two.segments)


@AT_LEISURE
@given(arrivals(), st.data())
def test_a_count_from_the_timeline_is_the_count_that_was_kept_all_along(
    heard: list[tuple[datetime, Event]], data: Any
) -> None:
    events = [event for _, event in heard]
    now = max(moment for moment, _ in heard)
    kept, late = Profile(person="ada"), Profile(person="ada")
    few = rules(
        **{name: WHO[name] for name in data.draw(st.sets(st.sampled_from(["ever", "new"])))}
    )
    published = data.draw(st.integers(0, len(events)))
    for number, event in enumerate(events):
        remember(kept, [event], now=now)
        remember(late, [event], RULES if number >= published else few, now=now)
    complete(late, RULES, events)
    look(late, now)
    assert is_complete(late, RULES)
    assert late.tallies == kept.tallies
    assert late.segments.keys() == kept.segments.keys()


@AT_LEISURE
@given(arrivals(), st.data())
def test_who_was_two_people_has_the_tallies_of_both(
    heard: list[tuple[datetime, Event]], data: Any
) -> None:
    now = max(moment for moment, _ in heard)
    whole, mine, theirs = (Profile(person=name) for name in ("whole", "mine", "theirs"))
    for _, event in heard:
        remember(whole, [event], now=now)
        remember(data.draw(st.sampled_from([mine, theirs])), [event], now=now)
    merge_profiles(theirs, mine)
    if mine.version and theirs.version:
        look(mine, now)
        assert mine.segments.keys() == whole.segments.keys()
        assert {k: t.count for k, t in mine.tallies.items()} == {
            k: t.count for k, t in whole.tallies.items()
        }


def test_who_merges_under_two_sets_of_rules_is_counted_anew() -> None:
    mine = remember(Profile(person="mine"), [track("A", NOON)])
    theirs = remember(Profile(person="theirs"), [track("A", NOON, 1)], rules(ever={"did": "A"}))
    merge_profiles(theirs, mine)
    assert missing(mine, RULES)
    complete(mine, RULES, [track("A", NOON), track("A", NOON, 1)])
    assert max(tally.count for tally in mine.tallies.values()) == 2


def test_a_change_is_told_once_and_its_event_has_one_id_however_often_it_is_made() -> None:
    profile = remember(Profile(person="ada"), [track("A", NOON)], rules(ever=WHO["ever"]))
    [fact] = profile.outbox
    assert (fact.name, fact.properties) == ("Segment Entered", {"segment": "ever", "title": "ever"})
    assert told(fact) == told(fact)
    look(profile, NOON + timedelta(days=9), rules(ever=WHO["ever"]))
    assert profile.outbox == [fact]


def test_who_enters_leaves_and_enters_again_is_told_of_three_times() -> None:
    lately = rules(lately=WHO["lately"])
    profile = remember(Profile(person="ada"), [track("A", NOON)], lately)
    look(profile, NOON + timedelta(days=3), lately)
    later = NOON + timedelta(days=4)
    remember(profile, [track("A", later, 1)], lately)
    names = [fact.name for fact in profile.outbox]
    assert names == ["Segment Entered", "Segment Left", "Segment Entered"]
    assert len({told(fact).message_id for fact in profile.outbox}) == 3
    assert profile.segments == {"lately": later}


def test_the_due_time_moves_earlier_but_never_later() -> None:
    lately = rules(lately=WHO["lately"])
    profile = remember(Profile(person="ada"), [track("A", NOON)], lately)
    armed = profile.due
    assert armed == NOON + timedelta(days=2, microseconds=1)
    remember(profile, [track("A", NOON + timedelta(days=1), 1)], lately)
    assert profile.due == armed
    look(profile, armed, lately)
    assert profile.due == NOON + timedelta(days=3, microseconds=1)
    assert "lately" in profile.segments


def test_without_rules_nothing_is_kept() -> None:
    profile = remember(Profile(person="ada"), [track("A", NOON)], Rules())
    assert (profile.segments, profile.due, profile.tallies, profile.ruled) == ({}, None, {}, "")


# Publishing


def test_what_is_true_already_at_a_publish_is_told_as_found_by_it() -> None:
    profile = remember(Profile(person="ada"), [track("A", NOON)], rules(lately=WHO["lately"]))
    before = len(profile.outbox)
    more = rules(lately=WHO["lately"], never=WHO["never"])
    complete(profile, more, [track("A", NOON)])
    look(profile, NOON, more)
    [fact] = profile.outbox[before:]
    assert fact.properties == {"segment": "never", "title": "never", "backfill": True}


def test_what_changes_after_a_publish_was_brought_to_somebody_is_news() -> None:
    profile = remember(Profile(person="ada"), [track("A", NOON)], rules(never=WHO["never"]))
    remember(profile, [track("B", NOON)], rules(never=WHO["never"]))
    assert [fact.properties.get("backfill") for fact in profile.outbox] == [None, None]


def test_a_segment_whose_counts_are_not_there_yet_keeps_its_members() -> None:
    profile = remember(Profile(person="ada"), [track("B", NOON)], rules(ever={"did": "B"}))
    changed = rules(ever={"did": "B", "where": {"colour": "red"}})
    remember(profile, [track("B", NOON, 1)], changed)
    assert "ever" in profile.segments
    assert missing(profile, changed)
    complete(profile, changed, [track("B", NOON), track("B", NOON, 1)])
    look(profile, NOON, changed)
    assert "ever" not in profile.segments


def test_what_never_happened_to_somebody_is_counted_without_a_look_at_the_timeline() -> None:
    profile = remember(Profile(person="ada"), [track("B", NOON)], rules(never=WHO["never"]))
    more = rules(never=WHO["never"], ever=WHO["ever"])
    prepare(profile, more)
    assert is_complete(profile, more)
    remember(profile, [track("A", NOON, 1)], more)
    assert "ever" in profile.segments


def test_a_tally_that_rules_forgot_for_a_while_is_not_trusted_again() -> None:
    profile = remember(Profile(person="ada"), [track("A", NOON)], rules(ever=WHO["ever"]))
    remember(profile, [track("A", NOON, 1)], rules(new=WHO["new"]))
    assert profile.tallies == {}
    remember(profile, [track("A", NOON, 2)], rules(ever=WHO["ever"]))
    assert missing(profile, rules(ever=WHO["ever"]))


def test_only_a_sweep_lets_go_of_a_segment_that_is_gone() -> None:
    profile = remember(Profile(person="ada"), [track("A", NOON)], rules(ever=WHO["ever"]))
    look(profile, NOON, rules(new=WHO["new"]))
    assert "ever" in profile.segments  # whoever looked may just not have heard of a new segment
    look(profile, NOON, rules(new=WHO["new"]), sweeps=True)
    assert "ever" not in profile.segments
    assert [fact.name for fact in profile.outbox][-1] == "Segment Left"


# What asks for the permission item


def test_what_asks_for_permission_waits_for_it() -> None:
    by = rules(here={"in journey": "onboarding"}, both={"in segment": "here"})
    profile = remember(Profile(person="ada"), [track("A", NOON)], by)
    assert profile.segments == {}
    permission = Permission(person="ada", live={"r": Live("onboarding", "ada", NOON)})
    look(profile, NOON, by, permission=permission)
    assert profile.segments.keys() == {"here", "both"}
    remember(profile, [track("A", NOON, 1)], by)
    assert profile.segments.keys() == {"here", "both"}
    assert all("backfill" not in fact.properties for fact in profile.outbox)


def test_who_left_a_journey_is_asked_of_its_runs() -> None:
    by = rules(done={"left journey": "onboarding", "as": "finished"})
    profile = remember(Profile(person="ada"), [track("A", NOON)], by)
    look(profile, NOON, by, permission=Permission(person="ada"), runs=lambda name: ["finished"])
    assert "done" in profile.segments


# What is kept of a clause


@pytest.mark.parametrize(
    ("times", "most"),
    [
        ({"at least": 3}, 3),
        ({"at least": 2.5}, 3),
        ({"at most": 3}, 4),
        ({"less than": 3}, 4),
        ({"more than": 2}, 3),
        ({"more than": 2, "at most": 9}, 10),
        (4, 5),
        (0, 1),
        ({"one of": [1, 7]}, 8),
        ({"not": 2}, 3),
    ],
)
def test_as_many_times_are_kept_as_the_test_needs(times: Any, most: int) -> None:
    clause = of_did({"did": "A", "in the last": "3 days", "times": times})
    assert clause
    assert clause.most == most
    always = of_did({"did": "A", "times": times})
    assert always
    assert always.most == 1


def test_the_same_clause_in_other_words_is_kept_once() -> None:
    one = of_did({"did": ["A", "B"], "where": {"x": 1, "y": 2}})
    other = of_did({"did": ["B", "A"], "where": {"y": 2, "x": 1}, "times": {"at least": 3}})
    assert one
    assert other
    assert one.key == other.key


def test_joined_tallies_count_what_lies_in_a_span() -> None:
    days = [NOON + timedelta(days=number) for number in range(4)]
    both = joined(Tally(5, days[2:]), Tally(2, days[:2]))
    assert since(both, None) == 7
    assert since(both, days[1]) == 3


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ({"did": "A", "where": {"day": {"in the last": "2 days"}}}, 'write "in the last" beside'),
        ({"did": "A", "in the last": "9 days", "times": {"at least": 101}}, "up to 100"),
        ({"did": "Segment Entered", "where": {"segment": "b"}}, 'write "in segment"'),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_place(who: Any, words: str) -> None:
    found = list(mistakes({"a": {"title": "A", "who": {"none of": [who]}}}, [], {}))
    assert [path for path, _ in found] == [("a", "who", "none of", 0, "did")]
    assert words in found[0][1]


def test_an_explanation_tells_counts_and_times_that_the_profile_keeps() -> None:
    events = [track("A", NOON + timedelta(hours=hours), hours) for hours in range(3)]
    profile = remember(Profile(person="ada"), events)
    facts = facts_of(profile, RULES, NOON + timedelta(days=1)).but(kept=False)
    [part] = explain({"in segment": "seldom"}, facts).parts
    assert not part.holds
    assert part.used == (
        "counted: 3",
        "“A” on 1 March 2027 at 14:00 UTC",
        "“A” on 1 March 2027 at 13:00 UTC",
        "“A” on 1 March 2027 at 12:00 UTC",
        "“A” at any time: 3",
    )
