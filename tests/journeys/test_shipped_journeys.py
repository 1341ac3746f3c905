"""The shipped journeys from the first event to the last, on every path."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from functions.channels.channel import Outgoing, Permanent, Temporary
from functions.handlers import run_step, wiring
from functions.storage.people import permission_of
from functions.tracking import permission as permissions
from functions.tracking.message import Kept
from tests.support.world import JOURNEYS, START, World

MISSED_CALL = "Call and ask whether everything works"
PREMIUM_CALL = "High interest in premium, please close the deal"


def mail(world: World, name: str, user: str = "ada") -> Kept:
    """The message of this name that went to the person last."""
    [*_, wanted] = [one for one in world.messages(user) if one.message == name]
    found = world.store.get(Kept, wanted.send_id)
    assert found, f"{name} is not in the outbox"
    kept: Kept = found
    return kept


def tasks(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.api("/api/tasks")["tasks"]
    return found


def moment(written: str) -> datetime:
    return datetime.fromisoformat(written).astimezone(UTC)


def until_hacks(world: World, user: str = "ada", **traits: Any) -> None:
    """A new basic licence, and everything up to the minute after the hacks went out."""
    world.customer(user, **traits)
    world.order(user, "o1", "basic-1y")
    world.advance("14 days")
    world.advance("1 minute")


# --- onboarding


def test_a_click_on_the_guide_leads_from_onboarding_to_upsell_and_a_task(world: World) -> None:
    world.customer("ada", firstName="Ada", language="en")
    world.order("ada", "o1", "basic-1y")
    assert world.sent("ada") == ["welcome"]
    world.advance("5 days")
    assert world.sent("ada") == ["welcome", "guide"]
    world.advance("9 days")
    world.advance("1 minute")
    world.click(world.outbox()[1], "guide-video")
    assert world.outcomes("onboarding") == ["finished"]
    assert world.sent("ada") == ["welcome", "guide", "hacks", "five-reasons"]
    world.click(world.outbox()[-1], "premium")
    assert world.outcomes("upsell") == ["finished"]
    assert [task["owner"] for task in tasks(world)] == ["sales"]
    world.advance("76 days")
    assert world.sent("ada")[-1] == "win-back"


def test_a_click_on_the_hacks_leads_to_upsell_at_once(world: World) -> None:
    until_hacks(world)
    world.advance("6 days")
    assert world.outcomes("onboarding") == ["open"]
    world.click(mail(world, "hacks"), "hacks")
    assert world.outcomes("onboarding") == ["finished"]
    assert world.sent("ada")[-1] == "five-reasons"
    assert tasks(world) == []


def test_who_clicks_nothing_is_called_by_their_own_contact(world: World) -> None:
    until_hacks(world, owner="mira", firstName="Ada", company="Analytical Engines")
    world.open(mail(world, "guide"))
    world.advance("7 days")
    assert world.outcomes("onboarding") == ["finished"]
    assert world.runs("upsell") == []
    [task] = tasks(world)
    assert (task["text"], task["owner"]) == (MISSED_CALL, "mira")
    # Monday 22 March, 10:00 in Berlin, and two working days
    assert moment(task["created"]) == datetime(2027, 3, 22, 9, tzinfo=UTC)
    assert moment(task["due"]) == datetime(2027, 3, 24, 9, tzinfo=UTC)
    assert task["reason"] == f"Onboarding of a new basic licence: task {MISSED_CALL}"
    assert task["context"]["first_name"] == "Ada"
    assert task["context"]["company"] == "Analytical Engines"
    assert task["context"]["email"] == "ada@example.com"
    assert task["context"]["orders"] == "1"


def test_working_days_are_counted_where_the_person_is(world: World) -> None:
    """Friday evening in Berlin is Saturday in Auckland."""
    world.advance("4 days")
    world.advance("11 hours")  # Friday 5 March, 20:00 UTC: Saturday 9:00 in Auckland
    until_hacks(world, timezone="Pacific/Auckland")
    world.advance("7 days")
    [task] = tasks(world)
    # Saturday 27 March 9:00, by 4 April the clocks there have not gone back: Tuesday 9:00
    assert moment(task["due"]) == datetime(2027, 3, 29, 20, tzinfo=UTC)


def test_the_person_without_a_contact_is_called_by_the_brands_team(world: World) -> None:
    until_hacks(world)
    world.advance("7 days")
    assert [task["owner"] for task in tasks(world)] == ["sales"]


@pytest.mark.parametrize(
    ("event", "properties", "outcome"),
    [
        ("Order Completed", {"order_id": "o2", "products": [{"sku": "premium-1y"}]}, "upgraded"),
        ("Order Refunded", {"order_id": "o1"}, "refunded"),
        ("Order Refunded", {}, "refunded"),  # of which order? better one mail too few
    ],
)
@pytest.mark.parametrize("days", [1, 5, 9, 15])
def test_whoever_upgrades_or_is_refunded_leaves_at_once_and_gets_no_message_after(
    world: World, event: str, properties: dict[str, Any], outcome: str, days: int
) -> None:
    world.customer("ada")
    world.order("ada", "o1", "basic-1y")
    world.advance(f"{days} days")
    before = world.sent("ada")
    world.track("ada", event, **properties)
    assert world.outcomes("onboarding") == [outcome]
    assert [name for name in world.system.workflow.engine.executions if "onboarding" in name] == []
    live = world.permission("ada").live.values()
    assert [run.journey for run in live] == ["recovery"]
    world.advance("60 days")
    assert world.sent("ada") == before
    assert tasks(world) == []


def test_a_refund_of_another_order_lets_nobody_out(world: World) -> None:
    world.customer("ada")
    world.order("ada", "o1", "basic-1y")
    world.track("ada", "Order Refunded", order_id="o9")
    assert world.outcomes("onboarding") == ["open"]


def test_two_orders_are_two_runs_and_the_same_order_again_is_none(world: World) -> None:
    world.customer("ada")
    world.order("ada", "o1", "basic-1y")
    world.order("ada", "o2", "basic-1y")
    world.order("ada", "o1", "basic-1y")
    world.order("ada", "o3", "premium-5y")
    assert world.outcomes("onboarding") == ["open", "open"]
    assert world.sent("ada") == ["welcome", "welcome"]


def test_an_order_without_an_id_lets_no_one_in(world: World) -> None:
    world.customer("ada")
    world.track("ada", "Order Completed", products=[{"sku": "basic-1y"}])
    assert world.runs("onboarding") == []


def test_without_permission_the_welcome_goes_alone_and_the_wait_is_over_at_once(
    world: World,
) -> None:
    until_hacks(world, consents=False)
    assert world.sent("ada") == ["welcome"]
    assert {one.message: (one.state, one.reason) for one in world.messages("ada")} == {
        "welcome": ("sent", ""),
        "guide": ("not sent", "no consent"),
        "hacks": ("not sent", "no consent"),
    }
    assert [task["text"] for task in tasks(world)] == [MISSED_CALL]
    assert world.outcomes("onboarding") == ["finished"]


def test_without_an_address_nothing_is_sent_and_the_task_is_given_all_the_same(
    world: World,
) -> None:
    world.order("ada", "o1", "basic-1y")
    world.advance("14 days")
    assert world.outbox() == []
    assert [one.reason for one in world.messages("ada")] == ["no address"] * 3
    assert [task["text"] for task in tasks(world)] == [MISSED_CALL]


def test_a_permission_withdrawn_on_the_way_counts_from_then_on(world: World) -> None:
    world.customer("ada")
    world.order("ada", "o1", "basic-1y")
    world.advance("6 days")
    world.track("ada", "Consent Withdrawn", channel="email", purposes=["product tips"])
    world.advance("9 days")
    assert world.sent("ada") == ["welcome", "guide"]
    # The guide did go, so there is something to wait for.
    assert world.outcomes("onboarding") == ["open"]
    world.click(mail(world, "guide"), "guide-video")
    assert world.outcomes("upsell") == ["open"]


@pytest.mark.parametrize(
    ("traits", "locale"),
    [
        ({"language": "en"}, "en"),
        ({"language": "de"}, "de"),
        ({"locale": "en-GB"}, "en"),
        ({"locale": "de_AT"}, "de"),
        ({"language": "fr"}, "de"),
        ({}, "de"),
    ],
)
def test_a_message_is_in_the_persons_language_or_the_brands(
    world: World, traits: dict[str, str], locale: str
) -> None:
    until_hacks(world, **traits)
    assert {one.locale for one in world.messages("ada")} == {locale}
    subjects = {"en": "Welcome", "de": "Willkommen"}
    welcome = mail(world, "welcome")
    assert subjects[locale] in welcome.subject + welcome.text
    assert f'lang="{locale}"' in welcome.html


# --- upsell


def in_upsell(world: World) -> Kept:
    """Ada reads the guide and gets five reasons."""
    until_hacks(world)
    world.click(mail(world, "guide"), "guide-video")
    assert world.outcomes("upsell") == ["open"]
    return mail(world, "five-reasons")


def test_a_click_on_premium_is_a_task_for_sales(world: World) -> None:
    five_reasons = in_upsell(world)
    world.advance("3 days")  # Thursday
    world.click(five_reasons, "premium")
    [task] = tasks(world)
    assert (task["text"], task["journey"]) == (PREMIUM_CALL, "upsell")
    assert moment(task["due"]) - moment(task["created"]) == timedelta(days=1)
    assert world.outcomes("upsell") == ["finished"]
    world.click(five_reasons, "premium")
    assert len(tasks(world)) == 1


def test_another_link_is_no_interest_in_premium(world: World) -> None:
    five_reasons = in_upsell(world)
    there = world.request("GET", f"/local/outbox/{five_reasons.send_id}")["json"]["links"]
    other = next(name for name in there if name != "premium")
    world.open(five_reasons)
    world.click(five_reasons, other)
    assert world.outcomes("upsell") == ["open"]
    world.advance("10 days")
    assert world.outcomes("upsell") == ["finished"]
    assert tasks(world) == []


def test_whoever_buys_premium_leaves_at_once(world: World) -> None:
    five_reasons = in_upsell(world)
    world.order("ada", "o2", "premium-1y")
    assert world.outcomes("upsell") == ["bought premium"]
    world.click(five_reasons, "premium")
    world.advance("20 days")
    assert tasks(world) == []


def test_five_reasons_come_once_in_a_life(world: World) -> None:
    in_upsell(world)
    world.advance("20 days")
    world.order("ada", "o2", "basic-1y")
    world.advance("15 days")
    world.click(mail(world, "hacks"), "hacks")
    assert world.outcomes("onboarding") == ["finished", "finished"]
    assert world.sent("ada").count("five-reasons") == 1
    assert len(world.runs("upsell")) == 1


# --- recovery


def test_after_ninety_days_without_an_order_comes_one_mail_and_for_readers_no_sms(
    world: World,
) -> None:
    world.customer("ada")
    world.order("ada", "o1", "stamps")
    world.advance("89 days")
    assert world.sent("ada") == []
    world.advance("1 day")
    assert world.sent("ada") == ["win-back"]
    world.advance("4 days")
    world.open(mail(world, "win-back"))
    assert world.outcomes("recovery") == ["finished"]
    world.advance("100 days")
    assert world.sent("ada") == ["win-back"]


def test_who_leaves_the_mail_unopened_and_permits_it_gets_an_sms(world: World) -> None:
    world.customer("ada", language="en")
    world.order("ada", "o1", "stamps")
    world.advance("94 days")
    assert world.sent("ada") == ["win-back"]
    world.advance("1 day")
    assert world.sent("ada") == ["win-back", "come-back"]
    text = mail(world, "come-back")
    assert (text.channel, text.to) == ("sms", "+4915112345678")
    assert world.outcomes("recovery") == ["finished"]


def test_who_leaves_it_unopened_and_does_not_permit_it_gets_none(world: World) -> None:
    world.customer("ada", consents=False)
    world.track("ada", "Consent Given", channel="email", purposes=["offers"])
    world.order("ada", "o1", "stamps")
    world.advance("96 days")
    assert world.sent("ada") == ["win-back"]
    assert world.outcomes("recovery") == ["finished"]


def test_without_permission_for_mails_the_sms_comes_at_once(world: World) -> None:
    """A wait that hangs on a message that was not sent takes `otherwise` at once."""
    world.customer("ada", consents=False)
    world.track("ada", "Consent Given", channel="sms", purposes=["offers"])
    world.order("ada", "o1", "stamps")
    world.advance("90 days")
    assert world.sent("ada") == ["come-back"]


def test_whoever_buys_again_leaves_and_the_ninety_days_start_anew(world: World) -> None:
    world.customer("ada")
    world.order("ada", "o1", "stamps")
    world.advance("60 days")
    world.order("ada", "o2", "stamps")
    assert world.outcomes("recovery") == ["open", "bought again"]
    world.advance("60 days")
    assert world.sent("ada") == []
    world.order("ada", "o3", "stamps")
    assert world.outcomes("recovery") == ["open", "bought again", "bought again"]
    world.advance("90 days")
    assert world.sent("ada") == ["win-back"]
    world.order("ada", "o4", "stamps")
    assert world.outcomes("recovery")[:2] == ["open", "bought again"]
    world.advance("10 days")
    assert world.sent("ada") == ["win-back"]  # no SMS after the mail that worked


# --- journeys of our own, to look at one rule each


class Shop:
    """A folder of journeys that a test writes, beside the shipped ones."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder / "statemachines", folder / "data"
        shutil.copytree(JOURNEYS, self.folder, ignore=shutil.ignore_patterns("pack"))

    def write(self, steps: str, head: str = "", name: str = "cart") -> None:
        """A journey that `Cart Filled` starts, with the mails `a` and `b`."""
        journey = self.folder / name
        journey.mkdir(exist_ok=True)
        for message in "ab":
            for language in ("de", "en"):
                source = JOURNEYS / "upsell" / f"five-reasons.{language}.mjml"
                shutil.copy(source, journey / f"{message}.{language}.mjml")
        head = head or "enter when: {event: Cart Filled}\nonce per: occasion\n"
        (journey / "journey.yaml").write_text(
            f"title: Cart\npurpose: offers\n{head}steps:\n{steps}", "utf-8"
        )

    def open(self) -> World:
        world = World(self.data, self.folder)
        world._ids = count(int(world.now.timestamp()))  # ids of an earlier life do not come again
        return world


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    yield Shop(tmp_path)
    wiring.use(None)


