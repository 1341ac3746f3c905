"""Where a run stands: the step that an execution's state belongs to, and what is left of a wait."""

from datetime import datetime, timedelta
from typing import Any

from functions.journeys.flow import LOOP, flow_of
from functions.journeys.journey import Journey
from functions.journeys.steps.awaiting import Awaiting
from functions.journeys.steps.repeat import AGAIN
from functions.journeys.steps.wait import Wait
from functions.journeys.steps.wait_until import WaitUntil
from functions.journeys.workflow import Position
from functions.segments.phrases import duration


def place_of(
    journey: Journey, position: Position
) -> tuple[str, datetime | None, datetime | None] | None:
    """The step in which an execution of this journey is, the end of its wait (None: the step waits
    for nothing, or is to begin), and from when on events count for it: what `go_on` is told.

    None for an execution that is just going on or has come to its end: ask again a little later.
    In which pass of a loop it is, `pass_of` tells.
    A message with the wait behind it is the message's step; `go_on` sees whether it has gone.
    """
    flow = flow_of(journey, "")
    state = flow.states.get(position.state, {})
    payload = state.get("Parameters", {}).get("Payload", {})
    name = payload["step"] if payload else flow.owners.get(position.state, "")
    if not name or state["Type"] in ("Choice", "Succeed", "Fail"):
        return None
    step = journey.step(name)
    if state["Type"] == "Wait" and isinstance(step, Wait | WaitUntil):
        return name, _end_of_wait(state, position), None
    if "target.$" in payload:
        until, since = (_moment(position, payload, key) for key in ("target.$", "from.$"))
        return name, until, since
    waited = journey.step(payload["wait"]) if payload.get("wait") else step
    if isinstance(waited, Awaiting):
        until = position.entered + duration(waited.at_most).at_most
        return name, until, None if waited is not step else position.entered
    return name, None, None


def pass_of(position: Position) -> int | None:
    """The pass (from 0) of the loop that an execution is in, or the last one where it is to count
    the next; None outside of loops: what `go_on` is told as `number`."""
    loop = _found(position.data, f"{LOOP}.Payload") or {}
    return loop["pass"] if loop.get("arm") == AGAIN else None


def _end_of_wait(state: dict[str, Any], position: Position) -> datetime | None:
    if "Seconds" in state:
        return position.entered + timedelta(seconds=state["Seconds"])
    path = state["TimestampPath"]
    # What an execution may not live to see ends later than its Wait.
    said = _found(position.data, path.replace(".until", ".target")) or _found(position.data, path)
    return datetime.fromisoformat(said) if said else None


def _moment(position: Position, payload: dict[str, Any], key: str) -> datetime | None:
    said = _found(position.data, payload[key]) if key in payload else None
    return datetime.fromisoformat(said) if said else None


def _found(data: Any, path: str) -> Any:
    for name in path.split(".")[1:]:
        data = data.get(name) if isinstance(data, dict) else None
    return data
