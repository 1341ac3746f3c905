"""The event queue on one machine: kept in a file, delivered as SQS delivers."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS dead (
    id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB, reason TEXT, buried TEXT
);
"""
_BURY = """
INSERT INTO dead (body, reason, buried) VALUES (?, ?, strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now'))
"""
Buried = tuple[int, str, bytes, str | None]  # number, reason, body, real time (ISO)


class Queue:
    """Messages stay until they are deleted, whatever happens to the process meanwhile."""

    def __init__(self, path: Path, arrived: threading.Event | None = None) -> None:
        self._path, self._threads = str(path), threading.local()
        self.arrived = arrived or threading.Event()
        self.connection.executescript(_TABLES)
        self._bring_up_to_date()

    def _bring_up_to_date(self) -> None:
        """A file of an older version does not say since when a message is dead."""
        columns = {row[1] for row in self.connection.execute("PRAGMA table_info(dead)")}
        if "buried" not in columns:
            with suppress(sqlite3.OperationalError):  # another process was faster
                self.connection.execute("ALTER TABLE dead ADD COLUMN buried TEXT")

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        if not hasattr(self._threads, "connection"):
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            connection.execute("PRAGMA synchronous = NORMAL")
            self._threads.connection = connection
        found: sqlite3.Connection = self._threads.connection
        return found

    def send(self, bodies: list[bytes], delay: int = 0) -> None:
        """Keep the messages; when this returns, they are in the file.

        They come at once, whatever the delay: nobody on one machine is too busy.
        """
        rows = [(body,) for body in bodies]
        if len(rows) == 1:
            self.connection.execute("INSERT INTO message (body) VALUES (?)", rows[0])
        else:
            with self.connection:
                self.connection.execute("BEGIN")
                self.connection.executemany("INSERT INTO message (body) VALUES (?)", rows)
        self.arrived.set()

    def receive(self, most: int) -> list[dict[str, Any]]:
        """Up to `most` records in the shape in which a Lambda gets them from SQS."""
        rows = self.connection.execute("SELECT id, body FROM message ORDER BY id LIMIT ?", (most,))
        return [
            {"messageId": str(number), "body": body.decode(), "eventSource": "aws:sqs"}
            for number, body in rows
        ]

    def delete(self, message_ids: list[str]) -> None:
        """These are done."""
        with self.connection:
            self.connection.execute("BEGIN")
            rows = [(int(message_id),) for message_id in message_ids]
            self.connection.executemany("DELETE FROM message WHERE id = ?", rows)

    def bury(self, body: bytes, reason: str) -> None:
        """Put a message aside, with the reason."""
        self.connection.execute(_BURY, (body, reason))

    def size(self) -> int:
        """How many messages wait."""
        return int(self.connection.execute("SELECT count(*) FROM message").fetchone()[0])

    def dead_size(self) -> int:
        """How many are put aside."""
        return int(self.connection.execute("SELECT count(*) FROM dead").fetchone()[0])

    def dead(self) -> list[tuple[int, str, bytes]]:
        """What was put aside: number, reason, body."""
        return self.connection.execute("SELECT id, reason, body FROM dead ORDER BY id").fetchall()

    def letters(self, most: int = 0) -> Iterator[Buried]:
        """What is aside by now, the oldest first, `most` of them if given; a page at a time, so
        that those already seen may be sent back or dropped meanwhile."""
        last = self.connection.execute("SELECT max(id) FROM dead").fetchone()[0] or 0
        after, left = 0, most or last
        page = "SELECT id, reason, body, buried FROM dead WHERE id > ? AND id <= ? ORDER BY id"
        while left > 0:
            size = min(left, 100)
            rows = self.connection.execute(f"{page} LIMIT ?", (after, last, size)).fetchall()
            yield from rows
            if len(rows) < size:
                return
            after, left = rows[-1][0], left - size

    def revive(self, number: int, body: bytes) -> bool:
        """Send a dead message again, as `body`: both or nothing. False if it is no longer there."""
        with self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            if not self.drop(number):
                return False
            self.connection.execute("INSERT INTO message (body) VALUES (?)", (body,))
        self.arrived.set()
        return True

    def search_dead(self, less: Callable[[bytes], bytes | None]) -> int:
        """Go through the dead messages: `less` gives what is to be left of each, None for all of
        it, b"" for nothing. Returns how many were changed."""
        changed = 0
        for number, _, body, _ in self.letters():
            left = less(body)
            if left == b"":
                self.drop(number)
            elif left is not None:
                self.connection.execute("UPDATE dead SET body = ? WHERE id = ?", (left, number))
            changed += left is not None
        return changed

    def drop(self, number: int) -> bool:
        """Forget a dead message. False if it is no longer there."""
        return bool(self.connection.execute("DELETE FROM dead WHERE id = ?", (number,)).rowcount)