def entered(shop: Shop, steps: str, head: str = "") -> World:
    """Ada has just entered this journey."""
    shop.write(steps, head)
    world = shop.open()
    world.customer("ada")
    world.track("ada", "Cart Filled", cart_id="c1")
    return world


WAIT_FOR_LOGIN = (
    "  - wait for: {event: Login}\n"
    "    at most: 3 days\n"
    "    then: [{end: logged in}]\n"
    "    otherwise: [{end: stayed away}]\n"
)


def test_an_event_releases_a_wait_at_once(shop: Shop) -> None:
    world = entered(shop, WAIT_FOR_LOGIN)
    world.advance("2 days")
    world.track("ada", "Login")
    assert world.outcomes("cart") == ["logged in"]


def test_an_event_that_happened_during_the_step_before_releases_at_once(shop: Shop) -> None:
    world = entered(shop, f"  - wait: 2 days\n{WAIT_FOR_LOGIN}")
    world.advance("1 day")
    world.track("ada", "Login")
    assert world.outcomes("cart") == ["open"]
    world.advance("1 day")
    assert world.outcomes("cart") == ["logged in"]


@pytest.mark.parametrize("step", ["wait: 2 working days", "wait: 1 month"])
def test_the_look_back_covers_a_wait_by_the_calendar_too(shop: Shop, step: str) -> None:
    world = entered(shop, f"  - {step}\n{WAIT_FOR_LOGIN}")
    world.advance("1 minute")
    world.track("ada", "Login")
    world.advance("1 month")
    assert world.outcomes("cart") == ["logged in"]


