"""`wait ... after the last`, `wait for first of`, `repeat` and `add to score` in a whole Tante."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.handlers import run_step, wiring
from functions.handlers.desk import journey_desk
from functions.journeys.run import Run, Task
from functions.journeys.waiting import waits_for
from functions.segments.person import fields
from functions.storage.people import permission_of
from tests.support.world import JOURNEYS, START, World

HEAD = "title: A\npurpose: transactional\nonce per: occasion\nenter when: {{event: {0}}}\nsteps:\n"
SMS = ("news", "other")


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes a Tante with journeys of these steps; each is entered by an event of its name, and
    has the text messages `news` (which says its pass) and `other`."""

    def begin(**journeys: str) -> World:
        folder = tmp_path / "folder"
        shutil.copytree(JOURNEYS / "parts", folder / "parts")
        shutil.copy(JOURNEYS / "brand.yaml", folder)
        for name, steps in journeys.items():
            (folder / name).mkdir()
            (folder / name / "journey.yaml").write_text(HEAD.format(name) + steps, "utf-8")
            for message in SMS:
                for language in ("de", "en"):
                    text = message + " {{ pass }}"
                    (folder / name / f"{message}.{language}.sms").write_text(text, "utf-8")
        world = World(tmp_path / "data", folder)
        world.customer("ada")
        return world

    yield begin
    wiring.use(None)


def runs(world: World, journey: str, user: str = "ada") -> list[Run]:
    keys = world.person(user).keys
    found = [run for key in keys for run in world.store.query(Run, key, prefix=f"{journey}/")]
    return sorted(found, key=lambda run: run.entered)


def outcomes(world: World, journey: str, user: str = "ada") -> list[str]:
    return [run.outcome or run.status for run in runs(world, journey, user)]


def ended(world: World, journey: str) -> timedelta:
    """How long the only run took."""
    [run] = runs(world, journey)
    assert run.ended
    return run.ended - run.entered


def texts(world: World) -> list[str]:
    return [kept.text for kept in world.outbox() if kept.channel == "sms"]


# --- wait ... after the last

LAST = "  - wait: 4 hours\n    after the last: {event: [cart, Product Added], same: cart_id}\n"
OVER = "  - end: quiet\n"


def test_it_waits_from_the_entering_event_when_nothing_follows(begin: Any) -> None:
    world = begin(cart=LAST + OVER)
    world.track("ada", "cart", cart_id="c1")
    world.advance("239 minutes")
    assert outcomes(world, "cart") == ["open"]
    world.advance("1 minute")
    assert outcomes(world, "cart") == ["quiet"]


def test_each_event_of_the_kind_makes_it_wait_anew(begin: Any) -> None:
    world = begin(cart=LAST + OVER)
    world.track("ada", "cart", cart_id="c1")
    for _ in range(3):
        world.advance("3 hours")
        world.track("ada", "Product Added", cart_id="c1")
    world.advance("1 day")
    assert ended(world, "cart") == timedelta(hours=13)


def test_events_of_another_cart_or_kind_do_not_count(begin: Any) -> None:
    world = begin(cart=LAST + OVER)
    world.track("ada", "cart", cart_id="c1")
    world.advance("3 hours")
    world.track("ada", "Product Added", cart_id="c2")
    world.track("ada", "Product Removed", cart_id="c1")
    world.advance("1 day")
    assert ended(world, "cart") == timedelta(hours=4)


def test_it_goes_on_at_once_when_it_has_been_quiet_for_so_long(begin: Any) -> None:
    world = begin(cart="  - wait: 5 hours\n" + LAST + OVER)
    world.track("ada", "cart", cart_id="c1")
    world.advance("1 day")
    assert ended(world, "cart") == timedelta(hours=5)


def test_an_event_of_the_future_makes_it_wait_no_longer_than_one_of_now(begin: Any) -> None:
    world = begin(cart=LAST + OVER)
    world.track("ada", "cart", cart_id="c1")
    world.advance("3 hours")
    then = (world.now + timedelta(days=50)).isoformat()
    call = {"userId": "ada", "event": "Product Added", "properties": {"cart_id": "c1"}}
    world.post("track", {**call, "timestamp": then})
    world.advance("1 day")
    assert ended(world, "cart") == timedelta(hours=7)


