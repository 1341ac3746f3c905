"""Checking a journey's files: every mistake at its line, several at a time, with what is right."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema

from functions.journeys import journey as journeys
from functions.journeys import schema, steps
from functions.journeys.entering import entering, limit
from functions.journeys.flow import BadName, compile_journey
from functions.journeys.happening import happening
from functions.journeys.journey import Journey, JourneyFile
from functions.journeys.sound import unsound
from functions.journeys.step import ends
from functions.journeys.steps.finish_task import FinishTask
from functions.journeys.steps.send import BEST_CHANNEL
from functions.journeys.steps.split import Split
from functions.journeys.steps.stop_journey import StopJourney
from functions.journeys.steps.task import Task
from functions.journeys.steps.wait_for_first_of import without_arm
from functions.journeys.together import sentences as sentences_together
from functions.journeys.wording import is_said_already, sentences
from functions.journeys.yaml_file import Located, Path, read
from functions.problem import Problem, Problems
from functions.segments import condition as conditions
from functions.segments.hours import HOURS_PATTERN, hours
from functions.segments.moment import moment
from functions.segments.phrases import DURATION_PATTERN, BadPhrase, duration
from functions.segments.segment import unknown
from functions.segments.stage_words import OF_EACH, OF_THE_FIRST, StageNames, mapping

MESSAGE_FILE = re.compile(
    r"^(?P<name>[a-z0-9-]+)(?P<short>\.short)?\.(?P<locale>[a-z]{2}(-[A-Z]{2})?)\.(?P<kind>mjml|txt|sms)$"
)
DEAD = "this step is never reached: the run has ended before"
CHANNEL_OF = {"mjml": "email", "sms": "sms"}
# Our own readers say it better than the schema.
READ_BY_US = {
    *("enter when", "limit", "only if", "leave when", "goal", "if", "until"),
    *("wait for", "wait until", "after the last"),
}


@dataclasses.dataclass(frozen=True)
class Others:
    """What stands outside a journey's folder and its conditions may name: the segments, all
    journeys with their messages, and the stages of each model of lifecycle.yaml."""

    segments: Collection[str] = ()
    journeys: Mapping[str, Collection[str]] = dataclasses.field(default_factory=dict)
    stages: StageNames = dataclasses.field(default_factory=dict)


@cache
def journey_schema() -> dict[str, Any]:
    """The JSON Schema of journey.yaml."""
    words = {first: beside for first, (_, beside) in conditions.READERS.items()}
    whole = schema.assemble(JourneyFile, dict(steps.types()), words)
    whole["$defs"]["leave"] = {"type": "object", "required": ["as"]}
    return whole


def load(
    name: str,
    files: Mapping[str, str],
    purposes: Mapping[str, bool],
    others: Others | None = None,
    webhooks: Collection[str] = (),
) -> Journey:
    """Read and check a journey from its folder's files (by file name). Raises Problems.

    `purposes` are those of brand.yaml (name -> whether it needs consent), `webhooks` the names
    of its webhooks; without `others` it is not asked whether what lies outside the folder is
    there.
    """
    where = f"{name}/journey.yaml"
    if "journey.yaml" not in files:
        raise Problems([Problem(where, 0, "is missing")])
    located = read(where, files["journey.yaml"])
    known = messages(files)
    problems = list(_Checker(located, set(purposes), known, others, webhooks).problems())
    if problems:
        raise Problems(problems)
    journey = journeys.build(name, located.value)
    problems = list(_whole(journey, located))
    if problems:
        raise Problems(problems)
    return journey


def messages(files: Mapping[str, str]) -> dict[str, set[str]]:
    """The channels in which each message exists, from the names of the files."""
    found: dict[str, set[str]] = {}
    for file in files:
        match = MESSAGE_FILE.match(file)
        if match and match["kind"] in CHANNEL_OF and not match["short"]:
            found.setdefault(match["name"], set()).add(CHANNEL_OF[match["kind"]])
    return found


def _whole(journey: Journey, located: Located) -> Iterator[Problem]:
    """What can only be seen on the whole journey; on its machine only when nothing else is wrong,
    which would be said a second time."""
    places = {step.name: path for path, step in paths(journey.steps, ("steps",))}
    problems = [
        *_each(journey, located),
        *_entry(journey, located),
        *_by_name(journey, located),
        *(
            Problem(located.file, located.line(path), DEAD)
            for path in _dead(journey.steps, ("steps",))
        ),
        *_at_steps(sentences_together(journey.steps), places, located),
    ]
    yield from problems or _compiled(journey, places, located)


def _each(journey: Journey, located: Located) -> Iterator[Problem]:
    """Names that are taken, and what each step finds wrong with itself."""
    seen: dict[str, Path] = {}
    for path, step in paths(journey.steps, ("steps",)):
        if step.name in seen:
            yield Problem(
                located.file,
                located.line(path),
                f'two steps are called "{step.name}" (the other on line '
                f"{located.line(seen[step.name])}); give one of them a name:",
            )
        seen.setdefault(step.name, path)
        for field, text in step.check():
            yield Problem(located.file, located.line((*path, field)), text)


def _compiled(journey: Journey, places: Mapping[str, Path], located: Located) -> Iterator[Problem]:
    """What can only be seen on the state machine."""
    try:
        definition = compile_journey(journey, "check")
    except BadName as error:
        yield Problem(located.file, located.line(("steps",)), str(error))
    else:
        yield from _at_steps(unsound(journey, definition), places, located)


def _at_steps(
    found: Iterable[tuple[str, str]], places: Mapping[str, Path], located: Located
) -> Iterator[Problem]:
    """Problems at the lines of the steps that they name."""
    for name, text in found:
        yield Problem(located.file, located.line(places.get(name, ("steps",))), text)


def _entry(journey: Journey, located: Located) -> Iterator[Problem]:
    """What the ways in must be like together."""
    if journey.looked and journey.allows_several_runs:
        yield Problem(
            located.file,
            located.line(("once per",)),
            f'"once per: {journey.once_per}" counts by a property of the entering event, and here '
            "no event lets people in; write person, occasion or a duration",
        )
    if "priority" in located.value and not journey.group:
        yield Problem(
            located.file,
            located.line(("priority",)),
            '"priority" decides within a group; say which one, like "group: offers"',
        )


def _by_name(journey: Journey, located: Located) -> Iterator[Problem]:
    """Splits of one name go one way, tasks are taken back by their text, and a run is ended by
    `end`."""
    seen: dict[str, tuple[Path, dict[str, int]]] = {}
    tasks = {step.task for step in journey.every_step() if isinstance(step, Task)}
    for path, step in paths(journey.steps, ("steps",)):
        if isinstance(step, Split):
            other, shares = seen.setdefault(step.split, (path, step.shares))
            if shares != step.shares:
                yield Problem(
                    located.file,
                    located.line((*path, "arms")),
                    f'the split "{step.split}" has other arms than on line '
                    f"{located.line(other)}; give one of them another name",
                )
        if isinstance(step, FinishTask) and step.finish_task not in tasks:
            yield Problem(
                located.file,
                located.line((*path, "finish task")),
                f'no step here makes the task "{step.finish_task}"; '
                f"{conditions.did_you_mean(step.finish_task, tasks)}",
            )
        if isinstance(step, StopJourney) and step.stop_journey == journey.name:
            yield Problem(
                located.file,
                located.line((*path, "stop journey")),
                'a journey does not stop itself; write "end" to end this run',
            )


def _dead(found: list[Any], path: Path) -> Iterator[Path]:
    for index, step in enumerate(found):
        if index and ends([found[index - 1]]):
            yield (*path, index)
        for below, arm in step.ways():
            yield from _dead(arm, (*path, index, *below))


def paths(found: list[Any], path: Path) -> Iterator[tuple[Path, Any]]:
    """Every step with its place in the file."""
    for index, step in enumerate(found):
        yield (*path, index), step
        for below, arm in step.ways():
            yield from paths(arm, (*path, index, *below))


def _arms(raw: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    """What stands where the arms of a step do, and where; it may be anything yet."""
    for word in ("then", "otherwise", "if not sent", "repeat", "if it fails"):
        yield (word,), raw.get(word)
    for word in ("choose", "wait for first of"):
        for index, case in _mappings(raw.get(word)):
            yield (word, index, "then"), case.get("then")
    for name, arm in _mappings(raw.get("arms")):
        yield ("arms", name, "then"), arm.get("then")


def _mappings(raw: Any) -> Iterator[tuple[Any, dict[Any, Any]]]:
    """Those parts of a list or a mapping that are mappings, with their places."""
    parts = (
        raw.items() if isinstance(raw, dict) else enumerate(raw if isinstance(raw, list) else [])
    )
    return ((place, part) for place, part in parts if isinstance(part, dict))


class _Checker:
    """The checks of one file, before it is built."""

    def __init__(
        self,
        located: Located,
        purposes: set[str],
        known_messages: dict[str, set[str]],
        others: Others | None,
        webhooks: Collection[str],
    ) -> None:
        self._located, self._purposes, self._messages = located, purposes, known_messages
        self._others, self._webhooks = others, webhooks

    def problems(self) -> Iterator[Problem]:
        raw = self._located.value
        if not isinstance(raw, dict):
            yield self._at((), "a journey is a mapping with title, purpose, once per and steps")
            return
        yield from self._by_schema()
        yield from self._word((), raw, "enter when", entering)
        yield from self._word((), raw, "limit", limit)
        yield from self._word((), raw, "only if", conditions.condition)
        yield from self._word((), raw, "goal", journeys.goal)
        if isinstance(raw.get("send only"), str) and re.search(HOURS_PATTERN, raw["send only"]):
            yield from self._word((), raw, "send only", hours)
        if str(raw.get("once per", ""))[:1].isdigit():
            yield from self._word((), raw, "once per", duration)
        leave = raw.get("leave when", [])
        if not isinstance(leave, list):
            yield self._at(("leave when",), "is a list; begin each item with a hyphen")
            leave = []
        for index, item in enumerate(leave):
            yield from self._phrase(("leave when", index), item, journeys.leave)
        yield from self._purpose((), raw)
        yield from self._steps(raw.get("steps"), ("steps",))

    def _at(self, path: Path, text: str) -> Problem:
        return Problem(self._located.file, self._located.line(path), text)

    def _by_schema(self) -> Iterator[Problem]:
        validator = jsonschema.Draft202012Validator(journey_schema())
        for error in validator.iter_errors(self._located.value):
            read_by_us = not READ_BY_US.isdisjoint(map(str, error.absolute_path))
            if not read_by_us and not is_said_already(error):
                for path, text in sentences(error):
                    yield self._at(path, text)

    def _word(
        self, path: Path, raw: dict[str, Any], word: str, reader: Callable[[Any], Any]
    ) -> Iterator[Problem]:
        if word in raw and raw[word] is None:
            yield self._at((*path, word), f'"{word}" is empty')
        elif word in raw:
            yield from self._phrase((*path, word), raw[word], reader)

    def _phrase(self, path: Path, raw: Any, reader: Callable[[Any], Any]) -> Iterator[Problem]:
        if raw is None:
            yield self._at(path, "is empty")
            return
        try:
            reader(raw)
        except BadPhrase as error:
            yield self._at(path, str(error))
            return
        except (AttributeError, TypeError):
            yield self._at(path, f"{raw!r} cannot be read here; write a mapping")
            return
        if path[0] == "leave when" and not (isinstance(raw, dict) and raw.get("as")):
            yield self._at(path, '"as" is missing: the name of the outcome')
        yield from self._mentioned(path, raw)

    def _mentioned(self, path: Path, raw: Any) -> Iterator[Problem]:
        """What a condition names and is not there."""
        for message in conditions.mentioned_messages(raw):
            if "/" not in message and message not in self._messages:
                yield self._at(path, self._no_message(message))
        for purpose in conditions.mentioned_purposes(raw):
            yield from self._known_purpose(path, purpose)
        if self._others:
            there = self._others
            for below, text in unknown(raw, there.segments, there.journeys, there.stages):
                yield self._at((*path, *below), text)

    def _no_message(self, name: str) -> str:
        known = ", ".join(sorted(self._messages)) or "none"
        close = difflib.get_close_matches(name, self._messages, 1)
        hint = f'did you mean "{close[0]}"?' if close else f"there are: {known}"
        return (
            f'there is no message "{name}" in this folder (a file {name}.de.mjml or .sms); {hint}'
        )

    def _purpose(self, path: Path, raw: dict[str, Any]) -> Iterator[Problem]:
        if isinstance(raw.get("purpose"), str):
            yield from self._known_purpose((*path, "purpose"), raw["purpose"])

    def _known_purpose(self, path: Path, purpose: str) -> Iterator[Problem]:
        if purpose not in self._purposes:
            known = ", ".join(sorted(self._purposes))
            yield self._at(path, f'"{purpose}" is not a purpose in brand.yaml; there are: {known}')

    def _steps(self, raw: Any, path: Path) -> Iterator[Problem]:
        for index, step in enumerate(raw if isinstance(raw, list) else []):
            if isinstance(step, dict):
                yield from self._step(step, (*path, index))

    def _step(self, raw: dict[str, Any], path: Path) -> Iterator[Problem]:
        yield from self._purpose(path, raw)
        if isinstance(raw.get("send"), str):
            yield from self._send(raw, path)
        webhook = raw.get("call webhook")
        if isinstance(webhook, str) and webhook and webhook not in self._webhooks:
            there = ", ".join(sorted(self._webhooks)) or "none"
            words = f'there is no webhook "{webhook}" in brand.yaml; there are: {there}'
            yield self._at((*path, "call webhook"), words)
        yield from self._kept(path, raw)
        yield from self._word(path, raw, "if", conditions.condition)
        yield from self._word(path, raw, "wait for", happening)
        yield from self._word(path, raw, "wait until", moment)
        yield from self._word(path, raw, "until", conditions.condition)
        yield from self._word(path, raw, "after the last", conditions.event_test)
        for word in ("wait", "at most", "due", "skip after", "pause marketing"):
            if isinstance(raw.get(word), str) and re.search(DURATION_PATTERN, raw[word]):
                yield from self._word(path, raw, word, duration)
        for index, case in _mappings(raw.get("choose")):
            yield from self._word((*path, "choose", index), case, "if", conditions.condition)
        first_of = raw.get("wait for first of")
        for index, way in _mappings(first_of if isinstance(first_of, list) else []):
            yield from self._phrase(
                (*path, "wait for first of", index), without_arm(way), happening
            )
        for below, arm in _arms(raw):
            yield from self._steps(arm, (*path, *below))

    def _kept(self, path: Path, raw: dict[str, Any]) -> Iterator[Problem]:
        """Traits that a step sets and lifecycle.yaml keeps."""
        for name in mapping(mapping(raw.get("update")).get("set")):
            if name in (*OF_THE_FIRST, OF_EACH) and self._others and self._others.stages:
                words = f'"{name}" cannot be set: lifecycle.yaml keeps it, by what the person does'
                yield self._at((*path, "update", "set", name), words)

    def _send(self, raw: dict[str, Any], path: Path) -> Iterator[Problem]:
        channels = self._messages.get(raw["send"])
        if channels is None:
            yield self._at((*path, "send"), self._no_message(raw["send"]))
        elif raw.get("by") in CHANNEL_OF.values() and raw["by"] not in channels:
            there = ", ".join(sorted(channels))
            yield self._at((*path, "by"), f'"{raw["send"]}" exists only for: {there}')
        elif raw.get("by") == BEST_CHANNEL and len(channels) == 1:
            there = ", ".join(channels)
            words = f'"{raw["send"]}" exists only for: {there}; "by: {BEST_CHANNEL}" needs several'
            yield self._at((*path, "by"), words)
        elif not raw.get("by") and len(channels) > 1:
            yield self._at(
                (*path, "send"),
                f'"{raw["send"]}" exists for several channels; say "by: email", "by: sms" or '
                f'"by: {BEST_CHANNEL}"',
            )