def test_an_event_before_the_step_before_does_not_count(shop: Shop) -> None:
    steps = f"  - wait: 2 days\n  - wait: 1 day\n{WAIT_FOR_LOGIN}"
    world = entered(shop, steps)
    world.advance("1 day")
    world.track("ada", "Login")
    world.advance("2 days")
    assert world.outcomes("cart") == ["open"]
    world.advance("3 days")
    assert world.outcomes("cart") == ["stayed away"]


def test_a_click_that_came_before_the_wait_for_it_releases_at_once(shop: Shop) -> None:
    wait = (
        "  - wait for: {clicked: a, link: premium}\n    at most: 3 days\n"
        "    then: [{end: clicked}]\n"
    )
    world = entered(shop, f"  - send: a\n  - wait: 2 days\n{wait}")
    world.click(world.outbox()[-1], "premium")
    assert world.outcomes("cart") == ["open"]
    world.advance("2 days")
    assert world.outcomes("cart") == ["clicked"]


def test_an_arm_looks_back_to_the_step_that_branches(shop: Shop) -> None:
    steps = "  - wait for: {event: Nothing}\n    at most: 2 days\n    otherwise:\n"
    inner = "".join(f"    {line}\n" for line in WAIT_FOR_LOGIN.splitlines())
    world = entered(shop, steps + inner)
    world.advance("1 day")
    world.track("ada", "Login")
    world.advance("1 day")
    assert world.outcomes("cart") == ["logged in"]


