"""Several tallies of the same people, one for each draw of what they may do, seen as one."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from math import ceil, floor
from typing import TypeVar

from functions.forecast.report import Number, Range
from functions.forecast.tally import JourneyTally, MessageTally, Tally, rows

T = TypeVar("T")
OUTER = 0.1  # of the draws may lie below an interval, and as many above


def ends(figures: Sequence[T]) -> tuple[T, T]:
    """Between which of these, one for each draw, at least eight of ten lie."""
    found, last = sorted(figures), len(figures) - 1  # type: ignore[type-var]
    return found[floor(OUTER * last)], found[ceil((1 - OUTER) * last)]


class Draws:
    """The draws. What hangs together (a map, days) is told of the `middle` one alone, so that its
    sums are right: the one in the middle by messages sent and people entering."""

    def __init__(self, tallies: Sequence[Tally], scale: float = 1) -> None:
        """`tallies` are one at least; `scale` is by how much everybody is more than the sample."""
        self.tallies, self.scale = tallies, scale
        self.middle = sorted(tallies, key=_size)[(len(tallies) - 1) // 2]

    def of(self, figure: Callable[[Tally], Number | Decimal]) -> Range:
        """The range of a figure, scaled; money to a hundredth."""
        low, high = ends(list(map(figure, self.tallies)))
        likely = min(max(figure(self.middle), low), high)
        return Range(*map(self._scaled, (low, likely, high)))

    def in_journey(self, name: str, figure: Callable[[JourneyTally], Number]) -> Range:
        """The range of a figure of one journey."""
        return self.of(lambda one: figure(one.journeys.get(name, _NO_JOURNEY)))

    def in_message(
        self, journey: str, key: str, figure: Callable[[MessageTally], Number | Decimal]
    ) -> Range:
        """The range of a figure of one message, by its key in the tally."""

        def of(one: Tally) -> Number | Decimal:
            messages = one.journeys.get(journey, _NO_JOURNEY).messages
            return figure(messages.get(key, _NO_MESSAGE))

        return self.of(of)

    def in_channel(self, channel: str, figure: Callable[[MessageTally], Number]) -> Range:
        """The range of a figure of all messages of a channel."""
        return self.of(
            lambda one: sum(figure(found) for _, _, other, found in rows(one) if other == channel)
        )

    def count(self, count: int) -> int:
        """A count of the middle draw, scaled."""
        return round(count * self.scale)

    def counts(self, found: dict[str, int]) -> dict[str, int]:
        """Counts of the middle draw, scaled, in order of their names."""
        return {name: self.count(count) for name, count in sorted(found.items())}

    def names(self, of: Callable[[Tally], Iterable[str]]) -> list[str]:
        """All names that occur in any draw, in order."""
        return sorted({name for one in self.tallies for name in of(one)})

    def _scaled(self, figure: Number | Decimal) -> Number:
        if isinstance(figure, int):
            return self.count(figure)
        return round(float(figure) * self.scale, 2)


_NO_JOURNEY, _NO_MESSAGE = JourneyTally(), MessageTally()


def _size(one: Tally) -> tuple[int, int]:
    sent = sum(found.sent for _, _, _, found in rows(one))
    return sent, sum(journey.runs for journey in one.journeys.values())
