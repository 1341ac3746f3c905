"""Segments, carts and other journeys in a whole Tante: what is true counts when it becomes true."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.handlers import process_event, wiring
from functions.tracking.event import Event, EventBatch
from functions.tracking.message import RECEIPTS
from tests.support.world import JOURNEYS, World

HEAD = "title: A\npurpose: offers\nenter when: {{event: {0}}}\n"
FANS = "fans: {title: Fans, who: {person: {plan: %s}}}\n"


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes a Tante with these segments and journeys; each is entered by an event of its name."""

    def begin(segments: str = "", **journeys: str) -> World:
        folder = tmp_path / "folder"
        shutil.copytree(JOURNEYS / "parts", folder / "parts")
        shutil.copy(JOURNEYS / "brand.yaml", folder)
        if segments:
            (folder / "segments.yaml").write_text(segments, "utf-8")
        for name, text in journeys.items():
            (folder / name).mkdir()
            (folder / name / "journey.yaml").write_text(HEAD.format(name) + text, "utf-8")
            for language in ("de", "en") if "send: hello" in text else ():
                file = folder / name / f"hello.{language}.sms"
                file.write_text("Hello {{ unsubscribe }}", "utf-8")
        return World(tmp_path / "data", folder)

    yield begin
    wiring.use(None)


def outcomes(world: World, journey: str) -> list[str]:
    """The oldest first."""
    return world.outcomes(journey)[::-1]


ASKS = (
    "once per: occasion\nsteps:\n"
    "  - if: {in segment: fans}\n    then: [{end: fan}]\n    otherwise: [{end: other}]\n"
)


def test_a_changed_segment_counts_at_once_also_for_those_who_are_under_way(
    begin: Any, tmp_path: Path
) -> None:
    world = begin(FANS % "pro", asks=ASKS.replace("steps:\n", "steps:\n  - wait: 1 day\n"))
    world.identify("ada", plan="basic")
    world.track("ada", "asks")
    (tmp_path / "folder" / "segments.yaml").write_text(FANS % "basic", "utf-8")
    assert [is_new for _, _, is_new in world.system.publish()] == [False]
    world.advance("1 day")
    assert outcomes(world, "asks") == ["fan"]


def test_nobody_is_in_a_segment_that_was_taken_away_and_the_run_goes_on(
    begin: Any, tmp_path: Path
) -> None:
    world = begin(FANS % "pro", asks=ASKS.replace("steps:\n", "steps:\n  - wait: 1 day\n"))
    world.identify("ada", plan="pro")
    world.track("ada", "asks")
    (tmp_path / "folder" / "segments.yaml").unlink()
    shutil.rmtree(tmp_path / "folder" / "asks")
    world.system.publish()
    world.advance("1 day")
    assert outcomes(world, "asks") == ["other"]


CART = (
    "once per: cart_id\nleave when: [{cart: {items: 0}, as: emptied}]\n"
    "steps:\n  - wait: 4 hours\n  - end: left behind\n"
)


@pytest.mark.parametrize(("removed", "outcome"), [(2, "emptied"), (1, "left behind")])
def test_whoever_empties_the_cart_leaves_in_the_middle_of_a_wait(
    begin: Any, removed: int, outcome: str
) -> None:
    world = begin(cart=CART)
    world.track("ada", "Product Added", cart_id="c1", product_id="p", quantity=2)
    world.track("ada", "cart", cart_id="c1")
    world.track("ada", "Product Added", cart_id="c2", product_id="p", quantity=1)
    world.advance("1 hour")
    world.track("ada", "Product Removed", cart_id="c1", product_id="p", quantity=removed)
    assert outcomes(world, "cart") == [outcome if outcome == "emptied" else "open"]
    world.advance("1 day")
    assert outcomes(world, "cart") == [outcome]


def test_a_wait_for_a_cart_to_be_ordered_is_released_by_the_order(begin: Any) -> None:
    steps = (
        "once per: cart_id\nsteps:\n  - wait for: {cart: {closed: true}}\n    at most: 2 days\n"
        "    then: [{end: ordered}]\n"
    )
    world = begin(cart=steps)
    world.track("ada", "Product Added", cart_id="c1", product_id="p")
    world.track("ada", "cart", cart_id="c1")
    world.advance("1 day")
    world.order("ada", "o1", "p", cart_id="c1")
    assert outcomes(world, "cart") == ["ordered"]


WHERE = (
    "once per: occasion\nsteps:\n  - choose:\n"
    "      - if: {in journey: other}\n        then: [{end: in it}]\n"
    "      - if: {left journey: other, as: bought}\n        then: [{end: bought}]\n"
    "      - if: {left journey: other}\n        then: [{end: left}]\n"
    "    otherwise: [{end: never}]\n"
)
OTHER = "once per: occasion\nleave when: [{event: Bought, as: bought}]\nsteps:\n  - wait: 2 days\n"


def test_another_journey_is_asked_for_as_it_is_now_and_as_it_was_left(begin: Any) -> None:
    world = begin(asks=WHERE, other=OTHER)
    said = []
    for happens in ("nothing", "other", "3 days", "other", "Bought"):
        if happens == "3 days":
            world.advance(happens)
        elif happens != "nothing":
            world.track("ada", happens)
        world.advance("1 hour")
        world.track("ada", "asks")
        said.append(outcomes(world, "asks")[-1])
    assert said == ["never", "in it", "left", "in it", "bought"]
    world.advance("1 hour")
    world.track("bob", "asks")
    assert outcomes(world, "asks")[-1] == "never"


GREETS = (
    "once per: person\nsteps:\n  - send: hello\n    by: sms\n"
    "  - wait for: {bounced: hello}\n    at most: 2 days\n    then: [{end: unreachable}]\n"
)


def test_the_stage_that_a_journey_sets_is_the_person_s(begin: Any) -> None:
    lost = (
        "once per: person\nleave when: [{person: {stage: lost}, as: lost}]\n"
        "steps:\n  - wait: 5 days\n"
    )
    world = begin(stays=lost, loses="once per: person\nsteps:\n  - update: {set: {stage: lost}}\n")
    world.track("ada", "stays")
    world.track("ada", "loses")
    world.advance("1 minute")
    assert outcomes(world, "stays") == ["lost"]


def test_a_message_that_bounces_releases_the_wait_for_it(begin: Any) -> None:
    world = begin(greets=GREETS)
    world.customer("ada")
    world.track("ada", "greets")
    [sent] = world.messages("ada")
    assert (sent.state, outcomes(world, "greets")) == ("sent", ["open"])
    event = Event(
        type="track",
        event="SMS Bounced",
        message_id="r1",
        time=world.now,
        received_at=world.now,
        properties={"sms_id": sent.send_id, "run_id": sent.run_id},
        source=RECEIPTS,
        trusted=True,
        person=sent.person,
    )
    process_event.process(wiring.parts(), [EventBatch([event])])
    world.settle()
    assert outcomes(world, "greets") == ["unreachable"]
