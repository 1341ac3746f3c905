"""What rules an address out: bounces, complaints, and how often a failure must come back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.tracking.consent import hear
from functions.tracking.event import Event
from functions.tracking.permission import Permission
from functions.tracking.suppressed import Suppressed, suppressed_key, take_address

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
IN_FORCE = {"email": "hash-of-mail", "sms": "hash-of-number"}


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def receipt(name: str, hours: float, *, trusted: bool = True, **said: Any) -> Event:
    time = at(hours)
    return Event(
        type="track",
        event=name,
        message_id=f"{name}{hours}",
        time=time,
        received_at=time,
        properties=said,
        trusted=trusted,
    )


def soft(hours: float, **said: Any) -> Event:
    return receipt("Email Bounced", hours, **{"bounce_type": "Transient", **said})


def after(*events: Event) -> Permission:
    permission = Permission(person="p", addresses=dict(IN_FORCE))
    for event in events:
        hear(permission, event)
    return permission


def test_five_failures_in_a_row_over_three_days_rule_an_address_out() -> None:
    assert after(*map(soft, (0, 20, 40, 60))).suppressed == {}
    assert after(*map(soft, (0, 20, 40, 60, 71))).suppressed == {}
    assert after(*map(soft, (0, 20, 40, 60, 72))).suppressed == {"email": "repeated soft bounces"}
    assert after(*map(soft, (0, 1, 2, 3, 4, 5, 73))).suppressed == {
        "email": "repeated soft bounces"
    }


def test_a_delivery_in_between_begins_the_count_anew() -> None:
    assert after(*map(soft, (0, 20, 40)), receipt("Email Delivered", 50), soft(80), soft(90)) == (
        Permission(person="p", addresses=IN_FORCE, failed={"email": [at(80), at(90)]})
    )
    assert after(soft(0), receipt("Email Delivered", 1)).failed == {}


@given(
    st.lists(st.integers(0, 100), unique=True, min_size=1, max_size=5),
    st.data(),
)
def test_failures_count_once_each_in_whatever_order_and_however_often_they_are_told(
    hours: list[int], data: st.DataObject
) -> None:
    told = data.draw(st.permutations([*hours, *data.draw(st.lists(st.sampled_from(hours)))]))
    found = after(*map(soft, told))
    assert found.failed["email"] == [at(hour) for hour in sorted(hours)]
    is_out = len(hours) == 5 and max(hours) - min(hours) >= 72
    assert bool(found.suppressed) == is_out


@pytest.mark.parametrize("kind", ["MessageTooLarge", "ContentRejected", "AttachmentRejected"])
def test_a_mail_that_was_refused_for_what_it_is_says_nothing_of_the_address(kind: str) -> None:
    hours = (0, 20, 40, 60, 80)
    assert after(*(soft(hour, bounce_subtype=kind) for hour in hours)).failed == {}
    assert after(*(soft(hour, bounce_subtype="MailboxFull") for hour in hours)).suppressed


def test_a_number_that_does_not_exist_is_ruled_out_at_once_and_one_not_reached_thrice() -> None:
    def text(hours: float, kind: str, bounce_type: str = "Transient") -> Event:
        said = {"bounce_type": bounce_type, "bounce_reason": kind}
        return receipt("SMS Bounced", hours, **said)

    assert after(text(0, "invalid", "Permanent")).suppressed == {"sms": "invalid number"}
    assert after(text(0, "unreachable"), text(30, "ttl_expired")).suppressed == {}
    thrice = [text(0, "unreachable"), text(10, "carrier_unreachable"), text(24, "unreachable")]
    assert after(*thrice).suppressed == {"sms": "unreachable number"}
    blocked = [text(hours, "carrier_blocked", "Undetermined") for hours in (0, 30, 60, 90)]
    assert after(*blocked).failed == {}


def test_what_happened_to_another_address_does_not_rule_out_the_one_of_now() -> None:
    hard = receipt("Email Bounced", 0, bounce_type="Permanent", address="hash-of-old-mail")
    assert after(hard).suppressed == {}
    own = receipt("Email Bounced", 0, bounce_type="Permanent", address="hash-of-mail")
    assert after(own).suppressed == {"email": "hard bounce"}
    spam = receipt("Email Marked as Spam", 0, address="hash-of-old-mail")
    assert after(spam).suppressed == {"email": "marked as spam"}


def test_a_public_write_key_rules_no_address_out_and_makes_none_good() -> None:
    times = (0, 20, 40, 60, 80)
    said = {"bounce_type": "Transient"}
    forged = [receipt("Email Bounced", hour, trusted=False, **said) for hour in times]
    assert after(*forged) == after()
    forged_delivery = receipt("Email Delivered", 90, trusted=False)
    assert after(soft(0), forged_delivery).failed == {"email": [at(0)]}


def test_a_new_address_is_good_again_but_what_the_person_said_stays() -> None:
    listed = Suppressed(key="k", channel="email", reason="hard bounce", since=NOON)
    for reason, is_over in (
        ("hard bounce", True),
        ("repeated soft bounces", True),
        ("invalid number", True),
        ("unreachable number", True),
        ("marked as spam", False),
        ("by hand: asked by phone", False),
        ("from a list", False),
    ):
        permission = Permission(person="p", suppressed={"email": reason}, failed={"email": [NOON]})
        take_address(permission, "email", None)
        assert (permission.suppressed == {}) == is_over, reason
        assert permission.failed == {}
        take_address(permission, "email", listed)
        assert permission.suppressed == {"email": "hard bounce" if is_over else reason}


@given(
    st.text(min_size=1), st.binary(min_size=16, max_size=64), st.binary(min_size=16, max_size=64)
)
def test_a_key_of_the_list_tells_nothing_without_the_secret(
    address: str, one: bytes, other: bytes
) -> None:
    key = suppressed_key(one, address)
    assert len(key) == 32
    assert key == suppressed_key(one, address)
    assert (key == suppressed_key(other, address)) == (one == other)
