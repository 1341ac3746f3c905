"""The door of the admin API: who may ask, how an operation is registered and how it answers."""

import math
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Literal, TypeVar
from urllib.parse import unquote

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import (
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    ServiceError,
    UnauthorizedError,
)

from functions.doors import scopes
from functions.handlers import callers, headers, throttle, wiring
from functions.handlers.discreet import Logger
from functions.handlers.openapi import Operation, Parameter
from functions.segments.spoken import LANGUAGES, Language
from functions.storage import people
from functions.tracking.profile import Profile

app = APIGatewayHttpResolver()
logger = Logger(service="answer_admin")
T = TypeVar("T")
_encode = msgspec.json.Encoder(decimal_format="number").encode
MOST, LONGEST = 500, 500  # of a page; of a parameter
OF_COPIES = throttle.Rate(120, timedelta(hours=1))  # pages of whole people, by one key
CODES = {
    **{400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found"},
    **{409: "conflict", 429: "too_many_requests"},
}


class TooMany(ServiceError):
    """Asked too often; come again after this long."""

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, math.ceil(wait.total_seconds()))
        super().__init__(429, f"too many requests; come again in {self.seconds} s")


@app.exception_handler(ServiceError)  # type: ignore[untyped-decorator]
def _refused(error: ServiceError) -> Response[bytes]:
    code = CODES.get(error.status_code, "error")
    answer = answer_json({"code": code, "message": error.msg}, error.status_code)
    if isinstance(error, TooMany):
        answer.headers["retry-after"] = str(error.seconds)
    return answer


@app.exception_handler(Exception)  # type: ignore[untyped-decorator]
def _failed(error: Exception) -> Response[bytes]:
    logger.exception("request failed")
    words = "Something failed here; the same request may work."
    return answer_json({"code": "internal_error", "message": words}, 500)


@app.not_found
def _unknown(error: Exception) -> Response[bytes]:
    # The router sends our own "no such person" here as well: its words are better.
    said = error.msg if isinstance(error, NotFoundError) and error.msg != "Not found" else ""
    message = said or "no such address; see /openapi.json"
    return answer_json({"code": "not_found", "message": message}, 404)


def answer_json(body: Any, status: int = 200) -> Response[bytes]:
    """An answer with any of our Structs as its body."""
    return Response(
        status,
        content_type="application/json",
        body=_encode(body).decode(),  # type: ignore[arg-type]
        headers=dict(headers.DATA),
    )


OPERATIONS: list[Operation] = []


