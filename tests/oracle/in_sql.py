"""What a condition means, said once more in SQL: over the whole history that is known at a moment.

Nothing here is shared with `functions/segments` but the reading of durations, so that a mistake
there is not made here as well.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import duckdb

from functions.segments.phrases import duration

# Every number below is of a person; `counts` and `worth` of an order.
_KNOWN = """
CREATE OR REPLACE TEMP TABLE known AS SELECT * FROM event WHERE arrived <= TIMESTAMP '{moment}'
"""
_ORDER = """
CREATE OR REPLACE TEMP TABLE shop_order AS
SELECT person, about, placed, counts, coupon, units,
    CASE WHEN counts THEN greatest(amount - refunded, 0) ELSE 0 END AS worth
FROM (
    SELECT person, about,
        min(time) FILTER (name = 'Order Completed') AS placed,
        coalesce(any_value(revenue) FILTER (name = 'Order Completed'), 0) AS amount,
        coalesce(sum(revenue) FILTER (name = 'Order Refunded'), 0) AS refunded,
        coalesce(bool_or(name = 'Order Refunded' AND revenue IS NULL), false) AS void,
        coalesce(bool_or(coupon), false) AS coupon,
        coalesce(any_value(len(skus)) FILTER (name = 'Order Completed'), 0) AS units,
        placed IS NOT NULL AND NOT void AS counts
    FROM known WHERE name LIKE 'Order %' GROUP BY person, about
)
"""
_PERSON = """
CREATE OR REPLACE TEMP TABLE person AS
SELECT * FROM (
    SELECT person, min(time) AS first_seen,
        max(time) FILTER (name <> 'Email Delivered') AS last_seen,  -- no sign of the person
        arg_max(plan, time) FILTER (plan <> '') AS plan,
        arg_max(land, time) FILTER (land <> '') AS country
    FROM known GROUP BY person
)
LEFT JOIN (
    SELECT person, count(*) FILTER (counts) AS orders, sum(worth) AS revenue,
        min(placed) FILTER (counts) AS first_order, max(placed) FILTER (counts) AS last_order
    FROM shop_order GROUP BY person
) USING (person)
"""
NEVER_MISSING = {"orders": "coalesce(orders, 0)", "revenue": "coalesce(revenue, 0)"}
MIRRORED = {"lifetime_value": "revenue"}
_COLUMNS = {"path": "path", "journey": "journey", "revenue": "revenue", "order_id": "about"}
_RECEIPTS = {
    "sent": "Email Delivered",
    "opened": "Email Opened",
    "clicked": "Email Link Clicked",
    "bounced": "Email Bounced",
}
_COMBINED = {"all of": ("", " AND "), "any of": ("", " OR "), "none of": ("NOT ", " OR ")}
_OPERATORS = {
    "": "=",
    "not": "<>",
    "at least": ">=",
    "at most": "<=",
    "more than": ">",
    "less than": "<",
    "one of": "IN",
    "none of": "NOT IN",
}
_FUNCTIONS = {"contains": "contains", "starts with": "starts_with"}


def at(con: duckdb.DuckDBPyConnection, moment: datetime) -> None:
    """Make the tables of what is known at a moment."""
    said = moment.replace(tzinfo=None).isoformat(sep=" ")
    for statement in (_KNOWN, _ORDER, _PERSON):
        con.execute(statement.format(moment=said))


def members(
    con: duckdb.DuckDBPyConnection,
    who: Mapping[str, Any],
    segments: Mapping[str, Mapping[str, Any]],
    moment: datetime,
) -> set[int]:
    """The people for whom the condition (YAML) holds, after `at` this moment."""
    asked = _Question(segments, moment)
    holds = asked.sentence(who)
    joins = "".join(
        f" LEFT JOIN ({text}) AS d{number} ON d{number}.who = person.person"
        for number, text in enumerate(asked.counted)
    )
    return {
        row[0] for row in con.execute(f"SELECT person FROM person{joins} WHERE {holds}").fetchall()
    }


class _Question:
    """One condition as SQL; `counted` are the subqueries that count events."""

    def __init__(self, segments: Mapping[str, Mapping[str, Any]], moment: datetime) -> None:
        self.segments, self.moment = segments, moment
        self.counted: list[str] = []

    def sentence(self, raw: Mapping[str, Any]) -> str:
        """The condition as a truth value."""
        for word, (begin, between) in _COMBINED.items():
            if word in raw:
                return f"{begin}({between.join(self.sentence(part) for part in raw[word])})"
        for word, name in _RECEIPTS.items():
            if word in raw:
                return self._receipt(name, raw[word])
        if "in segment" in raw:
            return self.sentence(self.segments[raw["in segment"]])
        if "person" in raw:
            return "(" + " AND ".join(self._of_person(raw["person"])) + ")"
        if "did" in raw:
            return self._did(raw)
        raise NotImplementedError(f"the oracle cannot say {dict(raw)}")

    def _of_person(self, tests: Mapping[str, Any]) -> Iterator[str]:
        for field, test in tests.items():
            name = MIRRORED.get(field, field)
            yield self._test(NEVER_MISSING.get(name, name), test)

    def _did(self, raw: Mapping[str, Any]) -> str:
        names = raw["did"] if isinstance(raw["did"], list) else [raw["did"]]
        said = [f"name IN {_listed(names)}"]
        if "in the last" in raw:
            said.append(f"time >= {self._ago(raw['in the last'])}")
        for field, test in raw.get("where", {}).items():
            said.append(self._of_event(field, test))
        count = self._count(said)
        return self._test(count, raw["times"]) if "times" in raw else f"{count} > 0"

    def _of_event(self, field: str, test: Any) -> str:
        if field == "products.sku":
            options = test["one of"] if isinstance(test, dict) else [test]
            any_of = ", ".join(map(_literal, options))
            return f"coalesce(list_has_any(skus, [{any_of}]), false)"
        column = _COLUMNS[field]
        empty = f"CASE WHEN {column} <> '' THEN {column} END"
        return self._test(column if column == "revenue" else empty, test)

    def _receipt(self, name: str, messages: Any) -> str:
        of = [one.split("/") for one in (messages if isinstance(messages, list) else [messages])]
        journeys = [journey for journey, message in of if message == "letter"]
        said = f"journey IN {_listed(journeys)}" if journeys else "false"
        return f"{self._count([f'name = {_literal(name)}', said])} > 0"

    def _count(self, where: list[str]) -> str:
        self.counted.append(
            f"SELECT person AS who, count(*) AS n FROM known WHERE {' AND '.join(where)} GROUP BY 1"
        )
        return f"coalesce(d{len(self.counted) - 1}.n, 0)"

    def _test(self, value: str, raw: Any) -> str:
        tests = raw if isinstance(raw, dict) else {"": raw}
        return (
            "(" + " AND ".join(self._one(value, word, said) for word, said in tests.items()) + ")"
        )

    def _one(self, value: str, word: str, said: Any) -> str:
        if word == "known":
            return f"{value} IS {'NOT ' if said else ''}NULL"
        if word in _OPERATORS:
            right = _listed(said) if isinstance(said, list) else _literal(said)
            # Whom something is not known of, it is not what is ruled out.
            missing = "true" if word in ("not", "none of") else "false"
            return f"coalesce({value} {_OPERATORS[word]} {right}, {missing})"
        if word in _FUNCTIONS:
            return f"coalesce({_FUNCTIONS[word]}({value}, {_literal(said)}), false)"
        if word in ("before", "after"):
            sign = "<" if word == "before" else ">"
            return f"coalesce({value} {sign} {_moment(datetime.fromisoformat(said))}, false)"
        return f"coalesce({value} BETWEEN {' AND '.join(self._span(word, said))}, false)"

    def _span(self, word: str, said: str) -> tuple[str, str]:
        if word == "in the last":
            return self._ago(said), _moment(self.moment)
        if word == "in the next":
            return _moment(self.moment), _moment(self.moment + _length(said))
        raise NotImplementedError(f"the oracle cannot test {word}")

    def _ago(self, said: str) -> str:
        return _moment(self.moment - _length(said))


def _length(said: str) -> timedelta:
    return duration(said).at_most


def _moment(time: datetime) -> str:
    return f"TIMESTAMP '{time.replace(tzinfo=None).isoformat(sep=' ')}'"


def _listed(values: list[Any]) -> str:
    return f"({', '.join(map(_literal, values))})"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return (
        str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"
    )
