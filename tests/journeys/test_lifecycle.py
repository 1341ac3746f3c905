"""Stages in a whole Tante: reached by events and by time, told once, asked for, started from."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from functions.handlers import wiring
from functions.storage.remember import timeline
from functions.tracking.event import EventBatch, bodies
from functions.tracking.own_event import STAGE_CHANGED
from local.scenarios.read import read_scenarios
from local.scenarios.rehearsal import Rehearsal
from local.scenarios.verdict import judge
from tests.support.world import JOURNEYS, World

STEPS = "title: A\npurpose: offers\nonce per: occasion\nsteps:\n  - wait: 1 day\n"
WELCOMES_BACK = "enter when: {event: Stage Changed, where: {stage: reactivated}}\n" + STEPS


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes a Tante with the shipped lifecycle.yaml, or this one, and these files."""

    def begin(lifecycle: str = "", segments: str = "", **journeys: str) -> World:
        folder = tmp_path / "folder"
        shutil.copytree(JOURNEYS / "parts", folder / "parts")
        shutil.copy(JOURNEYS / "brand.yaml", folder)
        shipped = (JOURNEYS / "lifecycle.yaml").read_text("utf-8")
        (folder / "lifecycle.yaml").write_text(lifecycle or shipped, "utf-8")
        if segments:
            (folder / "segments.yaml").write_text(segments, "utf-8")
        for name, text in journeys.items():
            (folder / name).mkdir()
            (folder / name / "journey.yaml").write_text(text, "utf-8")
        return World(tmp_path / "data", folder)

    yield begin
    wiring.use(None)


def changes(world: World, user: str, model: str = "customer") -> list[tuple[str, str]]:
    """From which stage to which, oldest first, as the timeline tells."""
    found = world.api(f"/api/people/{world.person(user).person}/timeline")["events"][::-1]
    told = [one["properties"] for one in found if one["event"] == STAGE_CHANGED]
    return [(one["before"], one["stage"]) for one in told if one["model"] == model]


def stands(world: World, user: str, **query: str) -> dict[str, Any]:
    """What the admin API says of each model."""
    found = world.api(f"/api/people/{world.person(user).person}/stages", **query)["stages"]
    return {one["model"]: one for one in found}


def points(world: World, user: str) -> None:
    """More points than others have, by the journey `gives`, and a day in which that is counted."""
    world.track(user, "Liked")
    world.track("somebody else", "Liked")
    world.track(user, "Liked")
    world.advance("1 day")


GIVES = (
    "title: A\npurpose: offers\nenter when: {event: Liked}\nonce per: occasion\n"
    "steps:\n  - update: {add to score: 25}\n"
)


def test_who_buys_goes_through_recruitment_and_retention_event_by_event(begin: Any) -> None:
    world = begin(gives=GIVES)
    world.track("ada", "Page Viewed")
    world.advance("1 minute")
    world.identify("ada", email="ada@example.com")
    world.advance("1 minute")
    points(world, "ada")
    world.track("ada", "Trial Started")
    world.advance("1 minute")
    for number in "123":
        world.order("ada", number, "basic")
        world.advance("1 day")
    way = [
        *("", "visitor", "lead", "opportunity", "trial"),
        *("first-buyer", "repeat-buyer", "regular"),
    ]
    assert changes(world, "ada") == list(pairwise(way))
    assert stands(world, "ada")["customer"]["phase"] == "retention"


def test_silence_loses_a_customer_and_an_order_brings_them_back(begin: Any) -> None:
    world = begin(back=WELCOMES_BACK)
    world.order("ada", "1", "basic")
    world.advance("364 days")
    assert stands(world, "ada")["customer"]["stage"] == "first-buyer"
    world.advance("2 days")
    assert stands(world, "ada")["customer"]["stage"] == "lost"
    assert world.runs("back") == []
    world.order("ada", "2", "basic")
    assert changes(world, "ada")[-2:] == [("first-buyer", "lost"), ("lost", "reactivated")]
    assert len(world.runs("back")) == 1
    world.order("ada", "3", "basic")
    world.advance("300 days")
    assert len(world.runs("back")) == 1


