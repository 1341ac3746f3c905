"""The brief: what a colleague should know of a person before they talk, in plain sentences."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from functions.journeys.run import Task
from functions.sales.deals import missing
from functions.sales.records import Deal, Lead, Note
from functions.sales.rules import CLOSED, Stage
from functions.segments.person import fields
from functions.segments.spoken import Language, day, number, quoted, value
from functions.tracking.fold import open_carts
from functions.tracking.message import Message
from functions.tracking.profile import Profile

MOST = 5  # of each: pages, searches, clicks, messages, notes, products
SHORT = 200  # letters of a text from outside


class Part(msgspec.Struct):
    """One heading of a brief, and what stands below it."""

    title: str
    says: list[str]


class Brief(msgspec.Struct, kw_only=True):
    """Who somebody is, what they did, and what is next; headings without anything are left out."""

    person: str
    name: str
    email: str
    phone: str
    company: str
    owner: str
    parts: list[Part]


@dataclass(frozen=True)
class Known:
    """All that a brief is made of; `score_parts` has the points of each rule, `hints` what
    to offer, in sentences."""

    profile: Profile
    now: datetime
    zone: ZoneInfo
    tasks: Sequence[Task] = ()
    leads: Sequence[Lead] = ()
    deals: Sequence[Deal] = ()
    notes: Sequence[Note] = ()
    messages: Sequence[Message] = ()
    pipeline: Mapping[str, Stage] = field(default_factory=dict)
    score_parts: Mapping[str, float] = field(default_factory=dict)
    hints: Sequence[str] = ()


_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "who": "Who",
        "interest": "Interest",
        "buys": "Purchases",
        "offers": "Worth offering",
        "stands": "Where they stand",
        "open": "Open with us",
        "talks": "Last conversations",
        "messages": "Last messages",
        "next": "Next",
        "known since": "known since {}",
        "last seen": "last seen on {}",
        "place": "lives or works in {}",
        "speaks": "language: {}",
        "came by": "came by {}",
        "page": "looked at {} on {}",
        "search": "searched for {} on {}",
        "click": "clicked {} in {} on {}",
        "orders": "{} orders, worth {}",
        "order": "one order, worth {}",
        "owns": "has {}",
        "cart": "left in the cart: {}",
        "stage": "stage: {}",
        "score": "score: {}",
        "part": "{}: {} points",
        "task": "{} ({}, {})",
        "due": "due on {}",
        "overdue": "overdue since {}",
        "no day": "no date",
        "deal": "deal {}: {}, stage {} since {}",
        "closing": "{}, expected to close on {}",
        "offer": "offer {} went out on {}",
        "signed": "offer {} was signed on {}",
        "lead": "handed over on {} with {} points: {}",
        "open lead": "not accepted yet",
        "call": "call",
        "meeting": "meeting",
        "visit": "visit",
        "email": "e-mail",
        "note": "{} on {}{}: {}",
        "no words": "no words",
        "sent": "{} on {}: {}",
        "clicked": "clicked",
        "opened": "opened",
        "quiet": "no reaction",
        "not sent": "{} was not sent: {}",
        "do": "{} ({})",
        "ask": "find out for the deal {}: {}",
        "accept": "say whether you take the lead: {}",
        "no talk": "nobody has spoken to them yet",
        "long ago": "the last conversation was on {}",
        "nothing": "nothing is open",
        "accepted": "accepted",
        "rejected": "rejected",
        "won": "won",
        "lost": "lost",
        "reached": "reached",
        "interested": "interested",
        "not interested": "not interested",
        "call again": "wants to be called again",
        "not reached": "not reached",
    },
    "de": {
        "who": "Wer",
        "interest": "Interesse",
        "buys": "Käufe",
        "offers": "Was passen könnte",
        "stands": "Stand",
        "open": "Offen bei uns",
        "talks": "Letzte Gespräche",
        "messages": "Letzte Nachrichten",
        "next": "Als Nächstes",
        "known since": "bekannt seit {}",
        "last seen": "zuletzt gesehen am {}",
        "place": "lebt oder arbeitet in {}",
        "speaks": "Sprache: {}",
        "came by": "kam über {}",
        "page": "sah {} an am {}",
        "search": "suchte nach {} am {}",
        "click": "klickte {} in {} am {}",
        "orders": "{} Bestellungen im Wert von {}",
        "order": "eine Bestellung im Wert von {}",
        "owns": "hat {}",
        "cart": "liegt im Warenkorb: {}",
        "stage": "Stufe: {}",
        "score": "Punkte: {}",
        "part": "{}: {} Punkte",
        "task": "{} ({}, {})",
        "due": "fällig am {}",
        "overdue": "überfällig seit {}",
        "no day": "ohne Termin",
        "deal": "Geschäft {}: {}, Stufe {} seit {}",
        "closing": "{}, Abschluss erwartet am {}",
        "offer": "Angebot {} ging am {} hinaus",
        "signed": "Angebot {} wurde am {} unterschrieben",
        "lead": "übergeben am {} mit {} Punkten: {}",
        "open lead": "noch nicht angenommen",
        "call": "Anruf",
        "meeting": "Treffen",
        "visit": "Besuch",
        "email": "E-Mail",
        "note": "{} am {}{}: {}",
        "no words": "ohne Worte",
        "sent": "{} am {}: {}",
        "clicked": "geklickt",
        "opened": "geöffnet",
        "quiet": "keine Reaktion",
        "not sent": "{} wurde nicht gesendet: {}",
        "do": "{} ({})",
        "ask": "für das Geschäft {} herausfinden: {}",
        "accept": "sagen, ob Sie den Lead übernehmen: {}",
        "no talk": "mit der Person hat noch niemand gesprochen",
        "long ago": "das letzte Gespräch war am {}",
        "nothing": "nichts ist offen",
        "accepted": "angenommen",
        "rejected": "abgelehnt",
        "won": "gewonnen",
        "lost": "verloren",
        "reached": "erreicht",
        "interested": "interessiert",
        "not interested": "nicht interessiert",
        "call again": "möchte wieder angerufen werden",
        "not reached": "nicht erreicht",
    },
}


def known_of(profile: Profile, now: datetime) -> dict[str, str]:
    """What a task says of the person, from the profile alone."""
    person = fields(profile, now)
    wanted = ("name", "first_name", "last_name", "company", "email", "phone", "orders", "revenue")
    found = {name: str(person[name]) for name in wanted if person.get(name) not in (None, "")}
    if person.get("stage"):
        found["stage"] = str(person["stage"])
    if person.get("score"):
        found["score"] = str(person["score"])
    if profile.pages:
        found["last page"] = profile.pages[-1].what
    if profile.searches:
        found["last search"] = profile.searches[-1].what
    return {name: text[:SHORT] for name, text in found.items()}


def brief(known: Known, language: Language) -> Brief:
    """Everything in its order; times are told as days where the person is."""
    teller = _Teller(known, language)
    person = teller.person
    names = (person.get("first_name"), person.get("last_name"))
    whole = " ".join(str(name) for name in names if name)
    return Brief(
        person=known.profile.person,
        name=_text(person.get("name")) or whole,
        email=_text(person.get("email")),
        phone=_text(person.get("phone")),
        company=_company(person),
        owner=_text(person.get("owner")),
        parts=[part for part in teller.parts() if part.says],
    )


def _text(found: Any) -> str:
    return str(found)[:SHORT] if isinstance(found, str | int | float) else ""


def _company(person: Mapping[str, Any]) -> str:
    found = person.get("company")
    return _text(found.get("name") if isinstance(found, dict) else found)


class _Teller:
    """Says what is known in one language."""

    def __init__(self, known: Known, language: Language) -> None:
        self._known, self._language = known, language
        self._words = _WORDS[language]
        self.person = fields(known.profile, known.now)
        self._open = sorted(
            (task for task in known.tasks if task.status == "open"),
            key=lambda task: (task.due is None, task.due or task.created),
        )
        self._deals = [deal for deal in known.deals if deal.stage not in CLOSED]

    def parts(self) -> Iterable[Part]:
        """Under their headings."""
        for title, says in (
            ("next", self._next()),
            ("who", self._who()),
            ("stands", self._stands()),
            ("interest", self._interest()),
            ("buys", self._buys()),
            ("offers", self._known.hints),
            ("open", self._with_us()),
            ("talks", self._talks()),
            ("messages", self._messages()),
        ):
            yield Part(self._words[title], list(says))

    def _say(self, form: str, *said: Any) -> str:
        return self._words[form].format(*said)

    def _day(self, time: datetime) -> str:
        return day(time.astimezone(self._known.zone), self._language)

    def _number(self, found: Any) -> str:
        return number(found, self._language)

    def _quoted(self, text: str) -> str:
        return quoted(text[:SHORT], self._language)

    def _value(self, found: Any) -> str:
        return found[:SHORT] if isinstance(found, str) else value(found, self._language)

    def _who(self) -> Iterable[str]:
        person, profile = self.person, self._known.profile
        if profile.created:
            yield self._say("known since", self._day(profile.created))
        if person.get("last_seen"):
            yield self._say("last seen", self._day(person["last_seen"]))
        place = [_text(person.get(name)) for name in ("city", "country")]
        if any(place):
            yield self._say("place", ", ".join(filter(None, place)))
        if person.get("locale"):
            yield self._say("speaks", _text(person["locale"]))
        touch = profile.first_touch
        if touch and (touch.campaign or touch.referrer):
            campaign = touch.campaign.get("source") or touch.campaign.get("name")
            yield self._say("came by", self._quoted(str(campaign or touch.referrer)))

    def _stands(self) -> Iterable[str]:
        if self.person.get("stage"):
            yield self._say("stage", _text(self.person["stage"]))
        if self.person.get("score"):
            yield self._say("score", self._number(round(self.person["score"])))
        parts = self._known.score_parts
        for name, points in sorted(parts.items(), key=lambda one: (-abs(one[1]), one[0]))[:MOST]:
            yield self._say("part", name, self._number(round(points)))

    def _interest(self) -> Iterable[str]:
        profile = self._known.profile
        for visit in sorted(profile.pages, key=lambda one: one.time, reverse=True)[:MOST]:
            yield self._say("page", self._quoted(visit.title or visit.what), self._day(visit.time))
        for visit in sorted(profile.searches, key=lambda one: one.time, reverse=True)[:MOST]:
            yield self._say("search", self._quoted(visit.what), self._day(visit.time))
        clicks = (
            (time, link, message.message)
            for message in self._known.messages
            for link, time in message.clicked.items()
        )
        for time, link, message in sorted(clicks, reverse=True)[:MOST]:
            yield self._say("click", self._quoted(link or "?"), message, self._day(time))

    def _buys(self) -> Iterable[str]:
        worth = self._number(self.person["revenue"])
        if self.person["orders"] == 1:
            yield self._say("order", worth)
        elif self.person["orders"]:
            yield self._say("orders", self._number(self.person["orders"]), worth)
        orders = [order for order in self._known.profile.orders.values() if order.counts]
        owned = dict.fromkeys(sku for order in orders[::-1] for sku in order.skus)
        if owned:
            yield self._say("owns", ", ".join(self._quoted(sku) for sku in list(owned)[:MOST]))
        for cart in open_carts(self._known.profile).values():
            items = [self._quoted(item) for item, units in cart.items.items() if units > 0]
            yield self._say("cart", ", ".join(items[:MOST]))

    def _with_us(self) -> Iterable[str]:
        for task in self._open[:MOST]:
            yield self._say("task", task.text, task.owner, self._due(task))
        for deal in self._deals[:MOST]:
            yield self._deal(deal)
            for offer in deal.offers:
                form = "signed" if offer.signed else "offer"
                yield self._say(form, offer.offer_id, self._day(offer.signed or offer.sent))
        for lead in self._known.leads[:MOST]:
            reason = f" ({lead.reason})" if lead.reason else ""
            status = self._words["open lead" if lead.status == "open" else lead.status]
            points = self._number(round(lead.score))
            yield self._say("lead", self._day(lead.handed), points, f"{status}{reason}")

    def _due(self, task: Task) -> str:
        if task.due is None:
            return self._words["no day"]
        return self._say("overdue" if task.due < self._known.now else "due", self._day(task.due))

    def _deal(self, deal: Deal) -> str:
        worth = f"{self._number(deal.value)} {deal.currency}".strip()
        if deal.expected:
            expected = datetime.fromisoformat(deal.expected)
            worth = self._say("closing", worth, day(expected, self._language))
        stage = self._known.pipeline.get(deal.stage)
        name = (stage.title if stage else "") or deal.stage
        since = self._day(deal.stays[-1].since)
        return self._say("deal", self._quoted(deal.title), worth, self._quoted(name), since)

    def _talks(self) -> Iterable[str]:
        notes = sorted(self._known.notes, key=lambda note: (note.at, note.note_id), reverse=True)
        for note in notes[:MOST]:
            outcome = f", {self._words.get(note.outcome, note.outcome)}" if note.outcome else ""
            told = [f"{name}: {self._value(one)}" for name, one in note.fields.items()]
            said = "; ".join(filter(None, [note.text[:SHORT], *told])) or self._words["no words"]
            yield self._say("note", self._words[note.kind], self._day(note.at), outcome, said)

    def _messages(self) -> Iterable[str]:
        found = [one for one in self._known.messages if one.claimed]
        latest = sorted(found, key=lambda one: (one.claimed or self._known.now, one.send_id))
        for message in latest[::-1][:MOST]:
            assert message.claimed
            name = self._quoted(message.subject or message.message)
            if message.state in ("sent", "unknown"):
                form = "clicked" if message.clicked else "opened" if message.opened else "quiet"
                yield self._say("sent", name, self._day(message.claimed), self._words[form])
            else:
                yield self._say("not sent", name, message.reason)

    def _next(self) -> Iterable[str]:
        before = len(self._open) + len(self._deals)
        for lead in self._known.leads:
            if lead.status == "open":
                before += 1
                yield self._say("accept", lead.text)
        for task in self._open[:MOST]:
            yield self._say("do", task.text, self._due(task))
        for deal in self._deals:
            lacks = missing(deal, self._known.pipeline)
            if lacks:
                yield self._say("ask", self._quoted(deal.title), ", ".join(lacks))
        contact = self.person.get("last_contact")
        yield self._say("long ago", self._day(contact)) if contact else self._words["no talk"]
        if not before:
            yield self._words["nothing"]
