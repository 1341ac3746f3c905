"""The shape of journeys: what of them is needed to read a log, and to draw a map from it."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import msgspec

from functions.journeys import journey as journeys
from functions.journeys.flow import Flow, flow_of
from functions.journeys.run import JourneyVersion
from functions.journeys.step import Step, below
from functions.journeys.steps.awaiting import Awaiting
from functions.journeys.steps.send import Send
from functions.journeys.telling import arms
from functions.journeys.telling import step as told
from functions.journeys.yaml_file import read

# Words before a step's name in the names of its states, as the step types write them.
_STATES_OF = (
    *("hold", "look up the day:", "look again:", "look for the last:", "still wait:"),
    *("still far:", "rest of:"),
)


class Station(msgspec.Struct, frozen=True):
    """A marketer's step on the map: its sentence in English, how deep it stands, and for the first
    one of an arm when (or by which share) people go there. `below` is the step whose arm it is."""

    step: str
    verb: str
    says: str
    depth: int
    when: str = ""
    below: str = ""
    message: str = ""


class Map(msgspec.Struct, frozen=True, kw_only=True):
    """A journey's steps in the order of its file, and how the states of its machine tell of them.

    `states` has for a state the steps to which a run comes with it: a message and the wait that is
    one state with it are two. `before` has for such a state those that may come next and say that
    the run did not get to the wait. `tasks` are the states that call run_step; `waits` the steps
    that register a wait, `ends` the steps that end the journey; with one of `passes` a loop begins
    its next pass.
    """

    journey: str
    version: str
    title: str
    stations: tuple[Station, ...]
    states: dict[str, tuple[str, ...]]
    before: dict[str, tuple[str, ...]]
    tasks: frozenset[str]
    waits: frozenset[str]
    ends: frozenset[str]
    passes: frozenset[str]


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The journeys of a forecast by name, and the time zone (IANA) by which days are counted."""

    journeys: dict[str, Map]
    zone: str = "UTC"


def shape(versions: Iterable[Any], zone: str = "UTC") -> Shape:
    """The shape of what is published: of each journey the version that new people take, or the only
    one given. `versions` are records of a store or a catalogue; others than JourneyVersion, and the
    brand's, are passed over."""
    rows = [row for row in versions if isinstance(row, JourneyVersion)]
    newest = {row.journey: row.points_to for row in rows if row.points_to}
    found = {}
    for row in rows:
        is_it = newest.get(row.journey, row.journey_version) == row.journey_version
        if is_it and "journey.yaml" in row.files:
            found[row.journey] = map_of(row.journey, row.journey_version, row.files)
    return Shape(journeys=dict(sorted(found.items())), zone=zone)


def map_of(name: str, version: str, files: dict[str, str]) -> Map:
    """The map of one journey from its files."""
    raw = read(f"{name}/journey.yaml", files["journey.yaml"]).value
    journey = journeys.build(name, raw)
    flow, every = flow_of(journey, version), list(journey.every_step())
    fused = {f"{send.name}, {wait.name}": (send, wait) for send, wait in _fused(journey.steps)}
    states = dict(_own(flow, every))
    states |= {state: (send.name, wait.name) for state, (send, wait) in fused.items()}
    return Map(
        journey=name,
        version=version,
        title=journey.title,
        stations=tuple(_stations(journey.steps, raw["steps"], 0, "")),
        states=states,
        before={state: tuple(_away(send, states)) for state, (send, _) in fused.items()},
        tasks=frozenset(one for one, state in flow.states.items() if state["Type"] == "Task"),
        waits=frozenset(step.name for step in every if isinstance(step, Awaiting)),
        ends=frozenset(step.name for step in every if step.verb == "end"),
        passes=frozenset(f"again: {step.name}" for step in every if step.verb == "repeat"),
    )


def _own(flow: Flow, steps: Iterable[Step]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for step in steps:
        names = (step.name, *(flow.ours(f"{words} {step.name}") for words in _STATES_OF))
        yield from ((name, (step.name,)) for name in names if name in flow.states)


def _fused(steps: list[Step]) -> Iterator[tuple[Send, Awaiting]]:
    """Messages with the wait right behind them: one state in the machine."""
    for step, following in pairwise(steps):
        if isinstance(step, Send) and isinstance(following, Awaiting):
            yield step, following
    for step in steps:
        for _, arm in step.ways():
            yield from _fused(arm)


def _away(send: Send, states: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """The states that follow where the message is held, or not sent."""
    yield f"hold {send.name}"
    arm = {step.name for step in below(send.if_not_sent)}
    yield from (state for state, steps in states.items() if steps[0] in arm)


def _stations(steps: list[Step], raws: list[Any], depth: int, above: str) -> Iterator[Station]:
    for step, raw in zip(steps, raws, strict=True):
        message = step.send if isinstance(step, Send) else ""
        yield Station(step.name, step.verb, told(raw, "en"), depth, "", above, message)
        held = {arm.place: arm for arm in arms(raw, "en")}
        for place, arm in step.ways():
            if arm:
                first, *others = _stations(arm, held[place].steps, depth + 1, step.name)
                yield msgspec.structs.replace(first, when=held[place].when)
                yield from others