def test_a_second_wait_looks_back_to_the_beginning_of_the_first(shop: Shop) -> None:
    steps = "  - wait for: {event: Nothing}\n    at most: 2 days\n"
    world = entered(shop, steps + WAIT_FOR_LOGIN)
    world.track("ada", "Login")
    world.advance("2 days")
    assert world.outcomes("cart") == ["logged in"]


def test_a_second_wait_looks_back_also_over_the_waits_in_the_firsts_arms(shop: Shop) -> None:
    steps = (
        "  - wait for: {event: Nothing}\n    at most: 2 days\n    otherwise:\n"
        "      - wait for: {event: Something}\n        at most: 2 days\n"
    )
    world = entered(shop, steps + WAIT_FOR_LOGIN)
    world.track("ada", "Login")
    world.advance("4 days")
    assert world.outcomes("cart") == ["logged in"]


def test_a_wait_that_was_passed_over_does_not_stretch_the_look_back(shop: Shop) -> None:
    """The wait for a click was over at once, because the mail did not go."""
    steps = "  - wait: 2 days\n  - send: a\n  - wait for: {clicked: a}\n    at most: 2 days\n"
    shop.write(steps + WAIT_FOR_LOGIN)
    world = shop.open()
    world.customer("ada", consents=False)
    world.track("ada", "Cart Filled")
    world.track("ada", "Login")
    world.advance("2 days")
    assert world.outcomes("cart") == ["open"]


