"""Liquid as Python: a template that python-liquid has read becomes one function, twice as fast.

The function says what python-liquid would say, or nothing: wherever the two might differ (a tag not
known here, any error, a limit that comes near) it raises, and python-liquid is asked instead. So
errors, limits and rare tags are python-liquid's own, and only the speed is ours. Comparisons,
filters and the ways into lists are its functions too.
"""

from collections.abc import Mapping
from typing import Any

from liquid import BoundTemplate

from functions.messages.compiled_source import Unsure
from functions.messages.compiled_tags import Fill, Writer

USES = 8  # Python's own compiling costs as much as filling in so often


class Quick:
    """A template that is filled in by python-liquid at first and by a function when used often."""

    def __init__(self, template: BoundTemplate) -> None:
        self._template = template
        self._function: Fill | None = None
        self._uses = 0

    def fill(self, values: Mapping[str, Any]) -> str:
        """The text for one person. Raises what python-liquid raises."""
        self._uses += 1
        if self._uses == USES:
            self._function = function_of(self._template)
        if self._function is not None:
            try:
                return self._function(values)
            except Exception:  # whatever it is, python-liquid says it in its own words
                pass
        return str(self._template.render(**values))


def function_of(template: BoundTemplate) -> Fill | None:
    """A function from values to text, or None for a template with something not known here.

    It raises where it may differ from python-liquid; what it returns is what python-liquid returns.
    """
    try:
        return Writer(template).function()
    except (Unsure, UnicodeError, SyntaxError, RecursionError):  # Python nests less deeply
        return None
