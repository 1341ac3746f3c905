"""The demo: a year of real baskets through the HTTP API, in virtual time, with a report."""

import hashlib
import heapq
import json
import logging
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import urllib3
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from local import invented, outbox
from local.app import App
from local.households import FIRST_DAY, LAST_MOMENT, Basket, NoData, Year, read_year
from local.http_server import application, serving
from local.system import System

SLOT = timedelta(hours=6)
EVENTS_A_REQUEST = 300
MARK = "made-by-tante-demo"
LARGEST = 3  # segments in the report


class Client:
    """Speaks to the running system as a shop, a reader and a colleague would: by HTTP."""

    def __init__(self, url: str, write_key: str, secret_key: str) -> None:
        self._url, self._http = url, urllib3.PoolManager()
        self._write_key, self._secret = write_key, {"authorization": f"Bearer {secret_key}"}
        self.events = 0

    def get(self, path: str, **query: Any) -> Any:
        """A JSON answer."""
        asked = f"?{urlencode(query)}" if query else ""
        answer = self._http.request("GET", f"{self._url}{path}{asked}", headers=self._secret)
        return self._read(answer)

    def pages(self, path: str, what: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Everything that a listing holds, in pages that grow: who wants the newest asks little."""
        after, limit = "", 3
        while True:
            page = self.get(path, limit=limit, after=after, **query)
            yield from page[what]
            after, limit = page["next"], min(500, limit * 5)
            if not after:
                return

    def visit(self, path: str) -> None:
        """Follow one of our links like a person, but not where it leads."""
        by = {"user-agent": outbox.BROWSER}
        self._http.request("GET", f"{self._url}{path}", headers=by, redirect=False)
        self.events += 1

    def post(self, path: str, body: Any) -> Any:
        """Send JSON."""
        headers = {"content-type": "application/json"}
        raw = json.dumps(body).encode()
        return self._read(self._http.request("POST", self._url + path, body=raw, headers=headers))

    def send(self, calls: list[dict[str, Any]], now: datetime) -> None:
        """Events, as an SDK of Segment sends them."""
        for start in range(0, len(calls), EVENTS_A_REQUEST):
            batch = calls[start : start + EVENTS_A_REQUEST]
            body = {"batch": batch, "sentAt": now.isoformat(), "writeKey": self._write_key}
            answer = self.post("/v1/batch", body)
            if answer.get("errors"):
                raise RuntimeError(f"events were refused: {answer['errors'][0]}")
            self.events += len(batch)

    @staticmethod
    def _read(answer: Any) -> Any:
        body = json.loads(answer.data)
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {body.get('message', body)}")
        return body


class Replay:
    """The year, six hours at a time: what happens next stands in a heap of (time, number)."""

    def __init__(self, client: Client, year: Year, seed: int, purposes: list[str]) -> None:
        self._client, self._year, self._seed, self._purposes = client, year, seed, purposes
        self._numbers = count()
        self._ahead: list[tuple[datetime, int, Callable[[datetime], list[dict[str, Any]]]]] = []
        self._met: set[int] = set()
        self._by_address: dict[str, invented.Who] = {}
        self._newest = ""  # the time of the newest message read, and which were read of it
        self._read: set[str] = set()
        self.mails = 0
        for basket in year.baskets:
            self._later(basket.time, partial(self._bought, basket))

    @property
    def events(self) -> int:
        """How many were sent, opens and clicks counted."""
        return self._client.events

    def _later(self, at: datetime, act: Callable[[datetime], list[dict[str, Any]]]) -> None:
        heapq.heappush(self._ahead, (at, next(self._numbers), act))

    def slot(self, until: datetime) -> None:
        """Let six hours pass, look at what was sent, then do what people do in them."""
        self._client.post("/local/clock", {"advance": f"{int(SLOT.total_seconds() // 3600)} hours"})
        self._read_mails()
        calls: list[dict[str, Any]] = []
        while self._ahead and self._ahead[0][0] < until:
            at, _, act = heapq.heappop(self._ahead)
            calls += act(at)
        self._client.send(calls, until)

    def _bought(self, basket: Basket, at: datetime) -> list[dict[str, Any]]:
        products = [
            {"product_id": str(p["product_id"]), "quantity": p["quantity"], "value": p["value"]}
            for p in basket.products
        ]
        calls: list[dict[str, Any]] = []
        if basket.household not in self._met:
            self._met.add(basket.household)
            calls += self._introduce(basket)
            products.append({"sku": invented.LICENCE, "quantity": 1})
        properties = {
            "order_id": str(basket.basket),
            "revenue": basket.revenue,
            "discount": basket.discount,
            "currency": "USD",
            "products": products,
        }
        order = {"event": "Order Completed", "properties": properties}
        return [*calls, self._call(basket.household, basket.time, f"order-{basket.basket}", order)]

    def _introduce(self, basket: Basket) -> list[dict[str, Any]]:
        who = invented.who(basket.household, self._seed)
        self._by_address |= {who.traits["email"]: who, who.traits["phone"]: who}
        at, name = basket.time - timedelta(seconds=2), f"{basket.household}"
        calls = [self._call(basket.household, at, f"who-{name}", {"traits": who.traits})]
        for channel in who.channels:
            said = {"channel": channel, "purposes": self._purposes, "text": "demo"}
            given = {"event": "Consent Given", "properties": said}
            calls.append(self._call(basket.household, at, f"consent-{channel}-{name}", given))
        return calls

    def _call(self, household: int, at: datetime, key: str, rest: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "identify" if "traits" in rest else "track",
            "userId": str(household),
            "messageId": f"demo-{self._seed}-{key}",
            "timestamp": at.isoformat(),
            **rest,
        }

    def _read_mails(self) -> None:
        """Find what was sent since the last look, oldest first.

        Many messages have the very same time, so those of the newest moment are remembered.
        """
        fresh: list[dict[str, Any]] = []
        for message in self._client.pages("/local/outbox", "messages"):
            if message["time"] < self._newest:
                break
            if message["send_id"] not in self._read:
                fresh.append(message)
        fresh.sort(key=lambda message: (message["time"], message["to"], message["text"]))
        for message in fresh:
            self.mails += 1
            if message["channel"] == "email":
                self._answer(message)
        if fresh:
            newest = fresh[-1]["time"]
            self._read = self._read if newest == self._newest else set()
            self._read |= {message["send_id"] for message in fresh if message["time"] == newest}
            self._newest = newest

    def _answer(self, message: dict[str, Any]) -> None:
        who = self._by_address[message["to"]]
        # Not by the order of messages: those of one moment stand in no order that a seed gives.
        key = f"{self._seed}/answer/{who.household}/{message['subject']}/{message['time']}"
        random = Random(key)
        small_print = ("imprint", "privacy")
        links = [name for name in message["links"] if name not in small_print]
        sent = datetime.fromisoformat(message["time"])
        rate = self._year.rate(who.household)
        answer = invented.reaction(message["send_id"], links, sent, rate, random)
        if answer.opened:
            self._later(answer.opened, self._visit(f"/local/open/{message['send_id']}"))
        if answer.clicked:
            path = f"/local/click/{message['send_id']}/{answer.link}"
            self._later(answer.clicked, self._visit(path))
            self._maybe_upgrade(who, message, answer.clicked, random)

    def _visit(self, path: str) -> Callable[[datetime], list[dict[str, Any]]]:
        def act(at: datetime) -> list[dict[str, Any]]:
            self._client.visit(path)
            return []

        return act

    def _maybe_upgrade(
        self, who: invented.Who, message: dict[str, Any], clicked: datetime, random: Random
    ) -> None:
        at = invented.upgrade(clicked, random) if "premium" in message["links"] else None
        if at is None:
            return
        products = [{"sku": invented.UPGRADE, "quantity": 1}]
        bought = {"order_id": f"upgrade-{who.household}", "revenue": 199, "currency": "USD"}
        order = {"event": "Order Completed", "properties": {**bought, "products": products}}
        key = f"upgrade-{who.household}-{message['send_id']}"
        self._later(at, lambda at: [self._call(who.household, at, key, order)])


def play(
    households: int | None, seed: int, data: Path, port: int, journeys: Path, out: Console
) -> None:
    """Run the demo and print what happened; the data stays in `data`."""
    logging.disable(logging.WARNING)
    try:
        year = read_year(households, seed)
    except NoData as missing:
        out.print(f"[red]✗[/] {missing}")
        sys.exit(1)
    _make_anew(data, out)
    system = System(data, journeys, "http://127.0.0.1:8000", FIRST_DAY)  # where it is looked at
    system.publish()
    people = len({basket.household for basket in year.baskets})
    out.print(
        f"A year of real shopping: [bold]{people:,}[/] households, "
        f"[bold]{len(year.baskets):,}[/] baskets of 2017, in virtual time.\n"
    )
    with system.running(), serving(application(App(system).route), port) as url:
        client = Client(url, system.keys.write_key, system.keys.secret_key)
        purposes = list(system.parts.library.brand().purposes)
        replay = Replay(client, year, seed, purposes)
        seconds = _run_year(replay, out)
        _report(client, system, seconds, out)
        lost = len(system.queue.dead())
    out.print(f"\nLook at people, runs and every mail:  [bold]make run DATA={data}[/]")
    out.print(
        "Forecast a journey on these people:   "
        f"[bold]tante forecast onboarding --data {data} --since {FIRST_DAY:%Y-%m-%d}[/]",
        soft_wrap=True,
    )
    out.print(f"\n[dim]{invented.summary()}[/]")
    if lost:
        out.print(
            f"[red]✗[/] {lost:,} messages could not be processed: "
            f"tante dead-letters list --data {data} says why"
        )
        sys.exit(1)


def _make_anew(data: Path, out: Console) -> None:
    """Empty the demo's own folder, and only that."""
    if data.exists() and any(data.iterdir()) and not (data / MARK).exists():
        out.print(f'[red]✗[/] "{data}" is not a folder of the demo; choose another with --data')
        sys.exit(2)
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    (data / MARK).touch()


def _run_year(replay: Replay, out: Console) -> float:
    started, now = time.perf_counter(), FIRST_DAY
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[events]:,} events, {task.fields[mails]:,} messages"),
        TimeElapsedColumn(),
    )
    slots = -(-(LAST_MOMENT - FIRST_DAY) // SLOT)
    with Progress(*columns, console=out, disable=not out.is_terminal) as progress:
        task = progress.add_task("", total=slots, events=0, mails=0)
        for _ in range(slots):
            now += SLOT
            replay.slot(now)
            day = f"{now:%d %B %Y}".rjust(17)
            if now.day == 1 and now.hour == 0 and not out.is_terminal:
                out.print(f"{day}  {replay.events:,} events, {replay.mails:,} messages")
            progress.update(
                task, advance=1, description=day, events=replay.events, mails=replay.mails
            )
        replay.slot(now + SLOT)  # what the last hours brought about
    return time.perf_counter() - started


def _report(client: Client, system: System, seconds: float, out: Console) -> None:
    people = list(client.pages("/api/people", "people"))
    totals = Table(box=None, show_header=False, padding=(0, 1))
    totals.add_row("events", f"{client.events:,}", f"{client.events / seconds:,.0f} a second")
    totals.add_row("people", f"{len(people):,}", "")
    totals.add_row("lost or set aside", f"{len(system.queue.dead()):,}", "")
    out.print(totals, "", _runs(client), "")
    messages, digest = _messages(client, [person["id"] for person in people])
    out.print(messages, "", _tasks(client), "", _groups(client, people), "")
    out.print(f"[dim]result {digest}: the same seed gives the same[/]")


def _runs(client: Client) -> Table:
    table = Table("journey", "entered", "under way", "ended as", box=None, padding=(0, 1))
    for journey in client.get("/api/journeys")["journeys"]:
        runs = list(client.pages("/api/runs", "runs", journey=journey["name"]))
        outcomes = Counter(run["outcome"] for run in runs if run["status"] == "ended")
        ended = ", ".join(f"{outcome} {n:,}" for outcome, n in outcomes.most_common())
        under_way = len(runs) - outcomes.total()
        table.add_row(journey["name"], f"{len(runs):,}", f"{under_way:,}", ended)
    return table


def _messages(client: Client, people: list[str]) -> tuple[Table, str]:
    """Per message what became of it, and a digest of all that was sent to whom and when."""
    found: dict[str, list[dict[str, Any]]] = {}
    lines: list[str] = []
    users = {p["id"]: p["user_id"] for p in client.pages("/api/people", "people")}
    for person in people:
        for message in client.get("/api/messages", person=person)["messages"]:
            name = f"{message['journey']}/{message['message']}"
            found.setdefault(name, []).append(message)
            what = [message.get(word, "-") for word in ("claimed", "opened", "clicked")]
            lines.append(f"{users[person]} {name} {message['state']} {what}")
    columns = ("message", "by", "sent", "opened", "clicked", "not sent")
    table = Table(*columns, box=None, padding=(0, 1))
    for name, messages in sorted(found.items()):
        sent = [message for message in messages if message["state"] in ("sent", "unknown")]
        reasons = Counter(m["reason"] for m in messages if m["state"] not in ("sent", "unknown"))
        table.add_row(
            name,
            messages[0]["channel"],
            f"{len(sent):,}",
            f"{sum('opened' in message for message in sent):,}",
            f"{sum(bool(message.get('clicked')) for message in sent):,}",
            ", ".join(f"{reason} {n:,}" for reason, n in reasons.most_common()),
        )
    digest = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:12]
    return table, digest