def operation(
    path: str,
    summary: str,
    answer: type,
    *parameters: Parameter,
    method: Literal["get", "post", "put", "delete"] = "get",
    body: type | None = None,
    needs: str | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a method of the admin API, for the router and for /openapi.json at once.

    `needs` is the scope that a key must have ("": any key may), by the path where it is not said.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        asked = Operation(method, path, summary, answer, parameters, "secret_key", body, needs)
        OPERATIONS.append(asked)

        def guarded(**ids: str) -> Response[bytes]:
            if "account_id" in ids:  # encoded by `answer_admin`
                ids["account_id"] = unquote(ids["account_id"])
            return guard(asked, ids, lambda: answer_json(function(**ids)))

        where = path.replace("{", "<").replace("}", ">")
        return app.route(where, [method.upper()])(guarded)

    return register


def json_body() -> dict[str, Any]:
    """The body of the request. Raises BadRequestError."""
    try:
        found = msgspec.json.decode(app.current_event.decoded_body or "{}")
    except (ValueError, RecursionError) as error:  # also of bytes that are no text
        raise BadRequestError(f"the body is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadRequestError("the body is a JSON object")
    return found


def read_as(kind: type[T]) -> T:
    """The body of the request as this Struct (an empty body is {}). Raises BadRequestError."""
    try:
        return msgspec.json.decode(app.current_event.decoded_body or "{}", type=kind)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"the body cannot be read: {error}") from None


def guard(
    asked: Operation, ids: dict[str, str], answer: Callable[[], Response[Any]]
) -> Response[Any]:
    """Answer an operation for whoever may ask for it, and write down that they did.

    Where that cannot be written down there is no answer either.
    """
    caller = known_caller()
    status = 500
    try:
        caller.may(asked.scope)
        check_parameters(asked.parameters)
        _check_pace(asked, caller)
        done = answer()
        status = done.status_code
        return done
    except callers.Forbidden as error:
        status = 403
        raise ForbiddenError(str(error)) from None
    except ServiceError as error:
        status = error.status_code
        raise
    finally:
        if status == 403 or scopes.is_noted(asked.method, asked.path):
            also = {"person": query("person")} if query("person") else {}
            event = app.current_event.raw_event
            callers.note(wiring.parts(), caller, asked.called, ids | also, event, status)


def known_caller() -> callers.Caller:
    """Who asks. Raises UnauthorizedError, ForbiddenError."""
    event = app.current_event.raw_event
    try:
        return callers.of_request(wiring.parts(), event)
    except callers.Unknown as error:
        # Not written down as an act: whoever is nobody could fill the store with them.
        logger.warning("unknown caller", where=event["requestContext"]["http"].get("sourceIp"))
        raise UnauthorizedError(str(error)) from None
    except callers.Forbidden as error:
        raise ForbiddenError(str(error)) from None


def _check_pace(asked: Operation, caller: callers.Caller) -> None:
    """Raises TooMany when a key takes more copies of people than anybody needs."""
    if scopes.COPIES.isdisjoint(scopes.nouns(asked.path)):
        return
    parts = wiring.parts()
    wait = throttle.wait_for(parts.store, "copies", caller.key_hash, parts.now(), OF_COPIES)
    if wait:
        raise TooMany(wait)


def check_parameters(parameters: Iterable[Parameter]) -> None:
    """Raises BadRequestError when the query has others, or one that is too long."""
    known = {parameter.name for parameter in parameters if parameter.place == "query"}
    for name, value in (app.current_event.query_string_parameters or {}).items():
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none"
            raise BadRequestError(f'"{name[:50]}" is not a parameter here; there are: {allowed}')
        if len(value) > LONGEST:
            raise BadRequestError(f'"{name}" has at most {LONGEST} letters')


def query(name: str) -> str:
    """A parameter of the query, "" when it is not given."""
    return (app.current_event.query_string_parameters or {}).get(name) or ""


def page_size() -> int:
    """How many are asked for at most. Raises BadRequestError."""
    text = query("limit") or "100"
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise BadRequestError(f'"limit" is a number from 1 to {MOST}')
    return int(text)


LIMIT = Parameter("limit", "query", f"how many at most, 1 to {MOST}; 100 by default")
NEXT = Parameter("after", "query", "the cursor `next` of the page before")


def profile_of_id(person_id: str) -> Profile:
    """The person, merges followed. Raises NotFoundError."""
    short = len(person_id) <= LONGEST
    found = people.find_profile(wiring.parts().store, person_id) if short else None
    if found is None:
        raise NotFoundError(f'no person has the id "{person_id[:50]}"')
    return found


def own_record(kind: type[T], profile: Profile, record_id: str) -> T:
    """The person's record of this kind, under whatever key they had then. Raises NotFoundError."""
    store, called = wiring.parts().store, kind.__name__.lower()
    if len(record_id) <= LONGEST:
        for key in profile.keys:
            found = store.get(kind, key, record_id)
            if found is not None:
                return found
    raise NotFoundError(f'this person has no {called} with the id "{record_id[:50]}"')


PERSON = Parameter("person_id", "path", "the person's id")
LANGUAGE = Parameter("in", "query", "the language of the sentences: en (by default) or de")


def chosen_language() -> Language:
    """In which language the sentences are wanted. Raises BadRequestError."""
    asked = query("in") or "en"
    found = next((language for language in LANGUAGES if language == asked), None)
    if found is None:
        raise BadRequestError(f'"in" is one of: {", ".join(LANGUAGES)}')
    return found
