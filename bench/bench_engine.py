"""How many transitions a second the engine makes, and moto's interpreter on the same machine."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from functions.engine.engine import Engine
from functions.engine.machine import load
from tests.support import moto_interpreter
from tests.support.state_machines import choice, flow, machine, succeed, task

ROUNDS, OURS, MOTO = 3, 20_000, 40
NOW = datetime(2027, 3, 1, 8, tzinfo=UTC)
INPUT = {"person": "p1", "language": "de"}
IS_GERMAN = {"Variable": "$.language", "StringEquals": "de"}
SAID_YES = {"Variable": "$.result.Payload.answer", "BooleanEquals": True}

DEFINITION = machine(
    Begin=flow("Pass", "German", Result={"tried": 0}, ResultPath="$.notes"),
    German=choice({**IS_GERMAN, "Next": "Send"}, Default="End"),
    Send=task("Days"),
    Days=flow("Wait", "Note", Seconds=3 * 86_400),
    Note=flow("Pass", "Yes", Result={"tried": 1}, ResultPath="$.notes"),
    Yes=choice({**SAID_YES, "Next": "Remind"}, Default="End"),
    Remind=task("Weeks"),
    Weeks=flow("Wait", "Close", Seconds=14 * 86_400),
    Close=flow("Pass", "End"),
    End=succeed(),
)


def ours(executions: int) -> int:
    """All executions on one heap, started within an hour; the transitions made."""
    loaded = load(DEFINITION)
    engine = Engine(lambda function, payload: {"answer": True}, lambda key: loaded)
    for number in range(executions):
        engine.start("machine", f"run-{number}", INPUT, NOW + timedelta(seconds=number % 3600))
    return engine.run_until(NOW + timedelta(days=30))


def moto(executions: int) -> int:
    """One execution after the other, for moto knows no common clock."""

    def handler(function: str, payload: dict[str, Any], tokens: Any) -> Any:
        return {"answer": True}

    paths = [
        moto_interpreter.run(DEFINITION, INPUT, handler, f"run-{number}").path
        for number in range(executions)
    ]
    return sum(map(len, paths))


def rate(run: Callable[[int], int], executions: int) -> float:
    """Transitions a second, everything included."""
    began = perf_counter()
    return run(executions) / (perf_counter() - began)


def main() -> None:
    """The best of some rounds that take turns, so that both see the same machine."""
    moto(1)  # its grammar is warmed up, and the definition parsed once
    rates = [(rate(ours, OURS), rate(moto, MOTO)) for _ in range(ROUNDS)]
    best_ours, best_moto = (max(column) for column in zip(*rates, strict=True))
    print(
        f"{'10 states, waits in virtual time':34}{'executions':>12}{'transitions/s':>15}{'µs':>9}"
    )
    for name, executions, best in (
        ("engine", OURS, best_ours),
        ("moto's interpreter, driven directly", MOTO, best_moto),
    ):
        print(f"{name:36}{executions:>10,}{best:>15,.0f}{1e6 / best:>9,.1f}")
    print(f"{'ratio':36}{'':10}{best_ours / best_moto:>15,.0f}")


if __name__ == "__main__":
    main()
