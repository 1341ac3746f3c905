"""Reading scenario files: every mistake at its line, with what would be right."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path as FilePath
from typing import Any, cast
from zoneinfo import ZoneInfo

import jsonschema
import msgspec

from functions.folder import PACK, SCENARIO_FILE, Checked, check_brand, read_folder
from functions.folder import check as check_folder
from functions.journeys.check import messages
from functions.journeys.journey import Journey
from functions.journeys.steps.split import Split
from functions.journeys.wording import sentences
from functions.journeys.yaml_file import Located, Path, read
from functions.messages.brand import Brand, time_zones
from functions.problem import Problem, Problems
from functions.segments.condition import field_tests
from functions.segments.phrases import BadPhrase, duration
from functions.segments.rules import LIFECYCLE_FILE
from functions.segments.stage_words import stage_names
from functions.tracking.consent import CHANNELS
from local.scenarios.scenario import (
    AT_EXAMPLE,
    EXPECTS,
    HAPPENS,
    Ends,
    Enters,
    Expects,
    Happens,
    Line,
    NotSent,
    Person,
    Placed,
    Scenario,
    ScenarioForm,
    Sent,
    Stage,
    Starts,
    Task,
    moment,
    scenario_schema,
)

SOMEBODY = {"email": "ada@example.com", "phone": "+4915112345678"}


def read_scenarios(folder: FilePath) -> list[Scenario]:
    """All scenarios of a folder of journeys, by journey and file. Raises Problems."""
    found = read_folder(folder)
    return scenarios_for(folder, check_folder(found), check_brand(found.brand))


def scenarios_for(folder: FilePath, checked: list[Checked], brand: Brand) -> list[Scenario]:
    """The same where the journeys have been read. Raises Problems with all that is wrong."""
    journeys = {one.journey.name: one for one in checked}
    stages = _stages(folder / LIFECYCLE_FILE)
    problems: list[Problem] = []
    scenarios: list[Scenario] = []
    for file in _files(folder):
        reader = _Reader(file.parent.name, journeys, brand, stages)
        try:
            name = f"{file.parent.name}/{file.name}"
            scenarios += reader.scenarios(read(name, file.read_text("utf-8")))
        except Problems as wrong:
            problems += wrong.found
        except UnicodeDecodeError:
            problems.append(Problem(name, 0, "is not written in UTF-8; save it as UTF-8"))
        problems += reader.problems
    if problems:
        raise Problems(problems)
    return scenarios


def _stages(file: FilePath) -> list[str]:
    """All stages, as a line of `expect` names them. Raises Problems."""
    text = file.read_text("utf-8") if file.is_file() else ""
    models = stage_names(read(file.name, text).value)
    return [
        f"{model}/{stage}" if number else stage
        for number, (model, stages) in enumerate(models.items())
        for stage in stages
    ]


def _files(folder: FilePath) -> list[FilePath]:
    found = sorted(folder.glob(f"*/*{SCENARIO_FILE}"))
    return [file for file in found if file.parent.name != PACK and file.parent.name[0] != "."]


@cache
def _schema(of: str) -> jsonschema.Draft202012Validator:
    whole = scenario_schema()
    part = {**whole["$defs"][of], "$defs": whole["$defs"]}
    if of == ScenarioForm.__name__:  # its lines are checked one by one, each by its own verb
        kept = {name: rule for name, rule in part["properties"].items() if name != "may get"}
        bare = {name: {"type": "array", "minItems": 1} for name in ("happens", "expect")}
        part["properties"] = {**kept, **bare, "may get": True}
    return jsonschema.Draft202012Validator(part)


class _Reader:
    """Reads the files of one journey and notes what is wrong."""

    def __init__(
        self, journey: str, journeys: Mapping[str, Checked], brand: Brand, stages: Collection[str]
    ) -> None:
        self._journey, self._journeys, self._brand = journey, journeys, brand
        self._stages = stages
        self._located: Located
        self.problems: list[Problem] = []

    def scenarios(self, located: Located) -> Iterator[Scenario]:
        """Those of a file that are right."""
        self._located = located
        if self._journey not in self._journeys:
            self._wrong((), "there is no journey.yaml beside it")
            return
        if not isinstance(located.value, list) or not located.value:
            self._wrong((), 'a file of scenarios is a list; begin each with "- scenario: ..."')
            return
        for index, raw in enumerate(located.value):
            before = len(self.problems)
            scenario = self._scenario(raw, (index,))
            if scenario and len(self.problems) == before:
                yield scenario

    def _wrong(self, path: Path, words: str) -> None:
        self.problems.append(Problem(self._located.file, self._located.line(path), words))

    def _fits(self, raw: Any, of: str, path: Path) -> bool:
        before = len(self.problems)
        for error in _schema(of).iter_errors(raw):
            for below, words in sentences(error):
                self._wrong((*path, *below), words)
        return len(self.problems) == before

    def _scenario(self, raw: Any, path: Path) -> Scenario | None:
        if not self._fits(raw, ScenarioForm.__name__, path):
            if not isinstance(raw, dict):
                return None
            for word, kinds in (("happens", HAPPENS), ("expect", EXPECTS)):
                lines = raw.get(word)
                self._lines(lines if isinstance(lines, list) else [], kinds, (*path, word))
            return None
        form = msgspec.convert(raw, ScenarioForm)
        person = SOMEBODY if form.person is None else form.person
        zone = self._zone(person, (*path, "person"))
        happens = self._lines(form.happens, HAPPENS, (*path, "happens"))
        expect = self._lines(form.expect, EXPECTS, (*path, "expect"))
        self._check_arms(form.arms, (*path, "arms"))
        consents = self._consents(form.may_get, (*path, "may get"))
        times = self._times(happens, zone, (*path, "happens"))
        self._check_times(expect, zone, (*path, "expect"))
        if len(times) < len(form.happens) or len(expect) < len(form.expect):
            return None
        return Scenario(
            file=self._located.file,
            line=self._located.line(path),
            journey=self._journey,
            title=form.scenario,
            person=person,
            consents=consents,
            arms=form.arms,
            zone=zone,
            happens=list(zip(times, cast(list[Placed[Happens]], happens), strict=True)),
            expect=cast(list[Placed[Expects]], expect),
            until=self._until(form.until, times[-1], zone, (*path, "until")),
        )

    # --- lines

    def _lines(
        self, raw: list[Any], kinds: Mapping[str, type[Any]], path: Path
    ) -> list[Placed[Any]]:
        found = []
        for index, item in enumerate(raw):
            verb = self._verb(item, kinds, (*path, index))
            if verb and self._fits(item, kinds[verb].__name__, (*path, index)):
                line = msgspec.convert(item, kinds[verb])
                self._check_names(line, (*path, index))
                found.append(Placed(self._located.line((*path, index)), line))
        return found

    def _verb(self, raw: Any, kinds: Mapping[str, type[Any]], path: Path) -> str:
        there = [verb for verb in kinds if isinstance(raw, dict) and verb in raw]
        if len(there) == 1:
            return there[0]
        known = ", ".join(kinds)
        if there:
            self._wrong(path, f"a line says one thing; here are: {', '.join(there)}")
        elif not isinstance(raw, dict) or not raw:
            self._wrong(path, f"a line is a mapping with one of: {known}")
        else:
            first = next((word for word in raw if word not in ("at", "after")), next(iter(raw)))
            self._wrong(path, f'"{first}" is unknown here; {_hint(first, kinds)}')
        return ""

    def _check_names(self, line: Any, path: Path) -> None:
        if isinstance(line, Starts | Enters):
            self._check_name("journey", line.object, self._journeys, path)
        elif isinstance(line, Stage):
            self._check_name("stage", line.object, self._stages, path)
        elif isinstance(line, Person):
            self._check_person(line, path)
        elif isinstance(line, Ends):
            self._of_journey(line.object, path)
        elif isinstance(line, Task):
            self._check_task(line, path)
        elif line.verb not in ("event", "changes", "joins"):
            self._check_message(line, path)

    def _check_name(self, what: str, name: str, known: Collection[str], path: Path) -> None:
        if name not in known:
            self._wrong(path, f'there is no {what} "{name}"; {_hint(name, known)}')

    def _check_person(self, line: Person, path: Path) -> None:
        try:
            field_tests(line.person)
        except BadPhrase as error:
            self._wrong(path, str(error))

    def _of_journey(self, name: str, path: Path) -> Checked | None:
        journey = name.rpartition("/")[0] or self._journey
        if journey not in self._journeys:
            self._wrong(path, f'there is no journey "{journey}"; {_hint(journey, self._journeys)}')
        return self._journeys.get(journey)

    def _check_message(self, line: Any, path: Path) -> None:
        said = line.not_sent if isinstance(line, NotSent) else line.object
        journey = self._of_journey(said, path)
        if journey is None:
            return
        name, known = said.rpartition("/")[2], messages(journey.files)
        if name not in known:
            self._wrong(path, f'there is no message "{said}"; {_hint(name, known)}')
        elif isinstance(line, Sent):
            if line.by and line.by not in known[name]:
                there = ", ".join(sorted(known[name]))
                self._wrong((*path, "by"), f'"{said}" exists only for: {there}')
        elif line.verb in HAPPENS and "email" not in known[name]:
            self._wrong(path, f'"{said}" is a text message: nobody {line.verb} it')

    def _check_task(self, line: Task, path: Path) -> None:
        if line.for_ == "owner":
            self._wrong(
                (*path, "for"), f'say who gets it in the end, such as "{self._brand.owner}"'
            )

    def _check_arms(self, arms: Mapping[str, str], path: Path) -> None:
        journey: Journey = self._journeys[self._journey].journey
        splits = {one.split: one.shares for one in journey.every_step() if isinstance(one, Split)}
        for split, arm in arms.items():
            if split not in splits:
                self._wrong((*path, split), f'there is no split "{split}"; {_hint(split, splits)}')
            elif arm not in splits[split]:
                hint = _hint(arm, splits[split])
                self._wrong((*path, split), f'the split "{split}" has no arm "{arm}"; {hint}')

    # --- permission

    def _consents(self, raw: Any, path: Path) -> dict[str, list[str]]:
        everything = [name for name, needed in self._brand.needs_consent.items() if needed]
        if raw in ("everything", "nothing"):
            return dict.fromkeys(CHANNELS, everything) if raw == "everything" else {}
        if not isinstance(raw, dict):
            self._wrong(path, '"everything", "nothing", or a mapping like {email: [offers]}')
            return {}
        return {
            channel: everything if purposes == "everything" else purposes
            for channel, purposes in raw.items()
            if self._is_permission(channel, purposes, (*path, channel))
        }

    def _is_permission(self, channel: str, purposes: Any, path: Path) -> bool:
        before = len(self.problems)
        if channel not in CHANNELS:
            self._wrong(path, f'"{channel}" is not a channel; {_hint(channel, CHANNELS)}')
        elif not isinstance(purposes, list) and purposes != "everything":
            self._wrong(path, '"everything", or a list of purposes like [offers]')
        else:
            for name in purposes if isinstance(purposes, list) else ():
                if name not in self._brand.purposes:
                    hint = _hint(str(name), self._brand.purposes)
                    self._wrong(path, f'"{name}" is not a purpose in brand.yaml; {hint}')
        return len(self.problems) == before

    # --- times

    def _zone(self, person: Mapping[str, Any], path: Path) -> ZoneInfo:
        name = person.get("timezone", self._brand.time_zone)
        if name in time_zones():
            return ZoneInfo(name)
        hint = _hint(str(name), time_zones(), 'write it like "Europe/Berlin"')
        self._wrong((*path, "timezone"), f'"{name}" is no time zone; {hint}')
        return ZoneInfo("UTC")

    def _times(self, lines: list[Placed[Any]], zone: ZoneInfo, path: Path) -> list[datetime]:
        times: list[datetime] = []
        for index, placed in enumerate(lines):
            line: Line = placed.what
            now = times[-1] if times else None
            if now is None and not line.at:
                self._wrong((*path, 0), f'the first line needs "at": {AT_EXAMPLE}')
                return []
            at = self._at(line, now, zone, (*path, index))
            if at is None:
                return []
            if now and at < now:
                self._wrong((*path, index), "is earlier than the line above it")
            times.append(at)
        return times

    def _check_times(self, lines: list[Placed[Any]], zone: ZoneInfo, path: Path) -> None:
        for index, placed in enumerate(lines):
            if isinstance(placed.what, Line):
                self._at(placed.what, datetime(2000, 1, 1, tzinfo=zone), zone, (*path, index))

    def _at(
        self, line: Line, before: datetime | None, zone: ZoneInfo, path: Path
    ) -> datetime | None:
        if line.at and line.after:
            self._wrong(path, 'say "at" or "after", not both')
            return None
        try:
            if line.at:
                return moment(line.at, zone)
            return duration(line.after).after(before, zone) if line.after and before else before
        except (BadPhrase, ValueError, OverflowError):
            self._wrong(path, f"{line.at or line.after!r} is no time; {AT_EXAMPLE}")
            return None

    def _until(self, text: str, last: datetime, zone: ZoneInfo, path: Path) -> datetime | None:
        if not text:
            return None
        try:
            return duration(text).after(last, zone)
        except BadPhrase:
            pass
        try:
            return moment(text, zone)
        except ValueError:
            self._wrong(path, f'{text!r} is no end; {AT_EXAMPLE}, a duration like "30 days"')
            return None


def _hint(word: str, known: Collection[str], otherwise: str = "") -> str:
    close = difflib.get_close_matches(word, known, 1)
    if close:
        return f'did you mean "{close[0]}"?'
    return otherwise or f"there are: {', '.join(sorted(known)) or 'none'}"
