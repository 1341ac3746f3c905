"""The breaker in a whole Tante: bad lists and angry readers stop a campaign, not the shop."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from typer.testing import CliRunner

from functions.handlers import breaking, wiring
from functions.storage.remember import timeline
from functions.tracking.breaker import Bucket
from functions.tracking.event import EventBatch
from functions.tracking.pause import Counts, Pause, pause_key
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.support.world import JOURNEYS, World

AT_LEAST = 20
JOURNEY = """
title: A mail
purpose: %s
enter when: {event: Wants %s}
once per: occasion
steps:
  - send: one
"""
MAIL = """<mjml><mj-head><mj-title>Hi</mj-title></mj-head><mj-body><mj-section><mj-column>
<mj-text>Hi <a href="{{ unsubscribe }}">Leave</a></mj-text>
</mj-column></mj-section></mj-body></mjml>"""
PURPOSES = {"tips": "product tips", "bill": "transactional"}


def a_folder(folder: Path, breaker: str) -> Path:
    folder.mkdir()
    copy(JOURNEYS / "brand.yaml", folder)
    (folder / "limits.yaml").write_text(f"breaker: {breaker}\n")
    for name, purpose in PURPOSES.items():
        (folder / name).mkdir()
        (folder / name / "journey.yaml").write_text(JOURNEY % (purpose, name))
        for language in ("de", "en"):
            (folder / name / f"one.{language}.mjml").write_text(MAIL)
    return folder


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    folder = a_folder(tmp_path / "journeys", f"{{at least: {AT_LEAST}}}")
    yield World(tmp_path / "data", folder)
    wiring.use(None)


def mail(world: World, user: str, domain: str, journey: str = "tips", **told: Any) -> bool:
    """Have somebody get a mail; whether it went. SES tells that it was sent, and `told`."""
    world.identify(user, email=f"{user}@{domain}")
    world.track(user, "Consent Given", channel="email", purposes=["product tips"])
    before = {kept.send_id for kept in world.outbox()}
    world.track(user, f"Wants {journey}")
    kept = next((one for one in world.outbox() if one.send_id not in before), None)
    if kept is None:
        return False
    time = world.now.isoformat(timespec="milliseconds")
    tags = {name: [value] for name, value in kept.tags.items()}
    for kind, detail in (("Send", {}), *told.items()):
        about = {"timestamp": time, "destination": [kept.to], "tags": tags}
        said = {"eventType": kind, "mail": about, kind.lower(): {"timestamp": time, **detail}}
        body = json.dumps({"Type": "Notification", "Message": json.dumps(said)})
        world.system.queue.send([body.encode()])
    world.settle()
    return True


HARD = {"Bounce": {"bounceType": "Permanent"}}


def test_sending_stops_within_the_least_number_of_mails_and_goes_on_when_a_person_says_so(
    world: World, tmp_path: Path
) -> None:
    went = [
        mail(world, f"p{number}", f"d{number}.example", **(HARD if number % 4 == 3 else {}))
        for number in range(AT_LEAST + 4)
    ]
    assert went == [True] * AT_LEAST + [False] * 4
    assert mail(world, "p0", "d0.example", "bill")
    [stop] = world.store.get(Pause, pause_key("email")).stops.values()
    assert stop.why == "5 of 20 mails bounced for good (25.0%; the bound is 5.0%)"
    with serving(application(App(world.system).route)) as url:
        system = ["--data", str(tmp_path / "data"), "--at", url]
        shown = CliRunner().invoke(app, ["breaker", *system])
        assert "tips/one" in shown.stdout
        assert "stopped until you resume it: 5 of 20 mails" in shown.stdout
        resume = ["breaker", "resume", "tips/one", "--because"]
        done = CliRunner().invoke(app, [*resume, "the list is clean now", *system])
        assert done.exit_code == 0, done.output
        assert CliRunner().invoke(app, [*resume, "again", *system]).exit_code == 1
    world.advance("90 minutes")
    assert world.sent(f"p{AT_LEAST}") == ["one"]
    assert mail(world, "late", "d99.example", **HARD)
    assert mail(world, "later", "d98.example")


def test_only_the_domain_waits_that_takes_too_few_and_not_for_what_needs_no_consent(
    world: World,
) -> None:
    for number in range(AT_LEAST):
        assert mail(world, f"good{number}", "good.example")
    for number in range(AT_LEAST):
        told = HARD if number >= AT_LEAST - 2 else {}
        assert mail(world, f"bad{number}", "bad.example", **told)
    assert not mail(world, "waits", "bad.example")
    [message] = world.messages("waits")
    assert message.reason == "a mail provider takes too few of our mails: bad.example"
    assert mail(world, "goes", "good.example")
    assert mail(world, "bills", "bad.example", "bill")
    world.advance("75 minutes")
    assert world.sent("waits") == ["one"]


def test_receipts_that_come_together_are_counted_in_one_write_and_not_when_they_come_again(
    world: World,
) -> None:
    parts = world.system.parts
    mail(world, "ada", "mail.example")
    [before] = breaking.buckets(parts)
    assert before.counts == {"tips/one": Counts(1), "mail.example": Counts(1)}
    world.advance("2 hours")
    sent = [one for one in timeline(parts.store, world.person("ada")) if one.name == "Email Sent"]
    breaking.count(parts, [EventBatch(sent * 50), EventBatch(sent * 50)])
    breaking.count(parts, [EventBatch(sent * 50, attempt=1), EventBatch(sent, put_off=1)])
    found = [one for one in breaking.buckets(parts) if one.hour != before.hour]
    assert [one.counts["tips/one"] for one in found] == [Counts(100)]
    assert [one.version for one in found] == [1]


def test_where_it_is_off_nothing_is_counted(tmp_path: Path) -> None:
    world = World(tmp_path / "data", a_folder(tmp_path / "journeys", "off"))
    try:
        mail(world, "ada", "mail.example", **HARD)
        assert not any(list(world.store.query(Bucket, f"sending {n}")) for n in range(8))
    finally:
        wiring.use(None)


def test_mails_of_the_day_are_told_by_class_and_say_theirs(world: World, tmp_path: Path) -> None:
    """What is part of a contract is exempt from limits, and marked for people and machines."""
    for number in range(3):
        assert mail(world, f"p{number}", "good.example")
    world.advance("1 minute")
    assert mail(world, "p0", "good.example", "bill", **HARD)
    *_, tips, bill = world.outbox()
    assert (tips.tags["class"], bill.tags["class"]) == ("automation", "transactional")
    assert bill.headers["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in bill.headers
    assert "Auto-Submitted" not in tips.headers
    assert world.api("/api/breaker")["classes"] == [
        {"name": "automation", "sent": 3, "bounced": 0, "complained": 0},
        {"name": "transactional", "sent": 1, "bounced": 1, "complained": 0},
    ]
    with serving(application(App(world.system).route)) as url:
        shown = CliRunner().invoke(app, ["breaker", "--data", str(tmp_path / "data"), "--at", url])
    assert re.search(r"transactional +1 +1 +0", shown.stdout), shown.output


def test_after_how_many_soft_bounces_an_address_is_given_up_stands_in_limits_yaml(
    tmp_path: Path,
) -> None:
    folder = a_folder(tmp_path / "journeys", "off")
    with (folder / "limits.yaml").open("a") as limits:
        limits.write("soft bounces: {email: 2 over 1 hour}\n")
    world = World(tmp_path / "data", folder)
    full = {"Bounce": {"bounceType": "Transient", "bounceSubType": "MailboxFull"}}
    assert mail(world, "ada", "good.example", "bill", **full)
    world.advance("1 hour")
    assert world.permission("ada").suppressed == {}
    assert mail(world, "ada", "good.example", "bill", **full)
    assert world.permission("ada").suppressed == {"email": "repeated soft bounces"}
    wiring.use(None)
