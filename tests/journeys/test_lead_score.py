"""The lead score in a whole Tante: it follows events and time, and what it passes is told once."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.handlers import wiring
from functions.segments.person import fields
from functions.segments.score import score_at
from functions.segments.scoring import build
from functions.storage.remember import timeline
from tests.support.journeys import SHIPPED
from tests.support.world import JOURNEYS, World

SCORING = """\
title: Lead score
fit:
  - {points: 20, when: {person: {job_title: {contains: head}}}, because: Decides}
behaviour:
  - {points: 5, for: {did: Guide Read}, half-life: 30 days, at most: 12}
  - {points: 40, for: {did: Demo Requested}, half-life: 90 days}
  - {points: 15, for: {did: Call Logged, where: {outcome: interested}}}
thresholds: {warm: 40, hot: 80}
"""
HAND_OVER = """\
title: Hand over
purpose: offers
enter when: {event: Score Reached, where: {threshold: warm}}
once per: person
steps:
  - {task: Call the warm lead, for: sales}
"""
COOLING = """\
title: Cooling
purpose: offers
enter when: {event: Score Fell, where: {threshold: warm}}
once per: occasion
steps:
  - {update: {add tag: cold}}
"""
BY_CONDITION = """\
title: By the score itself
purpose: offers
enter when: {person: {score: {less than: 10}}}
once per: occasion
steps:
  - {wait: 1 day}
"""


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes a Tante with this scoring.yaml and these journeys."""

    def begin(scoring: str = SCORING, **journeys: str) -> World:
        folder = tmp_path / "folder"
        shutil.copytree(JOURNEYS / "parts", folder / "parts")
        shutil.copy(JOURNEYS / "brand.yaml", folder)
        (folder / "scoring.yaml").write_text(scoring, "utf-8")
        for name, text in journeys.items():
            (folder / name).mkdir()
            (folder / name / "journey.yaml").write_text(text, "utf-8")
        return World(tmp_path / "data", folder)

    yield begin
    wiring.use(None)


def score(world: World, user: str = "ada") -> float:
    return score_at(world.person(user), world.now)


def told(world: World, user: str = "ada") -> list[tuple[str, str, datetime]]:
    """What was told of thresholds: the event, the threshold, when."""
    return [
        (event.name, event.properties["threshold"], event.time)
        for event in timeline(world.store, world.person(user))
        if event.name.startswith("Score ") and "threshold" in event.properties
    ]


def test_the_score_is_who_somebody_is_and_what_they_did_as_far_as_it_has_not_faded(
    begin: Any,
) -> None:
    world = begin()
    world.identify("ada", job_title="head of sales")
    assert score(world) == 20
    world.track("ada", "Guide Read")
    world.track("ada", "Call Logged", outcome="interested")
    world.track("ada", "Call Logged", outcome="not reached")
    assert score(world) == pytest.approx(40)
    world.advance("30 days")
    assert score(world) == pytest.approx(37.5)
    world.identify("ada", job_title="student")
    assert score(world) == pytest.approx(17.5)


def test_passing_a_threshold_hands_over_once_and_falling_below_is_told_to_the_microsecond(
    begin: Any,
) -> None:
    world = begin(**{"hand-over": HAND_OVER, "cooling": COOLING})
    world.identify("ada", job_title="head")
    start = world.now
    world.track("ada", "Demo Requested")
    assert [task["text"] for task in world.api("/api/tasks")["tasks"]] == ["Call the warm lead"]
    assert told(world) == [("Score Reached", "warm", start)]
    world.advance("200 days")
    # 20 + 40 / 2 are left after 90 days; a millionth of a point is told apart.
    assert [one[:2] for one in told(world)[1:]] == [("Score Fell", "warm")]
    assert abs(told(world)[1][2] - start - timedelta(days=90)) < timedelta(minutes=2)
    assert fields(world.person("ada"), world.now)["tags"] == ["cold"]
    world.track("ada", "Demo Requested")
    assert [one[:2] for one in told(world)[2:]] == [("Score Reached", "warm")]
    assert len(world.api("/api/tasks")["tasks"]) == 1  # once per person


def test_two_thresholds_may_be_passed_at_once(begin: Any) -> None:
    world = begin()
    world.track("ada", "Guide Read")
    person = world.person("ada").person
    assert post(world, f"/api/people/{person}/score", {"points": 90})["statusCode"] == 200
    world.settle()
    assert {one[:2] for one in told(world)} == {("Score Reached", "warm"), ("Score Reached", "hot")}
    world.track("ada", "Guide Read")
    assert len(told(world)) == 2
    said = [e.properties for e in timeline(world.store, world.person("ada")) if e.person]
    assert {"threshold": "hot", "at": 80, "before": "", "score": 95} in said


def test_a_journey_that_asks_for_the_score_itself_is_entered_when_it_has_faded(begin: Any) -> None:
    world = begin(**{"by-condition": BY_CONDITION})
    world.track("ada", "Demo Requested")
    assert world.runs("by-condition") == []
    world.advance("179 days")
    assert world.runs("by-condition") == []
    world.advance("2 days")  # 40 / 2 / 2 are left after 180 days
    assert len(world.runs("by-condition")) == 1


