"""Answers about how good segments are: the figures of the latest census."""

from datetime import datetime

import msgspec

from functions.handlers import wiring
from functions.handlers.answers.door import operation
from functions.segments.records import Figures, Overlap, SegmentFigures


class FiguresView(msgspec.Struct, kw_only=True):
    """The figures of all segments, and when they were made; null before the first census."""

    made: datetime | None = None
    people: int = 0
    segments: list[SegmentFigures] = []
    overlaps: list[Overlap] = []


@operation(
    "/api/segments/figures",
    "How many are in each segment, who overlaps, and what sets each apart; counted once a day",
    FiguresView,
)
def _figures() -> FiguresView:
    newest, _ = wiring.parts().store.listing(Figures, limit=1)
    if not newest:
        return FiguresView()
    [found] = newest
    return FiguresView(
        made=found.made, people=found.people, segments=found.segments, overlaps=found.overlaps
    )
