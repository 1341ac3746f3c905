"""Merging two people into one, and the rules of the permission item."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.tracking import orders
from functions.tracking.consent import BadConsent, hear
from functions.tracking.event import Event
from functions.tracking.fold import KEPT, MOST_CARTS, MOST_NAMES, fold, forget_ids, known
from functions.tracking.merge import merge_permissions, merge_profiles, stricter
from functions.tracking.permission import (
    CLAIMS_KEPT_FOR,
    MOST_CLAIMS,
    MOST_PAUSES,
    Claim,
    Consent,
    Live,
    Permission,
    Refused,
    claim,
    claimed,
    end_pause,
    enter,
    is_paused,
    leave,
    pause_marketing,
    refusal,
)
from functions.tracking.profile import Profile

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def track(message_id: str, minute: float, name: str, trusted: bool = True, **said: Any) -> Event:
    return Event(
        type="track",
        event=name,
        message_id=message_id,
        time=at(minute),
        received_at=at(minute),
        client_time=at(minute).isoformat(),
        properties=said,
        trusted=trusted,
        source="shop",
    )


def call(message_id: str, minute: float, **more: Any) -> Event:
    return msgspec.structs.replace(track(message_id, minute, ""), **more)


def of(person: str, *events: Event) -> Profile:
    profile = Profile(person=person)
    for event in events:
        fold(profile, event)
    return profile


def merged(source: Profile, target: Profile) -> Profile:
    merge_profiles(source, target)
    return target


# --- merging profiles


HISTORY = [
    call("m01", 1, type="page", anonymous_id="a1", properties={"path": "/"}),
    call("m02", 2, type="page", anonymous_id="a2", context={"campaign": {"name": "x"}}),
    call("m03", 3, type="identify", traits={"plan": "basic"}, user_id="ada"),
    call("m04", 3, type="identify", traits={"plan": "premium", "n": 1}),
    call("m05", 4, type="group", group_id="g1"),
    call("m06", 5, type="group", group_id="g1"),
    call("m07", 6, type="page", context={"locale": "de", "userAgent": "Mozilla/5.0 Mobile"}),
    call("m08", 7, type="page", context={"locale": "en", "userAgent": "Mozilla/5.0 Mobile"}),
    track("m09", 8, "Product Added", cart_id="c1", sku="ink"),
    track("m10", 9, "Product Added", cart_id="c1", sku="ink", quantity=2),
    track("m11", 10, "Product Removed", cart_id="c1", sku="ink"),
    track("m12", 11, "Order Completed", order_id="o1", revenue=30, currency="EUR"),
    track("m13", 12, "Order Updated", order_id="o1", revenue=20, currency="EUR"),
    track("m14", 13, "Order Refunded", order_id="o1", revenue=3),
    track("m15", 14, "Order Completed", order_id="o2", revenue=5, cart_id="c1"),
    track("m16", 15, "Order Cancelled", order_id="o2"),
    track("m17", 16, "Products Searched", query="pen"),
]
# Which events were taken and where, not what they told.
BOOKKEEPING = {"recent", "pending", "merged", "person", "refused"}


def told(profile: Profile) -> dict[str, Any]:
    found = msgspec.structs.asdict(profile)
    found["anonymous_ids"] = sorted(profile.anonymous_ids)
    return {name: value for name, value in found.items() if name not in BOOKKEEPING}


@settings(max_examples=150)
@given(st.lists(st.booleans(), min_size=len(HISTORY), max_size=len(HISTORY)))
def test_it_does_not_matter_which_events_came_before_the_merge_under_which_name(
    sides: list[bool],
) -> None:
    mine = [event for event, side in zip(HISTORY, sides, strict=True) if side]
    theirs = [event for event, side in zip(HISTORY, sides, strict=True) if not side]
    target = merged(of("anonymous", *theirs), of("ada", *mine))
    assert told(target) == told(of("ada", *HISTORY))


def test_a_merge_adds_up_counts_and_keeps_first_and_last() -> None:
    target = merged(
        of("a", track("m1", 1, "Signed In"), track("m2", 9, "Signed In")),
        of("u", track("m3", 5, "Signed In")),
    )
    seen = target.events["Signed In"]
    assert (seen.count, seen.first, seen.last) == (3, at(1), at(9))
    assert target.created == at(1)


def test_a_merge_makes_the_source_a_redirect_that_keeps_its_frozen_state() -> None:
    source = of("a", track("m1", 1, "Signed In"))
    before = msgspec.to_builtins(source)
    target = merged(source, of("u"))
    assert source.moved_to == "u"
    assert {**msgspec.to_builtins(source), "moved_to": ""} == {**before, "moved_to": ""}
    fold(target, track("m2", 2, "Signed In"))
    assert source.events["Signed In"].count == 1


def test_after_a_merge_no_event_of_either_counts_again() -> None:
    first, second = track("m1", 1, "Signed In"), track("m2", 2, "Signed In")
    target = merged(of("a", first), of("u", second))
    assert known(target, first)
    assert known(target, second)
    assert len(target.pending) == 2


def test_after_a_merge_an_event_that_the_source_let_go_is_looked_up_and_not_taken_as_new() -> None:
    many = [track(f"m{n}", n, "Signed In") for n in range(30)]
    source = of("a", *many)
    source.pending = {}
    forget_ids(source)
    target = merged(source, of("u", track("n1", 0, "Signed In")))
    assert known(target, many[0]) is None


def test_rows_are_found_under_every_key_that_the_person_was_ever_known_by() -> None:
    middle = merged(of("a"), of("b"))
    target = merged(middle, of("c"))
    assert target.keys == ["c", "b", "a"]


def test_a_merge_keeps_orders_that_left_either_profile() -> None:
    source, target = (
        of(
            name,
            *(
                track(f"{name}{n}", n, "Order Completed", order_id=f"{name}{n}", revenue=1)
                for n in range(25)
            ),
        )
        for name in ("a", "u")
    )
    merge_profiles(source, target)
    assert len(target.orders) <= orders.MOST_IN_PROFILE
    assert orders.count(target) == 50
    assert sum(orders.revenue(target).values()) == Decimal(50)
    assert target.older_orders.moved == 50 - len(target.orders)
    assert sum(len(row.orders) for row in target.leaving) == 50 - len(target.orders)


def test_an_order_known_to_both_counts_once_even_if_one_of_them_keeps_it_in_a_row() -> None:
    many = [
        track(f"m{n:02}", n, "Order Completed", order_id=f"o{n:02}", revenue=1) for n in range(25)
    ]
    again = track("x", 0, "Order Completed", order_id="o00", revenue=1)
    assert orders.count(merged(of("a", *many), of("u", again))) == 25


def test_a_merged_person_stays_within_the_bounds() -> None:
    def busy(name: str) -> Profile:
        many = [
            call(
                f"{name}{n}",
                n,
                type="page",
                anonymous_id=f"{name}{n}",
                properties={"path": f"/{name}{n}"},
                context={"device": {"type": f"{name}{n}"}},
            )
            for n in range(KEPT)
        ]
        carts = [
            track(f"{name}c{n}", n, "Product Added", cart_id=f"{name}{n}")
            for n in range(MOST_CARTS)
        ]
        names = [track(f"{name}e{n}", n, f"{name} {n}") for n in range(MOST_NAMES)]
        return of(name, *many, *carts, *names)

    target = merged(busy("a"), busy("u"))
    assert len(target.events) == MOST_NAMES
    assert any(note.startswith("events:") for note in target.refused)
    assert len(target.carts) == MOST_CARTS
    assert len(target.pages) == KEPT
    assert len(target.devices) == KEPT
    assert len(target.anonymous_ids) == KEPT
    assert len(target.refused) <= KEPT


# --- merging permissions


YES, NO = Consent(True, at(1)), Consent(False, at(1))
LATE_YES, LATE_NO = Consent(True, at(2)), Consent(False, at(2))


def may(permission: Permission, purpose: str = "tips") -> bool:
    return not refusal(permission, "email", purpose, needs_consent=True)


def with_consents(person: str, **said: Consent) -> Permission:
    """tips, offers: those purposes of e-mail; whole: the whole channel."""
    keys = {name: "*" if name == "whole" else name for name in said}
    return Permission(person=person, consents={f"email/{keys[n]}": c for n, c in said.items()})


def both_ways(one: Permission, other: Permission) -> list[Permission]:
    found = []
    for source, target in ((one, other), (other, one)):
        source, target = deepcopy(source), deepcopy(target)
        merge_permissions(source, target)
        assert source.moved_to == target.person
        found.append(target)
    return found


@pytest.mark.parametrize("yes", [YES, LATE_YES])
@pytest.mark.parametrize("no", [NO, LATE_NO])
def test_in_a_merge_a_withdrawal_beats_a_consent_whichever_is_newer(
    yes: Consent, no: Consent
) -> None:
    for target in both_ways(with_consents("a", tips=yes), with_consents("u", tips=no)):
        assert target.consents["email/tips"] == no
        assert not may(target)


@pytest.mark.parametrize("yes", [YES, LATE_YES])
@pytest.mark.parametrize("no", [NO, LATE_NO])
def test_in_a_merge_the_withdrawal_of_a_whole_channel_beats_every_consent_of_the_other(
    yes: Consent, no: Consent
) -> None:
    for target in both_ways(with_consents("a", tips=yes), with_consents("u", whole=no)):
        assert not may(target)


def test_in_a_merge_a_consent_given_after_ones_own_withdrawal_still_stands() -> None:
    own = with_consents("a", whole=NO, tips=LATE_YES)
    for target in both_ways(own, Permission(person="u")):
        assert may(target)
        assert not may(target, "offers")


def test_of_two_withdrawals_the_later_stands_and_of_two_consents_the_earlier() -> None:
    for one, other in ((YES, LATE_YES), (LATE_YES, YES)):
        assert stricter(one, other) == YES
    for one, other in ((NO, LATE_NO), (LATE_NO, NO)):
        assert stricter(one, other) == LATE_NO


_consent = st.builds(Consent, st.booleans(), st.integers(0, 3).map(at))
_withdrawal = st.builds(Consent, st.just(False), st.integers(0, 3).map(at))
_said = st.fixed_dictionaries(
    {}, optional={"tips": _consent, "offers": _consent, "whole": _withdrawal}
)


@given(_said, _said)
def test_a_merged_person_may_get_nothing_that_either_had_withdrawn(
    mine: dict[str, Consent], theirs: dict[str, Consent]
) -> None:
    one, other = with_consents("a", **mine), with_consents("u", **theirs)
    for purpose in ("tips", "offers"):
        reasons = [refusal(side, "email", purpose, True) for side in (one, other)]
        allowed = "consent withdrawn" not in reasons and "" in reasons
        # What was never spoken of is withdrawn too when the whole channel is.
        for side, said in ((one, mine), (other, theirs)):
            allowed &= not ("whole" in said and not may(side, purpose))
        for target in both_ways(one, other):
            if not allowed:
                assert not may(target, purpose)
            elif "whole" not in mine and "whole" not in theirs:
                assert may(target, purpose)


def test_a_new_consent_after_the_merge_counts_again() -> None:
    for target in both_ways(with_consents("a", whole=NO), with_consents("u", tips=LATE_YES)):
        assert hear(target, given_consent("m", 9))
        assert may(target)


def test_a_merge_unites_suppressions_runs_and_claims_and_keeps_an_erasure() -> None:
    one = Permission(
        person="a",
        suppressed={"email": "hard bounce"},
        live={"r1": Live("j", "a", NOON)},
        claims=[Claim("s1", at(1), "email", "tips"), Claim("s3", at(3), "email", "tips")],
        addresses={"sms": "x"},
    )
    other = Permission(
        person="u",
        erased=True,
        live={"r2": Live("j", "u", NOON, "", "left")},
        claims=[Claim("s2", at(2), "email", "tips")],
        addresses={"email": "y"},
    )
    for target in both_ways(one, other):
        assert target.suppressed == {"email": "hard bounce"}
        assert target.erased
        assert target.live == {"r1": Live("j", "a", NOON), "r2": Live("j", "u", NOON, "", "left")}
        assert [made.send_id for made in target.claims] == ["s1", "s2", "s3"]
        assert target.addresses == {"sms": "x", "email": "y"}


# --- hearing of consent


def given_consent(message_id: str, minute: float, **said: Any) -> Event:
    said = {"purposes": ["tips"], **said}
    return track(message_id, minute, "Consent Given", **said)


def withdrawn(message_id: str, minute: float, **said: Any) -> Event:
    return track(message_id, minute, "Consent Withdrawn", **said)


def heard(*events: Event) -> Permission:
    permission = Permission(person="ada")
    for event in events:
        hear(permission, event)
    return permission


def test_only_a_trusted_source_may_speak_for_a_persons_consent() -> None:
    permission = Permission(person="ada")
    event = track("m1", 1, "Consent Given", trusted=False, purposes=["tips"])
    with pytest.raises(BadConsent, match='"shop", which is not trusted'):
        hear(permission, event)
    assert not may(permission)
    assert may(heard(given_consent("m1", 1)))


def test_everybody_may_withdraw() -> None:
    for name in ("Consent Withdrawn", "Unsubscribed"):
        event = track("m2", 2, name, trusted=False)
        assert not may(heard(given_consent("m1", 1), event))


def test_the_last_word_by_its_own_time_counts_in_whatever_order_it_comes() -> None:
    for events in permutations(
        [
            given_consent("m1", 1),
            withdrawn("m2", 2, purposes=["tips"]),
            given_consent("m3", 3),
            given_consent("m4", 1, purposes=["offers"]),
            withdrawn("m5", 2, purposes=["offers"]),
        ]
    ):
        assert may(heard(*events))
        assert not may(heard(*events), "offers")


def test_at_the_same_moment_the_withdrawal_wins() -> None:
    for events in permutations([given_consent("m1", 1), withdrawn("m2", 1, purposes=["tips"])]):
        assert not may(heard(*events))
    for events in permutations([given_consent("m1", 1), withdrawn("m2", 1)]):
        assert not may(heard(*events))


def test_a_withdrawal_without_purposes_is_of_the_whole_channel_and_of_that_channel_only() -> None:
    both = [given_consent("m1", 1), given_consent("m2", 1, channel="sms")]
    for events in permutations([*both, withdrawn("m3", 2)]):
        permission = heard(*events)
        assert not may(permission)
        assert not refusal(permission, "sms", "tips", needs_consent=True)


def test_a_consent_after_the_withdrawal_of_the_whole_channel_counts_for_its_purpose() -> None:
    for events in permutations(
        [given_consent("m1", 1, purposes=["offers"]), withdrawn("m2", 2), given_consent("m3", 3)]
    ):
        permission = heard(*events)
        assert may(permission)
        assert not may(permission, "offers")


def test_hearing_the_same_again_changes_nothing() -> None:
    permission = Permission(person="ada")
    assert hear(permission, given_consent("m1", 1))
    assert not hear(permission, given_consent("m1", 1))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"channel": "pigeon"}, "channel"),
        ({"channel": ["email"]}, "channel"),
        ({"purposes": "tips"}, "purposes"),
        ({"purposes": [1]}, "purposes"),
        ({"purposes": []}, "purposes"),
        ({"purposes": None}, "purposes"),
        ({"purposes": ["*"]}, "purposes"),
    ],
)
def test_a_consent_that_cannot_be_read_is_refused_with_what_would_be_right(
    said: dict[str, Any], meant: str
) -> None:
    permission = Permission(person="ada")
    with pytest.raises(BadConsent, match=f'"{meant}"'):
        hear(permission, given_consent("m1", 1, **said))
    assert permission == Permission(person="ada")


def test_other_events_say_nothing_about_permission() -> None:
    assert not hear(Permission(person="ada"), track("m1", 1, "Signed Up", channel="pigeon"))


def test_a_trusted_receipt_of_a_complaint_or_a_hard_bounce_suppresses() -> None:
    for event, reason in (
        (track("m1", 1, "Email Marked as Spam"), "marked as spam"),
        (track("m1", 1, "Email Bounced", bounce_type="Permanent"), "hard bounce"),
    ):
        permission = heard(given_consent("m0", 0), event, given_consent("m2", 9))
        assert refusal(permission, "email", "tips", True) == f"suppressed: {reason}"
        assert refusal(permission, "email", "transactional", False) == f"suppressed: {reason}"
        assert refusal(permission, "sms", "tips", False) == ""


def test_nobody_can_be_silenced_with_a_public_write_key_nor_by_a_soft_bounce() -> None:
    for event in (
        track("m1", 1, "Email Marked as Spam", trusted=False),
        track("m1", 1, "Email Bounced", trusted=False, bounce_type="Permanent"),
        track("m1", 1, "Email Bounced", bounce_type="Transient"),
    ):
        assert heard(event).suppressed == {}


# --- entering, leaving, claiming


WELCOME = Live("welcome", "ada", NOON)


def in_run(**more: Any) -> Permission:
    permission = Permission(person="ada", addresses={"email": "hash"}, **more)
    enter(permission, "r1", WELCOME)
    return permission


def wanted(send_id: str = "s1", time: datetime = NOON) -> Claim:
    return Claim(send_id, time, "email", "tips")


def test_one_run_of_a_journey_at_a_time_or_one_for_each_thing() -> None:
    permission = in_run()
    with pytest.raises(Refused, match="already"):
        enter(permission, "r2", Live("welcome", "ada", NOON))
    enter(permission, "r2", Live("welcome", "ada", NOON, once="order 1"))
    with pytest.raises(Refused, match="already"):
        enter(permission, "r3", Live("welcome", "ada", NOON, once="order 1"))
    enter(permission, "r3", Live("welcome", "ada", NOON, once="order 2"))
    enter(permission, "r4", Live("other", "ada", NOON))
    assert permission.live.keys() == {"r1", "r2", "r3", "r4"}


def test_a_run_that_is_leaving_lets_the_next_one_in() -> None:
    permission = in_run()
    assert leave(permission, "r1", "bought")
    enter(permission, "r2", WELCOME)


def test_entering_again_changes_nothing() -> None:
    permission = in_run()
    leave(permission, "r1", "bought")
    before = deepcopy(permission)
    enter(permission, "r1", WELCOME)
    assert permission == before


def test_nobody_enters_who_was_erased() -> None:
    with pytest.raises(Refused, match="erased"):
        enter(Permission(person="ada", erased=True), "r1", WELCOME)


def test_a_run_leaves_once_and_its_first_outcome_stands() -> None:
    permission = in_run()
    assert leave(permission, "r1", "bought")
    assert not leave(permission, "r1", "refunded")
    assert permission.live["r1"].leaving == "bought"
    assert not leave(permission, "never seen", "bought")


def test_a_claim_is_kept_and_found_again() -> None:
    permission = in_run()
    claim(permission, "r1", wanted(), "hash", "")
    assert claimed(permission, "s1") == wanted()
    assert claimed(permission, "s2") is None


def test_no_claim_for_a_run_that_leaves_or_is_not_under_way() -> None:
    permission = in_run()
    leave(permission, "r1", "bought")
    for run_id in ("r1", "r2"):
        with pytest.raises(Refused, match="the run has ended"):
            claim(permission, run_id, wanted(), "hash", "")
    assert permission.claims == []


def test_no_claim_against_a_refusal_nor_for_an_address_that_is_not_in_force() -> None:
    permission = in_run()
    with pytest.raises(Refused, match="no consent"):
        claim(permission, "r1", wanted(), "hash", refusal(permission, "email", "tips", True))
    for address in ("another", ""):
        with pytest.raises(Refused, match="the address has changed"):
            claim(permission, "r1", wanted(), address, "")
    assert permission.claims == []


def test_claims_are_let_go_after_eight_days_and_never_more_than_thirty() -> None:
    permission = in_run()
    claim(
        permission, "r1", wanted("old", NOON - CLAIMS_KEPT_FOR - timedelta(seconds=1)), "hash", ""
    )
    claim(permission, "r1", wanted("young", NOON - CLAIMS_KEPT_FOR), "hash", "")
    claim(permission, "r1", wanted("new"), "hash", "")
    assert [made.send_id for made in permission.claims] == ["young", "new"]
    for number in range(MOST_CLAIMS):
        claim(permission, "r1", wanted(f"s{number}"), "hash", "")
    assert len(permission.claims) == MOST_CLAIMS
    assert permission.claims[-1].send_id == f"s{MOST_CLAIMS - 1}"


@pytest.mark.parametrize(
    ("permission", "needs_consent", "why"),
    [
        (Permission(person="p"), False, ""),
        (Permission(person="p"), True, "no consent"),
        (with_consents("p", tips=YES), True, ""),
        (with_consents("p", offers=YES), True, "no consent"),
        (with_consents("p", tips=NO), True, "consent withdrawn"),
        (with_consents("p", tips=NO), False, ""),
        (with_consents("p", tips=YES, whole=NO), True, "consent withdrawn"),
        (with_consents("p", tips=YES, whole=LATE_NO), True, "consent withdrawn"),
        (with_consents("p", tips=LATE_YES, whole=NO), True, ""),
        (Permission(person="p", erased=True), False, "the person was erased"),
        (
            Permission(person="p", suppressed={"email": "hard bounce"}),
            False,
            "suppressed: hard bounce",
        ),
        (Permission(person="p", suppressed={"sms": "stop"}), False, ""),
    ],
)
def test_a_message_needs_no_erasure_no_suppression_and_where_required_a_standing_consent(
    permission: Permission, needs_consent: bool, why: str
) -> None:
    assert refusal(permission, "email", "tips", needs_consent) == why


# --- paused marketing


def test_marketing_is_paused_until_the_last_pause_has_ended() -> None:
    permission = Permission(person="p")
    assert not is_paused(permission, NOON)
    assert pause_marketing(permission, "short", at(5), NOON)
    assert pause_marketing(permission, "long", at(9), NOON)
    assert [is_paused(permission, at(minute)) for minute in (0, 5, 8, 9)] == [1, 1, 1, 0]


def test_a_pause_until_a_task_is_done_ends_with_it_and_with_nothing_else() -> None:
    permission = Permission(person="p")
    pause_marketing(permission, "task", None, NOON)
    assert is_paused(permission, at(10**6))
    assert not end_pause(permission, "other")
    assert end_pause(permission, "task")
    assert not is_paused(permission, NOON)
    assert not end_pause(permission, "task")


def test_a_pause_that_has_a_time_lasts_so_long_also_when_its_task_is_done_before() -> None:
    permission = Permission(person="p")
    pause_marketing(permission, "task", at(5), NOON)
    assert not end_pause(permission, "task")
    assert is_paused(permission, at(1))


def test_a_task_that_is_tried_again_pauses_no_longer() -> None:
    permission = Permission(person="p")
    pause_marketing(permission, "task", at(5), NOON)
    assert not pause_marketing(permission, "task", at(7), at(2))
    assert permission.paused == {"task": at(5)}


def test_pauses_that_are_over_are_let_go_and_never_more_than_twenty_kept() -> None:
    permission = Permission(person="p")
    pause_marketing(permission, "over", at(1), NOON)
    pause_marketing(permission, "open", None, at(1))
    assert permission.paused == {"open": None}
    for number in range(MOST_PAUSES):
        pause_marketing(permission, f"t{number}", None, at(2))
    assert len(permission.paused) == MOST_PAUSES
    assert "open" not in permission.paused


def test_after_a_merge_the_pauses_of_both_count() -> None:
    source, target = Permission(person="s"), Permission(person="t")
    pause_marketing(source, "one", None, NOON)
    pause_marketing(target, "other", at(5), NOON)
    merge_permissions(source, target)
    assert target.paused == {"one": None, "other": at(5)}
