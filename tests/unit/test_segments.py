"""segments.yaml: what is wrong in it is told with its line and what is right; others find it."""

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.folder import Folder, check, check_brand, read_folder
from functions.journeys.yaml_file import read
from functions.problem import Problems
from functions.segments.segment import build, mistakes
from local.difference import between
from tests.support.journeys import SHIPPED

HEAD = "title: A\npurpose: offers\nonce per: person\n"
STEPS = "steps: [{wait: 1 day}]\n"


def folder(segments: str = "", **journeys: str) -> Folder:
    """The shipped brand, journeys of one wait, and one that has a mail."""
    shipped = read_folder(SHIPPED)
    files = {name: {"journey.yaml": HEAD + text + STEPS} for name, text in journeys.items()}
    return Folder(
        shipped.brand,
        shipped.parts,
        {
            **files,
            "onboarding": shipped.journeys["onboarding"],
            "upsell": shipped.journeys["upsell"],
        },
        {"segments.yaml": dedent(segments)},
    )


def problems(segments: str = "", **journeys: str) -> list[str]:
    try:
        check(folder(segments, **journeys))
    except Problems as found:
        return [str(problem) for problem in found.found]
    return []


def test_the_shipped_segments_are_right_and_built() -> None:
    shipped = read_folder(SHIPPED)
    assert check(shipped)
    found = build(shipped.raw("segments.yaml"))
    assert "quiet-customers" in found
    assert all(one.title for one in found.values())


@pytest.mark.parametrize("segments", ["", "# none yet\n"])
def test_a_folder_needs_no_segments(segments: str) -> None:
    assert problems(segments) == []
    assert build(read("segments.yaml", segments).value) == {}


FANS = "fans: {title: Fans, who: {person: {plan: pro}}}\n"


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ("- fans\n", ["1: segments stand one below the other, like"]),
        ("Fans: {title: A, who: {did: Login}}\n", ['1: "Fans" cannot be the name of a segment']),
        ("fans: [a]\n", ['1: "fans" takes a title and who is in it']),
        ("fans:\n  who: {did: Login}\n", ['1: "title" is missing: a text of at most 200']),
        ("fans:\n  title: ''\n  who: {did: Login}\n", ['2: "title" is missing']),
        ("fans:\n  title: A\n", ['1: "who" is missing: the condition']),
        (
            "fans:\n  title: A\n  whom: {did: Login}\n",
            ['1: "who" is missing', '3: "whom" is unknown here; did you mean "who"?'],
        ),
        ("fans:\n  title: A\n  who: {dod: Login}\n", ["3: a condition has exactly one of"]),
        (FANS + "fans: {}\n", ['2: "fans" stands here twice; keep one of them']),
        ("fans: {title: A, who: {entry: {a: 1}}}\n", ['1: "entry" speaks of a run']),
        (
            "fans:\n  title: A\n  who:\n    any of:\n    - {did: A}\n    - {cart: {items: 0}}\n",
            ['6: "cart" speaks of a run, and a segment of the person; write "person"'],
        ),
        (
            "fans:\n  title: A\n  who:\n    did: Login\n    since: entry\n",
            ['5: "since: entry" speaks of a run; write "in the last"'],
        ),
        ("fans: {title: A, who: {did: A, same: b}}\n", ['1: "same" compares with the event']),
        (
            "fans: {title: A, who: {may get: email}}\n",
            ["1: say for which purpose, like {may get: email, purpose: offers}"],
        ),
        (
            "fans: {title: A, who: {may get: email, purpose: ofers}}\n",
            ['1: "ofers" is not a purpose in brand.yaml; did you mean "offers"?'],
        ),
        (
            "fans: {title: A, who: {clicked: guide}}\n",
            ['1: "guide" is a message of a run; did you mean "onboarding/guide"?'],
        ),
        (
            "fans: {title: A, who: {bounced: nothing}}\n",
            ['1: "nothing" is a message of a run; name its journey too'],
        ),
        (
            "fans: {title: A, who: {opened: onboarding/gide}}\n",
            ['1: there is no message "onboarding/gide"; did you mean "onboarding/guide"?'],
        ),
        (
            "fans: {title: A, who: {in segment: fan}}\n",
            ['1: there is no segment "fan" in segments.yaml; did you mean "fans"?'],
        ),
        (
            "fans:\n  title: A\n  who:\n    none of: [{in journey: upsel}]\n",
            ['4: "in journey: upsel": there is no such folder; did you mean "upsell"?'],
        ),
        (
            FANS + "a: {title: A, who: {in segment: b}}\nb: {title: B, who: {in segment: c}}\n"
            "c: {title: C, who: {any of: [{in segment: fans}, {in segment: b}]}}\n",
            ["3: it goes in a circle: b -> c -> b; one of them has to do without"],
        ),
        (
            "a: {title: A, who: {in segment: a}}\n",
            ["1: it goes in a circle: a -> a; one of them has to do without"],
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_right(
    segments: str, expected: list[str]
) -> None:
    found = problems(segments)
    assert len(found) == len(expected)
    for problem, said in zip(found, expected, strict=True):
        assert problem.startswith(f"segments.yaml:{said}")


@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), min_size=1), min_size=1
    )
)
def test_segments_are_refused_for_a_circle_exactly_when_asking_them_would_never_end(
    uses: dict[str, list[str]],
) -> None:
    raw = {
        name: {"title": "A", "who": {"any of": [{"in segment": one} for one in used]}}
        for name, used in uses.items()
    }
    said = [text for _, text in mistakes(raw, (), {}) if "circle" in text]
    assert bool(said) == any(never_ends(name, uses, ()) for name in uses)


