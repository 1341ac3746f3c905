"""How many state transitions calls of run_step stand for, by the compiled journey."""

from collections.abc import Mapping
from typing import Any

from functions.journeys.counted import Counted
from functions.journeys.flow import flow_of
from functions.journeys.journey import Journey

UNKNOWN = 2  # transitions of a step that the newest version has no more


def transitions(row: Counted, after: Mapping[str, int]) -> int:
    """The state transitions of what was counted: each call and what follows it (`after_each`), and
    the start of each run."""
    calls = sum(count * after.get(step, UNKNOWN) for step, count in row.steps.items())
    return calls + row.ended


def after_each(journey: Journey) -> dict[str, int]:
    """For each step that calls something, the transitions from its state to the next one that does:
    its own, and those of waits and choices behind it, as the way goes when nothing happens."""
    flow = flow_of(journey, "counted")
    found: dict[str, int] = {}
    for state in flow.states.values():
        if state["Type"] != "Task":
            continue
        step = state["Parameters"]["Payload"]["step"]
        seen, following = set[str](), state.get("Next")
        while following and following not in seen and _helps(flow.states[following]):
            seen.add(following)
            here = flow.states[following]
            following = here.get("Next") or here.get("Default")
        found.setdefault(step, 1 + len(seen))
    return found


def _helps(state: Mapping[str, Any]) -> bool:
    """Whether a state calls nothing."""
    return bool(state["Type"] != "Task")
