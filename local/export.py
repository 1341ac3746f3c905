"""All that is known of a person, written into a folder as it comes, page by page."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from local.client import Client
from local.spreadsheet import Table

EVENTS = ("time", "name", "type", "source", "message_id", "properties", "traits")
ORDERS = ("order_id", "placed", "amount", "currency", "refunded", "void", "units", "skus")
MESSAGES = (
    *("claimed", "channel", "purpose", "message", "journey", "subject", "state", "reason"),
    *("delivered", "opened", "bounced", "complained"),
)
CONSENTS = ("channel", "purpose", "given", "time", "source", "text")
Row = dict[str, Any]


def write(client: Client, person: str, folder: Path) -> dict[Path, int]:
    """Write person.json and the tables; how many there are in each. `person` is a part of a path.
    Raises what the client raises, and OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = _pages(client, person)
    about, first = _all_but_events(pages)
    counts = {
        folder / f"{name}.csv": _table(folder / f"{name}.csv", columns, rows(about))
        for name, columns, rows in _TABLES
    }
    whole, listed = folder / "person.json", folder / "events.csv"
    counts[listed] = counts[whole] = 0
    with ExitStack() as files:
        text = files.enter_context(whole.open("w", encoding="utf-8"))
        table = files.enter_context(Table(listed, EVENTS))
        text.write(json.dumps(about, ensure_ascii=False, indent=1)[:-2] + ',\n "events": [')
        for page in (first, *pages):
            for event in page["events"]:
                mark = ",\n" if counts[listed] else "\n"
                text.write(mark + json.dumps(event, ensure_ascii=False))
                table.add(event)
                counts[listed] += 1
        text.write("\n ]\n}\n")
    counts[whole] = 1
    return counts


def _all_but_events(pages: Iterator[Row]) -> tuple[Row, Row]:
    """All that comes before the events, and the page on which these begin."""
    page = next(pages)
    about: Row = {**page["person"], **page["records"]}
    while page["next"] and not page["events"]:
        page = next(pages)
        for name, rows in page["records"].items():
            about[name] += rows
    return about, page


def _pages(client: Client, person: str) -> Iterator[Row]:
    after = ""
    while True:
        query = f"?{urlencode({'after': after})}" if after else ""
        page: Row = client.ask("GET", f"/api/people/{person}/export{query}")
        yield page
        after = page["next"]
        if not after:
            return


def _table(file: Path, columns: tuple[str, ...], rows: Iterable[Row]) -> int:
    number = 0
    with Table(file, columns) as table:
        for row in rows:
            table.add(row)
            number += 1
    return number


def _consents(about: Row) -> Iterator[Row]:
    for where, consent in about["permission"].get("consents", {}).items():
        channel, _, purpose = where.partition("/")
        yield {"channel": channel, "purpose": purpose, **consent}


_TABLES: tuple[tuple[str, tuple[str, ...], Callable[[Row], Iterable[Row]]], ...] = (
    ("orders", ORDERS, lambda about: about["orders"]),
    ("messages", MESSAGES, lambda about: about["messages"]),
    ("consents", CONSENTS, _consents),
)
