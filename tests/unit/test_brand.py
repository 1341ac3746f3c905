"""brand.yaml: what is typed right and wrong all the same is found before anything is published."""

from datetime import date

import pytest

from functions.folder import check_brand
from functions.messages.hours import Times
from functions.problem import Problems
from functions.segments.hours import hours
from tests.support.world import JOURNEYS

TEXT = (JOURNEYS / "brand.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("time zone: Europe/Berlin", "time zone: Europe/Berln", 'did you mean "Europe/Berlin"?'),
        ("locale: de", "locale: fr", '"fr" is not among the languages: de, en'),
        ("owner: sales", "owner: nobody", '"nobody" is not a team; there are: sales, care'),
        ("email: hello@rechnungswerk.example", "email: nonsense", "is not an e-mail address"),
        ("shop: https://", "shop: ", "it begins with https://"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_right(
    right: str, wrong: str, said: str
) -> None:
    line = TEXT[: TEXT.index(right)].count("\n") + 1
    with pytest.raises(Problems) as caught:
        check_brand(TEXT.replace(right, wrong, 1))
    assert [problem.line for problem in caught.value.found] == [line]
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("quiet hours", "quiet hours: at night", "'at night' are no hours; hours are written like"),
        ("quiet hours", "quiet hours: 8:00 to 8:00", "begin and end at the same time"),
        ("holidays", "holidays: [2027-12-25, 2027-02-30]", '"2027-02-30" is no day; a holiday is'),
        ("sms costs", "sms costs: {DE: 0.08}", '"DE" is no beginning of a number; write "+49"'),
        ("sms costs", 'sms costs: {"+49": -1}', "Expected `float` >= 0"),
        ("answer worth", "answer worth: 0", "Expected `float` > 0"),
        (
            "abc",
            "abc: {A: 70, B: 60}",
            "60: it is what A and B make together",
        ),
        ("abc", "abc: {A: 120}", "Expected `int` <= 99"),
        ("abc", "abc: {C: 5}", "unknown field `C`"),
        ("holidays", "holidays: [20271225]", "Expected `str`, got `int`"),
        ("holidays", "holidays: ['20271225']", '"20271225" is no day'),
    ],
)
def test_hours_holidays_and_shares_that_are_none_are_told(key: str, text: str, said: str) -> None:
    with pytest.raises(Problems) as caught:
        check_brand(f"{TEXT}{text}\n")
    assert said in str(caught.value)
    assert caught.value.found[0].line in (0, TEXT.count("\n") + 1)


def test_quiet_hours_and_holidays_hold_what_needs_consent_and_nothing_else() -> None:
    brand = check_brand(f"{TEXT}quiet hours: 21:00 to 8:00\nholidays: [2027-12-25]\n")
    office = hours("9:00 to 18:00")
    held = brand.times("offers", office)
    assert (held.only, held.quiet) == (office, hours("21:00 to 8:00"))
    assert held.holidays == {date(2027, 12, 25)}
    assert brand.times("transactional", office) == Times(only=office)
    assert brand.times("a purpose that is gone", None).quiet


def test_the_shipped_brand_is_right() -> None:
    assert check_brand(TEXT).name
