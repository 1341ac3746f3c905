"""What `tante segments figures` says: how good segments are, by the latest census."""

from typing import Any

MOST_OVERLAPS = 10
# From which standardised difference on a difference is called so (Cohen's small, medium, large).
SIZES = ((0.8, "far"), (0.5, "clearly"), (0.2, "slightly"))


def lines(found: dict[str, Any]) -> list[str]:
    """The figures as the API answers them, in words."""
    if not found["made"]:
        return ["nobody was counted yet; that is done once a day, within an hour of the publish"]
    said = [f"{_people(found['people'])}, counted on {found['made'][:16].replace('T', ' at ')} UTC"]
    for one in found["segments"]:
        said += ["", f"{one['name']}: {_people(one['count'])}, {_percent(one['share'])} of all"]
        said += [f"  {words}" for words in map(_apart, one["apart"]) if words]
        if one["sample"]:
            said.append(f"  for example {', '.join(one['sample'][:3])}")
    overlaps = sorted(found["overlaps"], key=lambda one: -one["jaccard"])
    if overlaps:
        said += ["", "Who overlaps (in both, of who is in either):"]
    return [*said, *(f"  {_overlap(one)}" for one in overlaps[:MOST_OVERLAPS])]


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _apart(one: dict[str, Any]) -> str:
    """ "far more revenue: 310 on average, 40 elsewhere; tells 34 % of all differences"; "" where it
    is hardly another."""
    size = next((word for least, word in SIZES if abs(one["difference"]) >= least), "")
    if not size:
        return ""
    more = "more" if one["difference"] > 0 else "less"
    explained = f"explains {_percent(one['eta_squared'])} of the variance"
    if one["is_share"]:
        inside, outside = _percent(one["inside"]), _percent(one["outside"])
        more = "more often" if one["difference"] > 0 else "less often"
        return f"{size} {more} {one['number']}: {inside}, elsewhere {outside}; {explained}"
    inside, outside = f"{one['inside']:,.4g}", f"{one['outside']:,.4g}"
    return f"{size} {more} {one['number']}: {inside} on average, elsewhere {outside}; {explained}"


def _overlap(one: dict[str, Any]) -> str:
    return (
        f"{one['first']} and {one['second']}: {_people(one['both'])}, {_percent(one['jaccard'])} "
        f"({_percent(one['of_first'])} of the first, {_percent(one['of_second'])} of the second)"
    )
