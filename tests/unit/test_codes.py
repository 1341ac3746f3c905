"""Codes are given once each, whatever is retried, races or breaks off."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from secrets import choice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from functions.codes import issue
from functions.codes.records import FREE, ISSUED, PARTS, CodePart, IssuedCode, codes_key, part_of
from functions.codes.rules import CodeRule, build, mistakes
from functions.handlers.coding import coupons
from functions.messages.codes import Codes, Given, unknown
from functions.messages.template import TemplateError, fill, mentioned_codes
from functions.tracking.event import Event
from functions.tracking.identity import short_hash
from functions.tracking.permission import Refused
from functions.tracking.profile import Profile
from local.code_commands import _batches
from tests.support.counted_store import CountedStore
from tests.support.stores import sqlite_store

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
LIST, MADE = CodeRule(kind="list"), CodeRule(kind="made", prefix="HI-")
_names = (f"name{number}" for number in count())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return sqlite_store(tmp_path_factory.mktemp("codes"))


class Letters:
    """The letters of the alphabet in turn, so that the same codes come again and again."""

    def __init__(self, every: int = 1) -> None:
        self._numbers = count()
        self._every = every

    def __call__(self, alphabet: str) -> str:
        return alphabet[next(self._numbers) // 10 // self._every % len(alphabet)]


def give(
    store: Any, name: str, person: str, rule: CodeRule = LIST, draw: Callable[[str], str] = choice
) -> str:
    wanted = IssuedCode(person=person, name=name, occasion="", code="", issued=NOW)
    profile = Profile(person=person)
    found = issue.issue(store, profile, rule, wanted, BERLIN, draw)
    return found.code if found else ""


# --- once each


@given(some.lists(some.sampled_from("abcdefgh"), max_size=20), some.integers(0, 6))
def test_no_two_people_ever_have_one_code_and_each_person_keeps_theirs(
    store: Any, people: list[str], number: int
) -> None:
    name, codes = next(_names), [f"C{one}" for one in range(number)]
    assert issue.add(store, name, codes) == number
    has: dict[str, str] = {}
    for person in people:
        code = give(store, name, person)
        assert code == has.setdefault(person, code) or not has[person]
        has[person] = has[person] or code
    given_codes = [code for code in has.values() if code]
    assert len(set(given_codes)) == len(given_codes) == min(len(has), number)
    assert set(given_codes) <= set(codes)
    assert issue.count(store, name)[ISSUED] == len(given_codes)


class Crash(Exception):
    pass


class Breaking:
    """The store, until the call of this number: then everything stops, before or after it."""

    def __init__(self, inner: Any, number: int, after: bool) -> None:
        self._inner, self._left, self._after = inner, number, after

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            self._left -= 1
            if self._left == -1 and not self._after:
                raise Crash
            found = getattr(self._inner, name)(*args, **more)
            if self._left == -1:
                raise Crash
            return found

        return call


@pytest.mark.parametrize("rule", [LIST, MADE], ids=["list", "made"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(9))
def test_a_crash_at_any_call_leaves_at_most_a_code_unused(
    store: Any, rule: CodeRule, after: bool, number: int
) -> None:
    name = next(_names)
    issue.add(store, name, ["A", "B", "C"] if rule is LIST else [])
    breaking: Any = Breaking(store, number, after)
    with suppress(Crash):
        give(breaking, name, "ada", rule)
    ada, bob = give(store, name, "ada", rule), give(store, name, "bob", rule)
    assert ada != bob
    assert give(store, name, "ada", rule) == ada
    assert {ada, bob} - {""} == {ada, bob}
    assert issue.count(store, name)[ISSUED] <= 3


def test_the_crash_points_above_are_all_that_there_are(store: Any) -> None:
    name = next(_names)
    issue.add(store, name, ["A", "B", "C"])
    give(Breaking(store, 9, False), name, "ada")
    give(Breaking(store, 9, False), next(_names), "ada", MADE)


class Racing:
    """The store; just before the write of this number somebody else is given a code."""

    def __init__(self, inner: Any, number: int, other: Callable[[], object]) -> None:
        self._inner, self._left, self._other = inner, number, other

    def __getattr__(self, name: str) -> Any:
        if name == "put":
            self._left -= 1
            if self._left == -1:
                self._other()
        return getattr(self._inner, name)


@pytest.mark.parametrize("rule", [LIST, MADE], ids=["list", "made"])
@pytest.mark.parametrize("rival", ["ada", "bob"])
@pytest.mark.parametrize("number", range(2))
def test_of_two_tries_at_a_time_each_person_gets_one_code_of_their_own(
    store: Any, rule: CodeRule, rival: str, number: int
) -> None:
    name, theirs = next(_names), list[str]()
    issue.add(store, name, ["A", "B", "C"] if rule is LIST else [])
    racing: Any = Racing(
        store, number, lambda: theirs.append(give(store, name, rival, rule, Letters()))
    )
    mine = give(racing, name, "ada", rule, Letters())
    assert theirs
    assert (mine == theirs[0]) is (rival == "ada")


def test_a_made_code_that_was_drawn_before_is_drawn_again(store: Any) -> None:
    name = next(_names)
    assert give(store, name, "ada", MADE, Letters()) == "HI-AAAAAAAAAA"
    assert give(store, name, "bob", MADE, Letters()) == "HI-BBBBBBBBBB"


def test_of_two_people_who_are_one_the_code_that_is_still_good_goes_first(store: Any) -> None:
    name, over = next(_names), NOW - timedelta(days=1)
    for person, code, expires in (("a", "OLD", over), ("b", "NEW", None)):
        store.put(
            IssuedCode(person=person, name=name, occasion="", code=code, issued=NOW, ends=expires)
        )
    wanted = IssuedCode(person="a", name=name, occasion="", code="", issued=NOW)
    both = Profile(person="a", merged=["b"])
    found = issue.issue(store, both, LIST, wanted, BERLIN, Letters())
    assert found
    assert found.code == "NEW"
    assert {"OLD", "NEW"} <= {one.code for one in issue.issued_to(store, both)}


# --- where codes are kept


@given(some.lists(some.text(some.characters(codec="ascii", categories=["L", "N"]), min_size=1)))
def test_codes_that_are_sent_again_are_known_and_keep_their_state(
    store: Any, codes: list[str]
) -> None:
    name, different = next(_names), len({code.upper() for code in codes})
    assert issue.add(store, name, codes) == different
    taken = give(store, name, "ada") if codes else ""
    assert issue.add(store, name, [code.lower() for code in codes]) == 0
    assert issue.count(store, name)[FREE] == different - bool(taken)


def test_a_code_is_found_by_one_read_whatever_its_capitals(store: Any) -> None:
    name = next(_names)
    issue.add(store, name, ["Summer-1"])
    part = store.get(CodePart, codes_key(name), f"{part_of('SUMMER-1'):04}")
    assert part.find("summer-1") == "Summer-1"
    assert part.find("other") == ""


def test_taking_one_of_a_hundred_thousand_codes_costs_three_write_units_at_most(store: Any) -> None:
    name, number = next(_names), 100_000 // PARTS
    first = int(short_hash("ada", f"{name}/")[:8], 16) % PARTS
    codes = ("".join(choice(issue.ALPHABET) for _ in range(12)) for _ in range(number))
    store.put(CodePart(name=name, number=first, codes=dict.fromkeys(codes, FREE)))
    counted = CountedStore(store)
    assert give(counted, name, "ada")
    assert sum(one.units for one in counted.written) <= 3


def test_what_is_sent_together_is_kept_together() -> None:
    codes = [f"C{number}" for number in range(10_000)]
    batches = list(_batches(codes))
    assert sorted(code for batch in batches for code in batch) == sorted(codes)
    assert sum(len({part_of(code) for code in batch}) for batch in batches) == PARTS
    assert max(map(len, batches)) <= 2000


# --- in a template


def shown(template: str, *found: Given) -> str:
    left = iter(found)
    return fill(template, {"code": Codes(lambda name: next(left))}, autoescape=True)


def test_a_code_is_asked_for_once_a_message_and_only_where_it_is_shown() -> None:
    one = Given("A&B", NOW, "10 %")
    template = "{{ code.x }} {{ code.x | downcase }} {{ code.x.worth }} {% if code.x %}y{% endif %}"
    assert shown(template, one) == "A&amp;B a&amp;b 10 % y"
    assert shown("{% if no %}{{ code.x }}{% endif %}") == ""


@pytest.mark.parametrize(
    "template", ["{{ code.x }}", "{{ code.x | upcase }}", '{{ "a" | append: code.x }}']
)
def test_a_code_that_there_is_not_is_never_shown_empty(template: str) -> None:
    with pytest.raises((Refused, TemplateError)):
        shown(template, unknown("x"))


def test_a_template_can_tell_that_there_is_no_code() -> None:
    assert shown('{{ code.x | default: "ALL" }}', unknown("x")) == "ALL"
    assert shown("{% if code.x %}y{% else %}n{% endif %}", unknown("x")) == "n"


def test_only_codes_are_taken_for_codes() -> None:
    text = "code.a {{ code.b }} {% if code.c-d %}{% endif %} {{ entry.code.e }} {{ barcode.f }}"
    assert mentioned_codes(text) == {"b", "c-d"}


# --- in an order


@pytest.mark.parametrize(
    ("properties", "found"),
    [
        ({"coupon": " A "}, ["A"]),
        ({"coupon": ["A", "B", 3]}, ["A", "B"]),
        ({"coupon": "A", "products": [{"coupon": "A"}, {"coupon": "C"}, "x"]}, ["A", "C"]),
        ({"coupon": "x" * 65, "products": {"coupon": "A"}}, ["A"]),
        ({}, []),
    ],
)
def test_an_order_names_coupons_for_the_whole_or_for_a_product(
    properties: dict[str, Any], found: list[str]
) -> None:
    event = Event(
        type="track",
        event="Order Completed",
        message_id="m",
        time=NOW,
        received_at=NOW,
        properties=properties,
    )
    assert coupons(event) == found


# --- codes.yaml


def said(**rule: Any) -> list[str]:
    return [f"{'.'.join(map(str, path))}: {words}" for path, words in mistakes({"hi": rule})]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"kind": "lists"}, "hi.kind"),
    ({}, "kind"),
    ({"kind": "made", "length": 9}, "10 to 24"),
    ({"kind": "made", "prefix": "hi"}, "capital letters"),
    ({"kind": "made", "low at": 5}, "never run out"),
    ({"kind": "list", "prefix": "A"}, 'kind "made"'),
    ({"kind": "list", "low at": -1}, "hi.low at"),
    ({"kind": "list", "valid for": "soon"}, '"5 days"'),
    ({"kind": "list", "once per": "order"}, "hi.once per"),
    ({"kind": "list", "valid": "5 days"}, 'did you mean "valid for"?'),
]


@pytest.mark.parametrize(("rule", "words"), WRONG)
def test_what_is_wrong_in_codes_yaml_is_said_at_its_place(rule: dict[str, Any], words: str) -> None:
    [problem] = said(**rule)
    assert words in problem


def test_codes_yaml_may_be_missing_and_is_a_mapping_of_names() -> None:
    assert list(mistakes(None)) == []
    assert build(None) == {}
    assert [path for path, _ in mistakes([1])] == [()]
    assert [path for path, _ in mistakes({"Hi there": {"kind": "list"}})] == [("Hi there",)]
    assert [path for path, _ in mistakes({"hi": "list"})] == [("hi",)]


def test_a_code_ends_by_the_calendar_where_the_person_is() -> None:
    rule = CodeRule(kind="made", valid_for="1 month")
    assert rule.ends(NOW, BERLIN) == datetime(2027, 4, 1, 8, tzinfo=UTC)  # by then it is summer
