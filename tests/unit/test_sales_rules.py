"""sales.yaml: what is wrong in it is told with its line and what is right."""

from pathlib import Path
from textwrap import dedent

import pytest

from functions.folder import Folder, check_brand, check_live, read_folder
from functions.journeys.yaml_file import read
from functions.sales.rules import build
from local.difference import between
from tests.support.world import JOURNEYS

SHIPPED = read_folder(JOURNEYS)
BRAND = check_brand(SHIPPED.brand)
GOOD = """\
people:
  anna: {name: Anna, email: anna@shop.example, at most: 20 open tasks}
  ben: {name: Ben, email: ben@shop.example}
away:
  anna: [{from: 2027-07-01, to: 2027-07-14}]
routing:
  - {when: {person: {country: DE}}, to: [anna]}
otherwise: [ben, sales]
pipeline:
  new: {at most: 5 days}
  offer: {needs: [budget]}
"""


def told(sales: str) -> list[str]:
    folder = Folder(SHIPPED.brand, {}, {}, {"sales.yaml": dedent(sales)})
    return [str(problem) for problem in check_live(folder, BRAND)]


def test_the_shipped_file_and_an_empty_one_are_right() -> None:
    assert check_live(SHIPPED, BRAND) == []
    assert told(GOOD) == []
    assert told("") == []
    assert build(read("sales.yaml", "").value) is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("routing:", "rooting:", '6: "rooting" is unknown here; did you mean "routing"?'),
        ("name: Anna,", "nam: Anna,", '2: "nam" is unknown here; did you mean "name"?'),
        ("name: Anna,", "", "2: Object missing required field `name`"),
        ("anna@shop.example", "anna", '2: "anna" is not an e-mail address'),
        ("20 open tasks", "20", '2: "20" is no number of tasks; write it like "20 open tasks"'),
        ("  ben:", "  Ben B:", '3: "Ben B" is written in small letters, digits and hyphens'),
        ("  anna: [", "  ana: [", '5: "ana" is not among the people; did you mean "anna"?'),
        ("from: 2027-07-01", "from: 1 July", '5: "1 July" is no day; write it like "2027-07-01"'),
        ("to: 2027-07-14", "to: 2027-06-14", '5: "2027-06-14" comes before "2027-07-01"'),
        ("[{from: 2027-07-01, to: 2027-07-14}]", "2027-07-01", "5: write a list"),
        ("to: [anna]", "to: [anne]", '7: "anne" is nobody here and no team of brand.yaml'),
        ("to: [anna]", "to: []", "7: write a list of people of this file or teams"),
        ("country: DE", "country: {at lest: 1}", '7: country: "at lest" is not a test'),
        ("person: {country: DE}", "entry: {a: 1}", '7: "entry" speaks of a run'),
        ("person: {country: DE}", "in segment: vips", '7: there is no segment "vips"'),
        ("[ben, sales]", "[nobody]", '8: "nobody" is nobody here and no team of brand.yaml'),
        ("5 days", "5 dais", "10: '5 dais' is not a duration"),
        ("  offer:", "  won:", '11: every pipeline ends in "won" and "lost"; they are not listed'),
        ("needs: [budget]", "needs: budget", "11: Expected `array`, got `str`"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(
    old: str, new: str, problem: str
) -> None:
    assert old in GOOD
    found = told(GOOD.replace(old, new, 1))
    assert any(one.startswith(f"sales.yaml:{problem}") for one in found), found


def test_what_changed_in_the_file_is_said(tmp_path: Path) -> None:
    changed = GOOD.replace("[ben, sales]", "[sales]").replace("5 days", "6 days")
    changed = changed.replace("to: [anna]", "to: [ben]")
    for name, text in (("old", GOOD), ("new", changed)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "brand.yaml").write_text(SHIPPED.brand, "utf-8")
        (tmp_path / name / "sales.yaml").write_text(text, "utf-8")
    assert between(tmp_path / "old", tmp_path / "new", "en") == {
        "sales.yaml": [
            "routing 1: was {when: {person: {country: “DE”}}, to: [“anna”]}; "
            "is now {when: {person: {country: “DE”}}, to: [“ben”]}",
            "otherwise: was [“ben”, “sales”]; is now [“sales”]",
            "pipeline new: was {at most: “5 days”}; is now {at most: “6 days”}",
        ]
    }


@pytest.mark.parametrize("part", ["people", "away", "routing", "otherwise", "pipeline"])
@pytest.mark.parametrize("value", ["3", "text", "[1]", "{a: 1}", "{a: [1]}", "[{}]"])
def test_no_part_of_a_wrong_form_breaks_the_check(part: str, value: str) -> None:
    assert told(f"{part}: {value}")
