"""`tante audit`: who did what through the admin API, and who looked at whom."""

from typing import Annotated
from urllib.parse import urlencode

import typer
from rich.markup import escape
from rich.table import Table

from local.asking import At, Key, RunningData, asking, wide


def register(app: typer.Typer) -> None:
    """Make the command known."""
    app.command("audit")(_audit)


def _audit(
    who: Annotated[str, typer.Option(help="Only what was done with the key of this name.")] = "",
    about: Annotated[
        str, typer.Option(help="Only about this person: an e-mail address, phone number or id.")
    ] = "",
    month: Annotated[str, typer.Option(help="Such as 2027-03; this month by default.")] = "",
    last: Annotated[int, typer.Option(min=1, max=500, help="So many at most.")] = 50,
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Show who did what through the admin API, newest first, for 400 days."""
    from local.find_person import find_person

    with asking(at, key, data) as asked:
        person = find_person(asked, about)["id"] if about else ""
        said = {"who": who, "person": person, "month": month, "limit": last}
        query = urlencode({name: value for name, value in said.items() if value})
        found = asked.ask("GET", f"/api/acts?{query}")["acts"]
    table = Table("when (UTC)", "who", "what", "of", "from", "answer", box=None, pad_edge=False)
    for act in found:
        ids = " ".join(act["ids"].values())
        when = act["time"][:19].replace("T", " ")
        row = (when, act["who"], act["what"], ids, act["where"], str(act["status"]))
        table.add_row(*map(escape, row))
    wide().print(table)
