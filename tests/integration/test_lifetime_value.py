"""What customers are worth, in a running system: shown, asked for in conditions, mailed, judged."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from shutil import copy, copytree

import pytest
from typer.testing import CliRunner

from functions.handlers import wiring
from functions.segments.census_records import Cuts, Figures
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.support.world import JOURNEYS, World

PEOPLE = 60
SEGMENTS = """
worthy: {title: Worth more than came in, who: {person: {expected_revenue: {more than: 0}}}}
likely: {title: Likely to order, who: {person: {purchase_probability: {at least: 0.5}}}}
"""
JOURNEY = """
title: Thanks
purpose: transactional
enter when: {event: Thanked}
once per: person
steps:
  - send: thanks
"""
LETTER = """<mjml><mj-head><mj-title>Thanks</mj-title></mj-head><mj-body><mj-section><mj-column>
<mj-text>Worth {{ person.lifetime_value }}, class {{ person.abc }}
<a href="{{ unsubscribe }}">leave</a></mj-text>
</mj-column></mj-section></mj-body></mjml>
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    journeys = tmp_path / "journeys"
    copytree(JOURNEYS / "parts", journeys / "parts")
    copy(JOURNEYS / "brand.yaml", journeys)
    (journeys / "segments.yaml").write_text(SEGMENTS)
    (journeys / "thanks").mkdir()
    (journeys / "thanks" / "journey.yaml").write_text(JOURNEY)
    for language in ("de", "en"):
        (journeys / "thanks" / f"thanks.{language}.mjml").write_text(LETTER)
    world = World(tmp_path / "data", journeys)
    yield world
    wiring.use(None)


def fill(world: World) -> None:
    """Customers who ordered twice to five times in the last year, each for amounts of their own."""
    now, batch = world.now, []
    for number in range(PEOPLE):
        gap = 10 + number % 17 * 4
        for n in range(2 + number % 4):
            time = now - timedelta(days=120 + number - n * gap)
            said = {"order_id": f"{number}-{n}", "revenue": 20 + number + 7 * n, "currency": "EUR"}
            call = {"type": "track", "event": "Order Completed", "properties": said}
            who = {"userId": f"user{number:02}", "messageId": f"{number}-{n}"}
            if time < now:
                batch.append({**call, **who, "timestamp": time.isoformat()})
    for first in range(0, len(batch), 50):
        world.post("batch", {"batch": batch[first : first + 50]})


def test_what_is_foretold_once_a_day_is_shown_asked_for_mailed_and_judged(
    world: World, tmp_path: Path
) -> None:
    fill(world)
    world.identify("user00", email="ada@example.org")
    person = f"/api/people/{world.person('user00').person}"
    before = world.api(person)["lifetime_value"]
    assert (before["expected"], before["total"]) == (None, before["past"])
    assert before["why"] == "nobody has been counted yet: that is done once a day"
    assert world.api("/api/calibration")["calibration"] is None

    world.advance("1 day")
    [cuts, *_] = world.store.listing(Cuts)[0]
    worth = world.api(person)["lifetime_value"]
    assert worth["total"] == pytest.approx(worth["past"] + worth["expected"])
    assert (
        worth["formula"] == f"BG/NBD + Gamma-Gamma, fitted {cuts.made:%Y-%m-%d} over 60 customers"
    )
    assert (worth["horizon"], worth["currency"], worth["why"]) == (365, "EUR", "")
    assert world.api(person)["computed"]["expected_orders"] == worth["orders"]
    assert "worthy" in world.person("user00").segments  # without an event of theirs

    sooner = world.api(f"{person}/value", days="30")
    assert 0 < sooner["expected"] < worth["expected"]
    assert sooner["probability"] == world.api(person)["computed"]["purchase_probability"]
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    refused = world.request("GET", f"{person}/value?days=soon", headers=key)
    assert refused["statusCode"] == 400
    assert refused["json"]["message"] == '"days" is a whole number from 1 to 3650'

    world.track("user00", "Thanked")
    world.settle()
    [letter] = world.outbox()
    assert f"Worth {worth['total']:.2f}, class C" in letter.html

    judged = world.api("/api/calibration")["calibration"]
    [figures, *_] = world.store.listing(Figures)[0]
    assert figures.calibration
    assert judged["customers"] == figures.calibration.customers > 0


def test_an_order_makes_the_next_one_likelier_at_once_and_a_refund_lowers_the_value(
    world: World,
) -> None:
    fill(world)
    world.advance("1 day")
    person = f"/api/people/{world.person('user01').person}"
    before = world.api(person)["lifetime_value"]
    for n in range(3):
        world.order("user01", f"new{n}", "ink", revenue=50)
        world.advance("1 minute")
    after = world.api(person)["lifetime_value"]
    assert after["as_of"] == before["as_of"]
    assert after["probability"] > before["probability"]
    world.track("user01", "Order Refunded", order_id="new2", revenue=50)
    world.settle()
    lowered = world.api(person)["lifetime_value"]
    assert lowered["past"] == after["past"] - 50
    assert lowered["orders"] < after["orders"]


def test_the_command_line_tells_what_somebody_is_worth_and_how_well_it_was_foretold(
    world: World, tmp_path: Path
) -> None:
    fill(world)
    world.advance("1 day")
    data = tmp_path / "data"
    with serving(application(App(world.system).route)) as url:
        at = ["--at", url, "--data", str(data)]
        shown = CliRunner().invoke(app, ["people", "show", "user05", *at])
        judged = CliRunner().invoke(app, ["people", "calibration", *at])
    assert shown.exit_code == judged.exit_code == 0, shown.output + judged.output
    assert "EUR so far" in shown.output
    assert "expected in 365 days (BG/NBD + Gamma-Gamma, fitted" in shown.output
    assert "% probable" in shown.output
    assert "asked for the 90 days" in judged.output
