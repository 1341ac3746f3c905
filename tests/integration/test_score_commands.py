"""tante score and tante scoring, as typed: from hand-overs and their outcomes to new points."""

import random
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from functions.folder import read_folder
from functions.handlers import wiring
from functions.sales.records import Lead
from functions.segments.scoring import Rule, build
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from local.scoring_file import with_points
from tests.support.journeys import SHIPPED
from tests.support.world import JOURNEYS, World

SCORING = """\
title: Lead score
fit: []
behaviour:
  # what matters, as we thought
  - {points: 10, for: {did: Demo Requested}, because: Demo}   # ten
  - points:   10
    for: {did: Guide Read}
    because: Guide
thresholds: {warm: 8, hot: 18}
"""
HAND_OVER = """\
title: Hand over
purpose: offers
enter when: {event: Score Reached, where: {threshold: warm}}
once per: person
steps:
  - {task: Call, for: owner, hand over: true}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Shop"]:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    with serving(application(App(shop.world.system).route)) as url:
        shop.url = url
        yield shop
    wiring.use(None)


class Shop:
    """A running system with one lead that was handed over, and a terminal beside it."""

    def __init__(self, place: Path) -> None:
        self.folder, self.data, self.url = place / "statemachines", place / "data", ""
        shutil.copytree(JOURNEYS / "parts", self.folder / "parts")
        for file in ("brand.yaml", "sales.yaml"):
            shutil.copy(SHIPPED / file, self.folder)
        (self.folder / "scoring.yaml").write_text(SCORING, "utf-8")
        (self.folder / "hand-over").mkdir()
        (self.folder / "hand-over" / "journey.yaml").write_text(HAND_OVER, "utf-8")
        self.world = World(self.data, self.folder)
        self.world.identify("ada", email="ada@example.com")
        self.world.track("ada", "Demo Requested")

    def type(self, *words: str) -> Result:
        where = ["--data", str(self.data), "--at", self.url]
        return CliRunner().invoke(app, [*words, *where])

    @property
    def key(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.world.system.keys.secret_key}"}

    @property
    def rules(self) -> tuple[Rule, ...]:
        scoring = self.world.system.parts.library.rules().scoring
        assert scoring
        return scoring.rules

    def outcomes(self, first: int, last: int) -> None:
        """Leads of long ago, of which sales has said what became of them: demos are worth a lot,
        guides nothing."""
        chance, keys = random.Random(3), [rule.key for rule in self.rules]
        for n in range(first, last):
            times = [chance.choice((0, 1, 1, 2)), chance.choice((0, 1, 2))]
            good = chance.random() < (0.1, 0.55, 0.93)[times[0]]
            lead: Any = Lead(
                person=self.world.person("ada").person,
                lead_id=f"old {n}",
                owner="anna",
                score=10.0 * sum(times),
                parts={f"{key}*10": 10.0 * one for key, one in zip(keys, times, strict=True)},
                handed=self.world.now - timedelta(hours=last - n),
                status="won" if good else "rejected",
            )
            self.world.store.put(lead)


def rules_in(folder: Path) -> tuple[Rule, ...]:
    scoring = build(read_folder(folder).raw("scoring.yaml"))
    assert scoring
    return scoring.rules


def test_a_score_is_told_with_its_reasons(shop: Shop) -> None:
    said = shop.type("score", "ada@example.com").output
    assert "10 points: warm" in said
    assert "Demo" in said
    assert "once, on" in said
    assert "noch nie" in shop.type("score", "ada", "--in", "de").output
    assert shop.type("score", "nobody").exit_code == 1


def test_points_are_given_by_hand(shop: Shop) -> None:
    assert shop.type("scoring", "give", "ada", "3", "--note", "fair").exit_code == 0
    shop.world.settle()
    assert "given by journeys and colleagues" in shop.type("score", "ada").output
    assert shop.type("scoring", "give", "ada", "0").exit_code == 1


def test_a_hand_over_notes_the_parts_of_the_score(shop: Shop) -> None:
    [lead] = [one for one in shop.world.store.listing(Lead)[0] if one.journey == "hand-over"]
    assert (lead.score, lead.parts) == (10, {f"{shop.rules[0].key}*10": 10})


def test_outcomes_become_a_report_a_proposal_and_points_in_the_file(shop: Shop) -> None:
    shop.outcomes(0, 20)
    assert "too few to propose weights" in shop.type("scoring", "report").output
    proposal = ("scoring", "proposal", "--journeys", str(shop.folder))
    shop.type(*proposal, "--write")
    file = shop.folder / "scoring.yaml"
    assert file.read_text("utf-8") == SCORING
    shop.outcomes(20, 400)
    report = shop.type("scoring", "report", "--by", "won").output
    assert "of 400 leads were won" in report
    assert "18" in report
    shown = shop.type(*proposal)
    assert file.read_text("utf-8") == SCORING  # nothing is applied silently
    assert "better" in shown.output
    written = shop.type(*proposal, "--write")
    assert written.exit_code == 0
    changed = file.read_text("utf-8")
    new = [rule.points for rule in rules_in(shop.folder)]
    assert new[0] > 12
    assert -3 < new[1] < 3
    kept = [line for line in changed.splitlines() if "points" not in line]
    assert kept == [line for line in SCORING.splitlines() if "points" not in line]
    assert "because: Demo}   # ten" in changed
    assert [rule.points for rule in shop.rules] == [10, 10]  # until somebody publishes
    shop.world.system.publish()
    assert [rule.points for rule in shop.rules] == new
    asked = shop.world.request("GET", "/api/scoring/report?by=luck", headers=shop.key)
    assert asked["statusCode"] == 400


def test_new_points_change_nothing_else_of_the_file() -> None:
    key = rules_in(SHIPPED)[0].key
    text = (SHIPPED / "scoring.yaml").read_text("utf-8")
    assert with_points(text, {key: -2.5}) == text.replace("points: 20", "points: -2.5", 1)
    with pytest.raises(KeyError):
        with_points(text, {"gone": 1})