def test_points_of_colleagues_count_once_with_their_note(begin: Any) -> None:
    world = begin(**{"hand-over": HAND_OVER})
    world.identify("ada", job_title="head")
    person = world.person("ada").person
    body = {"points": 25.5, "note": "met at the fair", "occasion": "fair 2027"}
    for _ in range(2):
        assert post(world, f"/api/people/{person}/score", body)["statusCode"] == 200
    world.settle()
    assert score(world) == 45.5
    found = world.api(f"/api/people/{person}/score")
    assert (found["score"], found["reached"]) == (46, ["warm"])
    assert (found["parts"][0]["rule"], found["parts"][0]["points"]) == ("given", 25.5)
    assert len(world.api("/api/tasks")["tasks"]) == 1
    for wrong in (0, 10_001):
        assert post(world, f"/api/people/{person}/score", {"points": wrong})["statusCode"] == 400
    world.track("ada", "Score Added", points=100)  # a shop gives none
    assert score(world) == 45.5


def post(world: World, path: str, body: dict[str, Any]) -> dict[str, Any]:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    return world.request("POST", path, json.dumps(body), headers=key)


def test_each_rule_says_why_it_gives_what_it_gives(begin: Any) -> None:
    world = begin()
    world.identify("ada", job_title="head")
    for _ in range(4):
        world.track("ada", "Guide Read")
    person = world.person("ada").person
    found = world.api(f"/api/people/{person}/score")
    assert [(one["title"], one["points"], one["says"]) for one in found["parts"]][:2] == [
        ("Decides", 20, "so it is"),
        (
            "the person has done “Guide Read”",
            12,
            "4 times, last on 1 March 2027 at 09:00 UTC; the most that it gives",
        ),
    ]
    assert (
        found["parts"][1]["weight"] == "5 points each time, half after 30 days, 12 in all at most"
    )
    german = world.api(f"/api/people/{person}/score", **{"in": "de"})
    assert german["parts"][2]["says"] == "noch nie"
    assert sum(one["points"] for one in found["parts"]) == pytest.approx(found["exact"])


def test_new_weights_count_for_everybody_and_tell_nobody_that_they_came_just_now(
    begin: Any, tmp_path: Path
) -> None:
    often = HAND_OVER.replace("once per: person", "once per: occasion")
    world = begin(**{"hand-over": often})
    world.track("ada", "Demo Requested")
    world.track("ben", "Guide Read")
    world.advance("90 days")
    assert score(world) == pytest.approx(20)
    text = SCORING.replace("points: 40", "points: 100")
    (tmp_path / "folder" / "scoring.yaml").write_text(text, "utf-8")
    world.system.publish()
    world.settle()
    assert score(world) == pytest.approx(50)
    assert [one[:2] for one in told(world)] == [
        ("Score Reached", "warm"),
        ("Score Fell", "warm"),
        ("Score Reached", "warm"),
    ]
    assert len(world.api("/api/tasks")["tasks"]) == 1  # of the first time
    (tmp_path / "folder" / "scoring.yaml").unlink()
    world.system.publish()
    world.settle()
    assert [score(world, user) for user in ("ada", "ben")] == [0, 0]


def test_rules_about_the_past_count_what_the_timeline_has(begin: Any, tmp_path: Path) -> None:
    world = begin()
    world.track("ada", "Webinar Attended")
    world.advance("10 days")
    text = SCORING.replace(
        "thresholds",
        "  - {points: 8, for: {did: Webinar Attended}, half-life: 10 days}\nthresholds",
    )
    (tmp_path / "folder" / "scoring.yaml").write_text(text, "utf-8")
    world.system.publish()
    world.settle()
    assert score(world) == pytest.approx(4)


def test_two_people_who_become_one_have_the_points_of_both(begin: Any) -> None:
    world = begin()
    call = {"anonymousId": "a1", "event": "Demo Requested"}
    world.post("track", call)
    world.track("ada", "Demo Requested")
    world.advance("90 days")
    world.post("identify", {"anonymousId": "a1", "userId": "ada"})
    assert score(world) == pytest.approx(40)


# --- the file that is shipped

SHIPPED_EVENTS = {
    "Clicks in mails": [("Email Link Clicked", {})],
    "Signed up": [("Signed Up", {})],
    "Tries it": [("Trial Started", {})],
    "Asked for a demo": [("Demo Requested", {})],
    "Was interested on the phone": [("Call Logged", {"outcome": "interested"})],
    "Met us": [("Meeting Held", {}), ("Visit Held", {})],
    "Was not interested on the phone": [("Call Logged", {"outcome": "not interested"})],
}
SHIPPED_TRAITS: dict[str, dict[str, Any]] = {
    "Decides": {"job_title": "head of marketing"},
    "Works in a company of 50 or more": {"employees": 50},
    "Told us the company": {"company": "Shop AG"},
    "Studies": {"job_title": "student"},
}


def shipped_rules() -> list[Any]:
    from functions.folder import read_folder

    found = build(read_folder(SHIPPED).raw("scoring.yaml"))
    assert found
    return list(found.rules)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("shipped")
    shutil.copytree(JOURNEYS / "parts", folder / "journeys" / "parts")
    for file in ("brand.yaml", "scoring.yaml"):
        shutil.copy(SHIPPED / file, folder / "journeys")
    yield World(folder / "data", folder / "journeys")
    wiring.use(None)


@pytest.mark.parametrize("rule", shipped_rules(), ids=lambda rule: rule.because)
def test_every_shipped_rule_gives_its_points(shipped: World, rule: Any) -> None:
    user = rule.key
    shipped.identify(user, **SHIPPED_TRAITS.get(rule.because, {"plan": "none"}))
    for name, properties in SHIPPED_EVENTS.get(rule.because, [])[:1]:
        shipped.track(user, name, **properties)
    assert score(shipped, user) == pytest.approx(rule.points)
    events = SHIPPED_EVENTS.get(rule.because, [])
    for _ in range(12):
        for name, properties in events:
            shipped.track(user, name, **properties)
    if events:
        bound = rule.most if rule.points > 0 else -rule.most
        assert score(shipped, user) == pytest.approx(bound)
