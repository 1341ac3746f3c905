"""lifecycle.yaml: what is wrong in it is told with its line; who names a stage names a real one."""

from pathlib import Path
from textwrap import dedent

import pytest

from functions.folder import Folder, check, read_folder
from functions.problem import Problems
from functions.segments.lifecycle import build
from functions.segments.rules import rules_of
from local.difference import between
from tests.support.journeys import SHIPPED

HEAD = "title: A\npurpose: offers\nonce per: person\n"
MODEL = """\
    club:
      title: The club
      stages:
        guest:
          title: Guest
          phase: recruitment
          when: {did: Visited}
        member:
          title: Member
          phase: retention
          when: {did: Joined}
    """


def problems(lifecycle: str = MODEL, segments: str = "", journey: str = "") -> list[str]:
    """What is wrong in lifecycle.yaml, segments.yaml and the journey `asks` without its head."""
    shipped = read_folder(SHIPPED)
    journeys = {"asks": {"journey.yaml": HEAD + dedent(journey)}} if journey else {}
    live = {"lifecycle.yaml": dedent(lifecycle), "segments.yaml": dedent(segments)}
    try:
        check(Folder(shipped.brand, shipped.parts, journeys, live))
    except Problems as found:
        return [str(problem) for problem in found.found]
    return []


def of_stage(text: str) -> str:
    """A model whose stage `guest` is written so."""
    lost = "{title: B, when: {did: B}}"
    return f"club:\n  title: A\n  stages:\n    guest: {text}\n    lost: {lost}\n"


def test_both_shipped_models_are_right_and_built() -> None:
    shipped = read_folder(SHIPPED)
    assert check(shipped)
    models = build(shipped.raw("lifecycle.yaml"), shipped.raw("segments.yaml")).models
    assert list(models) == ["customer", "sales"]
    phases = list(dict.fromkeys(stage.phase for stage in models["customer"].stages.values()))
    assert phases == ["recruitment", "retention", "recovery"]


@pytest.mark.parametrize("lifecycle", ["", "# none yet\n"])
def test_a_folder_needs_no_stages(lifecycle: str) -> None:
    assert problems(lifecycle) == []
    assert rules_of({}).lifecycle.in_turn == ()


@pytest.mark.parametrize(
    ("lifecycle", "expected"),
    [
        ("- club\n", ["1: models stand one below the other"]),
        (
            "Club: {}\n",
            [
                '1: "Club" cannot be the name of a model',
                '1: "title" is missing',
                '1: "stages" is missing',
            ],
        ),
        ("club: [a]\n", ['1: "club" takes a title and its stages']),
        ("club:\n  title: A\n", ['1: "stages" is missing']),
        ("club:\n  title: A\n  stages: {}\n", ['3: "stages" is missing: one below the other']),
        (
            "club:\n  titel: A\n  stages: [a]\n",
            [
                '2: "titel" is unknown here; did you mean "title"?',
                '1: "title" is missing',
                '3: "stages" is missing',
            ],
        ),
        (of_stage("a"), ['4: "guest" takes a title and a condition']),
        (of_stage("{title: A}"), ['4: "when" is missing: the condition that is true for those']),
        (of_stage("{when: {did: A}}"), ['4: "title" is missing: a text of at most 200']),
        (of_stage("{title: A, when: {dod: A}}"), ["4: a condition has exactly one of"]),
        (
            of_stage("{title: A, phase: retentoin, when: {did: A}}"),
            ['4: "retentoin" is not a phase; did you mean "retention"?'],
        ),
        (
            of_stage("{title: A, from: lost, when: {did: A}}"),
            ['4: "from" is a list of stages, like [lost], or [earlier, lost]'],
        ),
        (
            of_stage("{title: A, from: [earlier, lots], when: {did: A}}"),
            ['4: there is no stage "lots" in this model; did you mean "lost"?'],
        ),
        (
            of_stage("{title: A, from: [guest], when: {did: A}}"),
            ["4: nobody comes to a stage from itself"],
        ),
        (
            of_stage("{title: A, form: [lost], when: {did: A}}"),
            ['4: "form" is unknown here; did you mean "from"?'],
        ),
        (
            of_stage("{title: A, when: {entry: {a: 1}}}"),
            ['4: "entry" speaks of a run, and a stage of the person; write "person"'],
        ),
        (
            of_stage("{title: A, when: {may get: email, purpose: offers}}"),
            ['4: "may get" is not known where stages are kept; write what the person did'],
        ),
        (
            of_stage("{title: A, when: {none of: [{in segment: fan}]}}"),
            ['4: there is no segment "fan" in segments.yaml'],
        ),
        (
            MODEL.replace("Joined}", "Joined}\n        earlier: {title: A, when: {did: A}}"),
            ['12: "earlier" cannot be the name of a stage'],
        ),
    ],
)
def test_each_mistake_is_told_at_its_line_with_what_is_right(
    lifecycle: str, expected: list[str]
) -> None:
    found = problems(lifecycle)
    assert len(found) == len(expected), found
    for words in expected:
        assert any(problem.startswith(f"lifecycle.yaml:{words}") for problem in found), found


