"""Telling how scenarios went: a line for each, and what was expected beside what came."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from functions.problem import Problem, Problems
from local.scenarios.read import read_scenarios
from local.scenarios.rehearsal import Rehearsal
from local.scenarios.scenario import Scenario
from local.scenarios.verdict import Mark, Row, Verdict, judge, shown

MARKS: dict[Mark, Text] = {
    "happens": Text("·", "dim"),
    "as expected": Text("✓", "green"),
    "wrong": Text("✗", "red"),
}


def try_all(folder: Path, journey: str, out: Console) -> int:
    """Try the scenarios of a folder, or of one journey, and tell of each; returns how many
    failed. Raises Problems where a file is wrong, or when there is nothing to try."""
    began = monotonic()
    scenarios = read_scenarios(folder)
    chosen = [one for one in scenarios if journey in ("", one.journey)]
    if not chosen:
        words = f'no scenarios of "{journey}"' if journey else "no scenarios (*.scenario.yaml) here"
        there = ", ".join(sorted({one.journey for one in scenarios})) or "none"
        raise Problems([Problem(str(folder), 0, f"{words}; journeys with scenarios: {there}")])
    failed = 0
    with _quiet(), out.status("") as status:
        for scenario, verdict in tried(
            folder, chosen, lambda one: status.update(f"{one.journey}: {escape(one.title)}")
        ):
            failed += bool(verdict.wrong)
            _tell(scenario, verdict, out)
    count, seconds = len(chosen), monotonic() - began
    so = f"[red]{failed} failed[/]" if failed else "[green]all as expected[/]"
    out.print(f"{count} scenario{'s' if count != 1 else ''} in {seconds:.1f} seconds: {so}")
    return failed


def tried(
    folder: Path, scenarios: list[Scenario], begins: Callable[[Scenario], None] = lambda one: None
) -> Iterator[tuple[Scenario, Verdict]]:
    """Each scenario with its verdict; `begins` is called before each."""
    with TemporaryDirectory(prefix="tante-test-") as work:
        rehearsal = Rehearsal(folder, Path(work))
        for scenario in scenarios:
            begins(scenario)
            yield scenario, judge(scenario, rehearsal.play(scenario))


class _quiet:
    """What the handlers log would stand between the lines; a verdict says what went wrong."""

    def __enter__(self) -> None:
        self._before = logging.root.manager.disable
        logging.disable(logging.CRITICAL)

    def __exit__(self, *_: object) -> None:
        logging.disable(self._before)


def _tell(scenario: Scenario, verdict: Verdict, out: Console) -> None:
    mark = "[red]✗[/]" if verdict.wrong else "[green]✓[/]"
    out.print(f"{mark} {scenario.journey}: {escape(scenario.title)}", soft_wrap=True)
    for wrong in verdict.wrong:
        problem = Problem(scenario.file, wrong.line, wrong.what)
        out.print(f"  {escape(str(problem))}", soft_wrap=True)
    if verdict.wrong:
        out.print(timeline(scenario, verdict.rows))


def timeline(scenario: Scenario, rows: list[Row]) -> Table:
    """Expected and come, side by side, at the clock where the person is."""
    table = Table("", str(scenario.zone), "expected", "happened", box=None, padding=(0, 1, 0, 1))
    for row in rows:
        style = "dim" if row.mark == "happens" else "red" if row.mark == "wrong" else ""
        when = Text(shown(row.at, scenario.zone), style)
        table.add_row(MARKS[row.mark], when, Text(row.expected, style), Text(row.came, style))
    return table
