"""Why a condition is true or false for one person, with the values that it looked at."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from functions.segments import account, cart, limit_words, tally
from functions.segments.condition import (
    OUTCOMES,
    Facts,
    condition,
    event_values,
    how_often,
    names,
    occurrences,
    of_message,
    of_segment,
    outcomes,
    under_way,
)
from functions.segments.operators import find
from functions.segments.person import fields
from functions.segments.population import averages, mean
from functions.segments.sentence import FIELD_WORDS, channel, name, sentence
from functions.segments.spoken import Language, moment, number, quoted, value
from functions.tracking.breaker import DOMAIN_WAITS, STOPPED
from functions.tracking.event import Event
from functions.tracking.message import GIVEN_UP, REJECTED, Message
from functions.tracking.permission import MARKETING_PAUSED, NOT_CONFIRMED, refusal
from functions.tracking.suppressed import (
    BY_HAND,
    COMPLAINT,
    HARD_BOUNCE,
    IMPORTED,
    INVALID_NUMBER,
    SAID_STOP,
    SOFT_BOUNCES,
    UNREACHABLE,
)
from functions.tracking.tally import Tally

MOST_SHOWN = 5  # of events; the others are counted

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "is": "{} is {}",
        "missing": "{} is not known",
        "average": "the average of {} is {}",
        "no average": "no average of {} is known yet",
        "counted": "counted: {}",
        "at least": "counted: at least {}",
        "latest": "{} on {}",
        "in all": "{} at any time: {}",
        "no message": "no such message",
        "never": "no receipt tells of it",
        "no cart": "no such cart is known",
        "no company": "no company of the person is known",
        "sent": "sent",
        "unknown": "sent, as far as we know",
        "failed": "failed",
        "not sent": "not sent",
        "held": "held back",
        "opened": "opened: {}",
        "clicked": "clicked: {}",
        "link": "clicked {}: {}",
        "bounced": "bounced: {}",
        "delayed": "delayed by the receiving provider: {}",
        "complained": "marked as spam: {}",
        "opened by robots": "opened by a robot",
        "clicked by robots": "clicked by a robot",
        "has address": "there is an address for {}",
        "no address": "there is no address for {}",
        "allowed": "allowed for {}",
        "refused": "not allowed for {}: {}",
        "unconfirmed": "{}: signed up on {}, not confirmed",
        "confirmed": "{}: confirmed on {}",
        "no sign-up": "no sign-up for {}",
        "no segment": "there is no segment {}",
        "under way": "{}: since {}",
        "not under way": "{}: not in it",
        "left": "{}: left as {}",
        "never left": "{}: never left",
    },
    "de": {
        "is": "{} ist {}",
        "missing": "{} ist nicht bekannt",
        "average": "der Durchschnitt von {} ist {}",
        "no average": "noch ist kein Durchschnitt von {} bekannt",
        "counted": "gezählt: {}",
        "at least": "gezählt: mindestens {}",
        "latest": "{} am {}",
        "in all": "{} zu irgendeiner Zeit: {}",
        "no message": "keine solche Nachricht",
        "never": "keine Quittung sagt davon",
        "no cart": "kein solcher Warenkorb ist bekannt",
        "no company": "keine Firma der Person ist bekannt",
        "sent": "gesendet",
        "unknown": "gesendet, soweit wir wissen",
        "failed": "fehlgeschlagen",
        "not sent": "nicht gesendet",
        "held": "zurückgehalten",
        "opened": "geöffnet: {}",
        "clicked": "geklickt: {}",
        "link": "auf {} geklickt: {}",
        "bounced": "als unzustellbar zurück: {}",
        "delayed": "vom Anbieter des Empfängers aufgehalten: {}",
        "complained": "als Spam gemeldet: {}",
        "opened by robots": "von einem Roboter geöffnet",
        "clicked by robots": "von einem Roboter geklickt",
        "has address": "es gibt eine Adresse für {}",
        "no address": "es gibt keine Adresse für {}",
        "allowed": "erlaubt für {}",
        "refused": "nicht erlaubt für {}: {}",
        "unconfirmed": "{}: angemeldet am {}, nicht bestätigt",
        "confirmed": "{}: bestätigt am {}",
        "no sign-up": "keine Anmeldung für {}",
        "no segment": "es gibt kein Segment {}",
        "under way": "{}: seit {}",
        "not under way": "{}: nicht darin",
        "left": "{}: verlassen als {}",
        "never left": "{}: nie verlassen",
    },
}
# What permission and ledger say, which is kept in English.
_GERMAN_REASONS = {
    "the person was erased": "die Person wurde gelöscht",
    "no consent": "keine Einwilligung",
    NOT_CONFIRMED: "noch nicht bestätigt",
    "consent withdrawn": "Einwilligung widerrufen",
    "suppressed": "gesperrt",
    HARD_BOUNCE: "die Adresse gibt es nicht mehr",
    SOFT_BOUNCES: "mehrmals hintereinander unzustellbar",
    COMPLAINT: "als Spam gemeldet",
    INVALID_NUMBER: "die Nummer gibt es nicht",
    UNREACHABLE: "die Nummer ist nicht erreichbar",
    SAID_STOP: "STOP per SMS",
    BY_HAND: "von Hand",
    IMPORTED: "aus einer Liste",
    STOPPED: "der Versand wurde angehalten, zu viele Rückläufer oder Beschwerden",
    DOMAIN_WAITS: "ein Mailanbieter nimmt zu wenige unserer Mails an",
    REJECTED: "der Anbieter hat sie verworfen",
    "no address": "keine Adresse",
    "no phone number": "keine Telefonnummer",
    "the address has changed": "die Adresse hat sich geändert",
    "the run has ended": "der Durchlauf war zu Ende",
    "it would have gone too late (skip after)": "sie wäre zu spät gekommen (skip after)",
    "quiet hours, holidays and sending hours leave no time for it": (
        "Ruhezeiten, Feiertage und Sendezeiten lassen ihr keine Zeit"
    ),
    "outside of the hours in which it may go": "außerhalb der Zeiten, zu denen sie gehen darf",
    "the person is there more often at another hour (best time)": (
        "zu einer anderen Stunde ist die Person öfter da (best time)"
    ),
    "the provider asked us to wait": "der Anbieter bat uns zu warten",
    "hold-out group": "Vergleichsgruppe (hold out)",
    MARKETING_PAUSED: "Werbung ruht",
    limit_words.ASLEEP: "schläft: seit langem kein Lebenszeichen",
    "no code is left": "kein Code mehr übrig",
    "the code is expired": "der Code ist abgelaufen",
    "the code is redeemed": "der Code ist schon eingelöst",
    "codes.yaml has no such code": "codes.yaml hat keinen solchen Code",
    GIVEN_UP: "es kam keine Quittung: vermutlich nicht gesendet",
}


@dataclass(frozen=True)
class Explanation:
    """A condition's sentence, whether it holds, the values used, and the same of its parts.

    `used` is empty where there are parts, which tell theirs.
    """

    sentence: str
    holds: bool
    used: tuple[str, ...] = ()
    parts: tuple["Explanation", ...] = ()


def explain(raw: Any, facts: Facts, language: Language = "en") -> Explanation:
    """Why a CONDITION is true or false. `holds` is what `condition` says. Raises BadPhrase."""
    holds = condition(raw)(facts)
    inside = of_segment(facts) if "in segment" in raw else facts
    parts = tuple(explain(part, inside, language) for part in _parts(raw, facts))
    used = () if parts else tuple(_used(raw, facts, language))
    return Explanation(sentence(raw, language), holds, used, parts)


def _parts(raw: dict[str, Any], facts: Facts) -> list[Any]:
    """The conditions that it combines; several fields are one each, a segment is its own."""
    for word in ("all of", "any of", "none of"):
        if word in raw:
            return list(raw[word])
    for word in FIELD_WORDS:
        if len(raw.get(word, ())) > 1:
            return [{word: {field: test}} for field, test in raw[word].items()]
    if "in segment" in raw and raw["in segment"] in facts.segments:
        return [facts.segments[raw["in segment"]].who]
    return []


def _used(raw: dict[str, Any], facts: Facts, language: Language) -> Iterable[str]:
    word = next(word for word in USED if word in raw)
    return USED[word](raw, facts, language)


def _of_person(raw: dict[str, Any], facts: Facts, language: Language) -> Iterable[str]:
    known, words = fields(facts.profile, facts.now, facts.cuts), _WORDS[language]
    for path in raw["person"]:
        yield _field(path, find(known, path), language)
    for path, _ in averages(raw["person"]):
        average = mean(facts.cuts, path)
        form = "no average" if average is None else "average"
        yield words[form].format(name(path, language), number(average or 0, language))


def _of_account(raw: dict[str, Any], facts: Facts, language: Language) -> Iterable[str]:
    known = account.fields(facts.profile)
    if not known:
        return [_WORDS[language]["no company"]]
    return [_field(path, find(known, path), language) for path in raw["account"]]


def _of_entry(raw: dict[str, Any], facts: Facts, language: Language) -> Iterable[str]:
    return [_field(path, event_values(facts.entry, path), language) for path in raw["entry"]]


def _of_cart(raw: dict[str, Any], facts: Facts, language: Language) -> Iterable[str]:
    known = cart.fields(facts.profile, facts.entry)
    if not known:
        return [_WORDS[language]["no cart"]]
    return [_field(path, find(known, path), language) for path in raw["cart"]]


def _field(path: str, found: list[Any], language: Language) -> str:
    words, field = _WORDS[language], name(path, language)
    if not found:
        return words["missing"].format(field)
    return words["is"].format(field, ", ".join(_value(one, language) for one in found))


def _value(found: Any, language: Language) -> str:
    """A person's value; a list in brackets, so that an empty one is seen."""
    if isinstance(found, list):
        return f"[{', '.join(_value(item, language) for item in found)}]"
    return value(found, language)


