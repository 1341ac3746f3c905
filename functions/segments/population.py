"""A person among all others: the average, ABC class, RFM scores, expected value, cluster.

All of it goes by cut points that are computed once a day over everybody (see `census`), and hold
until the next day's.
"""

import re
from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from functions.segments import shopping, value
from functions.segments.behaviour import behaviour
from functions.segments.census_records import Cuts
from functions.segments.clusters import place
from functions.segments.operators import Kind, is_number
from functions.segments.phrases import BadPhrase
from functions.tracking import orders
from functions.tracking.profile import Profile

AVERAGE = "average"
# word -> the test of numbers that it is, once the average is known
WORDS = {"above": "more than", "below": "less than"}
# Fields that have an average: over the people of whom there is anything to tell.
AVERAGED = ("score", "visits", "orders", "revenue", "basket", "margin")


def _class(cuts: Cuts, name: str, amount: Decimal | None) -> str | None:
    if amount is None or name not in cuts.abc:
        return None
    least_a, least_b = cuts.abc[name]
    return "A" if amount >= least_a else "B" if amount >= least_b else "C"


def _abc(profile: Profile, now: datetime, cuts: Cuts) -> str | None:
    """A: of those with the greatest revenue who make the first 80 % of it; B: the next 15 %, if
    brand.yaml says no other shares."""
    known = orders.count(profile)
    return _class(cuts, "revenue", shopping.revenue(profile, now)) if known else None


def _abc_margin(profile: Profile, now: datetime, cuts: Cuts) -> str | None:
    """The same by contribution margin; None where it is not known."""
    return _class(cuts, "margin", shopping.margin(profile, now))


def _fifth(bounds: list[Any], value: Any) -> int:
    """From 1 to 5: how many of the four bounds are exceeded, and one."""
    return 1 + bisect_left(bounds, value)


def _recency(profile: Profile, now: datetime, cuts: Cuts) -> int | None:
    last = max(shopping.order_times(profile), default=None)
    return _fifth(cuts.recency, last) if last and cuts.recency else None


def _of_measure(name: str, value: Callable[[Profile, datetime], Any]) -> Any:
    def score(profile: Profile, now: datetime, cuts: Cuts) -> int | None:
        measure = cuts.measures.get(name)
        if measure is None or not orders.count(profile):
            return None
        return _fifth(measure.quintiles, Decimal(value(profile, now)))

    return score


_frequency = _of_measure("orders", lambda profile, now: orders.count(profile))
_monetary = _of_measure("revenue", shopping.revenue)


def _rfm(profile: Profile, now: datetime, cuts: Cuts) -> str | None:
    """Recency, frequency and monetary value, each from 1 to 5 (best), like "545"."""
    scores = [score(profile, now, cuts) for score in (_recency, _frequency, _monetary)]
    return None if None in scores else "".join(map(str, scores))


def _cluster(profile: Profile, now: datetime, cuts: Cuts) -> str | None:
    """The id of the nearest cluster, as of the day's census: so that only what happens changes it
    until the next one, and not the hours that pass."""
    return place(cuts.clusters, behaviour(profile, cuts.made)) if cuts.clusters else None


COMPUTED: dict[str, Callable[[Profile, datetime, Cuts], Any]] = {
    "abc": _abc,
    "abc_margin": _abc_margin,
    "rfm": _rfm,
    "recency_score": _recency,
    "frequency_score": _frequency,
    "monetary_score": _monetary,
    "cluster": _cluster,
    **value.COMPUTED,
}
KINDS: dict[str, Kind] = {
    "recency_score": "number",
    "frequency_score": "number",
    "monetary_score": "number",
    **value.KINDS,
}
CLASSES = ("A", "B", "C")
_CLUSTER = re.compile(r"c[1-9]\d*\Z")


