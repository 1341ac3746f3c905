"""How fast conditions are evaluated: against DuckDB over all people, and Python's eval by hand."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import duckdb

from functions.segments.condition import parts_of
from functions.segments.keeping import facts_of, prepare
from functions.segments.person import values
from functions.segments.rules import Rules
from functions.segments.tallying import take, tally_rules
from functions.tracking.event import Event
from functions.tracking.profile import Profile
from tests.oracle import compare, in_sql
from tests.oracle.event_by_event import Rows, remember
from tests.oracle.in_python import Expression
from tests.oracle.population import BEGIN, Size, lives, populate

PEOPLE, CONDITIONS, ROUNDS = 1000, 120, 3
NOW = BEGIN + timedelta(days=200)
GOAL = 5.0  # times as long as the floor, at most
Lives = list[tuple[Profile, list[Event]]]


def main() -> None:
    """Prints conditions per second on one core, and two ratios."""
    con = duckdb.connect()
    con.execute("SET threads = 1")
    populate(con, Size(PEOPLE))
    who = compare.telling(con, CONDITIONS, 1, [NOW])
    rules = compare.rules(who)
    people = _people(con, rules)
    in_sql.at(con, NOW)
    seconds = {
        "conditions": _best(lambda: _ours(people, rules)),
        "Python eval, by hand": _best(_by_hand(people, who)),
        "DuckDB, all people": _best(lambda: _sql(con, who)),
    }
    assert len({found for _, found in seconds.values()}) == 1, f"they disagree: {seconds}"
    print(f"{len(who)} conditions, {len(people)} people, one core, the best of {ROUNDS} rounds")
    for name, (took, _) in seconds.items():
        print(f"  {name:22} {len(people) * len(who) / took:12,.0f} /s")
    ours, floor, duck = (took for took, _ in seconds.values())
    print(f"  the floor's time x {ours / floor:.2f} (goal: at most {GOAL:g})")
    print(f"  DuckDB's time x {ours / duck:.2f}")


def _people(con: duckdb.DuckDBPyConnection, rules: Rules) -> Lives:
    """Everybody's profile as it is now, and the events that made it."""
    found: Lives = []
    for person, life in lives(con, 0, 1):
        profile, events = Profile(person=str(person)), [e for at, e in life if at <= NOW]
        rows: Rows = {}
        for event in events:
            remember(profile, event, rows, partial(_count, profile, event, rules))
        if events:
            found.append((profile, events))
    return found


def _count(profile: Profile, event: Event, rules: Rules) -> None:
    prepare(profile, rules)
    take(profile, event, rules.by_event.get(event.name, ()))


def _ours(people: Lives, rules: Rules) -> int:
    found = 0
    for profile, _ in people:
        facts = facts_of(profile, rules, NOW)
        found += sum(segment.holds(facts) for segment in rules.segments.values())
    return found


def _by_hand(people: Lives, who: Mapping[str, Any]) -> Callable[[], int]:
    """Each condition as the expression that somebody would write who has the person's fields, and
    the times of what it counts, at hand."""
    expressions = [Expression(one, {}) for one in who.values()]
    paths = sorted({p for one in who.values() for _, part in parts_of(one) for p in _paths(part)})
    counted = [[_times(one, events) for one in expressions] for _, events in people]

    def evaluate() -> int:
        found = 0
        for (profile, _), times in zip(people, counted, strict=True):
            fields = {path: next(iter(values(profile, NOW, path)), None) for path in paths}
            for expression, counts in zip(expressions, times, strict=True):
                names = {"fields": fields, "times": counts, "now": NOW, **expression.names}
                found += bool(eval(expression.code, names))
        return found

    return evaluate


def _sql(con: duckdb.DuckDBPyConnection, who: Mapping[str, Any]) -> int:
    return sum(len(in_sql.members(con, one, who, NOW)) for one in who.values())


def _paths(part: Mapping[str, Any]) -> list[str]:
    return list(part.get("person", ()))


def _times(expression: Expression, events: list[Event]) -> list[list[datetime]]:
    """The times of the events that each clause counts."""
    rules = [next(iter(tally_rules(clause, {}))) for clause in expression.clauses]
    return [sorted(event.time for event in events if rule.matches(event)) for rule in rules]


def _best(function: Callable[[], int]) -> tuple[float, int]:
    """The fastest round in CPU seconds, and what it found."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        found = function()
        rounds.append(time.process_time() - begun)
    return min(rounds), found


if __name__ == "__main__":
    main()
