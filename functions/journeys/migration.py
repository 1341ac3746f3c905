"""What a publish does to those under way: whether they may, and to which step they go."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from functions.journeys.flow import compile_journey
from functions.journeys.journey import Journey

UnderWay = Literal["pin", "follow", "migrate"]
END = "end"  # in a mapping: those at this step leave as "ejected"
STOPS_A_SECOND = 25  # StopExecution in Frankfurt; StartExecution's 150 are never the narrow place
MOST_DIFFERENCES = 5  # that a refusal names


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """What becomes of those under way: they keep their version (pin), the newest texts and
    conditions count for them too (follow), or they go on in the new version (migrate), where
    `map` says at which step those go on whose step is gone, or `end`."""

    under_way: UnderWay = "pin"
    map: dict[str, str] = {}


class Place(msgspec.Struct):
    """So many people stand at this step ("": between two steps)."""

    step: str
    people: int


class Standing(msgspec.Struct, kw_only=True):
    """The people of a version: how many, and where those stand that were looked at."""

    version: str
    published: datetime | None
    people: int
    looked_at: int
    follows: str
    places: list[Place]
    is_newest: bool = False


def machine_differences(before: Journey, after: Journey) -> list[str]:
    """In what the two machines differ, version and title apart; empty: people may follow."""
    old, new = compile_journey(before, ""), compile_journey(after, "")
    states, others = old["States"], new["States"]
    found = [f'"{name}" is gone' for name in states if name not in others]
    found += [f'"{name}" is new' for name in others if name not in states]
    found += [
        f'"{name}" is another' for name in states if name in others and states[name] != others[name]
    ]
    if not found and old["StartAt"] != new["StartAt"]:
        found = [f'it begins with "{new["StartAt"]}"']
    return found


def why_not_follow(standing: Standing, before: Journey, after: Journey) -> str:
    """Why the people of a version cannot follow; "" when they can."""
    found = machine_differences(before, after)
    if not found:
        return ""
    more = len(found) - MOST_DIFFERENCES
    shown = ", ".join(found[:MOST_DIFFERENCES]) + (f" and {more} more" if more > 0 else "")
    return (
        f"the {people(standing.people)} of version {standing.version} cannot follow, because the "
        f'steps themselves have changed: {shown}; choose "migrate", or "pin"'
    )


def target(before: Journey, after: Journey, step: str, given: Mapping[str, str]) -> str:
    """The step at which someone at `step` goes on, END, or "" when nobody can say.

    A step goes on at its own name where that is a step of the same kind.
    """
    if step in given:
        return given[step]
    verbs = {one.name: one.verb for one in after.every_step()}
    here = next((one.verb for one in before.every_step() if one.name == step), "")
    return step if here and verbs.get(step) == here else ""


def wrong_mapping(
    befores: Iterable[Journey], after: Journey, given: Mapping[str, str]
) -> list[str]:
    """What is wrong with a marketer's mapping, as sentences."""
    known = {step.name for journey in befores for step in journey.every_step()}
    new = [step.name for step in after.every_step()]
    found = [
        f'"{old}" is no step of a version that has people under way'
        for old in given
        if old not in known
    ]
    return found + [
        f'"{to}" is no step of the new version; there are: {", ".join(new)}, or {END}'
        for to in given.values()
        if to not in new and to != END
    ]


def unmapped(
    standing: Standing, before: Journey, after: Journey, given: Mapping[str, str]
) -> list[Place]:
    """The gone steps that a marketer must map: where people stand, and where not all were looked
    at every step where somebody may wait."""
    places = {place.step: place for place in standing.places}
    if standing.looked_at < standing.people:
        for step in before.every_step():
            if step.verb.startswith("wait") or step.verb == "send":
                places.setdefault(step.name, Place(step.name, 0))
    return [
        place for name, place in places.items() if name and not target(before, after, name, given)
    ]


def seconds(count: int) -> int:
    """How long it takes in AWS to move so many people."""
    return -(-count // STOPS_A_SECOND)


# --- in words


def told(standing: Standing, choice: Choice, before: Journey, after: Journey) -> list[str]:
    """What the choice does to the people of a version, a sentence for each step."""
    said = [f"{people(standing.people)} in version {standing.version}{_looked(standing)}"]
    for place in standing.places:
        where = f"at {place.step}" if place.step else "between two steps"
        said.append(f"{place.people} {where} → {_fate(place, choice, before, after)}")
    return said


def _looked(standing: Standing) -> str:
    if standing.looked_at >= standing.people:
        return ""
    return f"; where they stand: of {standing.looked_at} looked at"


def _fate(place: Place, choice: Choice, before: Journey, after: Journey) -> str:
    if choice.under_way == "pin":
        return "keep their version"
    if choice.under_way == "follow":
        return "stay there; the new texts and conditions count for them"
    if not place.step:
        return "move when they come to a step, if they are found there; else keep their version"
    to = target(before, after, place.step, choice.map)
    if to == END:
        return "leave the journey as ejected"
    if to == place.step:
        return "go on at the same step"
    return f"go on at {to}" if to else "this step is gone: map it"


def told_time(count: int) -> str:
    """How long moving takes, as a sentence."""
    needed = seconds(count)
    length = "some seconds" if needed < 60 else f"about {-(-needed // 60)} minutes"
    return f"moving {people(count)} takes {length} in AWS ({STOPS_A_SECOND} a second)"


def people(count: int) -> str:
    """1 person, 2 people."""
    return f"{count} person" if count == 1 else f"{count} people"