def test_it_waits_thirty_times_its_length_at_most(begin: Any) -> None:
    world = begin(cart=LAST + OVER)
    world.track("ada", "cart", cart_id="c1")
    for _ in range(50):
        world.advance("3 hours")
        world.track("ada", "Product Added", cart_id="c1")
    assert ended(world, "cart") == timedelta(hours=4 * 30)


def test_a_long_one_ends_also_when_events_never_stop(begin: Any) -> None:
    world = begin(cart=LAST.replace("4 hours", "20 days") + OVER)
    world.track("ada", "cart", cart_id="c1")
    for _ in range(40):
        world.advance("10 days")
        world.track("ada", "Product Added", cart_id="c1")
    assert ended(world, "cart") <= timedelta(days=20 + 150)


@pytest.mark.parametrize(("after", "outcome"), [("30 minutes", "open"), ("2 hours", "a")])
def test_a_wait_behind_it_looks_back_to_when_it_began(begin: Any, after: str, outcome: str) -> None:
    wait = "  - wait for: {event: Answered}\n    at most: 1 day\n    then: [{end: a}]\n"
    world = begin(cart="  - wait: 1 hour\n" + LAST + wait)
    world.track("ada", "cart", cart_id="c1")
    world.advance(after)
    world.track("ada", "Answered")
    world.advance("5 hours")
    assert outcomes(world, "cart") == [outcome]


# --- wait for first of

FIRST = (
    "  - wait for first of:\n"
    "      - {event: Yes, then: [{end: said yes}]}\n"
    "      - {event: No, then: [{end: said no}]}\n"
    "      - {person: {plan: pro}, then: [{end: pro}]}\n"
    "    at most: 2 days\n"
    "    otherwise: [{end: silent}]\n"
)


@pytest.mark.parametrize(
    ("event", "outcome"), [("Yes", "said yes"), ("No", "said no"), ("Else", "silent")]
)
def test_the_arm_of_the_happening_that_comes_is_taken(begin: Any, event: str, outcome: str) -> None:
    world = begin(ask=FIRST)
    world.track("ada", "ask")
    world.advance("1 day")
    world.track("ada", event)
    world.advance("3 days")
    assert outcomes(world, "ask") == [outcome]


def test_a_condition_that_becomes_true_is_a_happening(begin: Any) -> None:
    world = begin(ask=FIRST)
    world.track("ada", "ask")
    world.identify("ada", plan="pro")
    assert outcomes(world, "ask") == ["pro"]


def test_of_what_came_before_the_wait_the_first_by_its_own_time_counts(begin: Any) -> None:
    world = begin(ask="  - wait: 1 hour\n" + FIRST)
    world.track("ada", "ask")
    times = {"Yes": START + timedelta(minutes=20), "No": START + timedelta(minutes=10)}
    world.advance("30 minutes")
    for event, time in times.items():
        call = {"userId": "ada", "event": event, "timestamp": time.isoformat()}
        world.post("track", call)
    world.identify("ada", plan="pro")
    world.advance("1 hour")
    assert outcomes(world, "ask") == ["said no"]


def test_a_condition_that_is_true_already_is_no_wait(begin: Any) -> None:
    world = begin(ask=FIRST)
    world.identify("ada", plan="pro")
    world.track("ada", "ask")
    assert outcomes(world, "ask") == ["pro"]


def test_the_arms_come_together_behind_it(begin: Any) -> None:
    steps = (
        "  - wait for first of: [{event: A, then: [{wait: 1 day}]}, {event: B}]\n"
        "    at most: 2 days\n"
        "  - send: news\n"
    )
    world = begin(ask=steps)
    world.track("ada", "ask")
    world.track("ada", "B")
    assert texts(world) == ["news 1"]
    world.advance("1 hour")
    world.track("ada", "ask")
    world.track("ada", "A")
    assert len(texts(world)) == 1
    world.advance("1 day")
    assert len(texts(world)) == 2


