"""The OpenAPI document, made from the same table as the routes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from functions.doors import scopes


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation, always text."""

    name: str
    place: Literal["query", "path", "header"]
    description: str
    required: bool = False


JSON, HTML, FORM = "application/json", "text/html", "application/x-www-form-urlencoded"
# What stands in a body or an answer, by content type: a Struct, or None for what has no schema.
Contents = Mapping[str, type | None]


@dataclass(frozen=True)
class Operation:
    """One method of one path, and the Struct that it answers with (None: no JSON)."""

    method: str
    path: str
    summary: str
    answer: type | None = None
    parameters: Sequence[Parameter] = ()
    key: Literal["secret_key", "write_key", ""] = ""
    body: type | None = None
    needs: str | None = None  # the scope; by method and path where it is not said
    body_types: Sequence[str] = (JSON,)
    done: Literal["200", "302"] = "200"
    # By status, where it is not `answer` when it is done, and else code and message.
    answers: Mapping[str, Contents] | None = None

    @property
    def called(self) -> str:
        """The operation in one line, as the audit log names it."""
        return f"{self.method.upper()} {self.path}"

    @property
    def scope(self) -> str:
        """The scope that a secret key needs for it, "" where any will do."""
        return scopes.needed(self.method, self.path) if self.needs is None else self.needs


class ProblemView(msgspec.Struct):
    """A problem in a file."""

    file: str
    line: int
    message: str


class ErrorView(msgspec.Struct):
    """Every error: a code for programs, a message for people; what is wrong in files."""

    code: str
    message: str
    problems: list[ProblemView] = []


class Accepted(msgspec.Struct, kw_only=True):
    """All events were taken but those in `errors`."""

    success: bool
    errors: list[dict[str, Any]] = []


class Call(msgspec.Struct, kw_only=True, rename="camel"):
    """One call of Segment's HTTP API; more fields by type, see Segment's specification."""

    write_key: str = ""
    user_id: str = ""
    anonymous_id: str = ""
    message_id: str = ""
    timestamp: str = ""
    sent_at: str = ""
    event: str = ""
    name: str = ""
    group_id: str = ""
    previous_id: str = ""
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}


class Batch(msgspec.Struct, kw_only=True, rename="camel"):
    """Many calls at once, each with its `type`."""

    batch: list[dict[str, Any]]
    write_key: str = ""
    sent_at: str = ""
    context: dict[str, Any] = {}


COLLECTING = [
    *(
        Operation("post", f"/v1/{kind}", f"A {kind} call", Accepted, (), "write_key", Call)
        for kind in ("identify", "track", "page", "screen", "group", "alias")
    ),
    Operation("post", "/v1/batch", "Up to 2,500 calls", Accepted, (), "write_key", Batch),
]


def document(operations: Iterable[Operation], url: str) -> dict[str, Any]:
    """OpenAPI 3.1 of these operations."""
    found = list(operations)
    bodies = {
        kind
        for operation in found
        for contents in ({"": operation.body}, *_answers(operation).values())
        for kind in contents.values()
        if kind
    }
    types = sorted(bodies | {ErrorView}, key=lambda kind: kind.__name__)
    _, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    components = _amounts_as_numbers(components)
    paths: dict[str, Any] = {}
    for operation in found:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tante", "version": "1"},
        "servers": [{"url": url}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "secret_key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-tante"},
                "write_key": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _amounts_as_numbers(schema: Any) -> Any:
    """msgspec describes a Decimal as text; all our answers write it as a number."""
    if isinstance(schema, list):
        return [_amounts_as_numbers(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        return {"type": "number"}
    return {key: _amounts_as_numbers(value) for key, value in schema.items()}


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": [
            {
                "name": parameter.name,
                "in": parameter.place,
                "description": parameter.description,
                "required": parameter.required or parameter.place == "path",
                "schema": {"type": "string"},
            }
            for parameter in operation.parameters
        ],
        "responses": {
            status: {"description": _told(status), **_content(contents)}
            for status, contents in _answers(operation).items()
        },
    }
    if operation.key == "secret_key":
        # From OpenAPI 3.1 on the list may name what a key of any scheme must be allowed.
        needs = [operation.scope] if operation.scope else []
        described["security"] = [{"secret_key": needs}, {"session": needs}]
    elif operation.key:
        described["security"] = [{operation.key: []}]
    if operation.body:
        taken = dict.fromkeys(operation.body_types, operation.body)
        described["requestBody"] = {"required": True, **_content(taken)}
    return described


def _answers(operation: Operation) -> Mapping[str, Contents]:
    if operation.answers is not None:
        return operation.answers
    done: Contents = {JSON: operation.answer} if operation.answer else {}
    return {operation.done: done, "4XX": {JSON: ErrorView}}


def _told(status: str) -> str:
    return {"2": "Done", "3": "Done; go there", "4": "Refused", "5": "Try once more"}[status[0]]


def _content(contents: Contents) -> dict[str, Any]:
    if not contents:
        return {}
    return {"content": {name: _schema(kind) for name, kind in contents.items()}}


def _schema(kind: type | None) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}} if kind else {}
