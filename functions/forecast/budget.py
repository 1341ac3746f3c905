"""Whether a budget holds: what a month has cost so far, and what it will have by its end."""

from decimal import Decimal
from typing import Literal

State = Literal["", "within", "will be over", "over"]
SOONEST = Decimal("0.1")  # of the month has to be over before its end is foretold from it


def expected(dollars: Decimal, share: Decimal) -> Decimal:
    """What the month will have cost when it goes on as in the `share` of it that is over; what it
    has cost so far where that is too little to tell."""
    return dollars / share if share >= SOONEST else dollars


def state_of(budget: Decimal | None, dollars: Decimal, expected: Decimal) -> State:
    """How a budget stands when so much was spent, and so much is expected by the month's end; ""
    without one. What costs just as much as it may is within."""
    if budget is None:
        return ""
    if dollars > budget:
        return "over"
    return "will be over" if expected > budget else "within"
