"""What the publisher does for the admin API: publish, pause, stop, roll back, keep drafts."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from functions.folder import BRAND_FILE, PARTS, Folder, Journeys, check, warnings
from functions.handlers import orders, wiring
from functions.handlers.openapi import ProblemView
from functions.handlers.standing import order_moves, standing
from functions.handlers.versions import (
    REPOSITORY,
    Plan,
    alter,
    carry_out,
    go_back,
    not_ours,
    plan,
    plan_back,
    preview,
    publish_brand,
    refuse,
)
from functions.journeys.difference import of_segments
from functions.journeys.migration import Choice
from functions.journeys.run import Draft, JourneyVersion
from functions.journeys.workflow import MoveAll
from functions.messages.brand import BRAND
from functions.problem import Problem, Problems
from functions.segments.rules import LIVE_FILES, SEGMENTS_FILE
from functions.storage.library import NEWEST
from functions.storage.store import Contended, change

MOST_LETTERS = 300_000  # of a draft: a record has 400 KB


class Refused(Exception):
    """The order cannot be carried out; the text says why."""


def answer(parts: wiring.Parts, event: dict[str, Any]) -> dict[str, Any]:
    """The answer to an order: `status`, and the body to give to whoever asked."""
    order = msgspec.convert(event, orders.Order)
    try:
        body = orders.ORDERS[order.order].body or orders.NoBody
        found = _BY_ORDER[order.order](parts, order.name, msgspec.convert(order.body, body))
        return {"status": 200, "body": msgspec.to_builtins(found)}
    except msgspec.ValidationError as error:
        return _error(400, "bad_request", str(error))
    except Problems as wrong:
        problems = [msgspec.to_builtins(view) for view in _views(wrong.found)]
        return _error(400, "problems", "nothing was published", problems=problems)
    except Refused as error:
        return _error(400, "bad_request", str(error))
    except LookupError as error:
        return _error(404, "not_found", str(error.args[0]))
    except Contended:
        return _error(409, "conflict", "somebody else changes this journey now; try again")


def _error(status: int, code: str, message: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "body": {"code": code, "message": message, **more}}


def _views(found: Iterable[Problem]) -> list[ProblemView]:
    return [ProblemView(one.file, one.line, one.text) for one in found]


# --- publishing


def _publish(parts: wiring.Parts, name: str, asked: orders.PublishBody) -> orders.Published:
    folder = _folder(parts, asked)
    checked = check(folder, _there(parts))
    unknown = asked.choices.keys() - folder.journeys.keys()
    if unknown:
        raise Refused(f'"choices" names "{min(unknown)}", which is not among the files')
    plans = [plan(parts, one, asked.choices.get(one.journey.name, Choice())) for one in checked]
    owners = {one.name: asked.owner or _owner(one) for one in plans}
    theirs = [found for one in plans if (found := not_ours(one.before, owners[one.name]))]
    if theirs:
        raise Problems(theirs)
    previews = [preview(parts, one) for one in plans]
    if asked.dry_run:
        better = _views(warnings(folder, checked))
        return orders.Published(False, previews, _shared_changes(parts, folder), better)
    shared = _shared_changes(parts, folder)
    refuse(plans)
    publish_brand(parts, folder, asked.owner or REPOSITORY)
    for one in plans:
        carry_out(parts, one, owners[one.name], one.is_new or _is_at_run_time(one))
    return orders.Published(True, previews, shared)


def _shared_changes(parts: wiring.Parts, folder: Folder) -> dict[str, list[str]]:
    """What changes in the files that count for everybody."""
    old = _published_folder(parts)
    changed = [name for name in folder.shared if folder.shared[name] != old.shared.get(name)]
    found: dict[str, list[str]] = {name: [] for name in changed}
    if SEGMENTS_FILE in found:
        before, after = old.raw(SEGMENTS_FILE) or {}, folder.raw(SEGMENTS_FILE) or {}
        found[SEGMENTS_FILE] = of_segments(before, after, "en")
    return found


def _owner(one: Plan) -> str:
    return one.before.owner if one.before and one.before.owner else REPOSITORY


def _is_at_run_time(one: Plan) -> bool:
    return one.before is not None and one.before.at_run_time


def _folder(parts: wiring.Parts, asked: orders.PublishBody) -> Folder:
    """What is to be published; brand, live files and parts as published where they are not sent."""
    folder = _published_folder(parts)
    wrong = [path for path, text in asked.files.items() if not _put(folder, path, text)]
    for name in asked.drafts:
        folder.journeys[name] = _read_draft(parts, name).files
    if wrong:
        words = 'is not named like "onboarding/journey.yaml"'
        raise Problems([Problem(path, 0, words) for path in wrong])
    if not folder.brand:
        raise Problems([Problem(BRAND_FILE, 0, "is missing, and none is published yet")])
    return folder


def _put(folder: Folder, path: str, text: str) -> bool:
    """Put a file into the folder; False when no such file belongs there."""
    first, _, rest = path.partition("/")
    if path == BRAND_FILE:
        folder.brand = text
    elif path in LIVE_FILES:
        folder.live[path] = text
    elif first == PARTS and rest:
        folder.parts[f"../{path}"] = text
    elif rest and "/" not in rest:
        folder.journeys.setdefault(first, {})[rest] = text
    else:
        return False
    return True


def _published_folder(parts: wiring.Parts) -> Folder:
    """The brand, the live files and the parts in force, no journeys."""
    newest = parts.store.get(JourneyVersion, BRAND, NEWEST)
    row = newest and parts.store.get(JourneyVersion, BRAND, newest.points_to)
    files = dict(row.files) if row else {}
    brand = files.pop(BRAND_FILE, "")
    live = {name: files.pop(name) for name in LIVE_FILES if name in files}
    return Folder(brand, {f"../{name}": text for name, text in files.items()}, {}, live)


def _there(parts: wiring.Parts) -> Journeys:
    """Every journey that was published, with the files of its newest version."""
    newest = {name: parts.library.newest(name) for name in parts.library.names()}
    return {name: found.files if found else {} for name, found in newest.items()}


def _roll_back(parts: wiring.Parts, name: str, asked: orders.RollBackBody) -> orders.Published:
    version = asked.version or _version_before(parts, name)
    made = plan_back(parts, name, version, Choice(asked.under_way, asked.map))
    shown = orders.Published(not asked.dry_run, [preview(parts, made)])
    if not asked.dry_run:
        refuse([made])
        go_back(parts, made)
    return shown


def _version_before(parts: wiring.Parts, name: str) -> str:
    newest = _newest(parts, name)
    others = [row for row in _versions(parts, name) if row.journey_version != newest.points_to]
    if not others:
        raise Refused(f'"{name}" has no other version than {newest.points_to}')
    return others[0].journey_version


def _versions(parts: wiring.Parts, name: str) -> list[JourneyVersion]:
    """All versions, the one published last first."""
    rows = [row for row in parts.store.query(JourneyVersion, name) if row.journey_version != NEWEST]
    return sorted(rows, key=lambda row: (row.published is not None, row.published), reverse=True)


def _newest(parts: wiring.Parts, name: str) -> JourneyVersion:
    found = parts.store.get(JourneyVersion, name, NEWEST) if _may_be(name) else None
    if found is None:
        there = ", ".join(parts.library.names()) or "none"
        raise LookupError(f'no journey "{name[:60]}" was published; there are: {there}')
    return found


def _may_be(name: str) -> bool:
    return 0 < len(name) <= 60 and name != BRAND


# --- its state


def _look(parts: wiring.Parts, name: str, asked: orders.NoBody) -> orders.JourneyDetail:
    newest, found = _newest(parts, name), standing(parts, name)
    state, since = _state(newest)
    return orders.JourneyDetail(
        name=name,
        title=parts.library.frozen(name, newest.points_to).journey.title,
        version=newest.points_to,
        state=state,
        since=since,
        owner=newest.owner,
        draft=parts.store.get(Draft, name) is not None,
        people=sum(one.people for one in found),
        versions=[
            orders.VersionView(row.journey_version, row.published) for row in _versions(parts, name)
        ],
        standing=found,
    )


def _state(newest: JourneyVersion) -> tuple[Any, datetime | None]:
    for name in ("paused", "stopped", "retired"):
        since = getattr(newest, name)
        if since:
            return name, since
    return "open", newest.published


def _pause(parts: wiring.Parts, name: str, asked: orders.NoBody) -> orders.JourneyDetail:
    def pause(newest: JourneyVersion) -> bool:
        is_new = newest.paused is None
        newest.paused = newest.paused or parts.now()
        return is_new

    _newest(parts, name)
    alter(parts, name, pause)
    return _look(parts, name, asked)


def _resume(parts: wiring.Parts, name: str, asked: orders.NoBody) -> orders.JourneyDetail:
    def resume(newest: JourneyVersion) -> bool:
        was_closed = bool(newest.paused or newest.stopped)
        newest.paused = newest.stopped = None
        return was_closed

    _newest(parts, name)
    alter(parts, name, resume)
    return _look(parts, name, asked)


def _stop(parts: wiring.Parts, name: str, asked: orders.StopBody) -> orders.JourneyDetail:
    def stop(newest: JourneyVersion) -> bool:
        changed = newest.stopped is None or newest.paused is not None
        newest.stopped, newest.paused = newest.stopped or parts.now(), None
        return changed

    _newest(parts, name)
    alter(parts, name, stop)
    if asked.inside == "eject":
        order_moves(parts, MoveAll(name))
    return _look(parts, name, orders.NoBody())


# --- drafts


def _read_draft(parts: wiring.Parts, name: str) -> Draft:
    found = parts.store.get(Draft, name) if _may_be(name) else None
    if found is None:
        raise LookupError(f'there is no draft of "{name[:60]}"')
    return found


def _view(draft: Draft) -> orders.DraftView:
    return orders.DraftView(draft.journey, draft.saved, draft.files)


def _draft(parts: wiring.Parts, name: str, asked: orders.NoBody) -> orders.DraftView:
    return _view(_read_draft(parts, name))


def _save_draft(parts: wiring.Parts, name: str, asked: orders.DraftBody) -> orders.DraftView:
    if not _may_be(name):
        raise Refused(f'"{name[:60]}" cannot be the name of a journey')
    if sum(len(file) + len(text.encode()) for file, text in asked.files.items()) > MOST_LETTERS:
        raise Refused(f"a draft has at most {MOST_LETTERS} letters")

    def save(draft: Draft) -> bool:
        draft.files, draft.saved = asked.files, parts.now()
        return True

    return _view(
        change(parts.store, lambda: parts.store.get(Draft, name) or Draft(journey=name), save)
    )


def _drop_draft(parts: wiring.Parts, name: str, asked: orders.NoBody) -> orders.DraftsPage:
    parts.store.delete(_read_draft(parts, name))
    return _drafts(parts, "", asked)


def _drafts(parts: wiring.Parts, name: str, asked: orders.NoBody) -> orders.DraftsPage:
    found, _ = parts.store.listing(Draft, limit=500)
    return orders.DraftsPage([draft.journey for draft in found])


def _check_draft(parts: wiring.Parts, name: str, asked: orders.NoBody) -> orders.CheckedDraft:
    folder = _published_folder(parts)
    folder.journeys[name] = _read_draft(parts, name).files
    try:
        checked = check(folder, _there(parts))
    except Problems as wrong:
        return orders.CheckedDraft(_views(wrong.found))
    mine = [one for one in checked if one.journey.name == name]
    return orders.CheckedDraft([], _views(warnings(folder, mine)))


Act = Callable[[wiring.Parts, str, Any], Any]
_BY_ORDER: dict[str, Act] = {
    "look": _look,
    "publish": _publish,
    "pause": _pause,
    "resume": _resume,
    "stop": _stop,
    "roll back": _roll_back,
    "drafts": _drafts,
    "draft": _draft,
    "save draft": _save_draft,
    "drop draft": _drop_draft,
    "check draft": _check_draft,
}
