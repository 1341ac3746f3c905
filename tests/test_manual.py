"""The manual's examples are journeys that pass the checks and run to their end."""

from pathlib import Path

import pytest

from functions.folder import check, read_folder
from functions.handlers import wiring
from functions.journeys import steps
from tests.support.examples import NAME, Example, examples, write
from tests.support.world import World

EXAMPLES = [pytest.param(one, id=f"line {one.line}") for one in examples()]
ENTRY = {
    "order_id": "o-1",
    "cart_id": "c-1",
    "licence_id": "l-1",
    "amount": 50,
    "licence_ends": "2027-09-01",
    "appointment": "2027-04-01T15:00:00+02:00",
    "products": [{"sku": "basic-1y"}],
}


def test_every_step_has_an_example_in_the_manual() -> None:
    shown = {verb for one in examples() for verb in one.verbs}
    assert set(steps.types()) - shown == set()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_manual_passes_the_checks(example: Example, tmp_path: Path) -> None:
    assert check(read_folder(write(example, tmp_path / "folder")))


@pytest.mark.parametrize("example", EXAMPLES)
def test_who_enters_an_example_of_the_manual_comes_to_an_end(
    example: Example, tmp_path: Path
) -> None:
    if not example.is_entered_by_its_event:
        return  # it shows who enters; what it shows is checked above
    world = World(tmp_path / "data", write(example, tmp_path / "folder"))
    world.customer("ada", birthday="1990-05-06", trial_ends="2027-05-01", plan="basic")
    world.track("ada", "Example", **ENTRY)
    world.advance("5 years")
    [outcome] = world.outcomes(NAME)
    wiring.use(None)
    assert outcome not in ("open", "failed", "stopped")
