"""tante cost, as typed: a month's bill by journey, one journey part by part, and as JSON."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from functions.handlers import wiring
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.journeys.test_when_messages_go import folder_of
from tests.support.world import World

STEPS = "  - send: a\n  - wait: 5 days\n  - {send: both, by: sms}\n"
HEAD = "budget: 0.05 USD a month\n"


class Shop:
    """A running system with a journey that one person went through, and a terminal beside it."""

    def __init__(self, place: Path) -> None:
        self.data, self.url = place / "data", ""
        folder = folder_of(place / "folder", STEPS, HEAD, "", "offers")
        self.world = World(self.data, folder)
        self.world.customer("ada")
        self.world.advance("1 minute")
        self.world.track("ada", "Cart Filled")
        self.world.advance("6 days")

    def type(self, *words: str) -> Result:
        where = ["--data", str(self.data), "--at", self.url]
        return CliRunner().invoke(app, ["cost", *words, *where])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    with serving(application(App(shop.world.system).route)) as url:
        shop.url = url
        yield shop
    wiring.use(None)


def test_the_month_s_bill_is_a_row_for_each_journey_with_its_budget(shop: Shop) -> None:
    said = shop.type().output
    [row] = [line.split() for line in said.splitlines() if line.strip().startswith("cart ")]
    assert row == ["cart", "1", "1", "1", "0.11", "0.54", "0.1102", "0.05", "over"]
    assert "2027-03, 21% of it over, in dollars" in said
    assert "An estimate" in said
    assert "eu-central-1" in said


def test_one_journey_is_told_part_by_part(shop: Shop) -> None:
    said = shop.type("--journey", "cart").output
    [row] = [line for line in said.splitlines() if line.strip().startswith("SMS DE")]
    assert "part of a text message, K" in row
    assert "0.1100" in row
    assert shop.type("--journey", "gone").output.startswith('in 2027-03 no journey "gone"')


def test_programs_get_json(shop: Shop) -> None:
    found = json.loads(shop.type("--json", "--month", "2027-03").output)
    assert found["journeys"][0]["texts"] == {"DE": 1}


def test_a_month_that_has_not_begun_is_refused(shop: Shop) -> None:
    done = shop.type("--month", "2027-07")
    assert done.exit_code == 1
    assert '"2027-07" has not begun' in done.output
