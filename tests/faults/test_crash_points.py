"""A crash before and after every call of each scenario leaves nothing lost, twice or stuck."""

import pytest

from tests.faults.scenarios import SCENARIOS, calls_of, crash_at, different_points, operations_of

# Two differ from "merge" and "go on" only later, and tests/integration/test_erasing.py has an
# erasure die at each of its effects; `make faults-all` has them too.
LEFT_OUT = ("again after a merge", "go on in a loop", "erase")
NAMES = [name for name in SCENARIOS if name not in LEFT_OUT]


@pytest.mark.parametrize("name", NAMES)
def test_a_crash_around_any_call_with_an_effect_is_mended(name: str) -> None:
    """Dying between two effects leaves the same world wherever it is: `make faults` tries all."""
    operations = operations_of(name)
    calls = calls_of(operations)
    chosen = list(different_points(calls))
    assert len(chosen) > 10
    broken = {
        f"{point.kind} {calls[point.number - 1]}": problems
        for point in chosen
        if (problems := crash_at(operations, point).problems)
    }
    assert broken == {}
