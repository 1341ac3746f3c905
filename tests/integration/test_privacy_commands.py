"""Data protection on the command line: erasing with proof, exporting, restoring, the register."""

import csv
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from functions.handlers import wiring
from functions.storage.kinds import KINDS
from functions.storage.retention import REGISTER
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from local.spreadsheet import safe
from tests.support.world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("local.privacy_commands.PATIENCE", 0.0)  # nothing goes on by itself here
    world = World(tmp_path / "data")
    world.customer("ada", firstName="=HYPERLINK(1)")
    world.order("ada", "o1", "basic-1y")
    yield world
    wiring.use(None)


def tante(world: World, *words: str) -> Result:
    """A command that asks the running system; what it has set off is done when it is through."""
    with serving(application(App(world.system).route)) as url:
        where = ["--at", url, "--key", world.system.keys.secret_key]
        result = CliRunner().invoke(app, [*words, *where])
    world.settle()
    return result


@pytest.mark.security("exports")
def test_an_export_has_everything_in_json_and_in_tables_that_are_no_formulas(
    world: World, tmp_path: Path
) -> None:
    for number in range(3):
        world.track("ada", "=cmd|calc", note=f"+{number}")
    done = tante(world, "people", "export", "ada", "--out", str(tmp_path / "ada"))
    assert done.exit_code == 0, done.output
    whole = json.loads((tmp_path / "ada" / "person.json").read_text())
    assert whole["profile"]["traits"]["email"]["value"] == "ada@example.com"
    assert whole["permission"]["consents"]
    assert whole["messages"][0]["channel"]
    assert {one["order_id"] for one in whole["orders"]} == {"o1"}
    names = [one["name"] for one in whole["events"]]
    assert names.count("=cmd|calc") == 3
    with (tmp_path / "ada" / "events.csv").open(encoding="utf-8-sig", newline="") as text:
        rows = list(csv.DictReader(text))
    assert [row["name"] for row in rows] == [safe(name) for name in names]
    assert "'=cmd|calc" in {row["name"] for row in rows}
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_an_export_comes_in_pages_that_leave_nothing_out(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        world.track("ada", f"Visited {number}")
        world.order("ada", f"o-{number}", "basic-1y")
    world.track("visitor", "Visited before")
    world.post("alias", {"userId": "ada", "previousId": "visitor"})
    world.advance("30 days")
    tante(world, "people", "export", "ada", "--out", str(tmp_path / "at once"))
    at_once = json.loads((tmp_path / "at once" / "person.json").read_text())
    assert len(at_once["messages"]) > 2
    assert len(at_once["orders"]) == 6
    monkeypatch.setattr("functions.storage.exporting.MOST_TOLD", 2)
    tante(world, "people", "export", "ada", "--out", str(tmp_path / "ada"))
    whole = json.loads((tmp_path / "ada" / "person.json").read_text())
    assert whole == at_once
    events = whole["events"]
    assert len({one["message_id"] for one in events}) == len(events) >= 9
    assert {f"Visited {number}" for number in range(5)} <= {one["name"] for one in events}


def test_erasing_asks_first_and_leaves_a_proof(world: World) -> None:
    assert tante(world, "people", "erase", "ada").exit_code == 1  # nobody said yes
    assert world.person("ada")
    person = world.person("ada").person
    done = tante(world, "people", "erase", "ada", "--yes", "--why", "ticket-7")
    assert done.exit_code == 0
    assert person in done.output
    proof = tante(world, "people", "erasures", person)
    assert "a second look found nothing" in proof.output
    assert "ticket-7" in proof.output
    assert "deleted: 2 × link of an identifier" in proof.output
    assert tante(world, "people", "show", "ada").exit_code == 1
    assert person in tante(world, "people", "erasures").output


def test_erasing_once_more_tells_of_the_first_time(world: World) -> None:
    person = world.person("ada").person
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    first = world.request("DELETE", f"/api/people/{person}", headers=key)["json"]
    again = world.request("DELETE", f"/api/people/{person}", headers=key)["json"]
    world.settle()
    third = world.request("DELETE", f"/api/people/{person}", headers=key)["json"]
    assert first["asked"] == again["asked"] == third["asked"]
    assert third["done"]
    unknown = world.request("DELETE", "/api/people/nobody", headers=key)
    assert unknown["statusCode"] == 404


def copied(world: World, table: str) -> list[tuple[Any, ...]]:
    return list(world.store.connection.execute(f"SELECT * FROM {table}").fetchall())


def brought_back(world: World, table: str, rows: list[tuple[Any, ...]]) -> None:
    """The table as it was, as point-in-time recovery restores it."""
    connection = world.store.connection
    connection.execute(f"DELETE FROM {table}")
    marks = ",".join("?" for _ in rows[0])
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def test_after_a_restore_who_was_erased_is_erased_again_and_nobody_else(world: World) -> None:
    world.customer("bob")
    backup = {table: copied(world, table) for table in ("people", "timeline")}
    tante(world, "people", "erase", "ada", "--yes")
    for table, rows in backup.items():
        brought_back(world, table, rows)
    assert world.person("ada")
    done = tante(world, "restore")
    assert "1 are carried out again" in done.output
    assert world.api("/api/people", user_id="ada")["people"] == []
    assert world.api("/api/people", email="ada@example.com")["people"] == []
    assert world.person("bob").trait("email") == "bob@example.com"
    left = [row for table in backup for row in copied(world, table) if b"ada@example" in row[3]]
    assert left == []
    assert "0 are carried out again" in tante(world, "restore").output


def test_the_register_has_a_line_for_every_kind_of_record_and_says_how_long_it_is_kept(
    world: World,
) -> None:
    assert REGISTER.keys() == KINDS.keys()
    for kind, where in KINDS.items():
        assert bool(where.expires) == bool(REGISTER[kind].kept), kind
    told = tante(world, "register").output
    assert "eu-central-1" in told
    assert "Amazon SES" in told
    assert "400 days" in told
    assert "until the person is erased" in told


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_in_a_table_is_a_formula_and_a_number_stays_one(sign: str) -> None:
    assert safe(f"{sign}1+1") == f"'{sign}1+1"
    assert safe(-12.5) == "-12.5"


def test_a_file_that_was_scrubbed_has_no_trace_in_its_log(tmp_path: Path) -> None:
    from local.scrub import scrub

    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE one (text)")
        connection.execute("INSERT INTO one VALUES ('a secret')")
        connection.execute("DELETE FROM one")
        assert any(b"a secret" in file.read_bytes() for file in tmp_path.iterdir())
        scrub(connection)
        assert not any(b"a secret" in file.read_bytes() for file in tmp_path.iterdir())
