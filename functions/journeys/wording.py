"""What the schema found, said to a marketer: what is wrong and what would be right."""

import difflib
from collections.abc import Iterator
from typing import Any

from functions.journeys import journey as journeys
from functions.journeys import steps
from functions.journeys.yaml_file import Path

KINDS = {
    "string": "a text",
    "object": "a mapping",
    "array": "a list",
    "integer": "a number",
    "number": "a number",
    "boolean": "true or false",
}


def sentences(error: Any) -> Iterator[tuple[Path, str]]:
    """The places and sentences for one jsonschema.ValidationError (untyped there)."""
    path = tuple(error.absolute_path)
    wanted = error.validator_value
    match error.validator:
        case "additionalProperties":
            for word in sorted(set(error.instance) - set(error.schema["properties"])):
                yield (*path, word), _unknown(word, error)
        case "oneOf":
            yield path, _no_verb(error.instance)
        case "required":
            for word in wanted:
                if word not in error.instance:
                    yield path, f'"{word}" is missing{_beside(error.instance)}'
        case "pattern":
            hint = error.schema.get("patternErrorMessage", error.message)
            yield path, f"{error.instance!r} does not fit: {hint}"
        case _:
            yield path, f'"{_last_word(path)}": {_plain(error)}'


def is_said_already(error: Any) -> bool:
    """Whether the sentence about a step's verb says as much."""
    if error.validator == "additionalProperties":
        return len(_verbs(error.instance)) > 1
    place = list(error.absolute_path)[-1:]
    return error.validator == "type" and bool(place) and isinstance(place[0], int)


def _unknown(word: str, error: Any) -> str:
    if word in journeys.NOT_YET or word in steps.NOT_YET:
        return f'"{word}" is not built yet'
    known = list(error.schema["properties"])
    close = difflib.get_close_matches(word, known, 1, cutoff=0.6)
    hint = f'did you mean "{close[0]}"?' if close else f"here go: {', '.join(known)}"
    return f'"{word}" is unknown{_beside(error.instance)}; {hint}'


def _beside(raw: Any) -> str:
    verb = steps.verb_of(raw) if isinstance(raw, dict) else ""
    return f' beside "{verb}"' if verb else ""


def _no_verb(raw: Any) -> str:
    verbs = ", ".join(steps.types())
    if not isinstance(raw, dict):
        return f"a step is a mapping that starts with one of: {verbs}"
    found = _verbs(raw)
    if len(found) > 1:
        return f"a step has exactly one verb; here are: {', '.join(found)}"
    later = [word for word in raw if word in steps.NOT_YET]
    if later:
        return f'"{later[0]}" is not built yet'
    first = next(iter(raw), "")
    close = difflib.get_close_matches(str(first), steps.types(), 1)
    hint = f'did you mean "{close[0]}"?' if close else f"there are: {verbs}"
    return f'"{first}" is not a step; {hint}'


def _verbs(raw: Any) -> list[str]:
    return [verb for verb in steps.types() if verb in raw]


def _last_word(path: Path) -> str:
    words = [str(part) for part in path if isinstance(part, str)]
    return words[-1] if words else "journey"


def _plain(error: Any) -> str:
    if error.validator == "type":
        wanted = error.validator_value
        kinds = [
            KINDS.get(kind, kind) for kind in ([wanted] if isinstance(wanted, str) else wanted)
        ]
        return f"{error.instance!r} is not {' or '.join(kinds)}"
    if error.validator == "enum" and error.instance in journeys.NOT_YET:
        return f'"{error.instance}" is not built yet'
    if error.validator == "enum":
        allowed = ", ".join(str(value) for value in error.validator_value if value)
        return f"{error.instance!r} is not one of: {allowed}"
    if error.validator in ("minItems", "minLength"):
        return "must not be empty"
    return str(error.message)
