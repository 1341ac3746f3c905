"""A folder of journeys as a marketer writes it: read, and checked as a whole."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec

from functions.journeys.check import MESSAGE_FILE, load
from functions.journeys.journey import Journey
from functions.journeys.steps.start_journey import StartJourney
from functions.journeys.steps.stop_journey import StopJourney
from functions.journeys.steps.task import Task
from functions.journeys.yaml_file import read
from functions.messages import template
from functions.messages.brand import BRAND, Brand, from_mapping, mistakes
from functions.problem import Problem, Problems
from functions.tracking.identity import short_hash

JOURNEY_FILE, BRAND_FILE, PARTS = "journey.yaml", "brand.yaml", "parts"
OWNER = "owner"  # of a task: the person's own contact
JOURNEY_NAME = re.compile(r"^(?=.{1,60}\Z)[a-z0-9]+(-[a-z0-9]+)*\Z")
NAME_RULE = (
    'a folder is called in at most 60 small letters, digits and hyphens, like "welcome-back", '
    f'and not "{BRAND}"'
)
MARKETERS = (".yaml", ".mjml", ".txt", ".sms")


class Folder(msgspec.Struct):
    """`statemachines/` as text: the brand, the shared parts, each journey's files by name."""

    brand: str
    parts: dict[str, str]
    journeys: dict[str, dict[str, str]]


class Checked(msgspec.Struct):
    """A journey that passed every check, with all files of its version."""

    journey: Any  # Journey
    files: dict[str, str]

    @property
    def version(self) -> str:
        """A hash of all that the version freezes."""
        return short_hash(*(part for item in sorted(self.files.items()) for part in item))


def read_folder(folder: Path) -> Folder:
    """Read `statemachines/` from a disk. Raises Problems when it has no brand.yaml."""
    brand = folder / BRAND_FILE
    if not brand.is_file():
        raise Problems([Problem(str(brand), 0, "is missing; every folder of journeys has one")])
    found = {
        path.name: _texts(path)
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    }
    parts = {f"../{PARTS}/{name}": text for name, text in found.pop(PARTS, {}).items()}
    return Folder(_text(brand, BRAND_FILE), parts, found)


def _texts(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.iterdir()) if path.suffix in MARKETERS)
    return {path.name: _text(path, f"{folder.name}/{path.name}") for path in files}


def _text(path: Path, file: str) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise Problems([Problem(file, 0, "is not written in UTF-8; save it as UTF-8")]) from None


def check_brand(text: str) -> Brand:
    """The brand. Raises Problems."""
    located = read(BRAND_FILE, text)
    try:
        brand = from_mapping(located.value)
    except msgspec.ValidationError as error:
        raise Problems([Problem(BRAND_FILE, 0, str(error))]) from None
    wrong = [Problem(BRAND_FILE, located.line(path), words) for path, words in mistakes(brand)]
    if wrong:
        raise Problems(wrong)
    return brand


def check(folder: Folder, known: Collection[str] = ()) -> list[Checked]:
    """Every journey of the folder, checked and its templates compiled. Those `known` are
    published and need not be in the folder to be started.

    Raises Problems with all that is wrong in any file.
    """
    brand = check_brand(folder.brand)
    problems: list[Problem] = []
    checked: list[Checked] = []
    for name, text in folder.parts.items():
        problems += template.check(name.removeprefix("../"), text, brand.links)
    for name, files in folder.journeys.items():
        try:
            checked.append(_check_journey(name, files, folder.parts, brand))
        except Problems as found:
            problems += found.found
    problems += _missing_journeys(
        {one.journey.name: one.journey for one in checked}, {*folder.journeys, *known}
    )
    problems += _missing_teams([one.journey for one in checked], brand)
    if problems:
        raise Problems(problems)
    return checked


def _check_journey(
    name: str, files: Mapping[str, str], parts: Mapping[str, str], brand: Brand
) -> Checked:
    problems = list(_check_files(name, files, brand))
    if name == BRAND or not JOURNEY_NAME.match(name):
        words = f'"{name}" cannot be the name of a journey; {NAME_RULE}'
        problems.append(Problem(f"{name}/{JOURNEY_FILE}", 0, words))
    try:
        journey = load(name, files, brand.needs_consent)
    except Problems as found:
        raise Problems(problems + found.found) from None
    compiled: dict[str, str] = {}
    for file, text in files.items():
        try:
            compiled |= template.compile_file(file, text, parts)
        except template.TemplateError as error:
            problems.append(Problem(f"{name}/{file}", 0, str(error)))
    if problems:
        raise Problems(problems)
    # A plain text written by hand goes before the one that was made.
    return Checked(journey, {**compiled, **files})


def _check_files(name: str, files: Mapping[str, str], brand: Brand) -> list[Problem]:
    problems: list[Problem] = []
    languages: dict[str, set[str]] = {}
    for file, text in files.items():
        match = MESSAGE_FILE.match(file)
        if match:
            languages.setdefault(f"{match['name']}|{match['kind']}", set()).add(match["locale"])
            problems += template.check(f"{name}/{file}", text, brand.links)
        elif not file.endswith(".yaml"):
            words = 'is not named like "welcome.de.mjml" (message, language, mjml, txt or sms)'
            problems.append(Problem(f"{name}/{file}", 0, words))
    for key, found in languages.items():
        message, kind = key.split("|")
        missing = set(brand.languages) - found
        for language in sorted(missing if kind != "txt" else set()):
            words = f"is missing: brand.yaml lists the language {language}"
            problems.append(Problem(f"{name}/{message}.{language}.{kind}", 0, words))
    return problems


def _missing_journeys(found: Mapping[str, Journey], there: Collection[str]) -> list[Problem]:
    """Journeys that are started or stopped but do not exist."""
    named = [
        (journey.name, step.verb, str(getattr(step, step.verb.replace(" ", "_"))))
        for journey in found.values()
        for step in journey.every_step()
        if isinstance(step, StartJourney | StopJourney)
    ]
    return [
        Problem(f"{name}/{JOURNEY_FILE}", 0, f'"{verb}: {other}": there is no such folder')
        for name, verb, other in named
        if other not in there
    ]


def _missing_teams(found: list[Journey], brand: Brand) -> list[Problem]:
    """Teams that are given tasks but do not exist."""
    there = sorted({*brand.teams, OWNER})
    return [
        Problem(
            f"{journey.name}/{JOURNEY_FILE}",
            0,
            f'"for: {step.for_}": there is no such team in brand.yaml; '
            f"there are: {', '.join(there)}",
        )
        for journey in found
        for step in journey.every_step()
        if isinstance(step, Task) and step.for_ not in there
    ]
