"""A share of some cases, with the interval in which the true one lies."""

import math
from dataclasses import dataclass

Z = 1.959964  # standard errors to each side of an interval of 95 %


@dataclass(frozen=True)
class Share:
    """So many of so many, and the interval of 95 % in which the true share lies."""

    good: int
    of: int
    low: float
    high: float

    @property
    def rate(self) -> float | None:
        """None of none."""
        return self.good / self.of if self.of else None


def share(good: int, of: int) -> Share:
    """The interval of E. B. Wilson (Probable Inference, the Law of Succession, and Statistical
    Inference, 1927), which holds for few cases and for shares near 0 and 1 as well."""
    if not of:
        return Share(0, 0, 0.0, 1.0)
    rate, z2 = good / of, Z * Z
    middle = (rate + z2 / (2 * of)) / (1 + z2 / of)
    side = Z / (1 + z2 / of) * math.sqrt(rate * (1 - rate) / of + z2 / (4 * of * of))
    return Share(good, of, max(0.0, middle - side), min(1.0, middle + side))
