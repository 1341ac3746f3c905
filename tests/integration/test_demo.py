"""The demo on a few households and forty days."""

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from functions.handlers import wiring
from local import demo
from local.households import FIRST_DAY, read_year
from tests.support.world import JOURNEYS


def _play(data: Path, seed: int = 1) -> str:
    said = io.StringIO()
    demo.play(6, seed, data, 0, JOURNEYS, Console(file=said, width=100))
    wiring.use(None)
    return said.getvalue()


@pytest.fixture(autouse=True)
def _forty_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "LAST_MOMENT", FIRST_DAY + timedelta(days=40))


def test_the_same_seed_gives_the_same_result_and_another_seed_another(tmp_path: Path) -> None:
    first, again, other = (
        _play(tmp_path / name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    without_speed = re.compile(r"[\d,]+ a second|DATA=\S+|--data \S+", re.DOTALL)
    assert without_speed.sub("", first) == without_speed.sub("", again)
    assert re.findall("result (.*):", first) != re.findall("result (.*):", other)


def test_what_the_demo_prints_agrees_with_the_data(tmp_path: Path) -> None:
    said = _play(tmp_path / "a")
    year = read_year(6, 1)
    bought = [b for b in year.baskets if b.time < FIRST_DAY + timedelta(days=40)]
    customers = {basket.household for basket in bought}
    assert re.search(rf"people\s+{len(customers)}\b", said)
    assert re.search(rf"onboarding\s+{len(customers)}\b", said)
    assert re.search(r"lost or set aside\s+0\b", said)
    assert re.search(rf"Marketing and sales\s+Customer {len(customers)}\b", said)
    assert re.search(rf"customers\s+{len(customers)}: Has ordered", said)


def test_every_message_is_read_by_its_reader_also_those_of_one_moment(tmp_path: Path) -> None:
    said = _play(tmp_path / "a")
    sent = re.findall(r"(?:onboarding|upsell|recovery)/\S+ +(?:email|sms) +(\d+)", said)
    read = re.findall(r"([\d,]+) messages", said)[-1]
    assert int(read) == sum(map(int, sent)) > 0


def test_the_demo_empties_no_folder_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SystemExit):
        _play(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_every_household_and_basket_of_the_package_is_there() -> None:
    year = read_year(None, 1)
    assert len(year.baskets) == 155_848
    assert len({basket.household for basket in year.baskets}) == 2_469
    assert 0.05 < year.population_rate < 0.25
