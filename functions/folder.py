"""A folder of journeys as a marketer writes it: read, and checked as a whole."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from functions.codes import rules as codes
from functions.journeys.check import MESSAGE_FILE, Others, load
from functions.journeys.check import messages as messages_of
from functions.journeys.journey import Journey
from functions.journeys.mentions import Known, unknown
from functions.journeys.steps.call_webhook import CallWebhook
from functions.journeys.steps.send import Send
from functions.journeys.yaml_file import read
from functions.mails import advice, lawful
from functions.messages import confirming, forms, limits, limits_file, referral, template
from functions.messages.brand import BRAND, Brand, from_mapping, mistakes
from functions.messages.limits import Limits
from functions.messages.rehearsal import compile_messages
from functions.problem import Problem, Problems
from functions.sales import rules as sales
from functions.segments import lifecycle, scoring_mistakes, segment
from functions.segments.rules import (
    CODES_FILE,
    FORMS_FILE,
    LIFECYCLE_FILE,
    LIMITS_FILE,
    LIVE_FILES,
    SALES_FILE,
    SCORING_FILE,
    SEGMENTS_FILE,
)
from functions.segments.stage_words import stage_names
from functions.tracking.identity import short_hash

JOURNEY_FILE, BRAND_FILE, PARTS = "journey.yaml", "brand.yaml", "parts"
PACK = "pack"  # ready journeys to copy from: nothing in it is live
SCENARIO_FILE = ".scenario.yaml"  # what such a file's name ends in; it tests, and is not published
JOURNEY_NAME = re.compile(r"^(?=.{1,60}\Z)[a-z0-9]+(-[a-z0-9]+)*\Z")
NAME_RULE = (
    'a folder is called in at most 60 small letters, digits and hyphens, like "welcome-back", '
    f'and not "{BRAND}"'
)
Journeys = Mapping[str, Mapping[str, str]]  # name -> file -> text
NONE: Journeys = {}
MARKETERS = (".yaml", ".mjml", ".txt", ".sms")


class Folder(msgspec.Struct):
    """`statemachines/` as text: the brand, the shared parts, each journey's files by name, and
    those of the LIVE_FILES that there are."""

    brand: str
    parts: dict[str, str]
    journeys: dict[str, dict[str, str]]
    live: dict[str, str] = {}

    @property
    def shared(self) -> dict[str, str]:
        """The files that all journeys read as they are now, by name."""
        found = {BRAND_FILE: self.brand, **self.live}
        return {name: text for name, text in found.items() if text}

    def raw(self, file: str) -> Any:
        """What a live file says; None where there is none. Raises Problems if it is no YAML."""
        return read(file, self.live.get(file, "")).value


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
        if path.is_dir() and not path.name.startswith(".") and path.name != PACK
    }
    parts = {f"../{PARTS}/{name}": text for name, text in found.pop(PARTS, {}).items()}
    live = {name: _text(folder / name, name) for name in LIVE_FILES if (folder / name).is_file()}
    return Folder(_text(brand, BRAND_FILE), parts, found, live)


def is_published(path: Path) -> bool:
    """Whether a file below `statemachines/` (by its path from there) goes out with the journeys."""
    is_theirs = path.suffix in MARKETERS and path.parts[0] != PACK
    return is_theirs and not path.name.endswith(SCENARIO_FILE)


def _texts(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.iterdir()) if is_published(path.relative_to(folder)))
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
        path, words = _place(error)
        raise Problems([Problem(BRAND_FILE, located.line(path), words)]) from None
    wrong = [Problem(BRAND_FILE, located.line(path), words) for path, words in mistakes(brand)]
    if wrong:
        raise Problems(wrong)
    return brand


def _place(error: msgspec.ValidationError) -> tuple[tuple[str, ...], str]:
    """Where in the file msgspec found something (`... - at `$.sender.email``), and what."""
    words, _, place = str(error).rpartition(" - at `$")
    return tuple(re.findall(r"[^.\[\]`]+", place)) if words else (), words or str(error)


def others(folder: Folder, published: Journeys = NONE) -> Others:
    """What the folder's journeys may name of it, and of those that are published already. Raises
    Problems if a live file is no YAML."""
    segments = folder.raw(SEGMENTS_FILE)
    there = {**published, **folder.journeys}
    return Others(
        tuple(segments) if isinstance(segments, dict) else (),
        {name: sorted(messages_of(files)) for name, files in there.items()},
        stage_names(folder.raw(LIFECYCLE_FILE)),
    )


def check_live(folder: Folder, brand: Brand, published: Journeys = NONE) -> list[Problem]:
    """All that is wrong in the live files. Raises Problems if one is no YAML."""
    known, segments = others(folder, published), folder.raw(SEGMENTS_FILE)
    there, stages = (brand.purposes, known.journeys), folder.raw(LIFECYCLE_FILE)
    wrong = {
        SEGMENTS_FILE: segment.mistakes(segments, *there, known.stages),
        LIFECYCLE_FILE: lifecycle.mistakes(stages, segments, *there),
        SCORING_FILE: scoring_mistakes.mistakes(
            folder.raw(SCORING_FILE), segments if isinstance(segments, dict) else {}
        ),
        SALES_FILE: sales.mistakes(folder.raw(SALES_FILE), brand.teams, *there, known.segments),
        CODES_FILE: codes.mistakes(folder.raw(CODES_FILE)),
        FORMS_FILE: forms.mistakes(folder.raw(FORMS_FILE), brand),
        LIMITS_FILE: limits_file.mistakes(
            folder.raw(LIMITS_FILE), limits_file.Named(brand, known.segments, known.journeys)
        ),
    }
    return [
        Problem(file, read(file, folder.live.get(file, "")).line(path), words)
        for file, found in wrong.items()
        for path, words in found
    ]


def check(folder: Folder, published: Journeys = NONE) -> list[Checked]:
    """Every journey of the folder, checked and its templates compiled. Those that are `published`
    already (name -> files) need not be in the folder to be mentioned.

    Raises Problems with all that is wrong in any file.
    """
    brand = check_brand(folder.brand)
    problems = check_live(folder, brand, published)
    known, takers = others(folder, published), _takers(folder, brand)
    raw_codes = folder.raw(CODES_FILE)
    code_names = tuple(raw_codes) if isinstance(raw_codes, dict) else ()
    checked: list[Checked] = []
    for name, text in folder.parts.items():
        problems += template.check(name.removeprefix("../"), text, brand.links, code_names)
        problems += referral.check(name.removeprefix("../"), text, brand)
    for name, files in folder.journeys.items():
        try:
            checked.append(_check_journey(name, files, folder.parts, brand, known, code_names))
        except Problems as found:
            problems += found.found
    compiled = {**published, **{one.journey.name: one.files for one in checked}}
    links = _links({**published, **folder.journeys}, compiled, brand)
    for one in checked:
        located = read(f"{one.journey.name}/{JOURNEY_FILE}", one.files[JOURNEY_FILE])
        problems += unknown(one.journey.name, located, Known(links, takers))
        problems += lawful(one.journey, one.files, folder.parts, brand)
    others_there = {one: published[one] for one in published.keys() - folder.journeys.keys()}
    problems += _codes_gone(others_there, code_names)
    is_readable = not any(one.file == LIMITS_FILE for one in problems)
    in_force = limits.build(folder.raw(LIMITS_FILE) if is_readable else None)
    problems += _never_sending([one.journey for one in checked], brand, in_force)
    if problems:
        raise Problems(problems)
    return checked


def warnings(folder: Folder, checked: Iterable[Checked]) -> list[Problem]:
    """What could be better in the mails of journeys that passed every check."""
    brand = check_brand(folder.brand)
    found = (advice(one.journey, one.files, folder.parts, brand) for one in checked)
    return sorted({problem for problems in found for problem in problems})


def _takers(folder: Folder, brand: Brand) -> list[str]:
    """Who may have a task, by name: teams of the brand and colleagues of sales.yaml."""
    said = folder.raw(SALES_FILE)
    people = said.get("people") if isinstance(said, dict) else None
    return [*brand.teams, *(people if isinstance(people, dict) else ())]


def _check_journey(
    name: str,
    files: Mapping[str, str],
    parts: Mapping[str, str],
    brand: Brand,
    known: Others,
    code_names: Collection[str],
) -> Checked:
    problems = list(_check_files(name, files, brand, code_names))
    if name == BRAND or not JOURNEY_NAME.match(name):
        words = f'"{name}" cannot be the name of a journey; {NAME_RULE}'
        problems.append(Problem(f"{name}/{JOURNEY_FILE}", 0, words))
    try:
        journey = load(name, files, brand.needs_consent, known, brand.webhooks)
    except Problems as found:
        raise Problems(problems + found.found) from None
    problems += _webhook_texts(journey, brand, code_names)
    problems += _confirmations(journey, files, brand)
    compiled, failed = compile_messages(name, files, parts, brand)
    said = {(problem.file, problem.line) for problem in problems}
    problems += [problem for problem in failed if (problem.file, problem.line) not in said]
    if problems:
        raise Problems(problems)
    # A plain text written by hand goes before the one that was made.
    return Checked(journey, {**compiled, **files})


def _confirmations(journey: Journey, files: Mapping[str, str], brand: Brand) -> Iterator[Problem]:
    """What is wrong with messages that ask for a confirmation."""
    sends = [step for step in journey.every_step() if isinstance(step, Send)]
    free = {
        step.send for step in sends if not brand.must_be_allowed(step.purpose or journey.purpose)
    }
    enters_by = journey.enter_when.names if journey.enter_when else ()
    for file, text in files.items():
        message = file.partition(".")[0]
        yield from confirming.check(journey.name, {file: text}, enters_by, message in free)


def _webhook_texts(
    journey: Journey, brand: Brand, code_names: Collection[str]
) -> Iterator[Problem]:
    """What is wrong with the Liquid that webhooks are told."""
    for step in journey.every_step():
        for word, text in step.with_.items() if isinstance(step, CallWebhook) else ():
            said = text if isinstance(text, str) else ""
            wrong = (
                *template.check("", said, brand.links, code_names),
                *referral.check("", said, brand),
            )
            for problem in wrong:
                words = f'"{step.name}", "{word}": {problem.text}'
                yield Problem(f"{journey.name}/{JOURNEY_FILE}", 0, words)


def _check_files(
    name: str, files: Mapping[str, str], brand: Brand, code_names: Collection[str]
) -> list[Problem]:
    problems: list[Problem] = []
    languages: dict[str, set[str]] = {}
    for file, text in files.items():
        match = MESSAGE_FILE.match(file)
        if match:
            message = f"{match['name']}{match['short'] or ''}"
            languages.setdefault(f"{message}|{match['kind']}", set()).add(match["locale"])
            problems += _short_alone(name, match, files)
            problems += template.check(f"{name}/{file}", text, brand.links, code_names)
            problems += referral.check(f"{name}/{file}", text, brand)
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


def _short_alone(name: str, match: re.Match[str], files: Mapping[str, str]) -> list[Problem]:
    """A shorter mail goes in place of another."""
    long = f"{match['name']}.{match['locale']}.mjml"
    if not match["short"] or (match["kind"] != "sms" and long in files):
        return []
    words = f"is the shorter form of a mail, {long}, which is missing"
    if match["kind"] == "sms":
        words = "is a shorter form; only mails have one"
    return [Problem(f"{name}/{match.group()}", 0, words)]


def _codes_gone(journeys: Journeys, code_names: Collection[str]) -> list[Problem]:
    """Codes that journeys which are published already give, and codes.yaml has no more."""
    given = {
        (code, name)
        for name, files in journeys.items()
        for text in files.values()
        for code in template.mentioned_codes(text)
    }
    return [
        Problem(CODES_FILE, 0, f'"{code}" is missing: messages of "{name}" give it')
        for code, name in sorted(given)
        if code not in code_names
    ]


def _links(journeys: Journeys, compiled: Journeys, brand: Brand) -> dict[str, dict[str, set[str]]]:
    """The links of every message of every journey, in all its languages together; every link of
    the brand where a journey has problems of its own."""
    found: dict[str, dict[str, set[str]]] = {}
    for name, files in journeys.items():
        messages = found.setdefault(name, {})
        for file in files:
            match = MESSAGE_FILE.match(file)
            if match:
                there = template.links(file, compiled[name]) if name in compiled else brand.links
                messages.setdefault(match["name"], set()).update(there)
    return found


def _never_sending(found: list[Journey], brand: Brand, rules: Limits) -> list[Problem]:
    """Journeys whose sending hours lie within the quiet hours, of the brand or of a country. After
    the last holiday each week is like the other, and in UTC no clock is ever changed."""
    after = max((*brand.holidays, "2027-01-01"))
    start = datetime.fromisoformat(f"{after}T00:00:00+00:00") + timedelta(days=1)
    problems = []
    for journey, country in product(found, ("", *rules.countries)):
        times = rules.times(brand, journey.purpose, journey.send_only, country)
        if journey.send_only and not times.next_allowed(start, ZoneInfo("UTC")):
            whose = f"of {country} in {LIMITS_FILE}" if country else f"of {BRAND_FILE}"
            quiet = f" ({brand.quiet_hours})" if not country else ""
            words = (
                f'"send only" lies within the quiet hours {whose}{quiet}: no message could ever go'
            )
            problems.append(Problem(f"{journey.name}/{JOURNEY_FILE}", 0, words))
    return problems
