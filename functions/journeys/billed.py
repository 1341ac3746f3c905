"""How many state transitions calls of run_step stand for, by the compiled journey."""

from collections.abc import Mapping

from functions.journeys.bound import States
from functions.journeys.counted import Counted
from functions.journeys.flow import GO_ON, flow_of
from functions.journeys.journey import Journey

START = ""  # no step is called so
UNKNOWN = 2  # transitions of a step that the newest version has no more


def transitions(row: Counted, after: Mapping[str, int]) -> int:
    """The state transitions of what was counted, by what follows each call (`after_each`)."""
    calls = sum(count * after.get(step, UNKNOWN) for step, count in row.steps.items())
    return calls + row.ended * after.get(START, 1)


def after_each(journey: Journey) -> dict[str, int]:
    """For each step that calls something, the transitions from its state to the next one that does:
    its own, and those of waits and choices behind it, as the way goes when nothing happens.

    START has the start itself and what comes before the first call; GO_ON the question where a run
    goes on.
    """
    flow = flow_of(journey, "counted")
    found = {START: 1 + _without_a_call(flow.states, flow.start)}
    for state in flow.states.values():
        if state["Type"] == "Task":
            step = state["Parameters"]["Payload"]["step"] or GO_ON
            found.setdefault(step, 1 + _without_a_call(flow.states, state.get("Next", "")))
    return found


def _without_a_call(states: States, name: str) -> int:
    """How many states call nothing, from this one on."""
    seen = set[str]()
    while name and name not in seen and states[name]["Type"] != "Task":
        seen.add(name)
        name = states[name].get("Next") or states[name].get("Default", "")
    return len(seen)
