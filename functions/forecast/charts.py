"""Charts as SVG that stands in a page: bars by day, bars by name.

Written by hand: they are a few rectangles, and a library would bring its own styles and scripts.
Colours are the page's classes c0, c1 … Every text that comes from outside is escaped here.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from functions.forecast.report import Counts, Number, Range
from functions.forecast.words import amount

WIDTH, LEFT = 720, 56
_HEIGHT, _BASE = 190, 160
_ROW, _NAMES, _SAID = 24, 260, 200
_LABELS, _DATE = 8, 64  # days named below a chart at the most, and how wide a date is
COLOURS = 6


class Bar(NamedTuple):
    """A bar with its name and range; `says` is the figure in words."""

    name: str
    figure: Range
    says: str


def svg(title: str, height: float, parts: Iterable[str]) -> str:
    """A drawing as wide as the page, told by its title to those who do not see it."""
    return (
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {height:g}">'
        f"{''.join(parts)}</svg>"
    )


def text(x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> str:
    """A line of text; `kind` is its class."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(said)}</text>'
    )


def rect(x: float, y: float, width: float, height: float, kind: str, says: str = "") -> str:
    """A rectangle; `says` is shown where somebody points at it."""
    box = f'x="{x:.1f}" y="{y:.1f}" width="{width:.2f}" height="{height:.2f}"'
    return f'<rect {box} class="{kind}"><title>{escape(says)}</title></rect>'


def by_day(title: str, days: Sequence[str], series: dict[str, Counts]) -> str:
    """Bars for the days, those of several series on top of one another; its legend below."""
    totals = [sum(counts.get(day, 0) for counts in series.values()) for day in days]
    top = _round_up(max(totals, default=0))
    parts = [*_scale(top), *_day_names(days)]
    step = (WIDTH - LEFT) / max(len(days), 1)
    for index, day in enumerate(days):
        y: float = _BASE
        for number, (name, counts) in enumerate(series.items()):
            count = counts.get(day, 0)
            height = (_BASE - 16) * count / top
            y -= height
            if count:
                x, kind = LEFT + index * step, f"c{number % COLOURS}"
                parts.append(rect(x, y, step * 0.86, height, kind, f"{day} {name}: {count:,}"))
    return svg(title, _HEIGHT, parts) + (legend(series) if len(series) > 1 else "")


def legend(names: Iterable[str]) -> str:
    """Which colour is which."""
    keys = (
        f'<li><i class="key c{number % COLOURS}"></i>{escape(name)}</li>'
        for number, name in enumerate(names)
    )
    return f'<ul class="legend">{"".join(keys)}</ul>'


def by_name(title: str, bars: Sequence[Bar]) -> str:
    """Bars that lie, each with its name before it; a line shows the range."""
    top = max((bar.figure.high for bar in bars), default=0) or 1
    room = WIDTH - _NAMES - _SAID

    def parts() -> Iterator[str]:
        for index, bar in enumerate(bars):
            y, figure = index * _ROW, bar.figure
            yield text(_NAMES - 8, y + 16, _short(bar.name), "", "end")
            length = room * figure.likely / top
            yield rect(_NAMES, y + 5, length, 14, "c0", bar.name)
            ends = [_NAMES + room * end / top for end in (figure.low, figure.high)]
            if figure.low != figure.high:
                yield f'<path class="whisker" d="M{ends[0]:.1f} {y + 12}H{ends[1]:.1f}"/>'
            yield text(max(_NAMES + length, ends[1]) + 6, y + 16, bar.says, "figure")

    return svg(title, max(len(bars) * _ROW, 1), parts())


def _short(name: str, most: int = 40) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _scale(top: Number) -> Iterator[str]:
    for part in (0, 0.5, 1):
        y = _BASE - (_BASE - 16) * part
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH}"/>'
        if top * part == int(top * part):
            yield text(LEFT - 6, y + 4, amount(int(top * part)), "axis", "end")


def _day_names(days: Sequence[str]) -> Iterator[str]:
    step, every = (WIDTH - LEFT) / max(len(days), 1), -(-len(days) // _LABELS) or 1
    for index in range(0, len(days), every):
        if LEFT + index * step + _DATE <= WIDTH:
            yield text(LEFT + index * step, _BASE + 16, days[index], "axis")


def _round_up(figure: int) -> int:
    """The next round number, at which a scale may end."""
    size = 1
    while size * 10 <= figure:
        size *= 10
    return next((size * part for part in (1, 2, 4, 6, 8) if size * part >= figure), size * 10)
