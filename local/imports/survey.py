"""A first look at the whole file: how many rows it has, and how it writes numbers and dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from local.imports import values
from local.imports.mapping import Column
from local.imports.table import BadTable, Table
from local.imports.values import Ways

DATES = (values.moment, values.day)


@dataclass(frozen=True)
class Survey:
    """What was found."""

    rows: int
    ways: Ways


def look_over(
    table: Table,
    columns: Sequence[Column],
    zone: ZoneInfo,
    country: str = "DE",
    decimal: str = "",
    order: str = "",
) -> Survey:
    """Read the file once; `decimal` and `order` are the user's own words (see Ways), "" asks the
    file. Raises BadTable, also where the file contradicts itself."""
    rows, signs, orders = 0, set[str](), set[str]()
    numbers = [one.index for one in columns if one.read is values.number]
    dates = [one.index for one in columns if one.read in DATES]
    for row in table.rows():
        rows += 1
        signs |= values.decimal_signs(_cells(row.cells, numbers))
        orders |= values.date_orders(_cells(row.cells, dates))
    sign = decimal or _one(
        signs, "numbers", "1.234,56 and 1,234.56", "--decimal comma or --decimal point"
    )
    first = order or _one(orders, "dates", "day/month and month/day", "--dates dmy or --dates mdy")
    # Where no number tells: who cuts by semicolons needs the comma for something else.
    sign = sign or ("," if table.delimiter == ";" else ".")
    return Survey(rows, Ways(sign, first, zone, country))


def _cells(cells: Sequence[str], wanted: Sequence[int]) -> list[str]:
    return [cells[index] for index in wanted if index < len(cells)]


def _one(found: set[str], what: str, both: str, option: str) -> str:
    if len(found) > 1:
        raise BadTable(f"the file writes {what} in two ways, {both}; say which is right: {option}")
    return next(iter(found), "")
