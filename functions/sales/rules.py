"""sales.yaml: the colleagues, who is away, who gets whom, and the stages of a deal."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TypeVar

import msgspec

from functions.segments.condition import Condition, Path, condition, did_you_mean
from functions.segments.phrases import BadPhrase, Duration, duration
from functions.segments.segment import Mistake, mistakes_of_condition
from functions.tracking.identity import normal_email

T = TypeVar("T")
WON, LOST = "won", "lost"
CLOSED = (WON, LOST)  # every pipeline ends in these
_FILE = ("people", "away", "routing", "otherwise", "pipeline")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_STAGE = re.compile(r"[a-z0-9]+([ -][a-z0-9]+)*\Z")
_LOAD = re.compile(r"([0-9]{1,4}) open tasks?\Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_EXAMPLE = '"anna: {name: Anna Arndt, email: anna@shop.example}"'


class Colleague(msgspec.Struct, forbid_unknown_fields=True, rename={"at_most": "at most"}):
    """Somebody who takes people on: only those of these regions, languages, products (an empty
    list: of all), and only while fewer tasks are open than `at_most` says."""

    name: str
    email: str
    regions: list[str] = []
    languages: list[str] = []
    products: list[str] = []
    at_most: str | int = ""

    @property
    def most(self) -> int | None:
        """How many open tasks are too many."""
        found = _LOAD.match(str(self.at_most))
        return int(found[1]) if found else None


class Absence(msgspec.Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """The first and the last day on which somebody is away; without a last one, for good."""

    from_: str
    to: str = ""

    def has(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.from_ <= day.isoformat() <= (self.to or "9999-12-31")


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """A line of `routing`: for whom it is, and who may take them."""

    when: dict[str, Any]
    to: list[str]


class Stage(msgspec.Struct, forbid_unknown_fields=True, rename={"at_most": "at most"}):
    """A stage of the pipeline: what a conversation must have told before a deal goes on from it,
    and how long a deal should stay."""

    title: str = ""
    needs: list[str] = []
    at_most: str = ""

    @property
    def limit(self) -> timedelta | None:
        """The same in time."""
        return duration(self.at_most).at_most if self.at_most else None


@dataclass(frozen=True)
class Sales:
    """sales.yaml, ready to use."""

    people: Mapping[str, Colleague] = field(default_factory=dict)
    away: Mapping[str, list[Absence]] = field(default_factory=dict)
    routing: tuple[tuple[Condition, list[str]], ...] = ()
    otherwise: tuple[str, ...] = ()
    pipeline: Mapping[str, Stage] = field(default_factory=dict)

    def colleague(self, owner: str) -> str:
        """The name in sales.yaml of whom a shop or CRM calls so, or by this address or whole name
        (if only one has it); else ""."""
        if owner in self.people:
            return owner
        address, whole = normal_email(owner), owner.strip().casefold()
        same = [
            name
            for name, one in self.people.items()
            if (address and normal_email(one.email) == address) or one.name.casefold() == whole
        ]
        return same[0] if len(same) == 1 or (address and same) else ""

    def absence(self, name: str, day: date) -> Absence | None:
        """The absence of a colleague on that day."""
        return next((one for one in self.away.get(name, ()) if one.has(day)), None)


def build(raw: Mapping[str, Any] | None) -> Sales | None:
    """What a file without mistakes says; None for none: then nobody is routed."""
    if raw is None:
        return None
    lines = [msgspec.convert(line, Line) for line in raw.get("routing") or ()]
    return Sales(
        people=msgspec.convert(raw.get("people") or {}, dict[str, Colleague]),
        away=msgspec.convert(raw.get("away") or {}, dict[str, list[Absence]]),
        routing=tuple((condition(line.when), line.to) for line in lines),
        otherwise=tuple(raw.get("otherwise") or ()),
        pipeline={
            name: msgspec.convert(stage or {}, Stage)
            for name, stage in (raw.get("pipeline") or {}).items()
        },
    )


def mistakes(
    raw: Any,
    teams: Collection[str],
    purposes: Collection[str],
    journeys: Mapping[str, Collection[str]],
    segments: Collection[str],
) -> Iterator[Mistake]:
    """What is wrong in the file: the place in it, and what would be right."""
    if raw is None:
        return
    if not isinstance(raw, dict):
        yield (), f"sales.yaml has these parts: {', '.join(_FILE)}"
        return
    for word in raw:
        if word not in _FILE:
            yield (word,), f'"{word}" is unknown here; {did_you_mean(word, _FILE)}'
    people = raw.get("people") or {}
    yield from _people(people)
    known = [*people, *teams] if isinstance(people, dict) else [*teams]
    yield from _away(raw.get("away") or {}, people)
    yield from _routing(raw.get("routing") or [], known, (purposes, journeys, segments))
    yield from _those(("otherwise",), raw.get("otherwise"), known)
    yield from _pipeline(raw.get("pipeline") or {})


def _people(raw: Any) -> Iterator[Mistake]:
    if not isinstance(raw, dict):
        yield ("people",), f"colleagues stand one below the other, like {_EXAMPLE}"
        return
    for name, one in raw.items():
        path: Path = ("people", name)
        if not _NAME.match(name):
            yield path, f'"{name}" is written in small letters, digits and hyphens, like "anna"'
        wrong, found = _typed(one, Colleague, path)
        yield from wrong
        if found is None:
            continue
        if not normal_email(found.email):
            yield (*path, "email"), f'"{found.email}" is not an e-mail address'
        if found.at_most and found.most is None:
            words = 'write it like "20 open tasks"'
            yield (*path, "at most"), f'"{found.at_most}" is no number of tasks; {words}'


def _away(raw: Any, people: Any) -> Iterator[Mistake]:
    if not isinstance(raw, dict):
        yield ("away",), 'write it like "anna: [{from: 2027-07-01, to: 2027-07-14}]"'
        return
    for name, absences in raw.items():
        if name not in people:
            yield ("away", name), f'"{name}" is not among the people; {did_you_mean(name, people)}'
        if not isinstance(absences, list):
            yield ("away", name), f'write a list: "{name}: [{{from: 2027-07-01, to: 2027-07-14}}]"'
            continue
        for index, one in enumerate(absences):
            yield from _absence(("away", name, index), one)


def _absence(path: Path, raw: Any) -> Iterator[Mistake]:
    wrong, found = _typed(raw, Absence, path)
    yield from wrong
    if found is None:
        return
    for word, day in (("from", found.from_), ("to", found.to)):
        if (day or word == "from") and not _is_day(day):
            yield (*path, word), f'"{day}" is no day; write it like "2027-07-01"'
            return
    if found.to and found.to < found.from_:
        yield (*path, "to"), f'"{found.to}" comes before "{found.from_}"'


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.match(text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _routing(raw: Any, known: Collection[str], there: tuple[Any, Any, Any]) -> Iterator[Mistake]:
    if not isinstance(raw, list):
        yield ("routing",), 'write a list of lines like "- {when: {person: {...}}, to: [anna]}"'
        return
    for index, line in enumerate(raw):
        path: Path = ("routing", index)
        wrong, found = _typed(line, Line, path)
        yield from wrong
        if found is None:
            continue
        yield from _those((*path, "to"), found.to, known)
        try:
            condition(found.when)
        except BadPhrase as error:
            yield (*path, "when"), str(error)
            continue
        for below, words in mistakes_of_condition(found.when, *there):
            yield (*path, "when", *below), words


def _those(path: Path, raw: Any, known: Collection[str]) -> Iterator[Mistake]:
    """What is wrong with a list of colleagues and teams."""
    if raw is None:
        return
    if not isinstance(raw, list) or not raw:
        yield path, "write a list of people of this file or teams of brand.yaml, like [anna, sales]"
        return
    for index, name in enumerate(raw):
        if name not in known:
            hint = did_you_mean(str(name), known)
            yield (*path, index), f'"{name}" is nobody here and no team of brand.yaml; {hint}'


def _pipeline(raw: Any) -> Iterator[Mistake]:
    if not isinstance(raw, dict):
        yield ("pipeline",), 'stages stand one below the other, like "offer: {at most: 4 weeks}"'
        return
    for name, stage in raw.items():
        path: Path = ("pipeline", name)
        if name in CLOSED:
            yield path, f'every pipeline ends in "{WON}" and "{LOST}"; they are not listed'
        elif not _STAGE.match(name) or len(name) > 60:
            yield path, f'"{name}" is written in small letters, digits and spaces'
        wrong, found = _typed(stage or {}, Stage, path)
        yield from wrong
        try:
            _limit(found)
        except BadPhrase as error:
            yield (*path, "at most"), str(error)


def _limit(stage: Stage | None) -> Duration | None:
    return duration(stage.at_most) if stage and stage.at_most else None


def _typed(raw: Any, kind: type[T], path: Path) -> tuple[list[Mistake], T | None]:
    """The mapping as this Struct, or what keeps it from being one."""
    words = [one.encode_name for one in msgspec.structs.fields(kind)]  # type: ignore[arg-type]
    if not isinstance(raw, dict):
        return [(path, f"a mapping with: {', '.join(words)}")], None
    wrong: list[Mistake] = [
        ((*path, word), f'"{word}" is unknown here; {did_you_mean(word, words)}')
        for word in raw
        if word not in words
    ]
    if wrong:
        return wrong, None
    try:
        return [], msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        said, _, place = str(error).rpartition(" - at `$")
        below = re.findall(r"[^.\[\]`]+", place) if said else []
        return [((*path, *below[:1]), said or str(error))], None