def check(tests: Any) -> None:
    """Raises BadPhrase for what can never be true of a person's fields here."""
    for path, test in tests.items() if isinstance(tests, dict) else ():
        for word, wanted in test.items() if isinstance(test, dict) else (("", test),):
            if word in WORDS:
                _check_average(path, word, wanted)
            elif path in value.SHARES:
                _check_share(path, wanted)
            elif word in ("", "not", "one of", "none of"):
                for one in wanted if isinstance(wanted, list) else [wanted]:
                    _check_value(path, one)
        if isinstance(test, dict) and len(WORDS.keys() & test.keys()) > 1:
            raise BadPhrase(f"{path}: nothing is above average and below average")


def _check_share(path: str, wanted: Any) -> None:
    for one in wanted if isinstance(wanted, list) else [wanted]:
        if is_number(one) and not 0 <= one <= 1:
            hint = f"; {one} % is {one / 100:g}" if 0 < one <= 100 else ""
            raise BadPhrase(f"{path}: {one} is not between 0 and 1{hint}")


def _check_value(path: str, wanted: Any) -> None:
    if path in ("abc", "abc_margin") and wanted not in CLASSES:
        raise BadPhrase(f"{path}: {wanted!r} is no class; there are: A, B, C")
    if path == "cluster" and not (isinstance(wanted, str) and _CLUSTER.match(wanted)):
        hint = "write its id, such as c2, which stays; tante clusters list shows them"
        raise BadPhrase(f"cluster: {wanted!r} is no id of a cluster; {hint}")


def _check_average(path: str, word: str, wanted: Any) -> None:
    if wanted != AVERAGE:
        hint = f'; for a number write "{WORDS[word]}"' if is_number(wanted) else ""
        raise BadPhrase(f'{path}: "{word}" takes "{AVERAGE}", not {wanted!r}{hint}')
    if path not in AVERAGED:
        known = ", ".join(AVERAGED)
        raise BadPhrase(f'{path}: "{word}" is for fields that have an average: {known}')


def without_averages(tests: Any) -> Any:
    """The tests of fields but for those that need the average."""
    if not isinstance(tests, dict):
        return tests
    left = {
        path: {word: wanted for word, wanted in test.items() if word not in WORDS}
        if isinstance(test, dict)
        else test
        for path, test in tests.items()
    }
    return {path: test for path, test in left.items() if test != {} or tests[path] == {}}


def averages(tests: Any) -> list[tuple[str, str]]:
    """The fields, each with "above" or "below", that are compared with the average."""
    return [
        (path, word)
        for path, test in (tests.items() if isinstance(tests, dict) else ())
        for word in (test if isinstance(test, dict) else ())
        if word in WORDS
    ]


def mean(cuts: Cuts | None, path: str) -> Decimal | None:
    """The average of a field; None while nobody has computed one."""
    measure = cuts.measures.get(path) if cuts else None
    return measure.mean if measure else None


def passes(values: list[Any], word: str, bound: Decimal | None) -> bool:
    """Whether a number among these is above or below the average; not where none is known."""
    if bound is None:
        return False
    numbers = [Decimal(str(value)) for value in values if is_number(value)]
    return any(one > bound if word == "above" else one < bound for one in numbers)


def is_asked(raw: Any) -> bool:
    """Whether any condition in what a file says goes by the cut points."""
    if isinstance(raw, list):
        return any(map(is_asked, raw))
    if not isinstance(raw, dict):
        return False
    tests = raw.get("person")
    if isinstance(tests, dict) and (averages(tests) or not COMPUTED.keys().isdisjoint(tests)):
        return True
    return any(map(is_asked, raw.values()))


def comparisons(raw: Any) -> list[dict[str, Any]]:
    """Every test in a file that goes by the cut points, once, as a condition of its own."""
    found: list[dict[str, Any]] = []
    for one in _comparisons(raw):
        if one not in found:
            found.append(one)
    return found


def _comparisons(raw: Any) -> list[dict[str, Any]]:
    if isinstance(raw, list):
        return [one for part in raw for one in _comparisons(part)]
    if not isinstance(raw, dict):
        return []
    tests = raw.get("person")
    own = tests.items() if isinstance(tests, dict) else ()
    mine = [{"person": {path: test}} for path, test in own if is_asked({"person": {path: test}})]
    return [*mine, *(one for part in raw.values() for one in _comparisons(part))]