OUTCOMES = (
    "  - send: news\n"
    "  - wait for first of:\n"
    "      - {clicked: news, then: [{end: clicked}]}\n"
    "      - {%s, then: [{end: other}]}\n"
    "    at most: 2 days\n"
    "    otherwise: [{end: neither}]\n"
)


@pytest.mark.parametrize(
    ("other", "at_once"), [("opened: news", ["neither"]), ("event: Answered", ["open"])]
)
def test_it_takes_otherwise_at_once_only_when_all_hang_on_messages_that_were_not_sent(
    begin: Any, other: str, at_once: list[str]
) -> None:
    world = begin(ask=OUTCOMES % other)
    world.identify("bob", name="Bob")  # has no phone
    world.track("bob", "ask")
    assert outcomes(world, "ask", "bob") == at_once
    world.track("bob", "Answered")
    assert outcomes(world, "ask", "bob") == (["neither"] if at_once == ["neither"] else ["other"])


def test_it_is_one_state_with_the_message_before_it(begin: Any) -> None:
    world = begin(ask=OUTCOMES % "event: Answered")
    world.track("ada", "ask")
    [run] = runs(world, "ask")
    execution = world.system.workflow.engine.executions[run.run_id]
    assert execution.state == "send news, wait for first of clicked news or Answered"
    profile = world.person("ada")
    desk = journey_desk(world.system.parts)
    permission = permission_of(world.store, profile.person)
    assert waits_for(desk, run, profile, permission).startswith("wait for first of clicked")
    world.track("ada", "Answered")
    assert waits_for(desk, run, profile, permission) == ""
    assert outcomes(world, "ask") == ["other"]


# --- repeat

NEWS = "  - repeat:\n      - send: news\n      - wait: 1 day\n    times: 3\n"


def test_a_message_of_a_loop_goes_once_for_each_pass_and_says_which_it_is(begin: Any) -> None:
    world = begin(loop=NEWS + "  - send: other\n")
    world.track("ada", "loop")
    world.advance("10 days")
    assert texts(world) == ["news 1", "news 2", "news 3", "other 1"]
    assert [message.iteration for message in world.messages("ada")] == [0, 1, 2, 0]
    assert ended(world, "loop") == timedelta(days=3)


def test_until_is_asked_before_each_pass_also_the_first(begin: Any) -> None:
    world = begin(loop=NEWS + "    until: {person: {plan: pro}}\n")
    world.track("ada", "loop")
    world.advance("36 hours")
    world.identify("ada", plan="pro")
    world.advance("10 days")
    assert texts(world) == ["news 1", "news 2"]
    world.track("ada", "loop")
    world.advance("10 days")
    assert len(texts(world)) == 2