def test_a_change_that_is_told_again_starts_no_journey_again(begin: Any) -> None:
    """A crash may send the facts of an outbox twice; a shop may send its order twice."""
    buys = "enter when: {event: Stage Changed, where: {stage: first-buyer}}\n" + STEPS
    world = begin(buys=buys)
    for _ in range(2):
        world.post(
            "track",
            {
                "userId": "ada",
                "messageId": "again",
                "event": "Order Completed",
                "properties": {"order_id": "1", "revenue": 5},
            },
        )
    before = changes(world, "ada")
    events = [e for e in timeline(world.store, world.person("ada")) if e.name == STAGE_CHANGED]
    assert {event.properties["model"] for event in events} == {"customer", "sales"}
    world.system.parts.send_events(bodies(EventBatch(events)), 0)
    world.settle()
    assert len(world.runs("buys")) == 1
    assert changes(world, "ada") == before


def test_fourteen_days_of_trial_without_an_order_start_a_journey_by_time_alone(begin: Any) -> None:
    ended = "enter when: {event: Stage Changed, where: {stage: trial-ended}}\n" + STEPS
    world = begin(ended=ended)
    world.track("ada", "Trial Started")
    world.track("bob", "Trial Started")
    world.order("bob", "1", "basic")
    world.advance("13 days")
    assert world.runs("ended") == []
    world.advance("2 days")
    assert [run["person"] for run in world.runs("ended")] == [world.person("ada").person]


def test_sales_takes_a_lead_through_the_second_model_while_the_first_goes_its_own_way(
    begin: Any,
) -> None:
    world = begin(gives=GIVES)
    world.identify("ada", email="ada@example.com")
    world.track("ada", "Newsletter Requested")
    world.advance("1 minute")
    world.track("ada", "Demo Requested")
    world.advance("1 minute")
    points(world, "ada")
    for event in ("Lead Accepted", "Deal Created", "Offer Signed", "Product Reviewed"):
        world.track("ada", event)
        world.advance("1 minute")
    way = ["", "subscriber", "lead", "mql", "sql", "opportunity", "customer", "evangelist"]
    assert changes(world, "ada", "sales") == list(pairwise(way))
    found = stands(world, "ada")
    assert (found["customer"]["stage"], found["sales"]["stage"]) == ("opportunity", "evangelist")


def test_a_person_is_asked_for_the_stage_of_each_model_and_the_phase(begin: Any) -> None:
    asks = (
        "title: A\npurpose: offers\nenter when: {event: Asked}\nonce per: occasion\nsteps:\n"
        "  - choose:\n"
        "      - if: {person: {stages.sales: customer, phase: retention}}\n"
        "        then: [{end: buyer}]\n"
        "      - if: {person: {stage: lead, stage_since: {in the last: 1 day}}}\n"
        "        then: [{end: new lead}]\n"
        "    otherwise: [{end: other}]\n"
    )
    world = begin(asks=asks)
    said = []
    for happens in ("", "identify", "2 days", "order"):
        if happens == "identify":
            world.identify("ada", email="ada@example.com")
        elif happens == "order":
            world.order("ada", "1", "basic")
        elif happens:
            world.advance(happens)
        world.track("ada", "Asked")
        world.advance("1 minute")
        said.append(world.outcomes("asks")[0])
    assert said == ["other", "new lead", "other", "buyer"]


def test_a_segment_of_a_stage_follows_it_at_once(begin: Any) -> None:
    world = begin(segments="gone: {title: Gone, who: {person: {stage: lost}}}\n")
    world.order("ada", "1", "basic")
    world.advance("366 days")
    assert list(world.person("ada").segments) == ["gone"]
    world.order("ada", "2", "basic")
    assert not world.person("ada").segments


def test_the_history_says_why_in_both_languages(begin: Any) -> None:
    world = begin()
    world.order("ada", "1", "basic")
    world.advance("366 days")
    lost, bought = stands(world, "ada")["customer"]["history"]
    assert (lost["title"], bought["title"]) == ("Lost customer", "First-time buyer")
    assert bought["because"] == "the person's orders is at least 1 (orders is 1)"
    assert "last_order is 1 March 2027 at 09:00 UTC" in lost["because"]
    german = stands(world, "ada", **{"in": "de"})["customer"]["history"][1]
    assert german["because"] == "orders der Person ist mindestens 1 (orders ist 1)"


def test_what_is_published_anew_moves_everybody_and_starts_no_journey(
    begin: Any, tmp_path: Path
) -> None:
    club = "club: {title: C, stages: {%s: {title: M, when: {did: Joined}}}}\n"
    enters = "enter when: {event: Stage Changed}\n" + STEPS
    world = begin(club % "guest", enters=enters)
    world.track("ada", "Joined")
    world.track("bob", "Left")
    assert len(world.runs("enters")) == 1
    world.advance("2 days")
    (tmp_path / "folder" / "lifecycle.yaml").write_text(club % "member", "utf-8")
    world.system.publish()
    world.advance("1 hour")
    assert stands(world, "ada")["club"]["stage"] == "member"
    assert stands(world, "bob")["club"]["stage"] == ""
    assert changes(world, "ada", "club")[-1] == ("guest", "member")
    assert len(world.runs("enters")) == 1


