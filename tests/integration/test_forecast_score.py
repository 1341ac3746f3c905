"""A forecast beside what came: what is compared, what cannot be, and how it is told."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from functions.forecast.report import NOTHING, Range, Report
from functions.forecast.score import Figure, NotScored, Score, score
from functions.forecast.tally import JourneyTally, MessageTally, StepTally, Tally
from functions.virtual.reality import Stretch, log_of, scored
from local.command_line import main
from local.forecast_scored import read_report, show
from tests.integration.test_forecasts import work
from tests.support.world import World

ONBOARDING = "onboarding"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Ada and Ben went through the onboarding; each opened the first mail."""
    made = World(tmp_path)
    object.__setattr__(made.system.parts, "forecast", lambda name: work(made, name))
    for user in ("ada", "ben"):
        made.customer(user)
        made.advance("1 minute")
        made.order(user, user, "basic-1y")
        made.advance("1 hour")
        made.open(made.outbox()[-1])
    made.advance("40 days")
    return made


def forecast(world: World, **body: Any) -> Report:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    asked = {"journey": ONBOARDING, **body}
    name = world.request("POST", "/api/forecasts", asked, key)["json"]["id"]
    return read_report(name, world.store)


def told(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit status of `tante forecast` with these words."""
    monkeypatch.setattr("sys.argv", ["tante", "forecast", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def figures(found: Score, kind: str) -> dict[str, Figure]:
    return {one.name: one for one in found.figures if one.kind == kind}


def test_a_replay_of_days_in_which_the_journey_was_live_is_right(world: World) -> None:
    report = forecast(world, since="2027-03-01", days=30)
    found = scored(world.store, report, world.now)
    assert figures(found, "entered")[""].came == 2
    assert figures(found, "sent")["welcome/email"].came == 2
    for kind in ("entered", "people", "came to step", "sent"):
        for one in figures(found, kind).values():
            assert one.off in (0, None), one
    assert found.days
    assert found.off_by_day == 0
    opened = figures(found, "opened")["welcome/email"]
    assert opened.came == 2


def test_what_came_after_the_forecast_s_end_does_not_count(world: World) -> None:
    ada = world.person("ada").person
    begin = world.now - timedelta(days=60)
    whole = log_of(world.store, ada, Stretch(begin, world.now))
    assert whole
    sent = sorted(one.claimed for one in whole.messages if one.claimed)
    short = log_of(world.store, ada, Stretch(begin, sent[1]))
    assert short
    assert [one.claimed for one in short.messages] == [sent[0]]
    assert (short.runs[0].status, whole.runs[0].status) == ("open", "ended")
    assert log_of(world.store, "nobody", Stretch(begin, world.now)) is None


def test_days_are_compared_as_long_as_it_goes_on_and_newcomers_left_out_of_it_are_not(
    world: World,
) -> None:
    report = forecast(world, mode="expect", days=30, newcomers=False)
    whole = msgspec.convert(msgspec.to_builtins(report), Report)
    whole.about.newcomers_of = 30
    with pytest.raises(NotScored, match="begins only on 2027-04-10"):
        scored(world.store, report, report.about.begin)
    world.customer("eve")
    world.advance("1 minute")
    world.order("eve", "eve", "basic-1y")
    world.order("ada", "ada-2", "basic-1y")
    world.advance("10 days")
    found = scored(world.store, report, world.now)
    assert found.figures == []
    assert sum(one.entered_came for one in found.days) <= 1
    assert found.newcomers == 1
    compared = scored(world.store, whole, world.now)
    assert compared.newcomers == 0
    more = [sum(day.entered_came for day in one.days) for one in (found, compared)]
    assert more[1] == more[0] + 1
    assert any("only the days until" in one for one in found.says) or not found.days
    world.advance("30 days")
    later = scored(world.store, report, world.now)
    assert later.figures
    assert later.known_until == report.about.until


def test_people_who_were_made_up_cannot_be_compared(world: World) -> None:
    with pytest.raises(NotScored, match="made up"):
        scored(world.store, forecast(world, people=5, days=10), world.now)


def test_the_command_tells_it_and_gives_it_as_json(
    world: World,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "forecast.json"
    file.write_bytes(msgspec.json.encode(forecast(world, since="2027-03-01", days=30)))
    asked = ["--score", str(file), "--data", str(tmp_path)]
    assert told(monkeypatch, *asked) == 0
    said = capsys.readouterr().out
    assert "onboarding: entered" in said
    assert "2027-03-01" in said
    assert told(monkeypatch, *asked, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["figures"][0] == {
        "journey": "onboarding",
        "kind": "entered",
        "name": "",
        "forecast": {"low": 2, "likely": 2, "high": 2},
        "came": 2,
    }


@pytest.mark.parametrize(
    ("said", "why"), [("nope", "neither a file"), ("other.json", "is not a forecast")]
)
def test_what_is_no_forecast_is_refused(
    world: World,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    why: str,
) -> None:
    (tmp_path / "other.json").write_text('{"about": 1}')
    name = str(tmp_path / said) if said.endswith("json") else said
    assert told(monkeypatch, "--score", name, "--data", str(tmp_path)) == 2
    assert why in capsys.readouterr().err.replace("\n", " ")
    assert told(monkeypatch) == 2


# --- the comparison itself


def test_figures_outside_their_interval_are_told(world: World) -> None:
    report = forecast(world, since="2027-03-01", days=30)
    [journey, *_] = report.journeys
    report.draws = 10
    journey.runs, journey.people, journey.goals = Range(5, 7, 9), Range(1, 2, 3), NOTHING
    for step in journey.steps:
        step.came = Range(0, 1, 2)
    for message in journey.messages:
        message.sent, message.opened, message.clicked = Range(0, 1, 2), Range(2, 3, 4), NOTHING
    messages = {"welcome/email": MessageTally(days={"2027-03-01": {"sent": 2}}, opened=1)}
    steps = {one.step: StepTally(came=9) for one in journey.steps}
    real = JourneyTally(entered={"2027-03-01": 6}, people=4, messages=messages, steps=steps)
    found = score(report, Tally(journeys={ONBOARDING: real}), world.now)
    assert figures(found, "entered")[""].inside
    assert not figures(found, "people")[""].inside
    assert figures(found, "people")[""].off == 1
    assert figures(found, "sent")["welcome/email"].inside
    assert not figures(found, "opened")["welcome/email"].inside
    assert found.inside < len(found.figures)
    assert "fewer than it should" in found.says[0]
    console = Console(width=120, record=True)
    show(found, console, whole=True)
    assert "outside" in console.export_text()


def test_a_message_that_was_not_forecast_and_went_is_off(world: World) -> None:
    report = forecast(world, since="2027-03-01", days=30)
    messages = {"surprise/email": MessageTally(days={"2027-03-01": {"sent": 3}})}
    real = JourneyTally(entered={"2027-03-01": 2}, people=2, messages=messages)
    found = score(report, Tally(journeys={ONBOARDING: real}), world.now)
    surprise = figures(found, "sent")["surprise/email"]
    assert (surprise.came, surprise.inside, surprise.off) == (3, False, None)


def test_a_journey_that_nobody_entered_asks_whether_it_was_published(world: World) -> None:
    report = forecast(world, since="2027-03-01", days=30)
    assert "was it published?" in score(report, Tally(), world.now).says[0]
