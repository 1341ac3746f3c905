"""tante forecast, as typed: on a folder's people, on made-up ones, by a running system."""

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from functions.handlers import wiring
from local import forecast_asked
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.integration.test_forecasts import work
from tests.support.world import JOURNEYS, World


class Shop:
    """A company's data folder, with three people of whom two have bought a licence."""

    def __init__(self, place: Path) -> None:
        self.data = place / "data"
        self.world = World(self.data)
        for user in ("ada", "ben", "eve"):
            self.world.customer(user)
            self.world.advance("1 minute")
            if user != "eve":
                self.world.order(user, user, "basic-1y")
        self.world.advance("40 days")

    def type(self, *words: str, journey: str = "onboarding") -> Result:
        said = ["forecast", journey, "--data", str(self.data), "--cores", "1", *words]
        return CliRunner().invoke(app, said)

    def read(self, *words: str) -> dict[str, Any]:
        answer = self.type("--json", *words)
        assert answer.exit_code == 0, answer.output
        found: dict[str, Any] = json.loads(answer.stdout)
        return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    yield Shop(tmp_path_factory.mktemp("shop"))
    wiring.use(None)


def test_a_replay_says_what_the_journey_would_have_done(shop: Shop, tmp_path: Path) -> None:
    page = tmp_path / "forecast.html"
    answer = shop.type("--days", "60", "--html", str(page))
    assert answer.exit_code == 0, answer.output
    assert "2 people enter" in answer.stdout
    assert "send “welcome”" in answer.stdout
    assert "It costs $" in answer.stdout
    assert "<svg" in page.read_text("utf-8")


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(shop: Shop) -> None:
    words = ("--json", "--mode", "expect", "--draws", "2", "--days", "60", "--people", "30")
    first = shop.type(*words, "--seed", "a").stdout
    assert first == shop.type(*words, "--seed", "a").stdout
    assert json.loads(first)["draws"] == 2
    other = shop.type(*words, "--seed", "b").stdout
    assert first.replace('"seed":"a"', "") != other.replace('"seed":"b"', "")


def test_one_core_and_two_give_the_same_bytes(shop: Shop) -> None:
    words = ("--json", "--days", "60")
    assert shop.type(*words, "--cores", "1").stdout == shop.type(*words, "--cores", "2").stdout


def test_a_sample_is_counted_for_all(shop: Shop) -> None:
    found = shop.read("--days", "60", "--sample", "2", "--seed", "3")
    # Whoever is chosen and cannot enter stands for others who cannot.
    assert found["scale"] in (1.5, 2.0)


def test_whoever_knows_nobody_yet_has_people_made_up(tmp_path: Path) -> None:
    words = ["forecast", "onboarding", "--people", "20", "--days", "30", "--json", "--cores", "1"]
    answer = CliRunner().invoke(app, [*words, "--data", str(tmp_path / "none")])
    found = json.loads(answer.stdout)
    assert found["about"]["mode"] == "generated"
    assert found["journeys"][0]["people"]["likely"] == 20
    assert not (tmp_path / "none").exists()


def test_what_is_wrong_is_said_with_what_would_be_right(shop: Shop, tmp_path: Path) -> None:
    def refused(answer: Result) -> str:
        assert answer.exit_code == 2
        return answer.output

    assert "there are: onboarding, recovery, upsell" in refused(shop.type(journey="nope"))
    assert "first person came on 2027-03-01" in refused(shop.type("--since", "2026-01-01"))
    assert "still to come" in refused(shop.type("--since", "2028-01-01"))
    assert '"since" goes with a replay' in refused(
        shop.type("--mode", "expect", "--since", "2027-03-01")
    )
    # Nobody has bought since.
    assert "there was no Order Completed" in refused(shop.type("--days", "10"))
    assert "eu-central-1" in refused(shop.type("--prices-of", "mars"))
    nobody = CliRunner().invoke(app, ["forecast", "upsell", "--data", str(tmp_path)])
    assert "--people 1000" in refused(nobody)


@pytest.fixture
def url(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the shop's running system, which forecasts at once and in this process."""
    object.__setattr__(shop.world.system.parts, "forecast", lambda name: work(shop.world, name))
    monkeypatch.setattr(forecast_asked, "PAUSE", 0.0)
    with serving(application(App(shop.world.system).route)) as address:
        yield address


def test_a_running_system_forecasts_on_its_own_people(shop: Shop, url: str) -> None:
    found = shop.read("--days", "60", "--at", url)
    assert found["journeys"][0]["people"]["likely"] == 2
    late = shop.type("--since", "2028-01-01", "--at", url)
    assert (late.exit_code, "still to come" in late.output) == (2, True)


def test_a_running_system_compares_the_folder_with_what_is_live(
    shop: Shop, url: str, tmp_path: Path
) -> None:
    changed = tmp_path / "journeys"
    copytree(JOURNEYS, changed)
    file = changed / "onboarding" / "journey.yaml"
    head, _, rest = file.read_text("utf-8").partition("  - send: guide")
    assert rest
    file.write_text(head, "utf-8")
    words = ("--days", "60", "--journeys", str(changed), "--at", url)
    live = shop.read(*words, "--against", "live")
    folder = shop.read(*words, "--against", str(JOURNEYS))
    failed = shop.type(*words, "--against", "live", "--fail-on", "change")
    unknown = shop.type(*words, "--against", "v7")
    assert [one["lost"]["likely"] for one in live["messages"] if one["message"] == "guide"] == [2]
    assert folder["messages"] == live["messages"]
    assert failed.exit_code == 1
    assert (unknown.exit_code, 'no version "v7"' in unknown.output) == (2, True)


def test_a_running_system_tells_how_far_off_its_forecast_was(shop: Shop, url: str) -> None:
    made = shop.type("--days", "30", "--since", "2027-03-01", "--at", url)
    name = made.stderr.split()[1].rstrip(";")
    found = shop.type("--score", name, "--at", url, journey="")
    nothing = shop.type("--score", "nope", "--at", url, journey="")
    assert "onboarding: entered" in found.stdout, found.output
    assert (nothing.exit_code, 'no forecast "nope"' in nothing.output) == (1, True)


def test_more_mails_a_day_than_the_quota_are_warned_of(shop: Shop) -> None:
    warned = shop.read("--days", "60", "--mails-a-day", "1")["warnings"]
    assert [one["kind"] for one in warned if one["kind"] == "quota"]
    assert "quota" not in shop.type("--days", "60", "--mails-a-day", "1000").stdout
