"""What a condition means as the Python expression that somebody would write by hand.

It is the floor of `bench-conditions`: plain names for what is known of one person, compared by
Python's own operators; nothing else is computed.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import CodeType
from typing import Any

from functions.segments.phrases import duration

_OPERATORS = {
    "": "==",
    "not": "!=",
    "at least": ">=",
    "at most": "<=",
    "more than": ">",
    "less than": "<",
    "one of": "in",
    "none of": "not in",
}
_RECEIPTS = {"sent", "opened", "clicked", "bounced"}


class Expression:
    """One condition; `code` is to be evaluated with `fields` (of a person), `times` (a list of
    moments for each of `clauses`) and `now` as names."""

    def __init__(self, who: Mapping[str, Any], segments: Mapping[str, Mapping[str, Any]]) -> None:
        self.segments = segments
        self.clauses: list[Mapping[str, Any]] = []
        self.names: dict[str, Any] = {}
        self.text = self._sentence(who)
        self.code: CodeType = compile(self.text, "<by hand>", "eval")

    def _sentence(self, raw: Mapping[str, Any]) -> str:
        for word, between in (("all of", " and "), ("any of", " or "), ("none of", " or ")):
            if word in raw:
                text = between.join(f"({self._sentence(part)})" for part in raw[word])
                return f"not ({text})" if word == "none of" else text
        if "in segment" in raw:
            return self._sentence(self.segments[raw["in segment"]])
        if "person" in raw:
            return " and ".join(self._field(*item) for item in raw["person"].items())
        return self._counted(raw)

    def _counted(self, raw: Mapping[str, Any]) -> str:
        self.clauses.append(raw)
        times = f"times[{len(self.clauses) - 1}]"
        if _RECEIPTS & raw.keys():
            return f"bool({times})"
        if "in the last" in raw:
            since = self._name(duration(raw["in the last"]).at_most)
            times = f"[time for time in {times} if time >= now - {since}]"
        return self._test(f"len({times})", raw["times"]) if "times" in raw else f"bool({times})"

    def _field(self, path: str, test: Any) -> str:
        value = f"fields[{path!r}]"
        if isinstance(test, dict) and "known" in test:
            return f"{value} is {'not ' if test['known'] else ''}None"
        known = f"{value} is not None and ({self._test(value, test)})"
        passes_unknown = isinstance(test, dict) and {"not", "none of"} & test.keys()
        return f"({value} is None or {self._test(value, test)})" if passes_unknown else f"({known})"

    def _test(self, value: str, raw: Any) -> str:
        tests = raw if isinstance(raw, dict) else {"": raw}
        return " and ".join(self._one(value, word, said) for word, said in tests.items())

    def _one(self, value: str, word: str, said: Any) -> str:
        if word in _OPERATORS:
            wanted = self._name(Decimal(str(said))) if isinstance(said, float) else repr(said)
            return f"{value} {_OPERATORS[word]} {wanted}"
        if word in ("before", "after"):
            return f"{value} {'<' if word == 'before' else '>'} {self._name(_day(said))}"
        if word == "starts with":
            return f"{value}.startswith({said!r})"
        if word == "in the last":
            return f"now - {self._name(duration(said).at_most)} <= {value} <= now"
        raise NotImplementedError(f"nobody has written {word} by hand yet")

    def _name(self, value: Any) -> str:
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name


def _day(said: str) -> datetime:
    return datetime.fromisoformat(said).replace(tzinfo=UTC)
