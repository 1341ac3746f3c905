"""A journey told in sentences, English or German, from its file as plain values."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from functions.journeys.entering import ALREADY
from functions.segments.operators import as_moment, is_number
from functions.segments.phrases import BadPhrase
from functions.segments.sentence import kind, name, said_length, sentence
from functions.segments.spoken import Language, day, number, quoted, value

Raw = dict[str, Any]
_WRITTEN = re.compile(r"[\w.-]+( [\w.-]+)*\Z")
_MOMENT = re.compile(
    r"((?P<length>\d+ [a-z ]+) (?P<side>before|after) )?"
    r"(?P<what>.*?) ?(?P<clock>\d{1,2}:\d\d)?\Z"
)
_GERMAN_DAYS = {
    "Monday": "Montag",
    "Tuesday": "Dienstag",
    "Wednesday": "Mittwoch",
    "Thursday": "Donnerstag",
    "Friday": "Freitag",
    "Saturday": "Samstag",
    "Sunday": "Sonntag",
    "working day": "zum nächsten Arbeitstag",
}
JOURNEY_WORDS = (
    *("title", "purpose", "enter when", "once per", "only if", "limit", "group", "priority"),
    *("leave when", "goal", "hold out", "send only", "class", "budget"),
)
_GERMAN_PARTS = {
    "day": "an jedem Tag",
    "working day": "an jedem Arbeitstag",
    "last day of the month": "am letzten Tag des Monats",
    "January": "Januar",
    "February": "Februar",
    "March": "März",
    "May": "Mai",
    "June": "Juni",
    "July": "Juli",
    "October": "Oktober",
    "December": "Dezember",
}

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "title",
        "purpose": "purpose",
        "enter when": "enters when",
        "once per": "enters",
        "only if": "only if",
        "leave when": "leaves when",
        "goal": "goal",
        "hold out": "held out",
        "send only": "sends only",
        "share": "{} of the people, always the same; they get no message that needs consent",
        "steps": "steps",
        "never": "nobody enters by an event; another journey starts it",
        "becomes": "it becomes so that {}",
        "already": "{} (also those for whom it is so at the first publish)",
        "date": "this comes: {}",
        "every": "it is time, again and again: {}",
        "limit": "lets in at most",
        "limit share": "{} of all people",
        "per hour": "{} in an hour",
        "group": "group, of which a person is in one journey at a time",
        "priority": "priority in it",
        "class": "class",
        "budget": "may cost",
        "a month": "{} dollars a month",
        "campaign": "campaign",
        "newsletter": "newsletter",
        "automation": "automation",
        "person": "once, never again",
        "occasion": "every time",
        "again": "again after {}",
        "each": "once for each {}",
        "as": "{} (as {})",
        "within": "{} (until {} after the last message; {})",
        "stays": "the person stays",
        "leaves": "the person leaves",
        "send": "send {}",
        "wait": "wait {}",
        "wait until": "wait until {}",
        "wait for": "wait until {} (at most {})",
        "first of": "wait for the first of these (at most {})",
        "after the last": "wait {} after the last {}",
        "repeat": "repeat {}",
        "up to": "repeat up to {}, until {}",
        "times": "{} times",
        "once": "once",
        "each time": "each time",
        "call webhook": "tell the system {}",
        "call with": "tell the system {}: {}",
        "if it fails": "when that fails",
        "if": "if {}",
        "choose": "go the first way that is open",
        "split": "split by chance: {}",
        "task": "task for {}: {}",
        "owner": "the owner",
        "update": "change the person: {}",
        "start journey": "start the journey {}",
        "stop journey": "stop the journey {}",
        "finish task": "take the task {} back",
        "end": "end as {}",
        "by email": "by e-mail",
        "by sms": "by text message",
        "by best channel": "by the person's best channel",
        "for purpose": "for the purpose {}",
        "due": "due in {}",
        "best time": "in the person's best hour within {}",
        "skip after": "skipped after {}",
        "pause marketing": "marketing to the person is paused for {}",
        "until done": "marketing to the person is paused until that is done",
        "hand over": "the person is handed over to sales",
        "set": "{} becomes {}",
        "add tag": "gets the tag {}",
        "remove tag": "loses the tag {}",
        "add to score": "score {}",
        "outcome": "as {}",
        "called": "called {}",
        "then": "then",
        "otherwise": "otherwise",
        "happened": "when it happens",
        "too late": "when the time runs out",
        "passed": "when that has passed already",
        "if not sent": "when it is not sent",
    },
    "de": {
        "title": "Titel",
        "purpose": "Zweck",
        "enter when": "beginnt, wenn",
        "once per": "beginnt",
        "only if": "nur wenn",
        "leave when": "endet, wenn",
        "goal": "Ziel",
        "hold out": "Vergleichsgruppe",
        "send only": "sendet nur",
        "share": "{} der Personen, immer dieselben; sie bekommen nichts, was eine Einwilligung "
        "braucht",
        "steps": "Schritte",
        "never": "niemand beginnt durch ein Ereignis; eine andere Journey startet sie",
        "becomes": "es dazu kommt: {}",
        "already": "{} (auch, für wen es bei der ersten Veröffentlichung schon gilt)",
        "date": "dieser Zeitpunkt kommt: {}",
        "every": "es Zeit ist, immer wieder: {}",
        "limit": "lässt höchstens herein",
        "limit share": "{} aller Personen",
        "per hour": "{} in einer Stunde",
        "group": "Gruppe, von der man in einer Journey zur Zeit ist",
        "priority": "Rang darin",
        "class": "Art",
        "budget": "darf kosten",
        "a month": "{} Dollar im Monat",
        "campaign": "Kampagne",
        "newsletter": "Newsletter",
        "automation": "Automatik",
        "person": "einmal, nie wieder",
        "occasion": "jedes Mal",
        "again": "wieder nach Ablauf von: {}",
        "each": "einmal für jeden Wert von {}",
        "as": "{} (als {})",
        "within": "{} (bis {} nach der letzten Nachricht; {})",
        "stays": "die Person bleibt",
        "leaves": "die Person verlässt die Journey",
        "send": "{} senden",
        "wait": "{} warten",
        "wait until": "warten bis {}",
        "wait for": "warten auf: {} (höchstens {})",
        "first of": "auf das Erste hiervon warten (höchstens {})",
        "after the last": "warten, bis {} seit dem letzten {} vergangen sind",
        "repeat": "{} wiederholen",
        "up to": "höchstens {} wiederholen, bis gilt: {}",
        "times": "{}-mal",
        "once": "einmal",
        "each time": "jedes Mal",
        "call webhook": "dem System {} melden",
        "call with": "dem System {} melden: {}",
        "if it fails": "wenn das scheitert",
        "if": "wenn gilt: {}",
        "choose": "den ersten Weg gehen, der offen ist",
        "split": "nach Zufall teilen: {}",
        "task": "Aufgabe für {}: {}",
        "owner": "den Zuständigen",
        "update": "die Person ändern: {}",
        "start journey": "die Journey {} starten",
        "stop journey": "die Journey {} beenden",
        "finish task": "die Aufgabe {} zurücknehmen",
        "end": "enden als {}",
        "by email": "per E-Mail",
        "by sms": "per SMS",
        "by best channel": "auf dem besten Weg für die Person",
        "for purpose": "für den Zweck {}",
        "due": "fällig in: {}",
        "best time": "zur besten Stunde der Person innerhalb von {}",
        "skip after": "entfällt nach: {}",
        "pause marketing": "Werbung an die Person ruht so lange: {}",
        "until done": "Werbung an die Person ruht, bis das erledigt ist",
        "hand over": "die Person wird dem Vertrieb übergeben",
        "set": "{} wird {}",
        "add tag": "bekommt das Kennzeichen {}",
        "remove tag": "verliert das Kennzeichen {}",
        "add to score": "Punkte {}",
        "outcome": "als {}",
        "called": "genannt {}",
        "then": "dann",
        "otherwise": "sonst",
        "happened": "wenn es geschieht",
        "too late": "wenn die Zeit abläuft",
        "passed": "wenn das schon vorbei ist",
        "if not sent": "wenn sie nicht gesendet wird",
    },
}


@dataclass(frozen=True)
class Line:
    """A line of what is told, and the lines that stand indented below it."""

    text: str
    below: tuple["Line", ...] = ()


@dataclass(frozen=True)
class Arm:
    """Steps that a step holds: where they stand in it, when they are taken."""

    place: tuple[str | int, ...]
    when: str
    steps: list[Raw]


def tell(raw: Raw, language: Language) -> Line:
    """The whole journey; the first line is its title. Takes a file that passed the checks."""
    lines = [
        Line(f"{_WORDS[language].get(word, word)}: {said[0]}")
        if len(said) == 1
        else Line(f"{_WORDS[language].get(word, word)}:", tuple(map(Line, said)))
        for word, said in rules(raw, language).items()
        if word != "title"
    ]
    steps = Line(f"{_WORDS[language]['steps']}:", tuple(_steps(raw["steps"], language)))
    return Line(str(raw["title"]), (*lines, steps))


def _steps(found: list[Raw], language: Language) -> Iterator[Line]:
    for one in found:
        below = (
            Line(f"{arm.when}:", tuple(_steps(arm.steps, language)))
            for arm in arms(one, language)
            if arm.steps or len(arm.place) > 1  # a way of choose or split says something itself
        )
        yield Line(step(one, language), tuple(below))


# --- entry, exits, goal


def rules(raw: Raw, language: Language) -> dict[str, list[str]]:
    """All of the journey but its steps: the sentences of each word."""
    found = {word: _rule(word, raw.get(word), language) for word in JOURNEY_WORDS}
    others = [word for word in raw if word not in (*JOURNEY_WORDS, "steps")]
    found |= {word: [plain(raw[word], language)] for word in others}
    return {word: said for word, said in found.items() if said}


def _rule(word: str, raw: Any, language: Language) -> list[str]:
    if raw is None:
        return [_WORDS[language]["never"]] if word == "enter when" else []
    if word == "leave when":
        return [_leave(item, language) for item in raw]
    say = _RULES.get(word)
    return [say(raw, language) if say else quoted(str(raw), language)]


def way_in(raw: Raw, language: Language) -> str:
    """The event, date, schedule or condition of an `enter when`, with no words around it."""
    if "date" in raw:
        return _moment(raw["date"], language)
    if "every" in raw:
        return _schedule(str(raw["every"]), language)
    return happens({word: one for word, one in raw.items() if word != ALREADY}, language)


def _enters(raw: Raw, language: Language) -> str:
    """What lets people in: an event, a condition that becomes true, a date, a schedule."""
    words, what = _WORDS[language], way_in(raw, language)
    if "event" in raw:
        return what
    kind = next((word for word in ("date", "every") if word in raw), "becomes")
    said = words[kind].format(what)
    return words["already"].format(said) if raw.get(ALREADY) else said


def _schedule(phrase: str, language: Language) -> str:
    """A SCHEDULE as the language has it; in English the phrase is a sentence's part already."""
    if phrase.upper().startswith("RRULE:"):
        return quoted(phrase, language)
    parts = _MOMENT.match(phrase)
    if language == "en" or parts is None or parts["length"] or "." in parts["what"]:
        return _moment(phrase, language)
    if as_moment(parts["what"]):
        return _moment(phrase, language)
    clock = f" {parts['clock']} Uhr" if parts["clock"] else ""
    what = parts["what"]
    if what in _GERMAN_DAYS and what not in _GERMAN_PARTS:
        return f"an jedem {_GERMAN_DAYS[what]}{clock}"
    if what in _GERMAN_PARTS:
        return _GERMAN_PARTS[what] + clock
    which, _, month = what.partition(" ")
    if month == "of the month":
        return f"am {which[:-2]}. des Monats{clock}"
    return f"am {which}. {_GERMAN_PARTS.get(month, month)} jedes Jahres{clock}"


