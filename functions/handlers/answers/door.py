"""The door of the admin API: who may ask, how an operation is registered and how it answers."""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar
from urllib.parse import unquote

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import (
    BadRequestError,
    NotFoundError,
    ServiceError,
    UnauthorizedError,
)

from functions.handlers import wiring
from functions.handlers.openapi import Operation, Parameter
from functions.segments.spoken import LANGUAGES, Language
from functions.storage import people
from functions.tracking.profile import Profile

app = APIGatewayHttpResolver()
logger = Logger(service="answer_admin")
T = TypeVar("T")
_encode = msgspec.json.Encoder(decimal_format="number").encode
MOST, LONGEST = 500, 500  # of a page; of a parameter


@app.exception_handler(ServiceError)  # type: ignore[untyped-decorator]
def _refused(error: ServiceError) -> Response[bytes]:
    names = {400: "bad_request", 401: "unauthorized", 404: "not_found", 409: "conflict"}
    code = names.get(error.status_code, "error")
    return answer_json({"code": code, "message": error.msg}, error.status_code)


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
    )


OPERATIONS: list[Operation] = []


def operation(
    path: str,
    summary: str,
    answer: type,
    *parameters: Parameter,
    method: Literal["get", "post", "put", "delete"] = "get",
    body: type | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a method of the admin API, for the router and for /openapi.json at once."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        OPERATIONS.append(Operation(method, path, summary, answer, parameters, "secret_key", body))

        def guarded(**ids: str) -> Response[bytes]:
            authorise()
            check_parameters(parameters)
            if "account_id" in ids:  # encoded by `answer_admin`
                ids["account_id"] = unquote(ids["account_id"])
            return answer_json(function(**ids))

        where = path.replace("{", "<").replace("}", ">")
        return app.route(where, [method.upper()])(guarded)

    return register


def json_body() -> dict[str, Any]:
    """The body of the request. Raises BadRequestError."""
    raw = app.current_event.decoded_body
    try:
        found = msgspec.json.decode(raw) if raw else {}
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequestError(f"the body is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadRequestError("the body is a JSON object")
    return found


def read_as(kind: type[T]) -> T:
    """The body of the request as this Struct (an empty body is {}). Raises BadRequestError."""
    try:
        return msgspec.json.decode(app.current_event.decoded_body or "{}", type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequestError(f"the body cannot be read: {error}") from None


def authorise() -> None:
    """Raises UnauthorizedError without the secret key."""
    given = (app.current_event.headers.get("authorization") or "").removeprefix("Bearer ")
    digest = hashlib.sha256(given.encode()).hexdigest()
    if not hmac.compare_digest(digest, wiring.parts().settings.admin_key_hash):
        raise UnauthorizedError("send the secret key as a Bearer token")


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
