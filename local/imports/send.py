"""Sending an import: batches, several in flight, tried again while the system is busy, and a
journal beside the file so that an import that was interrupted goes on where it stood."""

import base64
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from typing import Any

import msgspec
import urllib3

from local.address import segment
from local.imports.events import Record
from local.imports.table import Row

LARGEST = 450_000  # bytes of events in a request, of the 500 KB that it may have
MOST = 2_000  # events of a request
AT_ONCE = 4  # requests in flight
TRIES = 12
BUSY = (429, 500, 502, 503, 504)
PATIENCE = 60.0  # seconds
PAUSES = (1, 2, 4, 8, 15, 30)  # seconds, until those are known who have just been told of


class Stopped(Exception):
    """The system takes no more; the text says why. What was sent so far stands in the journal."""


class Journal(msgspec.Struct):
    """How far an import came: `of` tells file and options, all up to `row` was taken."""

    of: str
    row: int = 0
    refused: dict[int, str] = {}  # row -> why the system did not take it


def open_journal(file: Path, of: str) -> Journal:
    """The journal of this very import, or a new one."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=Journal)
    except (OSError, msgspec.DecodeError):
        return Journal(of)
    return found if found.of == of else Journal(of)


@dataclass
class Sent:
    """What became of the rows: how many events were taken, and every row that was not, with the
    reason."""

    rows: int = 0
    events: int = 0
    duplicates: int = 0
    wrong: list[tuple[Row, str]] = field(default_factory=list)


@dataclass
class Batch:
    """Some records on their way in one request."""

    records: list[Record] = field(default_factory=list)
    size: int = 0
    events: int = 0

    def add(self, record: Record) -> None:
        """Take one more."""
        self.records.append(record)
        self.events += len(record.events)
        self.size += sum(map(len, record.events))

    @property
    def is_full(self) -> bool:
        """Whether another record may be too much; one has less than 32 KB for each event."""
        return self.size > LARGEST or self.events > MOST


Refused = dict[int, str]  # index of an event -> why it was not taken
Post = Callable[[list[bytes]], Refused]  # raises Stopped


class Door:
    """The system's door for events, with a write key."""

    def __init__(self, at: str, write_key: str, context: dict[str, Any]) -> None:
        self._url = f"{at.rstrip('/')}/v1/batch"
        basic = base64.b64encode(f"{write_key}:".encode()).decode()
        self._headers = {"authorization": f"Basic {basic}", "content-type": "application/json"}
        self._end = b'],"context":' + msgspec.json.encode(context) + b"}"
        self._http = urllib3.PoolManager(maxsize=AT_ONCE, retries=_again(), timeout=PATIENCE)

    def post(self, events: list[bytes]) -> Refused:
        """See Post: one request for all. Raises Stopped."""
        body = b'{"batch":[' + b",".join(events) + self._end
        try:
            answer = self._http.request("POST", self._url, body=body, headers=self._headers)
            said = msgspec.json.decode(answer.data)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise Stopped(f"{self._url} does not answer ({type(error).__name__})") from None
        if answer.status != 200:
            raise Stopped(f"{self._url} answered {answer.status}: {said.get('message', '')}")
        return {error["index"]: error["message"] for error in said.get("errors", [])}


class AccountsDoor:
    """The admin API's door for what is known of companies, with the secret key."""

    def __init__(self, at: str, key: str) -> None:
        self._admin = _Admin(at, key)

    def post(self, companies: list[bytes]) -> Refused:
        """See Post: one request for each. Raises Stopped."""
        found = ((index, self._put(one)) for index, one in enumerate(companies))
        return {index: why for index, why in found if why}

    def _put(self, raw: bytes) -> str:
        """Say it of one company; why it was refused, or ""."""
        company = msgspec.json.decode(raw)
        body = {"traits": company["traits"], "time": company["timestamp"]}
        return self._admin.put(f"/api/accounts/{segment(company['account_id'])}", body)


class DealsDoor:
    """The door for events, which tell whose the deals are, and behind it the admin API's for the
    deals themselves. `context` is the events' own."""

    def __init__(self, at: str, key: str, write_key: str, context: dict[str, Any]) -> None:
        self._events, self._admin = Door(at, write_key, context), _Admin(at, key)
        mark = context["import"]
        self._mark = {"source": mark["name"], "quiet": mark.get("quiet", False)}

    def post(self, said: list[bytes]) -> Refused:
        """See Post: one request for all events, and one for each deal. Raises Stopped."""
        deals = {at: msgspec.json.decode(raw) for at, raw in enumerate(said)}
        deals = {at: one for at, one in deals.items() if "deal_id" in one}
        events = [at for at in range(len(said)) if at not in deals]
        found = self._events.post([said[at] for at in events]) if events else {}
        refused = {events[index]: why for index, why in found.items()}
        deals = {at: one for at, one in deals.items() if at - 1 not in refused}  # whose it was
        for pause in (*PAUSES, None):
            unknown = {at: one for at, one in deals.items() if self._is_of_nobody(at, one, refused)}
            if not unknown or pause is None:
                break
            sleep(pause)  # whose it is was said just now, and is not known yet
            deals = unknown
        return refused

    def _is_of_nobody(self, at: int, deal: dict[str, Any], refused: Refused) -> bool:
        """Say it of one deal, and note why it was refused; whether nobody has it."""
        body = {word: one for word, one in deal.items() if word not in ("messageId", "deal_id")}
        path = f"/api/deals/{segment(deal['deal_id'])}"
        try:
            why = self._admin.put(path, {**body, **self._mark})
        except _NotFound as error:
            refused[at] = str(error)
            return True
        refused.pop(at, None)
        if why:
            refused[at] = why
        return False


