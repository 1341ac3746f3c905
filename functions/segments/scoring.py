"""scoring.yaml: what a lead's score is made of, and the thresholds at which something happens."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from functions.segments.condition import (
    Condition,
    Facts,
    condition,
)
from functions.segments.phrases import duration
from functions.segments.score import crosses_at, score_at
from functions.segments.turning import turns_at
from functions.tracking.identity import short_hash
from functions.tracking.profile import Profile, ScorePart

OF_RULE = {  # the words of a rule, by the word that it stands under
    "fit": ("points", "when", "because"),
    "behaviour": ("points", "for", "half-life", "at most", "because"),
}


@dataclass(frozen=True)
class Rule:
    """Points for what somebody is (`asks` is a condition) or did (`asks` is {did, where}).

    `key` stays the same while the weight changes; so does `tally`, the key of what is counted.
    `half_life` None: they do not fade; `most` 0: without end.
    """

    key: str
    points: float
    asks: Mapping[str, Any]
    because: str = ""
    holds: Condition | None = None
    tally: str = ""
    half_life: timedelta | None = None
    most: float = 0

    @property
    def is_fit(self) -> bool:
        """Whether it is about who somebody is."""
        return self.holds is not None

    @property
    def part(self) -> ScorePart:
        """What a profile keeps of it."""
        seconds = int(self.half_life.total_seconds()) if self.half_life else 0
        return ScorePart(self.points, self.tally, seconds, self.most)


@dataclass(frozen=True)
class Scoring:
    """A file without mistakes. Thresholds by their names, the lowest first; `bands` are the lower
    ends of the bands in the report, the lowest first."""

    title: str = ""
    rules: tuple[Rule, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    bands: tuple[float, ...] = ()


@dataclass(frozen=True)
class Crossing:
    """A threshold that a score has reached or fallen below."""

    threshold: str
    at: float
    rose: bool
    score: float


def build(raw: Mapping[str, Any] | None) -> Scoring | None:
    """What a file without mistakes says; None, without a file, nobody has a score by rules."""
    if not raw:
        return None
    thresholds = dict(sorted(raw.get("thresholds", {}).items(), key=lambda one: float(one[1])))
    bands = raw.get("bands") or thresholds.values()
    return Scoring(
        raw["title"],
        tuple(rule_of(word, one) for word in OF_RULE for one in raw.get(word) or ()),
        {name: float(at) for name, at in thresholds.items()},
        tuple(sorted({float(one) for one in bands})),
    )


def rule_of(word: str, one: Mapping[str, Any]) -> Rule:
    """The rule as it stands under "fit" or "behaviour"."""
    weight, because = float(one["points"]), one.get("because", "")
    if word == "fit":
        asks = one["when"]
        return Rule(_key(asks), weight, asks, because, condition(asks))
    asks, fades = one["for"], "half-life" in one
    return Rule(
        _key(asks),
        weight,
        asks,
        because,
        tally=_key({**asks, "half-life": one["half-life"]} if fades else asks),
        half_life=duration(one["half-life"]).exact if fades else None,
        most=float(one.get("at most", 0)),
    )


def _key(asks: Mapping[str, Any]) -> str:
    return short_hash(json.dumps(asks, sort_keys=True))[:8]


# --- keeping


def keep(profile: Profile, scoring: Scoring, facts: Facts) -> list[Crossing]:
    """Put into the profile the parts that count now (changed in place), and tell which thresholds
    were crossed since it was last kept. `facts` are the profile's."""
    score = profile.score
    score.parts = {rule.key: rule.part for rule in scoring.rules if _counts(rule, facts)}
    total = score_at(profile, facts.now)
    reached = [name for name, at in scoring.thresholds.items() if total >= at]
    changed = [name for name in scoring.thresholds if (name in reached) != (name in score.reached)]
    score.reached = reached
    return [Crossing(name, scoring.thresholds[name], name in reached, total) for name in changed]


def _counts(rule: Rule, facts: Facts) -> bool:
    if rule.holds:
        return rule.holds(facts)
    tally = facts.profile.tallies.get(rule.tally)
    return tally is not None and tally.count > 0


def due(scoring: Scoring, facts: Facts) -> datetime | None:
    """When the next threshold may be crossed, or a rule about who somebody is begin or cease to
    hold, while no event comes; None: never. May be too early, never too late."""
    crossings = [crosses_at(facts.profile, at, facts.now) for at in scoring.thresholds.values()]
    turns = [turns_at(dict(rule.asks), facts) for rule in scoring.rules if rule.is_fit]
    return min(filter(None, (*crossings, *turns)), default=None)
