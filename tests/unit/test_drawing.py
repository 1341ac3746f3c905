"""The drawing of a journey: every step is in it, nothing overlaps, nothing is cut."""

import itertools
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.journeys import telling
from functions.journeys.yaml_file import read
from functions.segments.spoken import LANGUAGES, Language
from local.command_line import main
from local.drawing import PAD, Box, layout, svg, width_of, wrapped
from tests.support.any_journey import any_journey
from tests.support.journeys import SHIPPED

FEW = settings(max_examples=40, suppress_health_check=list(HealthCheck))
languages = st.sampled_from(LANGUAGES)
raw_journeys = any_journey().map(lambda text: read("j", text).value)


def squeezed(text: str) -> str:
    """Without spaces, because lines break at them, and within words that are too long."""
    return "".join(text.split())


def overlap(one: Box, other: Box) -> bool:
    across = one.x < other.x + other.width and other.x < one.x + one.width
    down = one.y < other.y + other.height and other.y < one.y + one.height
    return across and down


def every_step(steps: list[Any], language: Language) -> list[dict[str, Any]]:
    arms = [arm.steps for one in steps for arm in telling.arms(one, language)]
    return steps + [one for arm in arms for one in every_step(arm, language)]


@FEW
@given(raw_journeys, languages)
def test_no_box_overlaps_another_or_the_edge(raw: dict[str, Any], language: Language) -> None:
    picture = layout(raw, language)
    for one, other in itertools.combinations(picture.boxes, 2):
        assert not overlap(one, other), (one, other)
    for box in picture.boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= picture.width + 0.01
        assert box.y + box.height <= picture.height + 0.01


@FEW
@given(raw_journeys, languages)
def test_every_step_is_in_it_and_no_text_is_wider_than_its_box(
    raw: dict[str, Any], language: Language
) -> None:
    picture = layout(raw, language)
    said = [squeezed("".join(box.lines)) for box in picture.boxes if box.kind != "entry"]
    for one in every_step(raw["steps"], language):
        said.remove(squeezed(telling.step(one, language)))
    for box in picture.boxes:
        room = box.width - (2 * PAD if box.kind else 0)
        assert all(width_of(line) <= room + 0.01 for line in box.lines), box
        assert box.height >= len(box.lines) * 16


@FEW
@given(raw_journeys, languages)
def test_no_wire_leads_through_a_box_of_a_step(raw: dict[str, Any], language: Language) -> None:
    picture = layout(raw, language)
    for wire in picture.wires:
        for (x, y), (to_x, to_y) in itertools.pairwise(wire.points):
            line = Box(min(x, to_x), min(y, to_y), abs(to_x - x), abs(to_y - y), ())
            assert not any(overlap(line, box) for box in picture.boxes), line


@FEW
@given(raw_journeys, languages)
def test_it_is_valid_xml_and_the_same_each_time(raw: dict[str, Any], language: Language) -> None:
    text = svg(raw, language)
    assert text == svg(raw, language)
    root = ET.fromstring(text)
    shown = squeezed("".join(root.itertext()))
    assert squeezed(raw["title"]) in shown


def test_what_people_write_is_escaped() -> None:
    steps = [{"task": '<script>alert("&")</script>\x07', "for": "owner"}]
    raw = {"title": "<b> & ]]>", "purpose": "offers", "once per": "person", "steps": steps}
    root = ET.fromstring(svg(raw, "en"))
    assert {one.tag.split("}")[1] for one in root.iter()} <= {
        *("svg", "title", "defs", "marker", "path", "rect", "text", "polyline")
    }
    assert "<script>alert(" in squeezed("".join(root.itertext()))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["onboarding", "recovery", "upsell"])
def test_a_shipped_journey_is_drawn_into_a_file(
    name: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "drawn.svg"
    command = ["tante", "show", name, "--in", language, "--journeys", str(SHIPPED)]
    monkeypatch.setattr("sys.argv", [*command, "--svg", str(file)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert ET.parse(file).getroot().tag.endswith("svg")


def test_an_arm_that_is_left_out_is_drawn_as_a_way_on() -> None:
    steps = [{"if": {"did": "Login"}, "then": [{"send": "a"}]}, {"send": "b"}]
    raw = {"title": "A", "purpose": "offers", "once per": "person", "steps": steps}
    labels = [box.lines for box in layout(raw, "en").boxes if not box.kind]
    assert labels == [("then",), ("otherwise",)]


@pytest.mark.parametrize("arm", [[{"end": "done"}], [{"wait": "1 day"}, {"end": "done"}]])
def test_from_an_end_no_wire_leads_on(arm: list[Any]) -> None:
    steps = [{"if": {"did": "Login"}, "then": arm, "otherwise": [{"end": "no"}]}]
    raw = {"title": "A", "purpose": "offers", "once per": "person", "steps": steps}
    picture = layout(raw, "en")
    for box in picture.boxes:
        if box.kind == "end":
            bottom = (box.x + box.width / 2, box.y + box.height)
            assert all(wire.points[0] != bottom for wire in picture.wires)


@given(st.text(), st.integers(40, 400))
def test_no_line_is_wider_than_asked_and_no_letter_is_lost(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert squeezed("".join(lines)) == squeezed(text)
    assert all(width_of(line) <= width for line in lines)
