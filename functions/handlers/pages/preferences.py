"""The page where people choose what they get from us: topics, ways, how often, a pause, or nothing.

A GET shows what the permission item says; a POST changes it at once, and tells of it by events
that hold the evidence.
"""

from datetime import timedelta
from html import escape
from typing import Any

from functions.handlers.pages.door import Asked, language, page, show
from functions.messages.brand import Brand
from functions.messages.link import BadLink, read
from functions.storage import people
from functions.storage.store import change
from functions.tracking.consent import CHANNELS, hear
from functions.tracking.event import Event, EventBatch, bodies
from functions.tracking.identity import short_hash
from functions.tracking.own_event import PREFERENCES_CHANGED
from functions.tracking.permission import PREFERENCE_PAGE, Permission, last_word
from functions.tracking.wishes import HOW_OFTEN, OWN_CHANNEL, no_wishes

PAUSES = (30, 90)  # days
AS_IT_COMES, NO_PAUSE = "any", "none"
WORDS = {
    "de": {
        "intro": "Was möchten Sie von uns bekommen?",
        "legend email": "Per E-Mail",
        "legend sms": "Per SMS",
        "unproven email": "Neue Themen können Sie hier nur ankreuzen, wenn Sie den Link aus einer "
        "Nachricht an Ihre jetzige E-Mail-Adresse öffnen.",
        "unproven sms": "Neue Themen können Sie hier nur ankreuzen, wenn Sie den Link aus einer "
        "SMS an Ihre jetzige Nummer öffnen.",
        "suppressed": "An diese Adresse können wir zurzeit nichts senden.",
        "how often": "Wie oft?",
        "often ": "Wie es kommt",
        "often weekly": "Höchstens einmal in der Woche",
        "often monthly": "Höchstens einmal im Monat",
        "pause": "Pause",
        "pause ": "Keine Pause",
        "pause until": "Pause bis {day}",
        "pause 30": "30 Tage lang nichts",
        "pause 90": "90 Tage lang nichts",
        "way": "Womit erreichen wir Sie am liebsten?",
        "way ": "Egal, wie es am besten passt",
        "way email": "Mit E-Mails",
        "way sms": "Mit SMS",
        "way is for": "Das gilt für Nachrichten, die auf beiden Wegen kommen könnten. Es erlaubt "
        "nichts, was Sie oben nicht angekreuzt haben.",
        "save": "Speichern",
        "leave": "Von allem abmelden",
        "contract": "Was zu einer Bestellung oder zu einem Vertrag gehört, bekommen Sie immer.",
        "saved": "Gespeichert. Es gilt ab sofort.",
        "nothing": "Daran hat sich nichts geändert.",
        "gone": "Zu diesem Link ist nichts mehr gespeichert.",
        "bad": "Dieser Link ist unvollständig. Bitte öffnen Sie ihn noch einmal aus der Nachricht.",
    },
    "en": {
        "intro": "What would you like to get from us?",
        "legend email": "By e-mail",
        "legend sms": "By text message",
        "unproven email": "New topics can be ticked here only by the link in a message to your "
        "present e-mail address.",
        "unproven sms": "New topics can be ticked here only by the link in a text message to your "
        "present number.",
        "suppressed": "At the moment we cannot send anything to this address.",
        "how often": "How often?",
        "often ": "As it comes",
        "often weekly": "Once a week at most",
        "often monthly": "Once a month at most",
        "pause": "A pause",
        "pause ": "No pause",
        "pause until": "A pause until {day}",
        "pause 30": "Nothing for 30 days",
        "pause 90": "Nothing for 90 days",
        "way": "Which way do you like best?",
        "way ": "Either, whatever fits best",
        "way email": "E-mail",
        "way sms": "Text messages",
        "way is for": "This is for messages that could come either way. It allows nothing that you "
        "have not ticked above.",
        "save": "Save",
        "leave": "Unsubscribe from everything",
        "contract": "What belongs to an order or a contract always comes.",
        "saved": "Saved. It holds from now on.",
        "nothing": "Nothing has changed.",
        "gone": "Nothing is stored for this link any more.",
        "bad": "This link is not complete. Please open it once more from the message.",
    },
}


