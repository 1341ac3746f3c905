"""Versions: one is planned, shown beforehand, written, and pointed to."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from functions.folder import JOURNEY_FILE, Checked, Folder
from functions.handlers import wiring
from functions.handlers.orders import Preview
from functions.handlers.standing import order_moves, standing
from functions.journeys.difference import differences
from functions.journeys.flow import compile_journey
from functions.journeys.journey import Journey
from functions.journeys.migration import (
    Choice,
    Standing,
    people,
    seconds,
    told,
    told_time,
    unmapped,
    why_not_follow,
    wrong_mapping,
)
from functions.journeys.run import JourneyVersion
from functions.journeys.standing import Everybody
from functions.journeys.workflow import MoveAll, NoMachine
from functions.journeys.yaml_file import read
from functions.messages.brand import BRAND
from functions.problem import Problem, Problems
from functions.storage.library import NEWEST, rules_in
from functions.storage.store import change
from functions.tracking.identity import short_hash

REPOSITORY = "repository"
MADE = (".html", ".subject")  # from a mail's MJML, when it was published


@dataclass(frozen=True)
class Plan:
    """A version that is to become the newest, and what becomes of those under way."""

    name: str
    version: str
    journey: Journey
    files: Mapping[str, str]
    choice: Choice
    before: JourneyVersion | None  # the pointer as it is
    standing: list[Standing]
    problems: list[str]

    @property
    def older(self) -> list[Standing]:
        """The people of other versions."""
        return [one for one in self.standing if one.version != self.version]

    @property
    def is_new(self) -> bool:
        """Whether another version is the newest so far."""
        before = self.before
        return before is None or before.points_to != self.version or before.retired is not None


def plan(parts: wiring.Parts, one: Checked, choice: Choice, looked: bool = True) -> Plan:
    """What publishing would do. Those under way are looked for only where it matters, or to be
    shown (`looked`)."""
    name = one.journey.name
    return _plan(parts, name, one.version, one.journey, one.files, choice, looked)


def plan_back(parts: wiring.Parts, name: str, version: str, choice: Choice) -> Plan:
    """What rolling back would do. Raises LookupError."""
    found = parts.library.frozen(name, version)
    return _plan(parts, name, version, found.journey, found.files, choice, True)


def _plan(
    parts: wiring.Parts,
    name: str,
    version: str,
    journey: Journey,
    files: Mapping[str, str],
    choice: Choice,
    looked: bool,
) -> Plan:
    before = parts.store.get(JourneyVersion, name, NEWEST)
    needed = looked or choice.under_way != "pin"
    found = standing(parts, name) if before and needed else []
    made = Plan(name, version, journey, files, choice, before, found, [])
    made.problems.extend(_problems(parts, made))
    return made


def _problems(parts: wiring.Parts, made: Plan) -> Iterator[str]:
    choice, older = made.choice, made.older
    if choice.map and choice.under_way != "migrate":
        yield f'"map" belongs to "migrate", not to "{choice.under_way}"'
    if choice.under_way == "follow":
        for one in older:
            why = why_not_follow(one, _frozen(parts, made.name, one.version), made.journey)
            if why:
                yield why
    if choice.under_way == "migrate" and made.before:
        versions = {made.before.points_to, *(one.version for one in older)}
        befores = [_frozen(parts, made.name, version) for version in versions]
        yield from wrong_mapping(befores, made.journey, choice.map)
        for step in _gone(parts, made):
            yield f'the step "{step}" is gone: say where its people go on, or "end"'


def _gone(parts: wiring.Parts, made: Plan) -> list[str]:
    """The steps that must be mapped before those under way can move."""
    found = [
        place.step
        for one in made.older
        for place in unmapped(
            one, _frozen(parts, made.name, one.version), made.journey, made.choice.map
        )
    ]
    return list(dict.fromkeys(found))


def _frozen(parts: wiring.Parts, name: str, version: str) -> Journey:
    return parts.library.frozen(name, version).journey


def preview(parts: wiring.Parts, made: Plan) -> Preview:
    """The plan in words and figures."""
    count = sum(one.people for one in made.older)
    moving = count if made.choice.under_way == "migrate" else 0
    says = [
        sentence
        for one in made.older
        for sentence in told(one, made.choice, _frozen(parts, made.name, one.version), made.journey)
    ]
    already = sum(one.people for one in made.standing) - count
    if already:
        says.append(f"{people(already)} in version {made.version} already")
    if moving:
        says.append(told_time(moving))
    return Preview(
        journey=made.name,
        version=made.version,
        before=made.before.points_to if made.before else "",
        is_new=made.is_new,
        under_way=made.choice.under_way,
        people=count,
        seconds=seconds(moving),
        changes=_changes(parts, made),
        says=says or ["nobody is under way in another version"],
        gone=_gone(parts, made) if made.choice.under_way == "migrate" else [],
        problems=made.problems,
    )


def _changes(parts: wiring.Parts, made: Plan) -> list[str]:
    if made.before is None:
        return ["this journey is new"]
    if made.before.points_to == made.version:
        return []
    old = _written(parts.library.frozen(made.name, made.before.points_to).files, made.files)
    new = _written(made.files, old)
    return differences({made.name: old}, {made.name: new}, "en").get(made.name, [])


def _written(files: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """What a marketer wrote. A plain text counts where its mail is the same in both: else it was
    made from the mail."""

    def is_made(name: str) -> bool:
        mail = f"{name.removesuffix('.txt')}.mjml"
        made = name.endswith(".txt") and mail in files and files[mail] != others.get(mail)
        return made or name.endswith(MADE)

    return {name: text for name, text in files.items() if not is_made(name)}


# --- doing it


def not_ours(newest: JourneyVersion | None, owner: str) -> Problem | None:
    """Why this owner may not publish a journey; None when it may."""
    if newest is None or newest.retired or newest.owner in ("", owner):
        return None
    return Problem(
        f"{newest.journey}/journey.yaml",
        0,
        f"was published by the {newest.owner} (version {newest.points_to}, {newest.published}); "
        "take that version into the folder, or retire it there, before you publish from here",
    )


def refuse(made: Iterable[Plan]) -> None:
    """Raises Problems when any plan cannot be carried out."""
    found = [
        Problem(f"{one.name}/journey.yaml", 0, words) for one in made for words in one.problems
    ]
    if found:
        raise Problems(found)


def publish_brand(parts: wiring.Parts, folder: Folder, owner: str) -> None:
    """The brand and the live files, and the shared parts that drafts are checked with."""
    shared = {name.removeprefix("../"): text for name, text in folder.parts.items()}
    files = {**folder.shared, **shared}
    version = short_hash(*(part for item in sorted(files.items()) for part in item))
    _write(parts, BRAND, version, files, "")
    _have_everybody_kept(parts, files)
    _point(parts, BRAND, version, owner, False, {})


def _have_everybody_kept(parts: wiring.Parts, files: Mapping[str, str]) -> None:
    """New rules are brought to everybody. Asked for before they are in force, like a look
    at everybody for a journey."""
    parts.library.forget()
    before, after = parts.library.rules(), rules_in(files)
    if after.hash != before.hash:
        parts.send_events([msgspec.json.encode(Everybody(everybody="", rules=after.hash))], 0)


def carry_out(parts: wiring.Parts, made: Plan, owner: str, at_run_time: bool) -> bool:
    """Freeze the machine, write the version, point to it, then see to those under way. True when
    it was not the newest already. Raises Problems where the journey has no machine yet."""
    name, before = made.name, made.before
    there = parts.store.get(JourneyVersion, name, made.version)
    same = there and not made.is_new and before and before.owner == owner
    if not same:
        _write(parts, name, made.version, dict(made.files), _machine(parts, made))
    return _go(parts, made, owner, at_run_time)


def go_back(parts: wiring.Parts, made: Plan) -> bool:
    """Point to a version that is there, machine and all."""
    assert made.before
    return _go(parts, made, made.before.owner, True)


def _go(parts: wiring.Parts, made: Plan, owner: str, at_run_time: bool) -> bool:
    followers = [one.version for one in made.older] if made.choice.under_way == "follow" else []
    follows = dict.fromkeys(followers, made.version)
    _have_everybody_looked_at(parts, made)
    is_new = _point(parts, made.name, made.version, owner, at_run_time, follows)
    parts.library.forget()
    if made.choice.under_way == "migrate":
        order_moves(parts, MoveAll(made.name, made.version, made.choice.map))
    return is_new


def _have_everybody_looked_at(parts: wiring.Parts, made: Plan) -> None:
    """Where people enter by a condition, a date or a schedule that is new, all are looked at once.

    Asked for before the version is the newest, so that a crash in between loses nothing: who does
    it waits for the version.
    """
    looked, before = made.journey.looked, made.before
    if looked is None:
        return
    if before and before.points_to and not before.retired:
        files = parts.library.frozen(made.name, before.points_to).files
        if _way_in(files) == _way_in(made.files):
            return
    page = Everybody(everybody="", journeys={made.name: looked.hash})
    parts.send_events([msgspec.json.encode(page)], 0)


def _way_in(files: Mapping[str, str]) -> Any:
    return read(JOURNEY_FILE, files[JOURNEY_FILE]).value.get("enter when")


def _machine(parts: wiring.Parts, made: Plan) -> str:
    compiled = compile_journey(made.journey, made.version, parts.settings.clock_speed)
    text = json.dumps(compiled, ensure_ascii=False, separators=(",", ":"))
    try:
        return parts.machines.publish(made.name, made.version, text)
    except NoMachine as error:
        raise Problems([Problem(f"{made.name}/journey.yaml", 0, str(error))]) from None


def _write(
    parts: wiring.Parts, name: str, version: str, files: dict[str, str], machine: str
) -> None:
    """The version's row. The same files make the same version; only its machine may be new."""
    blank = JourneyVersion(
        journey=name, journey_version=version, published=parts.now(), files=files
    )

    def write(row: JourneyVersion) -> bool:
        known = row.version > 0 and row.machine == machine
        row.machine = machine
        return not known

    change(parts.store, lambda: parts.store.get(JourneyVersion, name, version) or blank, write)


