"""Which column becomes what: said by the user, by a preset, or guessed from its heading."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from functions.journeys.yaml_file import read
from local.imports.kinds import KINDS, Kind, Read, plain, words

LEFT_OUT = "-"
REASON = "Import error"  # the column that an error file has more


class BadMapping(Exception):
    """A column cannot be what it is said to be; the text says what would be right."""


@dataclass(frozen=True)
class Column:
    """A column of the file that becomes something."""

    index: int
    heading: str
    target: str
    read: Read


def presets() -> list[str]:
    """The names of the presets that come with Tante."""
    found = files("local") / "presets"
    return sorted(one.name.removesuffix(".yaml") for one in found.iterdir() if one.name[-1] == "l")


def preset(name: str, kind: Kind) -> dict[str, str]:
    """What the columns of a product's export become: heading -> target. Raises BadMapping."""
    if name not in presets():
        raise BadMapping(f'there is no preset "{name}"; {_instead(name, presets())}')
    text = (files("local") / "presets" / f"{name}.yaml").read_text("utf-8")
    said = read(f"{name}.yaml", text).value
    if kind.name not in said:
        there = ", ".join(word for word in said if word in KINDS)
        raise BadMapping(f'the preset "{name}" knows no {kind.name}; it knows: {there}')
    return dict(said[kind.name])


def columns(
    kind: Kind,
    heading: Sequence[str],
    said: Iterable[str] = (),
    known: Mapping[str, str] | None = None,
) -> list[Column]:
    """The columns of a file that become something, in their order.

    `said` are the user's own words, "Column=target"; `known` is a preset, without which headings
    are guessed. Raises BadMapping.
    """
    wanted = {**dict(_by_preset(heading, known)), **dict(_by_user(heading, said))}
    if known is None:
        wanted = {**_guessed(kind, heading, wanted), **wanted}
    found = [
        Column(index, heading[index], target, reader(kind, target))
        for index, target in sorted(wanted.items())
        if target != LEFT_OUT
    ]
    _check(kind, found)
    return found


def _by_user(heading: Sequence[str], said: Iterable[str]) -> Iterator[tuple[int, str]]:
    for text in said:
        name, equals, target = text.rpartition("=")
        if not equals or not name.strip() or not target.strip():
            raise BadMapping(f'"{text}": write --map "Column=target", such as "E-Mail=email"')
        yield _index(heading, name.strip()), target.strip()


def _index(heading: Sequence[str], name: str) -> int:
    exact = [index for index, one in enumerate(heading) if one == name]
    found = exact or [i for i, one in enumerate(heading) if plain(one) == plain(name)]
    if len(found) > 1:
        raise BadMapping(f'two columns are called "{name}"; rename one in the file')
    if not found:
        raise BadMapping(f'the file has no column "{name}"; {_instead(name, heading)}')
    return found[0]


def _by_preset(
    heading: Sequence[str], known: Mapping[str, str] | None
) -> Iterator[tuple[int, str]]:
    targets = {plain(name): target for name, target in (known or {}).items()}
    for index, one in enumerate(heading):
        if plain(one) in targets:
            yield index, targets[plain(one)]


def _guessed(kind: Kind, heading: Sequence[str], wanted: Mapping[int, str]) -> dict[int, str]:
    """What headings seem to mean; of several for one target the first."""
    by_word, taken = words(kind.name), set(wanted.values())
    found: dict[int, str] = {}
    for index, one in enumerate(heading):
        target = by_word.get(plain(one), "")
        if target and index not in wanted and target not in taken:
            found[index] = target
            taken.add(target)
    return found


def reader(kind: Kind, target: str) -> Read:
    """How the cells of a column with this target are read. Raises BadMapping."""
    if target in kind.targets:
        return kind.targets[target]
    for prefix, reader in kind.free.items():
        if target.startswith(prefix) and len(target) > len(prefix):
            return reader
    free = " or ".join(f"{prefix}NAME" for prefix in kind.free)
    raise BadMapping(
        f'"{target}" is nothing that a column of {kind.name} can become; '
        f"{_instead(target, kind.targets)}, or {free}"
    )


def _check(kind: Kind, found: list[Column]) -> None:
    """Raises BadMapping when two columns become one thing, or something is missing."""
    by_target: dict[str, str] = {}
    for one in found:
        if one.target in by_target:
            other = by_target[one.target]
            words = f'"{other}" and "{one.heading}" both become {one.target}'
            raise BadMapping(f'{words}; leave one out: --map "{one.heading}=-"')
        by_target[one.target] = one.heading
    if not any(name in by_target for name in kind.one_of):
        names = ", ".join(kind.one_of[:-1]) + f" or {kind.one_of[-1]}"
        raise BadMapping(f'no column says {names}; say which: --map "Column={kind.one_of[-1]}"')
    for name in kind.needs:
        if name not in by_target:
            raise BadMapping(f'no column says {name}; say which: --map "Column={name}"')
    purposes = [name for name in by_target if is_purpose(name)]
    if purposes and "consent.time" not in by_target:
        words = f"{purposes[0]} needs the time at which consent was given"
        raise BadMapping(f'{words}: --map "Column=consent.time"')


def is_purpose(target: str) -> bool:
    """Whether a target says that consent to a purpose was given."""
    said_of_it = ("consent.time", "consent.text", "consent.channel")
    return target.startswith("consent.") and target not in said_of_it


def _instead(word: str, known: Iterable[str]) -> str:
    names = [name for name in known if name]
    close = difflib.get_close_matches(word, names, 1)
    return f'did you mean "{close[0]}"?' if close else f"there are: {', '.join(names)}"