@page("preferences", "GET", "POST")
def preferences(asked: Asked) -> dict[str, Any]:
    """Show what the person gets, and after a POST what they get from now on."""
    keys, now = asked.parts.settings.link_keys, asked.parts.now()
    try:
        person, channel, address = read("preferences", asked.rest, keys, now)
    except (BadLink, ValueError):
        spoken = language(asked, "", list(WORDS))
        return show(asked, spoken, WORDS[spoken]["bad"], status=404)
    spoken = language(asked, person, list(WORDS))
    words = WORDS[spoken]
    permission = people.permission_of(asked.parts.store, person)
    if permission.erased or not permission.version:
        return show(asked, spoken, words["gone"], status=404)
    proven = {channel: bool(address) and permission.addresses.get(channel, "").startswith(address)}
    text = words["intro"]
    if asked.method == "POST":
        said = _said(asked, permission, proven, spoken)
        way = _way(asked, permission)
        permission, changed = _change(asked, permission.person, said, way)
        text = words["saved" if changed else "nothing"]
    return show(asked, spoken, text, _form(asked, permission, proven, spoken))


def _change(
    asked: Asked, person: str, said: list[Event], way: list[Event]
) -> tuple[Permission, bool]:
    """Into the permission item at once; as events too, for evidence, timeline and journeys. The
    `way` is no permission, but something that the person tells of themselves."""
    store, heard = asked.parts.store, list[Event]()

    def take(permission: Permission) -> bool:
        heard[:] = [event for event in said if hear(permission, event)]
        return bool(heard)

    permission = change(store, lambda: people.permission_of(store, person), take)
    told = [*heard, *way]
    if told:
        asked.parts.send_events(bodies(EventBatch(told)), 0)
    return permission, bool(told)


def _said(
    asked: Asked, permission: Permission, proven: dict[str, bool], spoken: str
) -> list[Event]:
    """What the form says that it did not say when it was shown (`was`), as events."""
    if "leave" in asked.form:
        return [
            _event(asked, permission, "Consent Withdrawn", channel=channel) for channel in CHANNELS
        ]
    now_wanted, was = set(asked.form.get("topic", [])), set(asked.form.get("was", []))
    found = []
    for channel in CHANNELS:
        topics = [f"{channel}/{name}" for name in _purposes(asked.brand)]
        given = [key for key in topics if key in now_wanted - was and proven.get(channel)]
        left = [key for key in topics if key in was - now_wanted]
        for name, keys in (("Consent Given", given), ("Consent Withdrawn", left)):
            if keys:
                purposes = [key.partition("/")[2] for key in keys]
                shown = _wording(asked.brand, channel, spoken)
                more = {"text": short_hash(shown), "wording": shown, "language": spoken}
                found.append(
                    _event(asked, permission, name, channel=channel, purposes=purposes, **more)
                )
    return [*found, *_wishes(asked, permission)]


def _wishes(asked: Asked, permission: Permission) -> list[Event]:
    """How often, and a pause, if that is not what it was."""
    wishes, now = permission.wishes or no_wishes(), asked.parts.now()
    often = asked.form.get("often", [wishes.how_often])[0]
    often = "" if often == AS_IT_COMES else often
    pause = asked.form.get("pause", ["keep"])[0]
    until = wishes.pauses_until(now)
    if pause in map(str, PAUSES):
        until = now + timedelta(days=int(pause))
    elif pause == NO_PAUSE:
        until = None
    if often not in HOW_OFTEN or (often, until) == (wishes.how_often, wishes.pauses_until(now)):
        return []
    told = {"how_often": often, "paused_until": until.isoformat() if until else None}
    return [_event(asked, permission, PREFERENCES_CHANGED, **told)]


def _way(asked: Asked, permission: Permission) -> list[Event]:
    """The channel that the person likes best, if that is not what it was."""
    said = asked.form.get("way", [""])[0]
    said = "" if said == AS_IT_COMES else said
    answered = "way" in asked.form and "leave" not in asked.form
    if not answered or said not in ("", *CHANNELS) or said == _liked(asked, permission):
        return []
    event = _event(asked, permission, "", **{OWN_CHANNEL: said})
    event.type, event.traits, event.properties = "identify", event.properties, {}
    return [event]


def _liked(asked: Asked, permission: Permission) -> str:
    person = people.profile_of(asked.parts.store, permission.person)
    return str(person.trait(OWN_CHANNEL) or "")


def _ways(permission: Permission) -> list[str]:
    """The channels on which the person has an address and gets something."""
    given = {
        key.partition("/")[0]
        for key, word in permission.consents.items()
        if word.given and (last := last_word(permission, key)) and last.given
    }
    return [
        channel
        for channel in CHANNELS
        if channel in given & permission.addresses.keys() and channel not in permission.suppressed
    ]


