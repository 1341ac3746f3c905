"""The report on second orders in words, English and German."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from functions.sales.repeat import FEWEST, FEWEST_EACH, OTHER, Repeat, Value, repeat
from functions.segments.cluster_records import FirstOrder
from functions.segments.spoken import Language, number

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "every": "{} of {} customers ordered again within {} days: {} percent ({} to {})",
        "left": "{} are left out: their {} days are not over yet",
        "few": "too few to compare: {} first orders are needed, with {} of either outcome",
        "value": "{} of {}: {} percent ({} to {}), {} times as often as everybody",
        "odds": "all else being equal, the odds are {} times as high ({} to {})",
        "sure": "this makes a difference",
        "unsure": "may be chance",
        "compared": "the others are compared with these",
    },
    "de": {
        "every": "{} von {} Kunden haben binnen {} Tagen wieder bestellt: {} Prozent ({} bis {})",
        "left": "{} bleiben außen vor: ihre {} Tage sind noch nicht um",
        "few": "zu wenige zum Vergleichen: nötig sind {} erste Bestellungen, je Ausgang {}",
        "value": "{} von {}: {} Prozent ({} bis {}), {}-mal so oft wie alle",
        "odds": "bei sonst Gleichem sind die Chancen {}-mal so hoch ({} bis {})",
        "sure": "das macht einen Unterschied",
        "unsure": "kann Zufall sein",
        "compared": "mit diesen werden die anderen verglichen",
    },
}
_NAMES: dict[str, dict[str, str]] = {
    "en": {
        "channel": "came by",
        "device": "first device",
        "amount": "amount of the first order",
        "coupon": "coupon or discount",
        "category": "category of the first product",
        "weekday": "weekday (UTC)",
    },
    "de": {
        "channel": "gekommen über",
        "device": "erstes Gerät",
        "amount": "Wert der ersten Bestellung",
        "coupon": "Gutschein oder Rabatt",
        "category": "Kategorie des ersten Produkts",
        "weekday": "Wochentag (UTC)",
    },
}
_GERMAN = {
    "yes": "ja",
    "no": "nein",
    "unknown": "unbekannt",
    OTHER: "andere",
    **dict(
        zip(
            ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
            ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
            strict=True,
        )
    ),
}


class RepeatValue(msgspec.Struct, kw_only=True):
    """Customers whose first order had this value of a criterion: `came` of so many ordered again.

    `odds`: by which factor theirs are greater than those of the criterion's most frequent value,
    all other criteria being equal (null for that one), with the interval of 95 %; `certain`: it
    leaves out 1.
    """

    criterion: str
    criterion_title: str
    value: str
    value_title: str
    came: int
    of: int
    rate: float
    rate_low: float
    rate_high: float
    lift: float
    odds: float | None
    odds_low: float | None
    odds_high: float | None
    certain: bool
    says: str


class RepeatReport(msgspec.Struct, kw_only=True):
    """What leads from the first order to a second within `within` days; `made` null: nobody was
    drawn yet."""

    made: datetime | None
    within: int
    came: int = 0
    of: int = 0
    left_out: int = 0
    enough: bool = False
    says: list[str] = []
    values: list[RepeatValue] = []


def report(
    made: datetime | None, firsts: Sequence[FirstOrder], within: int, language: Language
) -> RepeatReport:
    """The report on these first orders."""
    if made is None:
        return RepeatReport(made=None, within=within)
    found = repeat(firsts, made, within)
    return RepeatReport(
        made=made,
        within=within,
        came=found.every.good,
        of=found.every.of,
        left_out=found.left_out,
        enough=found.is_enough,
        says=_says(found, language),
        values=[_value(one, language) for one in found.values],
    )


def _says(found: Repeat, language: Language) -> list[str]:
    words, every = _WORDS[language], found.every
    said = []
    if every.of:
        rates = _percent((every.rate or 0.0, every.low, every.high), language)
        said.append(words["every"].format(every.good, every.of, found.within, *rates))
    if found.left_out:
        said.append(words["left"].format(found.left_out, found.within))
    if not found.is_enough:
        said.append(words["few"].format(FEWEST, FEWEST_EACH))
    return said


def _value(one: Value, language: Language) -> RepeatValue:
    words, came, odds = _WORDS[language], one.came, one.odds
    rates = _percent((came.rate or 0.0, came.low, came.high), language)
    said = words["value"].format(came.good, came.of, *rates, number(round(one.lift, 2), language))
    if odds is None:
        said += f"; {words['compared']}"
    else:
        factors = [number(round(factor, 2), language) for factor in odds]
        sure = words["sure" if one.is_certain else "unsure"]
        said += f"; {words['odds'].format(*factors)}: {sure}"
    return RepeatValue(
        criterion=one.criterion,
        criterion_title=_NAMES[language][one.criterion],
        value=one.value,
        value_title=_GERMAN.get(one.value, one.value) if language == "de" else one.value,
        came=came.good,
        of=came.of,
        rate=came.rate or 0.0,
        rate_low=came.low,
        rate_high=came.high,
        lift=round(one.lift, 4),
        odds=odds[0] if odds else None,
        odds_low=odds[1] if odds else None,
        odds_high=odds[2] if odds else None,
        certain=one.is_certain,
        says=said,
    )


def _percent(shares: Sequence[float], language: Language) -> list[str]:
    return [number(round(100 * one), language) for one in shares]
