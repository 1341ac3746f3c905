"""A trial: one seed's operations under faults, then recovery, then the oracle."""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from unittest.mock import patch

from functions.folder import Checked, Folder
from functions.folder import check as check_folder
from functions.handlers import publish_journey, wiring
from functions.storage.store import Store
from tests.faults import journeys
from tests.faults.lambdas import Storm
from tests.faults.loop import us
from tests.faults.operations import Operation, Plan
from tests.faults.outside import Outside
from tests.faults.simulation import DAY, HOUR, Simulation

MENDED = 1.5 * DAY  # by then the daily comparison has mended what can be mended
HORIZON = 10 * DAY  # by then every journey is over
COMPARED = 1.1 * DAY  # within which there is a comparison
UNKNOWN = 3.5 * DAY  # within which an unknown message is given up


@dataclass
class Trial:
    """What came of a seed."""

    seed: int | str
    operations: list[Operation]
    simulation: Simulation
    outside: Outside
    problems: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """The faults that struck, by label."""
        return self.simulation.chance.struck


@cache
def _checked(version: int) -> list[Checked]:
    return check_folder(journeys.folder(version))


def _remembered(folder: Folder) -> list[Checked]:
    """What a check of one of our folders says: always the same, and it takes long."""
    for version in journeys.VERSIONS:
        if folder == journeys.folder(version):
            return _checked(version)
    return check_folder(folder)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the handlers' logs, and with the parts as they were before."""
    disabled, before = logging.root.manager.disable, wiring._parts
    logging.disable(logging.CRITICAL)
    try:
        with patch.object(publish_journey, "check", _remembered):
            yield
    finally:
        logging.disable(disabled)
        wiring.use(before)


def run(
    seed: int | str,
    *,
    allowed: Collection[str] | None = None,
    operations: list[Operation] | None = None,
    store: Store | None = None,
    prepare: Callable[[Simulation], None] = lambda simulation: None,
) -> Trial:
    """Run a seed; `allowed` faults and chosen `operations` are for shortening a trace.

    `prepare` may change the simulation before anything happens.
    """
    from tests.faults.oracle import check

    with quiet():
        simulation = Simulation(seed, store, allowed)
        found = Plan(seed).write() if operations is None else operations
        trial = Trial(seed, found, simulation, Outside(simulation))
        prepare(simulation)
        try:
            _live(trial)
            _recover(trial)
            trial.problems += check(trial)
        except Storm as storm:
            trial.problems.append(f"storm: {storm}")
    return trial


def _live(trial: Trial) -> None:
    simulation = trial.simulation
    end = us(max([operation.at for operation in trial.operations], default=0) + HOUR)
    simulation.keep_clocks(end + us(2 * HORIZON))
    for operation in trial.operations:
        simulation.loop.at(us(operation.at), _doing(trial, operation))
    simulation.loop.run(end)


def _doing(trial: Trial, operation: Operation) -> Callable[[], None]:
    def do() -> None:
        trial.simulation.lambdas.note("outside", operation.words)
        operation.do(trial.outside)

    return do


def _recover(trial: Trial) -> None:
    """No more faults; what is on its way arrives, what was set aside is tried once more."""
    from tests.faults.oracle import check_when_mended

    simulation = trial.simulation
    simulation.chance.off = True
    simulation.lambdas.note("outside", "the faults are over")
    loop = simulation.loop
    loop.run(loop.time + us(2 * HOUR))
    for queue in (simulation.events, simulation.starts):
        queue.redrive(lambda dead: bool(dead.reason) and _is_poison(dead.reason))
    loop.run(loop.time + us(MENDED))
    trial.problems += check_when_mended(trial)
    latest = loop.time + us(HORIZON)
    while simulation.states.running and loop.time < latest:
        loop.run(loop.time + us(6 * HOUR))
    loop.run(loop.time + us(UNKNOWN if simulation.seen.unknown else COMPARED))


def _is_poison(reason: str) -> bool:
    return reason.startswith("not an event batch")
