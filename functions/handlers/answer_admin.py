"""The admin API: what people, runs, messages and tasks there are; the studio will stand on it."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import (
    BadRequestError,
    NotFoundError,
    ServiceError,
    UnauthorizedError,
)

from functions.folder import JOURNEY_FILE
from functions.handlers import openapi, views, wiring
from functions.handlers.desk import journey_desk
from functions.handlers.openapi import Operation, Parameter
from functions.handlers.orders import ORDERS
from functions.journeys.enter import enter_by_api
from functions.journeys.run import Run, Task
from functions.journeys.waiting import waits_for
from functions.journeys.why import Way, way
from functions.journeys.why_not import Missing, why_not
from functions.journeys.yaml_file import read
from functions.segments.spoken import LANGUAGES, Language
from functions.storage import people
from functions.storage.library import Published
from functions.storage.remember import timeline
from functions.storage.store import change
from functions.tracking.message import Message
from functions.tracking.profile import Profile

app = APIGatewayHttpResolver()
logger = Logger(service="answer_admin")
_encode = msgspec.json.Encoder(decimal_format="number").encode
MOST, LONGEST = 500, 500  # of a page; of a parameter
MOST_TOLD = 10  # runs of a person and journey, each with a read of all its messages
MOST_PROPERTIES = 32_768  # bytes of JSON, as for a call of Segment's API


class PeoplePage(msgspec.Struct):
    """People, and the cursor of the next page ("" on the last)."""

    people: list[views.Person]
    next: str = ""


class TimelinePage(msgspec.Struct):
    """Events, newest first."""

    events: list[views.TimelineEvent]
    next: str = ""


class RunsPage(msgspec.Struct):
    """Runs: of a journey those under way first, then the others; newest first."""

    runs: list[views.RunView]
    next: str = ""


class WhyPage(msgspec.Struct):
    """A person's runs of a journey, told; without any, why there is none."""

    runs: list[Way]
    missing: Missing | None = None


class MessagesPage(msgspec.Struct):
    """Messages of a person, newest first."""

    messages: list[Message]


class TasksPage(msgspec.Struct):
    """Tasks, newest first."""

    tasks: list[views.TaskView]
    next: str = ""


class JourneyView(msgspec.Struct):
    """A published journey."""

    name: str
    title: str
    version: str
    state: Literal["open", "paused", "stopped"] = "open"


class JourneysPage(msgspec.Struct):
    """The newest version of every journey."""

    journeys: list[JourneyView]


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to enter: one of `person` (an id), `user_id` and `email`; for which occasion (the
    same one lets in once, without one each call is an occasion); and what the journey finds under
    `entry`."""

    person: str = ""
    user_id: str = ""
    email: str = ""
    occasion: Annotated[str, msgspec.Meta(max_length=LONGEST)] = ""
    properties: dict[str, Any] = {}


class Entered(msgspec.Struct):
    """Whether the person entered, the id of the run, and why not."""

    entered: bool
    person: str
    run: str = ""
    why_not: str = ""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP API v2 event. Every answer is JSON; an error has `code` and `message`."""
    return app.resolve(event, context)


@app.exception_handler(ServiceError)  # type: ignore[untyped-decorator]
def _refused(error: ServiceError) -> Response[bytes]:
    names = {400: "bad_request", 401: "unauthorized", 404: "not_found"}
    code = names.get(error.status_code, "error")
    return _json({"code": code, "message": error.msg}, error.status_code)


@app.exception_handler(Exception)  # type: ignore[untyped-decorator]
def _failed(error: Exception) -> Response[bytes]:
    logger.exception("request failed")
    words = "Something failed here; the same request may work."
    return _json({"code": "internal_error", "message": words}, 500)


@app.not_found
def _unknown(error: Exception) -> Response[bytes]:
    # The router sends our own "no such person" here as well: its words are better.
    said = error.msg if isinstance(error, NotFoundError) and error.msg != "Not found" else ""
    message = said or "no such address; see /openapi.json"
    return _json({"code": "not_found", "message": message}, 404)