def _tasks(client: Client) -> Table:
    counts = Counter((t["text"], t["owner"]) for t in client.pages("/api/tasks", "tasks"))
    table = Table("task", "for", "how many", box=None, padding=(0, 1))
    for (text, owner), number in counts.most_common():
        table.add_row(text, owner, f"{number:,}")
    return table


def _groups(client: Client, people: list[dict[str, Any]]) -> Table:
    """How many people stand in each stage of each model, and the largest segments."""
    table = Table("group", "people", box=None, padding=(0, 1))
    for model in client.get("/api/lifecycle")["models"]:
        counts = Counter(person["stages"].get(model["name"], "") for person in people)
        known = [one for one in model["stages"] if counts[one["name"]]]
        said = (f"{one['title']} {counts[one['name']]:,}" for one in known)
        table.add_row(model["title"], ", ".join(said) or "nobody is in a stage")
    sizes = Counter(name for person in people for name in person["segments"])
    titles = {one["name"]: one["title"] for one in client.get("/api/segments")["segments"]}
    # Those of one size by name, so that the same seed prints the same.
    largest = sorted(sizes.items(), key=lambda one: (-one[1], one[0]))[:LARGEST]
    for name, size in largest:
        table.add_row(name, f"{size:,}: {titles.get(name, '')}")
    return table