def test_the_look_back_over_a_wait_that_was_passed_over_covers_its_arm(shop: Shop) -> None:
    steps = (
        "  - send: a\n  - wait for: {clicked: a}\n    at most: 2 days\n"
        "    otherwise: [{wait: 1 day}]\n"
    )
    shop.write(steps + WAIT_FOR_LOGIN)
    world = shop.open()
    world.customer("ada", consents=False)
    world.track("ada", "Cart Filled")
    world.advance("1 hour")
    world.track("ada", "Login")
    world.advance("23 hours")
    assert world.outcomes("cart") == ["logged in"]


def test_the_event_that_lets_someone_in_neither_lets_out_nor_releases(shop: Shop) -> None:
    head = (
        "enter when: {event: Cart Filled}\nonce per: occasion\n"
        "leave when: [{event: Cart Filled, where: {last: true}, as: filled again}]\n"
    )
    steps = "  - wait for: {event: Cart Filled}\n    at most: 3 days\n    then: [{end: again}]\n"
    shop.write(steps, head)
    world = shop.open()
    world.customer("ada")
    world.track("ada", "Cart Filled", last=True)
    assert world.outcomes("cart") == ["open"]
    world.track("ada", "Cart Filled", last=False)
    assert "again" in world.outcomes("cart")


def test_an_event_after_the_time_has_run_out_changes_nothing(shop: Shop) -> None:
    world = entered(shop, WAIT_FOR_LOGIN)
    world.advance("4 days")
    assert world.outcomes("cart") == ["stayed away"]
    world.track("ada", "Login")
    earlier = (world.now - timedelta(days=2)).isoformat()
    late = {"userId": "ada", "event": "Login", "timestamp": earlier, "messageId": "late"}
    world.post("track", late)
    assert world.outcomes("cart") == ["stayed away"]
    assert world.person("ada").events["Login"].count == 2


def test_a_click_after_the_wait_does_not_lead_to_upsell_any_more(world: World) -> None:
    until_hacks(world)
    world.advance("7 days")
    world.click(mail(world, "hacks"), "hacks")
    assert world.runs("upsell") == []
    assert len(tasks(world)) == 1


def test_an_event_older_than_a_day_starts_no_journey(shop: Shop) -> None:
    shop.write(WAIT_FOR_LOGIN)
    world = shop.open()
    world.customer("ada")
    for hours, runs in ((25, 0), (23, 1)):
        time = (world.now - timedelta(hours=hours)).isoformat()
        call = {"userId": "ada", "event": "Cart Filled", "timestamp": time}
        world.post("track", {**call, "messageId": f"{hours}"})
        assert len(world.runs("cart")) == runs


def test_without_if_not_sent_the_run_goes_on_and_with_it_takes_that_arm_first(shop: Shop) -> None:
    steps = (
        "  - send: a\n    if not sent:\n      - task: No mail for her\n        for: care\n"
        "  - wait: 1 day\n  - end: done\n"
    )
    shop.write(steps)
    world = shop.open()
    world.customer("ada", consents=False)
    world.track("ada", "Cart Filled")
    assert [(task["text"], task["owner"]) for task in tasks(world)] == [("No mail for her", "care")]
    world.advance("1 day")
    assert world.outcomes("cart") == ["done"]


