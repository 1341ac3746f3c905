"""The manual's examples are journeys that pass the checks and run to their end."""

import shutil
from pathlib import Path

import pytest

from functions.folder import SCENARIO_FILE, check, read_folder
from functions.handlers import wiring
from functions.journeys import steps
from local.scenarios.read import read_scenarios
from local.scenarios.rehearsal import Rehearsal
from local.scenarios.verdict import judge
from tests.support.examples import NAME, Example, examples, other_files, write
from tests.support.world import JOURNEYS, World

EXAMPLES = [pytest.param(one, id=f"line {one.line}") for one in examples()]
ENTRY = {
    "order_id": "o-1",
    "cart_id": "c-1",
    "licence_id": "l-1",
    "amount": 50,
    "licence_ends": "2027-09-01",
    "appointment": "2027-04-01T15:00:00+02:00",
    "products": [{"sku": "basic-1y"}],
    "asset": "whitepaper",
    # of what Tante itself tells
    "segment": "quiet-customers",
    "model": "customer",
    "stage": "reactivated",
    "threshold": "hot",
}


def test_every_step_has_an_example_in_the_manual() -> None:
    shown = {verb for one in examples() for verb in one.verbs}
    assert set(steps.types()) - shown == set()


@pytest.fixture
def with_other_files(tmp_path: Path) -> Path:
    """The shipped folder with what the manual writes into brand.yaml and into files of its own."""
    folder = shutil.copytree(JOURNEYS, tmp_path / "folder")
    for name, text in other_files().items():
        if name == "brand.yaml":
            text = (folder / name).read_text("utf-8") + text
        journey = "onboarding" if name.endswith(SCENARIO_FILE) else "."
        (folder / journey / name).write_text(text, "utf-8")
    return folder


def test_what_the_manual_writes_into_other_files_passes_the_checks(with_other_files: Path) -> None:
    assert check(read_folder(with_other_files))


def test_the_scenario_of_the_manual_comes_out_as_it_says(
    with_other_files: Path, tmp_path: Path
) -> None:
    scenarios = [one for one in read_scenarios(with_other_files) if one.journey == "onboarding"]
    rehearsal = Rehearsal(with_other_files, tmp_path)
    assert [judge(one, rehearsal.play(one)).wrong for one in scenarios] == [[]]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_manual_passes_the_checks(example: Example, tmp_path: Path) -> None:
    assert check(read_folder(write(example, tmp_path / "folder")))


@pytest.mark.parametrize("example", EXAMPLES)
def test_who_enters_an_example_of_the_manual_comes_to_an_end(
    example: Example, tmp_path: Path
) -> None:
    if not example.event:
        return  # it shows who enters; what it shows is checked above
    world = World(tmp_path / "data", write(example, tmp_path / "folder"))
    world.customer("ada", birthday="1990-05-06", trial_ends="2027-05-01", plan="basic")
    world.track("ada", example.event, **ENTRY)
    world.advance("5 years")
    [outcome] = world.outcomes(NAME)
    wiring.use(None)
    assert outcome not in ("open", "failed", "stopped")
