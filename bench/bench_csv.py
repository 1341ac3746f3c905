"""Rows per second of `tante import`, beside reading the same file and writing its rows as JSON.

The floor is Python's csv and json alone, in one thread: no file is imported faster by Python. The
ratio is of processor time, so that it means the same on a busy machine. Given a number, so many
rows; given `profiles` as well, it waits until every profile is stored.
"""

import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import urllib3
from typer.testing import CliRunner

from bench.bench_ingest import free_port, server
from local.command_line import app

ROWS = 100_000
CITIES = ("Berlin", "Hamburg", "München", "Köln", "Wien")


def contacts(file: Path, rows: int) -> None:
    """Invented people, as a German spreadsheet has them."""
    random = Random(1)
    with file.open("w", encoding="cp1252", newline="") as text:
        writer = csv.writer(text, delimiter=";")
        writer.writerow(
            ["Kundennummer", "Vorname", "Nachname", "E-Mail", "PLZ", "Ort", "Geburtstag"]
        )
        for number in range(rows):
            born = f"{1 + number % 28}.{1 + number % 12}.{1940 + number % 60}"
            place = [str(random.randrange(10_000, 99_999)), random.choice(CITIES)]
            name = [f"Vorname {number}", f"Müller-{number}", f"person{number}@example.com"]
            writer.writerow([f"k{number}", *name, *place, born])


def orders(file: Path, rows: int) -> None:
    """A till's receipts: one line each, by the same people."""
    random = Random(2)
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, delimiter=";")
        writer.writerow(["Bon", "Kundennummer", "Datum", "Betrag", "Artikelnummer", "Menge"])
        for number in range(rows):
            day = f"{1 + number % 28:02}.{1 + number % 12:02}.2025"
            amount = f"{random.randrange(1, 2000)},{random.randrange(100):02}"
            who = f"k{random.randrange(rows)}"
            writer.writerow([f"b{number}", who, day, amount, f"sku-{number % 500}", "1"])


Took = tuple[float, float]  # seconds by the wall's clock, and of this process


def floor(file: Path, encoding: str) -> Took:
    """What it takes to read the file and write each of its rows as JSON."""
    started, worked = time.perf_counter(), time.process_time()
    with file.open(encoding=encoding, newline="") as text:
        for row in csv.DictReader(text, delimiter=";"):
            json.dumps(row)
    return time.perf_counter() - started, time.process_time() - worked


def imported(kind: str, file: Path, url: str, folder: str, *more: str) -> Took:
    """From typing the command to its end."""
    words = ["import", kind, str(file), "--data", folder, "--at", url, *more]
    started, worked = time.perf_counter(), time.process_time()
    done = CliRunner().invoke(app, words)
    took = time.perf_counter() - started, time.process_time() - worked
    assert done.exit_code == 0, done.output
    return took


def main() -> None:
    rows = next((int(word) for word in sys.argv[1:] if word.isdecimal()), ROWS)
    wait = "profiles" in sys.argv[1:]
    port, lines = free_port(), []
    with tempfile.TemporaryDirectory() as folder:
        tante = [sys.executable, "-m", "local", "run", "--port", str(port), "--data", folder]
        with server(tante, port) as url:
            http = urllib3.PoolManager()

            def drained() -> bool:
                return bool(http.request("GET", url + "/local/clock").json()["waiting"] == 0)

            made: tuple[tuple[str, Callable[[Path, int], None], str], ...] = (
                ("contacts", contacts, "cp1252"),
                ("orders", orders, "utf-8"),
            )
            for kind, make, encoding in made:
                file = Path(folder) / f"{kind}.csv"
                make(file, rows)
                least = floor(file, encoding)
                dry = imported(kind, file, url, folder, "--dry-run")
                started = time.perf_counter()
                sent = imported(kind, file, url, folder, "--yes")
                while wait and not drained():
                    time.sleep(0.1)
                stored = time.perf_counter() - started, sent[1]
                lines += [
                    (f"{kind}, floor", least, least),
                    (f"{kind}, dry run", dry, least),
                    (f"{kind}, sent and queued", sent, least),
                    *([(f"{kind}, profiles stored", stored, least)] if wait else []),
                ]
    print(f"{rows:,} rows; the server works beside it on the same cores")
    print(f"{'':28}{'seconds':>10}{'rows/s':>12}{'CPU s':>10}{'CPU to the floor':>18}")
    for name, (took, worked), (_, least) in lines:
        row = f"{took:>10.1f}{rows / took:>12,.0f}{worked:>10.1f}{worked / least:>18.1f}"
        print(f"{name:28}{row}")


if __name__ == "__main__":
    main()
