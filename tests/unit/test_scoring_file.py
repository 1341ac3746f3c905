"""scoring.yaml: what is wrong in it is told with its line and what is right."""

from pathlib import Path
from textwrap import dedent

import pytest

from functions.folder import Folder, check, read_folder
from functions.journeys.yaml_file import read
from functions.problem import Problems
from functions.segments.scoring import Scoring, build
from functions.segments.scoring_mistakes import MOST_RULES
from local.difference import between
from tests.support.journeys import SHIPPED

SEGMENTS = """\
pro: {title: Pro, who: {person: {plan: pro}}}
warm: {title: Warm, who: {person: {score: {at least: 40}}}}
warm-pro: {title: Both, who: {all of: [{in segment: pro}, {in segment: warm}]}}
mail: {title: Mail, who: {may get: email, purpose: offers}}
"""
GOOD = "title: A\nbehaviour: [{points: 5, for: {did: Login}}]\n"


def built(text: str) -> Scoring:
    found = build(read("scoring.yaml", text).value)
    assert found is not None
    return found


def problems(scoring: str) -> list[str]:
    shipped = read_folder(SHIPPED)
    live = {"segments.yaml": SEGMENTS, "scoring.yaml": dedent(scoring)}
    try:
        check(Folder(shipped.brand, shipped.parts, {}, live))
    except Problems as found:
        return [str(problem).removeprefix("scoring.yaml:") for problem in found.found]
    return []


@pytest.mark.parametrize("scoring", ["", "# none yet\n", GOOD, GOOD + "bands: [0, 10]\n"])
def test_a_folder_may_have_a_score_or_none(scoring: str) -> None:
    assert problems(scoring) == []


def rules(text: str) -> str:
    return f"title: A\n{text}\n"


def fit(when: str) -> str:
    return rules(f"fit:\n  - points: 5\n    when: {when}")


def behaviour(clause: str, beside: str = "points: 5") -> str:
    return rules(f"behaviour:\n  - {beside}\n    for: {clause}")


@pytest.mark.parametrize(
    ("scoring", "expected"),
    [
        ("- a\n", ['1: the file begins with "title:", then "fit:"']),
        (rules(""), ["1: there are no rules: "]),
        (GOOD.replace("title: A\n", ""), ['1: "title" is a text of at most 200']),
        (GOOD + "treshold: {}\n", ['3: "treshold" is unknown here; did you mean "thresholds"?']),
        (rules("fit: {points: 5}"), ['2: "fit" takes a list of rules']),
        (rules("fit: [5]"), ['2: a rule is written like "- {points: 5, when: ...}"']),
        (rules("fit: [{points: 5}]"), ['2: "when" is missing: who gets the points']),
        (rules("behaviour: [{points: 5}]"), ['2: "for" is missing: what gives the points']),
        (rules("fit: [{when: {person: {a: 1}}}]"), ['2: "points" is missing: a number']),
        (behaviour("{did: Login}", "points: 0"), ['3: "points" is a number from -10000']),
        (behaviour("{did: Login}", "points: many"), ['3: "points" is a number from -10000']),
        (behaviour("{did: Login}", "points: 10001"), ['3: "points" is a number from -10000']),
        (
            behaviour("{did: Login}", "poinst: 5"),
            ['3: "poinst" is unknown', '3: "points" is missing'],
        ),
        (behaviour("{did: 5}"), ["4: 5 is not a name or a list of names"]),
        (behaviour("{person: {a: 1}}"), ["4: it takes what somebody did, like"]),
        (behaviour("{did: Login, times: 2}"), ['4: "times" has no place here: each time counts']),
        (behaviour("{did: Login, in the last: 3 days}"), ['4: "in the last" has no place here: o']),
        (behaviour("{did: Score Added}"), ['4: "Score Added" follows from the score']),
        (behaviour("{did: A, where: {d: {in the last: 1 day}}}"), ["4: what changes with each"]),
        (
            behaviour("{did: A}", "points: 5\n    half-life: 1 month"),
            ["4: a half-life has a fix"],
        ),
        (behaviour("{did: A}", "points: 5\n    half-life: 5 minutes"), ["4: a half-life is an ho"]),
        (behaviour("{did: A}", "points: 5\n    half-life: soon"), ["4: 'soon' is not a duration"]),
        (behaviour("{did: A}", "points: 5\n    at most: -5"), ['4: "at most" is a number above 0']),
        (behaviour("{did: A}", "points: 5\n    because: ''"), ['4: "because" is a text of at mos']),
        (fit("{did: Login}"), ['4: what people do stands under "behaviour"']),
        (fit("{may get: email, purpose: offers}"), ['4: "may get" is not about who somebody is']),
        (fit("{person: {score: {at least: 4}}}"), ['4: "score" is made of the score']),
        (fit("{person: {stage: lost}}"), ['4: "stage" is made of the score']),
        (fit("{in segment: por}"), ['4: there is no segment "por" in segments.yaml; did you mean']),
        (fit("{in segment: warm-pro}"), ['4: the segment "warm" asks for "score", of which no']),
        (fit("{in segment: mail}"), ['4: the segment "mail" asks for "may get", of which no sc']),
        (fit("{in segment: pro}"), []),
        (GOOD + "thresholds: [4]\n", ['3: "thresholds" takes names and points, like']),
        (GOOD + "thresholds: {hot: high}\n", ['3: "hot" takes a number of points']),
        (GOOD + "thresholds: {hot: 4, hotter: 4}\n", ['3: "hotter" is the same as "hot"']),
        (GOOD + "bands: [a]\n", ['3: "bands" takes the points at which each begins']),
        (GOOD + "bands: [20, 0]\n", ['3: "bands" stand in order, each once']),
        (
            rules("behaviour:\n- {points: 5, for: {did: A}}\n- {points: 9, for: {did: A}}"),
            ['4: it stands here twice, first as rule 1 of "behaviour"; keep one of them'],
        ),
    ],
)
def test_every_mistake_is_told_with_its_line_and_what_is_right(
    scoring: str, expected: list[str]
) -> None:
    found = problems(scoring)
    assert len(found) >= len(expected)
    for problem, wanted in zip(found, expected, strict=False):
        assert problem.startswith(wanted)
    assert bool(found) == bool(expected)