def _limit(raw: Raw, language: Language) -> str:
    words = _WORDS[language]
    said = []
    if "share" in raw:
        said.append(words["limit share"].format(_share(raw["share"], language)))
    if "per hour" in raw:
        said.append(words["per hour"].format(number(raw["per hour"], language)))
    return "; ".join(said)


def _about_messages(word: str, raw: str, language: Language) -> str:
    if word == "send only":
        return _hours(raw, language)
    return _WORDS[language]["share"].format(_share(raw, language))


def _leave(raw: Raw, language: Language) -> str:
    what = {word: value for word, value in raw.items() if word != "as"}
    outcome = quoted(str(raw.get("as", "")), language)
    return _WORDS[language]["as"].format(happens(what, language), outcome)


def _goal(raw: Raw, language: Language) -> str:
    words = _WORDS[language]
    what = {word: value for word, value in raw.items() if word not in ("within", "stay")}
    time = _length(raw.get("within", "7 days"), language)
    after = words["stays" if raw.get("stay") else "leaves"]
    return words["within"].format(happens(what, language), time, after)


def _once(rule: str, language: Language) -> str:
    words = _WORDS[language]
    if rule in ("person", "occasion"):
        return words[rule]
    try:
        return words["again"].format(said_length(rule, language))
    except BadPhrase:
        return words["each"].format(name(rule, language))


