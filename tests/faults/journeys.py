"""Small journeys made for the simulator, in two versions, and what their reader expects."""

from dataclasses import dataclass
from functools import cache

from functions.engine.machine import Machine, load
from functions.folder import Folder, check
from functions.journeys.flow import compile_journey
from functions.storage.library import Published

VERSIONS = (1, 2)

BRAND = """
name: Tante
locale: en
languages: [en]
time zone: Europe/Berlin
currency: EUR
sender: {name: Tante, email: hello@tante.example, sms: Tante}
purposes:
  transactional: {consent: not needed, title: {en: Orders}}
  tips: {consent: required, title: {en: Tips}}
teams: {care: {email: care@tante.example}}
owner: care
"""

JOURNEYS = {
    "welcome": """
        title: A mail, then what came of it
        purpose: tips
        enter when: {event: Signed Up}
        once per: person
        leave when: [{event: Account Closed, as: closed}]
        steps:
          - send: hello
            if not sent: [{task: Call, for: care}]
          - wait for: {clicked: hello}
            at most: 2 days
            then: [{send: liked}]
            otherwise: [{send: missed}]
    """,
    "order": """
        title: A text, fused with a wait for an event
        purpose: transactional
        enter when: {event: Order Completed}
        once per: order_id
        leave when: [{event: Order Refunded, same: order_id, as: refunded}]
        steps:
          - send: receipt
          - wait for: {event: Parcel Received, same: order_id}
            at most: 3 days
            then: [{send: enjoy}]
            otherwise: [{send: sorry}]
          - wait: 1 day
          - send: rate
            purpose: tips
    """,
    "visit": """
        title: Every visit, and a wait after a wait
        purpose: transactional
        enter when: {event: Visited}
        once per: occasion
        leave when: [{event: Bye, as: gone}]
        goal: {event: Order Completed, within: 2 days, stay: true}
        steps:
          - wait: 4 hours
          - wait for: {event: Answered}
            at most: 1 day
            then: [{start journey: follow}]
            otherwise: [{task: Ask again, for: care}]
    """,
    "follow": """
        title: Only started by another journey
        purpose: tips
        once per: person
        leave when: [{event: Bye, as: gone}]
        steps:
          - send: followed
          - wait: 1 day
          - send: again
    """,
    "digest": """
        title: A wait that each visit prolongs, then a loop with two ways out of its wait
        purpose: transactional
        enter when: {event: Signed Up}
        once per: person
        leave when: [{event: Account Closed, as: closed}]
        steps:
          - wait: 2 hours
            after the last: {event: [Signed Up, Visited]}
          - repeat:
              - send: digest
              - wait for first of:
                  - {event: Answered, then: [{send: answered}]}
                  - {event: Parcel Received, then: [{task: Ask, for: care}]}
                at most: 1 day
                otherwise: [{update: {add to score: 1}}]
              - wait: 2 hours
            times: 2
    """,
    "weekly": """
        title: Once a week at most
        purpose: transactional
        enter when: {event: Looked}
        once per: 7 days
        goal: {event: Order Completed, within: 1 day}
        steps:
          - wait: 1 day
          - send: seen
    """,
}
MAILS = {"welcome": ["hello"], "follow": ["followed"], "weekly": ["seen"]}
TEXTS = {
    "welcome": ["liked", "missed"],
    "order": ["receipt", "enjoy", "sorry", "rate"],
    "follow": ["again"],
    "digest": ["digest", "answered"],
}
MAIL = """<mjml><mj-head><mj-title>{words}</mj-title></mj-head><mj-body><mj-section><mj-column>
<mj-text>{words} <a href="{{{{ unsubscribe }}}}">leave</a></mj-text>
</mj-column></mj-section></mj-body></mjml>"""
TEXT = "{words} {{{{ unsubscribe }}}}"


def folder(version: int) -> Folder:
    """The folder of journeys as somebody left it: from version 2 on there is a step more."""
    return Folder(BRAND, {}, {name: _files(name, text, version) for name, text in JOURNEYS.items()})


def _files(name: str, text: str, version: int) -> dict[str, str]:
    if version > 1:
        text = text.replace("wait: 1 day", f"wait: {version * 12} hours")
    files = {"journey.yaml": text}
    for message in MAILS.get(name, ()):
        files[f"{message}.en.mjml"] = MAIL.format(words=_words(name, message, version))
    for message in TEXTS.get(name, ()):
        files[f"{message}.en.sms"] = TEXT.format(words=_words(name, message, version))
    return files


def _words(journey: str, message: str, version: int) -> str:
    """What the outside can read: which message of which journey, its version, for what."""
    again = " {{ pass }}" if journey == "digest" else ""  # its loop sends the same once more
    return f"{journey}/{message}{again} v{version} [{{{{ entry.order_id }}}}]"


@cache
def versions() -> dict[tuple[str, str], Published]:
    """Every version there can be, read: they never change, so a process needs them once."""
    found = [one for version in VERSIONS for one in check(folder(version))]
    return {
        (one.journey.name, one.version): Published(
            one.journey, one.version, one.files, f"{one.journey.name}@{one.version}"
        )
        for one in found
    }


@cache
def same_places(name: str, version: int) -> dict[str, str]:
    """The steps of the first version, each with the one that stands there in another."""
    first, other = (
        next(one.journey for one in check(folder(number)) if one.journey.name == name)
        for number in (1, version)
    )
    pairs = zip(first.every_step(), other.every_step(), strict=True)
    return {old.name: new.name for old, new in pairs if old.name != new.name}


@cache
def machine(key: str) -> Machine:
    """The compiled state machine of a version."""
    journey, _, version = key.rpartition("@")
    return load(compile_journey(versions()[journey, version].journey, version))


@dataclass(frozen=True)
class Awaited:
    """A wait as a reader understands it: the step whose wait it is, and where each arm leads."""

    wait: str
    event: str
    same: str
    then: str
    otherwise: str


@dataclass(frozen=True)
class Expected:
    """What the file says, in the fewest words: who enters, by which key, and what ends it."""

    enters: str
    key: str
    exits: dict[str, str]
    same: str = ""
    awaited: Awaited | None = None


EXPECTED = {
    "welcome": Expected("Signed Up", "person", {"Account Closed": "closed"}),
    "order": Expected(
        "Order Completed",
        "order_id",
        {"Order Refunded": "refunded"},
        "order_id",
        Awaited(
            "wait for Parcel Received", "Parcel Received", "order_id", "send enjoy", "send sorry"
        ),
    ),
    "visit": Expected(
        "Visited",
        "occasion",
        {"Bye": "gone"},
        "",
        Awaited("wait for Answered", "Answered", "", "start journey follow", "task Ask again"),
    ),
    "follow": Expected("", "person", {"Bye": "gone"}),
    "digest": Expected("Signed Up", "person", {"Account Closed": "closed"}),
    "weekly": Expected("Looked", "week", {"Order Completed": "goal"}),
}
