"""Codes in a template: asked for only where one is shown, and never shown empty."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from functions.tracking.permission import Refused


class Given(NamedTuple):
    """The person's code with its end and its worth; without a code, why there is none."""

    code: str
    expires: datetime | None = None
    worth: str = ""
    why_not: str = ""


Give = Callable[[str], Given]  # the person's code of a name


class Code:
    """`code.NAME`: a text, and false where there is none, so that `if` and `default` can tell.

    Shown all the same, the message is not sent: Liquid would show nothing at all.
    """

    def __init__(self, given: Given) -> None:
        self._given = given

    def __str__(self) -> str:
        """Raises Refused where there is none."""
        if not self._given.code:
            raise Refused(self._given.why_not)
        return self._given.code

    def __liquid__(self) -> str | bool:
        return self._given.code or False

    def __getitem__(self, name: str) -> Any:
        if name not in ("expires", "worth"):
            raise KeyError(name)
        return getattr(self._given, name)


class Codes:
    """`code`: each is asked for when a template comes to it, once a message."""

    def __init__(self, give: Give) -> None:
        self._give = give
        self._codes: dict[str, Code] = {}

    def __getitem__(self, name: str) -> Code:
        if name not in self._codes:
            self._codes[name] = Code(self._give(name))
        return self._codes[name]


def unknown(name: str) -> Given:
    """Where nothing of the name is known (any more)."""
    return Given("", why_not=f"codes.yaml has no such code: {name}")


def sample(name: str) -> Given:
    """What a preview shows."""
    return Given(f"SAMPLE-{name.upper()}", datetime(2030, 1, 31, tzinfo=UTC), "10 %")


NO_CODES, SAMPLES = Codes(unknown), Codes(sample)
