"""`python -m tests.faults`: run seeds, say what came of them, and shorten what failed."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.faults import enumerations, simulation
from tests.faults.report import Summary, show_trace, summary, table
from tests.faults.shorten import replay, shorten
from tests.faults.trial import Trial, run

SHOWN = 3  # failing seeds that are shortened


def main() -> int:
    """0 when no rule is broken."""
    options = _options()
    console = Console(soft_wrap=True)
    if options.replay:
        return _one(console, replay(options.replay), options.trace)
    if options.enumerate:
        return _everything(console, options.cores)
    if options.seed is not None:
        trial = run(options.seed)
        return _one(console, trial, options.trace) if options.trace else _told(console, trial)
    return _many(console, options)


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="run only this one; shorten it if it fails")
    parser.add_argument("--trace", action="store_true", help="show all that happened")
    parser.add_argument("--replay", type=Path, help="run what was shortened and saved")
    parser.add_argument("--enumerate", action="store_true", help="every crash point and race")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _one(console: Console, trial: Trial, everything: bool) -> int:
    show_trace(console, trial, everything)
    for problem in trial.problems:
        console.print(problem, style="bold red", markup=False)
    console.print(f"seed {trial.seed}: {len(trial.problems)} problems, {len(trial.faults)} faults")
    return 1 if trial.problems else 0


def _told(console: Console, trial: Trial) -> int:
    """A failing trial is shortened before it is shown."""
    if not trial.problems:
        console.print(f"seed {trial.seed}: no rule is broken, {len(trial.faults)} faults")
        return 0
    shortest, found = shorten(trial)
    file = shortest.save()
    console.rule(
        f"seed {trial.seed}: {len(found.operations)} operations, {len(found.faults)} faults"
    )
    _one(console, found, False)
    console.print(f"again: python -m tests.faults --replay {file}", markup=False)
    return 1


def _many(console: Console, options: Namespace) -> int:
    seeds = range(options.first, options.first + options.seeds)
    began, total = perf_counter(), Summary()
    with _progress(console) as progress:
        task = progress.add_task("schedules", total=len(seeds))
        for found in _run_all(seeds, options.cores):
            total.add(found)
            progress.update(task, advance=1, description=f"{len(total.failed)} failed")
    console.print(table(total, perf_counter() - began))
    for rule, times in total.broken.most_common():
        console.print(f"{times} × {rule}", style="bold red", markup=False)
    failed = [seed for seed, _ in sorted(total.failed)]
    if failed:
        console.print(f"failed: {failed[:40]}", style="bold red", markup=False)
    for seed in failed[:SHOWN]:
        _told(console, run(seed))
    return 1 if failed else 0


def _everything(console: Console, cores: int) -> int:
    """Every crash point, pair and order of two, instead of seeds."""
    began, tried, broken = perf_counter(), Counter[str](), list[str]()
    todo = enumerations.jobs()
    with _progress(console) as progress, get_context("fork").Pool(cores) as pool:
        task = progress.add_task("jobs", total=len(todo))
        for found in pool.imap_unordered(enumerations.do, todo):
            tried.update(found.tried)
            broken += found.broken
            progress.update(task, advance=1, description=f"{len(broken)} broken")
    for what, times in sorted(tried.items()):
        console.print(f"{what}: {times:,}")
    console.print(f"broken: {len(broken)}, {perf_counter() - began:.0f} s")
    for words in sorted(broken)[:40]:
        console.print(words, style="bold red", markup=False)
    return 1 if broken else 0


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, transient=True)


def _run_all(seeds: range, cores: int) -> Iterator[Summary]:
    simulation.published()  # once, before the processes part
    if cores == 1:
        yield from map(summary, seeds)
        return
    with get_context("fork").Pool(cores) as pool:
        yield from pool.imap_unordered(summary, seeds, chunksize=4)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # a seed means the same in every process
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.faults", *sys.argv[1:]])
    sys.exit(main())
