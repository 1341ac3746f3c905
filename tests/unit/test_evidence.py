"""The chain of evidence: nothing in it can be changed unseen, and it can be printed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.folder import check_brand
from functions.messages.evidence_words import html, paragraphs
from functions.storage.evidence import append
from functions.storage.store import Conflict
from functions.tracking.evidence import Evidence, link, verify
from tests.support.pack import JOURNEYS

BRAND = check_brand((JOURNEYS / "brand.yaml").read_text("utf-8"))
NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


def record(number: int = 1, **more: Any) -> Evidence:
    said: dict[str, Any] = {
        "person": "p",
        "number": 0,
        "said": "given",
        "channel": "email",
        "purposes": ["offers"],
        "time": NOW + timedelta(days=number),
        "received": NOW + timedelta(days=number),
        "source": "shop",
        "message_id": f"m{number}",
    }
    return Evidence(**{**said, **more})


def chain(length: int) -> list[Evidence]:
    found: list[Evidence] = []
    for number in range(length):
        found.append(link(record(number, wording="Send me offers."), found[-1] if found else None))
    return found


CHANGES: dict[str, Any] = {
    "said": "withdrawn",
    "purposes": ["tips"],
    "time": NOW - timedelta(days=1),
    "wording": "Send me anything.",
    "ip": "10.0.0.1",
    "person": "q",
    "number": 7,
    "previous": "0" * 64,
    "hash": "0" * 64,
    "address": "eve@example.com",
}


@given(length=st.integers(1, 6), at=st.integers(0, 5), name=st.sampled_from(sorted(CHANGES)))
def test_any_change_of_any_record_is_found(length: int, at: int, name: str) -> None:
    found = chain(length)
    at %= length
    found[at] = msgspec.structs.replace(found[at], **{name: CHANGES[name]})
    assert verify(found) == at + 1


@given(length=st.integers(2, 6), at=st.integers(0, 5), data=st.data())
def test_a_record_that_is_left_out_or_moved_is_found(
    length: int, at: int, data: st.DataObject
) -> None:
    found = chain(length)
    taken = found.pop(at % (length - 1))
    assert verify(found) > 0
    found.insert(data.draw(st.integers(0, length - 1)), taken)
    moved = [one.number for one in found] != list(range(1, length + 1))
    assert bool(verify(found)) == moved


def test_a_chain_survives_being_stored() -> None:
    found = [msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Evidence) for one in chain(3)]
    assert verify(found) == 0


class Racing:
    """A store in which somebody else is faster, a few times."""

    def __init__(self, races: int) -> None:
        self.rows: list[Evidence] = []
        self.races = races

    def query(self, kind: type, partition: str) -> list[Evidence]:
        return list(self.rows)

    def put(self, row: Evidence) -> None:
        if self.races:
            self.races -= 1
            last = self.rows[-1] if self.rows else None
            self.rows.append(link(record(10 + self.races, source="other"), last))
        if any(one.number == row.number for one in self.rows):
            raise Conflict
        self.rows.append(row)


@pytest.mark.parametrize("races", [0, 1, 3])
def test_what_is_said_at_once_stands_one_behind_the_other(races: int) -> None:
    store: Any = Racing(races)
    append(store, record(1))
    append(store, record(1))  # the same message, once more
    assert verify(store.rows) == 0
    assert [one.message_id for one in store.rows].count("m1") == 1
    assert len(store.rows) == races + 1


@pytest.mark.parametrize(("language", "words"), [("en", "signed up"), ("de", "angemeldet")])
def test_the_document_says_when_where_and_to_what(language: Any, words: str) -> None:
    asked = record(1, said="asked", wording="Send <b>offers</b>.", ip="10.1.2.3", form="newsletter")
    found = [link(asked, None)]
    said = paragraphs([found], "ada@example.com", BRAND, NOW, language)
    text = "\n".join(said)
    for part in (words, "2027-03-02 09:00:00 UTC", "10.1.2.3", "newsletter", found[0].hash):
        assert part in text
    assert "<b>" not in html(said, language)
    found[0].ip = "10.9.9.9"
    assert "BR" in paragraphs([found], "ada", BRAND, NOW, language)[-1].upper()
    assert "1" in paragraphs([found], "ada", BRAND, NOW, language)[-1]
