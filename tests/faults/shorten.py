"""Shortening a failing trial: fewer operations and fewer faults, as long as it still fails."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.faults.operations import Operation, Plan
from tests.faults.trial import Trial, run

T = TypeVar("T")
MOST_RUNS = 400
FOLDER = Path("build/faults")


def fewer(items: Sequence[T], still_fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Delta debugging: a part of the items that fails and of which no single one can be spared."""
    found = list(items)
    if not found or still_fails([]):
        return []
    size = len(found)
    while size:
        before = len(found)
        start = 0
        while start < len(found):
            rest = found[:start] + found[start + size :]
            if rest and still_fails(rest):
                found = rest
            else:
                start += size
        size = size // 2 if size > 1 or len(found) == before else 1
    return found


@dataclass
class Shortest:
    """A seed with the operations and faults that its failure needs."""

    seed: int
    operations: list[str]
    faults: list[str]
    problems: list[str]

    def save(self) -> Path:
        """Write it where `--replay` finds it."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        file = FOLDER / f"seed-{self.seed}.json"
        file.write_text(json.dumps(self.__dict__, indent=1))
        return file


def replay(file: Path) -> Trial:
    """Run what was saved."""
    saved = Shortest(**json.loads(file.read_text()))
    chosen = [one for one in Plan(saved.seed).write() if one.words in saved.operations]
    return run(saved.seed, allowed=frozenset(saved.faults), operations=chosen)


class _Search:
    """Runs with less and less; a run that takes too many tries is not made."""

    def __init__(self, trial: Trial) -> None:
        self.seed = trial.seed
        self.rules = rules_of(trial.problems)
        self.runs = 0
        self.best = trial

    def fails(self, operations: Sequence[Operation], faults: Collection[str]) -> bool:
        if self.runs >= MOST_RUNS:
            return False
        self.runs += 1
        try:
            trial = run(self.seed, allowed=frozenset(faults), operations=list(operations))
        except Exception:  # without some operation the oracle cannot tell who is who
            return False
        failed = bool(rules_of(trial.problems) & self.rules)
        if failed:
            self.best = trial
        return failed


def _fewer_kinds(search: _Search, operations: Sequence[Operation], faults: list[str]) -> list[str]:
    """Leave out whole kinds of faults first."""
    for kind in sorted({fault.partition(" @ ")[0] for fault in faults}):
        rest = [fault for fault in faults if not fault.startswith(f"{kind} @ ")]
        if search.fails(operations, rest):
            faults = rest
    return faults


def rules_of(problems: Sequence[str]) -> set[str]:
    """The names of the rules that are broken."""
    return {problem.partition(":")[0] for problem in problems}


def shorten(trial: Trial) -> tuple[Shortest, Trial]:
    """The shortest trial found that breaks one of the same rules."""
    search = _Search(trial)
    faults: list[str] = list(dict.fromkeys(trial.faults))
    operations = list(trial.operations)
    faults = _fewer_kinds(search, operations, faults)
    for _ in range(2):
        kept = frozenset(faults)
        operations = fewer(operations, lambda some, kept=kept: search.fails(some, kept))
        chosen = operations
        struck = set(search.best.faults)
        faults = [fault for fault in faults if fault in struck]
        faults = fewer(faults, lambda some, chosen=chosen: search.fails(chosen, some))
    found = search.best
    words = [operation.words for operation in found.operations]
    return Shortest(int(found.seed), words, sorted(set(found.faults)), found.problems), found
