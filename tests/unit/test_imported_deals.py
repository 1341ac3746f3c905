"""What a CRM says of its deals: its newest word counts, and the same word counts once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.sales.deals import deal_event
from functions.sales.imported_deals import Told, begun, hear, stage_called
from functions.sales.records import Deal
from functions.sales.report import deal_report
from functions.sales.rules import Colleague, Sales, Stage
from functions.sales.work import NotSo

BEGAN = datetime(2027, 1, 1, 9, tzinfo=UTC)
PIPELINE = {
    "new": Stage(title="First contact"),
    "qualified": Stage(needs=["budget"]),
    "offer": Stage(),
}
STAGES = [*PIPELINE, "won", "lost"]


def told(day: float, stage: str = "new", **more: Any) -> Told:
    at = BEGAN + timedelta(days=day)
    return Told(**{"at": at, "created": BEGAN, "stage": stage, "value": Decimal(5), **more})


def begin(first: Told) -> Deal:
    return begun("ada", "d1", first, PIPELINE)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Qualified", "qualified"),
        ("first CONTACT", "new"),
        (" Closed Won ", "won"),
        ("closedlost", "lost"),
        ("Gewonnen", "won"),
        ("", ""),
    ],
)
def test_a_stage_is_known_by_its_name_or_title_however_it_is_written(
    theirs: str, ours: str
) -> None:
    assert stage_called(theirs, PIPELINE) == ours


def test_an_unknown_stage_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(NotSo, match="there are: new, qualified, offer, won, lost"):
        stage_called("Negotiation", PIPELINE)


def test_a_colleague_is_known_by_a_whole_name_that_only_one_has() -> None:
    one = Colleague("Anna Arndt", "anna@shop.example")
    sales = Sales(people={"anna": one, "ben": Colleague("Ben", "ben@shop.example")})
    assert [sales.colleague(name) for name in ("anna arndt", "Anna@shop.example", "Zoe")] == [
        "anna",
        "anna",
        "",
    ]
    assert Sales(people={"anna": one, "other": one}).colleague("Anna Arndt") == ""


words = st.builds(
    lambda day, stage, value, reason: told(day, stage, value=Decimal(value), reason=reason),
    st.integers(0, 60),
    st.sampled_from(STAGES),
    st.integers(0, 9),
    st.sampled_from(["", "too dear"]),
)


@given(st.lists(words, min_size=1, max_size=6))
def test_a_word_that_comes_again_changes_nothing_and_the_newest_one_stays(
    said: list[Told],
) -> None:
    deal = begin(said[0])
    for one in said[1:]:
        hear(deal, one)
        assert not hear(deal, one)
    newest = max(one.at for one in said)
    [*_, last] = [one for one in said if one.at == newest]
    assert deal.value == last.value
    moves = [change for change in deal.history if change.event != "Deal Created"]
    assert len(deal.stays) == len(moves) + 1
    since = [stay.since for stay in deal.stays]
    assert since == sorted(since)
    assert [deal_event(deal, index).properties["stage"] for index in range(len(deal.history))] == [
        stay.stage for stay in deal.stays
    ]


def test_an_older_export_undoes_neither_a_newer_one_nor_what_was_moved_here_since() -> None:
    deal = begin(told(10, "offer", value=Decimal(900)))
    assert not hear(deal, told(5, "new", value=Decimal(100)))
    assert (deal.stage, deal.value) == ("offer", 900)
    assert hear(deal, told(20, "won", since=BEGAN + timedelta(days=15)))
    assert deal.stays[-1].since == BEGAN + timedelta(days=15)
    hear(deal, told(14, "offer"))
    assert deal.stage == "won"


def test_a_newer_word_that_says_nothing_new_still_stands_against_an_older_one() -> None:
    deal = begin(told(1, value=Decimal(5)))
    assert hear(deal, told(9, value=Decimal(5)))
    assert not hear(deal, told(4, value=Decimal(100)))
    assert deal.value == 5


def test_the_crm_needs_no_reason_and_no_note() -> None:
    deal = begin(told(1, "qualified"))
    assert hear(deal, told(2, "lost"))
    assert (deal.stage, deal.reason) == ("lost", "")


def test_what_is_not_said_stays() -> None:
    deal = begin(told(1, title="Fleet", owner="anna", expected="2027-06-30"))
    assert hear(deal, told(2, "", value=Decimal(7)))
    said = (deal.title, deal.owner, deal.expected, deal.stage, deal.value)
    assert said == ("Fleet", "anna", "2027-06-30", "new", 7)


def test_what_else_the_crm_says_stands_in_the_event_and_hides_nothing_of_ours() -> None:
    deal = begin(told(1, "offer", properties={"deal_type": "New", "deal": "x", "stage": "y"}))
    said = deal_event(deal, 0).properties
    assert (said["deal_type"], said["deal"], said["stage"]) == ("New", "d1", "offer")


def test_time_in_a_stage_of_which_nothing_is_known_is_in_no_report() -> None:
    won = begin(told(60, "won", since=BEGAN + timedelta(days=50)))
    offered = begin(told(60, "offer", since=BEGAN + timedelta(days=58)))
    report = deal_report([won, offered], PIPELINE, BEGAN + timedelta(days=60))
    assert [(one.stage, one.median_days) for one in report.stages] == [
        ("new", None),
        ("qualified", None),
        ("offer", 2.0),
    ]
    assert report.won == 1