class _NotFound(Exception):
    """There is nothing of that kind; the text says what."""


class _Admin:
    """The admin API, with the secret key."""

    def __init__(self, at: str, key: str) -> None:
        self._at = at.rstrip("/")
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._http = urllib3.PoolManager(maxsize=AT_ONCE, retries=_again(), timeout=PATIENCE)

    def put(self, path: str, body: dict[str, Any]) -> str:
        """Why it was refused, or "". Raises Stopped, _NotFound."""
        url = f"{self._at}{path}"
        raw = msgspec.json.encode(body)
        try:
            answer = self._http.request("PUT", url, body=raw, headers=self._headers)
            said = msgspec.json.decode(answer.data)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise Stopped(f"{self._at} does not answer ({type(error).__name__})") from None
        words = str(said.get("message", said))
        if answer.status == 404:
            raise _NotFound(words)
        if answer.status == 400:
            return words
        if answer.status != 200:
            raise Stopped(f"{self._at} answered {answer.status}: {words}")
        return ""


def _again() -> urllib3.Retry:
    """Wait as long as `Retry-After` says, and longer each time."""
    return urllib3.Retry(
        total=TRIES,
        status_forcelist=BUSY,
        allowed_methods=None,
        backoff_factor=0.3,
        raise_on_status=False,
    )


def send(
    records: Iterable[Record], post: Post, journal: Journal, note: Callable[[Journal], None]
) -> Iterator[Sent]:
    """Send what the journal does not have yet; how far it is after each batch.

    Batches are settled in the order of the file, so that the journal is true whenever it is
    `note`d: all of the file up to its row is done. Raises Stopped.
    """
    sent = Sent()
    under_way: deque[tuple[Batch, Future[Refused]]] = deque()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for batch in _batches(records, journal, sent):
                events = [event for record in batch.records for event in record.events]
                under_way.append((batch, pool.submit(post, events) if events else _nothing()))
                if len(under_way) > AT_ONCE:
                    yield _settle(*under_way.popleft(), sent, journal, note)
            while under_way:
                yield _settle(*under_way.popleft(), sent, journal, note)
        finally:
            for _, answer in under_way:
                answer.cancel()


def _nothing() -> Future[Refused]:
    done: Future[Refused] = Future()
    done.set_result({})
    return done


def _batches(records: Iterable[Record], journal: Journal, sent: Sent) -> Iterator[Batch]:
    batch = Batch()
    for record in records:
        last = record.rows[-1].number
        if last <= journal.row and last not in journal.refused:
            record.events = []  # sent before
        elif last <= journal.row:
            record.problems, record.events = [journal.refused[last]], []
        batch.add(record)
        if batch.is_full or len(batch.records) > MOST:
            yield batch
            batch = Batch()
    if batch.records:
        yield batch


def _settle(
    batch: Batch,
    answer: Future[Refused],
    sent: Sent,
    journal: Journal,
    note: Callable[[Journal], None],
) -> Sent:
    """Count a batch whose answer is awaited, and note it."""
    refused, first = answer.result(), 0
    for record in batch.records:
        after = first + len(record.events)
        record.problems += [refused[at] for at in range(first, after) if at in refused]
        if any(first <= at < after for at in refused):
            journal.refused[record.rows[-1].number] = "; ".join(record.problems)
        first = after
        _count(record, sent)
    sent.events += batch.events - len(refused)
    journal.row = max(journal.row, batch.records[-1].rows[-1].number)
    note(journal)
    return sent


def _count(record: Record, sent: Sent) -> None:
    sent.rows += len(record.rows)
    sent.duplicates += len(record.rows) if record.is_duplicate else 0
    if record.problems:
        sent.wrong += [(row, "; ".join(record.problems)) for row in record.rows]


def try_out(records: Iterable[Record]) -> Sent:
    """What an import would do, as far as the file alone tells; nothing is sent."""
    sent = Sent()
    for record in records:
        _count(record, sent)
        sent.events += len(record.events)
    return sent
