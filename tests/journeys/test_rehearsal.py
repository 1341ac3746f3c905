"""Trying scenarios: what people do there has its effect, and the command says how it went."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from functions.folder import BRAND_FILE, PARTS, SCENARIO_FILE
from functions.problem import Problems
from local.command_line import app
from local.scenarios.read import read_scenarios
from local.scenarios.tell import tried
from tests.support.pack import JOURNEYS

JOURNEY = """\
title: A test
purpose: offers
enter when: {event: Signed Up}
once per: person
steps:
  - split: voice
    arms:
      warm: {share: 99 percent, then: [{send: hello}]}
      cool: {share: 1 percent}
  - wait for: {clicked: hello, link: premium}
    at most: 3 days
    then: [{update: {set: {interest: premium}}}]
  - send: bye
"""
BEGIN = """\
- scenario: It works
  happens:
    - at: 2027-03-01 10:00
      event: Signed Up
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "statemachines"
    shutil.copytree(JOURNEYS / PARTS, target / PARTS)
    shutil.copy(JOURNEYS / BRAND_FILE, target)
    (target / "trial").mkdir()
    (target / "trial" / "journey.yaml").write_text(JOURNEY, "utf-8")
    mail = JOURNEYS / "upsell" / "five-reasons"
    for name in ("hello", "bye"):
        for language in ("de", "en"):
            copied = target / "trial" / f"{name}.{language}.mjml"
            shutil.copy(f"{mail}.{language}.mjml", copied)
    return target


Try = Callable[[str], list[str]]


@pytest.fixture
def wrong(folder: Path) -> Try:
    """Writes a scenario, tries it, and says what is wrong."""

    def try_it(text: str) -> list[str]:
        (folder / "trial" / f"first{SCENARIO_FILE}").write_text(text, "utf-8")
        [(_, verdict)] = tried(folder, read_scenarios(folder))
        return [f"{one.line}: {one.what}" for one in verdict.wrong]

    return try_it


BOTH = "  expect: [{sent: hello}, {sent: bye}]\n"


def test_a_month_passes_in_no_time_and_nothing_is_forgotten(wrong: Try) -> None:
    assert wrong(BEGIN + BOTH) == []
    late = "  expect: [{sent: hello}, {sent: bye, after: 4 days}]\n"
    assert wrong(BEGIN + late) == ["5: sent bye: came at 2027-03-04 10:00, not at 2027-03-05 10:00"]


def test_a_click_counts_on_the_link_that_is_named(wrong: Try) -> None:
    click = BEGIN + "    - {after: 1 hour, clicks: hello, link: LINK}\n" + BOTH
    at_once = "    - {after: 1 hour, sent: bye}\n    - person: {interest: premium}\n"
    click = click.replace(BOTH, f"  expect:\n    - sent: hello\n{at_once}")
    assert wrong(click.replace("LINK", "premium")) == []
    assert wrong(click.replace("LINK", "support")) == [
        "8: sent bye: came at 2027-03-04 10:00, not at 2027-03-01 11:00",
        "9: interest is None at the end",
    ]
    [said, *_] = wrong(click.replace("LINK", "shop"))
    assert said.startswith('5: "hello" has no link "shop"; there are: premium')


def test_unsubscribing_and_bouncing_stop_what_would_come(wrong: Try) -> None:
    expect = "  expect: [{sent: hello}, {not sent: bye, because: REASON}]\n"
    for does, reason in (
        ("unsubscribes", "consent withdrawn"),
        ("bounces", '"suppressed: hard bounce"'),
    ):
        line = f"    - {{after: 1 day, {does}: hello}}\n"
        assert wrong(BEGIN + line + expect.replace("REASON", reason)) == []


def test_who_agrees_to_nothing_gets_nothing_and_the_rest_is_as_agreed(wrong: Try) -> None:
    for permission, gets in (
        ("nothing", False),
        ("{email: [offers]}", True),
        ("{email: [customer care], sms: everything}", False),
    ):
        text = BEGIN.replace("  happens", f"  may get: {permission}\n  happens")
        expect = BOTH if gets else "  expect: [{not sent: hello, because: no consent}]\n"
        assert wrong(text + expect) == []


@pytest.mark.parametrize(
    ("arm", "first"), [("warm", "{sent: hello}"), ("cool", "{not sent: hello}")]
)
def test_the_arm_of_a_split_can_be_chosen(wrong: Try, arm: str, first: str) -> None:
    text = BEGIN.replace("  happens", f"  arms: {{voice: {arm}}}\n  happens")
    assert wrong(f"{text}  expect: [{first}, {{sent: bye}}]\n") == []


@pytest.mark.parametrize("rule", ["hold out: 95 percent", "limit: {share: 5 percent}"])
def test_somebody_takes_part_whom_no_lasting_share_keeps_out(
    wrong: Try, folder: Path, rule: str
) -> None:
    journey = JOURNEY.replace("steps:", f"{rule}\ngoal: {{event: Bought}}\nsteps:", 1)
    (folder / "trial" / "journey.yaml").write_text(journey, "utf-8")
    for arm, first in (("warm", "{sent: hello}"), ("cool", "{not sent: hello}")):
        text = BEGIN.replace("  happens", f"  arms: {{voice: {arm}}}\n  happens")
        assert wrong(f"{text}  expect: [{first}, {{sent: bye}}]\n") == []