# --- channels that fail


class Failing:
    """A channel that first fails as it is told, then hands on."""

    def __init__(self, world: World, *errors: Exception) -> None:
        self.errors, self.asked = list(errors), 0
        self.real = world.system.parts.channels["email"]
        world.system.parts.channels["email"] = self  # type: ignore[index]

    def send(self, message: Outgoing) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.real.send(message)


SEND_AND_WAIT = (
    "  - send: a\n    if not sent: [{end: not sent}]\n"
    "  - wait for: {clicked: a}\n    at most: 3 days\n    otherwise: [{end: no click}]\n"
)


def test_a_message_that_cannot_go_now_is_held_and_goes_once_later(shop: Shop) -> None:
    shop.write(SEND_AND_WAIT)
    world = shop.open()
    channel = Failing(world, Temporary("slow down", 3600), Temporary("slow down", 7200))
    world.customer("ada")
    world.track("ada", "Cart Filled")
    assert [one.state for one in world.messages("ada")] == ["held"]
    assert world.permission("ada").claims == []
    world.advance("2 hours")
    assert world.outbox() == []
    world.advance("1 hour")
    assert world.sent("ada") == ["a"]
    world.advance("71 hours")  # what follows counts from the true sending
    assert world.outcomes("cart") == ["open"]
    world.advance("1 hour")
    assert world.outcomes("cart") == ["no click"]
    assert (len(world.outbox()), channel.asked) == (1, 3)


@pytest.mark.parametrize(
    ("skip_after", "outcome"),
    [("59 minutes", "not sent"), ("179 minutes", "not sent"), ("3 hours", "no click")],
)
def test_a_message_that_would_go_later_than_skip_after_is_not_sent(
    shop: Shop, skip_after: str, outcome: str
) -> None:
    """It is held for an hour and then for two: what counts is the time since the first."""
    shop.write(SEND_AND_WAIT.replace("  - wait", f"    skip after: {skip_after}\n  - wait"))
    world = shop.open()
    Failing(world, Temporary("slow down", 3600), Temporary("slow down", 7200))
    world.customer("ada")
    world.track("ada", "Cart Filled")
    world.advance("10 days")
    assert world.outcomes("cart") == [outcome]
    [message] = world.messages("ada")
    assert (message.state == "sent") is (outcome == "no click")
    assert len(world.outbox()) == int(outcome == "no click")
    if message.state != "sent":
        assert (message.state, message.claimed) == ("not sent", None)
        assert "skip after" in message.reason
        assert world.permission("ada").claims == []


def test_a_message_for_which_others_are_held_is_skipped_without_asking_the_provider(
    shop: Shop,
) -> None:
    shop.write(SEND_AND_WAIT.replace("  - wait", "    skip after: 5 minutes\n  - wait"))
    world = shop.open()
    channel = Failing(world, Temporary("slow down", 3600))
    for user in ("ada", "ben"):
        world.customer(user)
        world.track(user, "Cart Filled")
    assert world.outcomes("cart") == ["not sent", "not sent"]
    assert (world.outbox(), channel.asked) == ([], 1)


def test_a_message_held_while_the_person_leaves_never_goes(shop: Shop) -> None:
    head = (
        "enter when: {event: Cart Filled}\nonce per: occasion\n"
        "leave when: [{event: Order Completed, as: bought}]\n"
    )
    shop.write(SEND_AND_WAIT, head)
    world = shop.open()
    Failing(world, Temporary("slow down", 3600))
    world.customer("ada")
    world.track("ada", "Cart Filled")
    world.order("ada", "o1", "stamps")
    world.advance("1 day")
    assert world.outcomes("cart") == ["bought"]
    assert world.outbox() == []


def test_a_message_that_is_refused_for_good_is_not_sent(shop: Shop) -> None:
    shop.write(SEND_AND_WAIT)
    world = shop.open()
    channel = Failing(world, Permanent("no such mailbox"))
    world.customer("ada")
    world.track("ada", "Cart Filled")
    assert world.outcomes("cart") == ["not sent"]
    assert [(one.state, one.reason) for one in world.messages("ada")] == [
        ("failed", "no such mailbox")
    ]
    world.advance("10 days")
    assert (world.outbox(), channel.asked) == ([], 1)