def _point(
    parts: wiring.Parts,
    name: str,
    version: str,
    owner: str,
    at_run_time: bool,
    follows: dict[str, str],
) -> bool:
    """Point to the version, which itself follows none."""
    is_new = False

    def point(newest: JourneyVersion) -> bool:
        nonlocal is_new
        is_new = newest.points_to != version or newest.retired is not None
        wanted = {old: to for old, to in {**newest.follows, **follows}.items() if old != version}
        changed = is_new or newest.owner != owner or newest.follows != wanted
        # What was published by command is a deployment's as soon as it has the same.
        changed |= newest.at_run_time and not at_run_time
        if changed:
            if is_new or newest.owner != owner:
                newest.published = parts.now()
            newest.points_to, newest.owner, newest.retired = version, owner, None
            newest.follows, newest.at_run_time = wanted, at_run_time
        return changed

    blank = JourneyVersion(journey=name, journey_version=NEWEST)
    change(parts.store, lambda: parts.store.get(JourneyVersion, name, NEWEST) or blank, point)
    return is_new


def alter(
    parts: wiring.Parts, name: str, how: Callable[[JourneyVersion], bool]
) -> JourneyVersion | None:
    """Change the pointer of a journey; None when it was never published."""

    def altered(newest: JourneyVersion | None) -> bool:
        return newest is not None and how(newest)

    found = change(parts.store, lambda: parts.store.get(JourneyVersion, name, NEWEST), altered)
    parts.library.forget()
    return found
