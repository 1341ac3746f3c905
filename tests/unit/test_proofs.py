"""What `tante check` proves of a folder: each finding at its file and line, with what to do."""

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from functions.folder import check, read_folder
from functions.journeys import journey as journey_files
from functions.journeys.journey import Journey
from functions.journeys.sound import unsound
from functions.journeys.together import together
from functions.journeys.yaml_file import read
from functions.messages.rehearsal import unreadable
from functions.problem import Problems
from tests.support.journeys import compiled, journeys, shipped

SHIPPED = Path(__file__).parents[2] / "statemachines"
HEAD = "title: A\npurpose: offers\nonce per: person\nsteps:\n"  # steps begin on line 5


def journey(steps: str) -> Journey:
    return journey_files.build("cart", read("j", HEAD + steps).value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copied = tmp_path / "statemachines"
    shutil.copytree(SHIPPED, copied)
    return copied


def problems(folder: Path) -> list[str]:
    try:
        check(read_folder(folder))
    except Problems as found:
        return [str(problem) for problem in found.found]
    return []


def changed(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def line_of(file: Path, text: str) -> int:
    return file.read_text("utf-8").split(text)[0].count("\n") + 1


# --- messages that fall together

LATER = "  - wait until: 7 days before entry.x\n"
SEND_A, SEND_B = "  - send: a\n", "  - send: b\n"


@pytest.mark.parametrize(
    ("steps", "falls"),
    [
        (SEND_A + LATER + SEND_B, True),
        ("  - wait until: 30 days before entry.x\n" + SEND_A + LATER + SEND_B, True),
        (SEND_A + "  - wait until: 2027-01-31\n" + SEND_B, True),
        (SEND_A + LATER + "  - task: Call\n    for: owner\n" + SEND_B, True),
        (SEND_A + LATER + "  - if: {did: X}\n    then: [{send: b}]\n", True),
        (SEND_A + "  - if: {did: X}\n    then: [{wait: 1 day}]\n" + LATER + SEND_B, True),
        (SEND_A + LATER + "  - choose: [{if: {did: X}, then: [{send: b}]}]\n", True),
        # What takes time surely, or says what then:
        (SEND_A + LATER + "    otherwise: [{end: late}]\n" + SEND_B, False),
        (SEND_A + LATER + "  - wait: 1 day\n" + SEND_B, False),
        (SEND_A + "  - wait: 1 day\n" + LATER + SEND_B, False),
        (SEND_A + LATER + "  - wait until: Monday 9:00\n" + SEND_B, False),
        (SEND_A + LATER + "  - wait for: {event: X}\n    at most: 1 day\n" + SEND_B, False),
        (SEND_A + SEND_B, False),  # that is meant
        (LATER + SEND_A, False),
        ("  - if: {did: X}\n    then: [{send: a}, {end: done}]\n" + LATER + SEND_B, False),
        ("  - if: {did: X}\n    then: [{send: a}]\n    otherwise: [{send: b}]\n", False),
    ],
)
def test_messages_fall_together_where_a_moment_has_passed_and_nothing_says_what_then(
    steps: str, falls: bool
) -> None:
    found = together(journey(steps).steps)
    assert bool(found) is falls
    for pair in found:
        assert (pair.first, pair.second) == ("send a", "send b")


def test_the_finding_stands_at_the_wait_and_says_what_to_write(folder: Path) -> None:
    file = folder / "onboarding" / "journey.yaml"
    changed(file, "  - wait: 5 days\n", "  - wait until: 7 days before entry.ends\n")
    [problem] = problems(folder)
    line = line_of(file, "  - wait until: 7 days before")
    assert problem.startswith(f"onboarding/journey.yaml:{line}: ")
    assert "write otherwise: to say what then" in problem


# --- what is mentioned and does not exist


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "onboarding/journey.yaml",
            "{start journey: upsell}",
            "{start journey: upsel}",
            '"start journey: upsel": there is no such folder; did you mean "upsell"?',
        ),
        (
            "onboarding/journey.yaml",
            "for: owner",
            "for: ownr",
            'is no team of brand.yaml and nobody in sales.yaml; did you mean "owner"?',
        ),
        (
            "upsell/journey.yaml",
            "link: premium",
            "link: premum",
            'no link "premum" is in "five-reasons"; did you mean "premium"?',
        ),
        (
            "onboarding/journey.yaml",
            "{clicked: [guide, hacks]}",
            "{clicked: upsell/six-reasons}",
            'there is no message "upsell/six-reasons"; did you mean "upsell/five-reasons"?',
        ),
        (
            "onboarding/journey.yaml",
            "{clicked: [guide, hacks]}",
            "{clicked: upsel/five-reasons}",
            'there is no message "upsel/five-reasons"; did you mean "upsell/five-reasons"?',
        ),
    ],
)
def test_what_does_not_exist_is_said_at_its_line_with_what_may_be_meant(
    folder: Path, file: str, old: str, new: str, says: str
) -> None:
    changed(folder / file, old, new)
    line = line_of(folder / file, new)
    [problem] = problems(folder)
    assert problem.startswith(f"{file}:{line}: ")
    assert says in problem


def test_a_link_of_another_journeys_message_is_looked_up_there(folder: Path) -> None:
    file = folder / "onboarding" / "journey.yaml"
    old = "{clicked: [guide, hacks]}"
    changed(file, old, "{clicked: upsell/five-reasons, link: premium}")
    assert problems(folder) == []


