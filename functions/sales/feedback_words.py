"""The report on handed-over leads in words, English and German."""

from collections.abc import Iterable

import msgspec

from functions.sales.feedback import (
    FEWEST,
    FEWEST_EACH,
    By,
    Proposal,
    bands,
    is_enough,
    latest,
    propose,
    rounded,
)
from functions.sales.records import Lead
from functions.segments.score_words import title
from functions.segments.scoring import Scoring
from functions.segments.share import Share
from functions.segments.spoken import Language, number

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "accepted": "{} of {} leads were taken on by sales",
        "won": "{} of {} leads were won",
        "few": "too few to propose weights: {} outcomes are needed, of each kind {}",
        "below": "below {}",
        "from": "from {}",
        "between": "{} to {}",
        "band": "{} of {}: {} percent ({} to {})",
        "nobody": "nobody yet",
        "rare": "too rarely seen to say anything",
        "stays": "stays; between {} and {} all would do",
        "change": "better {}, surely between {} and {}",
    },
    "de": {
        "accepted": "{} von {} Leads hat der Vertrieb angenommen",
        "won": "{} von {} Leads wurden gewonnen",
        "few": "zu wenige für neue Gewichte: nötig sind {} Ergebnisse, von jeder Art {}",
        "below": "unter {}",
        "from": "ab {}",
        "between": "{} bis {}",
        "band": "{} von {}: {} Prozent ({} bis {})",
        "nobody": "noch niemand",
        "rare": "zu selten gesehen, um etwas zu sagen",
        "stays": "bleibt; zwischen {} und {} passt alles",
        "change": "besser {}, sicher zwischen {} und {}",
    },
}


class BandTold(msgspec.Struct):
    """The leads whose score at the hand-over was from `low` to below `high` (None: no end)."""

    low: float | None
    high: float | None
    band: str
    leads: int
    good: int
    rate: float | None
    rate_low: float
    rate_high: float
    says: str


class WeightTold(msgspec.Struct):
    """A rule's points, and what the outcomes say of them; `change`: they are surely not the best.

    `low` to `high` is the interval of 95 percent for the proposed points.
    """

    rule: str
    title: str
    now: float
    proposed: float | None
    low: float | None
    high: float | None
    change: bool
    says: str


class ScoringReport(msgspec.Struct):
    """Hit rates by score, and proposed weights: nothing changes before somebody publishes it.

    `by` says what counts as good: accepted (taken on by sales) or won.
    """

    by: str
    leads: int
    good: int
    enough: bool
    says: list[str]
    bands: list[BandTold]
    weights: list[WeightTold]


def report(
    leads: Iterable[Lead], scoring: Scoring | None, by: By, language: Language
) -> ScoringReport:
    """The report on the latest leads whose outcome is known."""
    words, known = _WORDS[language], latest(leads, by)
    good, enough = sum(one for _, one in known), is_enough(known)
    says = [words[by].format(good, len(known))]
    if not enough:
        says.append(words["few"].format(FEWEST, FEWEST_EACH))
    found = bands(known, scoring.bands if scoring else ())
    proposals = propose(known, scoring.rules) if scoring else []
    return ScoringReport(
        by,
        len(known),
        good,
        enough,
        says,
        [_band(low, high, share, language) for low, high, share in found],
        [_weight(one, language) for one in proposals],
    )


def _band(low: float | None, high: float | None, share: Share, language: Language) -> BandTold:
    words = _WORDS[language]
    ends = [number(end, language) for end in (low, high) if end is not None]
    form = "below" if low is None else "from" if high is None else "between"
    rate = share.rate
    parts = [number(round(100 * one), language) for one in (rate or 0, share.low, share.high)]
    return BandTold(
        low,
        high,
        words[form].format(*ends) if ends else "",
        share.of,
        share.good,
        rate,
        share.low,
        share.high,
        words["nobody"] if rate is None else words["band"].format(share.good, share.of, *parts),
    )


def _weight(one: Proposal, language: Language) -> WeightTold:
    words, is_known = _WORDS[language], one.proposed is not None
    ends = [number(rounded(end), language) for end in (one.low, one.high)]
    says = words["rare"]
    if one.proposed is not None:
        best = number(one.proposed, language)
        says = (
            words["change"].format(best, *ends) if one.is_certain else words["stays"].format(*ends)
        )
    return WeightTold(
        one.rule.key,
        title(one.rule, language),
        one.rule.points,
        one.proposed,
        one.low if is_known else None,
        one.high if is_known else None,
        one.is_certain,
        says,
    )