def test_a_model_that_is_gone_is_forgotten_and_stages_cost_nothing_any_more(
    begin: Any, tmp_path: Path
) -> None:
    world = begin()
    world.order("ada", "1", "basic")
    (tmp_path / "folder" / "lifecycle.yaml").unlink()
    world.system.publish()
    world.advance("1 hour")
    assert world.person("ada").stages == {}


def test_a_visitor_who_logs_in_stays_what_they_were(begin: Any) -> None:
    world = begin()
    world.identify("ada", email="ada@example.com")
    world.order("ada", "1", "basic")
    world.advance("1 day")
    world.post("page", {"anonymousId": "device", "properties": {"path": "/"}})
    world.post("identify", {"anonymousId": "device", "userId": "ada", "traits": {}})
    assert stands(world, "ada")["customer"]["stage"] == "first-buyer"
    assert ("first-buyer", "visitor") not in changes(world, "ada")
    assert ("visitor", "first-buyer") not in changes(world, "ada")


def test_a_lost_customer_who_buys_as_a_stranger_is_reactivated_when_recognised(begin: Any) -> None:
    world = begin()
    world.order("ada", "1", "basic")
    world.advance("366 days")
    order = {"order_id": "2", "revenue": 5, "currency": "EUR"}
    world.post("track", {"anonymousId": "d", "event": "Order Completed", "properties": order})
    world.post("identify", {"anonymousId": "d", "userId": "ada", "traits": {}})
    assert stands(world, "ada")["customer"]["stage"] == "reactivated"


def test_the_weights_add_up_over_all_pages(begin: Any) -> None:
    world = begin()
    for user in ("ada", "bob", "cleo"):
        world.identify(user, email=f"{user}@example.com")
    world.order("ada", "1", "basic", revenue=30)
    pages = [world.api("/api/lifecycle/weights", limit="2")]
    pages.append(world.api("/api/lifecycle/weights", limit="2", after=pages[0]["next"]))
    assert sum(page["people"] for page in pages) == 3
    found = [one for page in pages for one in page["weights"] if one["model"] == "customer"]
    people = {
        name: sum(one["people"] for one in found if one["stage"] == name)
        for name in ("lead", "first-buyer")
    }
    assert people == {"lead": 2, "first-buyer": 1}
    assert [one["revenue"] for one in found if one["stage"] == "first-buyer"] == [{"EUR": 30}]


def test_the_admin_api_tells_the_models_in_words(begin: Any) -> None:
    world = begin()
    customer, sales = world.api("/api/lifecycle")["models"]
    assert (customer["name"], sales["name"]) == ("customer", "sales")
    [lost] = [stage for stage in customer["stages"] if stage["name"] == "lost"]
    assert lost["comes_from"] == ["first-buyer", "repeat-buyer", "regular", "reactivated"]
    assert "last_order is within the last 365 days" in lost["when"]


SCENARIO = """\
- scenario: Who comes back after a year is welcomed once
  happens:
    - at: 2027-03-01 10:00
      event: Order Completed
      with: {order_id: o-1}
    - after: 400 days
      event: Order Completed
      with: {order_id: o-2}
  expect:
    - stage: first-buyer
    - stage: sales/customer
    - stage: lost
      after: 365 days
    - stage: reactivated
      after: 35 days
    - starts: back
    - person: {stage: reactivated, stages.sales: customer}
"""


def test_a_scenario_expects_stages(begin: Any, tmp_path: Path) -> None:
    begin(back=WELCOMES_BACK)
    (tmp_path / "folder" / "back" / "back.scenario.yaml").write_text(SCENARIO, "utf-8")
    [scenario] = read_scenarios(tmp_path / "folder")
    (tmp_path / "work").mkdir()
    rehearsal = Rehearsal(tmp_path / "folder", tmp_path / "work")
    assert judge(scenario, rehearsal.play(scenario)).wrong == []
    late = replace(scenario, expect=[one for one in scenario.expect if one.what.verb == "stage"])
    late.expect[2].what.after = "364 days"  # type: ignore[union-attr]
    [wrong] = judge(late, rehearsal.play(late)).wrong
    assert "stage lost: came at" in wrong.what