def test_a_person_has_no_more_rules_than_a_profile_holds() -> None:
    many = "".join(f"- {{points: 5, for: {{did: E{n}}}}}\n" for n in range(MOST_RULES + 1))
    assert problems("title: A\nbehaviour:\n" + many)[0].startswith("1: there are 51 rules")


def test_bands_are_the_thresholds_where_none_are_said() -> None:
    found = built(GOOD + "thresholds: {hot: 80, warm: 40}")
    assert (list(found.thresholds), found.bands) == (["warm", "hot"], (40, 80))


def test_a_rule_is_known_again_when_its_weight_has_changed() -> None:
    keys = {built(GOOD.replace("5", new)).rules[0].key for new in ("5", "9")}
    assert len(keys) == 1


def test_a_difference_of_scores_is_said_in_sentences(tmp_path: Path) -> None:
    brand = (SHIPPED / "brand.yaml").read_text("utf-8")
    texts = {
        "old": "title: A\nbehaviour: [{points: 5, for: {did: Login}}]\nthresholds: {warm: 40}\n",
        "new": "title: A\nbehaviour:\n- {points: 1, for: {did: Login}, half-life: 30 days, "
        "at most: 3}\n- {points: -2.5, for: {did: Gone}, because: Left us}\n"
        "thresholds: {warm: 38}\n",
    }
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "brand.yaml").write_text(brand, "utf-8")
        (tmp_path / name / "scoring.yaml").write_text(text, "utf-8")
    assert between(tmp_path / "old", tmp_path / "new", "en") == {
        "scoring.yaml": [
            "the person has done “Login”: was 5 points each time; is now 1 point each time, half "
            "after 30 days, 3 in all at most",
            "warm: was 40 points; is now 38 points",
            "bands: was 40; is now 38",
            "added: Left us: the person has done “Gone”; -2.5 points each time",
        ]
    }
    german = between(tmp_path / "old", tmp_path / "new", "de")["scoring.yaml"]
    assert "jedes Mal 1 Punkt, nach 30 Tagen die Hälfte, zusammen höchstens 3" in german[0]
