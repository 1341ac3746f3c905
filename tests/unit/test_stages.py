"""Stages: one for each model, moved along `from` alone, the same however often they are kept."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from functions.folder import read_folder
from functions.segments.census_records import Cuts, Measure
from functions.segments.condition import Facts
from functions.segments.lifecycle import EARLIER, Lifecycle, build
from functions.segments.rules import rules_of
from functions.segments.stages import keep_stages, rule, stages_turn_at, way
from functions.tracking.event import Event
from functions.tracking.fold import fold
from functions.tracking.merge import join_stays
from functions.tracking.permission import Permission
from functions.tracking.profile import MOST_MOVES, Move, Profile, Stay, Trait
from tests.support.journeys import SHIPPED

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ENTRY = Event(type="track", event="Looked", message_id="e", time=NOW, received_at=NOW)


# The average score is 30.
CUTS = Cuts(made=NOW, people=9, measures={"score": Measure(9, Decimal(30), [])})


def facts(profile: Profile, now: datetime = NOW, events: list[Event] | None = None) -> Facts:
    return Facts(
        cuts=CUTS,
        profile=profile,
        permission=Permission(person="p"),
        now=now,
        journey="",
        run_id="",
        entry=ENTRY,
        entered=now,
        purpose="",
        needs_consent={},
        events=lambda names, since: [
            event
            for event in events or []
            if event.name in names and (since is None or event.time >= since)
        ],
    )


def with_flags(profile: Profile, flags: set[int], now: datetime = NOW) -> Facts:
    """The person for whom the conditions of these stages hold."""
    profile.traits = {f"flag{number}": Trait(True, now, "m") for number in flags}
    return facts(profile, now)


def model(*comes_from: list[str] | None) -> Lifecycle:
    """A model of stages s0, s1, ... with these `from`; the condition of each is its own flag."""
    stages = {
        f"s{number}": {
            "title": f"Stage {number}",
            "when": {"person": {f"flag{number}": True}},
            **({} if asked is None else {"from": asked}),
        }
        for number, asked in enumerate(comes_from)
    }
    return build({"m": {"title": "M", "stages": stages}}, None)


@st.composite
def models(draw: st.DrawFn) -> Lifecycle:
    count = draw(st.integers(1, 6))
    lists = []
    for number in range(count):
        others = [EARLIER, *(f"s{other}" for other in range(count) if other != number)]
        some = st.lists(st.sampled_from(others), min_size=1, max_size=3, unique=True)
        lists.append(draw(st.none() | some))
    return model(*lists)


flags = st.sets(st.integers(0, 5))


@given(models(), st.lists(flags, max_size=8))
def test_somebody_is_in_one_stage_and_moves_only_along_from(
    lifecycle: Lifecycle, seasons: list[set[int]]
) -> None:
    profile, stands = Profile(person="p"), ""
    stages = lifecycle.models["m"].stages
    for day, true in enumerate(seasons):
        now = NOW + day * DAY
        changes = keep_stages(lifecycle, with_flags(profile, true, now))
        stay = profile.stages["m"]
        for move in [move for move in stay.history if move.time == now]:
            assert stands in stages[move.stage].comes_from
            assert stages[move.stage].place - 1 in true
            stands = move.stage
        assert stay.stage == stands
        assert [(c.stage, c.before != c.stage) for c in changes] in ([], [(stands, True)])
        assert len(stay.history) <= MOST_MOVES


@given(models(), st.lists(flags, max_size=4), flags)
def test_to_keep_twice_is_to_keep_once(
    lifecycle: Lifecycle, seasons: list[set[int]], last: set[int]
) -> None:
    """Whatever circles the conditions make: what comes again moves nobody."""
    profile = Profile(person="p")
    for true in [*seasons, last]:
        keep_stages(lifecycle, with_flags(profile, true))
    stays = dict(profile.stages)
    assert keep_stages(lifecycle, with_flags(profile, last, NOW + DAY)) == []
    assert profile.stages == stays


@given(st.lists(flags, max_size=8))
def test_without_from_nobody_goes_back(seasons: list[set[int]]) -> None:
    lifecycle, profile, place = model(None, None, None, None, None), Profile(person="p"), 0
    for true in seasons:
        keep_stages(lifecycle, with_flags(profile, true))
        assert profile.stages["m"].place >= place
        place = profile.stages["m"].place


def test_of_several_stages_the_last_in_the_file_takes_them() -> None:
    lifecycle, profile = model(None, None, None), Profile(person="p")
    keep_stages(lifecycle, with_flags(profile, {0, 1}))
    assert [move.stage for move in profile.stages["m"].history] == ["s1"]


def test_conditions_that_hold_together_in_a_circle_keep_people_where_they_came_to_it() -> None:
    lifecycle = model(None, ["s0", "s2"], ["s1"])
    profile = Profile(person="p")
    keep_stages(lifecycle, with_flags(profile, {0}))
    keep_stages(lifecycle, with_flags(profile, {0, 1, 2}))
    assert profile.stages["m"].stage == "s1"
    keep_stages(lifecycle, with_flags(profile, {0, 2}))
    assert profile.stages["m"].stage == "s2"


def test_one_change_is_told_for_several_moves_at_once_and_each_stands_in_the_history() -> None:
    lifecycle, profile = model(None, ["s0"], ["s1"]), Profile(person="p")
    [change] = keep_stages(lifecycle, with_flags(profile, {0, 1, 2}))
    assert (change.before, change.stage) == ("", "s2")
    assert [move.stage for move in profile.stages["m"].history] == ["s0", "s1", "s2"]


@pytest.mark.parametrize("times", [1, MOST_MOVES, MOST_MOVES + 1, 50])
def test_the_history_keeps_the_last_moves(times: int) -> None:
    lifecycle, profile = model([EARLIER, "s1"], ["s0"]), Profile(person="p")
    for turn in range(times):
        keep_stages(lifecycle, with_flags(profile, {turn % 2}, NOW + turn * DAY))
    assert len(profile.stages["m"].history) == min(times, MOST_MOVES)
    assert profile.stages["m"].since == NOW + (times - 1) * DAY


def test_a_stage_that_the_file_no_longer_has_leaves_people_where_they_begin() -> None:
    profile = Profile(person="p")
    keep_stages(model(None, None), with_flags(profile, {1}))
    [change] = keep_stages(model(None), with_flags(profile, {1}))
    assert (change.before, change.stage) == ("s1", "")
    keep_stages(model(None), with_flags(profile, {0}))
    assert [move.stage for move in profile.stages["m"].history] == ["s1", "", "s0"]


def test_a_model_that_the_file_no_longer_has_is_forgotten() -> None:
    profile = Profile(person="p")
    keep_stages(model(None), with_flags(profile, {0}))
    assert keep_stages(Lifecycle(), facts(profile)) == []
    assert profile.stages == {}


def test_somebody_without_a_stage_in_the_first_model_has_none_although_another_gives_one() -> None:
    from functions.segments.person import fields

    raw = {
        name: {"title": "T", "stages": {"in": {"title": "I", "when": {"person": {name: True}}}}}
        for name in ("first", "second")
    }
    profile = Profile(person="p", traits={"second": Trait(True, NOW, "m")})
    keep_stages(build(raw, None), facts(profile))
    known = fields(profile, NOW)
    assert (known["stage"], known["stages"]) == (None, {"second": "in"})


def test_a_model_that_hangs_on_another_is_kept_after_it() -> None:
    raw = {
        "late": {
            "title": "L",
            "stages": {"in": {"title": "I", "when": {"person": {"stages.early": "in"}}}},
        },
        "early": {
            "title": "E",
            "stages": {"in": {"title": "I", "when": {"person": {"flag0": True}}}},
        },
    }
    profile = Profile(person="p")
    changes = keep_stages(build(raw, None), with_flags(profile, {0}))
    assert [change.model for change in changes] == ["early", "late"]
    assert list(profile.stages) == ["late", "early"]


# --- by time alone

times = st.integers(-40, 40).map(lambda hours: NOW + timedelta(hours=hours))
dated = st.sampled_from(["in the last", "in the next"]).flatmap(
    lambda word: st.sampled_from(["1 hour", "8 hours", "1 day"]).map(lambda span: {word: span})
)


@settings(max_examples=30)
@given(models(), st.data())
def test_to_look_only_when_a_stage_may_turn_misses_no_change(
    lifecycle: Lifecycle, data: st.DataObject
) -> None:
    """Against a look each hour; dates and spans are whole hours, and ends belong to a span."""
    raw = {
        name: {
            "title": "T",
            "from": sorted(stage.comes_from - {""}) + [EARLIER] * ("" in stage.comes_from),
            "when": {"person": {f"day{stage.place}": data.draw(dated)}},
        }
        for name, stage in lifecycle.models["m"].stages.items()
    }
    lifecycle = build({"m": {"title": "M", "stages": raw}}, None)
    traits = {f"day{n}": Trait(data.draw(times).isoformat(), NOW, "m") for n in range(1, 7)}
    profile = Profile(person="p", traits=traits)
    now = due = NOW
    for hour in range(72):
        now = NOW + timedelta(hours=hour, microseconds=2)
        while due is not None and due <= now:
            keep_stages(lifecycle, facts(profile, due))
            turn = stages_turn_at(lifecycle, facts(profile, due))
            assert turn is None or turn > due
            due = turn  # type: ignore[assignment]
        assert way(lifecycle.models["m"], profile.stages["m"].stage, facts(profile, now)) == []


def test_who_is_kept_in_a_circle_is_looked_at_when_it_opens() -> None:
    """From s1 only s2 is within reach; but it is the condition of s1 that has to end."""
    soon, late = (NOW + timedelta(hours=hours) for hours in (1, 5))
    days = {"day0": late, "day1": soon, "day2": late}
    comes_from = {"s0": ["earlier"], "s1": ["s0", "s2"], "s2": ["s1"]}
    raw = {
        name: {
            "title": "T",
            "from": asked,
            "when": {"person": {f"day{number}": {"in the next": "1 day"}}},
        }
        for number, (name, asked) in enumerate(comes_from.items())
    }
    lifecycle = build({"m": {"title": "M", "stages": raw}}, None)
    profile = Profile(
        person="p", traits={name: Trait(day.isoformat(), NOW, "m") for name, day in days.items()}
    )
    keep_stages(lifecycle, facts(profile))
    assert profile.stages["m"].stage == "s1"
    due = stages_turn_at(lifecycle, facts(profile))
    assert due == soon + timedelta(microseconds=1)
    keep_stages(lifecycle, facts(profile, due))
    assert profile.stages["m"].stage == "s2"


# --- two people are one


@st.composite
def stays(draw: st.DrawFn) -> Stay:
    place = draw(st.integers(0, 4))
    moments = sorted(draw(st.lists(times, min_size=bool(place), max_size=25, unique=True)))
    history = [Move(moment, f"s{number}") for number, moment in enumerate(moments)]
    if history:
        history[-1].stage = f"s{place}" if place else ""
    return Stay(place=place, history=history[-MOST_MOVES:])


@given(stays(), stays())
def test_a_merge_takes_the_further_stage_whoever_is_merged_into_whom(
    one: Stay, other: Stay
) -> None:
    found = join_stays({"m": one}, {"m": other})["m"]
    assert found == join_stays({"m": other}, {"m": one})["m"]
    far = max(one.place, other.place)
    assert found.place == far
    assert found.stage in {stay.stage for stay in (one, other) if stay.place == far}
    assert len(found.history) == min(MOST_MOVES, len(one.history) + len(other.history))


def test_of_the_same_stage_the_longer_stay_counts_after_a_merge() -> None:
    early, late = (Stay(place=1, history=[Move(NOW + n * DAY, "lead")]) for n in range(2))
    assert join_stays({"m": late}, {"m": early})["m"].since == NOW


def test_a_model_that_one_of_the_two_has_is_kept() -> None:
    stay = Stay(place=1, history=[Move(NOW, "lead")])
    assert join_stays({"a": stay}, {"b": stay}) == {"b": stay, "a": stay}


# --- the models that are shipped


@cache
def shipped_lifecycle() -> Lifecycle:
    folder = read_folder(SHIPPED)
    return rules_of({name: folder.raw(name) for name in folder.live}).lifecycle


class Person:
    """Somebody whose events are folded as they come; stages are kept after each."""

    def __init__(self) -> None:
        self.lifecycle, self.profile = shipped_lifecycle(), Profile(person="p")
        self.events: list[Event] = []
        self.now = NOW

    def does(self, name: str, **properties: Any) -> "Person":
        return self._comes(type="track", event=name, properties=properties)

    def orders(self, order_id: str) -> "Person":
        return self.does("Order Completed", order_id=order_id, revenue=10, currency="EUR")

    def is_known(self) -> "Person":
        return self._comes(type="identify", traits={"email": "ada@example.com"})

    def scores(self, points: float) -> "Person":
        self.profile.points = points
        return self._kept()

    def _comes(self, **event: Any) -> "Person":
        name = f"m{len(self.events)}"
        made = Event(message_id=name, time=self.now, received_at=self.now, **event)
        made.client_time = self.now.isoformat()
        self.events.append(made)
        fold(self.profile, made)
        return self._kept()

    def after(self, days: float) -> "Person":
        """Looked at whenever they are due, and at no other time."""
        end = self.now + days * DAY
        while (due := self._due()) and due <= end:
            self.now = due
            self._kept()
        self.now = end
        return self

    def _due(self) -> datetime | None:
        return stages_turn_at(self.lifecycle, facts(self.profile, self.now, self.events))

    def _kept(self) -> "Person":
        keep_stages(self.lifecycle, facts(self.profile, self.now, self.events))
        return self

    def way(self, model: str = "customer") -> list[str]:
        return [move.stage for move in self.profile.stages[model].history]


def test_who_buys_goes_from_visitor_to_regular() -> None:
    ada = Person().does("Page Viewed").is_known().scores(40).does("Trial Started").orders("1")
    ada.after(10).orders("2").after(10).orders("3")
    assert ada.way() == [
        *("visitor", "lead", "opportunity", "trial"),
        *("first-buyer", "repeat-buyer", "regular"),
    ]


def test_an_opportunity_has_more_points_than_people_have_on_average() -> None:
    assert Person().is_known().scores(30).way() == ["lead"]
    assert Person().is_known().scores(30.1).way() == ["lead", "opportunity"]


def test_a_trial_of_fourteen_days_ends_by_time_alone() -> None:
    ada = Person().is_known().does("Trial Started").after(13.9)
    assert ada.way()[-1] == "trial"
    assert ada.after(0.2).way()[-1] == "trial-ended"
    assert ada.profile.stages["customer"].since == NOW + 14 * DAY + timedelta(microseconds=1)


def test_a_trial_that_the_shop_ends_is_over_at_once() -> None:
    assert Person().does("Trial Started").does("Trial Ended").way() == ["trial", "trial-ended"]


def test_who_buys_in_the_trial_never_ends_it() -> None:
    ada = Person().is_known().does("Trial Started").after(13).orders("1").after(30)
    assert ada.way() == ["lead", "trial", "first-buyer"]


def test_a_year_without_an_order_loses_a_buyer_by_time_alone() -> None:
    ada = Person().is_known().orders("1").after(364)
    assert ada.way()[-1] == "first-buyer"
    assert ada.after(2).way()[-1] == "lost"
    assert ada.profile.stages["customer"].phase == "recovery"


def test_an_order_later_than_the_loss_brings_back_and_two_more_make_regular() -> None:
    ada = Person().is_known().orders("1").after(5).orders("2").after(5).orders("3")
    ada.after(400).orders("4")
    assert ada.way()[-3:] == ["regular", "lost", "reactivated"]
    ada.after(5).orders("5")
    assert ada.way()[-1] == "reactivated"
    assert ada.after(5).orders("6").way()[-1] == "regular"


def test_who_came_back_can_be_lost_again() -> None:
    ada = Person().orders("1").after(400).orders("2").after(400).orders("3")
    assert ada.way() == ["first-buyer", *["lost", "reactivated"] * 2]


def test_who_cancels_the_only_order_is_a_lead_again() -> None:
    ada = Person().is_known().orders("1").does("Order Cancelled", order_id="1")
    assert ada.way() == ["lead", "first-buyer", "lead"]
    assert ada.orders("2").way()[-1] == "first-buyer"


def test_who_is_imported_with_old_orders_is_lost_and_not_new() -> None:
    ada = Person()
    ada.now = NOW - 800 * DAY
    for number in "123":
        ada.events.append(
            Event(
                type="track",
                event="Order Completed",
                message_id=number,
                time=ada.now,
                received_at=NOW,
                client_time=ada.now.isoformat(),
                properties={"order_id": number, "revenue": 10},
            )
        )
        fold(ada.profile, ada.events[-1])
    ada.now = NOW
    assert ada._kept().way() == ["repeat-buyer", "lost"]


def test_marketing_qualifies_and_sales_takes_on_in_the_order_of_the_second_model() -> None:
    ada = Person().does("Consent Given").does("Demo Requested").scores(45)
    ada.does("Lead Accepted").does("Deal Created").does("Offer Signed")
    ada.does("Survey Answered", score=8).does("Survey Answered", score=9)
    assert ada.way("sales") == [
        *("subscriber", "lead", "mql", "sql", "opportunity", "customer", "evangelist"),
    ]


def test_nobody_is_an_evangelist_before_they_are_a_customer() -> None:
    ada = Person().does("Demo Requested").does("Survey Answered", score=10)
    assert ada.way("sales") == ["lead"]
    assert ada.orders("1").way("sales") == ["lead", "customer", "evangelist"]


def test_both_models_are_kept_side_by_side() -> None:
    ada = Person().is_known().does("Demo Requested").does("Deal Created").orders("1")
    assert (ada.way()[-1], ada.way("sales")[-1]) == ("first-buyer", "customer")
    ada.after(400)
    assert (ada.way()[-1], ada.way("sales")[-1]) == ("lost", "customer")


def test_a_move_keeps_what_its_condition_looked_at() -> None:
    ada = Person().is_known().orders("1")
    [move] = [move for move in ada.profile.stages["customer"].history if "buyer" in move.stage]
    assert move.seen == {"orders": 1}
    assert move.rule == rule(ada.lifecycle.models["customer"].stages["first-buyer"])


@given(st.lists(st.sampled_from(["identify", "order", "trial", "year", "cancel"]), max_size=12))
def test_whatever_happens_the_shipped_stages_never_go_to_and_fro(happenings: list[str]) -> None:
    ada = Person()
    for number, what in enumerate(happenings):
        match what:
            case "identify":
                ada.is_known()
            case "order":
                ada.orders(str(number))
            case "trial":
                ada.does("Trial Started")
            case "year":
                ada.after(370)
            case "cancel":
                ada.does("Order Cancelled", order_id=str(number - 1))
    assume(ada.profile.stages)
    ways = {name: list(stay.history) for name, stay in ada.profile.stages.items()}
    ada._kept()
    assert {name: stay.history for name, stay in ada.profile.stages.items()} == ways
