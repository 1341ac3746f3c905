"""What journeys cost, in a whole Tante: counted, priced by the month, and held against budgets."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functions.channels.channel import Outgoing, Permanent
from functions.forecast.prices import prices
from functions.handlers import compare_runs, costing, wiring
from functions.handlers.costing import OVER, WILL_BE_OVER, Meter
from functions.journeys.counted import EXACTLY, ONE_OF, Counted, Used, counted_key
from tests.journeys.test_when_messages_go import folder_of
from tests.support.world import World

Begin = Callable[..., World]
MARCH = "2027-03"  # the world begins on its first day
MAIL_AND_TEXT = """\
  - send: a
  - wait for: {clicked: a}
    at most: 5 days
  - send: both
    by: sms
"""
FRANKFURT = prices("eu-central-1")


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Makes a Tante with a journey `cart` of these steps, which `Cart Filled` starts, and people
    with mail and phone."""

    def begin(
        steps: str = MAIL_AND_TEXT, head: str = "", brand: str = "", people: int = 1
    ) -> World:
        world = World(tmp_path / "data", folder_of(tmp_path / "f", steps, head, brand, "offers"))
        for number in range(people):
            world.customer(f"u{number}")
        world.advance("1 minute")
        for number in range(people):
            world.track(f"u{number}", "Cart Filled")
        world.advance("1 minute")
        return world

    yield begin
    wiring.use(None)


def cart(world: World, **asked: str) -> dict[str, Any]:
    [found] = world.api("/api/costs", **asked)["journeys"]
    return dict(found)


def of(found: dict[str, Any], part: str) -> float:
    return float(sum(row["dollars"] for row in found["rows"] if row["part"] == part))


def test_what_a_journey_sent_and_did_is_on_its_bill(begin: Begin) -> None:
    world = begin(people=3)
    world.advance("6 days")
    found = cart(world)
    assert found["journey"] == "cart"
    assert (found["runs"], found["mails"], found["texts"]) == (3, 3, {"DE": 3})
    assert found["steps"] == 3 * 2  # the wait is one state with its message
    assert of(found, "SES") == pytest.approx(3 * 0.0001)
    assert of(found, "SMS DE") == pytest.approx(3 * float(FRANKFURT.sms["DE"].dollars))
    # The start, both messages, and nothing between them.
    assert of(found, "Step Functions") == pytest.approx(3 * 3 * 25e-6)
    assert found["dollars"] == pytest.approx(sum(row["dollars"] for row in found["rows"]), abs=1e-5)
    assert found["off"] == 0


def test_who_is_still_under_way_has_cost_what_went(begin: Begin) -> None:
    found = cart(begin(people=2))
    assert (found["runs"], found["mails"], found["texts"]) == (0, 2, {})
    assert found["per_run"] is None


def test_what_did_not_go_is_not_on_the_bill(begin: Begin) -> None:
    world = begin()
    world.track("u0", "Consent Withdrawn", channel="sms", purposes=["offers"])
    world.advance("6 days")
    assert world.sent("u0") == ["a"]
    found = cart(world)
    assert (found["mails"], found["texts"]) == (1, {})


def test_a_month_has_its_own_bill_and_another_none(begin: Begin) -> None:
    world = begin()
    world.advance("40 days")
    assert world.api("/api/costs")["journeys"] == []  # April
    found = world.api("/api/costs", month=MARCH)
    assert found["over"] == 1
    [of_march] = found["journeys"]
    assert of_march["mails"] == 1
    assert of_march["expected"] == of_march["dollars"] == found["dollars"]


def test_the_end_of_the_month_is_expected_to_be_as_its_days_so_far(begin: Begin) -> None:
    world = begin()
    assert cart(world)["expected"] == cart(world)["dollars"]  # too soon to tell
    world.advance("10 days")
    found = world.api("/api/costs")
    assert found["expected"] == pytest.approx(found["dollars"] / found["over"], rel=1e-3)


def test_a_price_that_brand_yaml_states_holds_for_text_messages(begin: Begin) -> None:
    world = begin(brand='sms costs: {"+49": 0.50}\n')
    world.advance("6 days")
    rate = FRANKFURT.currencies["EUR"].dollars
    assert of(cart(world), "SMS DE") == pytest.approx(float(Decimal("0.50") * rate))


