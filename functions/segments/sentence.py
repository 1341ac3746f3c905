"""Every condition and happening of the language says itself as an English or German sentence.

What differs in meaning differs in its sentence: texts stand in quotation marks, what belongs
together in brackets. Sentences begin small and have no full stop, so that they fit after "if".
"""

import re
from collections.abc import Callable
from typing import Any

from functions.segments.condition import condition, event_test, names, same_pairs
from functions.segments.operators import as_moment, is_number
from functions.segments.phrases import duration
from functions.segments.spoken import (
    Language,
    either,
    length,
    number,
    quoted,
    value,
    within,
    written_date,
)

FIELD_WORDS = ("person", "account", "entry", "cart")  # the first words that FIELDS stand after
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.-]*\Z", re.ASCII)

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "": "is {}",
        "not": "is not {}",
        "one of": "is one of {}",
        "none of": "is none of {}",
        "at least": "is at least {}",
        "at most": "is at most {}",
        "more than": "is more than {}",
        "less than": "is less than {}",
        "contains": "contains {}",
        "starts with": "starts with {}",
        "before": "is before {}",
        "after": "is after {}",
        "in the last": "is within {}",
        "in the next": "is within {}",
        "above": "is above average",
        "below": "is below average",
        "known": "is known",
        "unknown": "is not known",
        "and": " and ",
        "or": " or ",
        "next field": ", and ",
        "person": "the person's {} {}",
        "account": "the company's {} {}",
        "entry": "{} of the entering event {}",
        "cart": "the cart's {} {}",
        "where": "where {}",
        "same": "with the same {} as at entry",
        "same other": "with {theirs} equal to {mine} at entry",
        "event": "{} happens",
        "did": "the person has done {}{times}{time}",
        "since entry": " since entry",
        "within": " in {}",
        "exactly": "exactly {}",
        "times": "{} times",
        "once": "once",
        "count": "so often that the number {}",
        "sent": "{} was sent",
        "opened": "the person has opened {}",
        "clicked": "the person has clicked in {}",
        "clicked link": "the person has clicked the link {link} in {}",
        "opened robots": "the person or a robot has opened {}",
        "clicked robots": "the person or a robot has clicked in {}",
        "bounced": "{} bounced",
        "may get": "the person may get {}",
        "may get for": "the person may get {} for the purpose {purpose}",
        "unconfirmed": "the person signed up for {} and has not confirmed that",
        "unconfirmed for": (
            "the person signed up for {} for the purpose {purpose} and has not confirmed that"
        ),
        "email": "e-mails",
        "sms": "text messages",
        "in segment": "the person is in the segment {}",
        "in journey": "the person is in the journey {} now",
        "left journey": "the person has left the journey {}",
        "left journey as": "the person has left the journey {} with the outcome {}",
        "not so": "it is not so that {}",
        "none so": "none of these is so: {}",
    },
    "de": {
        "": "ist {}",
        "not": "ist nicht {}",
        "one of": "ist eines von {}",
        "none of": "ist keines von {}",
        "at least": "ist mindestens {}",
        "at most": "ist höchstens {}",
        "more than": "ist mehr als {}",
        "less than": "ist weniger als {}",
        "contains": "enthält {}",
        "starts with": "beginnt mit {}",
        "before": "liegt vor dem {}",
        "after": "liegt nach dem {}",
        "in the last": "liegt innerhalb {}",
        "in the next": "liegt innerhalb {}",
        "above": "liegt über dem Durchschnitt",
        "below": "liegt unter dem Durchschnitt",
        "known": "ist bekannt",
        "unknown": "ist nicht bekannt",
        "and": " und ",
        "or": " oder ",
        "next field": ", und ",
        "person": "{} der Person {}",
        "account": "{} der Firma {}",
        "entry": "{} des Start-Ereignisses {}",
        "cart": "{} des Warenkorbs {}",
        "where": "wobei gilt: {}",
        "same": "mit dem gleichen Wert von {} wie beim Start",
        "same other": "mit {theirs} gleich {mine} beim Start",
        "event": "{} geschieht",
        "did": "die Person hat {}{time}{times} ausgelöst",
        "since entry": " seit dem Start",
        "within": " innerhalb {}",
        "exactly": "genau {}",
        "times": "{}-mal",
        "once": "einmal",
        "count": "so oft (die Anzahl {})",
        "sent": "{} wurde gesendet",
        "opened": "die Person hat {} geöffnet",
        "clicked": "die Person hat in {} geklickt",
        "clicked link": "die Person hat in {} auf den Link {link} geklickt",
        "opened robots": "die Person oder ein Roboter hat {} geöffnet",
        "clicked robots": "die Person oder ein Roboter hat in {} geklickt",
        "bounced": "{} kam als unzustellbar zurück",
        "may get": "die Person darf {} bekommen",
        "may get for": "die Person darf {} für den Zweck {purpose} bekommen",
        "unconfirmed": "die Person hat sich für {} angemeldet und das nicht bestätigt",
        "unconfirmed for": (
            "die Person hat sich für {} für den Zweck {purpose} angemeldet und das nicht bestätigt"
        ),
        "email": "E-Mails",
        "sms": "SMS",
        "in segment": "die Person ist im Segment {}",
        "in journey": "die Person ist gerade in der Journey {}",
        "left journey": "die Person hat die Journey {} verlassen",
        "left journey as": "die Person hat die Journey {} mit dem Ergebnis {} verlassen",
        "not so": "es gilt nicht: {}",
        "none so": "nichts davon gilt: {}",
    },
}


