"""What is said of a merge, in English and German: who became whom, by what, and why it stays."""

from functions.segments.spoken import Language, moment, quoted
from functions.tracking.merge_record import Merge

# kind -> who was known by it, and the identifier itself after "with" and "mit"
_WHO = {
    "en": {
        "anonymous_id": ("the visitor of the device {}", "the device {}"),
        "email": ("the person with the e-mail address {}", "the e-mail address {}"),
        "phone": ("the person with the phone number {}", "the phone number {}"),
        "user_id": ("the person with the user id {}", "the user id {}"),
    },
    "de": {
        "anonymous_id": ("der Besucher am Gerät {}", "dem Gerät {}"),
        "email": ("die Person mit der E-Mail-Adresse {}", "der E-Mail-Adresse {}"),
        "phone": ("die Person mit der Telefonnummer {}", "der Telefonnummer {}"),
        "user_id": ("die Person mit der Benutzer-ID {}", "der Benutzer-ID {}"),
    },
}
_BECAME = {
    "en": "On {at} {who} became {into}, because {why}.",
    "de": "Am {at} wurde {who} zu {into}, weil {why}.",
}
_INTO = {
    "en": {True: "this person", False: "another person"},
    "de": {True: "dieser Person", False: "einer anderen Person"},
}
_WHY = {
    "en": {
        "signed in": "somebody signed in there with {by} (event {event} from {source})",
        "alias": "{source} said that it is the same person as the one with {by} (event {event})",
        "named": "the event {event} from {source} names it together with {by}",
    },
    "de": {
        "signed in": "sich dort jemand mit {by} angemeldet hat (Ereignis {event} von {source})",
        "alias": "{source} gesagt hat, dass es die Person mit {by} ist (Ereignis {event})",
        "named": "das Ereignis {event} von {source} beides nennt, zusammen mit {by}",
    },
}
_UNDONE = {
    "en": " This was undone on {}; the two stay apart.",
    "de": " Das wurde am {} rückgängig gemacht; die beiden bleiben getrennt.",
}
_WHY_NOT = {
    "en": {
        "undone": "it was undone already",
        "parted": "the merge before it was undone, and this one stayed with the person who left",
        "part of another": "the person became part of another since: undo that merge first",
        "expired": "what the two were before is not kept any longer",
        "erased": "the person was erased",
        "many": "too many others became this person since: undo some of those merges first",
    },
    "de": {
        "undone": "das ist schon geschehen",
        "parted": "die Zusammenführung davor wurde rückgängig gemacht, und diese blieb bei der "
        "Person, die gegangen ist",
        "part of another": "die Person wurde seither Teil einer anderen: zuerst jene "
        "Zusammenführung rückgängig machen",
        "expired": "was die beiden vorher waren, ist nicht mehr aufbewahrt",
        "erased": "die Person wurde gelöscht",
        "many": "zu viele andere wurden seither zu dieser Person: zuerst einige von jenen "
        "Zusammenführungen rückgängig machen",
    },
}


def sentence(merge: Merge, is_into: bool, language: Language) -> str:
    """When who became whom and why; `is_into`: it is told to whoever looks at the one that the
    other became."""
    words = _WHO[language]
    how = "alias" if merge.event == "alias" else "named"
    if merge.event == "identify" and merge.kind == "anonymous_id":
        how = "signed in"
    why = _WHY[language][how].format(
        by=words[merge.by_kind][1].format(quoted(merge.by_value, language)),
        event=quoted(merge.event, language),
        source=quoted(merge.source, language),
    )
    told = _BECAME[language].format(
        at=moment(merge.at.replace(microsecond=0), language),
        who=words[merge.kind][0].format(quoted(merge.value, language)),
        into=_INTO[language][is_into],
        why=why,
    )
    if merge.undone:
        told += _UNDONE[language].format(moment(merge.undone.replace(microsecond=0), language))
    return told


def why_not(reason: str, language: Language) -> str:
    """Why a merge cannot be undone, from its word; "" when it can."""
    return _WHY_NOT[language][reason] if reason else ""
