"""Reading scenario files: each mistake at its line, and an end and a time for every line."""

import json
import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from functions.folder import (
    BRAND_FILE,
    PARTS,
    SCENARIO_FILE,
    Checked,
    check,
    check_brand,
    read_folder,
)
from functions.journeys.yaml_file import read
from functions.messages.brand import Brand
from functions.problem import Problems
from local.scenarios.read import SOMEBODY, scenarios_for
from local.scenarios.scenario import Scenario, scenario_schema
from tests.support.pack import JOURNEYS

RIGHT = """\
- scenario: Who buys is welcomed
  happens:
    - at: 2027-03-01 10:00
      event: Order Completed
  expect:
    - sent: welcome
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped journeys without their scenarios."""
    target = tmp_path / "statemachines"
    target.mkdir()
    shutil.copy(JOURNEYS / BRAND_FILE, target)
    for name in (PARTS, "onboarding", "upsell", "recovery"):
        tests = shutil.ignore_patterns(f"*{SCENARIO_FILE}")
        shutil.copytree(JOURNEYS / name, target / name, ignore=tests)
    return target


def scenarios(folder: Path, text: str, name: str = "first") -> list[Scenario]:
    (folder / "onboarding" / f"{name}{SCENARIO_FILE}").write_text(text, "utf-8")
    return scenarios_for(folder, *shipped())


@cache
def shipped() -> tuple[list[Checked], Brand]:
    """The shipped journeys, read once."""
    found = read_folder(JOURNEYS)
    return check(found), check_brand(found.brand)


def problems(folder: Path, text: str) -> list[str]:
    try:
        scenarios(folder, text)
    except Problems as found:
        file = f"onboarding/first{SCENARIO_FILE}:"
        return [str(problem).removeprefix(file) for problem in found.found]
    return []


def changed(before: str, after: str) -> str:
    assert before in RIGHT
    return RIGHT.replace(before, after, 1)


def test_a_scenario_needs_no_more_than_what_happens_and_what_is_expected(folder: Path) -> None:
    [one] = scenarios(folder, RIGHT)
    assert (one.journey, one.title, one.line) == ("onboarding", "Who buys is welcomed", 1)
    assert one.person == SOMEBODY
    needed = ["product tips", "offers", "customer care", "tracking"]
    assert one.consents == {"email": needed, "sms": needed}
    assert one.happens[0][0] == datetime(2027, 3, 1, 9, tzinfo=UTC)  # ten in Berlin
    assert one.until is None


def test_times_are_those_of_a_clock_where_the_person_is(folder: Path) -> None:
    text = changed("  happens", "  person: {timezone: America/New_York}\n  happens")
    [one] = scenarios(folder, text)
    assert one.happens[0][0] == datetime(2027, 3, 1, 15, tzinfo=UTC)


