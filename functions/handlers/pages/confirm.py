"""Confirming: the page behind the link of a confirmation message (double opt-in)."""

from datetime import UTC, datetime
from typing import Any

from functions.handlers import requesting
from functions.handlers.headers import ALWAYS
from functions.handlers.pages.door import Asked, language, page, show
from functions.messages import link
from functions.storage import evidence, people
from functions.storage.store import Contended
from functions.tracking.event import Event, EventBatch, bodies
from functions.tracking.evidence import Evidence
from functions.tracking.own_event import CONSENT_CONFIRMED, CONSENT_GIVEN
from functions.tracking.permission import Asked as SignedUp

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
SOURCE = "confirmation link"
WORDS = {
    "de": {
        "ask": "Möchten Sie bestätigen, dass Sie Nachrichten zu {purposes} bekommen wollen "
        "({channel})?",
        "button": "Ja, bestätigen",
        "done": "Vielen Dank, Ihre Anmeldung ist bestätigt. Sie können sich jederzeit abmelden.",
        "already": "Ihre Anmeldung ist schon bestätigt. Sie brauchen nichts mehr zu tun.",
        "late": "Dieser Link gilt nicht mehr. Sollen wir Ihnen einen neuen schicken?",
        "again": "Neuen Link schicken",
        "sent": "Wir haben Ihnen eine neue Nachricht geschickt, wenn Sie heute nicht schon mehrere "
        "bekommen haben.",
        "over": "Diese Anmeldung gilt nicht mehr. Bitte melden Sie sich neu an.",
        "bad": "Dieser Link ist unvollständig. Bitte öffnen Sie ihn noch einmal aus der Nachricht.",
        "busy": "Gerade ist viel los. Bitte versuchen Sie es noch einmal.",
        "email": "per E-Mail",
        "sms": "per SMS",
    },
    "en": {
        "ask": "Do you want to confirm that you wish to get messages about {purposes} ({channel})?",
        "button": "Yes, confirm",
        "done": "Thank you, your sign-up is confirmed. You can unsubscribe at any time.",
        "already": "Your sign-up is confirmed already. There is nothing more to do.",
        "late": "This link is over. Shall we send you a new one?",
        "again": "Send a new link",
        "sent": "We have sent you a new message, unless you got several today already.",
        "over": "This sign-up is over. Please sign up anew.",
        "bad": "This link is not complete. Please open it once more from the message.",
        "busy": "Much is going on just now. Please try once more.",
        "email": "by e-mail",
        "sms": "by text message",
    },
}


@page("confirm", "GET", "POST")
def confirm(asked: Asked) -> dict[str, Any]:
    """GET shows the page and changes nothing (scanners open links); POST confirms.

    The queue has the consent before the answer goes out; who clicks twice consents once.
    """
    keys, now = asked.parts.settings.link_keys, asked.parts.now()
    try:
        # Of one that is over we still want to know whose it was.
        person, request = link.read("confirm", asked.rest, keys, LONG_AGO)
    except (link.BadLink, ValueError):
        spoken = language(asked, "", list(WORDS))
        return show(asked, spoken, WORDS[spoken]["bad"], status=404)
    spoken = language(asked, person, list(WORDS))
    words = WORDS[spoken]
    permission = people.permission_of(asked.parts.store, person)
    signed_up = permission.asked.get(request)
    if signed_up is None or signed_up.address != permission.addresses.get(signed_up.channel, ""):
        return show(asked, spoken, words["over"], status=410)
    if signed_up.confirmed:
        return show(asked, spoken, words["already"])
    if _is_over(asked, signed_up, now):
        return _offer_again(asked, spoken, permission.person, request, signed_up)
    if asked.method == "POST":
        _confirm(asked, permission.person, request, signed_up)
        return _thank(asked, spoken, permission.person, request)
    form = f'<form method="post"><button>{words["button"]}</button></form>'
    return show(asked, spoken, _question(asked, spoken, signed_up), form)


