"""One import: what it shows before, how it goes, and what it says afterwards."""

import csv
import hashlib
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table as Grid

from functions.folder import BRAND_FILE, check_brand
from functions.messages.brand import Brand
from local.client import HERE
from local.imports import mapping
from local.imports.events import Import, Record, records
from local.imports.kinds import KINDS
from local.imports.mapping import REASON, BadMapping
from local.imports.send import (
    AccountsDoor,
    DealsDoor,
    Door,
    Journal,
    Post,
    Sent,
    Stopped,
    open_journal,
    send,
    try_out,
)
from local.imports.survey import look_over
from local.imports.table import BadTable, Table
from local.imports.values import BadCell, Ways, moment
from local.keys import Keys

SHOWN = 5  # rows of the preview
SHOWN_WRONG = 10
LONGEST_NAME = 60


class CannotImport(Exception):
    """It cannot be done; the text says what would be right."""


@dataclass(frozen=True)
class Asked:
    """What the command line says."""

    kind: str
    file: Path
    maps: list[str]
    preset: str
    source: str
    consents: list[str]
    trusted_consent: bool
    start_journeys: bool
    channel: str
    store: str
    decimal: str
    dates: str
    zone: str
    country: str
    as_of: str
    stages: list[str]
    encoding: str
    delimiter: str
    journeys: Path


@dataclass(frozen=True)
class Where:
    """Which system is meant, and the keys to it."""

    at: str
    key: str
    write_key: str
    data: Path | None


WRONG_WORDS = (CannotImport, BadTable, BadMapping)  # of the command line or the file


def door_of(asked: Where, kind: str, context: dict[str, Any] | None) -> Post:
    """How to reach the system: the door for events, which then stand in this context, or that for
    companies or for deals. Raises CannotImport where there is no key."""
    at = asked.at or HERE
    if context is None:
        return AccountsDoor(at, _key(asked, "secret_key")).post
    write_key = _key(asked, "write_key")
    if kind == "deals":
        return DealsDoor(at, _key(asked, "secret_key"), write_key, context).post
    return Door(at, write_key, context).post


def _key(asked: Where, name: Literal["write_key", "secret_key"]) -> str:
    """The key as it was given, else that of the folder. Raises CannotImport."""
    given = asked.write_key if name == "write_key" else asked.key
    if given:
        return given
    folder = asked.data or Path("data")
    file = folder / "keys.json"
    if asked.at and asked.data is None:
        option = "--write-key, or the variable TANTE_WRITE_KEY"
        secret = "--key, or the variable TANTE_KEY"
        raise CannotImport(f"give a key: {option if name == 'write_key' else secret}")
    if not file.exists():
        raise CannotImport(f'there is no "{file}"; start with: tante run --data {folder}')
    return str(getattr(msgspec.json.decode(file.read_bytes(), type=Keys), name))