def test_fields_of_a_person_are_no_words_of_the_language(folder: Path) -> None:
    file = folder / "onboarding" / "journey.yaml"
    changed(file, "once per:", "only if: {person: {clicked: no/such, for: nobody}}\nonce per:")
    assert problems(folder) == []


# --- messages for somebody of whom nothing is known


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "upsell/five-reasons.de.mjml",
            "<mj-text>",
            "<mj-text>{{ 100 | divided_by: person.orders }}",
            "not fillable",
        ),
        (
            "recovery/come-back.de.sms",
            "{{",
            "{{ 5 | divided_by: entry.number }}{{",
            "not fillable",
        ),
        (
            "upsell/five-reasons.en.mjml",
            "<mj-text>",
            '<mj-text><a href="javascript:go()">go</a>',
            "a link begins with none of",
        ),
        ("upsell/five-reasons.de.mjml", "<mj-text>", "<mj-txt>", "<mj-txt> is not a tag of MJML"),
        ("upsell/five-reasons.de.mjml", "<mj-text>", "<mj-text a=>", "not readable as MJML"),
        (
            "upsell/five-reasons.de.mjml",
            '<mj-include path="../parts/',
            '<mj-include path="../parts/x',
            "there is no part",
        ),
    ],
)
def test_a_message_that_fails_for_an_unknown_person_is_told_at_its_line(
    folder: Path, file: str, old: str, new: str, says: str
) -> None:
    changed(folder / file, old, new)
    [problem] = problems(folder)
    assert says in problem
    assert problem.startswith(f"{file}:{line_of(folder / file, new)}: "), problem


def test_a_part_that_fails_is_told_at_the_parts_own_line(folder: Path) -> None:
    part = folder / "parts" / "footer.de.mjml"
    text = part.read_text("utf-8")
    wrong = "{{ 1 | divided_by: person.orders }}"
    index = text.index("</mj-text>")
    part.write_text(f"{text[:index]}{wrong}{text[index:]}", "utf-8")
    found = problems(folder)
    assert found
    line = line_of(part, wrong)
    assert all(one.startswith(f"parts/footer.de.mjml:{line}: not fillable") for one in found)


@pytest.mark.parametrize(
    ("mjml", "line"),
    [
        ("<mjml>\n<mj-body>\n</mj-body>\n</mjml>", 0),
        ("<mjml>\n<mj-body>\n</mjml>", 3),
        ("<mjml>\n<mj-body>\n", 2),
        ("<mjml>\n<mj-body>\n<mj-text a=>b</mj-text>\n</mj-body></mjml>", 3),
        (
            "<mjml>\n<!-- <mj-body>\n --><mj-body>\n<mj-divider />{% if a < b %}\n</mjml>",
            5,
        ),
        ("hello", 0),  # nothing that begins: the whole file
    ],
)
def test_the_line_where_mjml_cannot_be_read_is_found(mjml: str, line: int) -> None:
    assert unreadable(mjml) == line


def test_a_wrong_type_in_the_brand_is_told_at_its_line(folder: Path) -> None:
    file = folder / "brand.yaml"
    changed(file, "  name: Rechnungswerk\n", "  name: 5\n")
    assert problems(folder) == [
        f"brand.yaml:{line_of(file, '  name: 5')}: Expected `str`, got `int`"
    ]


# --- the compiled machine


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(journeys)
def test_whatever_is_compiled_is_sound(found: Journey) -> None:
    assert list(unsound(found, compiled(found))) == []


Change = Callable[[dict[str, Any]], None]
SEND = "send five-reasons, wait for clicked five-reasons"


def _state(name: str, **words: Any) -> Change:
    return lambda definition: definition["States"][name].update(words)


def _payload(name: str, **words: Any) -> Change:
    def change(definition: dict[str, Any]) -> None:
        definition["States"][name]["Parameters"]["Payload"].update(words)

    return change


TASK = "task High interest in premium, please close the deal"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_state(SEND, Resource="arn:aws:states:::ses:sendEmail"), "only run_step may act"),
        (_state(SEND, Resource="arn:aws:states:::lambda:invoke"), "sends without a token"),
        (_payload(SEND, **{"token.$": "$.x"}), "waits without a token"),
        (_payload(TASK, **{"token.$": "$$.Task.Token"}), "has a token, which nothing answers"),
        (_payload(SEND, step="another"), "runs no step of this journey"),
        (_payload(TASK, step="send five-reasons"), "sends without a token"),
        (_state(TASK, Next="nowhere"), 'leads to "nowhere", which does not exist'),
        (_state(TASK, HeartbeatSeconds=5), "says HeartbeatSeconds"),
        (_state(SEND, TimeoutSeconds=0), "has TimeoutSeconds 0"),
        (_state("finished", Type="Parallel"), "is of the type Parallel"),
        (_state("hold send five-reasons", Seconds=1.5), "has Seconds 1.5"),
        (_state(TASK, Retry=[{"ErrorEquals": ["States.ALL"]}]), "tries again after States.ALL"),
        (lambda found: found["States"].update({"x" * 81: {"Type": "Succeed"}}), "81 characters"),
        (lambda found: found["States"].update(lost={"Type": "Succeed"}), '"lost" is never reached'),
        (
            lambda found: found["States"].update(
                {name: {"Type": "Pass", "Next": name} for name in ("finished", "left")}
            ),
            "no way leads to an end",
        ),
    ],
)
def test_a_machine_that_is_not_sound_is_found_out(change: Change, says: str) -> None:
    found = shipped()["upsell"]
    definition = deepcopy(compiled(found))
    change(definition)
    assert any(says in text for _, text in unsound(found, definition)), list(
        unsound(found, definition)
    )
