"""Both answers to "who is in which segment?", side by side."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
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

from functions.segments.census_records import Cuts
from functions.segments.rules import SEGMENTS_FILE, Rules, rules_of
from tests.oracle import conditions, in_sql
from tests.oracle.event_by_event import Follower
from tests.oracle.population import BEGIN, Size, lives, populate
from tests.support.journeys import SHIPPED

Say = Callable[[str], None]
CENSUSES = (60, 150, 151, 270)  # days after which cut points are computed
TOGETHER = 1_500  # people who are followed, asked of SQL and compared at a time
MEMORY = "9GB"  # of SQL over everybody
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
    """What was compared, and how it came out: of everybody, or of some."""

    people: int
    events: int
    segments: int
    moments: int
    compared: int
    memberships: int
    looks: int
    looks_in_vain: int
    differences: list[Difference]

    def plus(self, other: "Verdict") -> "Verdict":
        """Both together; other people, at the same moments."""
        return Verdict(
            people=self.people + other.people,
            events=self.events + other.events,
            segments=self.segments,
            moments=self.moments,
            compared=self.compared + other.compared,
            memberships=self.memberships + other.memberships,
            looks=self.looks + other.looks,
            looks_in_vain=self.looks_in_vain + other.looks_in_vain,
            differences=[*self.differences, *other.differences],
        )


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
    """Follow everybody through the year and ask SQL at each moment, some people at a time."""
    at = moments(asked.moments, size.seed)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "population.duckdb"
        with duckdb.connect(str(path)) as con:
            con.execute(f"SET memory_limit = '{MEMORY}'")
            populate(con, size)
            say(f"{size.people:,} people are made")
            ours = shipped()
            generated = telling(con, asked.conditions, size.seed, at)
            say(f"{len(generated)} conditions are generated")
            cuts = dict(_cuts(con))
            say("the cut points are known")
        names = list(generated)
        sets = [{*ours, *names[group :: asked.groups]} for group in range(asked.groups)]
        follow = partial(_compare_some, path, {**ours, **generated}, sets, at, cuts)
        pieces = asked.groups * ceil(size.people / TOGETHER / asked.groups)
        found = Verdict(0, 0, len(ours) + len(names), len(at), 0, 0, 0, 0, [])
        begun = time.monotonic()
        with ProcessPoolExecutor(workers) as pool:
            parts = [pool.submit(follow, (piece, pieces)) for piece in range(pieces)]
            for done, part in enumerate(as_completed(parts), 1):
                found = found.plus(part.result())
                left = (time.monotonic() - begun) / done * (pieces - done) / 60
                say(
                    f"{found.people:,} people compared: {found.compared:,} answers, "
                    f"{len(found.differences)} differences; about {left:.0f} minutes left"
                )
    return found


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


def _compare_some(
    path: Path,
    who: Mapping[str, Any],
    sets: list[set[str]],
    at: list[datetime],
    cuts: Mapping[datetime, Cuts],
    piece: tuple[int, int],
) -> Verdict:
    """One part of the people: followed, then asked of SQL, which sees nobody else."""
    number, pieces = piece
    asked = {name: who[name] for name in who if name in sets[number % len(sets)]}
    follower, people = Follower(rules(asked), at, cuts), 0
    with duckdb.connect(str(path), read_only=True) as con:
        con.execute("SET threads = 1; SET TimeZone = 'UTC'; SET memory_limit = '1GB'")
        for person, life in lives(con, number, pieces):
            follower.follow(person, life)
            people += 1
        con.execute(
            f"CREATE TEMP TABLE event AS SELECT * FROM event WHERE person % {pieces} = {number}"
        )
        kept = follower.found
        differences, memberships = [], 0
        for moment, name, by_sql in _ask(con, asked, who, at, cuts):
            ours = kept.members[moment, name]
            memberships += len(by_sql)
            differences += [
                Difference(moment, name, person, person in ours) for person in sorted(ours ^ by_sql)
            ]
    return Verdict(
        people=people,
        events=kept.events,
        segments=len(asked),
        moments=len(at),
        compared=people * len(asked) * len(at),
        memberships=memberships,
        looks=kept.looks,
        looks_in_vain=kept.looks_in_vain,
        differences=differences,
    )


def _ask(
    con: duckdb.DuckDBPyConnection,
    asked: Mapping[str, Any],
    who: Mapping[str, Any],
    moments: list[datetime],
    cuts: Mapping[datetime, Cuts],
) -> Iterator[tuple[datetime, str, set[int]]]:
    for moment in moments:
        in_sql.at(con, moment)
        for name, one in asked.items():
            yield moment, name, in_sql.members(con, one, who, moment, _in_force(cuts, moment))