class Job:
    """One import. Raises BadTable, BadMapping, Stopped and CannotImport."""

    def __init__(self, asked: Asked, now: datetime, out: Console, err: Console) -> None:
        self._asked, self._out, self._err = asked, out, err
        self._brand = _brand(asked.journeys)
        kind = KINDS[asked.kind]
        self._table = Table(asked.file, asked.encoding, asked.delimiter)
        known = mapping.preset(asked.preset, kind) if asked.preset else None
        heading = self._table.heading
        columns = mapping.columns(kind, heading, asked.maps, known)
        self._zone = _zone(asked.zone or (self._brand.time_zone if self._brand else "UTC"))
        survey = look_over(
            self._table, columns, self._zone, asked.country, asked.decimal, asked.dates
        )
        self._rows = survey.rows
        self._name = (asked.source or asked.preset or "import")[:LONGEST_NAME]
        # Whole seconds, and never "now": it must be the same whenever the import is tried again.
        written = datetime.fromtimestamp(int(asked.file.stat().st_mtime), UTC)
        as_of = _as_of(asked.as_of, survey.ways) if asked.as_of else written
        self._import = Import(
            kind=kind,
            columns=columns,
            width=len(heading),
            ways=survey.ways,
            name=self._name,
            as_of=as_of,
            now=now,
            always=self._always(),
            consents=asked.consents,
            stages=_stages(asked),
        )
        self._check_consents()

    @property
    def context(self) -> dict[str, Any] | None:
        """What stands in every event: by which import it came, and that it starts no journey;
        None where no events are sent."""
        if self._asked.kind == "companies":
            return None
        quiet = {} if self._asked.start_journeys else {"quiet": True}
        # By it the later one of two exports is right; of deals the admin API is told it.
        said = {"as_of": self._import.as_of.isoformat()} if self._asked.kind == "orders" else {}
        return {"import": {"name": self._name, **said, **quiet}}

    def _always(self) -> dict[str, Any]:
        """What the command line and the brand say of every row."""
        said = {"currency": self._brand.currency if self._brand else ""}
        if self._asked.kind == "orders":
            said |= {"channel": self._asked.channel, "store": self._asked.store}
        elif self._asked.channel or self._asked.store:
            raise CannotImport("--channel and --store are of orders")
        has_money = self._asked.kind in ("orders", "deals")
        return {name: value for name, value in said.items() if value and has_money}

    def _check_consents(self) -> None:
        """Raises CannotImport when consent is told without being asked for, or to nothing."""
        targets = [one.target for one in self._import.columns]
        told = [one.removeprefix("consent.") for one in targets if mapping.is_purpose(one)]
        told += self._asked.consents
        if not told:
            return
        if self._asked.consents and "consent.time" not in targets:
            raise CannotImport('--consent needs the time of consent: --map "Column=consent.time"')
        if not self._asked.trusted_consent:
            raise CannotImport(
                "the file tells of consent: say with --trusted-consent that you can prove it "
                "(who, when, to which words), or leave those columns out"
            )
        purposes = self._brand.purposes if self._brand else dict.fromkeys(told)
        for one in told:
            if one not in purposes:
                there = ", ".join(purposes)
                raise CannotImport(f'brand.yaml has no purpose "{one}"; there are: {there}')

    # --- before

    def show(self) -> None:
        """How the file is read, what each column becomes, and the first rows as events."""
        table, ways = self._table, self._import.ways
        delimiter = {"\t": "tab"}.get(table.delimiter, table.delimiter)
        sign = "comma" if ways.decimal == "," else "point"
        how = f"{table.encoding}, cut at {delimiter}, decimal {sign}, {self._zone.key}"
        self._line(f"{self._asked.file}: {self._rows} rows ({how})")
        becomes = {one.index: one.target for one in self._import.columns}
        first = next(table.rows(), None)
        grid = Grid("column", "becomes", "first row", box=None)
        for index, heading in enumerate(table.heading):
            cell = first.cells[index] if first and index < len(first.cells) else ""
            what = escape(becomes[index]) if index in becomes else "[dim]left out[/]"
            grid.add_row(escape(heading), what, escape(cell[:40]))
        self._out.print(grid)
        for record in islice(records(table.rows(), self._import), SHOWN):
            self._show(record)

    def _show(self, record: Record) -> None:
        row = record.rows[0].number
        for problem in record.problems:
            self._out.print(f"  row {row}: [red]✗[/] {escape(problem)}", soft_wrap=True)
        for raw in record.events:
            event = msgspec.json.decode(raw)
            said = event.get("properties") or event.get("traits") or {}
            name = event.get("event") or event.get("type") or event.get("account_id")
            if "deal_id" in event:
                name, said = f'deal "{event["deal_id"]}"', _of_deal(event)
            when = (event.get("timestamp") or event["created"])[:16].replace("T", " ")
            words = msgspec.json.encode(said).decode()
            self._line(f"  row {row}: {when} {name} {words}")

    def ask(self, yes: bool) -> None:
        """Ask whether to go on, unless --yes said it."""
        if yes:
            return
        if not sys.stdin.isatty():
            raise CannotImport("this is no terminal to ask at: add --yes to import, or --dry-run")
        if not typer.confirm("Import?"):
            self._line("nothing was imported")
            sys.exit(1)

    # --- doing it

    def try_out(self) -> int:
        """Read it all and send nothing; the exit status."""
        with Progress(console=self._err, transient=True) as progress:
            bar = progress.add_task("checking", total=self._rows)
            sent = try_out(progress.track(self._records(), task_id=bar))
        return self._told(sent, "would be sent")

    def carry_out(self, post: Post) -> int:
        """Send it; the exit status."""
        file = self._asked.file.with_name(f"{self._asked.file.name}.import.json")
        journal, sent = open_journal(file, self._hash()), Sent()
        if journal.row:
            self._line(f"going on after row {journal.row}")

        def note(journal: Journal) -> None:
            new = file.with_suffix(".new")
            new.write_bytes(msgspec.json.encode(journal))
            new.replace(file)

        try:
            with Progress(console=self._err) as progress:
                bar = progress.add_task("importing", total=self._rows)
                for sent in send(self._records(), post, journal, note):
                    progress.update(bar, completed=sent.rows)
        except (Stopped, KeyboardInterrupt) as stopped:
            self._told(sent, "were sent before it stopped")
            self._line("give the same command again to go on")
            if isinstance(stopped, Stopped):
                raise
            return 130
        with suppress(OSError):
            file.unlink()
        return self._told(sent, "sent")

    def _records(self) -> Iterable[Record]:
        return records(self._table.rows(), self._import)

    def _hash(self) -> str:
        """Of the file and of all that decides what it becomes."""
        with self._asked.file.open("rb") as raw:
            digest = hashlib.file_digest(raw, "sha256")
        said = [(one.index, one.target) for one in self._import.columns]
        options = (said, self._import.ways, self._import.as_of, self._name, self._import.always)
        digest.update(f"{options}{self._asked.stages}{self._asked.consents}{self.context}".encode())
        return digest.hexdigest()[:32]

    # --- afterwards

    def _told(self, sent: Sent, done: str) -> int:
        """Say what came of it, and write the rows that could not be taken; the exit status."""
        twice = f", {sent.duplicates} rows twice in the file" if sent.duplicates else ""
        self._line(f"{sent.rows} rows: {sent.events} events {done}{twice}")
        if not sent.wrong:
            return 0
        for row, reason in sent.wrong[:SHOWN_WRONG]:
            self._err.print(f"[red]✗[/] row {row.number}: {escape(reason)}", soft_wrap=True)
        file = self._asked.file.with_name(f"{self._asked.file.name}.errors.csv")
        self._write(file, sent)
        words = f"{len(sent.wrong)} rows were not taken; correct them in {file} and import that"
        self._err.print(escape(words), soft_wrap=True)
        return 1

    def _write(self, file: Path, sent: Sent) -> None:
        """The rows as they were, each with its reason, so that they can be imported again."""
        heading = list(self._table.heading)
        there = REASON in heading
        place = heading.index(REASON) if there else len(heading)
        with file.open("w", encoding="utf-8-sig", newline="") as text:
            writer = csv.writer(text, delimiter=self._table.delimiter)
            writer.writerow([*heading[:place], REASON])
            writer.writerows(
                # What a row has too much stays, so that it is wrong until somebody mends it.
                [
                    *row.cells[:place],
                    *[""] * (place - len(row.cells)),
                    reason,
                    *row.cells[place + there :],
                ]
                for row, reason in sent.wrong
            )

    def _line(self, text: str) -> None:
        self._out.print(escape(text), soft_wrap=True)


