"""Whether anything in a forecast asks what the rules say of people: segments, stages, points.

If nothing does, they need not be kept: what follows from them is seen by nobody. Told by words, so
that a title that has one of them costs time and nothing else.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from functions.journeys.run import JourneyVersion
from functions.journeys.yaml_file import read
from functions.messages.brand import BRAND
from functions.segments.rules import CODES_FILE, LIMITS_FILE, SALES_FILE

_ASKS = re.compile("segment|stage|phase|score|points", re.IGNORECASE)
_DEALS = "stages"  # of sales.yaml: those of a deal, not of a person


def asks_for_rules(versions: Iterable[JourneyVersion]) -> bool:
    """Whether a journey, the subject of a message, a limit, a code or the routing of tasks does."""
    return any(map(_ASKS.search, _words(versions)))


def _words(versions: Iterable[JourneyVersion]) -> Iterator[str]:
    for version in versions:
        is_brand = version.journey == BRAND
        for name, text in version.files.items():
            if is_brand and name in (LIMITS_FILE, CODES_FILE):
                yield from _texts(read(name, text).value)
            elif is_brand and name == SALES_FILE:
                said = read(name, text).value or {}
                yield from _texts({word: said[word] for word in said if word != _DEALS})
            elif not is_brand and name == "journey.yaml":
                yield from _texts(read(name, text).value)
            elif name.endswith(".subject"):
                yield text


def _texts(value: Any) -> Iterator[str]:
    """All words in what a file says, but no comments."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield str(key)
            yield from _texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below)
    elif isinstance(value, str):
        yield value
