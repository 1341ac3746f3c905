"""`tante people referrals` and `show`, as typed: how many were won, and by whom."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from functions.handlers import wiring
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.support.world import JOURNEYS, World


def a_shop(place: Path) -> World:
    """Ada's friend Bob buys, and so do three whom nobody brought."""
    folder = place / "statemachines"
    folder.mkdir()
    for file in ("brand.yaml", "segments.yaml"):
        shutil.copy(JOURNEYS / file, folder)
    world = World(place / "data", folder)
    world.customer("ada")
    ada = world.person("ada").person
    code = world.api(f"/api/people/{ada}/referral")["code"]
    world.track("bob", "Signed Up", referral_code=code)
    world.advance("1 minute")
    for user in ("bob", "cy", "dan", "eve"):
        world.order(user, f"o-{user}", revenue=29)
    world.advance("1 day")
    return world


def test_the_rate_and_who_won_most_are_shown_and_everybody_s_own_code_and_friends(
    tmp_path: Path,
) -> None:
    world = a_shop(tmp_path)

    def typed(*words: str) -> str:
        where = ["--at", url, "--key", world.system.keys.secret_key]
        result = CliRunner().invoke(app, [*words, *where])
        assert result.exit_code == 0, result.output
        return result.stdout

    with serving(application(App(world.system).route)) as url:
        shown = typed("people", "referrals")
        of_ada, of_bob = (typed("people", "show", user) for user in ("ada", "bob"))
    wiring.use(None)
    assert "referral rate of the last 30 days: 25.0 %" in shown
    assert "1 of 4 new customers were referred" in shown
    assert "customers won so far: 1, by 1; their first orders came to 29.00 EUR" in shown
    assert "ada@example.com" in shown
    assert "Won 1 customer by referral (first order: 29.00 EUR)." in of_ada
    assert "Came by the referral code" in of_bob


def test_a_period_is_of_a_day_to_four_hundred(tmp_path: Path) -> None:
    world = a_shop(tmp_path)
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    for days, status in (("0", 400), ("401", 400), ("x", 400), ("400", 200)):
        answer = world.request("GET", f"/api/referrals?days={days}", None, key)
        assert answer["statusCode"] == status
    assert world.api("/api/referrals", days="1")["rate"] == pytest.approx(0.25)
    wiring.use(None)
