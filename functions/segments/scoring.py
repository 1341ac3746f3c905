"""scoring.yaml: what a lead's score is made of, and the thresholds at which something happens."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from functions.segments.condition import Condition, Facts, Turning, condition, names
from functions.segments.phrases import duration
from functions.segments.score import crosses_at, curve, score_at
from functions.segments.tally import Clause, TallyRule, clause
from functions.segments.tallying import rule_of as tally_rule
from functions.segments.tallying import tally_rules
from functions.segments.turning import turning
from functions.tracking.decay import microseconds
from functions.tracking.identity import short_hash
from functions.tracking.profile import Profile, ScorePart

OF_RULE = {  # the words of a rule, by the word that it stands under
    "fit": ("points", "when", "because"),
    "behaviour": ("points", "for", "half-life", "at most", "because"),
}
NONE: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Rule:
    """Points for what somebody is (`asks` is a condition) or did (`asks` is {did, where}).

    `key` stays the same while the weight changes; `counts` is what is counted of events. `most` 0:
    without end.
    """

    key: str
    points: float
    asks: Mapping[str, Any]
    because: str = ""
    holds: Condition | None = None
    turns: Turning | None = None
    counts: Clause | None = None
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

    @property
    def tally(self) -> str:
        """The key of what is counted; "" of a rule about who somebody is."""
        return self.counts.key if self.counts else ""

    @property
    def half_life(self) -> timedelta | None:
        """In which its points fade by half; None: they do not."""
        return self.counts.half_life if self.counts else None


@dataclass(frozen=True)
class Scoring:
    """A file without mistakes. Thresholds by their names, the lowest first; `bands` are the lower
    ends of the bands in the report, the lowest first; `needs` are the tallies that the rules look
    at, by key."""

    title: str = ""
    rules: tuple[Rule, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    bands: tuple[float, ...] = ()
    needs: Mapping[str, TallyRule] = field(default_factory=dict)


@dataclass(frozen=True)
class Crossing:
    """A threshold that a score has reached or fallen below; `before`: the highest that it had
    reached until then, "" for none."""

    threshold: str
    at: float
    rose: bool
    score: float
    before: str


def build(raw: Mapping[str, Any] | None, segments: Mapping[str, Any] = NONE) -> Scoring | None:
    """What a file without mistakes says; None, without a file, nobody has a score by rules.
    `segments`: name -> the condition of its members."""
    if not raw:
        return None
    thresholds = dict(sorted(raw.get("thresholds", {}).items(), key=lambda one: float(one[1])))
    bands = raw.get("bands") or thresholds.values()
    rules = tuple(rule_of(word, one) for word in OF_RULE for one in raw.get(word) or ())
    return Scoring(
        raw["title"],
        rules,
        {name: float(at) for name, at in thresholds.items()},
        tuple(sorted({float(one) for one in bands})),
        {one.clause.key: one for rule in rules for one in _tallies(rule, segments)},
    )


def _tallies(rule: Rule, segments: Mapping[str, Any]) -> Iterable[TallyRule]:
    return [tally_rule(rule.counts)] if rule.counts else tally_rules(rule.asks, segments)


def rule_of(word: str, one: Mapping[str, Any]) -> Rule:
    """The rule as it stands under "fit" or "behaviour"."""
    weight, because = float(one["points"]), one.get("because", "")
    if word == "fit":
        asks = one["when"]
        return Rule(_key(asks), weight, asks, because, condition(asks), turning(asks))
    asks = one["for"]
    half_life = duration(one["half-life"]).exact if "half-life" in one else None
    return Rule(
        _key(asks),
        weight,
        asks,
        because,
        counts=clause(names(asks["did"]), asks.get("where", {}), half_life=half_life),
        most=float(one.get("at most", 0)),
    )


def _key(asks: Mapping[str, Any]) -> str:
    return short_hash(json.dumps(asks, sort_keys=True))[:8]


# --- keeping


def keep(scoring: Scoring, facts: Facts) -> list[Crossing]:
    """Put into the profile the parts that count now (changed in place), and tell which thresholds
    were crossed since it was last kept."""
    profile, score = facts.profile, facts.profile.score
    score.parts = {rule.key: rule.part for rule in scoring.rules if _counts(rule, facts)}
    total = score_at(profile, facts.now)
    reached = [name for name, at in scoring.thresholds.items() if total >= at]
    changed = [name for name in scoring.thresholds if (name in reached) != (name in score.reached)]
    before = ([name for name in scoring.thresholds if name in score.reached] or [""])[-1]
    score.reached = reached
    return [
        Crossing(name, scoring.thresholds[name], name in reached, total, before) for name in changed
    ]


def freeze(profile: Profile, known: Collection[str], now: datetime) -> None:
    """Before tallies are let go that are not among the `known`: what hangs on them stays as it is
    now, until the person is kept by the new rules."""
    for key, part in profile.score.parts.items():
        if part.tally and part.tally not in known:
            profile.score.parts[key] = ScorePart(curve(profile, part).at(microseconds(now)))


def _counts(rule: Rule, facts: Facts) -> bool:
    if rule.holds:
        return rule.holds(facts)
    tally = facts.profile.tallies.get(rule.tally)
    return tally is not None and tally.count > 0


def due(scoring: Scoring, facts: Facts) -> datetime | None:
    """When the next threshold may be crossed, or a rule about who somebody is begin or cease to
    hold, while no event comes; None: not before the person is looked at anyway. May be too early,
    never too late."""
    profile, now = facts.profile, facts.now
    until = profile.due if profile.due and profile.due > now else None
    crossings = [crosses_at(profile, at, now, until) for at in scoring.thresholds.values()]
    turns = [rule.turns(facts) for rule in scoring.rules if rule.turns]
    return min(filter(None, (*crossings, *turns)), default=None)
