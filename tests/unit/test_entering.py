"""The ways into a journey as its file says them: read, refused, told and compared."""

from typing import Any

import jsonschema
import pytest

from functions.journeys.check import journey_schema, load
from functions.journeys.difference import differences
from functions.journeys.entering import Limit, limit
from functions.journeys.journey import Journey
from functions.journeys.telling import rules
from functions.journeys.yaml_file import read
from functions.problem import Problems
from functions.segments.phrases import WHOLE

STEPS = "steps: [{wait: 1 day}]\n"


def text(lines: str, once: str = "occasion") -> str:
    return f"title: A\npurpose: offers\nonce per: {once}\n{lines}\n{STEPS}"


def journey(lines: str, once: str = "occasion") -> Journey:
    return load("cart", {"journey.yaml": text(lines, once)}, {"offers": True})


RIGHT = [
    "enter when: {person: {plan: pro}}",
    "enter when: {person: {plan: pro}, including those already: true}",
    "enter when: {did: Visit, in the last: 3 days}",
    "enter when: {none of: [{clicked: onboarding/guide}]}",
    "enter when: {date: 3 months after person.last_visit}",
    "enter when: {date: 2 hours before person.appointment}",
    "enter when: {every: day 9:00}",
    "enter when: {every: 3 days before person.birthday 9:00}",
    "enter when: {every: 'RRULE:FREQ=WEEKLY;BYDAY=TU;BYHOUR=18'}",
    "limit: {share: 45 percent, per hour: 200}",
    "limit: {per hour: 1}",
    "group: offers\npriority: -3",
    "group: big offers",
]


@pytest.mark.parametrize("lines", RIGHT)
def test_what_the_checker_takes_the_schema_of_editors_takes_too(lines: str) -> None:
    assert journey(lines)
    raw = read("a", text(lines)).value
    assert not list(jsonschema.Draft202012Validator(journey_schema()).iter_errors(raw))