def _json(body: Any, status: int = 200) -> Response[bytes]:
    return Response(
        status,
        content_type="application/json",
        body=_encode(body).decode(),  # type: ignore[arg-type]
    )


OPERATIONS: list[Operation] = []


def operation(
    path: str,
    summary: str,
    answer: type,
    *parameters: Parameter,
    method: Literal["get", "post"] = "get",
    body: type | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a method of the admin API, for the router and for /openapi.json at once."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        OPERATIONS.append(Operation(method, path, summary, answer, parameters, "secret_key", body))

        def guarded(**ids: str) -> Response[bytes]:
            _authorise()
            _check_parameters(parameters)
            return _json(function(**ids))

        where = path.replace("{", "<").replace("}", ">")
        return app.route(where, [method.upper()])(guarded)

    return register


def document(more: Iterable[Operation] = ()) -> dict[str, Any]:
    """OpenAPI of the whole system, and of `more` that only one machine has."""
    every = [*openapi.COLLECTING, *OPERATIONS, *ORDERS.values(), *openapi.LEAVING, *more]
    return openapi.document(every, wiring.parts().settings.public_url)


def _hand_on(order: str, asked: Operation) -> None:
    """Register an operation whose answer is the publisher's."""

    def guarded(name: str = "") -> Response[bytes]:
        _authorise()
        _check_parameters(asked.parameters)
        answer = wiring.parts().publisher({"order": order, "name": name, "body": _body()})
        return _json(answer["body"], answer["status"])

    app.route(asked.path.replace("{", "<").replace("}", ">"), [asked.method.upper()])(guarded)


def _body() -> dict[str, Any]:
    raw = app.current_event.decoded_body
    try:
        found = msgspec.json.decode(raw) if raw else {}
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequestError(f"the body is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadRequestError("the body is a JSON object")
    return found


for _order, _operation in ORDERS.items():
    _hand_on(_order, _operation)


@app.get("/openapi.json")
def _document() -> Response[bytes]:
    """Open to all: it tells nothing of anybody."""
    return _json(document())


def _authorise() -> None:
    given = (app.current_event.headers.get("authorization") or "").removeprefix("Bearer ")
    digest = hashlib.sha256(given.encode()).hexdigest()
    if not hmac.compare_digest(digest, wiring.parts().settings.admin_key_hash):
        raise UnauthorizedError("send the secret key as a Bearer token")


def _check_parameters(parameters: Iterable[Parameter]) -> None:
    known = {parameter.name for parameter in parameters if parameter.place == "query"}
    for name, value in (app.current_event.query_string_parameters or {}).items():
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none"
            raise BadRequestError(f'"{name[:50]}" is not a parameter here; there are: {allowed}')
        if len(value) > LONGEST:
            raise BadRequestError(f'"{name}" has at most {LONGEST} letters')


def _asked(name: str) -> str:
    return (app.current_event.query_string_parameters or {}).get(name) or ""


def _limit() -> int:
    text = _asked("limit") or "100"
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise BadRequestError(f'"limit" is a number from 1 to {MOST}')
    return int(text)


LIMIT = Parameter("limit", "query", f"how many at most, 1 to {MOST}; 100 by default")
NEXT = Parameter("after", "query", "the cursor `next` of the page before")
KNOWN_BY = ("email", "user_id", "anonymous_id")


@operation(
    "/api/people",
    "People: one by an identifier, or all, newest first",
    PeoplePage,
    *(Parameter(kind, "query", f"the person with this {kind}") for kind in KNOWN_BY),
    LIMIT,
    NEXT,
)
def _people() -> PeoplePage:
    parts = wiring.parts()
    given = app.current_event.query_string_parameters or {}
    asked = [(kind, given[kind]) for kind in KNOWN_BY if kind in given]
    if len(asked) > 1:
        raise BadRequestError(f"one of {', '.join(KNOWN_BY)} at a time")
    if asked and not asked[0][1]:
        raise BadRequestError(f'"{asked[0][0]}" is empty')
    if asked:
        found = people.People(parts.store, parts.settings.identity_key).by(*asked[0])
        return PeoplePage([_person(found)] if found else [])
    profiles, after = parts.store.listing(Profile, limit=_limit(), after=_asked("after"))
    return PeoplePage([_person(profile) for profile in profiles], after)


def _person(profile: Profile) -> views.Person:
    return views.person(profile, people.permission_of(wiring.parts().store, profile.person))


def _profile(person_id: str) -> Profile:
    short = len(person_id) <= LONGEST
    found = people.find_profile(wiring.parts().store, person_id) if short else None
    if found is None:
        raise NotFoundError(f'no person has the id "{person_id[:50]}"')
    return found


PERSON = Parameter("person_id", "path", "the person's id")


@operation("/api/people/{person_id}", "One person", views.Person, PERSON)
def _one_person(person_id: str) -> views.Person:
    return _person(_profile(person_id))


@operation(
    "/api/people/{person_id}/timeline",
    "A person's events, newest first",
    TimelinePage,
    PERSON,
    LIMIT,
    Parameter("after", "query", "the number `next` of the page before"),
)
def _timeline(person_id: str) -> TimelinePage:
    events = list(timeline(wiring.parts().store, _profile(person_id)))[::-1]
    text = _asked("after") or "0"
    if not text.isdecimal():
        raise BadRequestError('"after" is the "next" of the page before')
    start, limit = int(text), _limit()
    page = events[start : start + limit]
    more = str(start + limit) if start + limit < len(events) else ""
    return TimelinePage([views.timeline_event(event) for event in page], more)


@operation(
    "/api/runs",
    "Runs of a journey: those under way, then those that ended, newest first; or a person's",
    RunsPage,
    Parameter("journey", "query", "the journey's name"),
    Parameter("person", "query", "a person's id"),
    LIMIT,
    NEXT,
)
def _runs() -> RunsPage:
    store, journey = wiring.parts().store, _asked("journey")
    if _asked("person"):
        prefix = f"{journey}/" if journey else ""
        keys = _profile(_asked("person")).keys
        found = [run for key in keys for run in store.query(Run, key, prefix=prefix)]
        found.sort(key=lambda run: run.entered, reverse=True)
        return RunsPage([_run(run) for run in found])
    if not journey:
        raise BadRequestError('say which: "journey" or "person"')
    runs, after = store.listing(Run, journey, limit=_limit(), after=_asked("after"))
    return RunsPage([_run(run) for run in runs], after)


def _run(run: Run) -> views.RunView:
    if run.status == "ended":
        return views.run(run, "")
    parts = wiring.parts()
    desk, profile = journey_desk(parts), people.profile_of(parts.store, run.person)
    return views.run(run, waits_for(desk, run, profile, desk.permission(run.person)))


LANGUAGE = Parameter("in", "query", "the language of the sentences: en (by default) or de")


@operation(
    "/api/people/{person_id}/journeys/{journey}/why",
    "Why (not)? What was decided at each step of a person's runs of a journey, newest first",
    WhyPage,
    PERSON,
    Parameter("journey", "path", "the journey's name"),
    LANGUAGE,
)
def _why(person_id: str, journey: str) -> WhyPage:
    parts, profile = wiring.parts(), _profile(person_id)
    newest = parts.library.newest(journey)
    runs = [
        run for key in profile.keys for run in parts.store.query(Run, key, prefix=f"{journey}/")
    ]
    if newest is None and not runs:
        raise NotFoundError(f'no journey is called "{journey[:50]}"')
    runs.sort(key=lambda run: run.entered, reverse=True)
    desk, language = journey_desk(parts), _language()
    zone = desk.zone(profile)
    told = [
        way(desk, run, profile, _file(parts, run.journey, run.journey_version), zone, language)
        for run in runs[:MOST_TOLD]
    ]
    missing = None
    if newest and not runs:
        raw = _file(parts, journey, newest.version)
        missing = why_not(desk, profile, newest.journey, raw, language)
    return WhyPage(told, missing)


def _file(parts: wiring.Parts, journey: str, version: str) -> dict[str, Any]:
    text = parts.library.version(journey, version).files[JOURNEY_FILE]
    raw: dict[str, Any] = read(f"{journey}/{JOURNEY_FILE}", text).value
    return raw


def _language() -> Language:
    asked = _asked("in") or "en"
    found = next((language for language in LANGUAGES if language == asked), None)
    if found is None:
        raise BadRequestError(f'"in" is one of: {", ".join(LANGUAGES)}')
    return found


@operation(
    "/api/messages",
    "What a person was sent or not sent, and why; newest first",
    MessagesPage,
    Parameter("person", "query", "the person's id", required=True),
)
def _messages() -> MessagesPage:
    if not _asked("person"):
        raise BadRequestError('"person" is missing: the id of a person')
    keys = _profile(_asked("person")).keys
    found = [message for key in keys for message in wiring.parts().store.query(Message, key)]
    found.sort(key=lambda m: (m.claimed is not None, m.claimed), reverse=True)
    return MessagesPage(found)


@operation("/api/tasks", "Tasks for colleagues, newest first", TasksPage, LIMIT, NEXT)
def _tasks() -> TasksPage:
    tasks, after = wiring.parts().store.listing(Task, limit=_limit(), after=_asked("after"))
    return TasksPage([views.task(task) for task in tasks], after)


@operation(
    "/api/tasks/{person_id}/{task_id}/done",
    "Say that a task is done; what it kept back of marketing goes again",
    views.TaskView,
    PERSON,
    Parameter("task_id", "path", "the task's id"),
    method="post",
)
def _task_done(person_id: str, task_id: str) -> views.TaskView:
    store, profile = wiring.parts().store, _profile(person_id)
    found = (store.get(Task, key, task_id) for key in profile.keys if len(task_id) <= LONGEST)
    task = next(filter(None, found), None)
    if task is None:
        raise NotFoundError(f'this person has no task with the id "{task_id[:50]}"')
    done = change(store, lambda: store.get(Task, task.person, task_id) or task, _finish)
    people.end_pause_of(store, profile.person, task_id)  # after it: a retry of the step looks
    return views.task(done)


def _finish(task: Task) -> bool:
    was_open, task.status = task.status == "open", "done"
    return was_open


@operation("/api/journeys", "The newest version of every journey", JourneysPage)
def _journeys() -> JourneysPage:
    published = wiring.parts().library.journeys()
    return JourneysPage([_journey_view(one) for one in published])


def _journey_view(one: Published) -> JourneyView:
    name = one.journey.name
    return JourneyView(name, one.journey.title, one.version, _state(name))


def _state(journey: str) -> Literal["open", "paused", "stopped"]:
    library = wiring.parts().library
    if library.is_paused(journey):
        return "paused"
    return "stopped" if library.is_closed(journey) else "open"


@operation(
    "/api/journeys/{journey}/enter",
    "Let a person into a journey; its own rules decide",
    Entered,
    Parameter("journey", "path", "the journey's name"),
    method="post",
    body=Entry,
)
def _enter(journey: str) -> Entered:
    try:
        asked = msgspec.json.decode(app.current_event.decoded_body or "{}", type=Entry)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequestError(f"the body cannot be read: {error}") from None
    if len(msgspec.json.encode(asked.properties)) > MOST_PROPERTIES:
        raise BadRequestError(f'"properties" has at most {MOST_PROPERTIES} bytes')
    profile = _asked_for(asked)
    desk = journey_desk(wiring.parts())
    occasion = asked.occasion or secrets.token_hex(8)
    try:
        run, why_not = enter_by_api(desk, profile, journey, occasion, asked.properties)
    except LookupError as error:
        raise NotFoundError(str(error.args[0])[:LONGEST]) from None
    return Entered(bool(run), profile.person, run, why_not)


def _asked_for(asked: Entry) -> Profile:
    parts = wiring.parts()
    given = {kind: getattr(asked, kind) for kind in ("person", "user_id", "email")}
    said = [(kind, value) for kind, value in given.items() if value]
    if len(said) != 1:
        raise BadRequestError("say who: one of person, user_id, email")
    [(kind, value)] = said
    if kind == "person":
        return _profile(value)
    found = people.People(parts.store, parts.settings.identity_key).by(kind, value)
    if found is None:
        raise NotFoundError(f'nobody has this {kind}: "{value[:50]}"')
    return found
