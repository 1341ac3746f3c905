"""`tante people`: who somebody is, as whom they were known before, and parting them again."""

import sys
from collections.abc import Iterable, Iterator
from time import monotonic, sleep
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.markup import escape
from rich.table import Table

from local.address import segment
from local.asking import At, Client, In, Key, RunningData, asking, err, out, wide
from local.consent_command import consent as told_consent
from local.privacy_commands import register_people
from local.referral_commands import register
from local.repeat_command import repeat

people_app = typer.Typer(help="People: who they are, and as whom they were known before.")
register(people_app)
register_people(people_app)
people_app.command("repeat")(repeat)
people_app.command("consent")(told_consent)
PATIENCE, PAUSE = 15.0, 0.5  # seconds for which an undo is waited for, between two looks at it

Who = Annotated[
    str, typer.Argument(metavar="PERSON", help="An e-mail address, phone number, user id or id.")
]


@people_app.command("show")
def show(
    who: Who,
    most: Annotated[int, typer.Option(min=1, max=100, help="Events and messages, at most.")] = 10,
    language: In = "en",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Who somebody is, where they stand, what is next, what happened and what they were sent."""
    from local.person_told import told

    with asking(at, key, data) as asked:
        person = asked.ask("GET", f"/api/people/{_id(asked, who)}")
        lines = [*_lines(person), *told(asked, segment(person["id"]), language, most)]
    _print(lines)


@people_app.command("find")
def find(
    email: Annotated[str, typer.Option(help="The e-mail address.")] = "",
    phone: Annotated[str, typer.Option(help="The phone number, however it is written.")] = "",
    user_id: Annotated[str, typer.Option("--user-id", help="The shop's own id.")] = "",
    anonymous_id: Annotated[str, typer.Option("--device", help="The anonymous id.")] = "",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Find somebody by one identifier. The exit status is 1 if there is nobody."""
    asked_for = {"email": email, "phone": phone, "user_id": user_id, "anonymous_id": anonymous_id}
    given = {kind: value for kind, value in asked_for.items() if value}
    if len(given) != 1:
        err.print("[red]✗[/] give one of --email, --phone, --user-id, --device")
        sys.exit(2)
    with asking(at, key, data) as asked:
        people = asked.ask("GET", f"/api/people?{urlencode(given)}")["people"]
    if not people:
        ((kind, value),) = given.items()
        words = escape(f'nobody is known by the {kind.replace("_", " ")} "{value}"')
        err.print(f"[red]✗[/] {words}", soft_wrap=True)
        sys.exit(1)
    for person in people:
        _print(_lines(person))


@people_app.command("calibration")
def calibration(at: At = "", key: Key = "", data: RunningData = None) -> None:
    """Whether customers ordered as often as was foretold."""
    from local import value_told

    with asking(at, key, data) as asked:
        found = asked.ask("GET", "/api/calibration")["calibration"]
    for line in value_told.calibration(found):
        out.print(escape(line), soft_wrap=True)


@people_app.command("merges")
def merges(
    who: Who, language: In = "en", at: At = "", key: Key = "", data: RunningData = None
) -> None:
    """As whom a person was known before, and by what they were found to be one."""
    with asking(at, key, data) as asked:
        found = _merges(asked, _id(asked, who), language)
    if not found:
        out.print("nobody else has ever become this person")
    for merge in found:
        out.print(f"[bold]{merge['id']}[/]  {escape(merge['sentence'])}", soft_wrap=True)
        if merge["why_not"] and not merge["undone"]:
            words = escape(f"cannot be undone: {merge['why_not']}")
            out.print(f"{'':18}[dim]{words}[/]", soft_wrap=True)


@people_app.command("unmerge")
def unmerge(
    who: Who,
    merge: Annotated[str, typer.Argument(metavar="MERGE", help="As `merges` shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Part two people again: each becomes as if they had never been one.

    What was withdrawn meanwhile stays withdrawn for both, and nothing is sent a second time.
    """
    with asking(at, key, data) as asked:
        person = _id(asked, who)
        known = {one["id"]: one for one in _merges(asked, person, "en")}
        if merge not in known:
            there = ", ".join(known) or "none"
            words = escape(f'this person has no merge "{merge}"; there are: {there}')
            err.print(f"[red]✗[/] {words}", soft_wrap=True)
            sys.exit(1)
        out.print(escape(known[merge]["sentence"]), soft_wrap=True)
        if not yes and not typer.confirm("Part them again, for good?"):
            out.print("[dim]nothing was changed[/]")
            sys.exit(1)
        asked.ask("POST", f"/api/people/{person}/merges/{merge}/undo")
        if not _is_undone(asked, person, merge):
            words = "it goes on: events of these minutes are still being written. Look again with"
            out.print(f"{words}: tante people merges {escape(who)}", soft_wrap=True)
            return
    out.print("[green]✓[/] they are two people again, and no shared device makes them one")


def _id(asked: Client, who: str) -> str:
    """The person's id, fit for a path."""
    from local.find_person import person_segment

    return person_segment(asked, who)


def _merges(asked: Client, person: str, language: str) -> list[dict[str, Any]]:
    path = f"/api/people/{person}/merges?{urlencode({'in': language})}"
    found: list[dict[str, Any]] = asked.ask("GET", path)["merges"]
    return found


def _is_undone(asked: Client, person: str, merge: str) -> bool:
    until = monotonic() + PATIENCE
    while monotonic() < until:
        if any(one["id"] == merge and one["undone"] for one in _merges(asked, person, "en")):
            return True
        sleep(PAUSE)
    return False


def _print(lines: Iterable[tuple[str, str]]) -> None:
    """Lines, each below what it is about, which is said once."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    before = ""
    for name, value in lines:
        if value:
            table.add_row("" if name == before else escape(name), escape(value))
            before = name
    wide().print(table)


def _lines(person: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "id", person["id"]
    yield "user id", person["user_id"]
    yield "e-mail", person["email"]
    yield "phone", person["phone"]
    yield "devices", ", ".join(person["anonymous_ids"])
    yield "also known as", ", ".join(person["merged"])
    yield from _surroundings(person)
    for name, value in sorted(person["traits"].items()):
        if name not in ("email", "phone"):
            yield name, str(value)
    revenue = ", ".join(f"{amount} {currency}" for currency, amount in person["revenue"].items())
    yield "orders", f"{person['orders']} ({revenue})" if revenue else str(person["orders"])
    yield from _value(person)
    yield "first seen", person["first_seen"] or ""
    yield "last seen", person["last_seen"] or ""
    for consent in person["consents"]:
        word = "given" if consent["given"] else "withdrawn"
        yield f"{consent['channel']}, {consent['purpose']}", f"{word} {consent['time']}"
    for one in person["unconfirmed"]:
        words = f"signed up {one['time']}, not confirmed"
        yield f"{one['channel']}, {', '.join(one['purposes'])}", words
    for channel, reason in person["suppressed"].items():
        yield channel, f"suppressed: {reason}"
    yield "segments", ", ".join(person["segments"])
    yield "journeys", ", ".join(person["journeys"])
    for note in person["notes"]:
        yield "note", note


def _value(person: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What they are worth, and how likely they order soon."""
    from local.value_told import worth

    yield "lifetime value", worth(person["lifetime_value"])
    soon = person["computed"].get("purchase_probability")
    yield "an order in 30 days", "" if soon is None else f"{soon:.0%} probable"


def _surroundings(person: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The companies and what they are there, and where they were seen last."""
    for one in person["companies"]:
        words = (one["name"] or one["id"], one["role"], one["buying_role"])
        yield "company", ", ".join(filter(None, words))
    for name in ("city", "country", "device"):
        if name not in person["traits"]:
            yield name, str(person["computed"].get(name, ""))
