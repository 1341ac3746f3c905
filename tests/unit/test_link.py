"""Signed links: they say what was signed, for one purpose only, and none can be made up."""

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from functions.messages.link import PURPOSES, BadLink, read, refusal, sign

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
KEYS = {"1": b"a" * 32}
PURPOSE = st.sampled_from(sorted(PURPOSES))
FIELDS = st.lists(st.text(max_size=30), max_size=8)
TOKEN = sign("leave", ("p" * 26, "email", "product tips"), KEYS)
LETTERS = string.ascii_letters + string.digits + "-_.=%"


@given(PURPOSE, FIELDS)
def test_a_link_says_what_was_signed(purpose: str, fields: list[str]) -> None:
    assert read(purpose, sign(purpose, fields, KEYS), KEYS, NOW) == fields


@given(PURPOSE, FIELDS)
def test_a_link_goes_into_an_address_as_it_is(purpose: str, fields: list[str]) -> None:
    assert set(sign(purpose, fields, KEYS)) <= set(string.ascii_letters + string.digits + "-_.")


@given(PURPOSE, PURPOSE, FIELDS)
def test_a_link_for_one_purpose_never_passes_for_another(
    one: str, other: str, fields: list[str]
) -> None:
    assume(one != other)
    with pytest.raises(BadLink):
        read(other, sign(one, fields, KEYS), KEYS, NOW)


@given(FIELDS, FIELDS)
def test_a_signature_fits_only_its_own_words(one: list[str], other: list[str]) -> None:
    assume(one != other)
    key_id, payload, _ = sign("click", one, KEYS).split(".")
    mac = sign("click", other, KEYS).split(".")[2]
    with pytest.raises(BadLink):
        read("click", f"{key_id}.{payload}.{mac}", KEYS, NOW)


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(LETTERS))
def test_a_link_of_which_any_letter_was_changed_is_refused(place: int, letter: str) -> None:
    assume(TOKEN[place] != letter)
    with pytest.raises(BadLink):
        read("leave", TOKEN[:place] + letter + TOKEN[place + 1 :], KEYS, NOW)


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(LETTERS))
def test_a_link_that_was_cut_or_made_longer_is_refused(place: int, letter: str) -> None:
    cut = (TOKEN[:place], TOKEN[place + 1 :], TOKEN[:place] + TOKEN[place + 1 :])
    for token in (*cut, TOKEN[:place] + letter + TOKEN[place:], TOKEN + letter):
        with pytest.raises(BadLink):
            read("leave", token, KEYS, NOW)


@given(PURPOSE, st.text(max_size=200))
@example("leave", "")
@example("leave", "..")
@example("leave", "1..")
@example("leave", "1.\udc80.x")
@example("leave", "1.é.é")
def test_no_made_up_link_is_taken(purpose: str, token: str) -> None:
    with pytest.raises(BadLink):
        read(purpose, token, KEYS, NOW)


def test_the_last_key_signs_and_the_earlier_ones_still_read() -> None:
    both = {"1": b"a" * 32, "2": b"b" * 32}
    old, new = sign("open", ["p"], {"1": b"a" * 32}), sign("open", ["p"], both)
    assert new.startswith("2.")
    assert read("open", old, both, NOW) == read("open", new, both, NOW) == ["p"]


def test_a_link_of_a_key_that_was_taken_away_is_refused() -> None:
    for keys in ({"2": b"a" * 32}, {"1": b"b" * 32}, {}):
        with pytest.raises(BadLink):
            read("leave", TOKEN, keys, NOW)


def test_another_key_s_name_does_not_make_a_link_fit() -> None:
    with pytest.raises(BadLink):
        read("leave", "2" + TOKEN[1:], {"1": b"a" * 32, "2": b"b" * 32}, NOW)


def test_a_link_that_ends_is_taken_until_then_and_not_later() -> None:
    token = sign("confirm", ["p"], KEYS, until=NOW + timedelta(days=7))
    assert read("confirm", token, KEYS, NOW + timedelta(days=7, seconds=-1)) == ["p"]
    with pytest.raises(BadLink, match="over"):
        read("confirm", token, KEYS, NOW + timedelta(days=7))


def test_a_link_without_an_end_is_taken_for_ever() -> None:
    assert read("leave", TOKEN, KEYS, NOW + timedelta(days=36500))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "//elsewhere.example/",
        "/path",
        "https:///path",
        "https://shop.example@elsewhere.example/",
        "https://user:word@elsewhere.example",
        "https://shop.example\\@elsewhere.example/",
        "https://shop.example/\r\nset-cookie: a=b",
        "https://shop.example/a b",
        "data:text/html,x",
        "ftp://shop.example/",
        "",
    ],
)
def test_nobody_is_led_to_what_is_no_plain_web_address(url: str) -> None:
    assert refusal(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example",
        "http://shop.example:8080/a?b=c@d#e@f",
        "https://shop.example?mail=a@b",
        "HTTPS://münchen.example/straße",
    ],
)
def test_a_plain_web_address_is_fine(url: str) -> None:
    assert not refusal(url)
