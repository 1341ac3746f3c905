"""The brief: what a colleague should know, in plain sentences of both languages."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.journeys.run import Task
from functions.sales import brief as briefs
from functions.sales.brief import Known, brief, known_of
from functions.sales.notes import NoteOutcome
from functions.sales.records import Deal, Lead, LeadStatus, Note, NoteKind, Offer, Stay
from functions.sales.rules import Stage
from functions.segments.spoken import LANGUAGES, Language
from functions.tracking.message import Message
from functions.tracking.profile import Cart, Order, Profile, Seen, Touch, Trait, Visit

NOW = datetime(2027, 3, 31, 23, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def days(number: float) -> datetime:
    return NOW - timedelta(days=number)


def a_profile() -> Profile:
    traits = {
        "firstName": "Ada",
        "lastName": "Lovelace",
        "email": "ada@example.com",
        "company": {"name": "Engines Ltd"},
        "country": "GB",
        "owner": "anna",
        "stage": "opportunity",
    }
    return Profile(
        person="p",
        created=days(30),
        traits={name: Trait(value, NOW, "m") for name, value in traits.items()},
        events={"Call Logged": Seen(1, days(3), days(3))},
        pages=[Visit(days(n), f"/page-{n}", f"Page {n}") for n in (9, 8, 7, 6, 5, 4)],
        searches=[Visit(days(2), "invoices")],
        orders={"o": Order("o", days(20), "EUR", Decimal(99), skus=["basic"])},
        carts={"c": Cart(NOW, {"premium": 1.0, "gone": 0.0})},
        first_touch=Touch(days(30), "m", {"source": "newsletter"}),
        points=42,
    )


def a_task(text: str, due: datetime | None, status: Any = "open") -> Task:
    return Task(
        person="p",
        task_id=text,
        run_id="r",
        journey="j",
        text=text,
        owner="anna",
        created=days(5),
        due=due,
        status=status,
    )


def a_message(name: str, ago: float, **more: Any) -> Message:
    return Message(
        **{
            "person": "p",
            "run_id": "r",
            "step": name,
            "send_id": name,
            "journey": "j",
            "message": name,
            "channel": "email",
            "purpose": "offers",
            "state": "sent",
            "subject": f"About {name}",
            "claimed": days(ago),
            **more,
        }
    )


def everything() -> Known:
    note: dict[str, Any] = {"person": "p", "kind": "call", "noted": NOW, "deal": "d"}
    return Known(
        profile=a_profile(),
        now=NOW,
        zone=BERLIN,
        tasks=[
            a_task("later", NOW + timedelta(days=2)),
            a_task("late", days(1)),
            a_task("some day", None),
            a_task("done", days(1), "done"),
        ],
        leads=[
            Lead(person="p", lead_id="l", owner="anna", handed=days(4), score=82.4, text="Call")
        ],
        deals=[
            Deal(
                person="p",
                deal_id="d",
                title="Premium",
                value=Decimal(1200),
                currency="EUR",
                expected="2027-06-30",
                created=days(9),
                stays=[Stay("qualified", days(2))],
                offers=[Offer("o1", days(2)), Offer("o2", days(2), None, days(1))],
            ),
            Deal(person="p", deal_id="x", title="X", created=days(9), stays=[Stay("won", NOW)]),
        ],
        notes=[
            Note(note_id="1", at=days(3), outcome="interested", text="likes it", **note),
            Note(note_id="2", at=days(1), outcome="not reached", fields={"fit": True}, **note),
        ],
        messages=[
            a_message("guide", 10, clicked={"premium": days(8)}),
            a_message("hacks", 5, opened=days(5)),
            a_message("offer", 1),
            a_message("bounced", 2, state="failed", reason="bounced"),
            a_message("held", 2, claimed=None, state="held"),
        ],
        pipeline={"qualified": Stage(title="Do we fit?", needs=["budget", "need"])},
        score_parts={"Visits": 2.0, "Demo": 40.0},
    )


def says(language: Language = "en", known: Known | None = None) -> dict[str, list[str]]:
    return {part.title: part.says for part in brief(known or everything(), language).parts}


def test_it_says_who_somebody_is() -> None:
    found = brief(everything(), "en")
    assert (found.name, found.company, found.owner) == ("Ada Lovelace", "Engines Ltd", "anna")
    assert says()["Who"] == [
        "known since 2 March 2027",
        "last seen on 29 March 2027",
        "lives or works in GB",
        "came by “newsletter”",
    ]


def test_what_is_next_comes_first_and_is_ordered_by_when_it_is_due() -> None:
    assert next(iter(says())) == "Next"
    assert says()["Next"] == [
        "say whether you take the lead: Call",
        "late (overdue since 31 March 2027)",
        "later (due on 3 April 2027)",
        "some day (no date)",
        "find out for the deal “Premium”: budget, need",
        "the last conversation was on 29 March 2027",
    ]


def test_it_says_what_somebody_looked_at_newest_first_and_no_more_than_five() -> None:
    interest = says()["Interest"]
    assert interest[0] == "looked at “Page 4” on 28 March 2027"
    assert [line for line in interest if "Page" in line] == interest[:5]
    assert interest[5:] == [
        "searched for “invoices” on 30 March 2027",
        "clicked “premium” in guide on 24 March 2027",
    ]


def test_it_says_what_somebody_has_and_what_lies_in_the_cart() -> None:
    assert says()["Purchases"] == [
        "one order, worth 99",
        "has “basic”",
        "left in the cart: “premium”",
    ]


def test_it_says_the_score_and_what_made_most_of_it() -> None:
    assert says()["Where they stand"] == [
        "stage: opportunity",
        "score: 42",
        "Demo: 40 points",
        "Visits: 2 points",
    ]


def test_it_says_what_is_open_with_us_and_leaves_out_what_is_closed() -> None:
    assert says()["Open with us"][3:] == [
        "deal “Premium”: 1,200 EUR, expected to close on 30 June 2027, stage “Do we fit?” "
        "since 30 March 2027",
        "offer o1 went out on 30 March 2027",
        "offer o2 was signed on 31 March 2027",
        "handed over on 28 March 2027 with 82 points: not accepted yet",
    ]


def test_it_says_how_conversations_went_and_how_messages_were_taken() -> None:
    assert says()["Last conversations"] == [
        "call on 31 March 2027, not reached: fit: true",
        "call on 29 March 2027, interested: likes it",
    ]
    assert says()["Last messages"] == [
        "“About offer” on 31 March 2027: no reaction",
        "“About bounced” was not sent: bounced",
        "“About hacks” on 27 March 2027: opened",
        "“About guide” on 22 March 2027: clicked",
    ]


def test_german_says_as_much_and_nothing_in_english() -> None:
    english, german = says("en"), says("de")
    assert [len(lines) for lines in german.values()] == [len(lines) for lines in english.values()]
    assert not set(english) & set(german)
    assert german["Als Nächstes"][1] == "late (überfällig seit 31. März 2027)"
    assert german["Letzte Gespräche"][0] == "Anruf am 31. März 2027, nicht erreicht: fit: wahr"


def test_of_somebody_unknown_it_says_that_nobody_has_spoken_to_them() -> None:
    nobody = Known(profile=Profile(person="p"), now=NOW, zone=BERLIN)
    assert says("en", nobody) == {
        "Next": ["nobody has spoken to them yet", "nothing is open"],
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_a_record_may_hold_has_its_translation(language: Language) -> None:
    words = briefs._WORDS[language]
    for kind in (NoteKind, NoteOutcome, LeadStatus):
        assert set(kind.__args__) - {"open"} <= words.keys()  # type: ignore[attr-defined]
    assert words.keys() == briefs._WORDS["en"].keys()


def test_a_task_says_the_most_important_from_the_profile_alone() -> None:
    found = known_of(a_profile(), NOW)
    assert (found["stage"], found["score"]) == ("opportunity", "42")
    assert found["last search"] == "invoices"
    assert all(len(text) <= briefs.SHORT for text in found.values())