def _event(asked: Asked, permission: Permission, name: str, **properties: Any) -> Event:
    now = asked.parts.now()
    told = sorted((key, str(value)) for key, value in properties.items())
    return Event(
        type="track",
        event=name,
        message_id=f"preferences-{short_hash(permission.person, name, str(now), str(told))}",
        time=now,
        received_at=now,
        client_time=now.isoformat(),
        properties=properties,
        context={"ip": asked.ip, "userAgent": asked.headers.get("user-agent", "")[:300]},
        source=PREFERENCE_PAGE,
        trusted=True,
        person=permission.person,
    )


def _purposes(brand: Brand) -> list[str]:
    return [name for name, needed in brand.needs_consent.items() if needed]


def _title(brand: Brand, purpose: str, spoken: str) -> str:
    return brand.purposes[purpose].title.get(spoken, purpose)


def _wording(brand: Brand, channel: str, spoken: str) -> str:
    """What the page asks, for the evidence."""
    words, titles = WORDS[spoken], [_title(brand, one, spoken) for one in _purposes(brand)]
    return " | ".join([brand.name, words["intro"], words[f"legend {channel}"], *titles])


def _form(asked: Asked, permission: Permission, proven: dict[str, bool], spoken: str) -> str:
    words = WORDS[spoken]
    fields = [
        _topics(asked.brand, permission, channel, proven.get(channel, False), spoken)
        for channel in CHANNELS
        if channel in permission.addresses
    ]
    wishes, now = permission.wishes or no_wishes(), asked.parts.now()
    often = [
        _choice(
            "radio", "often", one or AS_IT_COMES, words[f"often {one}"], one == wishes.how_often
        )
        for one in HOW_OFTEN
    ]
    until = wishes.pauses_until(now)
    pauses = [_choice("radio", "pause", NO_PAUSE, words["pause "], until is None)]
    if until:
        label = words["pause until"].format(day=until.date().isoformat())
        pauses.append(_choice("radio", "pause", "keep", label, True))
    pauses += [
        _choice("radio", "pause", str(days), words[f"pause {days}"], False) for days in PAUSES
    ]
    fields += [_group(words["how often"], often), _group(words["pause"], pauses)]
    if len(_ways(permission)) > 1:
        liked = asked.form.get("way", [_liked(asked, permission) or AS_IT_COMES])[0]
        ways = [
            _choice("radio", "way", value, words[f"way {one}"], value == liked)
            for one, value in (("", AS_IT_COMES), *zip(CHANNELS, CHANNELS, strict=True))
        ]
        fields.append(_group(words["way"], [*ways, f"<p>{escape(words['way is for'])}</p>"]))
    return (
        f'<form method="post">{"".join(fields)}<p><button>{words["save"]}</button></p>'
        f'<p><button name="leave" value="all" style="background:#8a2b20">{words["leave"]}</button>'
        f"</p></form><p>{escape(words['contract'])}</p>"
    )


def _topics(
    brand: Brand, permission: Permission, channel: str, is_proven: bool, spoken: str
) -> str:
    """The topics of one way. Only who has shown that the address is theirs may tick a new one."""
    words, rows = WORDS[spoken], []
    for purpose in _purposes(brand):
        key = f"{channel}/{purpose}"
        word = last_word(permission, key)
        given = bool(word and word.given)
        label = _title(brand, purpose, spoken)
        rows.append(_choice("checkbox", "topic", key, label, given, given or is_proven))
        if given:
            rows.append(f'<input type="hidden" name="was" value="{escape(key)}">')
    if channel in permission.suppressed:
        rows.append(f"<p>{escape(words['suppressed'])}</p>")
    elif not is_proven:
        rows.append(f"<p>{escape(words[f'unproven {channel}'])}</p>")
    return _group(words[f"legend {channel}"], rows)


def _group(legend: str, rows: list[str]) -> str:
    return f"<fieldset><legend>{escape(legend)}</legend>{''.join(rows)}</fieldset>"


def _choice(kind: str, name: str, value: str, label: str, is_on: bool, is_open: bool = True) -> str:
    marks = (" checked" if is_on else "") + ("" if is_open else " disabled")
    return (
        f'<p><label><input type="{kind}" name="{name}" value="{escape(value)}"{marks}> '
        f"{escape(label)}</label></p>"
    )
