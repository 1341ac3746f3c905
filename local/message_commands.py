"""What `tante messages` says: messages of which nobody knows yet whether they went."""

from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from local.asking import At, Key, RunningData, asking, wide

app = typer.Typer(help="Messages that need a look.")
HEADINGS = ("claimed", "journey", "message", "by", "person", "why", "waits until")
WORDS = ("journey", "message", "channel", "person", "reason")
NONE = "none: of every message it is known what became of it"


@app.callback()
def messages() -> None:
    """Messages that need a look."""


@app.command("unknown")
def unknown(data: RunningData = None, at: At = "", key: Key = "") -> None:
    """Messages whose provider did not answer. Their receipts settle them; without one they are
    taken after 72 hours for messages that did not go. None is sent twice."""
    with asking(at, key, data) as tante:
        table = Table(*HEADINGS, box=None)
        after, is_first = "", True
        while after or is_first:
            asked = f"?after={quote(after, safe='')}" if after else ""
            page = tante.ask("GET", f"/api/messages/unknown{asked}")
            for one in page["messages"]:
                times = [(one[word] or "")[:16] for word in ("claimed", "waits_until")]
                table.add_row(times[0], *(escape(one[word]) for word in WORDS), times[1])
            after, is_first = page["next"], False
        wide().print(table if table.rows else NONE)
