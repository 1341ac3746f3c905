"""tante import deals, as typed: a CRM's deals stand in the pipeline, and a later export changes
them."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from functions.handlers import wiring
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from local.imports import send
from tests.support.world import JOURNEYS, World

START = datetime(2025, 3, 1, 9, tzinfo=UTC)  # the terminal's clock is real and must be later
HEADING = (
    "Record ID,Deal Name,Deal Stage,Amount,Currency,Create Date,Close Date,Deal owner,"
    "Associated Contact,Associated Company,Deal Type\n"
)
FLEET = "77,Fleet,{},{},EUR,2024-12-01 09:00,2025-06-30,Anna Arndt,ada@example.com,Arndt GmbH,New\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Shop"]:
    shop = Shop(tmp_path)
    monkeypatch.setattr(send, "sleep", lambda seconds: shop.world.settle())
    with serving(application(App(shop.world.system).route)) as url:
        shop.url = url
        yield shop
    wiring.use(None)


class Shop:
    """A running system whose events are processed while the import waits for them."""

    def __init__(self, place: Path) -> None:
        self.place, self.url, self.exports = place, "", 0
        self.world = World(place / "data", start=START)

    def type(self, *rows: str, more: tuple[str, ...] = ()) -> Result:
        """Import these rows as an export of its own, an hour after the one before."""
        self.exports += 1
        file = self.place / f"deals{self.exports}.csv"
        file.write_text(HEADING + "".join(rows), "utf-8")
        written = (START + timedelta(hours=self.exports)).timestamp()
        os.utime(file, (written, written))
        self.world.advance("1 hour")
        return self.again(file, more)

    def again(self, file: Path, more: tuple[str, ...] = ()) -> Result:
        where = ["--data", str(self.place / "data"), "--at", self.url, "--journeys", str(JOURNEYS)]
        words = ["import", "deals", str(file), "--preset", "hubspot", "--yes", *more, *where]
        done = CliRunner().invoke(app, words)
        self.world.settle()
        return done

    @property
    def deals(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.world.api("/api/deals")["deals"]
        return found

    def counts(self) -> dict[str, int]:
        [deal] = self.deals
        events = self.world.api(f"/api/people/{deal['person']}/timeline")["events"]
        names = [one["event"] for one in events if one["event"].startswith("Deal")]
        return {name: names.count(name) for name in names}


def test_a_deal_of_the_crm_stands_in_the_pipeline(shop: Shop) -> None:
    done = shop.type(FLEET.format("Offer", 1200.5))
    assert done.exit_code == 0, done.output
    [deal] = shop.deals
    assert {word: deal[word] for word in ("id", "title", "stage", "owner", "account")} == {
        "id": "77",
        "title": "Fleet",
        "stage": "offer",
        "owner": "anna",
        "account": "Arndt GmbH",
    }
    assert (deal["value"], deal["currency"], deal["expected"]) == (1200.5, "EUR", "2025-06-30")
    assert deal["created"] == "2024-12-01T08:00:00Z"
    assert shop.counts() == {"Deal Created": 1}
    [report] = [
        one for one in shop.world.api("/api/deals/report")["stages"] if one["stage"] == "offer"
    ]
    assert report["value"] == {"EUR": 1200.5}


def test_the_same_export_again_is_nothing_and_a_later_one_changes_the_deal(shop: Shop) -> None:
    shop.type(FLEET.format("Offer", 1200))
    [before] = shop.deals
    shop.again(shop.place / "deals1.csv")
    shop.type(FLEET.format("Offer", 1200))
    assert (shop.deals, shop.counts()) == ([before], {"Deal Created": 1})
    shop.type(FLEET.format("Closed Won", 1500))
    shop.again(shop.place / "deals1.csv")
    [deal] = shop.deals
    assert (deal["stage"], deal["value"]) == ("won", 1500)
    assert shop.counts() == {"Deal Won": 1, "Deal Created": 1}


def test_a_stage_that_there_is_not_is_told_with_those_that_there_are(shop: Shop) -> None:
    row = FLEET.format("Qualified To Buy", 5)
    done = shop.type(row)
    assert done.exit_code == 1
    assert 'row 2: there is no stage "Qualified To Buy"' in done.output
    assert "there are: new, qualified, offer, won, lost" in done.output
    assert shop.deals == []
    assert shop.type(row, more=("--stage", "Qualified to buy=qualified")).exit_code == 0
    assert [deal["stage"] for deal in shop.deals] == ["qualified"]


def test_what_is_told_of_an_imported_deal_starts_no_journey(
    shop: Shop,
) -> None:
    shop.type(FLEET.format("Offer", 5))
    [deal] = shop.deals
    person = deal["person"]
    [created] = [
        one
        for one in shop.world.api(f"/api/people/{person}/timeline")["events"]
        if one["event"] == "Deal Created"
    ]
    assert created["context"]["import"] == {"name": "hubspot", "quiet": True}
    assert created["properties"]["deal_type"] == "New"


def test_a_deal_whose_person_stays_unknown_is_told_with_its_row(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "sleep", lambda seconds: None)  # nothing is ever processed
    done = shop.type(FLEET.format("Offer", 5))
    assert done.exit_code == 1
    assert 'row 2: nobody is known by the email "ada@example.com"' in done.output


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"email": "none@example.com", "created": "2025-01-01T00:00:00Z"}, 404, "nobody is known"),
        ({"created": "2025-01-01T00:00:00Z"}, 404, "say one"),
        ({"email": "ada@example.com"}, 400, "created"),
        ({"email": "ada@example.com", "created": "1960-01-01T00:00:00Z"}, 400, "1970"),
        (
            {"email": "ada@example.com", "created": "2025-01-01T00:00:00Z", "expected": "soon"},
            400,
            'a day like "2027-12-31"',
        ),
    ],
)
def test_a_word_that_cannot_be_taken_says_why(
    shop: Shop, body: dict[str, Any], status: int, words: str
) -> None:
    shop.world.identify("u1", email="ada@example.com")
    key = {"authorization": f"Bearer {shop.world.system.keys.secret_key}"}
    answer = shop.world.request("PUT", "/api/deals/d1", body, key)
    assert (answer["statusCode"], words in answer["json"]["message"]) == (status, True), answer
