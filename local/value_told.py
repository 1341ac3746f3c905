"""What a customer is worth, and how well that was foretold, in the words of the command line."""

from collections.abc import Iterator
from typing import Any


def worth(found: dict[str, Any]) -> str:
    """A person's value in a line, "" of somebody who never ordered."""
    currency = found["currency"]
    if not currency:
        return ""
    past = f"{found['past']:,.2f} {currency} so far"
    if found["expected"] is None:
        return f"{past}; nothing is foretold: {found['why']}"
    return (
        f"{found['total']:,.2f} {currency}: {past}, {found['expected']:,.2f} expected in "
        f"{found['horizon']} days ({found['formula']})"
    )


def calibration(found: dict[str, Any] | None) -> Iterator[str]:
    """How well orders were foretold, as the API answers it."""
    if found is None:
        yield "nobody was counted yet; that is done once a day, within an hour of the publish"
        return
    yield (
        f"Fitted to what was known on {found['split'][:10]}, asked for the {found['days']} days "
        f"after it, over {found['customers']:,} customers of that time"
    )
    if found["why"]:
        yield f"nothing can be told: {found['why']}"
        return
    yield f"orders: {found['expected']:,.0f} expected, {found['came']:,} came"
    yield (
        f"off by {found['error']:.2f} orders a customer, "
        f"correlation {_number(found['correlation'])}"
    )
    yield (
        f"as often as before would be off by {found['error_as_before']:.2f}, "
        f"correlation {_number(found['correlation_as_before'])}"
    )
    yield ""
    yield "probability of an order    customers    foretold    ordered (95 %)"
    for band in found["bands"]:
        yield (
            f"{band['least']:>6.0%} to {band['most']:<4.0%}{band['customers']:>21,}"
            f"{band['foretold']:>12.1%}{band['ordered']:>11.1%} "
            f"({band['low']:.1%} to {band['high']:.1%}){_mark(band)}"
        )


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _mark(band: dict[str, Any]) -> str:
    """What was foretold lies outside of what the interval leaves open."""
    if band["foretold"] < band["low"]:
        return "  more than foretold"
    return "  fewer than foretold" if band["foretold"] > band["high"] else ""
