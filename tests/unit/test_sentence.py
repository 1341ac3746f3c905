"""Conditions and happenings as English and German sentences: whole, different where they are."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.folder import read_folder
from functions.journeys.yaml_file import read
from functions.segments.condition import READERS, condition, names
from functions.segments.operators import OPERATORS
from functions.segments.phrases import BadPhrase
from functions.segments.sentence import SAID, sentence
from functions.segments.spoken import LANGUAGES, Language, number, quoted
from tests.support.conditions import conditions, events, meaning
from tests.support.journeys import SHIPPED

languages = st.sampled_from(LANGUAGES)


@pytest.mark.parametrize(
    ("raw", "english", "german"),
    [
        (
            {"did": "Order Completed", "times": {"at least": 2}, "in the last": "90 days"},
            "the person has done “Order Completed” at least 2 times in the last 90 days",
            "die Person hat „Order Completed“ innerhalb der letzten 90 Tage "
            "mindestens 2-mal ausgelöst",
        ),
        (
            {"did": ["Login", "Logout"], "times": 1, "since": "entry"},
            "the person has done “Login” or “Logout” exactly once since entry",
            "die Person hat „Login“ oder „Logout“ seit dem Start genau einmal ausgelöst",
        ),
        (
            {"did": "Login", "times": {"one of": [1, 2]}},
            "the person has done “Login” so often that the number is one of 1 or 2",
            "die Person hat „Login“ so oft (die Anzahl ist eines von 1 oder 2) ausgelöst",
        ),
        (
            {"person": {"score": {"above": "average"}, "orders": {"below": "average"}}},
            "the person's score is above average, and the person's orders is below average",
            "score der Person liegt über dem Durchschnitt, "
            "und orders der Person liegt unter dem Durchschnitt",
        ),
        (
            {"person": {"plan": "basic", "age": {"at least": 18, "less than": 30.5}}},
            "the person's plan is “basic”, and the person's age is at least 18 "
            "and is less than 30.5",
            "plan der Person ist „basic“, und age der Person ist mindestens 18 "
            "und ist weniger als 30,5",
        ),
        (
            {"entry": {"licence ends": {"before": "2027-01-31"}, "total": {"more than": 1234.5}}},
            "“licence ends” of the entering event is before 31 January 2027, "
            "and total of the entering event is more than 1,234.5",
            "„licence ends“ des Start-Ereignisses liegt vor dem 31. Januar 2027, "
            "und total des Start-Ereignisses ist mehr als 1.234,5",
        ),
        (
            {"person": {"last_order": {"in the last": "1 day", "after": "2027-03-01T08:30Z"}}},
            "the person's last_order is within the last day and is after 1 March 2027 at 08:30 UTC",
            "last_order der Person liegt innerhalb des letzten Tages und liegt nach dem "
            "1. März 2027 um 08:30 UTC",
        ),
        (
            {"event": "Order Completed", "where": {"products.sku": "basic-1y"}, "same": "cart_id"},
            "“Order Completed” (where products.sku is “basic-1y”; with the same cart_id as at "
            "entry) happens",
            "„Order Completed“ (wobei gilt: products.sku ist „basic-1y“; mit dem gleichen Wert "
            "von cart_id wie beim Start) geschieht",
        ),
        (
            {"clicked": ["guide", "onboarding/hacks"], "link": "premium"},
            "the person has clicked the link “premium” in “guide” or “onboarding/hacks”",
            "die Person hat in „guide“ oder „onboarding/hacks“ auf den Link „premium“ geklickt",
        ),
        (
            {"unconfirmed": "sms", "purpose": "offers"},
            "the person signed up for text messages for the purpose “offers” and has not confirmed "
            "that",
            "die Person hat sich für SMS für den Zweck „offers“ angemeldet und das nicht bestätigt",
        ),
        (
            {"may get": "sms", "purpose": "offers"},
            "the person may get text messages for the purpose “offers”",
            "die Person darf SMS für den Zweck „offers“ bekommen",
        ),
        (
            {"cart": {"items": 0, "closed": False}},
            "the cart's items is 0, and the cart's closed is false",
            "items des Warenkorbs ist 0, und closed des Warenkorbs ist falsch",
        ),
        (
            {"opened": "guide", "robots": "counted"},
            "the person or a robot has opened “guide”",
            "die Person oder ein Roboter hat „guide“ geöffnet",
        ),
        (
            {"any of": [{"clicked": "guide", "robots": "counted"}, {"bounced": ["a", "b"]}]},
            "the person or a robot has clicked in “guide” or “a” or “b” bounced",
            "die Person oder ein Roboter hat in „guide“ geklickt oder "
            "„a“ oder „b“ kam als unzustellbar zurück",
        ),
        (
            {"in segment": "quiet-customers"},
            "the person is in the segment “quiet-customers”",
            "die Person ist im Segment „quiet-customers“",
        ),
        (
            {"in journey": "upsell"},
            "the person is in the journey “upsell” now",
            "die Person ist gerade in der Journey „upsell“",
        ),
        (
            {"left journey": "upsell"},
            "the person has left the journey “upsell”",
            "die Person hat die Journey „upsell“ verlassen",
        ),
        (
            {"left journey": "upsell", "as": "goal"},
            "the person has left the journey “upsell” with the outcome “goal”",
            "die Person hat die Journey „upsell“ mit dem Ergebnis „goal“ verlassen",
        ),
        (
            {"all of": [{"any of": [{"sent": "a"}, {"opened": "a"}]}, {"none of": [{"did": "b"}]}]},
            "(“a” was sent or the person has opened “a”) and "
            "(it is not so that the person has done “b”)",
            "(„a“ wurde gesendet oder die Person hat „a“ geöffnet) und "
            "(es gilt nicht: die Person hat „b“ ausgelöst)",
        ),
        (
            {"none of": [{"person": {"vip": True}}, {"person": {"age": {"known": False}}}]},
            "none of these is so: the person's vip is true; the person's age is not known",
            "nichts davon gilt: vip der Person ist wahr; age der Person ist nicht bekannt",
        ),
    ],
)
def test_a_condition_reads_aloud(raw: Any, english: str, german: str) -> None:
    assert sentence(raw, "en") == english
    assert sentence(raw, "de") == german


def test_every_first_word_that_is_read_is_also_said() -> None:
    assert SAID.keys() == READERS.keys()


@pytest.mark.parametrize("word", OPERATORS)
def test_every_test_of_a_field_has_words_of_its_own_in_both_languages(word: str) -> None:
    wanted = {"in the last": "1 day", "in the next": "1 day"}.get(word, "2027-01-31")
    if word in ("at least", "at most", "more than", "less than"):
        wanted = 5  # type: ignore[assignment]
    raw = {"person": {"plan": {word: [wanted] if word.endswith(" of") else wanted}}}
    said = {sentence(raw, language) for language in LANGUAGES}
    equal = {sentence({"person": {"plan": wanted}}, language) for language in LANGUAGES}
    assert len(said) == 2
    assert not said & equal


# --- total, faithful, different


@given(st.one_of(conditions, events), languages)
def test_every_valid_condition_says_itself_with_every_name_and_value_in_it(
    raw: dict[str, Any], language: Language
) -> None:
    said = sentence(raw, language)
    assert said
    for word in mentioned(raw, language):
        assert word in said


NAMED = ("link", "purpose", "in segment", "in journey", "left journey", "as")


def mentioned(raw: Any, language: Language) -> list[str]:
    """What must be in the sentence: names, fields, texts, numbers, as far as it is no phrase."""
    found: list[str] = []
    for word, value in raw.items():
        if word in ("all of", "any of", "none of"):
            found += [inner for part in value for inner in mentioned(part, language)]
        elif word in ("did", "event", "sent", "opened", "clicked", "bounced"):
            found += [quoted(name, language) for name in names(value)]
        elif word in ("person", "account", "entry", "cart", "where"):
            found += of_fields(value, language)
        elif word in NAMED and value:
            found.append(quoted(value, language))
        elif word == "in the last":
            found += re.findall(r"^(?!1 )\d+", value)
    return found


def of_fields(raw: dict[str, Any], language: Language) -> list[str]:
    found: list[str] = []
    for path, test in raw.items():
        found.append(quoted(path, language)[1:-1])
        for word, wanted in (test if isinstance(test, dict) else {"": test}).items():
            for value in wanted if isinstance(wanted, list) else [wanted]:
                if isinstance(value, bool):
                    continue
                if isinstance(value, str):
                    dated = word in ("before", "after", "in the last", "in the next")
                    found += [] if dated else [quoted(value, language)]
                else:
                    found.append(number(value, language))
    return found


@given(st.one_of(conditions, events), st.one_of(conditions, events), languages)
def test_conditions_that_differ_have_sentences_that_differ(
    one: dict[str, Any], other: dict[str, Any], language: Language
) -> None:
    same_words = sentence(one, language) == sentence(other, language)
    assert same_words == (meaning(one) == meaning(other))


@st.composite
def alike(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two conditions that differ in one place, where two drawn by chance hardly ever would."""
    raw = draw(conditions)
    return raw, changed(raw, draw)


