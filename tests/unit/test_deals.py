"""Deals: their way through the pipeline, what they need on it, and where they get stuck."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.sales.deals import (
    CREATED,
    deal_event,
    missing,
    move,
    send_offer,
    sign_offer,
    still_missing,
)
from functions.sales.records import Deal, Lead, Stay
from functions.sales.report import deal_report, lead_report, lengths
from functions.sales.rules import Stage
from functions.sales.work import NotSo, decide
from functions.tracking.history import MOST_CHANGES, Change, TooMany

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
PIPELINE = {
    "new": Stage(at_most="2 days"),
    "qualified": Stage(needs=["budget", "need"]),
    "offer": Stage(),
}
STAGES = [*PIPELINE, "won", "lost"]


def a_deal(stage: str = "new", **more: Any) -> Deal:
    return Deal(
        **{
            "person": "ada",
            "deal_id": "d1",
            "title": "Premium",
            "value": Decimal(900),
            "currency": "EUR",
            "created": NOW,
            "stays": [Stay(stage, NOW)],
            "history": [Change(NOW, CREATED)],
            **more,
        }
    )


def moved(deal: Deal, to: str, hours: int = 1, reason: str = "so") -> bool:
    return move(deal, to, "anna", reason, NOW + timedelta(hours=hours), PIPELINE)


def test_a_deal_goes_on_only_with_what_its_stage_needs() -> None:
    deal = a_deal()
    assert moved(deal, "qualified")
    assert missing(deal, PIPELINE) == ["budget", "need"]
    for to in ("offer", "won"):
        with pytest.raises(NotSo, match="needs, from a note: budget, need"):
            moved(deal, to)
    deal.known = {"budget": 0, "need": ""}
    assert missing(deal, PIPELINE) == ["need"]
    assert still_missing(deal, PIPELINE, {"need": "invoices"}) == []
    deal.known = {"budget": 0, "need": "invoices"}
    assert moved(deal, "offer", 2)


def test_back_and_lost_need_nothing_but_losing_takes_a_reason() -> None:
    deal = a_deal("qualified")
    with pytest.raises(NotSo, match="why it is lost"):
        moved(deal, "lost", reason=" ")
    assert moved(deal, "new")
    assert moved(deal, "lost", 2, "too dear")
    assert (deal.stage, deal.reason) == ("lost", "too dear")
    assert moved(deal, "new", 3)
    assert deal.reason == ""


def test_a_stage_that_there_is_not_is_told_with_what_there_is() -> None:
    with pytest.raises(NotSo, match='did you mean "offer"'):
        moved(a_deal(), "ofer")


def test_an_offer_is_sent_and_signed_once_each() -> None:
    deal = a_deal("offer")
    assert send_offer(deal, "o1", None, "anna", NOW)
    assert not send_offer(deal, "o1", Decimal(5), "anna", NOW)
    assert sign_offer(deal, "o1", "anna", NOW)
    assert not sign_offer(deal, "o1", "anna", NOW + timedelta(days=1))
    assert [offer.signed for offer in deal.offers] == [NOW]
    assert deal_event(deal, -1).event == "Offer Signed"
    assert deal_event(deal, -1).properties["value"] == 900
    with pytest.raises(NotSo, match='no offer "o2"'):
        sign_offer(deal, "o2", "anna", NOW)


def test_a_closed_deal_has_no_new_offers() -> None:
    deal = a_deal("lost")
    with pytest.raises(NotSo, match="move it back"):
        send_offer(deal, "o1", None, "anna", NOW)


def test_a_deal_that_goes_to_and_fro_for_ever_is_stopped() -> None:
    deal = a_deal()
    for number in range(MOST_CHANGES - 1):
        moved(deal, ["offer", "new"][number % 2])
    with pytest.raises(TooMany):
        moved(deal, "lost")
    assert len(deal.history) == MOST_CHANGES


ways = st.lists(st.tuples(st.sampled_from([*STAGES, "nowhere"]), st.integers(0, 72)), max_size=25)


@given(ways, st.booleans())
def test_every_way_through_the_pipeline_is_told_once_and_loses_no_time(
    way: list[tuple[str, int]], is_known: bool
) -> None:
    deal = a_deal(known={"budget": 1, "need": "x"} if is_known else {})
    now = NOW
    for to, hours in way:
        now += timedelta(hours=hours)
        before = (deal.stage, len(deal.stays), len(deal.history))
        try:
            took = move(deal, to, "anna", "so", now, PIPELINE)
        except NotSo:
            took = False
            assert to == "nowhere" or (before[0] == "qualified" and not is_known)
        assert deal.stage == (to if took else before[0])
        assert (len(deal.stays), len(deal.history)) == (before[1] + took, before[2] + took)
    end = now + timedelta(hours=1)
    assert sum((spent for _, spent in lengths(deal, end)), timedelta()) == end - NOW
    assert all(spent >= timedelta() for _, spent in lengths(deal, end))
    events = [deal_event(deal, index) for index in range(len(deal.history))]
    assert len({event.message_id for event in events}) == len(events)
    assert [event.properties["stage"] for event in events] == [stay.stage for stay in deal.stays]
    assert all(
        (event.event == "Deal Won") == (event.properties["stage"] == "won") for event in events
    )


# --- reports


def through(*stays: tuple[str, int], **more: Any) -> Deal:
    return a_deal(stays=[Stay(stage, NOW + timedelta(days=day)) for stage, day in stays], **more)


def test_the_report_says_how_long_deals_stay_and_where_they_get_stuck() -> None:
    deals = [
        through(("new", 0), ("qualified", 1), ("won", 20)),
        through(("new", 0), ("qualified", 3), ("lost", 5)),
        through(("new", 0), value=Decimal(100)),
        through(("new", 0), value=Decimal(5), currency="CHF"),
    ]
    report = deal_report(deals, PIPELINE, NOW + timedelta(days=10))
    new, qualified, offer = report.stages
    assert (new.deals, new.stays, new.value) == (2, 4, {"EUR": Decimal(100), "CHF": Decimal(5)})
    assert (new.median_days, new.longest_days, new.limit_days, new.over_limit) == (6.5, 10, 2, 2)
    assert (new.is_bottleneck, new.because) == (True, "half of the stays are longer than 2 days")
    assert (qualified.median_days, qualified.longest_days) == (10.5, 19)
    assert new.share_of_waiting + qualified.share_of_waiting == 1
    assert (offer.median_days, offer.stays, offer.is_bottleneck) == (None, 0, False)
    assert (report.won, report.lost, report.won_value) == (1, 1, {"EUR": Decimal(900)})


def test_the_stage_with_most_of_all_waiting_is_a_bottleneck_too() -> None:
    deals = [through(("new", 0), ("offer", 1))]
    new, _, offer = deal_report(deals, PIPELINE, NOW + timedelta(days=10)).stages
    assert (new.is_bottleneck, offer.because) == (False, "90% of all waiting is here")


def test_time_to_owner_counts_from_the_hand_over_to_the_first_yes() -> None:
    leads = [Lead(person="p", lead_id=str(n), owner="anna", handed=NOW) for n in range(4)]
    for lead, status, hours in zip(leads, ("accepted", "won", "rejected"), (2, 4, 6), strict=False):
        decide(lead, status, "anna", "so", NOW + timedelta(hours=hours))  # type: ignore[arg-type]
    decide(leads[0], "lost", "anna", "so", NOW + timedelta(hours=99))
    report = lead_report(leads, NOW + timedelta(hours=100))
    assert (report.median_hours, report.longest_hours, report.waiting_hours) == (3, 4, 100)
    assert report.by_status == {"lost": 1, "won": 1, "rejected": 1, "open": 1}
    assert [(one.owner, one.leads, one.median_hours) for one in report.owners] == [("anna", 4, 3)]


def test_nothing_at_all_is_a_report_too() -> None:
    assert deal_report([], {}, NOW).stages == []
    assert lead_report([], NOW).median_hours is None
