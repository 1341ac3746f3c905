"""`tante segments`: which there are, how far everybody is up to date, and who is in one."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from local.address import segment
from local.asking import At, In, Key, RunningData, asking, out

app = typer.Typer(help="Segments: which there are, and who is in them.", no_args_is_help=True)
MOST_SHOWN = 1_000  # people


@app.command("list")
def list_segments(
    language: In = "en", at: At = "", key: Key = "", data: RunningData = None
) -> None:
    """Every segment in words, and whether everybody is up to date with the last publish."""
    with asking(at, key, data) as client:
        found = client.ask("GET", f"/api/segments?in={language}")
    table = Table("segment", "title", "who", box=None)
    for one in found["segments"]:
        table.add_row(one["name"], escape(one["title"]), escape(one["who"]))
    out.print(table if found["segments"] else "there are no segments")
    for line in progress(found):
        out.print(escape(line), soft_wrap=True)


@app.command("people")
def people(
    name: Annotated[str, typer.Argument(help="The segment's name.")],
    most: Annotated[int, typer.Option(help="How many at most.", min=1, max=MOST_SHOWN)] = 100,
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """The people of a segment, the newest first, and since when they are in it."""
    shown, after, looked = 0, "", 0
    while shown < most:
        path = f"/api/segments/{segment(name)}/people?limit={min(100, most - shown)}"
        with asking(at, key, data) as client:
            found = client.ask("GET", f"{path}&after={segment(after)}")
        for one in found["people"]:
            who = one["email"] or one["user_id"] or one["id"]
            out.print(escape(f"{who}  since {one['segments'][name][:16]}"), soft_wrap=True)
        shown, looked = shown + len(found["people"]), looked + found["looked_at"]
        after = found["next"]
        if not after:
            break
    out.print(f"{shown} of {looked} people looked through" + ("; there are more" if after else ""))


@app.command("figures")
def figures(at: At = "", key: Key = "", data: RunningData = None) -> None:
    """Say how many are in each segment, who overlaps, and what sets each apart; counted daily."""
    from local.figures import lines

    with asking(at, key, data) as client:
        found = client.ask("GET", "/api/segments/figures")
    for line in lines(found):
        out.print(line, soft_wrap=True, markup=False)


def progress(found: dict[str, Any]) -> list[str]:
    """How far everybody is up to date, and from when on events are counted, in sentences."""
    backfill = found["backfill"]
    since = next((one["since"] for one in found["segments"] if one["since"]), None)
    said = []
    if found["segments"] and backfill is None:
        said.append("nobody is up to date with the last publish yet")
    elif backfill and backfill["ended"]:
        said.append(f"everybody is up to date ({backfill['people']} people)")
    elif backfill:
        of = f" of about {backfill['people']}" if backfill["people"] else ""
        said.append(f"{backfill['done']}{of} people are up to date with the last publish")
    if since:
        words = f"what a new segment counts, it knows from {since[:10]} on"
        said.append(f"{words}: older events are gone")
    return said
