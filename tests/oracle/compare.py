"""Both answers to "who is in which segment?", side by side."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import yaml

from functions.segments.records import Cuts
from functions.segments.rules import SEGMENTS_FILE, Rules, rules_of
from tests.oracle import conditions, in_sql
from tests.oracle.event_by_event import Followed, Follower
from tests.oracle.population import BEGIN, Size, lives, populate
from tests.support.journeys import SHIPPED

Say = Callable[[str], None]
CENSUSES = (60, 150, 151, 270)  # days after which cut points are computed
PIECES = 40  # of all people: how often progress is told
TELLING = (0.02, 0.98)  # shares of the people; who is nobody or everybody tells little


@dataclass(frozen=True)
class Difference:
    """One person whom only one of both has in a segment at a moment."""

    moment: datetime
    segment: str
    person: int
    kept: bool

    def __str__(self) -> str:
        said = "kept, SQL says no" if self.kept else "not kept, SQL says yes"
        return f"{self.moment:%Y-%m-%d %H:%M:%S} {self.segment} person {self.person}: {said}"


@dataclass(frozen=True)
class Verdict:
    """What was compared, and how it came out."""

    people: int
    events: int
    segments: int
    moments: int
    compared: int
    memberships: int
    looks: int
    looks_in_vain: int
    differences: list[Difference]


def moments(number: int, seed: int) -> list[datetime]:
    """So many moments of the year, by chance."""
    chance = Random(seed)
    return sorted(
        BEGIN + timedelta(days=10) + timedelta(microseconds=chance.randrange(355 * 86_400 * 10**6))
        for _ in range(number)
    )


def shipped() -> dict[str, Any]:
    """The segments of statemachines/segments.yaml that speak of what the people here do."""
    raw = yaml.safe_load((SHIPPED / SEGMENTS_FILE).read_text("utf-8"))
    return {name: one["who"] for name, one in raw.items()}


@dataclass(frozen=True)
class Asked:
    """What is compared: generated conditions are spread over `groups` of people, of whom each has
    those of its own beside the shipped segments (1: everybody has all)."""

    conditions: int
    moments: int
    groups: int = 1


def compare(size: Size, asked: Asked, workers: int, say: Say) -> Verdict:
    """Follow everybody through the year and ask SQL at each moment."""
    at = moments(asked.moments, size.seed)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "population.duckdb"
        with duckdb.connect(str(path)) as con:
            populate(con, size)
            say(f"{size.people} people are made")
            ours = shipped()
            generated = telling(con, asked.conditions, size.seed, at)
            cuts = dict(_cuts(con))
        names = list(generated)
        sets = [{*ours, *names[group :: asked.groups]} for group in range(asked.groups)]
        who = {**ours, **generated}
        follow = partial(_follow, path, who, sets, at, cuts)
        pieces = asked.groups * ceil(PIECES / asked.groups)
        parts: list[Followed] = []
        with ProcessPoolExecutor(workers) as pool:
            for part in pool.map(follow, [(piece, pieces) for piece in range(pieces)]):
                parts.append(part)
                say(f"{len(parts)} of {pieces} parts of the people are followed")
        with duckdb.connect(str(path), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            answers = _ask(con, who, at, cuts, say)
            return _verdict(size, sets, at, parts, answers)


def _cuts(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[datetime, Cuts]]:
    """The cut points of some days; before the first there are none."""
    for day in CENSUSES:
        moment = BEGIN + timedelta(days=day, hours=3)
        in_sql.at(con, moment)
        yield moment, in_sql.cut_points(con, moment)


def _in_force(cuts: Mapping[datetime, Cuts], moment: datetime) -> Cuts | None:
    made = [one for one in cuts if one <= moment]
    return cuts[max(made)] if made else None


def telling(
    con: duckdb.DuckDBPyConnection, number: int, seed: int, asked: list[datetime]
) -> dict[str, Any]:
    """Generated conditions that are neither true for nobody nor for everybody."""
    middle = asked[len(asked) // 2]
    in_sql.at(con, middle)
    [(people,)] = con.execute("SELECT count(*) FROM person").fetchall()
    found = {}
    for name, who in conditions.some(20 * number, seed).items():
        share = len(in_sql.members(con, who, {}, middle)) / people
        if TELLING[0] <= share <= TELLING[1]:
            found[name] = who
        if len(found) == number:
            break
    return found


def rules(who: Mapping[str, Any]) -> Rules:
    """These conditions as published segments."""
    return rules_of(
        {SEGMENTS_FILE: {name: {"title": name, "who": one} for name, one in who.items()}}
    )


def _follow(
    path: Path,
    who: Mapping[str, Any],
    sets: list[set[str]],
    at: list[datetime],
    cuts: Mapping[datetime, Cuts],
    piece: tuple[int, int],
) -> Followed:
    number, pieces = piece
    asked = sets[number % len(sets)]
    follower = Follower(rules({name: who[name] for name in who if name in asked}), at, cuts)
    with duckdb.connect(str(path), read_only=True) as con:
        con.execute("SET threads = 1; SET TimeZone = 'UTC'")
        for person, life in lives(con, number, pieces):
            follower.follow(person, life)
    return follower.found


def _ask(
    con: duckdb.DuckDBPyConnection,
    who: Mapping[str, Any],
    asked: list[datetime],
    cuts: Mapping[datetime, Cuts],
    say: Say,
) -> Iterator[tuple[datetime, str, set[int]]]:
    for moment in asked:
        in_sql.at(con, moment)
        for name, one in who.items():
            yield moment, name, in_sql.members(con, one, who, moment, _in_force(cuts, moment))
        say(f"SQL has answered for {moment:%Y-%m-%d %H:%M}")


def _verdict(
    size: Size,
    sets: list[set[str]],
    at: list[datetime],
    parts: list[Followed],
    answers: Iterable[tuple[datetime, str, set[int]]],
) -> Verdict:
    differences, memberships, compared = [], 0, 0
    for moment, name, by_sql in answers:
        groups = {number for number, asked in enumerate(sets) if name in asked}
        theirs = {person for person in by_sql if person % len(sets) in groups}
        ours = set().union(*(part.members.get((moment, name), ()) for part in parts))
        memberships += len(theirs)
        compared += size.people * len(groups) // len(sets)
        differences += [
            Difference(moment, name, person, person in ours) for person in sorted(ours ^ theirs)
        ]
    return Verdict(
        people=size.people,
        events=sum(part.events for part in parts),
        segments=len(set().union(*sets)),
        moments=len(at),
        compared=compared,
        memberships=memberships,
        looks=sum(part.looks for part in parts),
        looks_in_vain=sum(part.looks_in_vain for part in parts),
        differences=differences,
    )
