"""A journey drawn as SVG: its sentences in boxes, arms side by side, waits as time between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from functions.journeys import telling
from functions.segments.spoken import Language

Raw = dict[str, Any]

FONT, LINE = 13, 18  # pixels: the letters, a line of them
WIDTH = 230  # of a box
HEAD_WIDTH = 460  # of the box that says who enters and leaves
PAD, GAP, BESIDE, MARGIN = 12, 26, 26, 24
TURN = 16  # from a box down to where its arms part, and from where they meet down to the next
INK = "#222222"
# Light enough that black on them reads well in print, and told apart by their outline in grey.
LOOKS = {
    "entry": f'fill="#ffffff" stroke="{INK}" stroke-width="2" rx="6"',
    "message": f'fill="#dceafa" stroke="{INK}" rx="6"',
    "time": f'fill="#ffffff" stroke="{INK}" stroke-dasharray="5 4" rx="16"',
    "question": f'fill="#f0f0f0" stroke="{INK}" rx="0"',
    "people": f'fill="#fdf0cf" stroke="{INK}" rx="6"',
    "change": f'fill="#e2f2e2" stroke="{INK}" rx="6"',
    "system": f'fill="#ece4f5" stroke="{INK}" rx="6"',
    "end": f'fill="#ffffff" stroke="{INK}" stroke-width="2" rx="16"',
}
KINDS = {
    "send": "message",
    "wait": "time",
    "wait until": "time",
    "wait for": "time",
    "wait for first of": "time",
    "if": "question",
    "choose": "question",
    "split": "question",
    "repeat": "question",
    "task": "people",
    "call webhook": "system",
    "end": "end",
}
# Arms that may be left out in the file and are a way all the same.
LEFT_OUT = {
    "if": ("then", "otherwise"),
    "wait for": ("then", "otherwise"),
    "wait for first of": ("otherwise",),
    "choose": ("otherwise",),
}
_WIDE, _NARROW = set("MWmw@%—–…ÄÖÜQOGDNHUÆ&"), set("iljtfrI.,:;|'!()[]{} ‘’“”„")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Box:
    """A text in a frame; `kind` is one of LOOKS, or "" for the label of an arm, without frame."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True)
class Wire:
    """A line from corner to corner; `tip`: with an arrow at its end, also where it does not lead
    down."""

    points: tuple[tuple[float, float], ...]
    tip: bool = False


@dataclass
class Picture:
    """Boxes and wires from the top left corner. People come in at the top and go out at the
    bottom, both at `axis`; nobody goes out where it `ends`."""

    width: float = 0
    height: float = 0
    axis: float = 0
    ends: bool = False
    boxes: list[Box] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)

    def put(self, other: Picture, x: float, y: float) -> None:
        """Add another picture with its corner there."""
        self.boxes += [replace(box, x=box.x + x, y=box.y + y) for box in other.boxes]
        self.wires += [
            replace(wire, points=tuple((left + x, top + y) for left, top in wire.points))
            for wire in other.wires
        ]


