"""Tables for a spreadsheet: CSV (RFC 4180) in which no cell is taken for a formula."""

import csv
import json
from pathlib import Path
from typing import Any, Self

FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
)  # https://owasp.org/www-community/attacks/CSV_Injection


def safe(value: Any) -> str:
    """A cell that a spreadsheet does not take for a formula; a number stays one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(FORMULA) else text


class Table:
    """A file of rows under one heading, open within a `with` block."""

    def __init__(self, file: Path, columns: tuple[str, ...]) -> None:
        # With a byte order mark, without which Excel takes UTF-8 for something else.
        self._text = file.open("w", encoding="utf-8-sig", newline="")
        self._rows, self._columns = csv.writer(self._text), columns
        self._rows.writerow(columns)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._text.close()

    def add(self, row: dict[str, Any]) -> None:
        """One row, of which the columns are taken."""
        self._rows.writerow([safe(row.get(name)) for name in self._columns])
