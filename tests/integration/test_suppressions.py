"""Suppressed addresses in a whole Tante: nothing goes there, whoever has the address later."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from functions.handlers import wiring
from functions.storage import people
from functions.tracking.message import Kept
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile
from functions.tracking.suppressed import Suppressed
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.support.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield World(tmp_path / "data")
    wiring.use(None)


def tell(world: World, kept: Kept, kind: str, **detail: Any) -> None:
    """SES tells something of this mail."""
    time = world.now.isoformat(timespec="milliseconds")
    mail = {
        "timestamp": time,
        "destination": [kept.to],
        "tags": {name: [value] for name, value in kept.tags.items()},
    }
    said = {"eventType": kind, "mail": mail, kind.lower(): {"timestamp": time, **detail}}
    body = json.dumps({"Type": "Notification", "Message": json.dumps(said)})
    world.system.queue.send([body.encode()])
    world.settle()


def mailed(world: World, user: str, order: str = "o1") -> Kept:
    world.customer(user)
    world.order(user, f"{user}-{order}", "basic-1y")
    person = world.person(user).person
    return [kept for kept in world.outbox() if kept.person == person][-1]


def listed(world: World) -> list[Suppressed]:
    return world.store.listing(Suppressed)[0]


def ask(world: World, path: str, body: dict[str, Any]) -> dict[str, Any]:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    answer = world.request("POST", path, body, key)
    world.settle()
    return answer


def test_a_bounce_puts_the_address_on_the_list_without_the_address(world: World) -> None:
    kept = mailed(world, "ada")
    tell(world, kept, "Bounce", bounceType="Permanent")
    [one] = listed(world)
    assert (one.channel, one.reason, one.source) == ("email", "hard bounce", "receipts")
    assert "ada" not in repr(one)
    assert world.permission("ada").suppressed == {"email": "hard bounce"}
    events = world.api(f"/api/people/{kept.person}/timeline")["events"]
    assert [one["event"] for one in events[:2]] == ["Address Suppressed", "Email Bounced"]


def test_whoever_takes_a_listed_address_later_is_suppressed_at_once(world: World) -> None:
    tell(world, mailed(world, "ada"), "Bounce", bounceType="Permanent")
    world.identify("bob", email="bob@example.com")
    assert world.permission("bob").suppressed == {}
    world.identify("bob", email=" ADA@example.com ")
    assert world.permission("bob").suppressed == {"email": "hard bounce"}
    world.identify("bob", email="bob@example.com")
    assert world.permission("bob").suppressed == {}


def test_the_list_survives_the_erasure_of_the_person(world: World) -> None:
    tell(world, mailed(world, "ada"), "Bounce", bounceType="Permanent")
    profile = world.person("ada")
    for kind in (Profile, Permission):
        world.store.delete(world.store.get(kind, profile.person))
    mailed_anew = people.find_profile(world.store, profile.person)
    assert mailed_anew is None
    world.advance("1 day")
    world.identify("ada-again", email="ada@example.com")
    assert world.permission("ada-again").suppressed == {"email": "hard bounce"}


def test_a_bounce_of_the_address_of_before_does_not_silence_the_new_one(world: World) -> None:
    kept = mailed(world, "ada")
    world.advance("1 minute")
    world.identify("ada", email="ada@new.example")
    world.advance("1 minute")
    tell(world, kept, "Bounce", bounceType="Permanent")
    assert world.permission("ada").suppressed == {}
    [one] = listed(world)
    assert one.reason == "hard bounce"
    world.identify("bob", email="ada@example.com")
    assert world.permission("bob").suppressed == {"email": "hard bounce"}


def test_by_hand_it_is_in_force_when_the_answer_comes_and_lifting_needs_a_reason(
    world: World,
) -> None:
    world.customer("ada")
    said = {"addresses": [{"address": "Ada@Example.com", "reason": "asked by phone"}, {}]}
    assert ask(world, "/api/suppressions", said)["json"] == {"added": 1, "known": 0, "wrong": [1]}
    assert world.permission("ada").suppressed == {"email": "by hand: asked by phone"}
    world.order("ada", "o1", "basic-1y")
    assert world.sent("ada") == []
    found = ask(world, "/api/suppressions/find", {"address": "ada@example.com"})["json"]
    assert found["reason"] == "by hand: asked by phone"
    path, lift = "/api/suppressions/lift", {"address": "ada@example.com"}
    assert ask(world, path, {**lift, "because": " "})["statusCode"] == 400
    assert ask(world, path, lift)["statusCode"] == 400
    done = ask(world, path, {**lift, "because": "she wrote that she wants them"})
    assert done["json"] == {"reason": "by hand: asked by phone"}
    assert world.permission("ada").suppressed == {}
    assert ask(world, path, {**lift, "because": "again"})["statusCode"] == 404
    assert world.api("/api/suppressions")["suppressions"] == []
    kept = ask(world, "/api/suppressions/find", {"address": "ada@example.com"})["json"]
    assert kept["lifted_because"] == "she wrote that she wants them"


def test_an_address_that_was_lifted_is_ruled_out_by_the_next_bounce_only(world: World) -> None:
    kept = mailed(world, "ada")
    tell(world, kept, "Bounce", bounceType="Permanent")
    world.advance("1 hour")
    body = {"address": "ada@example.com", "because": "the mailbox is there again"}
    assert ask(world, "/api/suppressions/lift", body)["statusCode"] == 200
    world.identify("bob", email="ada@example.com")
    assert world.permission("bob").suppressed == {}
    world.advance("1 hour")
    tell(world, kept, "Bounce", bounceType="Permanent")
    assert world.permission("ada").suppressed == {"email": "hard bounce"}
    assert len(listed(world)) == 1


class Terminal:
    """A running system and a terminal beside it."""

    def __init__(self, world: World, url: str, folder: Path) -> None:
        self.world, self.url, self.folder = world, url, folder

    def type(self, *words: str) -> Result:
        more = ["--data", str(self.folder / "data"), "--at", self.url]
        found = CliRunner().invoke(app, ["suppressions", *words, *more])
        self.world.settle()
        return found


@pytest.fixture
def terminal(world: World, tmp_path: Path) -> Iterator[Terminal]:
    with serving(application(App(world.system).route)) as url:
        yield Terminal(world, url, tmp_path)


def test_a_list_of_another_product_is_imported_and_ours_exported_without_addresses(
    terminal: Terminal,
) -> None:
    world, file = terminal.world, terminal.folder / "list.csv"
    world.customer("ada")
    file.write_text(
        "E-Mail;reason\nada@example.com;hard bounce\nnobody\nbob@example.com;=1+1\n"
        "ADA@example.com;hard bounce\n"
    )
    done = terminal.type("import", str(file))
    assert done.exit_code == 0
    assert "2 addresses added; 1 were there already" in done.stdout
    assert "line 3: no address" in done.output
    assert world.permission("ada").suppressed == {"email": "hard bounce"}
    target = terminal.folder / "out.csv"
    assert terminal.type("export", str(target)).exit_code == 0
    rows = list(csv.DictReader(target.open()))
    assert sorted(row["reason"] for row in rows) == ["'=1+1", "hard bounce"]
    assert "example.com" not in target.read_text()
    for one in listed(world):
        world.store.delete(one)
    again = terminal.type("import", str(target))
    assert "2 addresses added" in again.stdout
    world.identify("cy", email="bob@example.com")
    assert world.permission("cy").suppressed == {"email": "=1+1"}


def test_add_show_list_and_remove_as_typed(terminal: Terminal) -> None:
    number = "0151 12345678"
    assert terminal.type("add", number).exit_code == 1
    assert terminal.type("add", number, "--channel", "sms", "--reason", "wrong").exit_code == 0
    assert "by hand: wrong" in terminal.type("show", "+4915112345678", "--channel", "sms").stdout
    assert "by hand: wrong" in terminal.type("list").stdout
    assert terminal.type("remove", number, "--channel", "sms").exit_code == 2
    gone = terminal.type("remove", number, "--channel", "sms", "--because", "right after all")
    assert "lifted" in gone.stdout
    assert "right after all" in terminal.type("show", number, "--channel", "sms").stdout
