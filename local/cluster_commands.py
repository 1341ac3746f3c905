"""`tante clusters`: customers who behave alike, what sets them apart, and what they are called."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from local.address import segment
from local.asking import At, In, Key, RunningData, asking, out

app = typer.Typer(
    help="Clusters: customers who behave alike, found by what they do.", no_args_is_help=True
)


@app.command("list")
def list_clusters(
    language: In = "en", at: At = "", key: Key = "", data: RunningData = None
) -> None:
    """Each cluster: how many are in it, what they are like, and what sets them apart."""
    with asking(at, key, data) as client:
        found = client.ask("GET", f"/api/clusters?in={language}")
    for line in lines(found):
        out.print(line, soft_wrap=True, markup=False)


@app.command("learn")
def learn(at: At = "", key: Key = "", data: RunningData = None) -> None:
    """Learn the clusters anew, instead of waiting for the week to be over."""
    with asking(at, key, data) as client:
        client.ask("POST", "/api/clusters/learn")
    out.print("[green]✓[/] everybody is counted and clusters are learned within the hour")


@app.command("name")
def name(
    cluster: Annotated[str, typer.Argument(help="The cluster's id, such as c2.")],
    called: Annotated[str, typer.Argument(metavar="NAME", help='"" takes the name away.')],
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Call a cluster by a name, which stays with it. Conditions go on naming it by its id."""
    with asking(at, key, data) as client:
        path = f"/api/clusters/{segment(cluster)}"
        found = client.ask("PUT", path, {"name": called})
    words = f'is called "{found["name"]}"' if found["name"] else "has no name"
    out.print(f"[green]✓[/] {escape(found['cluster'])} {escape(words)}", soft_wrap=True)


def lines(found: dict[str, Any]) -> list[str]:
    """The clusters as the API answers them, in words."""
    said = [found["says"]]
    if found["clusters"]:
        said = [_head(found), *said]
    for one in found["clusters"]:
        called = f"{one['cluster']} {one['name']}".strip()
        share = f"{100 * one['share']:.0f} %"
        said += ["", f"{called}: about {one['people']:,} customers ({share}); {one['says']}"]
        said += [f"  {apart['says']}" for apart in one["apart"]]
        said += [f"  {_within(segment)}" for segment in one["segments"][:3]]
        said.append(f"  for example {', '.join(one['sample'][:3])}")
    if found["gone"]:
        said += ["", f"no more, so nobody is in them: {', '.join(found['gone'])}"]
    if found["asked"]:
        said += ["", "somebody has asked to learn anew; that is done within the hour"]
    return said


def _head(found: dict[str, Any]) -> str:
    made = found["made"][:16].replace("T", " at ")
    drawn = f"{found['sampled']:,} of {found['customers']:,} customers"
    alike = found["stability"]
    before = "" if alike is None else f"; agreement with those before {alike:.2f}"
    return f"learned on {made} UTC from {drawn}; silhouette {found['silhouette']:.2f}{before}"


def _within(one: dict[str, Any]) -> str:
    inside, outside = (f"{100 * one[side]:.0f} %" for side in ("inside", "outside"))
    return f"in the segment {one['segment']}: {inside}, others {outside}"