_RULES: dict[str, Callable[[Any, Language], str]] = {
    "enter when": lambda raw, language: _enters(raw, language),
    "once per": lambda raw, language: _once(str(raw), language),
    "only if": lambda raw, language: happens(raw, language),
    "limit": lambda raw, language: _limit(raw, language),
    "priority": lambda raw, language: str(raw),
    "class": lambda raw, language: _WORDS[language].get(str(raw), str(raw)),
    "budget": lambda raw, language: _WORDS[language]["a month"].format(str(raw).split(" ")[0]),
    "goal": lambda raw, language: _goal(raw, language),
    "hold out": lambda raw, language: _about_messages("hold out", str(raw), language),
    "send only": lambda raw, language: _about_messages("send only", str(raw), language),
}


def happens(raw: Any, language: Language) -> str:
    """A happening or condition in words; one that cannot be read, as it is written."""
    try:
        return sentence(raw, language)
    except BadPhrase:
        return plain(raw, language)


def _length(phrase: Any, language: Language) -> str:
    try:
        return said_length(phrase, language)
    except BadPhrase:
        return plain(phrase, language)


def plain(raw: Any, language: Language) -> str:
    """Any value as it is written: `{a: “b”}`."""
    if isinstance(raw, dict):
        inner = (
            f"{_key(str(word), language)}: {plain(one, language)}" for word, one in raw.items()
        )
        return f"{{{', '.join(inner)}}}"
    if isinstance(raw, list):
        return f"[{', '.join(plain(item, language) for item in raw)}]"
    return "" if raw is None else value(raw, language)


