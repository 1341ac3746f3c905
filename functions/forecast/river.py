"""A journey drawn as a river: each step as wide as the people who come to it, flowing on.

It is a Sankey diagram along the file: the steps one below the other, an arm beside the way past it.
Where people leave the journey, or are still there at the end, the step's bar says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from textwrap import wrap

from functions.forecast.charts import rect, svg, text
from functions.forecast.report import JourneyReport, StepReport
from functions.forecast.words import amount, between, time

_RIVER, _WORDS_AT, _LETTERS = 230, 320, 56
_GAP, _LINE, _THICK, _LEAST = 12, 15, 12, 1.5


@dataclass
class _Node:
    """A step in its place: `x`, `y`, `height` of its row; `out` and `into` are how much of its
    lower and upper edge is taken."""

    step: StepReport
    width: float
    x: float = 0
    y: float = 0
    height: float = 0
    lines: list[tuple[str, str]] = field(default_factory=list)
    out: float = 0
    into: float = 0


def river(journey: JourneyReport) -> str:
    """The drawing of a journey's map."""
    most = max([journey.runs.likely, *(step.came.likely for step in journey.steps), 1])
    scale = _RIVER / most
    nodes = [_Node(step, step.came.likely * scale) for step in journey.steps]
    _place(nodes, 0, len(nodes), 0, scale)
    y = 4.0
    for node in nodes:
        node.lines = list(_lines(node.step))
        node.y, node.height = y, max(44, len(node.lines) * _LINE + 14)
        y += node.height
    parts = [*_flows(nodes, scale), *(part for node in nodes for part in _drawn(node, scale))]
    return svg(f"The map of {journey.title}", y, parts)


def _place(nodes: Sequence[_Node], first: int, last: int, x: float, scale: float) -> None:
    """Give these steps, which follow one another at one depth, and their arms their `x`. The way
    past the arms keeps the left side."""
    index = first
    while index < last:
        node, end = nodes[index], index + 1
        node.x = x
        while end < last and nodes[end].step.depth > node.step.depth:
            end += 1
        arms = [
            at
            for at in range(index + 1, end)
            if nodes[at].step.when and nodes[at].step.depth == node.step.depth + 1
        ]
        inside = {nodes[at].step.step for at in range(index + 1, end)}
        past = sum(n for step, n in node.step.ways.items() if step not in inside)
        beside = x + past * scale
        for arm, after in zip(arms, [*arms[1:], end], strict=False):
            beside += _GAP
            _place(nodes, arm, after, beside, scale)
            beside += nodes[arm].width
        index = end


def _lines(step: StepReport) -> Iterator[tuple[str, str]]:
    """What stands beside a step, and the class of each line."""
    if step.when:
        yield f"{step.when}:", "when"
    for line in wrap(step.says, _LETTERS - 3 * step.depth) or [step.step]:
        yield line, ""
    left = [f"{amount(n)} leave: {outcome}" for outcome, n in step.left.items() if n]
    there = [f"{amount(step.there)} still there"] if step.there else []
    spent = [f"half within {time(step.median)}"] if step.median else []
    if step.ninth and step.ninth != step.median:
        spent.append(f"nine of ten within {time(step.ninth)}")
    for line in wrap(" · ".join([between(step.came), *left, *there, *spent]), _LETTERS + 8):
        yield line, "figure"


def _flows(nodes: Sequence[_Node], scale: float) -> Iterator[str]:
    """The ribbons, in the order of where they lead, so that none crosses another. A loop's way back
    is not drawn."""
    rows = {node.step.step: row for row, node in enumerate(nodes)}
    for row, node in enumerate(nodes):
        ways = [(rows[to], n) for to, n in node.step.ways.items() if n and rows.get(to, -1) > row]
        for to, count in sorted(ways, key=lambda way: (nodes[way[0]].x, -way[0])):
            width, target = max(count * scale, _LEAST), nodes[to]
            yield _ribbon(node.x + node.out, node, target.x + target.into, target, width)
            node.out += width
            target.into += width


def _ribbon(x: float, source: _Node, to: float, target: _Node, width: float) -> str:
    """It turns where it leaves, towards an arm, or where it arrives, back from one: in between it
    runs straight, beside what stands there."""
    top, bottom = source.y + _THICK, target.y
    bend = min(bottom - top, 60)
    first = top if to > x else bottom - bend  # where the turn begins
    middle, last = first + bend / 2, first + bend

    def turn(begin: float, end: float, ys: tuple[float, float]) -> str:
        return f"V{ys[0]:.1f}C{begin:.1f} {middle:.1f} {end:.1f} {middle:.1f} {end:.1f} {ys[1]:.1f}"

    down = f"M{x:.1f} {top:.1f}{turn(x, to, (first, last))}V{bottom:.1f}"
    up = f"H{to + width:.1f}{turn(to + width, x + width, (last, first))}V{top:.1f}Z"
    return f'<path class="flow" d="{down}{up}"/>'


def _drawn(node: _Node, scale: float) -> Iterator[str]:
    step, end = node.step, node.x + node.width
    says = f"{step.says}: {between(step.came)}"
    yield rect(
        node.x, node.y, max(node.width, _LEAST), _THICK, "c0" if node.width else "none", says
    )
    for count, kind in ((sum(step.left.values()), "left"), (step.there, "there")):
        width = count * scale
        end -= width
        if count:
            yield rect(end, node.y, max(width, _LEAST), _THICK, kind, says)
    x = _WORDS_AT + 3 * _GAP * step.depth / 2
    edge = node.x + node.width + 4
    if edge < x - 8:
        yield f'<path class="leader" d="M{edge:.1f} {node.y + 6:.1f}H{x - 6:.1f}"/>'
    for number, (line, kind) in enumerate(node.lines):
        yield text(x, node.y + 10 + number * _LINE, line, kind)
