"""`tante tasks`, `tante leads`, `tante deals` and `tante brief`: what sales has before it."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import typer
from rich.markup import escape
from rich.table import Table

from local.address import segment
from local.asking import At, In, Key, RunningData, asking, out, wide

tasks_app = typer.Typer(help="Tasks of colleagues: what is open, who does it, what came of it.")
leads_app = typer.Typer(help="People who were handed over to sales.")
deals_app = typer.Typer(help="Deals: their stages, and where they get stuck.")

Person = Annotated[
    str, typer.Argument(metavar="PERSON", help="An e-mail address, a user id, or a person's id.")
]
TaskId = Annotated[str, typer.Argument(metavar="TASK", help="The task's id.")]
LeadId = Annotated[str, typer.Argument(metavar="LEAD", help="The lead's id, which is its task's.")]
Note = Annotated[str, typer.Option("--note", help="In words of your own.")]
By = Annotated[str, typer.Option("--by", help="Who says so.")]
Most = Annotated[int, typer.Option("--most", min=1, max=500, help="How many at the most.")]


def register(app: typer.Typer) -> None:
    """Make these commands known to `tante`."""
    for name, one in (("tasks", tasks_app), ("leads", leads_app), ("deals", deals_app)):
        app.add_typer(one, name=name, no_args_is_help=True)
    app.command("brief")(_brief)


class Desk:
    """One running system; what is in the way is told in a sentence, and the exit status is 1."""

    def __init__(self, at: str, key: str, data: Path | None) -> None:
        self._where = (at, key, data)

    def ask(self, path: str, body: dict[str, Any] | None = None, **query: str | int) -> Any:
        """GET, or POST with a body."""
        asked = {word: value for word, value in query.items() if value}
        whole = f"{path}?{urlencode(asked)}" if asked else path
        with asking(*self._where) as client:
            return client.ask("GET" if body is None else "POST", whole, body)

    def person(self, who: str) -> str:
        """The id of a person as part of a path."""
        from local.find_person import person_segment

        with asking(*self._where) as client:
            return person_segment(client, who)

    def say(self, text: str) -> None:
        """One line."""
        out.print(escape(text), soft_wrap=True)

    def table(self, heads: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        """A table without a frame; whole lines where nobody looks."""
        table = Table(*heads, box=None)
        for row in rows:
            table.add_row(*(escape(str(cell)) for cell in row))
        wide().print(table)


def _day(text: str | None) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M") if text else "-"


def _amounts(value: dict[str, Any]) -> str:
    return ", ".join(f"{amount:,} {currency}" for currency, amount in value.items()) or "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


# --- tasks


@tasks_app.command("list")
def list_tasks(
    owner: Annotated[str, typer.Option("--owner", help="Only those of this colleague.")] = "",
    status: Annotated[
        Literal["open", "done", "all"], typer.Option("--status", help="Which ones.")
    ] = "open",
    most: Most = 100,
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """What is to be done, the task that is due soonest first."""
    desk = Desk(at, key, data)
    asked = "" if status == "all" else status
    found = desk.ask("/api/tasks", owner=owner, status=asked, limit=most)["tasks"]
    if not found:
        return desk.say("there are no such tasks")
    desk.table(
        ("due", "owner", "task", "person", "id"),
        ((_day(one["due"]), one["owner"], one["text"], one["person"], one["id"]) for one in found),
    )


@tasks_app.command("done")
def finish_task(
    person: Person,
    task: TaskId,
    outcome: Annotated[
        Literal["done", "reached", "not reached", "no longer needed"],
        typer.Option("--outcome", help="What came of it."),
    ] = "done",
    note: Note = "",
    by: By = "",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """A task is done; marketing that it kept back goes again."""
    body = {"outcome": outcome, "note": note, "by": by}
    _change_task(Desk(at, key, data), person, task, "done", body)


@tasks_app.command("reopen")
def reopen_task(
    person: Person,
    task: TaskId,
    note: Note = "",
    by: By = "",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """A task is not done after all."""
    _change_task(Desk(at, key, data), person, task, "reopen", {"note": note, "by": by})


@tasks_app.command("reassign")
def reassign_task(
    person: Person,
    task: TaskId,
    to: Annotated[str, typer.Argument(metavar="COLLEAGUE", help="A name in sales.yaml.")],
    owner_too: Annotated[
        bool, typer.Option("--owner-too", help="And the colleague has the person from now on.")
    ] = False,
    note: Note = "",
    by: By = "",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Give a task to somebody else."""
    body = {"to": to, "owner_too": owner_too, "note": note, "by": by}
    _change_task(Desk(at, key, data), person, task, "reassign", body)


