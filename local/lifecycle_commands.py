"""What `tante lifecycle` and `tante stages` say: how stages weigh, and where a person stands."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from local.asking import At, In, Key, RunningData, asking, out

PAGE = 500
Ask = Callable[[str, str], Any]  # (method, path of the admin API) -> the answer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(lifecycle)
    app.command()(stages)


def lifecycle(at: At = "", key: Key = "", data: RunningData = None) -> None:
    """How many people stand in each stage of lifecycle.yaml, and what they have brought in."""
    with asking(at, key, data) as client:
        models = client.ask("GET", "/api/lifecycle")["models"]
        if not models:
            out.print("there is no lifecycle.yaml: nobody is in a stage")
            return
        people, weights = _weigh(client.ask)
    for model in models:
        out.print(_table(model, weights, people))


def stages(
    person: Annotated[str, typer.Argument(help="An e-mail address or a user id.")],
    language: In = "en",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """In which stage a person is, since when, and how and why they came there."""
    from local.find_person import person_segment

    with asking(at, key, data) as client:
        path = f"/api/people/{person_segment(client, person)}/stages"
        found = client.ask("GET", f"{path}?{urlencode({'in': language})}")["stages"]
    for one in found:
        out.print(_stands(one))
    if not found:
        out.print("there is no lifecycle.yaml, or this person was not looked at since it came")


class _Weight:
    """People and what they have brought in, by currency."""

    def __init__(self) -> None:
        self.people, self.revenue = 0, dict[str, Decimal]()

    def add(self, people: int, revenue: dict[str, Any]) -> None:
        self.people += people
        for currency, amount in revenue.items():
            before = self.revenue.get(currency, Decimal(0))
            self.revenue[currency] = before + Decimal(str(amount))

    def columns(self, people: int) -> tuple[str, str, str]:
        share = f"{self.people / people:.1%}" if people else ""
        money = ", ".join(f"{amount:,.2f} {name}" for name, amount in sorted(self.revenue.items()))
        return f"{self.people:,}", share, money


def _weigh(ask: Ask) -> tuple[int, dict[tuple[str, str], _Weight]]:
    """All people, page by page; of each model its stages, "" for those in none yet."""
    weights: dict[tuple[str, str], _Weight] = {}
    people, after = 0, ""
    while True:
        asked = {"limit": PAGE, **({"after": after} if after else {})}
        page = ask("GET", f"/api/lifecycle/weights?{urlencode(asked)}")
        people += page["people"]
        for one in page["weights"]:
            weight = weights.setdefault((one["model"], one["stage"]), _Weight())
            weight.add(one["people"], one["revenue"])
        after = page["next"]
        if not after:
            return people, weights


def _table(model: dict[str, Any], weights: dict[tuple[str, str], _Weight], people: int) -> Table:
    title = escape(f"{model['title']} ({model['name']})")
    table = Table("phase", "stage", box=None, title=title, title_justify="left")
    for number in ("people", "share", "revenue"):
        table.add_column(number, justify="right")
    phases: dict[str, _Weight] = {}
    for stage in model["stages"]:
        weight = weights.get((model["name"], stage["name"]), _Weight())
        table.add_row(stage["phase"], escape(stage["title"]), *weight.columns(people))
        phases.setdefault(stage["phase"], _Weight()).add(weight.people, weight.revenue)
    in_a_stage = sum(weight.people for weight in phases.values())
    if people > in_a_stage:
        table.add_row(
            "", "(none yet)", f"{people - in_a_stage:,}", f"{1 - in_a_stage / people:.1%}"
        )
    table.add_section()
    for phase, weight in phases.items() if any(phases) else ():
        table.add_row(phase, "in all", *weight.columns(people), style="bold")
    return table


def _stands(one: dict[str, Any]) -> Tree:
    stage = f"{one['title'] or one['stage']} ({one['stage']})" if one["stage"] else "none yet"
    phase = f", {one['phase']}" if one["phase"] else ""
    since = f", since {_time(one['since'])}" if one["since"] else ""
    tree = Tree(Text(f"{one['model']}: {stage}{phase}{since}", style="bold"))
    for move in one["history"]:
        title = move["title"] or move["stage"] or "no stage"
        tree.add(Text(f"{_time(move['time'])}  {title}: {move['because']}"))
    return tree


def _time(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"
