"""lifecycle.yaml: models of how people come, stay and return, each a row of stages."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.segments.condition import (
    Condition,
    Turning,
    condition,
    did_you_mean,
    mentioned_segments,
    parts_of,
)
from functions.segments.phrases import BadPhrase
from functions.segments.segment import LONGEST_TITLE, NAME, Mistake, mistakes_of_condition
from functions.segments.stage_words import (
    PHASES,
    StageNames,
    mapping,
    models_spoken_of,
    stage_names,
)
from functions.segments.tallying import tally_rules
from functions.segments.turning import turning

EARLIER = "earlier"  # in `from`: any stage that stands before this one, or none yet
NONE_YET = ""  # the stage of somebody who has none
MOST_STAGES = 30
_MODEL_WORDS = ("title", "stages")
_STAGE_WORDS = ("title", "phase", "from", "when")
# Of a condition: what does not stand in the profile, and so is not known where stages are kept.
_ELSEWHERE = ("may get", "unconfirmed", "in journey", "left journey")


@dataclass(frozen=True)
class Stage:
    """Where somebody may stand: from the stages of `comes_from`, while the condition holds.

    `place` counts from 1, in the order of the file.
    """

    name: str
    title: str
    phase: str
    place: int
    when: Mapping[str, Any]
    holds: Condition
    turns: Turning
    comes_from: frozenset[str]


@dataclass(frozen=True)
class Model:
    """One way to look at all people: everybody is in one of its stages, or in none yet. `needs`
    are the keys of the tallies that its conditions look at."""

    name: str
    title: str
    stages: Mapping[str, Stage]
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Lifecycle:
    """The models in the order of the file, and in the order in which they are kept: those first
    of whose stages others speak."""

    models: Mapping[str, Model] = field(default_factory=dict)
    in_turn: tuple[Model, ...] = ()


def build(raw: Mapping[str, Any] | None, segments: Mapping[str, Any] | None) -> Lifecycle:
    """What files without mistakes say: lifecycle.yaml and segments.yaml (None: an empty one)."""
    known = segments or {}
    models = {
        name: Model(
            name=name,
            title=one["title"],
            stages=_stages(one["stages"]),
            needs=_needs(conditions({name: one}), known),
        )
        for name, one in (raw or {}).items()
    }
    return Lifecycle(models, tuple(_in_turn(models, known)))


def conditions(raw: Mapping[str, Any] | None) -> list[Any]:
    """The conditions of all stages of a file that has no mistakes."""
    return [stage["when"] for model in (raw or {}).values() for stage in model["stages"].values()]


def _needs(found: Iterable[Any], segments: Mapping[str, Any]) -> frozenset[str]:
    wanted = {name: one["who"] for name, one in segments.items()}
    return frozenset(rule.clause.key for one in found for rule in tally_rules(one, wanted))


def _stages(raw: Mapping[str, Any]) -> dict[str, Stage]:
    earlier, found = [NONE_YET], {}
    for name, one in raw.items():
        asked = one.get("from", [EARLIER])
        comes_from = {other for other in asked if other != EARLIER}
        found[name] = Stage(
            name=name,
            title=one["title"],
            phase=one.get("phase", ""),
            place=len(earlier),
            when=one["when"],
            holds=condition(one["when"]),
            turns=turning(one["when"]),
            comes_from=frozenset(comes_from.union(earlier if EARLIER in asked else ())),
        )
        earlier.append(name)
    return found


def _in_turn(models: Mapping[str, Model], segments: Mapping[str, Any]) -> list[Model]:
    asked = {name: [s.when for s in one.stages.values()] for name, one in models.items()}
    uses = _uses(asked, segments)
    found: dict[str, Model] = {}

    def take(name: str) -> None:
        for other in sorted(uses[name] - found.keys()):
            take(other)  # it comes to an end: nothing goes in a circle
        found.setdefault(name, models[name])

    for name in models:
        take(name)
    return list(found.values())


# --- what is wrong in the file


def mistakes(
    raw: Any,
    segments: Any,
    purposes: Collection[str],
    journeys: Mapping[str, Collection[str]],
) -> Iterator[Mistake]:
    """What is wrong in the file; `segments` is what segments.yaml says, `journeys` are those of
    the folder with their messages."""
    if not isinstance(raw, dict):
        if raw is not None:
            yield (), 'models stand one below the other, like "customer: {title: ..., stages: ...}"'
        return
    wrong = [
        ((name, *path), text) for name, one in raw.items() for path, text in _of_model(name, one)
    ]
    yield from wrong
    if wrong:
        return
    known, names = mapping(segments), stage_names(raw)
    for model, one in raw.items():
        for stage, found in one["stages"].items():
            for path, text in _of_when(found["when"], purposes, journeys, known, names):
                yield (model, "stages", stage, "when", *path), text
    yield from _circles(raw, known)


def _of_model(name: str, one: Any) -> Iterator[Mistake]:
    if not NAME.match(name):
        yield (), _bad_name(name, "a model", "customer")
    if not isinstance(one, dict):
        yield (), f'"{name}" takes a title and its stages: {{title: ..., stages: ...}}'
        return
    yield from _words(one, _MODEL_WORDS)
    yield from _title(one)
    stages = one.get("stages")
    if not isinstance(stages, dict) or not stages:
        words = '"stages" is missing: one below the other, like "lead: {title: ..., when: ...}"'
        yield ("stages",), words
        return
    if len(stages) > MOST_STAGES:
        yield ("stages",), f"a model has at most {MOST_STAGES} stages; these are {len(stages)}"
    for stage, found in stages.items():
        for path, text in _of_stage(stage, found, stages):
            yield ("stages", stage, *path), text


def _bad_name(name: str, what: str, example: str) -> str:
    return (
        f'"{name}" cannot be the name of {what}; it is written in at most 60 small letters, '
        f'digits and hyphens, like "{example}"'
    )


def _words(one: dict[str, Any], words: tuple[str, ...]) -> Iterator[Mistake]:
    for word in one:
        if word not in words:
            yield (word,), f'"{word}" is unknown here; {did_you_mean(word, words)}'


def _title(one: dict[str, Any]) -> Iterator[Mistake]:
    title = one.get("title")
    if not isinstance(title, str) or not 0 < len(title) <= LONGEST_TITLE:
        yield ("title",), f'"title" is missing: a text of at most {LONGEST_TITLE} characters'


def _of_stage(name: str, one: Any, stages: Collection[str]) -> Iterator[Mistake]:
    if not NAME.match(name):
        yield (), _bad_name(name, "a stage", "first-buyer")
    elif name == EARLIER:
        yield (), f'"{EARLIER}" cannot be the name of a stage: "from" calls those before so'
    if not isinstance(one, dict):
        yield (), f'"{name}" takes a title and a condition: {{title: ..., when: ...}}'
        return
    yield from _words(one, _STAGE_WORDS)
    yield from _title(one)
    phase = one.get("phase", PHASES[0])
    if phase not in PHASES:
        yield ("phase",), f'"{phase}" is not a phase; {did_you_mean(str(phase), PHASES)}'
    if "from" in one:
        yield from _from(name, one["from"], stages)
    if "when" not in one:
        yield (), '"when" is missing: the condition that is true for those who come to it'
        return
    try:
        condition(one["when"])
    except BadPhrase as error:
        yield ("when",), str(error)


def _from(name: str, raw: Any, stages: Collection[str]) -> Iterator[Mistake]:
    if not isinstance(raw, list) or not raw:
        yield ("from",), f'"from" is a list of stages, like [lost], or [{EARLIER}, lost]'
        return
    there = (*stages, EARLIER)
    for number, other in enumerate(raw):
        if other == name:
            yield ("from", number), "nobody comes to a stage from itself"
        elif other not in there:
            hint = did_you_mean(str(other), there)
            yield ("from", number), f'there is no stage "{other}" in this model; {hint}'


def _of_when(
    when: Any,
    purposes: Collection[str],
    journeys: Mapping[str, Collection[str]],
    segments: dict[str, Any],
    names: StageNames,
) -> Iterator[Mistake]:
    yield from mistakes_of_condition(when, purposes, journeys, segments, names, "stage")
    for path, one in parts_of(when):
        for word in _ELSEWHERE:
            if word in one:
                yield (*path, word), _not_here(word, f'"{word}"')
        used = one.get("in segment")
        word = _looks_elsewhere(used, segments) if isinstance(used, str) else ""
        if word:
            said = f'the segment "{used}" says "{word}", which'
            yield (*path, "in segment"), _not_here(word, said)


def _not_here(word: str, said: str) -> str:
    hint = (
        "write what the person did, like {did: Consent Given}"
        if word in ("may get", "unconfirmed")
        else "write what the person did, like {did: Lead Accepted}"
    )
    return f"{said} is not known where stages are kept; {hint}"


def _looks_elsewhere(name: str, segments: dict[str, Any]) -> str:
    """The first word in a segment, or in those it speaks of, that stages cannot know; or ""."""
    for one in _through(name, segments):
        for _, part in parts_of(one):
            for word in _ELSEWHERE:
                if word in part:
                    return word
    return ""


def _through(name: str, segments: Mapping[str, Any]) -> Iterator[Any]:
    """The conditions of a segment and of those that it speaks of."""
    names = [name]
    for one in names:  # it grows as we go
        who = mapping(segments.get(one)).get("who")
        yield who
        names += [other for other in mentioned_segments(who) if other not in names]


# --- who speaks of whose stages


def _circles(raw: dict[str, Any], segments: dict[str, Any]) -> Iterator[Mistake]:
    """Models that hang on their own stages, also by way of segments and of one another."""
    uses = _uses({name: conditions({name: one}) for name, one in raw.items()}, segments)
    for name, one in raw.items():
        for stage, found in one["stages"].items():
            if name in _reached(uses, _models_of(found["when"], segments, list(raw))):
                yield (
                    (name, "stages", stage, "when"),
                    f'it speaks of a stage of "{name}" itself, perhaps by way of a segment or of '
                    'another model; where people come from is said by "from"',
                )


def _uses(conditions: Mapping[str, list[Any]], segments: Mapping[str, Any]) -> dict[str, set[str]]:
    """Of which models' stages each model speaks."""
    order = list(conditions)
    return {
        name: set().union(*(_models_of(when, segments, order) for when in found))
        for name, found in conditions.items()
    }


def _reached(uses: Mapping[str, set[str]], begin: set[str]) -> set[str]:
    found, left = set(begin), list(begin)
    while left:
        more = uses.get(left.pop(), set()) - found
        found |= more
        left += more
    return found


def _models_of(when: Any, segments: Mapping[str, Any], models: list[str]) -> set[str]:
    """The models of whose stages a condition speaks, also by way of segments."""
    wholes = [when]
    for name in mentioned_segments(when):
        wholes += _through(name, segments)
    return set().union(*(models_spoken_of(one, models) for one in wholes))