def test_a_scenario_for_which_there_is_nobody_is_a_mistake_at_its_line(
    wrong: Try, folder: Path
) -> None:
    journey = JOURNEY.replace("steps:", "limit: {share: 0.01 percent}\nsteps:", 1)
    (folder / "trial" / "journey.yaml").write_text(journey, "utf-8")
    text = BEGIN.replace("  happens", "  arms: {voice: cool}\n  happens")
    with pytest.raises(Problems, match=":1: nobody of 10,000 goes these arms"):
        wrong(text + BOTH)


def test_what_cannot_be_done_is_told_and_the_rest_goes_on(wrong: Try) -> None:
    assert wrong(BEGIN + "    - opens: bye\n" + BOTH) == ['5: "bye" was not sent by then']
    again = wrong(BEGIN + "    - enters: trial\n" + BOTH)
    assert len(again) == 1
    assert again[0].startswith('5: the person was not let into "trial"')


def test_until_ends_it_before_or_after_the_journeys_own_end(wrong: Try) -> None:
    early = "  until: 2 days\n  expect: [{sent: hello}, {not sent: bye}]\n"
    assert wrong(BEGIN + early) == []
    date = "  until: 2027-03-04 10:00\n"
    assert wrong(BEGIN + date + BOTH) == []


def test_the_person_comes_to_meet_the_condition_of_the_way_in(wrong: Try, folder: Path) -> None:
    journey = JOURNEY.replace("{event: Signed Up}", "{person: {plan: pro}}")
    (folder / "trial" / "journey.yaml").write_text(journey, "utf-8")
    met = BEGIN.replace("event: Signed Up", "changes: {plan: pro}")
    assert wrong(met + BOTH) == []
    assert wrong(met.replace("pro", "free") + BOTH) != []


def test_the_person_joins_a_company_which_grows_later(wrong: Try, folder: Path) -> None:
    enter = "enter when: {account: {employees: {at least: 50}, level: manager}}"
    journey = JOURNEY.replace("enter when: {event: Signed Up}", enter)
    (folder / "trial" / "journey.yaml").write_text(journey, "utf-8")
    text = """\
- scenario: It works
  happens:
    - at: 2027-03-01 10:00
      joins: acme
      with: {name: Acme, employees: 20, level: manager}
    - after: 2 days
      joins: acme
      with: {employees: 50}
  expect:
    - sent: hello
      at: 2027-03-03 10:00
    - sent: bye
"""
    assert wrong(text) == []
    assert wrong(text.replace("employees: 50", "employees: 40")) != []


def test_traits_can_change_on_the_way(wrong: Try) -> None:
    change = "    - {after: 1 day, changes: {plan: basic}}\n"
    assert wrong(BEGIN + change + BOTH.replace("]", ", {person: {plan: basic}}]")) == []
    assert wrong(BEGIN + change + BOTH.replace("]", ", {person: {plan: gold}}]")) == [
        "6: plan is 'basic' at the end"
    ]


# --- the command


def run(*words: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, list(words), env={"COLUMNS": "120"})
    return found.exit_code, found.output


def test_the_exit_status_says_whether_all_came_failed_or_could_not_be_read(folder: Path) -> None:
    file = folder / "trial" / f"first{SCENARIO_FILE}"
    file.write_text(BEGIN + BOTH, "utf-8")
    status, said = run("test", str(folder))
    assert (status, "✓ trial: It works" in said, "all as expected" in said) == (0, True, True)
    file.write_text(BEGIN + "  expect: [{sent: bye}]\n", "utf-8")
    status, said = run("test", str(folder))
    assert status == 1
    assert "trial/first.scenario.yaml:1: sent hello at 2027-03-01 10:00: nothing in expec" in said
    assert "✗  2027-03-01 10:00" in said
    file.write_text(BEGIN + "  expct: [{sent: bye}]\n", "utf-8")
    assert run("test", str(folder))[0] == 2
    assert run("check", str(folder))[0] == 1
    file.unlink()
    assert run("test", str(folder))[0] == 2
    assert run("test", str(folder / "nowhere"))[0] == 2


def test_a_ready_journey_is_copied_once_and_then_works(folder: Path) -> None:
    shutil.copytree(JOURNEYS / "pack", folder / "pack")
    here = ("--journeys", str(folder))
    status, said = run("new", "--list", *here)
    assert (status, "payment-failed" in said, "Payment failed" in said) == (0, True, True)
    assert run("new", "dunning", "--from", "payment-failed", *here)[0] == 0
    assert run("test", str(folder), "--journey", "dunning")[0] == 0
    (folder / "dunning" / "journey.yaml").write_text("mine", "utf-8")
    assert run("new", "dunning", "--from", "payment-failed", *here)[0] == 2
    assert (folder / "dunning" / "journey.yaml").read_text("utf-8") == "mine"
    for name in ("Dunning", "pack", "parts", "brand", "../elsewhere", "."):
        assert run("new", name, "--from", "payment-failed", *here)[0] == 2
    status, said = run("new", "mine", "--from", "payment", *here)
    assert (status, 'no ready journey "payment"' in said) == (2, True)


@pytest.mark.parametrize("lacks", ["  survey:", "  care:", "  customer care:"])
def test_copying_says_what_the_brand_lacks(folder: Path, lacks: str) -> None:
    shutil.copytree(JOURNEYS / "pack", folder / "pack")
    lines = (folder / BRAND_FILE).read_text("utf-8").splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith(lacks))
    del lines[at : at + 3 if lacks == "  customer care:" else at + 1]
    (folder / BRAND_FILE).write_text("".join(lines), "utf-8")
    status, said = run("new", "nps", "--from", "review-request", "--journeys", str(folder))
    assert status == 0
    [lack, *_] = [line for line in said.splitlines() if line.startswith("! nps/")]
    assert lacks.strip(" :") in lack
