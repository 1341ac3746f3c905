"""What a condition means, said once more in SQL: over the whole history that is known at a moment.

Nothing here is shared with `functions/segments` but the reading of durations, so that a mistake
there is not made here as well.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from functions.segments.buying import Buying
from functions.segments.census_records import Cuts, Measure, ValueModel
from functions.segments.phrases import duration
from functions.segments.population import AVERAGED

# Every number below is of a person; `counts` and `worth` of an order.
_KNOWN = """
CREATE OR REPLACE TEMP TABLE known AS SELECT * FROM event WHERE arrived <= TIMESTAMP '{moment}'
"""
_ORDER = """
CREATE OR REPLACE TEMP TABLE shop_order AS
SELECT *, CASE WHEN counts AND cost IS NOT NULL  -- to a millionth: else a sum hangs on its order
    THEN CAST(worth - cost * CASE WHEN amount > 0 THEN worth / amount ELSE 1 END AS DECIMAL(18, 6))
    END AS margin
FROM (
    SELECT *, placed IS NOT NULL AND NOT void AND NOT (amount > 0 AND refunded >= amount) AS counts,
        CASE WHEN counts THEN greatest(amount - refunded, 0) ELSE 0 END AS worth
    FROM (
        SELECT person, about,
            min(time) FILTER (name = 'Order Completed') AS placed,
            coalesce(any_value(revenue) FILTER (name = 'Order Completed'), 0) AS amount,
            any_value(cost) AS cost,
            coalesce(sum(revenue) FILTER (name = 'Order Refunded'), 0) AS refunded,
            coalesce(bool_or(name = 'Order Refunded' AND revenue IS NULL), false) AS void,
            coalesce(bool_or(coupon), false) AS coupon,
            coalesce(any_value(len(skus)), 0) AS units
        FROM known WHERE name LIKE 'Order %' GROUP BY person, about
    )
)
"""
_PERSON = """
CREATE OR REPLACE TEMP TABLE person AS
SELECT * FROM (
    SELECT person, min(time) AS first_seen,
        max(time) FILTER (name <> 'Email Delivered') AS last_seen,  -- no sign of the person
        arg_max(plan, time) FILTER (plan <> '') AS plan,
        arg_max(land, time) FILTER (land <> '') AS country,
        bool_or(type = 'identify') AS has_email,
        0 AS referrals,  -- in this population nobody recommends us
        coalesce(arg_max(name = 'Consent Given', (time, name = 'Unsubscribed'))
            FILTER (name IN ('Consent Given', 'Unsubscribed')), false) AS consents
    FROM known GROUP BY person
)
LEFT JOIN (
    SELECT person, count(*) FILTER (counts) AS orders, sum(worth) AS revenue,
        min(placed) FILTER (counts) AS first_order, max(placed) FILTER (counts) AS last_order,
        CASE WHEN orders > 0 THEN round(sum(worth) / orders, 2) END AS basket,
        CASE WHEN orders > 0 THEN round(count(*) FILTER (counts AND coupon) / orders, 4) END
            AS coupon_share,
        count(*) FILTER (counts AND coupon) AS used_coupons,
        CASE WHEN sum(units) FILTER (counts) > 0 THEN round(sum(units) FILTER (counts) / orders, 2)
            END AS items,
        sum(margin) AS margin,
        CASE WHEN orders > 1 THEN round(epoch(last_order - first_order) / 86400 / (orders - 1), 1)
            END AS order_gap
    FROM shop_order GROUP BY person
) USING (person)
LEFT JOIN (
    SELECT person, sum(CASE WHEN gap IS NULL OR gap > 1800 THEN 1 ELSE 0 END) AS visits,
        max(to_timestamp(second)) AT TIME ZONE 'UTC' AS last_visit
    FROM (
        SELECT person, epoch(date_trunc('second', time)) AS second,
            second - lag(second) OVER (PARTITION BY person ORDER BY time) AS gap
        FROM known WHERE type = 'page'
    ) GROUP BY person
) USING (person)
LEFT JOIN (
    SELECT person, arg_max(device, (n, latest, device)) AS device FROM (
        SELECT person, device, count(*) AS n, max(time) AS latest
        FROM known WHERE device IS NOT NULL GROUP BY person, device
    ) GROUP BY person
) USING (person)
"""
NEVER_MISSING = {
    name: f"coalesce({name}, 0)" for name in ("orders", "revenue", "visits", "used_coupons")
}
_AVERAGE = {"above": "more than", "below": "less than"}
_MAY_GET = {("email", "offers"): "(has_email AND consents)", ("sms", "offers"): "false"}
BUYING = Buying(1.15, 6.2, 0.3, 9.0)  # by which some who live here have gone, and others have not
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
_WORDS = (*_COMBINED, *_RECEIPTS, "in segment", "person", "did", "may get")


def at(con: duckdb.DuckDBPyConnection, moment: datetime) -> None:
    """Make the tables of what is known at a moment."""
    said = moment.replace(tzinfo=None).isoformat(sep=" ")
    for statement in (_KNOWN, _ORDER, _PERSON):
        con.execute(statement.format(moment=said))


def cut_points(con: duckdb.DuckDBPyConnection, moment: datetime) -> Cuts:
    """The cut points over everybody, after `at` this moment."""
    measures = {}
    for name in AVERAGED:
        if name == "score":
            continue  # nobody here has one
        among = f"{name} > 0" if name == "visits" else f"orders > 0 AND {name} IS NOT NULL"
        [(people, mean, *fifths)] = con.execute(
            f"SELECT count(*), avg({name}), {_fifths(name)} FROM person WHERE {among}"
        ).fetchall()
        if people:
            known = [Decimal(str(one)) for one in fifths]
            measures[name] = Measure(people, round(Decimal(str(mean)), 6), known)
    [(people,)] = con.execute("SELECT count(*) FROM person").fetchall()
    [recency] = con.execute(
        f"SELECT {_fifths('last_order')} FROM person WHERE orders > 0"
    ).fetchall()
    return Cuts(
        made=moment,
        people=people,
        measures=measures,
        abc={name: _abc(con, name) for name in ("revenue", "margin")},
        recency=[one.replace(tzinfo=UTC) for one in recency],
        value=ValueModel(customers=people, again=people, buying=BUYING),
    )


def _fifths(name: str) -> str:
    return ", ".join(f"quantile_disc({name}, {share})" for share in (0.2, 0.4, 0.6, 0.8))


def _abc(con: duckdb.DuckDBPyConnection, name: str) -> tuple[Decimal, Decimal]:
    """The least amounts of an A (who make 80 % together) and of a B (the next 15 %)."""
    found = con.execute(
        f"""SELECT max(v) FILTER (cumulated >= 0.8 * whole),
            max(v) FILTER (cumulated >= 0.95 * whole)
        FROM (
            SELECT {name} AS v, sum(v) OVER () AS whole,
                sum(v) OVER (ORDER BY v DESC ROWS UNBOUNDED PRECEDING) AS cumulated
            FROM person WHERE orders > 0 AND {name} > 0
        )"""
    ).fetchall()
    [(a, b)] = found
    return Decimal(str(a)), Decimal(str(b))


def members(
    con: duckdb.DuckDBPyConnection,
    who: Mapping[str, Any],
    segments: Mapping[str, Mapping[str, Any]],
    moment: datetime,
    cuts: Cuts | None = None,
) -> set[int]:
    """The people for whom the condition (YAML) holds, after `at` this moment."""
    asked = _Question(segments, moment, cuts)
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

    def __init__(
        self, segments: Mapping[str, Mapping[str, Any]], moment: datetime, cuts: Cuts | None
    ) -> None:
        self.segments, self.moment, self.cuts = segments, moment, cuts
        self.counted: list[str] = []

    def sentence(self, raw: Mapping[str, Any]) -> str:
        """The condition as a truth value."""
        word = next(word for word in _WORDS if word in raw)
        if word in _COMBINED:
            begin, between = _COMBINED[word]
            return f"{begin}({between.join(self.sentence(part) for part in raw[word])})"
        if word in _RECEIPTS:
            return self._receipt(_RECEIPTS[word], raw[word])
        return str(getattr(self, f"_{word.replace(' ', '_')}")(raw))

    def _in_segment(self, raw: Mapping[str, Any]) -> str:
        return self.sentence(self.segments[raw["in segment"]])

    def _person(self, raw: Mapping[str, Any]) -> str:
        return "(" + " AND ".join(self._of_person(raw["person"])) + ")"

    def _may_get(self, raw: Mapping[str, Any]) -> str:
        return _MAY_GET[raw["may get"], raw["purpose"]]

    def _of_person(self, tests: Mapping[str, Any]) -> Iterator[str]:
        for field, test in tests.items():
            name = MIRRORED.get(field, field)
            if name in ("purchase_probability", "still_customer"):
                yield self._test(self._foretold(name), test)
            elif name in ("abc", "abc_margin") or name.endswith("_score"):
                yield self._test(self._relative(name), test)
            else:
                yield self._test(NEVER_MISSING.get(name, name), self._in_numbers(name, test))

    def _in_numbers(self, name: str, test: Any) -> Any:
        """The average as the number that it is."""
        if not isinstance(test, dict) or not _AVERAGE.keys() & test.keys():
            return test
        if self.cuts is None or name not in self.cuts.measures:
            return {"one of": []}  # nobody
        mean = float(self.cuts.measures[name].mean)
        return {
            _AVERAGE.get(word, word): mean if word in _AVERAGE else said
            for word, said in test.items()
        }

    def _relative(self, name: str) -> str:
        cuts = self.cuts
        if cuts is None:
            return "NULL"
        if name in ("abc", "abc_margin"):
            of = "margin" if name == "abc_margin" else "revenue"
            a, b = cuts.abc[of]
            return f"""CASE WHEN orders > 0 AND {of} IS NOT NULL THEN
                CASE WHEN {of} >= {a} THEN 'A' WHEN {of} >= {b} THEN 'B' ELSE 'C' END END"""
        if name == "recency_score":
            bounds, of = [_moment(one) for one in cuts.recency], "last_order"
        else:
            of = {"frequency_score": "orders", "monetary_score": "revenue"}[name]
            bounds = [str(one) for one in cuts.measures[of].quintiles]
        above = " + ".join(f"CAST({of} > {bound} AS INTEGER)" for bound in bounds)
        return f"CASE WHEN orders > 0 THEN 1 + {above} END"

    def _foretold(self, name: str) -> str:
        """By the formulas of the papers (see functions/segments/buying.py)."""
        if self.cuts is None or self.cuts.value is None or self.cuts.value.buying is None:
            return "NULL"
        model, made = self.cuts.value.buying, _moment(self.cuts.made)
        r, alpha = f"({model.r} + orders - 1)", f"{model.alpha}"
        last = f"({alpha} + epoch(last_order - first_order) / 86400)"
        known = f"({alpha} + epoch(greatest({made}, last_order) - first_order) / 86400)"
        odds = f"{model.a} / ({model.b} + orders - 2) * pow({known} / {last}, {r})"
        alive = f"CASE WHEN orders > 1 THEN 1 / (1 + {odds}) ELSE 1 END"
        none = f"pow({known} / ({known} + 30), {r})"
        value = alive if name == "still_customer" else f"({alive}) * (1 - {none})"
        return f"CASE WHEN orders > 0 THEN round({value}, 4) END"

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
    return f"({', '.join(map(_literal, values)) or 'NULL'})"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return (
        str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"
    )