def changed(raw: Any, draw: st.DrawFn) -> Any:
    """The same with one text, number or part of it replaced by another."""
    if isinstance(raw, dict):
        word = draw(st.sampled_from(sorted(raw)))
        return {**raw, word: changed(raw[word], draw)}
    if isinstance(raw, list):
        place = draw(st.integers(0, len(raw) - 1))
        return [*raw[:place], changed(raw[place], draw), *raw[place + 1 :]]
    if isinstance(raw, bool):
        return not raw
    if isinstance(raw, int | float):
        return draw(st.sampled_from([raw + 1, -raw, str(raw)]))
    return draw(st.sampled_from([f"{raw}s", f"{raw} or ", f"{raw}”", f"{raw}“", raw[1:], "5"]))


@given(alike(), languages)
def test_one_place_that_differs_is_heard(
    pair: tuple[dict[str, Any], dict[str, Any]], language: Language
) -> None:
    one, other = pair
    try:
        condition(other)
    except BadPhrase:
        return
    same_words = sentence(one, language) == sentence(other, language)
    assert same_words == (meaning(one) == meaning(other))


@pytest.mark.parametrize("raw", [{"clicked": []}, {"event": "a", "wehre": {}}, None, {"cart": {}}])
def test_what_is_no_condition_is_refused_and_not_said(raw: Any) -> None:
    with pytest.raises(BadPhrase):
        sentence(raw, "en")


def test_every_shipped_journey_s_conditions_say_themselves() -> None:
    for name, files in read_folder(SHIPPED).journeys.items():
        raw = read(name, files["journey.yaml"]).value
        for leaving in raw.get("leave when", []):
            happening = {word: value for word, value in leaving.items() if word != "as"}
            assert all(sentence(happening, language) for language in LANGUAGES)


# --- values


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [
        (0, "0", "0"),
        (-0.0, "0", "0"),
        (1000, "1,000", "1.000"),
        (1234567.25, "1,234,567.25", "1.234.567,25"),
        (-0.5, "-0.5", "-0,5"),
        (1e21, "1,000,000,000,000,000,000,000", "1.000.000.000.000.000.000.000"),
    ],
)
def test_numbers_have_the_language_s_own_form(value: float, english: str, german: str) -> None:
    assert number(value, "en") == english
    assert number(value, "de") == german