def svg(raw: Raw, language: Language) -> str:
    """The drawing of a journey that passed the checks, as the text of an SVG file."""
    picture = layout(raw, language)
    width, height = picture.width + 2 * MARGIN, picture.height + 2 * MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="{-MARGIN} {-MARGIN} {width:g} {height:g}" xml:lang="{language}" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="{FONT}" fill="{INK}">',
        f"<title>{_text(str(raw['title']))}</title>",
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z" fill="{INK}"/></marker></defs>',
        f'<rect x="{-MARGIN}" y="{-MARGIN}" width="{width:g}" height="{height:g}" fill="#ffffff"/>',
        *map(_drawn_wire, picture.wires),
        *(line for box in picture.boxes for line in _drawn_box(box)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def layout(raw: Raw, language: Language) -> Picture:
    """Where everything stands."""
    told = telling.tell(raw, language)
    said = [told.text]
    for rule in told.below[:-1]:  # all but the steps
        said += [rule.text, *(f"– {one.text}" for one in rule.below)]
    head = _single(said, "entry", HEAD_WIDTH)
    parts = [head, *(_step(one, language) for one in raw["steps"])]
    if not _all_end(raw["steps"], language):
        parts.append(_step({"end": "finished"}, language))
    return _below_one_another(parts)


# --- layout


def _single(said: list[str], kind: str, width: float = WIDTH) -> Picture:
    """One box around these texts, each of which begins on a line of its own."""
    lines = tuple(line for text in said for line in wrapped(text, width - 2 * PAD))
    height = len(lines) * LINE + (2 * PAD if kind else 0)
    return Picture(width, height, width / 2, kind == "end", [Box(0, 0, width, height, lines, kind)])


def _below_one_another(parts: list[Picture]) -> Picture:
    """Parts in their order, on one axis, with a wire from each to the next."""
    if not parts:
        return Picture(WIDTH / 2, 0, WIDTH / 4)
    axis = max(part.axis for part in parts)
    whole = Picture(axis + max(part.width - part.axis for part in parts), axis=axis)
    for index, part in enumerate(parts):
        if index:
            below = whole.height + GAP
            whole.wires.append(Wire(((axis, whole.height), (axis, below))))
            whole.height = below
        whole.put(part, axis - part.axis, whole.height)
        whole.height += part.height
    whole.ends = parts[-1].ends
    return whole


def _step(raw: Raw, language: Language) -> Picture:
    kind = KINDS.get(telling.verb(raw), "change")
    box = _single([telling.step(raw, language)], kind)
    if telling.verb(raw) == "repeat":
        [arm] = telling.arms(raw, language)
        return _looped(box, _arm(arm, language))
    arms = _arms(raw, language)
    if not arms:
        return box
    return _parted(box, [_arm(arm, language) for arm in arms])


def _arms(raw: Raw, language: Language) -> list[telling.Arm]:
    """All ways on from a step, those too that the file leaves out because nothing is done there;
    none where the step has one way only."""
    if not telling.arms(raw, language):
        return []
    missing = LEFT_OUT.get(telling.verb(raw), ())
    found = telling.arms({**{word: [] for word in missing}, **raw}, language)
    if len(found) == 1:  # beside the arm for those to whom something else happened
        found.insert(0, telling.Arm((), "", []))
    return found


def _arm(arm: telling.Arm, language: Language) -> Picture:
    parts = [_step(one, language) for one in arm.steps]
    if not arm.when:
        return _below_one_another(parts)
    width = max(WIDTH, *(part.width for part in parts)) if parts else WIDTH
    return _below_one_another([_single([arm.when], "", min(width, WIDTH)), *parts])


def _parted(box: Picture, arms: list[Picture]) -> Picture:
    """A box, its arms side by side below it, and where they come together."""
    across = sum(arm.width for arm in arms) + BESIDE * (len(arms) - 1)
    middle = (arms[0].axis + across - arms[-1].width + arms[-1].axis) / 2
    axis = max(box.axis, middle)
    whole = Picture(axis + max(box.width - box.axis, across - middle), axis=axis)
    whole.put(box, axis - box.axis, 0)
    part, top = box.height + TURN, box.height + TURN + GAP
    meet = top + max(arm.height for arm in arms) + TURN
    x = axis - middle
    for arm in arms:
        centre = x + arm.axis
        whole.put(arm, x, top)
        inwards = ((axis, box.height), (axis, part), (centre, part))
        if not arm.boxes:
            whole.wires.append(Wire((*inwards, (centre, meet), (axis, meet))))
        else:
            whole.wires.append(Wire((*inwards, (centre, top))))
        if arm.boxes and not arm.ends:
            whole.wires.append(Wire(((centre, top + arm.height), (centre, meet), (axis, meet))))
        x += arm.width + BESIDE
    whole.ends = all(arm.ends for arm in arms)
    whole.height = meet - TURN if whole.ends else meet
    return whole


def _looped(box: Picture, arm: Picture) -> Picture:
    """A box, its arm below it, from whose end it goes back up on the left; who has done with it
    goes down on the right."""
    body = _below_one_another([box, arm])
    whole = Picture(body.width + 2 * BESIDE, body.height, body.axis + BESIDE)
    whole.put(body, BESIDE, 0)
    left, right = whole.axis - box.axis, whole.axis + box.width - box.axis
    if not arm.ends:
        turn = body.height + TURN
        back = ((whole.axis, body.height), (whole.axis, turn), (0, turn), (0, box.height / 2))
        whole.wires.append(Wire((*back, (left, box.height / 2)), tip=True))
    whole.height = body.height + 2 * TURN
    out = ((right, box.height / 2), (whole.width, box.height / 2), (whole.width, whole.height))
    whole.wires.append(Wire((*out, (whole.axis, whole.height))))
    return whole


def _all_end(steps: list[Raw], language: Language) -> bool:
    return bool(steps) and _step(steps[-1], language).ends


# --- texts


def width_of(text: str) -> float:
    """About how wide a text is, in pixels; rather too much than too little."""
    return sum(_width_of(letter) for letter in text) * FONT


def _width_of(letter: str) -> float:
    if letter in _NARROW:
        return 0.4
    if letter in _WIDE or ord(letter) > 0x2FFF:
        return 1.0
    return 0.72 if letter.isupper() else 0.6


def wrapped(text: str, width: float) -> list[str]:
    """The lines of a text, none wider than that; what is too long for a line is cut in two."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if width_of(joined) <= width:
            lines[-1] = joined
        else:
            lines += _pieces(word, width)
    return [line for line in lines if line] or [""]


def _pieces(word: str, width: float) -> Iterator[str]:
    piece = ""
    for letter in word:
        if width_of(piece + letter) > width:
            yield piece
            piece = ""
        piece += letter
    yield piece


def _text(text: str) -> str:
    return escape(_UNPRINTABLE.sub("?", text))


def _drawn_wire(wire: Wire) -> str:
    points = " ".join(f"{x:g},{y:g}" for x, y in wire.points)
    (_, before), (_, last) = wire.points[-2:]
    tip = ' marker-end="url(#tip)"' if wire.tip or last > before else ""
    return f'<polyline points="{points}" fill="none" stroke="{INK}"{tip}/>'


def _drawn_box(box: Box) -> Iterator[str]:
    if box.kind:
        size = f'x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}"'
        yield f"<rect class={quoteattr(box.kind)} {size} {LOOKS[box.kind]}/>"
    else:  # a label covers the wire behind it
        size = f'x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}"'
        yield f'<rect {size} fill="#ffffff"/>'
    top = box.y + (PAD if box.kind else 0)
    weight = "" if box.kind else ' font-style="italic"'
    for number, line in enumerate(box.lines):
        y = top + number * LINE + FONT
        x = box.x + (box.width / 2 if box.kind != "entry" else PAD)
        anchor = "middle" if box.kind != "entry" else "start"
        bold = ' font-weight="bold"' if box.kind == "entry" and number == 0 else weight
        yield f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{bold}>{_text(line)}</text>'
