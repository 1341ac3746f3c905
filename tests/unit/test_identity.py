"""Identifiers: the forms under which addresses and numbers are kept, and who an event names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.messages import address
from functions.tracking.identity import normal_email, normal_phone, phones


@pytest.mark.parametrize(
    "written",
    [
        "+49 151 12345678",
        "0151 12345678",
        "0151/123 456 78",
        "(0151) 12345678",
        "+49 (0)151 1234-5678",
        "0049 151 12345678",
        " +4915112345678 ",
    ],
)
def test_a_number_is_the_same_however_it_is_written(written: str) -> None:
    assert normal_phone(written) == "+4915112345678" == address.normal_phone(written)


@given(st.integers(10**9, 10**10 - 1), st.sampled_from(["+49{}", "0{}", "0049{}", "+49 {}"]))
def test_a_number_that_messages_go_to_is_known_in_the_same_form(digits: int, form: str) -> None:
    written = form.format(f"1{digits}")
    sent_to = address.normal_phone(written)
    assert not sent_to or normal_phone(written) == sent_to


@given(st.text() | st.integers() | st.none() | st.booleans() | st.floats() | st.lists(st.text()))
def test_whatever_stands_there_is_a_number_or_none(value: object) -> None:
    found = normal_phone(value)
    assert found == "" or (found[0] == "+" and found[1:].isascii() and found[1:].isdigit())
    assert normal_phone(found) == found
    assert normal_email(normal_email(value)) == normal_email(value)


def test_the_phone_comes_before_the_mobile_one_and_nonsense_counts_for_nothing() -> None:
    assert phones({"phone": "0151 1234567", "mobile": "0171 1234567"}) == [
        "+491511234567",
        "+491711234567",
    ]
    assert phones({"phone": "call me", "mobile": "0171 1234567"}) == ["+491711234567"]
    assert phones({"phone": "n/a 123456789"}) == []
