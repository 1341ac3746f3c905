"""From the rows of a file to ordinary events, each with an id that is the same at every try."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import msgspec

from functions.tracking.collect import MAX_EVENT
from local.imports.kinds import ANY_OF_WHO, Kind
from local.imports.mapping import Column, is_purpose
from local.imports.table import Row
from local.imports.values import BadCell, Ways

Cells = dict[str, Any]  # target -> value; what is empty is not there
Event = dict[str, Any]
_encode = msgspec.json.Encoder(decimal_format="number").encode
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_OWN = ("property.", "trait.")  # what stands behind them is the file's own name for it
_NO_TRAITS = ("user_id", "company_id", "changed", "unsubscribed", "unsubscribed_at")
_SLACK = timedelta(days=1)  # a date alone may be tomorrow's where the file was written


@dataclass(frozen=True)
class Import:
    """What all rows of a file have in common.

    `name` is part of every id: the same row under the same name counts once, in whatever file.
    `as_of` is the time of what has no time of its own; `always` stands in every event's
    properties (of orders, notes ...) that does not say otherwise; `consents` are the purposes to
    which everybody in the file has consented; `stages` says which stage of sales.yaml is meant by
    one of the CRM's, in small letters.
    """

    kind: Kind
    columns: Sequence[Column]
    width: int  # the columns that a row must have
    ways: Ways
    name: str
    as_of: datetime
    now: datetime
    always: Mapping[str, Any] = field(default_factory=dict)
    consents: Sequence[str] = ()
    stages: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Record:
    """What one row became, or the several rows of one order: events as JSON, and what is wrong."""

    rows: list[Row]
    events: list[bytes] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    is_duplicate: bool = False


class _Wrong(Exception):
    """The record as a whole cannot be taken."""


def records(rows: Iterable[Row], what: Import) -> Iterator[Record]:
    """Every row, in its order, as what it becomes."""
    return _Reader(what).records(rows)


class _Reader:
    """Remembers what the file has said already, by short hashes."""

    def __init__(self, what: Import) -> None:
        self.what = what
        self.seen: set[bytes] = set()  # ids of events
        self.people: dict[bytes, int] = {}  # who was named -> in which row first
        self.said_of: dict[str, bytes] = {}  # id of an order or a deal -> what was said of it
        targets = [one.target for one in what.columns]
        self.own = [(one, one.partition(".")[2]) for one in targets if one.startswith(_OWN)]
        self.traits = [one for one in targets if "." not in one and one not in _NO_TRAITS]
        self.purposes = [(one, one.partition(".")[2]) for one in targets if is_purpose(one)]
        self.make: Callable[[list[Cells]], Iterator[Event]] = _MAKERS[what.kind.name](self)

    def records(self, rows: Iterable[Row]) -> Iterator[Record]:
        for record, cells in self._read(rows):
            if not record.problems:
                try:
                    self._take(record, list(self.make(cells)), cells)
                except _Wrong as wrong:
                    record.problems.append(str(wrong))
            yield record

    def _read(self, rows: Iterable[Row]) -> Iterator[tuple[Record, list[Cells]]]:
        """Records with the values of their rows; the rows of one order stand together."""
        read = ((row, *self._cells(row)) for row in rows)
        if self.what.kind.name != "orders":
            yield from ((Record([row], problems=wrong), [cells]) for row, cells, wrong in read)
            return
        for _, group in groupby(read, lambda one: one[1].get("order_id") or one[0].number):
            lines = list(group)
            problems = [
                f"{words} (row {row.number})" if len(lines) > 1 else words
                for row, _, wrong in lines
                for words in wrong
            ]
            record = Record([row for row, _, _ in lines], problems=problems)
            yield record, [cells for _, cells, _ in lines]

    def _cells(self, row: Row) -> tuple[Cells, list[str]]:
        """The values of a row, and what is wrong with its cells."""
        values: Cells = {}
        problems = []
        if len(row.cells) != self.what.width:
            return {}, [f"has {len(row.cells)} cells; the heading has {self.what.width}"]
        for column in self.what.columns:
            cell = row.cells[column.index]
            if not cell:
                continue
            try:
                values[column.target] = column.read(cell, self.what.ways)
            except BadCell as error:
                problems.append(f'{column.heading}: "{cell[:60]}" {error}')
        return values, problems

    def _take(self, record: Record, events: list[Event], cells: list[Cells]) -> None:
        made = [self._with_id(event) for event in events]
        if any(len(body) > MAX_EVENT for _, body in made):
            raise _Wrong(f"has more than the {MAX_EVENT // 1024} KB that an event may have")
        new = [(digest, body) for digest, body in made if digest not in self.seen]
        row = self.people.setdefault(self.whose(cells[0]), record.rows[0].number)
        is_timeless = self.what.kind.name in _STATES and "changed" not in cells[0]
        if new and is_timeless and row != record.rows[0].number:
            # Nobody could tell which of the two is right.
            one = _STATES[self.what.kind.name]
            raise _Wrong(f"says something else of the {one} of row {row}; keep one of the two")
        record.is_duplicate = not new
        self.seen.update(digest for digest, _ in new)
        record.events = [body for _, body in new]

    def _with_id(self, event: Event) -> tuple[bytes, bytes]:
        body = _encode(event)
        digest = _digest(self.what.name, body.decode())
        return digest, b'{"messageId":"import-%s",' % digest.hex().encode() + body[1:]

    # --- what all kinds share

    def column(self, target: str) -> str:
        """The heading of the column that becomes a target."""
        return next((one.heading for one in self.what.columns if one.target == target), target)

    def who(self, cells: Cells) -> Event:
        """The ids of the person. Without one of the shop's they are known by their address."""
        ids: Event = {}
        if "user_id" in cells:
            ids["userId"] = cells["user_id"]
        for kind in ("email", "phone"):
            if kind in cells:
                return {**ids, "anonymousId": anonymous_id(kind, cells[kind])}
        if not ids:
            raise _Wrong(f"names nobody: {' and '.join(map(self.column, ANY_OF_WHO))} are empty")
        return ids

    def whose(self, cells: Cells) -> bytes:
        """Whom the cells name, by the strongest that they say."""
        kind = next((name for name in self.what.kind.one_of if name in cells), "")
        return _digest(kind, str(cells.get(kind, "")))

    def time(self, cells: Cells, target: str = "time") -> str:
        """When it happened, as the event says it."""
        found = cells.get(target)
        if found is None:
            raise _Wrong(f"{self.column(target)} is empty: it says when it happened")
        return self.fit(found, target)

    def fit(self, found: datetime, target: str) -> str:
        if not _EARLIEST < found <= self.what.now + _SLACK:
            side = "before 1970" if found <= _EARLIEST else "in the future"
            raise _Wrong(f"{self.column(target)}: {found.date()} lies {side}")
        return found.isoformat()

    def person_of(self, cells: Cells, time: str) -> Iterator[Event]:
        """Whose it is: what is only known by an address needs somebody who has it."""
        traits = {name: cells[name] for name in ("email", "phone") if name in cells}
        if traits and self.whose(cells) not in self.people:
            yield {"type": "identify", **self.who(cells), "timestamp": time, "traits": traits}

    def said(self, cells: Cells, *names: str) -> Cells:
        """These of the values, and those with a name of their own."""
        own = {name: cells[target] for target, name in self.own if target in cells}
        named = {name: _outside(cells[name]) for name in names if name in cells}
        return {**self.what.always, **named, **own}

    def track(self, cells: Cells, name: str, time: str, properties: Cells) -> Event:
        who = self.who(cells)
        return {"type": "track", "event": name, **who, "timestamp": time, "properties": properties}