def _is_over(asked: Asked, signed_up: SignedUp, now: datetime) -> bool:
    try:
        link.read("confirm", asked.rest, asked.parts.settings.link_keys, now)
    except link.BadLink:
        return True
    return now >= signed_up.until


def _question(asked: Asked, spoken: str, signed_up: SignedUp) -> str:
    known = asked.brand.purposes
    titles = (
        known[name].title.get(spoken, name) if name in known else name
        for name in signed_up.purposes
    )
    words = WORDS[spoken]
    said = ", ".join(f"„{title}“" if spoken == "de" else f"“{title}”" for title in titles)
    return words["ask"].format(purposes=said, channel=words[signed_up.channel])


def _confirm(asked: Asked, person: str, request: str, signed_up: SignedUp) -> None:
    """What the person says, as events. They are the same however often they are sent, and they are
    all there is: the permission follows from them, so that no consent is without its evidence."""
    found = _entered(asked, person, request)
    known = {"request": request, "channel": signed_up.channel, "purposes": signed_up.purposes}
    known["form"] = found.form if found else ""
    form = asked.parts.library.forms().get(str(known["form"]))
    consent = {**known, "text": found.text if found else ""}
    events = [
        _event(asked, person, signed_up, CONSENT_GIVEN, f"confirm-{request}", consent),
        _event(
            asked,
            person,
            signed_up,
            CONSENT_CONFIRMED,
            f"confirmed-{request}",
            {**known, "incentive": form.incentive if form else ""},
        ),
    ]
    if found and found.fields:
        named = _event(asked, person, signed_up, "", f"entered-{request}", {})
        named.type, named.traits = "identify", found.fields
        events.append(named)
    asked.parts.send_events(bodies(EventBatch(events)), 0)


def _event(
    asked: Asked,
    person: str,
    signed_up: SignedUp,
    name: str,
    message_id: str,
    said: dict[str, Any],
) -> Event:
    now = asked.parts.now()
    return Event(
        type="track",
        event=name,
        message_id=message_id,
        time=now,
        received_at=now,
        # Of two clicks at once the second is known by it.
        client_time=signed_up.time.isoformat(),
        properties=said,
        context=_context(asked),
        source=SOURCE,
        trusted=True,
        person=person,
    )


def _context(asked: Asked) -> dict[str, Any]:
    return {"ip": asked.ip, "userAgent": asked.headers.get("user-agent", "")[:300]}


def _entered(asked: Asked, person: str, request: str) -> Evidence | None:
    """What was written down of the sign-up."""
    store = asked.parts.store
    chains = evidence.chains(store, people.profile_of(store, person))
    found = (one for chain in chains for one in chain)
    return next((one for one in found if (one.request, one.said) == (request, "asked")), None)


def _thank(asked: Asked, spoken: str, person: str, request: str) -> dict[str, Any]:
    found = _entered(asked, person, request)
    form = asked.parts.library.forms().get(found.form) if found else None
    if form and form.confirmed:
        return {"statusCode": 303, "headers": {**ALWAYS, "location": form.confirmed}, "body": ""}
    return show(asked, spoken, WORDS[spoken]["done"])


def _offer_again(
    asked: Asked, spoken: str, person: str, request: str, signed_up: SignedUp
) -> dict[str, Any]:
    """The link is over: a POST asks for a new one, as often as a form may be sent."""
    words = WORDS[spoken]
    if asked.method != "POST":
        form = f'<form method="post"><button>{words["again"]}</button></form>'
        return show(asked, spoken, words["late"], form, status=410)
    found = _entered(asked, person, request)
    if found is None:
        return show(asked, spoken, words["over"], status=410)
    anew = requesting.Request(
        form=found.form,
        channel=signed_up.channel,
        purposes=signed_up.purposes,
        text=found.text,
        wording=found.wording,
        address=found.address,
        language=found.language or spoken,
        person=person,
        fields=found.fields,
        context=_context(asked),
    )
    try:
        if requesting.from_here(asked.parts, asked.ip):
            requesting.ask(asked.parts, anew)
    except Contended:
        return show(asked, spoken, words["busy"], status=503)
    return show(asked, spoken, words["sent"])
