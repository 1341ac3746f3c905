"""tante tasks, leads, deals and brief, as typed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from functions.handlers import wiring
from functions.sales.records import Lead
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.support.world import World


class Shop:
    """A running system with one customer who has a task, and a terminal beside it."""

    def __init__(self, place: Path) -> None:
        self.data, self.url = place / "data", ""
        self.world = World(self.data)
        self.world.customer("ada", firstName="Ada", country="DE", language="en")
        self.world.order("ada", "o1", "basic-1y")
        self.world.advance("15 days")
        self.world.click(self.world.outbox()[1], "guide-video")
        self.world.click(self.world.outbox()[-1], "premium")
        self.ada = self.world.person("ada").person
        [task] = self.world.api("/api/tasks")["tasks"]
        self.task = str(task["id"])

    def type(self, *words: str) -> Result:
        found = CliRunner().invoke(app, [*words, "--data", str(self.data), "--at", self.url])
        self.world.settle()
        return found

    def post(self, path: str, body: dict[str, object]) -> None:
        key = {"authorization": f"Bearer {self.world.system.keys.secret_key}"}
        assert self.world.request("POST", path, body, key)["statusCode"] == 200
        self.world.settle()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    with serving(application(App(shop.world.system).route)) as url:
        shop.url = url
        yield shop
    wiring.use(None)


def test_tasks_are_listed_handed_on_and_done(shop: Shop) -> None:
    listed = shop.type("tasks", "list", "--owner", "ben")
    assert listed.exit_code == 0
    assert "High interest in premium, please close the deal" in listed.stdout
    assert shop.task in listed.stdout
    assert "there are no such tasks" in shop.type("tasks", "list", "--owner", "anna").stdout
    given = shop.type("tasks", "reassign", "ada@example.com", shop.task, "clara", "--by", "ben")
    assert given.stdout.strip().endswith("open, clara")
    again = shop.type("tasks", "reassign", "ada", shop.task, "ben")
    assert again.exit_code == 1
    assert "ben had this task before" in again.stderr
    done = shop.type("tasks", "done", shop.ada, shop.task, "--outcome", "reached")
    assert done.stdout.strip().endswith("done (reached), clara")
    assert shop.task in shop.type("tasks", "list", "--status", "done").stdout
    reopened = shop.type("tasks", "reopen", "ada", shop.task, "--note", "calls back")
    assert reopened.stdout.strip().endswith("open, clara")


def test_leads_are_listed_decided_on_and_reported(shop: Shop) -> None:
    assert "there are no such leads" in shop.type("leads", "list").stdout
    now = shop.world.now
    lead = Lead(person=shop.ada, lead_id="l1", owner="ben", handed=now, score=81, text="Call")
    shop.world.store.put(lead)
    assert "81" in shop.type("leads", "list", "--status", "open").stdout
    refused = shop.type("leads", "decide", "ada", "l1", "rejected")
    assert refused.exit_code == 1
    assert "say why it is rejected" in refused.stderr
    decided = shop.type("leads", "decide", "ada", "l1", "rejected", "--reason", "no budget")
    assert decided.stdout.strip() == "Call: rejected, ben"
    report = shop.type("leads", "report").stdout
    assert report.startswith("1 leads: 1 rejected; 0 times handed on")


def test_deals_are_listed_and_reported(shop: Shop) -> None:
    assert "there are no such deals" in shop.type("deals", "list").stdout
    shop.post(f"/api/people/{shop.ada}/deals", {"title": "Premium", "value": 1200, "id": "d1"})
    listed = shop.type("deals", "list", "--stage", "new").stdout
    assert "Premium" in listed
    assert "1,200 EUR" in listed or "1,200.0 EUR" in listed
    report = shop.type("deals", "report").stdout
    assert "qualified" in report
    assert report.strip().endswith("0 won (-), 0 lost")
    assert shop.type("deals", "list", "--stage", "nowhere").exit_code == 1


def test_a_brief_is_told_in_both_languages_and_of_nobody_it_says_so(shop: Shop) -> None:
    english = shop.type("brief", "ada").stdout
    assert english.startswith("Ada · ada@example.com")
    assert "\nNext\n" in english
    assert "clicked “premium” in five-reasons" in english
    assert "\nAls Nächstes\n" in shop.type("brief", "ada@example.com", "--in", "de").stdout
    nobody = shop.type("brief", "bob")
    assert nobody.exit_code == 1
    assert 'nobody is known by the user id or anonymous id "bob"' in nobody.stderr


def test_a_person_is_shown_with_what_is_next_what_happened_and_what_they_were_sent_and_why(
    shop: Shop,
) -> None:
    body = {"id": "d9", "title": "Licences", "value": 500, "currency": "EUR"}
    shop.post(f"/api/people/{shop.ada}/deals", body)
    shown = shop.type("people", "show", "ada", "--most", "30").stdout
    said = " ".join(shown.split())
    assert "ada@example.com" in said
    assert "stage (customer) First-time buyer since" in said
    assert "next High interest in premium" in said
    assert "Licences: new since" in said
    assert "Deal Created: Licences" in said
    assert "clicked" in said
    assert f"tante why {shop.ada} onboarding" in said
    few = shop.type("people", "show", "ada", "--most", "2").stdout
    assert len(re.findall(r"\d\d:\d\d  [A-Z]", few)) == 2  # events


def test_the_tasks_of_one_person_are_listed_newest_first_and_of_nobody_there_are_none(
    shop: Shop,
) -> None:
    tasks = shop.world.api(f"/api/tasks/{shop.ada}")["tasks"]
    assert shop.task in [one["id"] for one in tasks]
    assert {one["person"] for one in tasks} == {shop.ada}
    assert [one["created"] for one in tasks] == sorted(
        (one["created"] for one in tasks), reverse=True
    )
    key = {"authorization": f"Bearer {shop.world.system.keys.secret_key}"}
    assert shop.world.request("GET", "/api/tasks/nobody", headers=key)["statusCode"] == 404
