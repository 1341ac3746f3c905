"""What a journey mentions of other journeys, messages, links and colleagues, and where."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from functions.journeys.yaml_file import Located, Path
from functions.problem import Problem
from functions.segments.condition import OUTCOMES, names

OWNER = "owner"  # of a task: the person's own contact
# What stands below these is no word of ours.
FIELDS = ("person", "account", "entry", "cart", "where", "set", "with")
JOURNEY_VERBS = ("start journey", "stop journey")

# journey -> message -> the names of the links in it
Links = Mapping[str, Mapping[str, Collection[str]]]


@dataclass(frozen=True)
class Known:
    """What there is to be mentioned. `links` has every journey of the folder, `takers` who may
    have a task: teams of brand.yaml and colleagues of sales.yaml."""

    links: Links
    takers: Collection[str]


def unknown(journey: str, located: Located, known: Known) -> Iterator[Problem]:
    """Everything that a journey's file mentions and that does not exist, at its line."""
    for path, one in _mappings(located.value, ()):
        for word, text in (
            *_journeys(one, known),
            *_taker(one, known),
            *_links(one, journey, known),
        ):
            yield Problem(located.file, located.line((*path, word)), text)


def _mappings(raw: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(raw, dict):
        yield path, raw
    for key, part in raw.items() if isinstance(raw, dict) else enumerate(raw):
        if isinstance(part, dict | list) and key not in FIELDS:
            yield from _mappings(part, (*path, key))


def _journeys(one: dict[str, Any], known: Known) -> Iterator[tuple[str, str]]:
    for verb in JOURNEY_VERBS:
        other = one.get(verb)
        if isinstance(other, str) and other not in known.links:
            hint = _hint(other, known.links)
            yield verb, f'"{verb}: {other}": there is no such folder; {hint}'


def _taker(one: dict[str, Any], known: Known) -> Iterator[tuple[str, str]]:
    name = one.get("for")
    there = {*known.takers, OWNER}
    if "task" in one and isinstance(name, str) and name not in there:
        hint = _hint(name, there)
        yield "for", f'"for: {name}" is no team of brand.yaml and nobody in sales.yaml; {hint}'


def _links(one: dict[str, Any], journey: str, known: Known) -> Iterator[tuple[str, str]]:
    """The links of messages; the messages themselves are asked for with the conditions."""
    for word in OUTCOMES:
        if isinstance(one.get(word), str | list) and set(one) == {word, "link"}:
            found = list(names(one[word]))
            yield from (("link", text) for text in _link(one["link"], found, journey, known))


def _link(link: Any, found: list[str], journey: str, known: Known) -> Iterator[str]:
    there: set[str] = set()
    for name in found:
        folder, slash, message = name.partition("/")
        if not slash:
            folder, message = journey, name
        if message not in known.links.get(folder, {}):
            return  # said elsewhere
        there |= set(known.links[folder][message])
    if link not in there:
        of = " or ".join(f'"{name}"' for name in found)
        yield f'no link "{link}" is in {of}; {_hint(str(link), there)}'


def _hint(name: str, there: Collection[str]) -> str:
    close = difflib.get_close_matches(name, there, 1)
    return (
        f'did you mean "{close[0]}"?' if close else f"there are: {', '.join(sorted(there)) or '-'}"
    )