def never_ends(name: str, uses: dict[str, list[str]], way: tuple[str, ...]) -> bool:
    return name in way or any(never_ends(one, uses, (*way, name)) for one in uses.get(name, ()))


# --- journeys that name them


def test_a_journey_may_ask_for_segments_and_other_journeys() -> None:
    asks = "only if: {all of: [{in segment: fans}, {none of: [{in journey: upsell}]}]}\n"
    left = "leave when: [{all of: [{left journey: upsell, as: bought}], as: has it}]\n"
    assert problems(FANS, care=asks + left) == []


@pytest.mark.parametrize(
    ("asks", "said"),
    [
        (
            "only if: {in segment: fanns}\n",
            'there is no segment "fanns" in segments.yaml; did you mean "fans"?',
        ),
        (
            "goal: {in journey: upsel}\n",
            '"in journey: upsel": there is no such folder; did you mean "upsell"?',
        ),
        (
            "only if: {none of: [{left journey: nowhere}]}\n",
            '"left journey: nowhere": there is no such folder; there are: care, onboarding, upsell',
        ),
        (
            "only if: {clicked: onboarding/gide}\n",
            'there is no message "onboarding/gide"; did you mean "onboarding/guide"?',
        ),
    ],
)
def test_what_a_journey_names_and_is_not_there_is_told_with_its_line(asks: str, said: str) -> None:
    assert problems(FANS, care=asks) == [f"care/journey.yaml:4: {said}"]


def test_without_a_file_there_is_no_segment() -> None:
    assert problems(care="only if: {in segment: fans}\n") == [
        'care/journey.yaml:4: there is no segment "fans" in segments.yaml; there are: none'
    ]


# --- beside the brand


def test_the_brand_s_version_changes_with_the_segments_and_is_as_before_without_them() -> None:
    without = folder()
    assert without.shared == {"brand.yaml": without.brand}
    assert folder(FANS).shared == {"brand.yaml": without.brand, "segments.yaml": FANS}
    assert check_brand(without.brand)


def test_a_difference_of_segments_is_said_in_sentences(tmp_path: Path) -> None:
    for name, text in (("old", FANS), ("new", FANS.replace("pro", "premium"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "brand.yaml").write_text((SHIPPED / "brand.yaml").read_text("utf-8"))
        (tmp_path / name / "segments.yaml").write_text(text, "utf-8")
    assert between(tmp_path / "old", tmp_path / "new", "en") == {
        "segments.yaml": [
            "fans: was “Fans”; the person's plan is “pro”; "
            "is now “Fans”; the person's plan is “premium”"
        ]
    }