def _of_events(raw: dict[str, Any], facts: Facts, language: Language) -> Iterable[str]:
    clause = tally.of_did(raw)
    kept = facts.tally(clause) if clause else None
    if kept is not None:
        yield from _of_tally(kept, how_often(raw)(facts), raw, language)
        return
    words, found = _WORDS[language], occurrences(raw)(facts)
    yield words["counted"].format(number(len(found), language))
    for event in _latest(found):
        yield words["latest"].format(quoted(event.name, language), _time(event.time, language))
    if not {"where", "same", "in the last", "since"}.isdisjoint(raw):  # something was left out
        wanted = names(raw["did"])
        said = ", ".join(quoted(one, language) for one in wanted)
        in_all = len(list(facts.events(wanted, None)))
        yield words["in all"].format(said, number(in_all, language))


def _of_tally(kept: Tally, found: int, raw: dict[str, Any], language: Language) -> Iterable[str]:
    """Of a segment's clause the profile keeps how often, and the latest times."""
    words = _WORDS[language]
    form = "counted" if found < len(kept.latest) or found == kept.count else "at least"
    yield words[form].format(number(found, language))
    said = ", ".join(quoted(one, language) for one in names(raw["did"]))
    for time in sorted(kept.latest, reverse=True)[:MOST_SHOWN]:
        yield words["latest"].format(said, _time(time, language))
    if "in the last" in raw:
        yield words["in all"].format(said, number(kept.count, language))