def _key(word: str, language: Language) -> str:
    return word if _WRITTEN.match(word) else quoted(word, language)


# --- steps


def verb(raw: Raw) -> str:
    """The word that says what a step does."""
    return next((word for word in STEPS if word in raw), next(iter(raw), ""))


def step(raw: Raw, language: Language) -> str:
    """One step in words, without what it holds."""
    which = verb(raw)
    said = STEPS[which](raw, language) if which in STEPS else f"{which}: {_rest(raw, language)}"
    used = {which, *_SAID_WITH.get(which, ()), *ARMS, "arms"}
    beside = [
        _beside(word, one, language)
        for word, one in raw.items()
        if word not in used and one not in ("", False)
    ]
    return ", ".join((said, *beside))


def _rest(raw: Raw, language: Language) -> str:
    return plain(raw.get(verb(raw)), language)


def _beside(word: str, raw: Any, language: Language) -> str:
    words = _WORDS[language]
    if word == "by" and f"by {raw}" in words:
        return words[f"by {raw}"]
    if word == "pause marketing" and raw == "until done":
        return words["until done"]
    if word == "hand over":
        return words[word]
    if word == "best time":
        raw = str(raw).removeprefix("within ")
    if word in ("best time", "due", "skip after", "pause marketing"):
        return words[word].format(_length(raw, language))
    form = {"purpose": "for purpose", "as": "outcome", "name": "called"}.get(word)
    if form:
        return words[form].format(plain(raw, language))
    return f"{word}: {_length(raw, language)}"


def _simple(word: str) -> Callable[[Raw, Language], str]:
    return lambda raw, language: _WORDS[language][word].format(plain(raw[word], language))


def _wait(raw: Raw, language: Language) -> str:
    if "after the last" in raw:
        last = _kind(raw["after the last"], language)
        return _WORDS[language]["after the last"].format(_length(raw["wait"], language), last)
    return _WORDS[language]["wait"].format(_length(raw["wait"], language))


def _wait_until(raw: Raw, language: Language) -> str:
    return _WORDS[language]["wait until"].format(_moment(raw["wait until"], language))


def _moment(phrase: Any, language: Language) -> str:
    """A MOMENT as the language has it; in English the phrase is a sentence's part already."""
    parts = _MOMENT.match(str(phrase))
    if parts is None:
        return str(phrase)
    date = as_moment(parts["what"])
    if language == "en":
        return str(phrase).replace(parts["what"], day(date, "en")) if date else str(phrase)
    said = day(date, "de") if date else _GERMAN_DAYS.get(parts["what"], parts["what"])
    if date:
        said = f"zum {said}"
    if parts["length"]:
        side = "vor" if parts["side"] == "before" else "nach"
        said = f"{_length(parts['length'], language)} {side} {said}"
    return f"{said} {parts['clock'] or ''}".strip() + (" Uhr" if parts["clock"] else "")


def _hours(phrase: str, language: Language) -> str:
    """HOURS as the language has them; in English the phrase is a sentence's part already."""
    if language == "en":
        return phrase
    for english, german in _GERMAN_DAYS.items():
        phrase = phrase.replace(english, german)
    days, end = phrase.rsplit(" to ", 1)
    begin = days.rpartition(" ")
    said = f"{begin[0]} von {begin[2]}".strip() if begin[0] else f"von {begin[2]}"
    return f"{said.replace(' to ', ' bis ')} bis {end} Uhr"


