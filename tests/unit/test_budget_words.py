"""A budget in journey.yaml and brand.yaml: checked at its line, told, and its changes too."""

from decimal import Decimal

import pytest

from functions.folder import check_brand
from functions.journeys import journey as journeys
from functions.journeys.check import load
from functions.journeys.difference import differences
from functions.journeys.telling import rules
from functions.journeys.yaml_file import read
from functions.problem import Problems
from functions.segments.phrases import BadPhrase, budget
from tests.support.world import JOURNEYS

BRAND = (JOURNEYS / "brand.yaml").read_text("utf-8")
JOURNEY = "title: A\npurpose: tips\nonce per: person\n{}steps:\n  - wait: 2 days\n"
WRONG = ["50", "50 EUR a month", "0 USD a month", "50 USD", "-5 USD a month", "1.5 USD a month"]


def files(budget: str) -> dict[str, str]:
    return {"journey.yaml": JOURNEY.format(budget)}


def test_a_budget_is_read_in_dollars() -> None:
    raw = read("j", JOURNEY.format("budget: 12.50 USD a month\n")).value
    assert journeys.build("cart", raw).budget == Decimal("12.50")
    assert journeys.build("cart", read("j", JOURNEY.format("")).value).budget is None


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_is_told_at_its_line_with_what_would_be_right(text: str) -> None:
    with pytest.raises(Problems) as found:
        load("cart", files(f'budget: "{text}"\n'), {"tips": True})
    [problem] = found.value.found
    assert (problem.file, problem.line) == ("cart/journey.yaml", 4)
    assert "50 USD a month" in problem.text


@pytest.mark.parametrize("text", WRONG)
def test_the_same_in_brand_yaml(text: str) -> None:
    with pytest.raises(Problems) as found:
        check_brand(f'{BRAND}budget: "{text}"\n')
    [problem] = found.value.found
    assert problem.line == BRAND.count("\n") + 1
    assert "50 USD a month" in problem.text
    with pytest.raises(BadPhrase):
        budget(text)


def test_brand_yaml_may_have_one() -> None:
    assert check_brand(f"{BRAND}budget: 500 USD a month\n").budget == "500 USD a month"


def test_it_is_told_in_both_languages() -> None:
    raw = read("j", JOURNEY.format("budget: 50 USD a month\n")).value
    assert rules(raw, "en")["budget"] == ["50 dollars a month"]
    assert rules(raw, "de")["budget"] == ["50 Dollar im Monat"]


def test_a_change_is_told() -> None:
    old, new = files("budget: 50 USD a month\n"), files("budget: 80 USD a month\n")
    [said] = differences({"a": old}, {"a": new}, "en")["a"]
    assert said == "budget: was 50 dollars a month; is now 80 dollars a month"
    [said] = differences({"a": files("")}, {"a": new}, "de")["a"]
    assert "80 Dollar im Monat" in said
