"""What may be wrong in scoring.yaml, and what would be right."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from functions.segments.condition import (
    Path,
    condition,
    did_you_mean,
    mentioned_segments,
    names,
    parts_of,
)
from functions.segments.operators import is_number
from functions.segments.phrases import BadPhrase, duration
from functions.segments.scoring import OF_RULE, rule_of
from functions.tracking.event import SCORE_ADDED
from functions.tracking.own_event import SCORE_FELL, SCORE_REACHED

_WORDS = ("title", *OF_RULE, "thresholds", "bands")
_OF_CLAUSE = ("did", "where")
_IN_FIT = ("person", "account", "in segment", "all of", "any of", "none of")
_OF_PERMISSION = ("may get", "unconfirmed", "in journey", "left journey")
_BEHIND = ("score", "stage", "stages", "phase", "stage_since")  # what is made of the score
_EVENTS_BEHIND = (SCORE_REACHED, SCORE_FELL, SCORE_ADDED, "Stage Changed")
MOST_RULES, MOST_POINTS, LONGEST_TEXT = 50, 10_000, 200
Mistake = tuple[Path, str]  # the place in the file, and what would be right


def mistakes(raw: Any, segments: Mapping[str, Any]) -> Iterator[Mistake]:
    """What is wrong in the file. `segments` are those of segments.yaml as they are written."""
    if raw is None:
        return
    if not isinstance(raw, dict):
        yield (), 'the file begins with "title:", then "fit:", "behaviour:" and "thresholds:"'
        return
    yield from _unknown_words(raw, _WORDS)
    yield from _text(raw, "title", is_needed=True)
    yield from _of_rules(raw, segments)
    yield from _of_thresholds(raw.get("thresholds"))
    yield from _of_bands(raw.get("bands"))


def _of_rules(raw: Mapping[str, Any], segments: Mapping[str, Any]) -> Iterator[Mistake]:
    seen: dict[str, Path] = {}
    found = [(word, path, one) for word in OF_RULE for path, one in _each(raw, word)]
    for word, path, one in found:
        wrong = list(_of_rule(word, one, segments))
        yield from (((*path, *place), words) for place, words in wrong)
        if wrong:
            continue
        key = rule_of(word, one).key
        if key in seen:
            yield path, f"it stands here twice, first as {_place(seen[key])}; keep one of them"
        seen.setdefault(key, path)
    if not any(raw.get(word) for word in OF_RULE):
        words = (
            'there are no rules: who somebody is stands under "fit", what they do under "behaviour"'
        )
        yield (), words
    if len(found) > MOST_RULES:
        yield (), f"there are {len(found)} rules, and at most {MOST_RULES} are kept for a person"


def _place(path: Path) -> str:
    return f'rule {int(path[1]) + 1} of "{path[0]}"'


def _each(raw: Mapping[str, Any], word: str) -> list[tuple[Path, Any]]:
    found = raw.get(word)
    return [((word, n), one) for n, one in enumerate(found)] if isinstance(found, list) else []


def _unknown_words(one: Mapping[str, Any], words: tuple[str, ...]) -> Iterator[Mistake]:
    for word in one:
        if word not in words:
            yield (word,), f'"{word}" is unknown here; {did_you_mean(str(word), words)}'
    for word in ("fit", "behaviour"):
        if word in words and one.get(word) is not None and not isinstance(one[word], list):
            yield (word,), f'"{word}" takes a list of rules, each like "- {{points: 5, ...}}"'


def _text(one: Mapping[str, Any], word: str, is_needed: bool) -> Iterator[Mistake]:
    text = one.get(word)
    if (word in one or is_needed) and not (isinstance(text, str) and 0 < len(text) <= LONGEST_TEXT):
        yield (word,), f'"{word}" is a text of at most {LONGEST_TEXT} characters'


def _of_rule(word: str, one: Any, segments: Mapping[str, Any]) -> Iterator[Mistake]:
    needed = OF_RULE[word][1]
    if not isinstance(one, dict):
        yield (), f'a rule is written like "- {{points: 5, {needed}: ...}}"'
        return
    yield from _unknown_words(one, OF_RULE[word])
    if "points" not in one:
        yield (), '"points" is missing: a number, below 0 to take points away'
    elif not _is_amount(one["points"]) or not one["points"]:
        words = f'"points" is a number from -{MOST_POINTS} to {MOST_POINTS}, not 0'
        yield ("points",), words
    yield from _text(one, "because", is_needed=False)
    if needed not in one:
        yield (), f'"{needed}" is missing: {_MEANING[word]}'
        return
    try:
        condition(one[needed])
    except BadPhrase as error:
        yield (needed,), str(error)
        return
    check = _of_fit if word == "fit" else _of_behaviour
    yield from check(one, segments)


_MEANING = {
    "fit": "who gets the points, like {person: {country: DE}}",
    "behaviour": "what gives the points each time, like {did: Demo Requested}",
}


def _is_amount(found: Any) -> bool:
    return is_number(found) and abs(found) <= MOST_POINTS


def _of_fit(one: Mapping[str, Any], segments: Mapping[str, Any]) -> Iterator[Mistake]:
    for path, part in parts_of(one["when"]):
        for word, text in _not_of_fit(part):
            yield ("when", *path, word), text
        if "in segment" in part:
            for text in _of_segment(part["in segment"], segments):
                yield ("when", *path, "in segment"), text


def _not_of_fit(part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    [first] = [word for word in part if word in _IN_FIT] or [""]
    if not first:
        word = next(iter(part))
        if word == "did":
            yield word, 'what people do stands under "behaviour", as {points: 5, for: {did: ...}}'
        else:
            known = ", ".join(f'"{one}"' for one in _IN_FIT)
            yield word, f'"{word}" is not about who somebody is; here go {known}'
    for path in part.get("person") or ():
        if path.split(".")[0] in _BEHIND:
            yield "person", f'"{path}" is made of the score, so the score cannot be made of it'


def _of_segment(name: Any, segments: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a segment, also with those that it is made of."""
    if name not in segments:
        yield f'there is no segment "{name}" in segments.yaml; {did_you_mean(str(name), segments)}'
        return
    ways, seen = [name], set()
    while ways:
        which = ways.pop()
        who = segments[which].get("who") if isinstance(segments.get(which), dict) else None
        if which in seen or who is None:
            continue  # what is wrong with it stands in its own file
        seen.add(which)
        ways += mentioned_segments(who)
        for _, part in parts_of(who):
            of = [path for path in part.get("person") or () if path.split(".")[0] in _BEHIND]
            run = [word for word in _OF_PERMISSION if word in part]
            for word in (*of, *run):
                yield f'the segment "{which}" asks for "{word}", of which no score can be made'