WRONG = {
    "a condition on the entry": (
        "enter when: {entry: {plan: pro}}",
        '"entry" speaks of a run, and nobody is in one before they enter',
    ),
    "a condition since the entry": (
        "enter when: {any of: [{did: Visit, since: entry}]}",
        '"since: entry" speaks of a run',
    ),
    "a condition on a message of the journey itself": (
        "enter when: {clicked: guide}",
        'name the journey as well, like "clicked: onboarding/guide"',
    ),
    "the same as at entry": (
        "enter when: {did: Visit, same: shop}",
        '"same" in "enter when" compares with an entering event, and there is none',
    ),
    "already beside an event": (
        "enter when: {event: A, including those already: true}",
        '"including those already" goes beside a condition; an event is never already true',
    ),
    "already beside a date": (
        "enter when: {date: person.ends, including those already: true}",
        '"including those already" goes beside a condition, not beside "date"',
    ),
    "already is no yes or no": (
        "enter when: {person: {plan: pro}, including those already: maybe}",
        '"including those already" is true or false',
    ),
    "a date of the calendar": (
        "enter when: {date: 2027-05-01 9:00}",
        'that is a day of the calendar; write "every: 2027-05-01 9:00"',
    ),
    "a date of the entry": (
        "enter when: {date: entry.ends}",
        "nobody has an entry before they enter",
    ),
    "a condition beside a schedule": (
        "enter when: {every: day 9:00, person: {plan: pro}}",
        '"person" does not go beside "every"; write it under "only if"',
    ),
    "date and every": (
        "enter when: {date: person.ends, every: day 9:00}",
        '"every" does not go beside "date"',
    ),
    "no schedule": ("enter when: {every: Mondays 9:00}", "is not a schedule; a schedule is"),
    "an empty schedule": ("enter when: {every: }", "is not a schedule"),
    "a schedule of hours": (
        "enter when: {every: 2 hours before person.x}",
        'what comes each year counts in days; say "1 day" or more',
    ),
    "an empty limit": ("limit: {}", '"limit" is written like {share: 45 percent, per hour: 200}'),
    "another limit": ("limit: {per day: 5}", '"per day" is unknown beside "limit"'),
    "a limit of none": ("limit: {per hour: 0}", '"per hour" is a number from 1 to 10000000'),
    "a limit of halves": ("limit: {per hour: 2.5}", '"per hour" takes a whole number'),
    "a wrong share": ("limit: {share: 45}", "a share is written like"),
    "a priority without a group": (
        "priority: 3",
        '"priority" decides within a group; say which one, like "group: offers"',
    ),
    "a group that is no name": ("group: [a]", '"group"'),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_way_in_is_refused_at_its_line_with_what_is_right(case: str) -> None:
    lines, said = WRONG[case]
    with pytest.raises(Problems) as refused:
        journey(lines)
    [problem] = str(refused.value).splitlines()
    assert problem.startswith("cart/journey.yaml:4: ")
    assert said in problem


def test_without_an_event_once_per_counts_by_no_property() -> None:
    with pytest.raises(Problems, match=r"3: .*here no event lets people in; write person"):
        journey("enter when: {person: {plan: pro}}", "order_id")
    for once in ("person", "occasion", "30 days"):
        assert journey("enter when: {person: {plan: pro}}", once).looked


@pytest.mark.parametrize("outcome", ["outranked", "merged"])
def test_no_journey_may_call_an_outcome_by_a_word_of_ours(outcome: str) -> None:
    with pytest.raises(Problems, match="our own word"):
        journey(f"leave when: [{{event: A, as: {outcome}}}]")


def test_a_share_lets_about_so_many_in_and_a_larger_one_all_of_those() -> None:
    people = [f"p{number}" for number in range(2000)]
    few, more = Limit(share=3000), limit({"share": "60 percent"})
    first = {one for one in people if few.has_a_place_for(one, "cart")}
    assert 500 < len(first) < 700
    assert first < {one for one in people if more.has_a_place_for(one, "cart")}
    assert first != {one for one in people if few.has_a_place_for(one, "other")}
    assert all(Limit(share=WHOLE).has_a_place_for(one, "cart") for one in people)


TOLD: list[tuple[Any, str, str]] = [
    (
        {"person": {"plan": "pro"}},
        "it becomes so that the person's plan is “pro”",
        "es dazu kommt: plan der Person ist „pro“",
    ),
    (
        {"date": "3 days after person.ends 9:00"},
        "this comes: 3 days after person.ends 9:00",
        "dieser Zeitpunkt kommt: 3 Tage nach person.ends 9:00 Uhr",
    ),
    (
        {"every": "Monday 9:00"},
        "it is time, again and again: Monday 9:00",
        "es Zeit ist, immer wieder: an jedem Montag 9:00 Uhr",
    ),
    (
        {"every": "1st of the month"},
        "it is time, again and again: 1st of the month",
        "es Zeit ist, immer wieder: am 1. des Monats",
    ),
    (
        {"every": "24 December 9:00"},
        "it is time, again and again: 24 December 9:00",
        "es Zeit ist, immer wieder: am 24. Dezember jedes Jahres 9:00 Uhr",
    ),
    (
        {"every": "last day of the month 9:00"},
        "it is time, again and again: last day of the month 9:00",
        "es Zeit ist, immer wieder: am letzten Tag des Monats 9:00 Uhr",
    ),
    (
        {"every": "RRULE:FREQ=DAILY"},
        "it is time, again and again: “RRULE:FREQ=DAILY”",
        "es Zeit ist, immer wieder: „RRULE:FREQ=DAILY“",
    ),
]


@pytest.mark.parametrize(("raw", "english", "german"), TOLD)
def test_every_way_in_is_told_in_both_languages(raw: Any, english: str, german: str) -> None:
    assert rules({"enter when": raw}, "en")["enter when"] == [english]
    assert rules({"enter when": raw}, "de")["enter when"] == [german]


def test_limit_group_and_priority_are_told() -> None:
    raw = {"limit": {"share": "33.3 percent", "per hour": 2000}, "group": "offers", "priority": 3}
    told = rules({"enter when": {"event": "A"}, **raw}, "de")
    assert told["limit"] == ["33,3 Prozent aller Personen; 2.000 in einer Stunde"]
    assert (told["group"], told["priority"]) == (["„offers“"], ["3"])
    assert rules({**raw}, "en")["limit"] == ["33.3 percent of all people; 2,000 in an hour"]


def test_a_difference_names_what_changed_in_the_ways_in() -> None:
    before = {"cart": {"journey.yaml": text("enter when: {person: {plan: pro}}")}}
    more = "enter when: {person: {plan: pro}, including those already: true}\nlimit: {per hour: 5}"
    after = {"cart": {"journey.yaml": text(more)}}
    assert differences(before, after, "en")["cart"] == [
        "enter when: was it becomes so that the person's plan is “pro”; is now it becomes so that "
        "the person's plan is “pro” (also those for whom it is so at the first publish)",
        "added: limit: 5 in an hour",
    ]
