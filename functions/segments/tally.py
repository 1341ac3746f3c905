"""What a segment counts of a person's events, and under which key the profile keeps it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from math import ceil, floor
from typing import Any

from functions.segments.operators import is_number
from functions.tracking.event import Event
from functions.tracking.identity import short_hash
from functions.tracking.own_event import MESSAGE_SENT, SEGMENT_ENTERED, SEGMENT_LEFT
from functions.tracking.robots import BY_ROBOT

MOST_TIMES = 100  # within a span: each of them costs a profile ten bytes
_BY_NOW = ("in the last", "in the next")
# A word about a message -> the events that tell of it.
TELLERS = {
    "sent": (MESSAGE_SENT,),
    "opened": ("Email Opened",),
    "clicked": ("Email Link Clicked", "SMS Link Clicked"),
    "bounced": ("Email Bounced", "SMS Bounced"),
}
Raw = dict[str, Any]


@dataclass(frozen=True)
class Clause:
    """Events of these names whose fields pass `where`; of their times the latest `most`, and what
    they add up to where they fade by half in each `half_life`."""

    key: str
    names: tuple[str, ...]
    where: Raw
    most: int
    half_life: timedelta | None = None


@dataclass(frozen=True)
class TallyRule:
    """A clause that is kept for everybody, and whether an event belongs to it."""

    clause: Clause
    matches: Callable[[Event], bool]


def clause(
    names: tuple[str, ...], where: Raw, most: int = 1, half_life: timedelta | None = None
) -> Clause:
    """The same words in another order have the same key."""
    names = tuple(sorted(set(names)))
    fades = [half_life.total_seconds()] if half_life else []
    words = json.dumps([names, where, most, *fades], sort_keys=True, default=str)
    return Clause(short_hash(words)[:8], names, where, most, half_life)


def of_did(raw: Raw) -> Clause | None:
    """What a `did` counts; None where it hangs on a run or on the present moment, so that nothing
    could be kept of it, or where it needs more times than are kept."""
    if {"since", "same"} & raw.keys() or refusal(raw):
        return None
    names = raw["did"] if isinstance(raw["did"], list) else [raw["did"]]
    return clause(tuple(names), raw.get("where", {}), _most(raw))


def of_messages(word: str, raw: Raw) -> Iterator[Clause]:
    """What `sent`, `opened`, `clicked` or `bounced` counts: one for each message of a journey."""
    for name in raw[word] if isinstance(raw[word], list) else [raw[word]]:
        journey, slash, message = name.partition("/")
        if slash:
            link = {"link_id": raw["link"]} if raw.get("link") else {}
            told = TELLERS[word]
            if "robots" in raw:
                told += tuple(name + BY_ROBOT for name in told)
            yield clause(told, {"journey": journey, "message": message, **link})


def refusal(raw: Raw) -> str:
    """Why what a `did` counts cannot be kept for everybody; "" when it can."""
    for field, test in raw.get("where", {}).items():
        word = next((word for word in _BY_NOW if isinstance(test, dict) and word in test), "")
        if word:
            return (
                f'{field}: "{word}" in "where" changes with each day, and what a segment counts '
                'is counted when it happens; write "in the last" beside "did"'
            )
    if _most(raw) > MOST_TIMES:
        return f'"times" within "in the last" is a number up to {MOST_TIMES} in a segment'
    names = raw["did"] if isinstance(raw["did"], list) else [raw["did"]]
    for name in names:
        if name in (SEGMENT_ENTERED, SEGMENT_LEFT):
            return f'"{name}" follows from the segments themselves; write "in segment"'
    return ""


def _most(raw: Raw) -> int:
    """How many times have to be kept, so that their number in any span passes the test of `times`
    just like the number of all events there."""
    if "in the last" not in raw or "times" not in raw:
        return 1
    times = raw["times"]
    tests = times if isinstance(times, dict) else {"": times}
    numbers = [
        (word, number)
        for word, wanted in tests.items()
        for number in (wanted if isinstance(wanted, list) else [wanted])
        if is_number(number)
    ]
    needed = (ceil(n) if word == "at least" else floor(n) + 1 for word, n in numbers)
    return max([1, *map(int, needed)])