def _of_behaviour(one: Mapping[str, Any], segments: Mapping[str, Any]) -> Iterator[Mistake]:
    clause = one["for"]
    if "did" not in clause:
        yield ("for",), "it takes what somebody did, like {did: Demo Requested, where: {...}}"
        return
    yield from ((("for", *path), words) for path, words in _of_clause(clause))
    if "half-life" in one:
        yield from _of_half_life(one["half-life"])
    most = one.get("at most", 1)
    if not _is_amount(most) or most <= 0:
        words = f'"at most" is a number above 0 and up to {MOST_POINTS}: what the rule gives in all'
        yield ("at most",), words


def _of_clause(clause: Mapping[str, Any]) -> Iterator[Mistake]:
    for word in clause:
        if word not in _OF_CLAUSE:
            yield (word,), f'"{word}" has no place here: {_INSTEAD.get(word, _ELSE)}'
    for name in names(clause["did"]):
        if name in _EVENTS_BEHIND:
            yield ("did",), f'"{name}" follows from the score, and cannot be a part of it'
    for path, test in (clause.get("where") or {}).items():
        if isinstance(test, dict) and {"in the last", "in the next"} & test.keys():
            words = "what changes with each day cannot be counted once; compare with a fixed date"
            yield ("where", path), words


_ELSE = 'only "did" and "where" do'
_INSTEAD = {
    "in the last": 'old events fade by "half-life: 30 days" beside "for"',
    "times": 'each time counts; bound them by "at most: 25" beside "for"',
    "since": "nobody is in a run here",
    "same": "nobody is in a run here",
}


def _of_half_life(found: Any) -> Iterator[Mistake]:
    try:
        length = duration(found)
    except BadPhrase as error:
        yield ("half-life",), str(error)
        return
    if length.exact is None:
        yield ("half-life",), f'a half-life has a fixed length; write "30 days", not "{found}"'
    elif length.exact < timedelta(hours=1):
        yield ("half-life",), "a half-life is an hour or longer"


def _of_thresholds(found: Any) -> Iterator[Mistake]:
    if found is None:
        return
    if not isinstance(found, dict):
        yield ("thresholds",), '"thresholds" takes names and points, like {warm: 40, hot: 80}'
        return
    by_points: dict[float, str] = {}
    for name, at in found.items():
        if not name or len(name) > LONGEST_TEXT:
            yield ("thresholds", name), "a threshold has a name, like warm"
        elif not _is_amount(at):
            yield ("thresholds", name), f'"{name}" takes a number of points, like 40'
        elif at in by_points:
            words = f'"{name}" is the same as "{by_points[at]}"; keep one of them'
            yield ("thresholds", name), words
        else:
            by_points[at] = name


def _of_bands(found: Any) -> Iterator[Mistake]:
    if found is None:
        return
    if not isinstance(found, list) or not found or not all(_is_amount(one) for one in found):
        yield ("bands",), '"bands" takes the points at which each begins, like [0, 20, 40, 60, 80]'
    elif found != sorted(set(found)):
        yield ("bands",), '"bands" stand in order, each once, the lowest first'
