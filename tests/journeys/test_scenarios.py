"""Every scenario of the shipped journeys and of the pack comes as its marketer expects."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from functions.folder import PACK, SCENARIO_FILE, check, check_brand, read_folder
from functions.journeys.yaml_file import read
from local.pack import ready
from local.scenarios.read import read_scenarios
from local.scenarios.rehearsal import Rehearsal
from local.scenarios.scenario import Scenario
from local.scenarios.verdict import judge
from tests.support.pack import JOURNEYS, folder_with, packed

SHIPPED = ""  # instead of a journey of the pack: all that is shipped, together
KEPT = TemporaryDirectory(prefix="tante-scenarios-")  # as long as the tests run


class Written(NamedTuple):
    """Where a scenario stands; SHIPPED or the journey of the pack."""

    pack: str
    journey: str
    title: str


def written() -> list[Written]:
    """All of them, from the files alone: so each is a test of its own."""
    files = [(SHIPPED, file) for file in sorted(JOURNEYS.glob(f"*/*{SCENARIO_FILE}"))]
    files += [
        (file.parent.name, file) for file in sorted((JOURNEYS / PACK).glob(f"*/*{SCENARIO_FILE}"))
    ]
    return [
        Written(pack, file.parent.name, one["scenario"])
        for pack, file in files
        for one in read(file.name, file.read_text("utf-8")).value
    ]


@cache
def stage(pack: str) -> tuple[Rehearsal, list[Scenario]]:
    """The published folder and its scenarios."""
    work = Path(KEPT.name) / (pack or "shipped")
    work.mkdir()
    folder = folder_with(pack, work / "statemachines") if pack else JOURNEYS
    return Rehearsal(folder, work), read_scenarios(folder)


@pytest.mark.parametrize("one", written(), ids=lambda one: f"{one.journey}: {one.title}")
def test_it_comes_as_the_scenario_expects(one: Written) -> None:
    rehearsal, scenarios = stage(one.pack)
    [scenario] = [s for s in scenarios if (s.journey, s.title) == (one.journey, one.title)]
    assert judge(scenario, rehearsal.play(scenario)).wrong == []


def test_there_are_at_least_ten_ready_journeys_with_two_scenarios_each() -> None:
    names = [one.name for one in ready(JOURNEYS)]
    assert len(names) >= 10
    assert len(set(names)) == len(names)
    told = [one.journey for one in written()]
    assert {name for name in names if told.count(name) < 2} == set()


@pytest.mark.parametrize("name", packed())
def test_a_ready_journey_passes_every_check_in_our_brand(name: str, tmp_path: Path) -> None:
    [checked] = check(read_folder(folder_with(name, tmp_path / "statemachines")))
    assert checked.journey.title


@pytest.mark.parametrize("name", packed())
def test_the_scenarios_of_a_ready_journey_are_right_under_another_name(
    name: str, tmp_path: Path
) -> None:
    folder = folder_with(name, tmp_path / "statemachines", "renamed")
    assert {scenario.journey for scenario in read_scenarios(folder)} == {"renamed"}


@pytest.mark.parametrize("name", packed())
def test_every_marketing_message_of_the_pack_says_how_to_leave(name: str) -> None:
    mails = sorted((JOURNEYS / PACK / name).glob("*.mjml"))
    sends = "send: " in (JOURNEYS / PACK / name / "journey.yaml").read_text("utf-8")
    assert bool(mails) == (sends and name != "text-help"), "one answers a text by a text"
    for mail in mails:
        text = mail.read_text("utf-8")
        # The footer has the link; the part `imprint` is for those who have not agreed yet.
        assert "parts/footer." in text or "parts/imprint." in text, mail.name
        assert "<mj-preview>" in text, mail.name
        assert text.count("<mj-button") == 1, mail.name


def test_no_scenario_and_nothing_of_the_pack_is_published() -> None:
    folder = read_folder(JOURNEYS)
    assert check_brand(folder.brand)
    assert PACK not in folder.journeys
    assert not {name for files in folder.journeys.values() for name in files if "scenario" in name}
