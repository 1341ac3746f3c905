"""A comparison of two versions, as the terminal tells it and as Markdown for a pull request."""

import html
import re
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from functions.forecast.compared import Compared, MessageRow
from functions.forecast.difference import Example
from functions.forecast.report import Range
from functions.forecast.words import amount, between
from functions.forecast.words import time as length

_HEAD = ("message", "before", "after", "gained", "lost", "moved")
_SIGNS = re.compile(r"([\\`*_\[\]|#])")
_KINDS = {
    "gained": "gets it now",
    "lost": "does not get it any more",
    "within": "gets it within these days, not after them",
    "beyond": "gets it only after these days",
    "earlier": "gets it earlier",
    "later": "gets it later",
    "reworded": "reads another subject",
}


def show(found: Compared, console: Console) -> None:
    """Print it: the sentences, a table of messages, and examples of people."""
    for line in found.says:
        console.print(escape(line), soft_wrap=True)
    if found.messages:
        table = Table(box=None, pad_edge=False)
        for place, word in enumerate(_HEAD):
            table.add_column(word, justify="left" if place == 0 else "right")
        for row in found.messages:
            table.add_row(*map(escape, _cells(row)))
        console.print()
        console.print(table)
    if found.examples:
        console.print()
    for one in found.examples:
        console.print(escape(_example(one)), soft_wrap=True)


def markdown(found: Compared) -> str:
    """The same as a comment in a pull request has it."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Compared) -> Iterator[str]:
    yield f"### Forecast of `{found.journey}`"
    yield ""
    yield from (f"- {_plain(line)}" for line in found.says)
    if found.messages:
        yield ""
        yield f"| {' | '.join(_HEAD)} |"
        yield f"|---|{'---:|' * (len(_HEAD) - 1)}"
        yield from (f"| {' | '.join(map(_plain, _cells(row)))} |" for row in found.messages)
    if found.examples:
        yield ""
        yield "<details><summary>Examples</summary>"
        yield ""
        yield from (f"- {_plain(_example(one))}" for one in found.examples)
        yield ""
        yield "</details>"
    yield ""
    yield _basis(found)


def _basis(found: Compared) -> str:
    said = f"{amount(found.people)} people"
    said += f", a sample scaled up by {found.scale:.3g}" if found.scale != 1 else ""
    if found.draws > 1:
        said += f", {found.draws} draws; eight of ten lie between the figures in brackets"
    return f"<sub>{said}.</sub>"


def _plain(text: str) -> str:
    """Names come from files: none of them may write Markdown or HTML."""
    return _SIGNS.sub(r"\\\1", html.escape(text, quote=False))


def _cells(row: MessageRow) -> list[str]:
    return [
        f"{row.journey}/{row.message} ({row.channel})",
        between(row.before),
        between(row.after),
        _some(row.gained),
        _some(row.lost),
        ", ".join(_moves(row)),
    ]


def _some(found: Range) -> str:
    return between(found) if found.high else ""


def _moves(row: MessageRow) -> Iterator[str]:
    if row.later.high:
        yield f"{amount(row.later.likely)} by {length(row.seconds_later)} later"
    if row.beyond.high:
        yield f"{amount(row.beyond.likely)} out of these days"
    if row.within.high:
        yield f"{amount(row.within.likely)} into these days"
    if row.earlier.high:
        yield f"{amount(row.earlier.likely)} by {length(row.seconds_earlier)} earlier"


def _example(one: Example) -> str:
    times = [f"{time:%Y-%m-%d %H:%M} UTC" for time in (one.before, one.after) if time]
    return f"{one.person} {_KINDS[one.kind]}: {one.message} ({' → '.join(times)})"