def _of_deal(event: dict[str, Any]) -> dict[str, Any]:
    """What the preview shows of a deal."""
    hidden = ("messageId", "deal_id", "created", "time")
    return {word: value for word, value in event.items() if word not in hidden and value}


def _stages(asked: Asked) -> dict[str, str]:
    """Which of our stages is meant by one of the CRM's, in small letters. Raises CannotImport."""
    if asked.stages and asked.kind != "deals":
        raise CannotImport("--stage is of deals")
    pairs = [text.rpartition("=") for text in asked.stages]
    for name, _, stage in pairs:
        if not name.strip() or not stage.strip():
            raise CannotImport('write --stage "Theirs=ours", such as "Qualified To Buy=qualified"')
    return {name.strip().casefold(): stage.strip() for name, _, stage in pairs}


def _brand(folder: Path) -> Brand | None:
    """The brand of the folder, if there is one: its purposes, time zone and currency."""
    file = folder / BRAND_FILE
    return check_brand(file.read_text("utf-8")) if file.is_file() else None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise CannotImport(f'"{name}" is no time zone; write it like "Europe/Berlin"') from None


def _as_of(text: str, ways: Ways) -> datetime:
    try:
        return moment(text, ways)
    except BadCell as error:
        raise CannotImport(f'--as-of: "{text}" {error}') from None
