"""Keeping stages: where a person stands in each model, how they move, and when they may next."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from functions.segments.condition import Facts, names
from functions.segments.lifecycle import NONE_YET, Lifecycle, Model, Stage
from functions.segments.operators import find
from functions.segments.person import fields
from functions.segments.turning import turns_at
from functions.tracking.identity import short_hash
from functions.tracking.profile import MOST_MOVES, Move, Profile, Stay

MOST_SEEN, LONGEST_SEEN = 6, 60  # values of a move that are kept; letters of one
DID = "did "  # before an event's name in what a move has seen


@dataclass(frozen=True)
class Change:
    """Somebody is in another stage of a model than before; "" where they were, or are, in none."""

    model: str
    stage: str
    before: str
    phase: str
    phase_before: str
    title: str


def keep_stages(
    lifecycle: Lifecycle,
    facts: Facts,
    has: Callable[[Iterable[str]], bool] = lambda needs: True,
    sweeps: bool = True,
) -> list[Change]:
    """Move the person (`facts.profile`, changed in place) to where they belong now, model by
    model. To keep twice is to keep once. Returns what has changed.

    A model leaves them where they are as long as the profile has not all that it counts. What
    lifecycle.yaml does not have is let go when it `sweeps`, no sooner: others may know a newer one.
    """
    profile, before = facts.profile, facts.profile.stages
    ours = {name: before.get(name, Stay()) for name in lifecycle.models}
    theirs = {} if sweeps else {name: one for name, one in before.items() if name not in ours}
    profile.stages = {**ours, **theirs}
    changes = []
    for model in lifecycle.in_turn:
        old = profile.stages[model.name]
        is_known = old.stage in ("", *model.stages)
        if not has(model.needs) or not (is_known or sweeps):
            continue
        new = profile.stages[model.name] = _moved(model, old, facts)
        if new.stage != old.stage:
            changes.append(_change(model, old, new))
    return changes


def stages_turn_at(lifecycle: Lifecycle, facts: Facts) -> datetime | None:
    """The first moment after `facts.now` at which the person may move while no event comes; None:
    never. It may be too early, never too late. Their stages are kept."""
    moments = (
        turns_at(dict(stage.when), facts)
        for model in lifecycle.models.values()
        for stage in _watched(model, _present(model, facts.profile), facts)
    )
    return min(filter(None, moments), default=None)


def way(model: Model, present: str, facts: Facts) -> list[Stage]:
    """Through which stages somebody goes now, in turn; the last is where they stand then.

    From each stage it is on to the last in the file of those that one may come to from there and
    whose condition holds. Where conditions lead round in a circle, people stay where they first
    came to it: so nobody ever goes to and fro, and the way from where it ends is empty.
    """
    gone: list[Stage] = []
    been, holds = [present], _Holds(facts)
    while following := _next(model, been[-1], holds):
        if following.name in been:
            return gone[: been.index(following.name)]
        gone.append(following)
        been.append(following.name)
    return gone


class _Holds:
    """Whether the condition of a stage holds, asked once of each."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._known: dict[str, bool] = {}

    def __call__(self, stage: Stage) -> bool:
        if stage.name not in self._known:
            self._known[stage.name] = stage.holds(self._facts)
        return self._known[stage.name]


def _next(model: Model, present: str, holds: _Holds) -> Stage | None:
    ahead = reversed(list(_reachable(model, present)))
    return next((stage for stage in ahead if holds(stage)), None)


def _reachable(model: Model, present: str) -> Iterator[Stage]:
    return (stage for stage in model.stages.values() if present in stage.comes_from)


def _watched(model: Model, present: str, facts: Facts) -> Iterable[Stage]:
    """The stages whose conditions decide about the next move: those within reach; all, where only
    a circle keeps somebody from going on."""
    near = list(_reachable(model, present))
    return model.stages.values() if any(stage.holds(facts) for stage in near) else near


def _present(model: Model, profile: Profile) -> str:
    """A stage that the file no longer has is none."""
    stay = profile.stages.get(model.name)
    return stay.stage if stay and stay.stage in model.stages else NONE_YET


def _moved(model: Model, stay: Stay, facts: Facts) -> Stay:
    present = stay.stage if stay.stage in model.stages else NONE_YET
    gone = way(model, present, facts)
    moves = [Move(facts.now, stage.name, _seen(stage, facts), rule(stage)) for stage in gone]
    if not moves and stay.stage != present:
        moves = [Move(facts.now, NONE_YET)]
    stands = model.stages.get(gone[-1].name if gone else present)
    return Stay(
        place=stands.place if stands else 0,
        phase=stands.phase if stands else "",
        history=[*stay.history, *moves][-MOST_MOVES:],
    )


def _change(model: Model, old: Stay, new: Stay) -> Change:
    stage = model.stages.get(new.stage)
    return Change(
        model=model.name,
        stage=new.stage,
        before=old.stage,
        phase=new.phase,
        phase_before=old.phase,
        title=stage.title if stage else "",
    )


# --- why


def rule(stage: Stage) -> str:
    """A hash of the stage's condition."""
    return short_hash(json.dumps(stage.when, sort_keys=True, default=str))[:4]


def _seen(stage: Stage, facts: Facts) -> dict[str, Any]:
    """What the condition looked at, small enough to be kept."""
    found: dict[str, Any] = {}
    known = fields(facts.profile, facts.now)
    for one in _leaves(dict(stage.when), facts):
        for path in one.get("person", ()):
            values = find(known, path)
            if values:
                found[path] = _short(values[0])
        for name in names(one["did"]) if "did" in one else ():
            if name in facts.profile.events:
                found[f"{DID}{name}"] = facts.profile.events[name].last
    return dict(list(found.items())[:MOST_SEEN])


def _leaves(raw: dict[str, Any], facts: Facts) -> Iterator[Mapping[str, Any]]:
    """The tests in a condition and in the segments that it speaks of."""
    combined = [part for word in ("all of", "any of", "none of") for part in raw.get(word, ())]
    for part in combined:
        yield from _leaves(part, facts)
    segment = facts.segments.get(raw.get("in segment", ""))
    if segment:
        yield from _leaves(dict(segment.who), facts)
    elif not combined:
        yield raw


def _short(value: Any) -> Any:
    """A value of a field as plain data."""
    if isinstance(value, bool | int | float | datetime):
        return value
    if isinstance(value, Decimal):
        return float(value)
    return str(value)[:LONGEST_SEEN]
