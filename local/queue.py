"""The event queue on one machine: kept in a file, delivered as SQS delivers."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS dead (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB, reason TEXT);
"""


class Queue:
    """Messages stay until they are deleted, whatever happens to the process meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path, self._threads = str(path), threading.local()
        self.arrived = threading.Event()
        self._connection.executescript(_TABLES)

    @property
    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._threads, "connection"):
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            connection.execute("PRAGMA synchronous = NORMAL")
            self._threads.connection = connection
        found: sqlite3.Connection = self._threads.connection
        return found

    def send(self, bodies: list[bytes]) -> None:
        """Keep the messages; when this returns, they are in the file."""
        rows = [(body,) for body in bodies]
        if len(rows) == 1:
            self._connection.execute("INSERT INTO message (body) VALUES (?)", rows[0])
        else:
            with self._connection:
                self._connection.execute("BEGIN")
                self._connection.executemany("INSERT INTO message (body) VALUES (?)", rows)
        self.arrived.set()

    def receive(self, most: int) -> list[dict[str, Any]]:
        """Up to `most` records in the shape in which a Lambda gets them from SQS."""
        rows = self._connection.execute("SELECT id, body FROM message ORDER BY id LIMIT ?", (most,))
        return [
            {"messageId": str(number), "body": body.decode(), "eventSource": "aws:sqs"}
            for number, body in rows
        ]

    def delete(self, message_ids: list[str]) -> None:
        """These are done."""
        with self._connection:
            self._connection.execute("BEGIN")
            rows = [(int(message_id),) for message_id in message_ids]
            self._connection.executemany("DELETE FROM message WHERE id = ?", rows)

    def bury(self, body: bytes, reason: str) -> None:
        """Put a message aside, with the reason."""
        self._connection.execute("INSERT INTO dead (body, reason) VALUES (?, ?)", (body, reason))

    def size(self) -> int:
        """How many messages wait."""
        return int(self._connection.execute("SELECT count(*) FROM message").fetchone()[0])

    def dead(self) -> list[tuple[int, str, bytes]]:
        """What was put aside: number, reason, body."""
        return self._connection.execute("SELECT id, reason, body FROM dead ORDER BY id").fetchall()
