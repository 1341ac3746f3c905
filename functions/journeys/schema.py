"""The JSON Schema of a journey, generated from its own Struct and those of the step types."""

from typing import Annotated, Any

import msgspec

from functions.segments.hours import HOURS_EXAMPLE, HOURS_PATTERN
from functions.segments.moment import MOMENT_EXAMPLE, MOMENT_PATTERN
from functions.segments.phrases import (
    BUDGET_EXAMPLE,
    BUDGET_PATTERN,
    DURATION_EXAMPLE,
    DURATION_PATTERN,
    SHARE_EXAMPLE,
    SHARE_PATTERN,
    WITHIN_EXAMPLE,
    WITHIN_PATTERN,
)
from functions.tracking.message import Kind


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _phrase(description: str, pattern: str, example: str) -> msgspec.Meta:
    """A pattern, with the sentence that editors and the checker show where it does not fit."""
    return msgspec.Meta(
        pattern=pattern,
        description=description,
        extra_json_schema={"patternErrorMessage": example},
    )


Duration = Annotated[str, _phrase("How long", DURATION_PATTERN, DURATION_EXAMPLE)]
Within = Annotated[str, _phrase("In which of the next hours", WITHIN_PATTERN, WITHIN_EXAMPLE)]
Moment = Annotated[str, _phrase("Until when", MOMENT_PATTERN, MOMENT_EXAMPLE)]
Hours = Annotated[str, _phrase("When messages go", HOURS_PATTERN, HOURS_EXAMPLE)]
UNTIL_DONE = "until done"
MarketingPause = Annotated[
    str,
    _phrase(
        "How long nothing goes that needs consent",
        rf"^{UNTIL_DONE}(?!\n)$|{DURATION_PATTERN}",
        f'a pause is "{UNTIL_DONE}" or a duration, like "2 weeks"',
    ),
]
Name = Annotated[
    str,
    _phrase(
        "A name",
        r"^[a-z0-9]+(-[a-z0-9]+)*$",
        'a name is written in small letters, digits and hyphens, like "welcome-back"',
    ),
]
Words = Annotated[
    str,
    _phrase(
        "A name of words",
        r"^[a-z][a-z0-9]*( [a-z0-9]+)*(?!\n)$",
        'it is called in small letters, digits and spaces, like "last call"',
    ),
]
Share = Annotated[str, _phrase("How many of all", SHARE_PATTERN, SHARE_EXAMPLE)]
Budget = Annotated[str, _phrase("What it may cost in a month", BUDGET_PATTERN, BUDGET_EXAMPLE)]
Value = Annotated[Any, msgspec.Meta(extra_json_schema={"type": ["string", "number", "boolean"]})]
Points = Annotated[float, msgspec.Meta(ge=-1_000_000, le=1_000_000)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Steps = Annotated[list[Any], msgspec.Meta(min_length=1, extra_json_schema={"items": _ref("step")})]
Condition = Annotated[dict[str, Any], msgspec.Meta(extra_json_schema=_ref("condition"))]
Happening = Annotated[dict[str, Any], msgspec.Meta(extra_json_schema=_ref("happening"))]
Happenings = Annotated[
    list[dict[str, Any]],
    msgspec.Meta(
        min_length=1,
        extra_json_schema={
            "items": {
                "type": "object",
                "properties": {"then": {"type": "array", "minItems": 1, "items": _ref("step")}},
            }
        },
    ),
]
Event = Annotated[dict[str, Any], msgspec.Meta(extra_json_schema=_ref("event"))]
Entering = Annotated[dict[str, Any], msgspec.Meta(extra_json_schema=_ref("entering"))]
Limit = Annotated[dict[str, Any], msgspec.Meta(extra_json_schema=_ref("limit"))]
Priority = Annotated[int, msgspec.Meta(ge=-1000, le=1000)]
Class = Annotated[
    Kind,
    msgspec.Meta(description="what the messages are, for limits.yaml: automation without it"),
]


_MOMENT = {"type": "string", "pattern": MOMENT_PATTERN, "patternErrorMessage": MOMENT_EXAMPLE}


def step_schema(types: dict[str, type]) -> dict[str, Any]:
    """A step has exactly one verb; the verb chooses the schema of the rest."""
    return {
        "type": "object",
        "oneOf": [{"required": [verb]} for verb in types],
        "allOf": [
            {"if": {"required": [verb]}, "then": _ref(step.__name__)}
            for verb, step in types.items()
        ],
    }


def language(conditions: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """Schemas of the parts that stand in many places: conditions, events, happenings."""
    text_or_list = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    event = {
        "type": "object",
        "properties": {
            "event": text_or_list,
            "where": {"type": "object"},
            "same": {"type": ["string", "object"]},
        },
        "required": ["event"],
    }
    words = sorted({word for first, beside in conditions.items() for word in (first, *beside)})
    return {
        "event": event,
        "condition": {
            "type": "object",
            "properties": dict.fromkeys(words, True),
            "oneOf": [{"required": [first]} for first in conditions],
        },
        "entering": {
            "if": {"anyOf": [{"required": ["date"]}, {"required": ["every"]}]},
            "then": {
                "type": "object",
                "properties": {"date": _MOMENT, "every": {"type": "string"}},
                "additionalProperties": False,
                "maxProperties": 1,
            },
            "else": {
                **_ref("happening"),
                "properties": {"including those already": {"type": "boolean"}},
            },
        },
        "limit": {
            "type": "object",
            "properties": {
                "share": {
                    "type": "string",
                    "pattern": SHARE_PATTERN,
                    "patternErrorMessage": SHARE_EXAMPLE,
                },
                "per hour": {"type": "integer", "minimum": 1},
            },
            "additionalProperties": False,
            "minProperties": 1,
        },
        "happening": {
            "if": {"required": ["event"]},
            "then": _ref("event"),
            "else": _ref("condition"),
        },
    }


def assemble(
    journey: type, types: dict[str, type], conditions: dict[str, tuple[str, ...]]
) -> dict[str, Any]:
    """The whole schema (draft 2020-12), as it is committed for editors."""
    _, components = msgspec.json.schema_components(
        [journey, *types.values()], ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A journey of Tante",
        "$ref": f"#/$defs/{journey.__name__}",
        "$defs": {
            **components,
            **language(conditions),
            "step": step_schema(types),
        },
    }
