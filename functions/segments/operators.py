"""The tests that a field may be put to: one table, a function each."""

import operator
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from functions.segments.phrases import BadPhrase, duration

Check = Callable[[Any, datetime], bool]  # (value of the field, now) -> passes
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z", re.ASCII)


def as_moment(value: Any) -> datetime | None:
    """A date or time in a field: ISO 8601, without a zone meaning UTC; None when it is none."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_NUMBERS = (int, float, Decimal)  # a tuple: it is asked for each test of each condition


def is_number(value: Any) -> bool:
    """Whether it is a number (true and false are not)."""
    return type(value) is not bool and isinstance(value, _NUMBERS)


def _exact(value: Any) -> Decimal | int:
    """A number as it is written: 0.1 is a tenth. An int compares exactly as it is."""
    return Decimal(str(value)) if type(value) is float else value


def same(value: Any, wanted: Any) -> bool:
    """Equal and of one kind: a number never equals a text, nor true the number 1."""
    return _is(wanted)(value)


def _is(wanted: Any) -> Callable[[Any], bool]:
    if is_number(wanted):
        number = _exact(wanted)
        return lambda value: is_number(value) and bool(_exact(value) == number)
    kind = type(wanted)
    return lambda value: type(value) is kind and bool(value == wanted)


def _equal(wanted: Any) -> Check:
    _scalar(wanted)
    is_it = _is(wanted)
    return lambda value, now: is_it(value)


def _not(wanted: Any) -> Check:
    _scalar(wanted)
    is_it = _is(wanted)
    return lambda value, now: not is_it(value)


def _one_of(wanted: Any) -> Check:
    options = [_is(option) for option in _scalars(wanted)]
    return lambda value, now: any(is_it(value) for is_it in options)


def _none_of(wanted: Any) -> Check:
    is_one_of = _one_of(wanted)
    return lambda value, now: not is_one_of(value, now)


def _compare(passes: Callable[[Any, Any], bool]) -> Callable[[Any], Check]:
    def build(wanted: Any) -> Check:
        if not is_number(wanted):
            raise BadPhrase(f"{wanted!r} is not a number{_instead_of_number(wanted)}")
        bound = _exact(wanted)
        return lambda value, now: is_number(value) and passes(_exact(value), bound)

    return build


def _instead_of_number(wanted: Any) -> str:
    if isinstance(wanted, str) and _NUMBER.match(wanted):
        return f"; without quotation marks it is one: {wanted}"
    if as_moment(wanted):
        return '; dates are compared by "before" and "after"'
    return ""


def _contains(wanted: Any) -> Check:
    if isinstance(wanted, bool) or not (isinstance(wanted, str) or is_number(wanted)):
        raise BadPhrase(f'"contains" takes a text or a number, not {wanted!r}')

    def check(value: Any, now: datetime) -> bool:
        if isinstance(value, str):
            return isinstance(wanted, str) and wanted in value
        return isinstance(value, list) and any(same(item, wanted) for item in value)

    return check


def _starts_with(wanted: Any) -> Check:
    if not isinstance(wanted, str):
        raise BadPhrase(f'"starts with" takes a text, not {wanted!r}')
    return lambda value, now: isinstance(value, str) and value.startswith(wanted)


def _moment(wanted: Any) -> datetime:
    found = as_moment(wanted)
    if found is None:
        hint = '; numbers are compared by "less than" and "more than"' if is_number(wanted) else ""
        raise BadPhrase(f'{wanted!r} is not a date; write it like "2027-01-31"{hint}')
    return found


def _before(wanted: Any) -> Check:
    bound = _moment(wanted)
    return lambda value, now: (moment := as_moment(value)) is not None and moment < bound


def _after(wanted: Any) -> Check:
    bound = _moment(wanted)
    return lambda value, now: (moment := as_moment(value)) is not None and moment > bound


def _in_the_last(wanted: Any) -> Check:
    length = duration(wanted).at_most
    return lambda value, now: (m := as_moment(value)) is not None and now - length <= m <= now


def _in_the_next(wanted: Any) -> Check:
    length = duration(wanted).at_most
    return lambda value, now: (m := as_moment(value)) is not None and now <= m <= now + length


OPERATORS: dict[str, Callable[[Any], Check]] = {
    "not": _not,
    "one of": _one_of,
    "none of": _none_of,
    "at least": _compare(operator.ge),
    "at most": _compare(operator.le),
    "more than": _compare(operator.gt),
    "less than": _compare(operator.lt),
    "contains": _contains,
    "starts with": _starts_with,
    "before": _before,
    "after": _after,
    "in the last": _in_the_last,
    "in the next": _in_the_next,
}
PASS_WHEN_MISSING = ("not", "none of")
LISTS_WHOLE = ("contains",)  # looks at a list as one value
OF_NUMBERS = ("at least", "at most", "more than", "less than")
OF_DATES = ("before", "after", "in the last", "in the next")
OF_TEXTS = ("starts with", *OF_DATES)
_OF_VALUES = ("", "not", "one of", "none of")
Kind = Literal["number", "date", "truth"]
# kind -> the tests it may be put to, its name, whether a value is of it
_KINDS: dict[Kind, tuple[tuple[str, ...], str, Callable[[Any], bool]]] = {
    "number": ((*_OF_VALUES, *OF_NUMBERS), "a number", is_number),
    "date": (OF_DATES, "a date", lambda value: False),
    "truth": (("", "not"), "true or false", lambda value: isinstance(value, bool)),
}


def _scalar(value: Any) -> None:
    if not isinstance(value, str | int | float | bool):
        raise BadPhrase(f"{value!r} is not a text, a number, true or false")


def _scalars(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise BadPhrase(f"{value!r} is not a list of values; write it like [{value}]")
    if not value:
        raise BadPhrase("[] is not a list of values: it is empty")
    for item in value:
        _scalar(item)
    return value


def test(raw: Any) -> Callable[[list[Any], datetime], bool]:
    """A test of a field from its YAML: a value (equal to it), or a mapping of operators.

    The result takes the values found (a path through a list finds several, any may pass; none
    found: the field is missing) and now. Raises BadPhrase, also for what can never be true.
    """
    if not isinstance(raw, dict):
        raw = {"": raw}
    if not raw:
        raise BadPhrase("a test is missing")
    checks = [_one_test(word, wanted) for word, wanted in raw.items()]
    _refuse_contradictions(raw)
    if len(checks) == 1:
        return checks[0]
    return lambda values, now: all(check(values, now) for check in checks)


def test_of_kind(raw: Any, kind: Kind) -> Callable[[list[Any], datetime], bool]:
    """The same for a field whose values are all of one kind. Raises BadPhrase for what they can
    never pass."""
    check = test(raw)
    _refuse_other_kinds(raw if isinstance(raw, dict) else {"": raw}, kind)
    return check


def _refuse_contradictions(raw: dict[str, Any]) -> None:
    if raw.get("known") is False and len(raw) > 1:
        raise BadPhrase(
            '"known: false" stands alone: what is not known passes no other test that says more'
        )
    numbers, texts = [w for w in raw if w in OF_NUMBERS], [w for w in raw if w in OF_TEXTS]
    if numbers and texts:
        raise BadPhrase(
            f'"{numbers[0]}" is for numbers and "{texts[0]}" for texts and dates: '
            "no value passes both"
        )
    for low in [word for word in raw if word in ("at least", "more than", "after")]:
        for high in [word for word in raw if word in ("at most", "less than", "before")]:
            if _is_empty(low, raw[low], high, raw[high]):
                raise BadPhrase(f"nothing is {low} {raw[low]} and {high} {raw[high]}")


def _is_empty(low: str, least: Any, high: str, most: Any) -> bool:
    if low == "after":
        return _moment(least) >= _moment(most)
    bottom, top = Decimal(str(least)), Decimal(str(most))
    return bottom > top or (bottom == top and (low, high) != ("at least", "at most"))


def _refuse_other_kinds(raw: dict[str, Any], kind: Kind) -> None:
    words, named, belongs = _KINDS[kind]
    for word, wanted in raw.items():
        if word not in (*words, "known"):
            allowed = ", ".join(one for one in (*words, "known") if one)
            test_of = f'"{word}"' if word else f"the value {wanted!r}"
            raise BadPhrase(f"this is {named}, and {test_of} is no test of one; use {allowed}")
        values = wanted if isinstance(wanted, list) else [wanted]
        wrong = [value for value in values if word in _OF_VALUES and not belongs(value)]
        if wrong:
            hint = _instead_of_number(wrong[0]) if kind == "number" else ""
            raise BadPhrase(f"this is {named}, and never {wrong[0]!r}{hint}")


def _one_test(word: str, wanted: Any) -> Callable[[list[Any], datetime], bool]:
    if word == "known":
        if not isinstance(wanted, bool):
            raise BadPhrase('"known" is true or false')
        return lambda values, now: bool(values) == wanted
    build = OPERATORS.get(word) if word else _equal
    if build is None:
        known = ", ".join([*OPERATORS, "known"])
        raise BadPhrase(f'"{word}" is not a test; use a value or one of: {known}')
    check, missing = build(wanted), word in PASS_WHEN_MISSING
    whole = word in LISTS_WHOLE

    def passes(values: list[Any], now: datetime) -> bool:
        if len(values) == 1 and type(values[0]) is not list:  # as nearly always
            return check(values[0], now)
        candidates = values if whole else _flat(values)
        if not candidates:  # no such field, or an empty list
            return missing
        return any(check(value, now) for value in candidates)

    return passes


def _flat(values: Iterable[Any]) -> list[Any]:
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def find(tree: Any, path: str) -> list[Any]:
    """All values at a dotted path; a path through a list finds one for each element."""
    if "." not in path and type(tree) is dict:  # as nearly always
        value = tree.get(path)
        return [] if value is None else [value]
    found = [tree]
    for part in path.split("."):
        below = []
        for node in _flat(found):
            if isinstance(node, dict) and node.get(part) is not None:
                below.append(node[part])
        found = below
    return found