def test_a_line_without_a_time_happens_with_the_line_above_and_after_counts_from_it(
    folder: Path,
) -> None:
    more = "      event: Order Completed\n    - opens: welcome\n    - after: 3 days\n      "
    [one] = scenarios(folder, changed("      event: Order Completed", f"{more}opens: welcome"))
    assert [at.day for at, _ in one.happens] == [1, 1, 4]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scenario: A mapping", '1: a file of scenarios is a list; begin each with "- scenario: '),
        (
            changed("  happens", "  persn: {}\n  happens"),
            '2: "persn" is unknown; did you mean "per',
        ),
        (changed("event", "evnt"), '3: "evnt" is unknown here; did you mean "event"?'),
        (changed("- at: 2027-03-01 10:00\n     ", "-"), '3: the first line needs "at": a day'),
        (changed("10:00", "10 am"), "3: '2027-03-01 10 am' does not fit: a day and a clock time"),
        (changed("03-01", "02-30"), "3: '2027-02-30 10:00' is no time; a day and a clock time"),
        (changed("at: 2027", "after: 2 days\n      at: 2027"), '3: say "at" or "after", not both'),
        (changed("welcome\n", "welcom\n"), '6: there is no message "welcom"; did you mean "welco'),
        (
            changed("sent: welcome", "sent: upsel/five-reasons"),
            '6: there is no journey "upsel"; did you mean "upsell"?',
        ),
        (
            changed("sent: welcome", "starts: upsel"),
            '6: there is no journey "upsel"; did you mean "upsell"?',
        ),
        (changed("sent: welcome", "{sent: welcome, task: Call}"), "6: a line says one thing; here"),
        (changed("sent: welcome", "{sent: welcome, by: sms}"), '6: "welcome" exists only for: em'),
        (changed("sent: welcome", "{task: Call, for: owner}"), "6: say who gets it in the end, s"),
        (changed("sent: welcome", "person: {plan: {at leas: 5}}"), '6: plan: "at leas" is not a'),
        (
            changed("  happens", "  person: {timezone: Europe/Berln}\n  happens"),
            '2: "Europe/Berln" is no time zone; did you mean "Europe/Berlin"?',
        ),
        (
            changed("  happens", "  may get: {email: [offer]}\n  happens"),
            '2: "offer" is not a purpose in brand.yaml; did you mean "offers"?',
        ),
        (
            changed("  happens", "  may get: {fax: everything}\n  happens"),
            '2: "fax" is not a channel; there are: email, sms',
        ),
        (changed("  happens", "  may get: all\n  happens"), '2: "everything", "nothing", or a ma'),
        (changed("  happens", "  arms: {x: y}\n  happens"), '2: there is no split "x"; there are'),
        (changed("  expect", "  until: soon\n  expect"), "5: 'soon' is no end; a day and a clock"),
        (
            changed("  expect", "    - at: 2027-02-01 9:00\n      opens: guide\n  expect"),
            "5: is earlier than the line above it",
        ),
        (
            changed("  expect", "    - clicks: recovery/come-back\n  expect"),
            '5: "recovery/come-back" is a text message: nobody clicks it',
        ),
        (changed("- scenario", "- &x scenario"), "1: anchors and aliases (& and *) are not used"),
    ],
)
def test_each_mistake_is_told_at_its_line_with_what_would_be_right(
    folder: Path, text: str, said: str
) -> None:
    found = problems(folder, text)
    assert len(found) == 1
    assert found[0].startswith(said)


def test_mistakes_in_several_files_and_journeys_are_told_together(folder: Path) -> None:
    (folder / "upsell" / f"a{SCENARIO_FILE}").write_text(changed("sent", "snt"), "utf-8")
    with pytest.raises(Problems) as told:
        scenarios(folder, changed("event", "evnt"))
    assert [problem.file for problem in told.value.found] == [
        f"onboarding/first{SCENARIO_FILE}",
        f"upsell/a{SCENARIO_FILE}",
    ]


def test_a_scenario_changes_no_journeys_version(folder: Path) -> None:
    before = [one.version for one in check(read_folder(folder))]
    scenarios(folder, RIGHT)
    assert [one.version for one in check(read_folder(folder))] == before


def test_the_committed_schema_is_the_generated_one() -> None:
    committed = (JOURNEYS / "scenario.schema.json").read_text("utf-8")
    made = json.dumps(scenario_schema(), indent=2, ensure_ascii=False) + "\n"
    assert committed == made, "run: tante schema scenario > statemachines/scenario.schema.json"


@pytest.mark.parametrize("file", sorted(JOURNEYS.rglob(f"*{SCENARIO_FILE}")), ids=lambda f: f.name)
def test_an_editor_with_the_schema_finds_nothing_wrong_in_our_scenarios(file: Path) -> None:
    text = file.read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=../scenario.schema.json\n")
    jsonschema.validate(read(file.name, text).value, scenario_schema())


@pytest.mark.parametrize(
    "wrong", [("sent", "snt"), ("event", "evnt"), ("10:00", "ten"), ("  expect", "  expects")]
)
def test_an_editor_with_the_schema_finds_mistakes(wrong: tuple[str, str]) -> None:
    raw = read("x", changed(*wrong)).value
    assert list(jsonschema.Draft202012Validator(scenario_schema()).iter_errors(raw))


def test_a_stage_that_lifecycle_yaml_does_not_have_is_told_with_its_line(folder: Path) -> None:
    shutil.copy(JOURNEYS / "lifecycle.yaml", folder)
    right = RIGHT.replace("sent: welcome", "stage: sales/customer")
    [scenario] = scenarios(folder, right)
    assert scenario.expect[0].what.object == "sales/customer"
    with pytest.raises(Problems, match='6: there is no stage "sales/custom"; did you mean "sales/'):
        scenarios(folder, right.replace("customer", "custom"))