def _latest(events: Sequence[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.time, reverse=True)[:MOST_SHOWN]


def _of_messages(raw: dict[str, Any], facts: Facts, language: Language) -> Iterable[str]:
    word = next(word for word in OUTCOMES if word in raw)
    for wanted in names(raw[word]):
        shown = quoted(wanted, language)
        kept = [facts.tally(one) for one in tally.of_messages(word, {**raw, word: wanted})]
        if kept and kept[0] is not None:
            yield from _of_receipts(shown, word, kept[0], language)
            continue
        found = of_message(facts, (wanted,))
        for message in found:
            yield f"{shown}: {'; '.join(_fates(message, language))}"
        if not found:
            yield f"{shown}: {_WORDS[language]['no message']}"


def _of_receipts(shown: str, word: str, kept: Tally, language: Language) -> Iterable[str]:
    """What a segment knows of a message: the last time that a receipt told of it."""
    words = _WORDS[language]
    if not kept.latest:
        yield f"{shown}: {words['never']}"
    elif word == "sent":
        yield f"{shown}: {words['sent']}"
    else:
        yield f"{shown}: {words[word].format(_time(kept.latest[-1], language))}"


def _fates(message: Message, language: Language) -> Iterable[str]:
    """What became of a message: "sent; opened: 1 March 2027 at 10:00 UTC"."""
    words = _WORDS[language]
    why = reason(message.reason, language)
    yield words[message.state] + (f" ({why})" if why else "")
    if message.opened:
        yield words["opened"].format(_time(message.opened, language))
    for link, time in sorted(message.clicked.items()):
        form = "link" if link else "clicked"
        parts = [quoted(link, language)] if link else []
        yield words[form].format(*parts, _time(time, language))
    for word in ("delayed", "bounced", "complained"):
        moment_of = getattr(message, word)
        if moment_of:
            yield words[word].format(_time(moment_of, language))
    yield from (words[f"{did} by robots"] for did in ("opened", "clicked") if did in message.robots)


def _permission(raw: dict[str, Any], facts: Facts, language: Language) -> Iterable[str]:
    words, permission, which = _WORDS[language], facts.permission, raw["may get"]
    purpose = raw.get("purpose", facts.purpose)
    has_address = "has address" if which in permission.addresses else "no address"
    yield words[has_address].format(channel(which, language))
    needs = facts.needs_consent.get(purpose, True)
    why_not = refusal(permission, which, purpose, needs)
    form = "refused" if why_not else "allowed"
    yield words[form].format(quoted(purpose, language), reason(why_not, language))


def _of_sign_ups(raw: dict[str, Any], facts: Facts, language: Language) -> Iterable[str]:
    words = _WORDS[language]
    asked = [one for one in facts.permission.asked.values() if one.channel == raw["unconfirmed"]]
    for one in asked:
        form = "confirmed" if one.confirmed else "unconfirmed"
        purposes = ", ".join(quoted(name, language) for name in one.purposes)
        yield words[form].format(purposes, _time(one.confirmed or one.time, language))
    if not asked:
        yield words["no sign-up"].format(channel(raw["unconfirmed"], language))


def _of_segment(raw: dict[str, Any], facts: Facts, language: Language) -> Iterable[str]:
    """Of one that is there, its own condition tells."""
    return [_WORDS[language]["no segment"].format(quoted(raw["in segment"], language))]


def _of_runs(raw: dict[str, Any], facts: Facts, language: Language) -> Iterable[str]:
    words, journey = _WORDS[language], quoted(raw["in journey"], language)
    since = under_way(facts, raw["in journey"])
    if not since:
        return [words["not under way"].format(journey)]
    return [words["under way"].format(journey, _time(one, language)) for one in since]


def _of_ended_runs(raw: dict[str, Any], facts: Facts, language: Language) -> Iterable[str]:
    words, journey = _WORDS[language], quoted(raw["left journey"], language)
    found = ", ".join(quoted(one, language) for one in outcomes(facts, raw["left journey"]))
    return [words["left" if found else "never left"].format(journey, found)]


def reason(said: str, language: Language) -> str:
    """A reason of permission or ledger, which are kept in English."""
    if language == "en" or said in _GERMAN_REASONS:
        return said if language == "en" else _GERMAN_REASONS[said]
    if said.startswith(limit_words.FULL):
        return limit_words.in_german(said)
    kind, colon, rest = said.partition(": ")
    return _GERMAN_REASONS.get(kind, kind) + colon + (reason(rest, language) if rest else "")


def _time(time: datetime, language: Language) -> str:
    return moment(time.astimezone(UTC), language)


USED: dict[str, Callable[[dict[str, Any], Facts, Language], Iterable[str]]] = {
    "person": _of_person,
    "account": _of_account,
    "entry": _of_entry,
    "cart": _of_cart,
    "did": _of_events,
    "sent": _of_messages,
    "opened": _of_messages,
    "clicked": _of_messages,
    "bounced": _of_messages,
    "may get": _permission,
    "unconfirmed": _of_sign_ups,
    "in segment": _of_segment,
    "in journey": _of_runs,
    "left journey": _of_ended_runs,
}