def test_a_step_that_is_tried_again_in_a_later_pass_sends_nothing_twice(
    begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin(loop=NEWS)
    done = run_step.handler

    def twice(payload: dict[str, Any], context: object) -> dict[str, Any]:
        done(payload, context)
        return done(payload, context)

    monkeypatch.setattr(run_step, "handler", twice)
    world.track("ada", "loop")
    world.advance("10 days")
    assert texts(world) == ["news 1", "news 2", "news 3"]


def test_what_steps_of_a_loop_make_is_made_in_each_pass_and_once(
    begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (
        "  - repeat:\n"
        "      - task: Call\n"
        "        for: owner\n"
        "      - update: {add to score: 5, set: {seen: true}}\n"
        "      - start journey: other\n"
        "      - wait: 1 day\n"
        "    times: 3\n"
    )
    world = begin(loop=steps, other="  - end: done\n")
    done = run_step.handler

    def twice(payload: dict[str, Any], context: object) -> dict[str, Any]:
        done(payload, context)
        return done(payload, context)

    monkeypatch.setattr(run_step, "handler", twice)
    world.track("ada", "loop")
    world.advance("10 days")
    key = world.person("ada").person
    assert len(list(world.store.query(Task, key))) == 3
    assert fields(world.person("ada"), world.now)["score"] == 15
    assert outcomes(world, "other") == ["done"] * 3


def test_a_wait_in_a_loop_waits_in_each_pass_and_looks_back_to_its_own(begin: Any) -> None:
    steps = (
        "  - repeat:\n"
        "      - wait for: {event: Answered}\n"
        "        at most: 1 day\n"
        "        then: [{send: news}]\n"
        "        otherwise: [{send: other}]\n"
        "      - wait: 1 hour\n"
        "    times: 3\n"
    )
    world = begin(loop=steps)
    world.track("ada", "loop")
    world.advance("1 hour")
    world.track("ada", "Answered")  # in the first pass
    world.advance("30 minutes")
    assert texts(world) == ["news 1"]
    world.advance("26 hours")  # nothing in the second
    assert texts(world) == ["news 1", "other 2"]
    world.track("ada", "Answered")  # and again in the third
    assert texts(world) == ["news 1", "other 2", "news 3"]
    world.advance("2 days")
    assert outcomes(world, "loop") == ["finished"]


def test_a_wait_after_a_wait_of_a_loop_looks_back_to_the_wait_of_its_own_pass(begin: Any) -> None:
    steps = (
        "  - repeat:\n"
        "      - wait for: {event: First}\n"
        "        at most: 1 day\n"
        "      - wait for: {event: Second}\n"
        "        at most: 1 day\n"
        "        then: [{send: news}]\n"
        "        otherwise: [{send: other}]\n"
        "      - wait: 1 minute\n"
        "    times: 2\n"
    )
    world = begin(loop=steps)
    world.track("ada", "loop")
    world.track("ada", "Second")
    world.track("ada", "First")
    assert texts(world) == ["news 1"]
    world.advance("1 hour")
    world.track("ada", "First")
    world.advance("2 days")
    assert texts(world) == ["news 1", "other 2"]


SECOND = (
    "      - wait for: {event: Second}\n"
    "        at most: 1 day\n"
    "        then: [{update: {add to score: 1}}]\n"
    "      - wait: 1 hour\n"
    "    times: 2\n"
)


@pytest.mark.parametrize(
    "before",
    ["", "      - wait for: {clicked: news}\n        at most: 1 day\n"],
    ids=["fused with the message", "behind a wait for what was not sent"],
)
def test_what_released_a_wait_in_one_pass_does_not_release_it_in_the_next(
    begin: Any, before: str
) -> None:
    world = begin(loop="  - repeat:\n      - send: news\n" + before + SECOND)
    user = "bob" if before else "ada"
    world.identify("bob", name="Bob")  # has no phone
    world.track(user, "loop")
    world.advance("2 hours")
    world.track(user, "Second")
    world.advance("23 hours")
    assert outcomes(world, "loop", user) == ["open"]
    world.advance("2 days")
    assert outcomes(world, "loop", user) == ["finished"]
    assert fields(world.person(user), world.now)["score"] == 1


def test_a_wait_behind_a_loop_looks_back_to_when_the_loop_began(begin: Any) -> None:
    wait = "  - wait for: {event: Answered}\n    at most: 1 day\n    then: [{end: a}]\n"
    world = begin(loop=NEWS + wait)
    world.track("ada", "loop")
    world.advance("1 hour")
    world.track("ada", "Answered")
    world.advance("3 days")
    assert outcomes(world, "loop") == ["a"]


CLICKS = (
    "  - repeat:\n"
    "      - send: win-back\n"
    "      - wait for: {clicked: win-back}\n"
    "        at most: 2 days\n"
    "        then: [{send: news}]\n"
    "        otherwise: [{send: other}]\n"
    "      - wait: 1 day\n"
    "    times: 2\n"
)


def test_of_a_message_that_a_loop_sends_again_the_latest_pass_counts(
    begin: Any, tmp_path: Path
) -> None:
    world = _with_mail(begin, tmp_path)
    world.track("ada", "loop")
    [mail] = [kept for kept in world.outbox() if kept.channel == "email"]
    world.click(mail, "shop")
    assert texts(world) == ["news 1"]
    world.advance("1 day")
    world.click(mail, "shop")  # the mail of the first pass, while the second one's is waited for
    assert texts(world) == ["news 1"]
    world.advance("2 days")
    assert texts(world) == ["news 1", "other 2"]


def _with_mail(begin: Any, tmp_path: Path) -> World:
    """A loop that sends a mail; the folder is published again with the mail in it."""
    world: World = begin(loop="  - end: a\n")
    folder = tmp_path / "folder" / "loop"
    for name in ("win-back.de.mjml", "win-back.en.mjml"):
        shutil.copy(JOURNEYS / "recovery" / name, folder / name)
    (folder / "journey.yaml").write_text(HEAD.format("loop") + CLICKS, "utf-8")
    world.system.publish()
    world.system.parts.library.forget()
    return world


def test_a_message_at_the_end_of_a_pass_is_not_fused_with_the_wait_that_begins_the_next(
    begin: Any,
) -> None:
    steps = (
        "  - repeat:\n"
        "      - wait for: {event: Go}\n"
        "        at most: 2 days\n"
        "      - wait: 1 minute\n"
        "      - send: news\n"
        "    times: 2\n"
    )
    world = begin(loop=steps)
    world.track("ada", "loop")
    for said in (["news 1"], ["news 1", "news 2"]):
        world.advance("1 day")
        assert texts(world) == said[:-1]
        world.track("ada", "Go")
        world.advance("1 minute")
        assert texts(world) == said
    assert outcomes(world, "loop") == ["finished"]


def test_an_end_and_an_exit_leave_a_loop(begin: Any) -> None:
    stop = "      - if: {person: {plan: pro}}\n        then: [{end: bought}]\n"
    steps = "  - repeat:\n" + stop + "      - send: news\n      - wait: 1 day\n    times: 9\n"
    world = begin(loop=steps, leave="  - stop journey: loop\n    as: stopped\n")
    world.track("ada", "loop")
    world.advance("25 hours")
    world.track("ada", "leave")
    assert outcomes(world, "loop") == ["stopped"]
    world.track("ada", "loop")
    world.identify("ada", plan="pro")
    world.advance("2 days")
    assert outcomes(world, "loop") == ["stopped", "bought"]
    assert texts(world) == ["news 1", "news 2", "news 1"]


def test_the_row_of_a_message_of_a_later_pass_is_made_from_its_claim(begin: Any) -> None:
    """As after a crash between claim and ledger."""
    from functions.journeys.ledger import row_of
    from functions.tracking.message import send_id
    from functions.tracking.permission import Claim

    world = begin(loop=NEWS)
    world.track("ada", "loop")
    [run] = runs(world, "loop")
    desk = journey_desk(world.system.parts)
    made = send_id(run.run_id, "send news", 2)
    row = row_of(desk, run, Claim(made, world.now, "sms", "transactional"))
    assert row
    assert (row.step, row.iteration, row.send_id) == ("send news", 2, made)
    beyond = send_id(run.run_id, "send news", 3)
    assert row_of(desk, run, Claim(beyond, world.now, "sms", "transactional")) is None


# --- add to score


def test_a_shop_cannot_give_points_by_an_event_of_that_name(begin: Any) -> None:
    world = begin(gift="  - update: {add to score: -2.5}\n")
    world.track("ada", "Score Added", points=100)
    assert fields(world.person("ada"), world.now)["score"] == 0
    world.track("ada", "gift")
    world.track("ada", "gift")
    assert fields(world.person("ada"), world.now)["score"] == -5


def test_journeys_react_to_the_score(begin: Any) -> None:
    react = (
        "  - wait for: {person: {score: {at least: 10}}}\n"
        "    at most: 1 day\n"
        "    then: [{end: keen}]\n"
    )
    world = begin(gift="  - update: {add to score: 5}\n", keen=react)
    world.track("ada", "keen")
    world.track("ada", "gift")
    assert outcomes(world, "keen") == ["open"]
    world.track("ada", "gift")
    assert outcomes(world, "keen") == ["keen"]