def test_a_message_whose_answer_was_lost_counts_as_sent_and_never_goes_again(shop: Shop) -> None:
    shop.write(SEND_AND_WAIT)
    world = shop.open()
    channel = Failing(world, TimeoutError("the answer did not come"))
    world.customer("ada")
    world.track("ada", "Cart Filled")
    assert [one.state for one in world.messages("ada")] == ["unknown"]
    assert world.outcomes("cart") == ["open"]  # it waits for the click
    world.advance("3 days")
    assert world.outcomes("cart") == ["no click"]
    assert channel.asked == 1


# --- crashes


class Crash(Exception):
    """The process died at a store call."""


class CrashingStore:
    """Dies once, at the nth call within run_step, before or after the call took effect."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.armed = False
        self.nth, self.after, self.calls = 0, False, 0

    def crash_at(self, nth: int, after: bool) -> None:
        self.nth, self.after, self.calls = nth, after, 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._store, name)

        def calling(*arguments: Any, **named: Any) -> Any:
            if not self.armed:
                return call(*arguments, **named)
            self.calls += 1
            if self.calls == self.nth and not self.after:
                raise Crash(f"before {name}")
            result = call(*arguments, **named)
            if self.calls == self.nth:
                raise Crash(f"after {name}")
            return result

        return calling


@contextmanager
def crashing(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[CrashingStore]:
    """The steps of the world run on a store that can be told when to die. Nobody is counted: those
    who come one after another to be in each crash are many, and a census is no step."""
    monkeypatch.setattr(world.system, "_next_count", datetime.max.replace(tzinfo=UTC))
    store = CrashingStore(world.store)
    wiring.use(replace(world.system.parts, store=store))  # type: ignore[arg-type]
    take = run_step.handler

    def handler(payload: dict[str, Any], context: object) -> dict[str, Any]:
        store.armed = True
        try:
            return take(payload, context)
        finally:
            store.armed = False

    with monkeypatch.context() as patched:
        patched.setattr(run_step, "handler", handler)
        patched.setattr(run_step.logger, "exception", lambda *_, **__: None)
        yield store


EVERY_STEP = (
    "  - send: a\n"
    "  - wait for: {event: Login}\n"
    "    at most: 2 days\n"
    "    then:\n"
    "      - task: She has logged in\n"
    "        for: care\n"
    "  - wait: 1 working day\n"
    "  - if: {sent: a}\n"
    "    then: [{start journey: other}]\n"
    "  - send: b\n"
    "  - end: done\n"
)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_store_call_of_a_step_doubles_and_loses_nothing(
    shop: Shop, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write(EVERY_STEP)
    shop.write("  - wait: 1 day\n", "once per: occasion\n", "other")
    world = shop.open()
    with crashing(world, monkeypatch) as store:
        for nth in count(1):
            user = f"user{nth}"
            store.crash_at(nth, after)
            world.customer(user)
            world.track(user, "Cart Filled")
            world.advance("1 day")
            world.track(user, "Login")
            world.advance("6 days")
            check_that_all_was_done_once(world, user)
            if store.calls < nth:
                break
        assert nth > 40  # all the calls of all the steps


def check_that_all_was_done_once(world: World, user: str) -> None:
    person = world.person(user).person
    went = [kept.send_id for kept in world.outbox() if kept.person == person]
    assert len(went) == len(set(went))
    for message in world.messages(user):
        assert message.claimed
        assert message.state == ("sent" if message.send_id in went else "unknown") or (
            message.state == "unknown"  # it went, but we died before we could note it
        )
    assert [one.message for one in world.messages(user)] == ["a", "b"]
    mine = [task for task in tasks(world) if task["person"] == person]
    assert [task["text"] for task in mine] == ["She has logged in"]
    for journey, outcome in (("cart", "done"), ("other", "finished")):
        found = [run for run in world.runs(journey) if run["person"] == person]
        assert [run["outcome"] for run in found] == [outcome]
    assert world.permission(user).live == {}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("minutes", [0, 1440], ids=["at once", "a day later"])
def test_a_crash_while_a_wait_is_registered_loses_no_event_of_the_wait_before(
    shop: Shop, minutes: int, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write("  - wait for: {event: Nothing}\n    at most: 2 days\n" + WAIT_FOR_LOGIN)
    world = shop.open()
    with crashing(world, monkeypatch) as store:
        for nth in count(1):
            store.crash_at(nth, after)
            user = f"user{nth}"
            world.customer(user)
            world.track(user, "Cart Filled")
            if minutes:
                world.advance(f"{minutes} minutes")
            world.track(user, "Login")
            world.advance("2 days")
            world.advance("1 hour")
            assert world.outcomes("cart")[0] == "logged in", f"crash at call {nth}"
            if store.calls < nth:
                break


def test_a_run_whose_exit_was_cut_short_has_left_with_that_outcome(shop: Shop) -> None:
    """The mark is on the permission item, but the crash came before the run was stopped."""
    world = entered(shop, "  - wait: 1 day\n  - send: a\n")
    permission = permission_of(world.store, world.person("ada").person)
    [run_id] = permission.live
    permissions.leave(permission, run_id, "bought")
    world.store.put(permission)
    world.advance("2 days")
    assert world.outcomes("cart") == ["bought"]
    assert world.outbox() == []
    assert world.permission("ada").live == {}


# --- versions and restarts


def test_who_is_under_way_goes_on_with_the_version_they_started_with(shop: Shop) -> None:
    world = entered(shop, "  - wait: 2 days\n  - send: a\n  - end: old\n")
    shop.write("  - wait: 1 day\n  - send: b\n  - end: new\n")
    assert [name for name, _, is_new in world.system.publish() if is_new] == ["cart"]
    world.advance("1 minute")
    world.customer("bob")
    world.track("bob", "Cart Filled")
    world.advance("1 day")
    assert (world.sent("ada"), world.sent("bob")) == ([], ["b"])
    world.advance("1 day")
    assert (world.sent("ada"), world.sent("bob")) == (["a"], ["b"])
    assert world.outcomes("cart") == ["new", "old"]


def test_a_changed_text_does_not_change_what_those_under_way_get(shop: Shop) -> None:
    world = entered(shop, "  - wait: 2 days\n  - send: a\n")
    text = shop.folder / "cart" / "a.de.mjml"
    text.write_text(text.read_text("utf-8").replace("<mj-title>", "<mj-title>NEU "), "utf-8")
    world.system.publish()
    world.customer("bob")
    world.track("bob", "Cart Filled")
    world.advance("2 days")
    assert "NEU" in mail(world, "a", "bob").subject
    assert "NEU" not in mail(world, "a", "ada").subject


def test_publishing_the_same_files_again_makes_no_new_version(shop: Shop) -> None:
    world = entered(shop, "  - wait: 2 days\n")
    assert not any(is_new for _, _, is_new in world.system.publish())


def test_a_folder_with_a_mistake_is_not_published_at_all(shop: Shop) -> None:
    from functions.problem import Problems

    world = entered(shop, "  - wait: 1 day\n  - end: old\n")
    shop.write("  - end: new\n", name="another")
    shop.write("  - wiat: 1 day\n")
    with pytest.raises(Problems, match=r'cart/journey\.yaml:6: "wiat" is not a step'):
        world.system.publish()
    world.track("ada", "Cart Filled")
    world.advance("1 day")
    assert world.outcomes("cart") == ["old"]
    assert {published.journey.name for published in world.system.parts.library.journeys()} == {
        *("cart", "onboarding", "recovery", "upsell")
    }


@pytest.mark.parametrize("event", [True, False])
def test_waits_survive_a_restart(shop: Shop, event: bool) -> None:
    world = entered(shop, f"  - send: a\n  - wait: 2 days\n{WAIT_FOR_LOGIN}")
    world.advance("1 day")
    before = world.now
    world.store.close()
    world = shop.open()
    assert world.now == before > START
    world.advance("2 days")
    assert world.outcomes("cart") == ["open"]
    world.store.close()
    world = shop.open()
    if event:
        world.track("ada", "Login")
        assert world.outcomes("cart") == ["logged in"]
    world.advance("2 days")
    assert world.outcomes("cart") == ["logged in" if event else "stayed away"]
    assert world.sent("ada") == ["a"]
    assert len(world.outbox()) == 1


def test_a_held_message_goes_out_after_a_restart(shop: Shop) -> None:
    shop.write(SEND_AND_WAIT)
    world = shop.open()
    Failing(world, Temporary("slow down", 3600))
    world.customer("ada")
    world.track("ada", "Cart Filled")
    world.store.close()
    world = shop.open()
    world.advance("1 hour")
    assert world.sent("ada") == ["a"]
