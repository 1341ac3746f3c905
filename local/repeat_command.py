"""`tante people repeat`: what leads from the first order to a second."""

from itertools import groupby
from typing import Annotated, Any

import typer

from local.asking import At, In, Key, RunningData, asking, out


def repeat(
    within: Annotated[int, typer.Option(min=1, max=730, help="Days to the second order.")] = 90,
    language: In = "en",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Say which first orders lead to a second: by channel, device, amount, coupon and so on."""
    with asking(at, key, data) as client:
        found = client.ask("GET", f"/api/repeat?within={within}&in={language}")
    for line in lines(found):
        out.print(line, soft_wrap=True, markup=False)


def lines(found: dict[str, Any]) -> list[str]:
    """The report as the API answers it."""
    if not found["made"]:
        return ["nobody was drawn yet; that is done once a week, and by: tante clusters learn"]
    said = list(found["says"])
    for title, values in groupby(found["values"], key=lambda one: one["criterion_title"]):
        said += ["", title]
        said += [f"  {one['value_title']}: {one['says']}" for one in values]
    return said
