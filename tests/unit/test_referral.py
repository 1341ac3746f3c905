"""Referral codes: what they look like, where they are said, and that no order of events matters."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.segments.person import fields
from functions.segments.referral_figures import Counted, share
from functions.segments.referrals import says
from functions.tracking.event import Event
from functions.tracking.fold import fold
from functions.tracking.merge import merge_profiles
from functions.tracking.profile import Profile
from functions.tracking.referral import ALPHABET, code_of, normal
from functions.tracking.winning import settle
from local.referral_commands import lines

SECRET = b"a secret of this test"
NOW = datetime(2027, 6, 1, 9, tzinfo=UTC)
ADA, EVE = code_of(SECRET, "ada"), code_of(SECRET, "eve")


def call(number: int, minute: float, name: str = "Signed Up", **properties: Any) -> Event:
    time = NOW + timedelta(minutes=minute)
    return Event(
        type="track",
        event=name,
        message_id=f"m{number}",
        time=time,
        received_at=time,
        client_time=time.isoformat(),
        properties=properties,
        trusted=True,
    )


def order(number: int, minute: float, revenue: float = 10, **more: Any) -> Event:
    said = {"order_id": f"o{number}", "revenue": revenue, "currency": "EUR", **more}
    return call(number, minute, "Order Completed", **said)


def person(key: str, *events: Event) -> Profile:
    """Somebody of whom these events came one after the other."""
    profile = Profile(person=key)
    for event in events:
        fold(profile, event)
        settle(profile, [event], SECRET)
    return profile


@given(st.text("0123456789abcdef", min_size=32, max_size=32), st.integers(0, 4))
def test_a_code_is_read_however_it_is_typed(key: str, attempt: int) -> None:
    code = code_of(SECRET, key, attempt)
    assert len(code) == 10
    assert set(code) <= set(ALPHABET)
    assert code == code_of(SECRET, key, attempt)
    for typed in (code, code.lower(), f" {code[:5]}-{code[5:]} ", f"{code[:3]} {code[3:]}"):
        assert normal(typed) == code


@given(st.text("0123456789abcdef", min_size=32, max_size=32), st.data())
def test_a_code_with_one_wrong_letter_is_hardly_ever_one(key: str, data: st.DataObject) -> None:
    code = code_of(SECRET, key)
    wrong = 0
    for place in range(len(code)):
        letter = data.draw(st.sampled_from(sorted(set(ALPHABET) - {code[place]})))
        wrong += normal(code[:place] + letter + code[place + 1 :]) != ""
    assert wrong <= 1


@pytest.mark.parametrize("value", ["", "homepage", "NEWSLETTER", 12, None, ["x"], "É" * 10])
def test_what_is_no_code_is_none(value: Any) -> None:
    assert normal(value) == ""
    assert person("bob", call(1, 0, ref=value)).referral is None


def test_without_the_secret_nobody_knows_a_code() -> None:
    assert code_of(b"another", "ada") != ADA


EVENTS = [
    call(1, 5, ref=ADA),
    call(2, 4, referral_code=EVE),
    call(3, 4, referral_code=ADA),
    call(4, 1, "Referral Won", amount=10, currency="EUR"),
    call(5, 2, "Referral Won", amount=0.1, currency="EUR"),
    call(6, 3, "Referral Lost", amount=10, currency="EUR"),
]


def test_what_is_kept_is_the_same_in_whatever_order_events_and_merges_come() -> None:
    def kept(profile: Profile) -> Any:
        return profile.referral, profile.referrals

    def folded(events: Any) -> Profile:
        profile = Profile(person="bob")
        for event in events:
            fold(profile, event)
        return profile

    expected = kept(folded(EVENTS))
    assert expected[1].count == 1
    assert expected[1].revenue == {"EUR": Decimal("0.1")}
    for events in permutations(EVENTS):
        assert kept(folded(events)) == expected
        source, target = folded(events[:3]), folded(events[3:])
        merge_profiles(source, target)
        assert kept(target) == expected


def test_all_that_was_won_and_lost_leaves_nothing() -> None:
    won, lost = (
        call(n, n, name, amount=5) for n, name in ((1, "Referral Won"), (2, "Referral Lost"))
    )
    for events in ((won, lost), (lost, won)):
        assert person("ada", *events).referrals is None


def test_fields_of_somebody_referred_and_of_somebody_who_won() -> None:
    bob = fields(person("bob", call(1, 0, ref=ADA), order(2, 1)), NOW)
    assert (bob["referred"], bob["referred_by"], bob["referrals"]) == (True, ADA, 0)
    ada = fields(person("ada", *EVENTS[3:5]), NOW)
    assert (ada["referred"], ada["referred_by"]) == (False, None)
    assert (ada["referrals"], ada["referral_value"]) == (2, Decimal("10.1"))


def test_the_order_that_won_somebody_stays_known_when_it_has_left_the_profile() -> None:
    events = [call(0, 0, ref=ADA), *(order(n, n) for n in range(1, 12))]
    referral = person("bob", *events).referral
    assert referral
    assert [win.order_id for win in referral.wins] == ["o1"]
    assert referral.is_won


def test_a_purchase_before_the_code_that_comes_to_light_late_takes_the_win_back() -> None:
    bob = person("bob", call(1, 5, ref=ADA), order(2, 6))
    assert bob.referral
    assert bob.referral.is_won
    late = order(3, 1)
    fold(bob, late)
    settle(bob, [late], SECRET)
    assert not bob.referral.is_won
    assert fields(bob, NOW)["referred"] is False


def test_what_is_said_of_referrals_is_said_in_both_languages() -> None:
    bob = person("bob", order(2, -9), call(1, 0, ref=ADA), *EVENTS[3:5])
    assert says(bob, "en") == [
        "Won 2 customers by referral (first orders: 10.10 EUR).",
        f"Came by the referral code {ADA}; it does not count: they had bought before.",
    ]
    assert says(bob, "de") == [
        "Hat 2 Kunden geworben (erste Bestellungen: 10,10 EUR).",
        f"Kam über den Empfehlungscode {ADA}; das zählt nicht: es wurde schon vorher gekauft.",
    ]
    assert says(person("cy"), "en") == []


def test_the_rate_is_the_share_of_the_new_customers_of_a_period_who_were_referred() -> None:
    day = 24 * 60
    counted = Counted()
    for profile in (
        person("a", call(1, -2 * day, ref=EVE), order(1, -2 * day)),
        person("b", order(2, -2 * day)),
        person("c", order(3, -9 * day), call(3, -2 * day, ref=EVE), order(33, -day)),
        person("d", call(4, -40 * day, ref=EVE), order(4, -40 * day)),
        person("e", call(5, -3 * day, ref=EVE)),  # has not bought
        person("eve", *EVENTS[3:5]),
    ):
        counted.take(profile, NOW)
    found = counted.figures(NOW)
    assert share(found, 7) == (2, 1)
    assert share(found, 30) == (3, 1)
    assert share(found, 60) == (4, 2)
    assert (found.referrers, found.won, found.top) == (1, 2, ["eve"])


def test_the_figures_say_that_nobody_was_counted_or_that_nobody_bought() -> None:
    empty = {"made": None, "new": 0}
    assert "nobody was counted yet" in lines(empty)[0]
    counted = {**empty, "made": "2027-06-01T09:00:00Z", "days": 30, "referred": 0, "rate": None}
    [said] = lines({**counted, "won": 0})
    assert "nobody bought for the first time" in said