# Kinds whose rows say how somebody is, and not what happened: who that is.
_STATES = {"contacts": "person", "companies": "company"}


def _outside(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def anonymous_id(kind: str, value: str) -> str:
    """By what an import knows somebody who has no id of the shop's: a hash of their address. It
    is tied to the person as soon as an `identify` names the address."""
    return f"import-{_digest(kind, value).hex()}"


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()


# --- contacts


def _contacts(reader: _Reader) -> Callable[[list[Cells]], Iterator[Event]]:
    def make(rows: list[Cells]) -> Iterator[Event]:
        [cells] = rows
        who = reader.who(cells)
        changed = cells.get("changed")
        time = reader.fit(changed, "changed") if changed else reader.what.as_of.isoformat()
        said = {"timestamp": time, "traits": reader.said(cells, *reader.traits)}
        yield {"type": "identify", **who, **said}
        yield from _company(reader, cells, who, time)
        yield from _consents(reader, cells, time)

    return make


def _company(reader: _Reader, cells: Cells, who: Event, time: str) -> Iterator[Event]:
    """Where the person works: by the company's id, else by its name as it is written."""
    company = cells.get("company_id") or cells.get("company")
    if not company:
        return
    traits = {
        name.removeprefix("company."): value
        for name, value in cells.items()
        if name.startswith("company.")
    }
    if "company" in cells:
        traits["name"] = cells["company"]
    yield {"type": "group", **who, "groupId": company, "timestamp": time, "traits": traits}


def _consents(reader: _Reader, cells: Cells, time: str) -> Iterator[Event]:
    """What was permitted, at the time at which it was: a later withdrawal stays in force."""
    said = dict.fromkeys(reader.what.consents, True)
    said |= {name: cells[target] for target, name in reader.purposes if target in cells}
    channel = str(cells.get("consent.channel", "email")).lower()
    if channel not in ("email", "sms"):
        heading = reader.column("consent.channel")
        raise _Wrong(f'{heading}: "{channel}" is no channel; there are: email, sms')
    given = sorted(purpose for purpose, yes in said.items() if yes)
    refused = sorted(purpose for purpose, yes in said.items() if not yes)
    when = cells.get("consent.time")
    if given:
        if when is None:
            heading = reader.column("consent.time")
            raise _Wrong(f"{heading} is empty: it says when consent was given")
        properties = {"channel": channel, "purposes": given}
        if "consent.text" in cells:
            properties["text"] = cells["consent.text"]
        yield reader.track(cells, "Consent Given", reader.fit(when, "consent.time"), properties)
    if refused:
        at = reader.fit(when, "consent.time") if when else time
        yield reader.track(
            cells, "Consent Withdrawn", at, {"channel": channel, "purposes": refused}
        )
    if cells.get("unsubscribed") or "unsubscribed_at" in cells:
        left = cells.get("unsubscribed_at")
        at = reader.fit(left, "unsubscribed_at") if left else time
        yield reader.track(cells, "Unsubscribed", at, {"channel": "email"})


# --- companies


def _companies(reader: _Reader) -> Callable[[list[Cells]], Iterator[Event]]:
    """Not events, but what the admin API is to say of an account."""

    def make(rows: list[Cells]) -> Iterator[Event]:
        [cells] = rows
        account_id = cells.get("company_id") or cells.get("name")
        if not account_id:
            raise _Wrong("names no company: company_id and name are empty")
        changed = cells.get("changed")
        time = reader.fit(changed, "changed") if changed else reader.what.as_of.isoformat()
        said = reader.said(cells, *reader.traits)
        yield {"account_id": account_id, "timestamp": time, "traits": said}

    return make


# --- orders

_OF_AN_ORDER = (
    *("order_id", "revenue", "total", "subtotal", "shipping", "tax", "discount"),
    *("currency", "coupon", "channel", "store"),
)


def _orders(reader: _Reader) -> Callable[[list[Cells]], Iterator[Event]]:
    def make(rows: list[Cells]) -> Iterator[Event]:
        cells = _one_of_all(reader, rows)
        order_id = cells.get("order_id")
        if not order_id:
            raise _Wrong(f"{reader.column('order_id')} is empty: it names the order")
        products = [product for row in rows if (product := _product(row))]
        properties = reader.said(cells, *_OF_AN_ORDER)
        if not {"revenue", "total", "subtotal"} & properties.keys():
            properties["subtotal"] = _sum(products)
        if products:
            properties["products"] = [_without_total(product) for product in products]
        time = reader.time(cells)
        problem = f'the order "{order_id}" stood further up already; sort the file by orders'
        _once(reader, order_id, rows, problem)
        yield from reader.person_of(cells, time)
        yield reader.track(cells, "Order Completed", time, properties)
        known = {"order_id": order_id}
        if cells.get("refunded"):
            back = {**known, "total": abs(cells["refunded"])}
            back |= {name: cells[name] for name in ("currency",) if name in cells}
            yield reader.track(cells, "Order Refunded", time, back)
        elif _status(cells) in _REFUNDED:
            yield reader.track(cells, "Order Refunded", time, known)
        if "cancelled" in cells or _status(cells) in _CANCELLED:
            at = reader.fit(cells["cancelled"], "cancelled") if "cancelled" in cells else time
            yield reader.track(cells, "Order Cancelled", at, known)

    return make


# What shops call an order of which nothing is left. Any other status says nothing.
_REFUNDED = ("refunded", "returned", "erstattet", "retourniert")
_CANCELLED = ("cancelled", "canceled", "voided", "void", "storniert", "annulliert")


def _status(cells: Cells) -> str:
    return str(cells.get("status", "")).strip().lower()


def _one_of_all(reader: _Reader, rows: list[Cells]) -> Cells:
    """What the lines of an order say of it, each thing once."""
    found: Cells = {}
    for row in rows:
        for name, value in row.items():
            if name.startswith("product."):
                continue
            if found.setdefault(name, value) != value:
                heading = reader.column(name)
                more = " (a price of one line becomes product.price)" if name == "total" else ""
                words = f"{_outside(found[name])} and {_outside(value)}"
                raise _Wrong(f"{heading}: the lines of one order say two things, {words}{more}")
    return found


def _once(reader: _Reader, its_id: str, rows: list[Cells], problem: str) -> None:
    """An order or a deal stands in one place of a file; the very same again is a duplicate."""
    said = _digest(repr(rows))
    if reader.said_of.setdefault(its_id, said) != said:
        raise _Wrong(problem)


def _product(cells: Cells) -> Cells:
    return {
        name.removeprefix("product."): value
        for name, value in cells.items()
        if name.startswith("product.")
    }


def _without_total(product: Cells) -> Cells:
    return {name: value for name, value in product.items() if name != "total"}


def _sum(products: list[Cells]) -> float:
    """What the lines come to."""
    if not products or not all({"price", "total"} & product.keys() for product in products):
        raise _Wrong("says no amount: map a column to revenue, total or product.price")
    amounts = (
        one["total"] if "total" in one else one["price"] * one.get("quantity", 1)
        for one in products
    )
    return float(round(sum(amounts), 6))


# --- notes, tickets, deals

CONVERSATIONS = {
    "Call Logged": ("call", "phone", "telephone", "anruf", "telefonat", "telefon"),
    "Meeting Held": ("meeting", "event", "termin", "besprechung", "treffen"),
    "Visit Held": ("visit", "besuch"),
    "Email Answered": ("email", "e-mail", "mail"),
    "Note Added": ("note", "notiz", ""),
}
_CONVERSATION = {word: name for name, words in CONVERSATIONS.items() for word in words}


def _notes(reader: _Reader) -> Callable[[list[Cells]], Iterator[Event]]:
    def make(rows: list[Cells]) -> Iterator[Event]:
        [cells] = rows
        kind = str(cells.get("kind", ""))
        name = _CONVERSATION.get(kind.lower())
        if name is None:
            there = ", ".join(words[0] for words in CONVERSATIONS.values())
            raise _Wrong(f'{reader.column("kind")}: "{kind}" is none of {there}')
        time = reader.time(cells)
        yield from reader.person_of(cells, time)
        said = reader.said(cells, "text", "outcome", "by", "note_id")
        yield reader.track(cells, name, time, said)

    return make


def _tickets(reader: _Reader) -> Callable[[list[Cells]], Iterator[Event]]:
    def make(rows: list[Cells]) -> Iterator[Event]:
        [cells] = rows
        if "ticket_id" not in cells:
            raise _Wrong(f"{reader.column('ticket_id')} is empty: it names the ticket")
        time = reader.time(cells)
        said = reader.said(cells, "ticket_id", "subject", "category", "priority")
        yield from reader.person_of(cells, time)
        yield reader.track(cells, "Ticket Opened", time, said)
        if "solved" in cells:
            yield reader.track(cells, "Ticket Solved", reader.time(cells, "solved"), said)

    return make


# What the admin API calls the targets of a deal that it calls something else.
_OF_A_DEAL = {"name": "title", "company": "account", "expected_close": "expected"}
_PLAIN = ("user_id", "email", "phone", "value", "currency", "owner", "reason")


def _deals(reader: _Reader) -> Callable[[list[Cells]], Iterator[Event]]:
    """Whose they are as an event, and then what the admin API is to say of the deal."""

    def make(rows: list[Cells]) -> Iterator[Event]:
        [cells] = rows
        deal_id = cells.get("deal_id")
        if not deal_id:
            raise _Wrong(f"{reader.column('deal_id')} is empty: it names the deal")
        _once(reader, deal_id, rows, f'the deal "{deal_id}" says something else further up')
        created = reader.time(cells)
        who = reader.who(cells)
        if reader.whose(cells) not in reader.people:
            traits = {name: cells[name] for name in ("email", "phone") if name in cells}
            yield {"type": "identify", **who, "timestamp": created, "traits": traits}
        stage = str(cells.get("stage", ""))
        said = {
            "currency": reader.what.always.get("currency", ""),
            **{name: cells[name] for name in _PLAIN if name in cells},
            **{word: cells[name] for name, word in _OF_A_DEAL.items() if name in cells},
            "created": created,
            "time": reader.fit(cells.get("changed", reader.what.as_of), "changed"),
            "stage": reader.what.stages.get(stage.casefold(), stage),
            "properties": {name: cells[target] for target, name in reader.own if target in cells},
        }
        if "pipeline" in cells:
            said["properties"]["pipeline"] = cells["pipeline"]
        for name in ("stage_since", "closed"):
            if name in cells:
                said["since"] = reader.fit(cells[name], name)
        yield {"deal_id": deal_id, **said}

    return make


_MAKERS = {
    "contacts": _contacts,
    "companies": _companies,
    "orders": _orders,
    "notes": _notes,
    "tickets": _tickets,
    "deals": _deals,
}