def _wait_for(raw: Raw, language: Language) -> str:
    what, longest = happens(raw["wait for"], language), _length(raw.get("at most"), language)
    return _WORDS[language]["wait for"].format(what, longest)


def _kind(raw: Any, language: Language) -> str:
    """A kind of event in words; one that cannot be read, as it is written."""
    try:
        return kind(raw, language)
    except BadPhrase:
        return plain(raw, language)


def _first_of(raw: Raw, language: Language) -> str:
    return _WORDS[language]["first of"].format(_length(raw.get("at most"), language))


def _happening(way: Raw, language: Language) -> str:
    return happens({word: one for word, one in way.items() if word != "then"}, language)


def _repeat(raw: Raw, language: Language) -> str:
    words, often = _WORDS[language], raw.get("times")
    times = words["once"] if often == 1 else words["times"].format(plain(often, language))
    if "until" in raw:
        return words["up to"].format(times, happens(raw["until"], language))
    return words["repeat"].format(times)


def _call(raw: Raw, language: Language) -> str:
    words, name = _WORDS[language], quoted(str(raw["call webhook"]), language)
    if not raw.get("with"):
        return words["call webhook"].format(name)
    said = (
        f"{_key(str(word), language)} = {plain(one, language)}" for word, one in raw["with"].items()
    )
    return words["call with"].format(name, ", ".join(said))


def _if(raw: Raw, language: Language) -> str:
    return _WORDS[language]["if"].format(happens(raw["if"], language))


def _choose(raw: Raw, language: Language) -> str:
    return _WORDS[language]["choose"]


def _task(raw: Raw, language: Language) -> str:
    words, team = _WORDS[language], str(raw.get("for", ""))
    whom = words["owner"] if team == "owner" else quoted(team, language)
    return words["task"].format(whom, quoted(str(raw["task"]), language))


def _update(raw: Raw, language: Language) -> str:
    words, said = _WORDS[language], []
    for word, wanted in raw["update"].items():
        if word == "set":
            named = ((_key(trait, language), one) for trait, one in wanted.items())
            said += [words["set"].format(trait, plain(one, language)) for trait, one in named]
        elif word == "add to score":
            sign = "+" if is_number(wanted) and wanted > 0 else ""
            said.append(words[word].format(sign + plain(wanted, language)))
        elif word in words:
            said.append(words[word].format(plain(wanted, language)))
        else:
            said.append(f"{word}: {plain(wanted, language)}")
    return words["update"].format(", ".join(said))


STEPS: dict[str, Callable[[Raw, Language], str]] = {
    "send": _simple("send"),
    "wait": _wait,
    "wait until": _wait_until,
    "wait for": _wait_for,
    "wait for first of": _first_of,
    "repeat": _repeat,
    "call webhook": _call,
    "choose": _choose,  # before "if", which stands inside it only
    "if": _if,
    "split": _simple("split"),
    "finish task": _simple("finish task"),
    "task": _task,
    "update": _update,
    "start journey": _simple("start journey"),
    "stop journey": _simple("stop journey"),
    "end": _simple("end"),
}
_SAID_WITH = {
    "wait": ("after the last",),
    "wait for": ("at most",),
    "wait for first of": ("at most",),
    "repeat": ("times", "until"),
    "call webhook": ("with",),
    "task": ("for",),
}
ARMS = ("then", "otherwise", "if not sent", "repeat", "if it fails")
_WHEN = {
    ("wait for", "then"): "happened",
    ("wait for", "otherwise"): "too late",
    ("wait for first of", "otherwise"): "too late",
    ("wait until", "otherwise"): "passed",
    ("repeat", "repeat"): "each time",
}


def arms(raw: Raw, language: Language) -> list[Arm]:
    """The arms of a step in the order in which they are asked."""
    words, found = _WORDS[language], []
    for word, say in (("choose", _if), ("wait for first of", _happening)):
        for index, way in enumerate(raw[word] if isinstance(raw.get(word), list) else ()):
            place = (word, index, "then")
            found.append(Arm(place, say(way, language), way.get("then") or []))
    if isinstance(raw.get("arms"), dict):
        for arm, way in raw["arms"].items():
            when = f"{quoted(arm, language)} ({_share(way.get('share'), language)})"
            found.append(Arm(("arms", arm, "then"), when, way.get("then") or []))
    for word in ARMS:
        if word in raw:
            when = words[_WHEN.get((verb(raw), word), word)]
            found.append(Arm((word,), when, raw[word] or []))
    return found


def _share(share: Any, language: Language) -> str:
    text = str(share)
    return text if language == "en" else text.replace("percent", "Prozent").replace(".", ",")
