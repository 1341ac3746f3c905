"""A person's consent as a document: in plain words when, where and to what they said yes or no."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape

from functions.messages.brand import Brand
from functions.segments.spoken import Language
from functions.tracking.evidence import Evidence, verify

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Consent of {who}",
        "made": "Kept by {brand}, printed on {now}.",
        "none": "Nothing was ever said about consent.",
        "chain": "Records kept under {person}: {count}.",
        "intact": "The chain is intact: no record was changed, left out or put in later. "
        "Hash of the last record: {hash}",
        "broken": "THE CHAIN IS BROKEN at record {number}: it or what stood before it was changed.",
        "asked": "{number}. On {time} somebody signed up for {purposes} {channel}. This permits "
        "nothing by itself.",
        "confirmed": "{number}. On {time} the owner of the address confirmed: they want {purposes} "
        "{channel}. From then on it was permitted (double opt-in).",
        "given": "{number}. On {time}, as the source “{source}” told us, the person agreed to "
        "{purposes} {channel}. We did not ask for a confirmation ourselves.",
        "withdrawn": "{number}. On {time} the person withdrew {purposes} {channel}. From then on "
        "it was forbidden.",
        "expired": "{number}. On {time} the sign-up ended, because nobody had confirmed it.",
        "all": "everything",
        "email": "by e-mail",
        "sms": "by text message",
        "address": "Address",
        "wording": "The words that were shown",
        "text": "Version of the words",
        "form": "Form",
        "page": "Page",
        "ip": "IP address",
        "agent": "Program",
        "source": "Told by",
        "request": "Sign-up",
        "received": "Received",
        "hash": "Hash",
    },
    "de": {
        "title": "Einwilligung von {who}",
        "made": "Geführt von {brand}, gedruckt am {now}.",
        "none": "Zur Einwilligung wurde nie etwas gesagt.",
        "chain": "Einträge unter {person}: {count}.",
        "intact": "Die Kette ist unversehrt: Kein Eintrag wurde später geändert, weggelassen oder "
        "eingefügt. Prüfsumme des letzten Eintrags: {hash}",
        "broken": "DIE KETTE IST GEBROCHEN bei Eintrag {number}: Er oder was davor stand, wurde "
        "geändert.",
        "asked": "{number}. Am {time} hat sich jemand angemeldet: {purposes} {channel}. Das allein "
        "erlaubt nichts.",
        "confirmed": "{number}. Am {time} hat der Inhaber der Adresse bestätigt: {purposes} "
        "{channel}. Seitdem war es erlaubt (Double-Opt-in).",
        "given": "{number}. Am {time} hat die Person eingewilligt, wie uns die Quelle „{source}“ "
        "sagte: {purposes} {channel}. Wir selbst haben nicht um Bestätigung gebeten.",
        "withdrawn": "{number}. Am {time} hat die Person widerrufen: {purposes} {channel}. Seitdem "
        "war es verboten.",
        "expired": "{number}. Am {time} endete die Anmeldung, weil niemand sie bestätigt hatte.",
        "all": "alles",
        "email": "per E-Mail",
        "sms": "per SMS",
        "address": "Adresse",
        "wording": "Der gezeigte Wortlaut",
        "text": "Fassung des Wortlauts",
        "form": "Formular",
        "page": "Seite",
        "ip": "IP-Adresse",
        "agent": "Programm",
        "source": "Gesagt von",
        "request": "Anmeldung",
        "received": "Eingegangen",
        "hash": "Prüfsumme",
    },
}
DETAILS = ("address", "wording", "text", "form", "page", "ip", "agent", "source", "request")
PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}}
p{{white-space:pre-wrap;overflow-wrap:anywhere;break-inside:avoid}}</style></head>
<body><h1>{title}</h1>{body}</body></html>
"""


def paragraphs(
    chains: Sequence[Sequence[Evidence]], who: str, brand: Brand, now: datetime, language: Language
) -> list[str]:
    """The document, its heading first: each record, and whether the chains are whole."""
    words = WORDS[language]
    found = [
        words["title"].format(who=who),
        words["made"].format(brand=brand.name, now=_time(now)),
    ]
    if not chains:
        return [*found, words["none"]]
    for chain in chains:
        found.append(words["chain"].format(person=chain[0].person, count=len(chain)))
        found += (_record(one, brand, language) for one in chain)
        broken = verify(chain)
        state = "broken" if broken else "intact"
        found.append(words[state].format(number=broken, hash=chain[-1].hash))
    return found


def html(found: Sequence[str], language: Language) -> str:
    """The document as a page to print."""
    title, *rest = found
    body = "".join(f"<p>{escape(one)}</p>" for one in rest)
    return PAGE.format(language=language, title=escape(title), body=body)


def _record(one: Evidence, brand: Brand, language: Language) -> str:
    words = WORDS[language]
    said = words[one.said].format(
        number=one.number,
        time=_time(one.time),
        purposes=", ".join(_titles(one, brand, language)) or words["all"],
        channel=words.get(one.channel, one.channel),
        source=one.source,
    )
    return "\n".join([said, *(f"    {line}" for line in _details(one, words))])


def _titles(one: Evidence, brand: Brand, language: Language) -> Iterator[str]:
    for name in one.purposes:
        purpose = brand.purposes.get(name)
        title = purpose.title.get(language, name) if purpose else name
        yield f"„{title}“" if language == "de" else f"“{title}”"


def _details(one: Evidence, words: Mapping[str, str]) -> Iterator[str]:
    for name in DETAILS:
        value = getattr(one, name)
        if value:
            yield f"{words[name]}: {' '.join(str(value).split())}"
    yield f"{words['received']}: {_time(one.received)}"
    yield f"{words['hash']}: {one.hash}"


def _time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
