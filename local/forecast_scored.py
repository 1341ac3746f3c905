"""A forecast and what came of it, in the terminal."""

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from functions.forecast.record import Forecast, partition_of
from functions.forecast.report import Report
from functions.forecast.score import Day, Figure, NotScored, Score
from functions.forecast.words import amount, between, money, money_between
from functions.storage.store import Store
from functions.virtual.reality import scored
from local.asking import out
from local.forecasting import Ground

MOST_DAYS = 14


def read_report(said: str, store: Store | None) -> Report:
    """The forecast in a file (`tante forecast --json`), or with an id that the admin API gave.
    Raises NotScored."""
    path = Path(said)
    if path.is_file():
        text = path.read_bytes()
    else:
        record = store.get(Forecast, partition_of(said)) if store and said else None
        if record is None:
            raise NotScored(f'there is neither a file "{said}" nor a forecast of this id')
        if not record.report:
            raise NotScored(f"the forecast {said} has no report: it is {record.state}")
        text = record.report
    try:
        return msgspec.json.decode(text, type=Report)
    except msgspec.DecodeError as error:
        raise NotScored(
            f'"{said}" is not a forecast as `tante forecast --json` writes it: {error}'
        ) from None


def score_of(said: str, data: Path) -> Score:
    """How far off a forecast was, by the people of a data folder. Raises NotScored."""
    ground = Ground(Path(), data)
    store = ground.store
    if store is None:
        raise NotScored(f'nobody is known in "{data}" by whom to compare it; give --data')
    return scored(store, read_report(said, store), ground.now)


def tell(found: Score, as_json: bool, whole: bool) -> None:
    """Print how far off a forecast was."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(found, order="deterministic").decode() + "\n")
    else:
        show(found, out, whole)


def show(score: Score, console: Console, whole: bool = False) -> None:
    """Print how far off it was; `whole` with every day, else the last ones."""
    for part in _parts(score, whole):
        console.print(part)


def _parts(score: Score, whole: bool) -> Iterator[RenderableType]:
    for sentence in score.says:
        yield Text(f"• {sentence}")
    if score.figures:
        yield Text("")
        yield Padding(_figures(score.figures), (0, 0, 0, 2))
    days = score.days if whole else score.days[-MOST_DAYS:]
    if days:
        yield Text("")
        yield Padding(_days(days), (0, 0, 0, 2))


def _figures(figures: list[Figure]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("", "forecast", "came", "off", ""):
        table.add_column(name, justify="left" if not name else "right")
    for one in figures:
        says = between(one.forecast), amount(one.came)
        if one.kind == "revenue":
            says = money_between(one.forecast), money(one.came)
        name = f"{one.journey}: {one.kind}" + (f" {one.name}" if one.name else "")
        has_interval = one.forecast.low != one.forecast.high
        mark = "" if one.inside or not has_interval else "outside"
        table.add_row(name, *says, _off(one.off), mark)
    return table


def _off(off: float | None) -> str:
    if off is None or math.isnan(off):
        return ""
    return f"{off:+.0%}".replace("%", " %")


def _days(days: list[Day]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("day")
    for name in ("entered, forecast", "came", "messages, forecast", "sent"):
        table.add_column(name, justify="right")
    for one in days:
        numbers = (one.entered, one.entered_came, one.sent, one.sent_came)
        table.add_row(one.day, *map(amount, numbers))
    return table
