"""A score in words, English and German: what a rule asks, what it gives, and why it is so high."""

from datetime import datetime, timedelta

import msgspec

from functions.segments.score import GIVEN, crosses_at, curve, score_at, shown
from functions.segments.scoring import Rule, Scoring
from functions.segments.sentence import sentence
from functions.segments.spoken import Language, moment, number, quoted
from functions.tracking.decay import microseconds
from functions.tracking.event import SCORE_ADDED
from functions.tracking.profile import Profile

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "points": "{} points",
        "point": "1 point",
        "each": "{} each time",
        "half": "half after {}",
        "most": "{} in all at most",
        "days": "{} days",
        "day": "1 day",
        "hours": "{} hours",
        "hour": "1 hour",
        "given": "given by journeys and colleagues",
        "holds": "so it is",
        "does not": "not so",
        "once": "once, on {}",
        "times": "{} times, last on {}",
        "never": "never so far",
        "faded": "faded from {}",
        "capped": "the most that it gives",
    },
    "de": {
        "points": "{} Punkte",
        "point": "1 Punkt",
        "each": "jedes Mal {}",
        "half": "nach {} die Hälfte",
        "most": "zusammen höchstens {}",
        "days": "{} Tagen",
        "day": "1 Tag",
        "hours": "{} Stunden",
        "hour": "1 Stunde",
        "given": "von Journeys und Kollegen vergeben",
        "holds": "trifft zu",
        "does not": "trifft nicht zu",
        "once": "einmal, am {}",
        "times": "{}-mal, zuletzt am {}",
        "never": "noch nie",
        "faded": "verblasst von {}",
        "capped": "mehr gibt es dafür nicht",
    },
}


class PartTold(msgspec.Struct):
    """What one rule gives a person now.

    `rule` is its key in proposals and reports ("given": by hand); `of` is fit, behaviour or
    given. `times` and `last` are of events; `capped`: the rule gives no more than this.
    """

    rule: str
    of: str
    title: str
    weight: str
    points: float
    times: int
    last: datetime | None
    capped: bool
    says: str


class ScoreTold(msgspec.Struct):
    """A person's score: a whole number, and exactly; the thresholds reached, and the next moment
    at which one is lost by the mere passing of time."""

    score: int
    exact: float
    reached: list[str]
    falls: datetime | None
    parts: list[PartTold]


def told(profile: Profile, scoring: Scoring | None, now: datetime, language: Language) -> ScoreTold:
    """Why the score is what it is `now`: every rule, the one that counts most first."""
    rules = scoring.rules if scoring else ()
    parts = [_part(profile, rule, now, language) for rule in rules]
    parts += [_given(profile, language)] if profile.points else []
    exact = score_at(profile, now)
    reached = {
        name: at for name, at in (scoring.thresholds if scoring else {}).items() if exact >= at
    }
    falls = [crosses_at(profile, at, now) for at in reached.values()]
    return ScoreTold(
        shown(exact),
        exact,
        list(reached),
        min(filter(None, falls), default=None),
        sorted(parts, key=lambda part: -abs(part.points)),
    )


def title(rule: Rule, language: Language) -> str:
    """What the rule is about: what its author wrote, else what it asks."""
    return rule.because or sentence(dict(rule.asks), language)


def weight(rule: Rule, language: Language) -> str:
    """What it gives: "5 points each time, half after 30 days, 25 in all at most"."""
    words = _WORDS[language]
    said = said_points(rule.points, language)
    found = [said if rule.is_fit else words["each"].format(said)]
    if rule.half_life:
        found.append(words["half"].format(_length(rule.half_life, language)))
    if rule.most:
        most = rule.most if rule.points > 0 else -rule.most
        found.append(words["most"].format(number(most, language)))
    return ", ".join(found)


def said_points(found: float, language: Language) -> str:
    """ "1 point", "12.5 points"."""
    words = _WORDS[language]
    return words["point"] if found == 1 else words["points"].format(number(found, language))


def _length(half_life: timedelta, language: Language) -> str:
    words = _WORDS[language]
    days, rest = divmod(half_life, timedelta(days=1))
    amount, unit = (half_life // timedelta(hours=1), "hour") if rest else (days, "day")
    return words[unit] if amount == 1 else words[f"{unit}s"].format(number(amount, language))


def _part(profile: Profile, rule: Rule, now: datetime, language: Language) -> PartTold:
    words, part = _WORDS[language], profile.score.parts.get(rule.key)
    found, here = curve(profile, part) if part else None, microseconds(now)
    worth = found.at(here) if found else 0.0
    capped = bool(found and found.most and abs(worth) == found.most)
    tally = profile.tallies.get(rule.tally) if rule.tally else None
    times, last = (tally.count, tally.latest[-1]) if tally and tally.latest else (0, None)
    if rule.is_fit:
        said = [words["holds" if part else "does not"]]
    else:
        said = [_often(times, last, language)]
        if rule.half_life and times and not capped:
            said.append(words["faded"].format(number(round(rule.points * times, 6), language)))
        said += [words["capped"]] if capped else []
    return PartTold(
        rule.key,
        "fit" if rule.is_fit else "behaviour",
        title(rule, language),
        weight(rule, language),
        round(worth, 2),
        times,
        last,
        capped,
        "; ".join(said),
    )


def _often(times: int, last: datetime | None, language: Language) -> str:
    words = _WORDS[language]
    if not last:
        return words["never"]
    when = moment(last, language)
    return words["once"].format(when) if times == 1 else words["times"].format(times, when)


def _given(profile: Profile, language: Language) -> PartTold:
    words, seen = _WORDS[language], profile.events.get(SCORE_ADDED)
    said = _often(seen.count, seen.last, language) if seen else ""
    last, times = (seen.last, seen.count) if seen else (None, 0)
    said_weight = said_points(profile.points, language)
    return PartTold(
        GIVEN, GIVEN, words["given"], said_weight, profile.points, times, last, False, said
    )


def scoring_said(found: Scoring | None, language: Language) -> dict[str, tuple[str, list[str]]]:
    """Everything in scoring.yaml, to be compared with another one: what it is called, and what is
    said of it, by a key that stays the same while that changes."""
    if found is None:
        return {}
    rules = {rule.key: (title(rule, language), _all(rule, language)) for rule in found.rules}
    bounds = {name: (name, [said_points(at, language)]) for name, at in found.thresholds.items()}
    bands = ("bands", [number(at, language) for at in found.bands])
    named = ("title", [quoted(found.title, language)])
    return {"title": named, **rules, **bounds, "bands": bands}


def _all(rule: Rule, language: Language) -> list[str]:
    asked = [sentence(dict(rule.asks), language)] if rule.because else []
    return [*asked, weight(rule, language)]