def test_the_prices_of_another_region_may_be_asked_for(begin: Begin) -> None:
    world = begin()
    here, there = cart(world), cart(world, region="us-east-1")
    assert there["dollars"] < here["dollars"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("region=mars-1", "there are: eu-central-1, us-east-1"),
        ("month=2027", "is no month"),
        ("month=2027-04", "has not begun"),
    ],
)
def test_what_cannot_be_told_is_refused_with_what_would_be_right(
    begin: Begin, asked: str, words: str
) -> None:
    world = begin(people=0)
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    answer = world.request("GET", f"/api/costs?{asked}", headers=key)
    assert answer["statusCode"] == 400
    assert words in answer["json"]["message"]


# --- counting


def test_a_busy_journey_writes_one_count_of_sixteen(begin: Begin) -> None:
    world = begin(people=0)
    parts = world.system.parts
    for number in range(4 * EXACTLY):
        costing.count(parts, "cart", Used(step="send a", mails=1, messages=1), str(number))
    rows = list(world.store.query(Counted, counted_key("cart")))
    written = sum(row.version for row in rows)
    assert EXACTLY < written < EXACTLY + 5 * EXACTLY / ONE_OF
    found = cart(world)
    assert 0 < found["off"] < 0.15
    assert abs(found["mails"] - 4 * EXACTLY) < found["off"] * 4 * EXACTLY


def test_text_messages_are_all_counted_however_busy_a_journey_is(begin: Begin) -> None:
    world = begin(people=0)
    parts = world.system.parts
    used = Used(step="send both", texts={"DE": 2}, messages=1)
    for number in range(2 * EXACTLY):
        costing.count(parts, "cart", used, str(number))
    found = cart(world)
    assert found["texts"] == {"DE": 4 * EXACTLY}
    assert found["off"] < 0.001  # what is dear has no error


def test_what_a_provider_refuses_is_not_on_the_bill() -> None:
    class Refusing:
        def send(self, message: Outgoing) -> str:
            raise Permanent("no such number")

    meter = Meter()
    channel = meter.watch({"sms": Refusing()})["sms"]
    with pytest.raises(Permanent):
        channel.send(Outgoing("s1", "+4915112345678", "Hello"))
    assert meter.used("send").texts == {}


def test_a_count_that_fails_keeps_no_message_back(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(costing, "_count", fail)
    world = begin()
    assert world.sent("u0") == ["a"]
    assert world.api("/api/costs")["journeys"] == []


# --- budgets


def said(world: World, caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """What the daily check says now: the words and of which journey."""
    caplog.clear()
    compare_runs.handler({}, None)
    found = [one for one in caplog.records if one.message in (OVER, WILL_BE_OVER)]
    return [(one.message, one.__dict__["of"]) for one in found]


def test_a_journey_over_its_budget_is_named_every_day_until_the_month_is_over(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    world = begin(head="budget: 0.05 USD a month\n")
    assert cart(world)["state"] == "within"
    assert said(world, caplog) == []
    world.advance("6 days")  # the text message costs more
    assert cart(world)["state"] == "over"
    assert said(world, caplog) == [(OVER, "cart")]
    world.advance("1 day")
    assert said(world, caplog) == [(OVER, "cart")]
    world.advance("30 days")
    assert said(world, caplog) == []


def test_it_goes_on_sending(begin: Begin) -> None:
    world = begin(head="budget: 0.01 USD a month\n", people=2)
    world.advance("6 days")
    assert world.sent("u0") == world.sent("u1") == ["a", "both"]


def test_a_budget_that_will_not_hold_is_told_before_it_is_spent(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    world = begin(head="budget: 0.20 USD a month\n")
    world.advance("6 days")
    assert cart(world)["state"] == "will be over"
    assert said(world, caplog) == [(WILL_BE_OVER, "cart")]


def test_all_journeys_together_have_the_budget_of_brand_yaml(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    world = begin(brand="budget: 0.05 USD a month\n")
    world.advance("6 days")
    found = world.api("/api/costs")
    assert (found["budget"], found["state"]) == (0.05, "over")
    assert cart(world)["state"] == ""
    assert said(world, caplog) == [(OVER, "all")]


def test_without_prices_of_the_region_it_is_told_that_budgets_are_not_checked(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    world = begin(head="budget: 50 USD a month\n")
    parts = world.system.parts
    far = replace(parts, settings=replace(parts.settings, region="mars-1"))
    caplog.clear()
    assert costing.check_budgets(far) == []
    assert costing.NOT_CHECKED in caplog.text