def _change_task(desk: Desk, person: str, task: str, what: str, body: dict[str, Any]) -> None:
    path = f"/api/tasks/{desk.person(person)}/{segment(task)}/{what}"
    found = desk.ask(path, body)
    outcome = f" ({found['outcome']})" if found["outcome"] else ""
    desk.say(f"{found['text']}: {found['status']}{outcome}, {found['owner']}")


# --- leads


@leads_app.command("list")
def list_leads(
    status: Annotated[
        Literal["open", "accepted", "rejected", "won", "lost"] | None,
        typer.Option("--status", help="Only those that are so."),
    ] = None,
    most: Most = 100,
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Who was handed over, when, with which score, and what became of it."""
    desk = Desk(at, key, data)
    found = desk.ask("/api/leads", status=status or "", limit=most)["leads"]
    if not found:
        return desk.say("there are no such leads")
    desk.table(
        ("handed over", "status", "owner", "score", "reason", "person", "id"),
        (
            (
                _day(one["handed"]),
                one["status"],
                one["owner"],
                _number(one["score"]),
                one["reason"],
                one["person"],
                one["id"],
            )
            for one in found
        ),
    )


@leads_app.command("decide")
def decide_lead(
    person: Person,
    lead: LeadId,
    status: Annotated[
        Literal["accepted", "rejected", "won", "lost"],
        typer.Argument(metavar="STATUS", help="accepted, rejected, won or lost."),
    ],
    reason: Annotated[
        str, typer.Option("--reason", help="Why; a rejected or lost lead needs one.")
    ] = "",
    by: By = "",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Say what becomes of a lead."""
    desk = Desk(at, key, data)
    path = f"/api/people/{desk.person(person)}/leads/{segment(lead)}"
    found = desk.ask(path, {"status": status, "reason": reason, "by": by})
    desk.say(f"{found['text']}: {found['status']}, {found['owner']}")


@leads_app.command("report")
def report_leads(at: At = "", key: Key = "", data: RunningData = None) -> None:
    """How long it takes until sales takes a lead on, and what becomes of them."""
    desk = Desk(at, key, data)
    found = desk.ask("/api/leads/report")
    statuses = ", ".join(f"{count} {status}" for status, count in found["by_status"].items())
    desk.say(f"{found['leads']} leads: {statuses or 'none'}; {found['forwarded']} times handed on")
    middle, longest = _number(found["median_hours"]), _number(found["longest_hours"])
    waiting = _number(found["waiting_hours"])
    desk.say(f"hours until taken on: {middle} in the middle, {longest} at the most")
    desk.say(f"hours that the oldest open one waits: {waiting}")
    desk.table(
        ("owner", "leads", "hours in the middle"),
        ((one["owner"], one["leads"], _number(one["median_hours"])) for one in found["owners"]),
    )


# --- deals


@deals_app.command("list")
def list_deals(
    stage: Annotated[str, typer.Option("--stage", help="Only those in this stage.")] = "",
    most: Most = 100,
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Deals, by when they came to their stage."""
    desk = Desk(at, key, data)
    found = desk.ask("/api/deals", stage=stage, limit=most)["deals"]
    if not found:
        return desk.say("there are no such deals")
    desk.table(
        ("stage", "since", "title", "value", "owner", "expected", "person", "id"),
        (
            (
                one["stage"],
                _day(one["since"]),
                one["title"],
                f"{one['value']:,} {one['currency']}",
                one["owner"] or "-",
                one["expected"] or "-",
                one["person"],
                one["id"],
            )
            for one in found
        ),
    )


@deals_app.command("report")
def report_deals(at: At = "", key: Key = "", data: RunningData = None) -> None:
    """Days in each stage, where deals get stuck, and what the pipeline is worth."""
    desk = Desk(at, key, data)
    found = desk.ask("/api/deals/report")
    desk.table(
        ("stage", "deals", "value", "median days", "longest", "limit", "over it", "stuck"),
        (
            (
                one["stage"],
                one["deals"],
                _amounts(one["value"]),
                _number(one["median_days"]),
                _number(one["longest_days"]),
                _number(one["limit_days"]),
                one["over_limit"],
                one["because"] or "-",
            )
            for one in found["stages"]
        ),
    )
    won = _amounts(found["won_value"])
    desk.say(f"{found['won']} won ({won}), {found['lost']} lost")


# --- the brief


def _brief(
    person: Person,
    language: In = "en",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Say what to know of a person before talking to them."""
    desk = Desk(at, key, data)
    path = f"/api/people/{desk.person(person)}/brief"
    found = desk.ask(f"{path}?{urlencode({'in': language})}")
    head = (found["name"], found["company"], found["email"], found["phone"], found["owner"])
    desk.say(" · ".join(filter(None, head)) or found["person"])
    for part in found["parts"]:
        desk.say(f"\n{part['title']}")
        for line in part["says"]:
            desk.say(f"  {line}")