def sentence(raw: Any, language: Language) -> str:
    """A CONDITION, or an EVENT that comes, in words. Raises BadPhrase where it is not valid.

    The words `as`, `within` and `stay` belong to a journey; take them away first.
    """
    if isinstance(raw, dict) and "event" in raw:
        event_test(raw)
        return _WORDS[language]["event"].format(_event(raw, "event", language))
    condition(raw)
    return _said(raw, language)


def kind(raw: Any, language: Language) -> str:
    """The EVENT alone, as what "the last ..." is of. Raises BadPhrase where it is not valid."""
    event_test(raw)
    return _event(raw, "event", language)


def name(field: str, language: Language) -> str:
    """A field's name; one that is more than a word stands in quotation marks."""
    return field if _PLAIN_NAME.match(field) else quoted(field, language)


def _said(raw: dict[str, Any], language: Language) -> str:
    word = next(word for word in SAID if word in raw)
    return SAID[word](raw, word, language)


def _fields(raw: dict[str, Any], word: str, language: Language) -> str:
    words = _WORDS[language]
    said = (
        words[word].format(name(field, language), _passes(test, language))
        for field, test in raw[word].items()
    )
    return words["next field"].join(said)


def _passes(test: Any, language: Language) -> str:
    """A TEST as what follows the name of the field: "is at least 18 and is less than 30"."""
    tests = test if isinstance(test, dict) else {"": test}
    said = (_one_test(word, wanted, language) for word, wanted in tests.items())
    return _WORDS[language]["and"].join(said)


def _one_test(word: str, wanted: Any, language: Language) -> str:
    words = _WORDS[language]
    if word == "known":
        return words["known" if wanted else "unknown"]
    return words[word].format(_wanted(word, wanted, language))


def _wanted(word: str, wanted: Any, language: Language) -> str:
    if word in ("before", "after") and (time := as_moment(wanted)):
        return written_date(time, language)
    if word == "in the last":
        return within("last", duration(wanted), language)
    if word == "in the next":
        return within("next", duration(wanted), language)
    if isinstance(wanted, list):
        return either([value(item, language) for item in wanted], language)
    return value(wanted, language)


def _quoted_names(raw: Any, language: Language) -> str:
    return either([quoted(one, language) for one in names(raw)], language)


def _event(raw: dict[str, Any], word: str, language: Language) -> str:
    """The names of events and, in brackets, what is asked of them."""
    words, asked = _WORDS[language], []
    if "where" in raw:
        tests = (
            f"{name(field, language)} {_passes(test, language)}"
            for field, test in raw["where"].items()
        )
        asked.append(words["where"].format(words["next field"].join(tests)))
    for mine, theirs in same_pairs(raw["same"]) if "same" in raw else ():
        own, other = name(mine, language), name(theirs, language)
        form = "same" if mine == theirs else "same other"
        asked.append(words[form].format(own, mine=own, theirs=other))
    brackets = f" ({'; '.join(asked)})" if asked else ""
    return _quoted_names(raw[word], language) + brackets