def test_the_condition_of_a_stage_may_not_ask_what_only_the_permission_item_knows() -> None:
    segments = "mailable: {title: M, who: {any of: [{in segment: open}]}}\n" + (
        "open: {title: O, who: {may get: email, purpose: offers}}\n"
    )
    [found] = problems(of_stage("{title: A, when: {in segment: mailable}}"), segments)
    assert 'lifecycle.yaml:4: the segment "mailable" says "may get", which is not known' in found


OTHER = "sales: {title: S, stages: {won: {title: W, when: %s}}}\n"


@pytest.mark.parametrize(
    ("when", "segments", "other"),
    [
        ("{person: {stage: member}}", "", ""),
        ("{person: {stages.club: member}}", "", ""),
        ("{person: {phase: retention}}", "", ""),
        ("{person: {stage_since: {in the last: 3 days}}}", "", ""),
        ("{in segment: s}", "s: {title: S, who: {person: {stage: member}}}\n", ""),
        ("{person: {stages.sales: won}}", "", OTHER % "{person: {stage: member}}"),
        (
            "{in segment: s}",
            "s: {title: S, who: {person: {stages.sales: won}}}\n",
            OTHER % "{none of: [{person: {phase: recruitment}}]}",
        ),
    ],
)
def test_a_stage_never_hangs_on_a_stage_of_its_own_model(
    when: str, segments: str, other: str
) -> None:
    lifecycle = dedent(MODEL).replace("{did: Visited}", when) + other
    found = problems(lifecycle, segments)
    assert found
    assert 'lifecycle.yaml:7: it speaks of a stage of "club" itself' in found[0]


def test_a_model_may_hang_on_another_which_is_kept_first() -> None:
    raw = {
        "club": {"title": "C", "stages": {"in": {"title": "I", "when": {"in segment": "won"}}}},
        "sales": {"title": "S", "stages": {"won": {"title": "W", "when": {"did": "Deal Won"}}}},
    }
    segments = {"won": {"title": "W", "who": {"person": {"stages.sales": "won"}}}}
    found = build(raw, segments)
    assert list(found.models) == ["club", "sales"]
    assert [model.name for model in found.in_turn] == ["sales", "club"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("{person: {stage: membr}}", 'no stage "membr" in "club"; did you mean "member"?'),
        ("{person: {stage: {one of: [guest, lost]}}}", 'no stage "lost" in "club"'),
        ("{person: {stage: {not: gest}}}", 'no stage "gest" in "club"; did you mean "guest"?'),
        ("{person: {stages.club: membr}}", 'no stage "membr" in "club"'),
        ("{person: {stages.clib: member}}", 'say which model, like "stages.club"; did you mean'),
        ("{person: {stages: member}}", 'say which model, like "stages.club"'),
        ("{person: {phase: recovery}}", 'no phase "recovery" in "club"; there are'),
        ("{did: Stage Changed, where: {stage: membr}}", 'no stage "membr" in "club"'),
        ("{did: Stage Changed, where: {model: clib}}", 'no model "clib"; did you mean "club"?'),
    ],
)
def test_a_stage_that_is_not_there_is_refused_wherever_it_is_named(
    condition: str, expected: str
) -> None:
    [found] = problems(segments=f"s:\n  title: S\n  who: {condition}\n")
    assert found.startswith("segments.yaml:3: ")
    assert expected in found
    [found] = problems(journey=f"only if: {condition}\nsteps: [{{wait: 1 day}}]\n")
    assert found.startswith("asks/journey.yaml:4: ")
    assert expected in found


def test_an_event_of_a_change_names_a_real_stage() -> None:
    enter = "enter when: {event: Stage Changed, where: {stage: %s, model: club}}\n"
    steps = "steps: [{wait: 1 day}]\n"
    assert problems(journey=enter % "member" + steps) == []
    [found] = problems(journey=enter % "membr" + steps)
    assert 'there is no stage "membr" in "club"; did you mean "member"?' in found


def test_without_lifecycle_yaml_a_stage_is_a_trait_like_any_other() -> None:
    asks = "only if: {person: {stage: anything}}\n"
    sets = "steps: [{update: {set: {stage: anything}}}]\n"
    assert problems("", journey=asks + sets) == []


def test_no_journey_sets_a_stage_by_hand_where_stages_are_kept() -> None:
    [found] = problems(journey="steps:\n  - wait: 1 day\n  - update: {set: {stage: member}}\n")
    assert found.startswith("asks/journey.yaml:6: ")
    assert '"stage" cannot be set: lifecycle.yaml keeps it' in found


def test_a_difference_of_stages_is_said_in_sentences_with_their_order(tmp_path: Path) -> None:
    guest, member = dedent(MODEL).split("    member:")
    other = (
        guest.split("    guest:")[0]
        + "    member:"
        + member
        + ("    guest: {title: Guest, from: [member], phase: recruitment, when: {did: Seen}}\n")
    )
    for name, text in (("old", MODEL), ("new", other)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "brand.yaml").write_text((SHIPPED / "brand.yaml").read_text("utf-8"))
        (tmp_path / name / "lifecycle.yaml").write_text(dedent(text), "utf-8")
    assert between(tmp_path / "old", tmp_path / "new", "en") == {
        "lifecycle.yaml": [
            "club guest: was “Guest”; recruitment; from: any before it, or none yet; "
            "the person has done “Visited”; is now “Guest”; recruitment; from: member; "
            "the person has done “Seen”",
            "the order is now: club, club member, club guest",
        ]
    }
