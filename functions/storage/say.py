"""A word to a person's permission item, in one call of DynamoDB that reads and unpacks nothing.

Imported by the door through which people leave, so it stands on the standard library alone.
"""

from __future__ import annotations

from collections.abc import Callable

TYPE_CHECKING = False  # as in `typing`, whose import costs a tenth of the start
if TYPE_CHECKING:
    from typing import Any

    # An operation and what to ask of it; None where a condition did not hold.
    Ask = Callable[[str, dict[str, Any]], dict[str, Any] | None]

PERMISSION = "permission"  # the sort key of the item (`storage.kinds`)
NOT_SO = "ConditionalCheckFailedException"  # DynamoDB's name for a condition that does not hold
MOST_REDIRECTS = 10
MOST_WORDS = 100  # whoever presses a button all day makes nobody's item large
TRIES = 2  # somebody may have just moved, or come back


class TooManyWords(Exception):
    """They are taken in when the events of these words are processed: later there is room."""


def withdrawn(time: str, channel: str, purpose: str) -> str:
    """The word of a withdrawal, as `permission.take_in` reads it; `time` is ISO, in UTC."""
    return f"{time} {channel}/{purpose}"


def say_here(ask: Ask, table: str, pk: str, sk: str, word: str) -> str | None:
    """Say it to one item: "" when that is done, else where the item has moved to; None when there
    is no item. Done twice it is as done once, but for the version, which says only that something
    has changed. Raises TooManyWords."""
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    said = {
        "TableName": table,
        "Key": key,
        "UpdateExpression": "ADD said :word, version :one",
        "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(moved) "
        "AND (attribute_not_exists(said) OR size(said) < :most)",
        "ExpressionAttributeValues": {
            ":word": {"SS": [word]},
            ":one": {"N": "1"},
            ":most": {"N": str(MOST_WORDS)},
        },
    }
    look = {
        "TableName": table,
        "Key": key,
        "ProjectionExpression": "sk, moved",
        "ConsistentRead": True,
    }
    for _ in range(TRIES):
        if ask("UpdateItem", said) is not None:
            return ""
        found = (ask("GetItem", look) or {}).get("Item")
        if not found:
            return None
        if "moved" in found:
            return str(found["moved"]["S"])
    raise TooManyWords(f"more than {MOST_WORDS} words since the item was put")


def say(ask: Ask, table: str, person: str, word: str) -> bool:
    """Say it to the person, redirects followed. False: there is nobody."""
    for _ in range(MOST_REDIRECTS):
        moved = say_here(ask, table, person, PERMISSION, word)
        if not moved:
            return moved is not None
        person = moved
    raise RuntimeError(f"more than {MOST_REDIRECTS} redirects from one person")
