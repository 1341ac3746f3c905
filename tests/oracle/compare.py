"""Both answers to "who is in which segment?", side by side."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import yaml

from functions.segments.rules import SEGMENTS_FILE, Rules, rules_of
from tests.oracle import conditions, in_sql
from tests.oracle.event_by_event import Followed, Follower
from tests.oracle.population import BEGIN, Size, lives, populate
from tests.support.journeys import SHIPPED

Say = Callable[[str], None]
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
    return {n: one["who"] for n, one in raw.items() if "may get" not in str(one)}


def compare(
    size: Size, number_of_conditions: int, number_of_moments: int, workers: int, say: Say
) -> Verdict:
    """Follow everybody through the year and ask SQL at each moment."""
    asked = moments(number_of_moments, size.seed)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "population.duckdb"
        with duckdb.connect(str(path)) as con:
            populate(con, size)
            say(f"{size.people} people are made")
            who = {**shipped(), **telling(con, number_of_conditions, size.seed, asked)}
        follow = partial(_follow, path, size, who, asked, workers)
        with ProcessPoolExecutor(workers) as pool:
            parts = list(pool.map(follow, range(workers)))
        say(f"{sum(part.events for part in parts)} events are followed")
        with duckdb.connect(str(path), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            answers = list(_ask(con, who, asked, say))
    return _verdict(size, who, asked, parts, answers)


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
    size: Size,
    who: Mapping[str, Any],
    asked: list[datetime],
    workers: int,
    part: int,
) -> Followed:
    follower = Follower(rules(who), asked)
    with duckdb.connect(str(path), read_only=True) as con:
        con.execute("SET threads = 1; SET TimeZone = 'UTC'")
        for person, life in lives(con, part, workers):
            follower.follow(person, life)
    return follower.found


def _ask(
    con: duckdb.DuckDBPyConnection, who: Mapping[str, Any], asked: list[datetime], say: Say
) -> Iterator[tuple[datetime, str, set[int]]]:
    for moment in asked:
        in_sql.at(con, moment)
        for name, one in who.items():
            yield moment, name, in_sql.members(con, one, who, moment)
        say(f"SQL has answered for {moment:%Y-%m-%d %H:%M}")


def _verdict(
    size: Size,
    who: Mapping[str, Any],
    asked: list[datetime],
    parts: list[Followed],
    answers: list[tuple[datetime, str, set[int]]],
) -> Verdict:
    differences, memberships = [], 0
    for moment, name, theirs in answers:
        ours = set().union(*(part.members[moment, name] for part in parts))
        memberships += len(theirs)
        differences += [
            Difference(moment, name, person, person in ours) for person in sorted(ours ^ theirs)
        ]
    return Verdict(
        people=size.people,
        events=sum(part.events for part in parts),
        segments=len(who),
        moments=len(asked),
        compared=size.people * len(who) * len(asked),
        memberships=memberships,
        looks=sum(part.looks for part in parts),
        looks_in_vain=sum(part.looks_in_vain for part in parts),
        differences=differences,
    )
