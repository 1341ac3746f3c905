"""tante import, as typed at a running system: what was known elsewhere is known here, once."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from functions.handlers import wiring
from functions.segments.person import fields
from functions.storage.people import People
from functions.tracking.profile import Profile
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from local.imports import send
from local.keys import add_source
from tests.support.world import JOURNEYS, World

START = datetime(2025, 3, 1, 9, tzinfo=UTC)  # the terminal's clock is real and must be later
WRITTEN = (START - timedelta(days=1)).timestamp()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator["Shop"]:
    shop = Shop(tmp_path)
    with serving(application(App(shop.world.system).route)) as url:
        shop.url = url
        yield shop
    wiring.use(None)


class Shop:
    """A running system, a folder with files, and a terminal."""

    def __init__(self, place: Path) -> None:
        self.place, self.data, self.url = place, place / "data", ""
        self.world = World(self.data, start=START)

    def file(self, name: str, text: str) -> Path:
        file = self.place / name
        file.write_text(text, "utf-8")
        os.utime(file, (WRITTEN, WRITTEN))
        return file

    def type(self, kind: str, file: Path, *more: str) -> Result:
        where = ["--data", str(self.data), "--at", self.url, "--journeys", str(JOURNEYS)]
        done = CliRunner().invoke(app, ["import", kind, str(file), *more, *where])
        self.world.settle()
        return done

    def person(self, email: str) -> Profile:
        parts = self.world.system.parts
        found = People(parts.store, parts.settings.identity_key).by("email", email)
        assert found, f"nobody has the address {email}"
        return found

    def everybody(self) -> int:
        return len(self.world.api("/api/people")["people"])


CONTACTS = "E-Mail;Vorname;Firma\nada@example.com;Ada;Arndt GmbH\nben@example.com;Ben;\n"
TILL = (
    "Bon;E-Mail;Datum;Betrag;Artikelnummer\n"
    "b1;ada@example.com;15.02.2024;19,90;basic-1y\n"
    "b2;ben@example.com;16.02.2024;1.005,00;basic-1y\n"
)


def test_contacts_orders_and_notes_meet_in_one_person_in_whatever_order(shop: Shop) -> None:
    notes = "E-Mail,Datum,Art,Notiz\nada@example.com,2024-12-01,Anruf,called\n"
    for kind, name, text in (
        ("notes", "notes.csv", notes),
        ("orders", "till.csv", TILL),
        ("contacts", "contacts.csv", CONTACTS),
    ):
        assert shop.type(kind, shop.file(name, text), "--yes").exit_code == 0
    ada = shop.person("ada@example.com")
    found = fields(ada, shop.world.now)
    assert (found["first_name"], found["orders"], float(found["revenue"])) == ("Ada", 1, 19.9)
    assert found["last_contact"].isoformat() == "2024-11-30T23:00:00+00:00"
    assert list(ada.groups) == ["Arndt GmbH"]
    assert shop.everybody() == 2


def test_offline_orders_count_like_those_of_the_website(shop: Shop) -> None:
    shop.world.identify("u1", email="ada@example.com")
    shop.world.order("u1", "web-1", "basic-1y")
    shop.type("orders", shop.file("till.csv", TILL), "--yes", "--channel", "offline")
    ada = shop.world.person("u1")
    found = fields(ada, shop.world.now)
    assert (found["orders"], float(found["revenue"])) == (2, 29.9)
    assert found["first_order"].year == 2024


def test_what_is_imported_again_counts_once(shop: Shop) -> None:
    file = shop.file("till.csv", TILL)
    for _ in range(2):
        assert shop.type("orders", file, "--yes").exit_code == 0
    ada = shop.person("ada@example.com")
    assert ada.events["Order Completed"].count == 1
    assert ada.events["identify"].count == 1


def test_a_later_export_corrects_orders_and_what_did_not_change_is_nothing(shop: Shop) -> None:
    head = "order,email,date,total,currency,refunded,status\n"
    first = "o1,ada@example.com,2024-02-15,{},EUR,{},{}\n"
    other = "o2,ada@example.com,2024-02-16,5,EUR,,\n"
    for day, row in enumerate(
        (first.format(20, "", "paid"), first.format(25, 3, "paid"), first.format(25, 7, "paid"))
    ):
        file = shop.file(f"export{day}.csv", head + row + other)
        os.utime(file, (WRITTEN + 60 * day, WRITTEN + 60 * day))
        for _ in range(2):
            assert shop.type("orders", file, "--yes").exit_code == 0
    older = shop.place / "export0.csv"
    shop.type("orders", older, "--yes")
    ada = shop.person("ada@example.com")
    found = fields(ada, shop.world.now)
    assert (found["orders"], float(found["revenue"])) == (2, 23)
    counts = {name: ada.events[name].count for name in ada.events if name.startswith("Order")}
    assert counts == {"Order Completed": 2, "Order Updated": 1, "Order Refunded": 2}
    last = shop.file("last.csv", head + first.format(25, 7, "storniert") + other)
    assert shop.type("orders", last, "--yes").exit_code == 0
    found = fields(shop.person("ada@example.com"), shop.world.now)
    assert (found["orders"], float(found["revenue"])) == (1, 5)


def test_an_import_starts_no_journey_unless_it_is_asked_to(shop: Shop) -> None:
    now = shop.world.now.isoformat()
    text = f"order,email,date,total,sku\no1,ada@example.com,{now},10,basic-1y\n"
    shop.type("orders", shop.file("a.csv", text), "--yes")
    assert shop.world.runs("onboarding") == []
    person = shop.person("ada@example.com").person
    said = shop.world.api(f"/api/people/{person}/journeys/onboarding/why")["missing"]
    assert "was imported" in " ".join(said["reasons"])
    other = text.replace("o1", "o2").replace("ada", "ben")
    shop.type("orders", shop.file("b.csv", other), "--yes", "--start-journeys")
    assert len(shop.world.runs("onboarding")) == 1


def test_the_orders_of_last_year_start_no_journey_even_when_asked(shop: Shop) -> None:
    shop.type("orders", shop.file("till.csv", TILL), "--yes", "--start-journeys")
    assert shop.world.runs("onboarding") == []


def test_a_dry_run_and_a_refused_question_send_nothing(shop: Shop) -> None:
    file = shop.file("contacts.csv", CONTACTS)
    dry = shop.type("contacts", file, "--dry-run")
    assert dry.exit_code == 0
    assert "2 rows: 3 events would be sent" in dry.output
    assert "row 2: 2025-02-28" in dry.output
    assert shop.type("contacts", file).exit_code == 2  # no terminal to ask at
    assert shop.everybody() == 0


def test_rows_with_mistakes_go_to_a_file_that_can_be_corrected_and_imported(shop: Shop) -> None:
    file = shop.file("contacts.csv", CONTACTS.replace("ben@example.com", "ben@example"))
    done = shop.type("contacts", file, "--yes")
    assert done.exit_code == 1
    assert 'row 3: E-Mail: "ben@example" is not an e-mail address' in done.output
    errors = shop.place / "contacts.csv.errors.csv"
    text = errors.read_text("utf-8-sig")
    assert text.splitlines()[0] == "E-Mail;Vorname;Firma;Import error"
    errors.write_text(text.replace("ben@example;", "ben@example.com;"), "utf-8-sig")
    assert shop.type("contacts", errors, "--yes").exit_code == 0
    assert shop.everybody() == 2


def test_what_the_system_refuses_is_told_with_its_row(shop: Shop) -> None:
    text = f"User ID,City\nu1,Berlin\nu2,{'x' * 40_000}\nnull,Wien\nu3,Bonn\n"
    done = shop.type("contacts", shop.file("contacts.csv", text), "--yes")
    assert "row 3: has more than the 32 KB" in done.output
    assert 'row 4: userId is "null"' in done.output
    assert shop.everybody() == 2


def test_a_row_with_too_many_cells_stays_wrong_until_somebody_mends_it(shop: Shop) -> None:
    file = shop.file("contacts.csv", CONTACTS + "cem@example.com;Cem;Firma; mit Semikolon\n")
    assert shop.type("contacts", file, "--yes").exit_code == 1
    errors = shop.place / "contacts.csv.errors.csv"
    assert shop.type("contacts", errors, "--yes").exit_code == 1
    again = shop.place / "contacts.csv.errors.csv.errors.csv"
    assert "mit Semikolon" in again.read_text("utf-8-sig")
    assert shop.everybody() == 2


def test_options_of_orders_say_so_elsewhere(shop: Shop) -> None:
    done = shop.type("contacts", shop.file("a.csv", CONTACTS), "--dry-run", "--channel", "offline")
    assert (done.exit_code, "of orders" in done.output) == (2, True)


def test_consent_counts_only_when_it_is_vouched_for_and_never_over_a_later_no(shop: Shop) -> None:
    shop.world.identify("u1", email="ada@example.com")
    shop.world.track("u1", "Consent Withdrawn", channel="email", purposes=["offers"])
    file = shop.file(
        "consents.csv",
        "email,offers,since\nada@example.com,yes,2024-05-01\nben@example.com,yes,2024-05-01\n",
    )
    told = ("--map", "offers=consent.offers", "--map", "since=consent.time", "--yes")
    refused = shop.type("contacts", file, *told)
    assert refused.exit_code == 2
    assert "--trusted-consent" in refused.output
    vouched = ("--trusted-consent", *told[2:])
    wrong = shop.type("contacts", file, "--map", "offers=consent.offer", *vouched)
    assert 'brand.yaml has no purpose "offer"' in wrong.output
    assert shop.type("contacts", file, *told, "--trusted-consent").exit_code == 0
    assert not shop.world.permission("u1").consents["email/offers"].given
    ben = shop.person("ben@example.com").person
    consents = shop.world.api(f"/api/people/{ben}")["consents"]
    assert [(one["purpose"], one["given"], one["time"][:4]) for one in consents] == [
        ("offers", True, "2024")
    ]


def test_consent_with_a_write_key_that_is_not_trusted_is_refused_at_the_door(shop: Shop) -> None:
    add_source(shop.world.store, "wk_web", "website", False, shop.world.now)
    file = shop.file("c.csv", "email,offers,since\nada@example.com,yes,2024-05-01\n")
    told = ("--map", "offers=consent.offers", "--map", "since=consent.time", "--trusted-consent")
    done = shop.type("contacts", file, *told, "--yes", "--write-key", "wk_web")
    assert "row 2:" in done.output
    assert "not trusted" in done.output
    assert shop.world.system.queue.dead() == []


def test_an_import_that_was_interrupted_goes_on_and_nothing_counts_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"o{n},p{n}@example.com,2024-01-01,{n}\n" for n in range(1, 61))
    file = shop.file("orders.csv", "order,email,date,total\n" + rows)
    monkeypatch.setattr(send, "MOST", 10)  # a batch takes eleven
    post, posted = send.Door.post, []

    def breaks(door: send.Door, events: list[bytes]) -> dict[int, str]:
        if len(posted) == 3:
            raise send.Stopped("the line is cut")
        posted.append(events)
        return post(door, events)

    monkeypatch.setattr(send, "AT_ONCE", 1)
    monkeypatch.setattr(send.Door, "post", breaks)
    assert shop.type("orders", file, "--yes").exit_code == 1
    journal = json.loads((shop.place / "orders.csv.import.json").read_bytes())
    assert 0 < journal["row"] < 61
    monkeypatch.setattr(
        send.Door, "post", lambda door, events: posted.append(events) or post(door, events)
    )
    done = shop.type("orders", file, "--yes")
    assert done.exit_code == 0
    assert f"going on after row {journal['row']}" in done.output
    assert not (shop.place / "orders.csv.import.json").exists()
    # What the journal knows is not sent again; what was under way may be, and counts once.
    assert 120 <= sum(map(len, posted)) <= 144
    events = _events(shop)
    assert [events.count("Order Completed"), events.count("identify")] == [60, 60]


def _events(shop: Shop) -> list[str]:
    found: list[Any] = shop.world.store.listing(Profile, limit=500)[0]
    return [
        name
        for profile in found
        for name, seen in profile.events.items()
        for _ in range(seen.count)
    ]


def test_without_a_running_system_it_says_what_to_do(shop: Shop) -> None:
    file = shop.file("contacts.csv", CONTACTS)
    words = ["import", "contacts", str(file), "--yes", "--data", str(shop.place / "nothing")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "tante run" in done.output