def _did(raw: dict[str, Any], word: str, language: Language) -> str:
    words = _WORDS[language]
    time = words["since entry"] if "since" in raw else ""
    if "in the last" in raw:
        span = within("last", duration(raw["in the last"]), language)
        time = words["within"].format(span)
    times = f" {_times(raw['times'], language)}" if "times" in raw else ""
    return words["did"].format(_event(raw, word, language), time=time, times=times)


def _times(test: Any, language: Language) -> str:
    """ "at least 2 times"; what is no simple count is said as the test that it is."""
    words = _WORDS[language]
    tests = test if isinstance(test, dict) else {"": test}
    [(word, wanted), *more] = tests.items()
    simple = ("", "at least", "at most", "more than", "less than")
    if more or word not in simple or not is_number(wanted):
        return words["count"].format(_passes(test, language))
    often = words["once"] if wanted == 1 else words["times"].format(number(wanted, language))
    if word == "":
        return words["exactly"].format(often)
    return words[word].format(often).partition(" ")[2]  # without "is"


def _message(raw: dict[str, Any], word: str, language: Language) -> str:
    form = "clicked link" if raw.get("link") else word
    if "robots" in raw:
        form = f"{word} robots"
    link = quoted(raw.get("link") or "", language)
    return _WORDS[language][form].format(_quoted_names(raw[word], language), link=link)


def _may_get(raw: dict[str, Any], word: str, language: Language) -> str:
    form = f"{word} for" if "purpose" in raw else word
    purpose = quoted(raw.get("purpose", ""), language)
    return _WORDS[language][form].format(channel(raw[word], language), purpose=purpose)


def _named(raw: dict[str, Any], word: str, language: Language) -> str:
    """A segment or a journey, the latter perhaps with an outcome."""
    said = [quoted(raw[one], language) for one in (word, "as") if raw.get(one)]
    return _WORDS[language][word if len(said) == 1 else f"{word} as"].format(*said)


def channel(which: str, language: Language) -> str:
    """ "e-mails", "SMS"."""
    return _WORDS[language].get(which) or quoted(which, language)


def _combined(joint: str) -> Callable[[dict[str, Any], str, Language], str]:
    def say(raw: dict[str, Any], word: str, language: Language) -> str:
        if len(raw[word]) == 1:
            return _said(raw[word][0], language)
        return _WORDS[language][joint].join(_part(one, language) for one in raw[word])

    return say


def _none_of(raw: dict[str, Any], word: str, language: Language) -> str:
    parts = [_part(one, language) for one in raw[word]]
    form = "not so" if len(parts) == 1 else "none so"
    return _WORDS[language][form].format("; ".join(parts))


def _part(raw: dict[str, Any], language: Language) -> str:
    """One of several conditions, in brackets where its own words could run into the next."""
    said = _said(raw, language)
    return f"({said})" if _runs_on(raw) else said


def _runs_on(raw: dict[str, Any]) -> bool:
    for word in ("all of", "any of"):
        if word in raw:
            return len(raw[word]) > 1 or _runs_on(raw[word][0])
    if "none of" in raw:
        return True
    fields: dict[str, Any] = next((raw[word] for word in FIELD_WORDS if word in raw), {})
    return len(fields) > 1 or any(isinstance(t, dict) and len(t) > 1 for t in fields.values())


SAID: dict[str, Callable[[dict[str, Any], str, Language], str]] = {
    "person": _fields,
    "account": _fields,
    "entry": _fields,
    "cart": _fields,
    "did": _did,
    "sent": _message,
    "opened": _message,
    "clicked": _message,
    "bounced": _message,
    "may get": _may_get,
    "unconfirmed": _may_get,
    "in segment": _named,
    "in journey": _named,
    "left journey": _named,
    "all of": _combined("and"),
    "any of": _combined("or"),
    "none of": _none_of,
}


def said_length(phrase: str, language: Language) -> str:
    """A DURATION in words: "5 days", "5 Tage". Raises BadPhrase."""
    return length(duration(phrase), language)
