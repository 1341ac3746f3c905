"""What `tante accounts` says: companies, who belongs to them, and what they come to together."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from local.address import segment
from local.asking import At, Key, RunningData, asking, out

app = typer.Typer(help="Accounts: the companies that people belong to.")
PAGE = 100
UNKNOWN = "not known"

Most = Annotated[int, typer.Option("--most", min=1, help="How many at most.")]
AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The id: a call's groupId.")]


@app.command("list")
def list_accounts(most: Most = PAGE, data: RunningData = None, at: At = "", key: Key = "") -> None:
    """Accounts by their names."""
    with asking(at, key, data) as tante:
        table = Table("account", "name", "industry", "employees", "place", box=None)
        for one in _pages(tante, "/api/accounts", "accounts", most):
            place = ", ".join(filter(None, (one["city"], one["country"])))
            cells = (one["id"], one["name"], one["traits"].get("industry"), one["employees"], place)
            table.add_row(*(escape(str(cell or "")) for cell in cells))
        out.print(table if table.rows else "there are no accounts: no group call has come yet")


@app.command("show")
def show_account(
    account: AccountId,
    most: Most = 20,
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """One account: its traits, its score, stage and revenue, and its members with their roles."""
    with asking(at, key, data) as tante:
        found = tante.ask("GET", _path(account))
        for line in _told(found):
            out.print(escape(line), soft_wrap=True)
        table = Table("person", "name", "role", "level", "buying", "score", box=None)
        for one in _pages(tante, _path(account, "/members"), "members", most):
            name = one["name"] or one["email"]
            score = f"{one['score']:g}"
            cells = (one["person"], name, one["role"], one["level"], one["buying_role"], score)
            table.add_row(*map(escape, cells))
        out.print(table)


@app.command("remove")
def remove_member(
    account: AccountId,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")],
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Take a person out of an account. A later group call about them brings them back."""
    with asking(at, key, data) as tante:
        tante.ask("DELETE", _path(account, f"/members/{segment(person)}"))
        out.print(escape(f"{person} does not belong to {account} any more"), soft_wrap=True)


def _told(found: dict[str, Any]) -> Iterator[str]:
    account, summary = found["account"], found["summary"]
    yield f"{account['id']}: {account['name']}"
    for name, value in account["traits"].items():
        hidden = "" if name in account["seen"] else "  (conditions and mails do not see it)"
        yield f"  {name}: {value}{hidden}"
    yield from (f"  note: {note}" for note in account["notes"])
    more = ", of more" if found["more"] else ""
    yield f"of {summary['looked_at']} members{more}:"
    best = [f"{one['name'] or one['person']} {one['score']:g}" for one in summary["score_of"]]
    yield f"  score {summary['score']:g}" + (f" (the highest: {', '.join(best)})" if best else "")
    yield from (f"  stage {stage} ({model})" for model, stage in summary["stage"].items())
    for what in ("levels", "departments", "buying_roles"):
        counts = (f"{count} {name or UNKNOWN}" for name, count in summary[what].items())
        yield f"  {what.replace('_', ' ')}: {', '.join(counts) or '-'}"
    money = ", ".join(f"{amount} {currency}" for currency, amount in summary["revenue"].items())
    yield f"  orders {summary['orders']}, revenue {money or 'none'}"


def _path(account: str, ending: str = "") -> str:
    return f"/api/accounts/{segment(account)}{ending}"


def _pages(tante: Any, path: str, what: str, most: int) -> Iterator[dict[str, Any]]:
    """So many of a listing, page by page."""
    after = ""
    while most > 0:
        page = tante.ask("GET", f"{path}?limit={min(most, PAGE)}&after={segment(after)}")
        yield from page[what]
        after, most = page["next"], most - PAGE
        if not after:
            return
