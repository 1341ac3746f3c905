"""When a condition may next change its answer although no event comes: by the passing of time."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from functions.segments import account, population, tally
from functions.segments.condition import Facts, Turning, event_values, names, of_segment
from functions.segments.operators import as_moment, find, is_number
from functions.segments.phrases import BadPhrase, duration
from functions.segments.score import crosses_at

Raw = dict[str, Any]
JUST_AFTER = timedelta(microseconds=1)  # the last moment of a span still belongs to it
UNKNOWN = timedelta(days=1)  # between looks at a condition of which nothing better is known
COMBINED = ("all of", "any of", "none of")
TIMELESS = (
    *("may get", "unconfirmed", "sent", "opened", "clicked", "bounced"),
    *("in journey", "left journey"),
)


def turning(raw: Raw) -> Turning:
    """Read when a condition changes by itself: the first moment after `facts.now` at which it may
    become true or false while no event comes; None: never. It may be too early, never too late.

    Takes the YAML of a condition that passed the checks. Each of its tests is true or false
    between the moments at which it changes, so the whole is, too.
    """
    return _turning(raw) or (lambda facts: None)


def of_a_run(raw: Any) -> str:
    """The first word in a condition that only makes sense for a run under way, "" when there is
    none. Nobody is in a run before they enter."""
    if isinstance(raw, list):
        return next(filter(None, map(of_a_run, raw)), "")
    if not isinstance(raw, dict):
        return ""
    for word in ("entry", "cart", "same"):
        if word in raw:
            return word
    if raw.get("since") == "entry":
        return "since: entry"
    for word in ("sent", "opened", "clicked", "bounced"):
        own = [name for name in names(raw[word]) if "/" not in name] if word in raw else []
        if own:
            return f"{word}: {own[0]}"
    return next(filter(None, (of_a_run(raw.get(word)) for word in COMBINED)), "")


def _turning(raw: Raw) -> Turning | None:
    """The first moment at which a test in the condition changes. None: there is no such test."""
    for word in COMBINED:
        if word in raw:
            return _together([_turning(part) for part in raw[word]])
    if "person" in raw:
        tests = [_of_field(path, test) for path, test in raw["person"].items()]
        return _together([*tests, _of_score(raw["person"].get("score"))])
    if "account" in raw:
        return _together([_of_account(path, test) for path, test in raw["account"].items()])
    if "did" in raw:
        return _of_events(raw)
    if "in segment" in raw:
        return partial(_of_segment, raw["in segment"])
    if any(word in raw for word in TIMELESS):
        return None
    return lambda facts: facts.now + UNKNOWN  # what nobody knows better is looked at each day


def _together(parts: Iterable[Turning | None]) -> Turning | None:
    found = [part for part in parts if part]
    if len(found) < 2:
        return found[0] if found else None
    return lambda facts: min(filter(None, [part(facts) for part in found]), default=None)


def _of_score(test: Any) -> Turning | None:
    """When the score crosses a number that it is compared with, because its parts fade."""
    wanted = list(test.values()) if isinstance(test, dict) else [test]
    every = (one for value in wanted for one in (value if isinstance(value, list) else [value]))
    numbers = [float(one) for one in every if is_number(one)]
    by_average = isinstance(test, dict) and bool(population.WORDS.keys() & test.keys())
    if not (numbers or by_average):
        return None

    def first(facts: Facts) -> datetime | None:
        mean = population.mean(facts.cuts, "score") if by_average else None
        bounds = numbers if mean is None else [*numbers, float(mean)]
        moments = (crosses_at(facts.profile, one, facts.now) for one in bounds)
        return min(filter(None, moments), default=None)

    return first


def _of_segment(name: str, facts: Facts) -> datetime | None:
    segment = facts.segments.get(name)
    return segment.turns(of_segment(facts)) if segment else facts.now + UNKNOWN


def _of_field(path: str, test: Any) -> Turning | None:
    shifts = _shifts(test)
    if not shifts:
        return None
    return lambda facts: _first(_shifted(facts.values(path), shifts), facts.now)


def _of_account(path: str, test: Any) -> Turning | None:
    shifts = _shifts(test)
    if not shifts:
        return None
    return lambda facts: _first(
        _shifted(find(account.fields(facts.profile), path), shifts), facts.now
    )


def _shifts(test: Any) -> list[timedelta]:
    """How long after a date "in the last" and "in the next" begin and cease to hold for it."""
    if not isinstance(test, dict):
        return []
    found = []
    if "in the last" in test:
        found += [timedelta(), duration(test["in the last"]).at_most + JUST_AFTER]
    if "in the next" in test:
        found += [-duration(test["in the next"]).at_most, JUST_AFTER]
    return found


def _first(moments: Iterable[datetime], now: datetime) -> datetime | None:
    """The first of these after now."""
    return min([one for one in moments if one > now], default=None)


def _shifted(values: list[Any], shifts: list[timedelta]) -> Iterator[datetime]:
    if len(values) == 1 and type(values[0]) is datetime:  # as nearly always
        with suppress(OverflowError):  # before the year 1 or after 9999
            yield from [values[0] + shift for shift in shifts]
        return
    for value in values:
        for one in value if isinstance(value, list) else (value,):
            moment = as_moment(one)
            if moment:
                with suppress(OverflowError):
                    yield from (moment + shift for shift in shifts)


def _of_events(raw: Raw) -> Turning | None:
    """When events leave the span of `in the last`, and when a test in `where` changes."""
    span = duration(raw["in the last"]).at_most if "in the last" in raw else None
    where = raw["where"] if isinstance(raw.get("where"), dict) else {}
    timely = {path: shifts for path, test in where.items() if (shifts := _shifts(test))}
    if span is None and not timely:
        return None
    clause, wanted = tally.of_did(raw), names(raw["did"])

    def first(facts: Facts) -> datetime | None:
        kept = facts.tally(clause) if clause else None
        if kept is None or span is None:
            return _first(moments(facts), facts.now)
        # Oldest first: the first that is still in the span leaves it next.
        next_out = bisect_right(kept.latest, facts.now - span - JUST_AFTER)
        return kept.latest[next_out] + span + JUST_AFTER if kept.latest[next_out:] else None

    def moments(facts: Facts) -> Iterator[datetime]:
        for event in facts.events(wanted, facts.now - span if span else None):
            if span:
                yield event.time + span + JUST_AFTER
            for path, shifts in timely.items():
                yield from _shifted(event_values(event, path), shifts)

    return first


def refuse_of_a_run(raw: Any, place: str) -> None:
    """Raises BadPhrase where a condition speaks of a run although there is none yet."""
    word = of_a_run(raw)
    if not word:
        return
    if word == "same":
        raise BadPhrase(f'"same" in "{place}" compares with an entering event, and there is none')
    hint = ""
    if ": " in word and not word.startswith("since"):
        first, _, message = word.partition(": ")
        hint = f'; name the journey as well, like "{first}: onboarding/{message}"'
    raise BadPhrase(
        f'"{word}" speaks of a run, and nobody is in one before they enter; '
        f'"{place}" takes what is true of the person{hint}'
    )
