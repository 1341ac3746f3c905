"""A CSV file as programs really write it: its encoding, its delimiter, its heading and its rows."""

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
SAMPLE = 20  # records by which the delimiter is told
CHUNK = 1 << 20


class BadTable(Exception):
    """The file cannot be read as a table; the text says where, and what would be right."""


class Row(NamedTuple):
    """One row; `number` counts as a spreadsheet does, where the heading is row 1."""

    number: int
    cells: list[str]


class Table:
    """An open CSV file. Raises BadTable."""

    def __init__(self, path: Path, encoding: str = "", delimiter: str = "") -> None:
        if not path.is_file():
            raise BadTable(f'there is no file "{path}"')
        self.path, self.size = path, path.stat().st_size
        self.encoding = encoding or _encoding(path)
        self.delimiter = delimiter or self._told_delimiter()
        self._raw: io.BufferedReader | None = None
        self.heading = next(self._records(), Row(1, [])).cells
        if not any(self.heading):
            raise BadTable("the file has no heading: its first row names the columns")

    @property
    def position(self) -> int:
        """How many bytes of the file have been read."""
        return self._raw.tell() if self._raw and not self._raw.closed else self.size

    def rows(self) -> Iterator[Row]:
        """All rows below the heading but the empty ones, from the beginning at each call."""
        records = self._records()
        next(records)
        return (row for row in records if any(row.cells))

    def _records(self) -> Iterator[Row]:
        number = 0
        with self.path.open("rb") as self._raw:
            text = io.TextIOWrapper(self._raw, self.encoding, newline="")
            reader = csv.reader(text, delimiter=self.delimiter, strict=True)
            try:
                for number, cells in enumerate(reader, 1):
                    yield Row(number, [cell.strip() for cell in cells])
            except csv.Error as error:
                raise BadTable(f"row {number + 1}: {_in_words(error)}") from None
            except UnicodeError:
                raise BadTable(f"row {number + 1} is not written in {self.encoding}") from None

    def _told_delimiter(self) -> str:
        """The sign that cuts the first records into the most columns, all into as many."""
        return max(DELIMITERS, key=self._columns)

    def _columns(self, delimiter: str) -> tuple[int, int]:
        found: list[int] = []
        with self.path.open(encoding=self.encoding, newline="") as text:
            reader = csv.reader(text, delimiter=delimiter)
            try:
                for record in reader:
                    found += [len(record)] if record else []
                    if len(found) == SAMPLE:
                        break
            except (csv.Error, UnicodeError):
                pass  # told when the rows are read
        width = found[0] if found else 0
        alike = sum(one == width for one in found)
        return (alike if width > 1 else 0, width)


def _in_words(error: csv.Error) -> str:
    said = str(error)
    if "field larger" in said or "unexpected end" in said:
        return 'a quotation mark (") is opened and never closed'
    if "expected after" in said:
        return 'a quotation mark (") stands inside a quoted cell; double it: ""'
    return said


def _encoding(path: Path) -> str:
    """UTF-8 (with or without a mark), UTF-16 with a mark, else what Excel writes on Windows."""
    with path.open("rb") as raw:
        start = raw.read(4)
        for mark, encoding in ENCODINGS.items():
            if start.startswith(mark):
                return encoding
        raw.seek(0)
        for encoding in ("utf-8", "cp1252"):
            if _is_in(raw, encoding):
                return encoding
    raise BadTable("the file is neither UTF-8 nor Windows-1252; save it as CSV in UTF-8")


def _is_in(raw: io.BufferedReader, encoding: str) -> bool:
    raw.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := raw.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True
