"""`python -m tests.faults.overload`: run the scenarios large and show what came of them."""

import sys
from argparse import ArgumentParser
from multiprocessing import get_context

from rich.console import Console
from rich.table import Table

from tests.faults import overload
from tests.faults.overload.large import LARGE, measured
from tests.faults.overload.load import Found


def table(all_found: list[Found]) -> Table:
    """One row for each scenario."""
    made = Table(title="overload", title_justify="left")
    made.add_column("scenario")
    for name in ("events", "calls", "ratio", "lost", "double", "dead", "s", "peak MB"):
        made.add_column(name, justify="right")
    made.add_column("the dead letters' reasons, and more")
    for found in all_found:
        why = [f"{times:,} × {reason}" for reason, times in found.dead.most_common()]
        more = ", ".join(f"{name} {value}" for name, value in found.notes.items())
        ratio = f"{found.ratio:.2f}" if found.usual else ""
        figures = (f"{found.events:,}", f"{found.calls:,}", ratio, f"{found.lost}")
        cost = (f"{found.dead.total():,}", f"{found.seconds:.1f}", f"{found.peak:.0f}")
        words = "\n".join(filter(None, [more, *why]))
        made.add_row(found.scenario, *figures, f"{found.double}", *cost, words)
    return made


def main() -> int:
    """0 when no bound is broken. Each scenario has a process of its own, to tell its memory."""
    parser = ArgumentParser(prog="python -m tests.faults.overload", description=overload.__doc__)
    parser.add_argument("scenarios", nargs="*", help=f"some of {', '.join(LARGE)}; else all")
    chosen = parser.parse_args().scenarios or list(LARGE)
    console, all_found = Console(), []
    console.width = max(console.width, 160)
    for name in chosen:
        with console.status(name), get_context("spawn").Pool(1) as pool:
            all_found.append(pool.apply(measured, (name,)))
    console.print(table(all_found))
    problems = [f"{found.scenario}: {words}" for found in all_found for words in found.problems]
    for words in problems[:40]:
        console.print(words, style="bold red", markup=False)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
