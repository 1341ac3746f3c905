"""What a publish does to those under way: the pure part."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from functions.journeys.journey import Journey, build
from functions.journeys.migration import (
    END,
    Choice,
    Place,
    Standing,
    machine_differences,
    seconds,
    target,
    told,
    unmapped,
    wrong_mapping,
)
from functions.journeys.yaml_file import read
from functions.tracking.merge import EJECTED, taken


def journey(*steps: dict[str, Any], title: str = "Visit") -> Journey:
    raw = {"title": title, "purpose": "tips", "once per": "person", "steps": list(steps)}
    return build("visit", read("visit/journey.yaml", str(raw)).value)


def wait(days: int, name: str) -> dict[str, Any]:
    return {"wait": f"{days} days", "name": name}


def standing(people: int, looked_at: int, **places: int) -> Standing:
    found = [Place(step, count) for step, count in places.items()]
    return Standing(
        version="v1", published=None, people=people, looked_at=looked_at, follows="", places=found
    )


NAMES = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True)


@given(NAMES, NAMES)
def test_a_step_goes_on_at_its_own_name_or_must_be_mapped(old: list[str], new: list[str]) -> None:
    before, after = (journey(*(wait(1, name) for name in names)) for names in (old, new))
    for name in old:
        assert target(before, after, name, {}) == (name if name in new else "")
        assert target(before, after, name, {name: END}) == END
    everybody = standing(len(old), len(old), **dict.fromkeys(old, 1))
    gone = [place.step for place in unmapped(everybody, before, after, {})]
    assert gone == [name for name in old if name not in new]
    assert not unmapped(everybody, before, after, dict.fromkeys(gone, new[0]))


@given(NAMES, NAMES)
def test_machines_are_the_same_only_where_the_steps_are(old: list[str], new: list[str]) -> None:
    before, after = (journey(*(wait(1, name) for name in names)) for names in (old, new))
    assert bool(machine_differences(before, after)) == (old != new)


def test_another_title_is_no_other_machine_and_another_length_is() -> None:
    before = journey(wait(1, "rest"))
    assert not machine_differences(before, journey(wait(1, "rest"), title="Other"))
    assert machine_differences(before, journey(wait(2, "rest"))) == ['"rest" is another']


def test_the_same_name_on_a_step_of_another_kind_is_not_the_same_step() -> None:
    before = journey(wait(1, "x"))
    after = journey({"task": "Call", "for": "care", "name": "x"})
    assert target(before, after, "x", {}) == ""
    assert target(before, after, "x", {"x": "x"}) == "x"


def test_where_not_all_were_looked_at_every_wait_that_is_gone_must_be_mapped() -> None:
    before, after = journey(wait(1, "a"), wait(1, "b")), journey(wait(1, "c"))
    assert [one.step for one in unmapped(standing(2, 2, a=2), before, after, {})] == ["a"]
    assert [one.step for one in unmapped(standing(3, 2, a=2), before, after, {})] == ["a", "b"]


def test_a_mapping_to_nowhere_and_one_from_nowhere_are_told() -> None:
    before, after = journey(wait(1, "a")), journey(wait(1, "b"))
    first, second = wrong_mapping([before], after, {"z": "b", "a": "y"})
    assert '"z" is no step of a version' in first
    assert '"y" is no step of the new version; there are: b, or end' in second
    assert wrong_mapping([before], after, {"a": END}) == []


def test_every_fate_is_a_sentence_with_its_figure() -> None:
    before, after = journey(wait(1, "a"), wait(1, "b")), journey(wait(1, "b"))
    here = standing(600, 500, a=497, b=3)
    assert told(here, Choice("migrate"), before, after) == [
        "600 people in version v1; where they stand: of 500 looked at",
        "497 at a → this step is gone: map it",
        "3 at b → go on at the same step",
    ]
    assert told(here, Choice("migrate", {"a": "b"}), before, after)[1].endswith("→ go on at b")
    assert told(here, Choice("migrate", {"a": END}), before, after)[1].endswith("as ejected")
    assert told(here, Choice(), before, after)[1].endswith("→ keep their version")


def test_moving_takes_as_long_as_the_slower_of_stopping_and_starting() -> None:
    assert [seconds(count) for count in (0, 1, 25, 26, 100_000)] == [0, 1, 1, 2, 4000]


def test_no_journey_may_call_an_outcome_as_we_call_being_ended_from_outside() -> None:
    assert "our own word" in taken(EJECTED)
    assert not taken("upgraded")
