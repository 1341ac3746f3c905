"""`tante people referrals`: which part of the new customers was referred, and who won most."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from local.asking import At, Key, RunningData, asking, out, wide


def register(app: typer.Typer) -> None:
    """Make the command known among those about people."""
    app.command("referrals")(_referrals)


def _referrals(
    days: Annotated[int, typer.Option(min=1, max=400, help="New within so many days.")] = 30,
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Which part of the new customers came by somebody's code, and who won the most."""
    with asking(at, key, data) as asked:
        found = asked.ask("GET", f"/api/referrals?days={days}")
    for line in lines(found):
        out.print(escape(line), soft_wrap=True)
    if found["top"]:
        table = Table("person", "customers won", "their first orders", box=None, pad_edge=False)
        for one in found["top"]:
            table.add_row(escape(one["email"] or one["person"]), str(one["won"]), _worth(one))
        wide().print(table)


def lines(found: dict[str, Any]) -> list[str]:
    """The figures as the API answers them, in words."""
    if not found["made"]:
        return ["nobody was counted yet; that is done once a day, within an hour of the publish"]
    new, referred, days = found["new"], found["referred"], found["days"]
    rate = f"{found['rate']:.1%}".replace("%", " %") if new else "nobody bought for the first time"
    when = f"{found['made'][:16].replace('T', ' at ')} UTC"
    said = [f"referral rate of the last {days} days: {rate}, counted on {when}"]
    if new:
        said.append(f"{referred} of {new} new customers were referred")
    if found["won"]:
        worth = f"their first orders came to {_worth(found)}"
        said.append(f"customers won so far: {found['won']}, by {found['referrers']}; {worth}")
    return said


def _worth(one: dict[str, Any]) -> str:
    amounts = [f"{amount:.2f} {currency}".strip() for currency, amount in one["worth"].items()]
    return " and ".join(amounts) or "0"
