"""Why somebody came to a stage, in English and German."""

from typing import Any

from functions.segments.lifecycle import Stage
from functions.segments.operators import as_moment
from functions.segments.person import KINDS
from functions.segments.sentence import name, sentence
from functions.segments.spoken import Language, moment, quoted, value
from functions.segments.stages import DID, rule
from functions.tracking.profile import Move

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "is": "{} is {}",
        "did": "{} on {}",
        "older": "as lifecycle.yaml had it then",
        "gone": "lifecycle.yaml no longer has the stage before",
    },
    "de": {
        "is": "{} ist {}",
        "did": "{} am {}",
        "older": "wie es damals in lifecycle.yaml stand",
        "gone": "lifecycle.yaml hat die Stufe davor nicht mehr",
    },
}


def because(move: Move, stage: Stage | None, language: Language) -> str:
    """Why the person moved: the condition of the stage (None: it is there no more) and, in
    brackets, what it looked at: "the person's orders is at least 1 (orders is 1)"."""
    words = _WORDS[language]
    if not move.stage:
        return words["gone"]
    is_as_then = stage is not None and rule(stage) == move.rule
    said = sentence(dict(stage.when), language) if stage and is_as_then else words["older"]
    seen = [_seen(what, found, language) for what, found in move.seen.items()]
    return f"{said} ({'; '.join(seen)})" if seen else said


def _seen(what: str, found: Any, language: Language) -> str:
    words = _WORDS[language]
    if what.startswith(DID):
        return words["did"].format(quoted(what.removeprefix(DID), language), _time(found, language))
    shown = _time(found, language) if KINDS.get(what) == "date" else value(found, language)
    return words["is"].format(name(what, language), shown)


def _time(found: Any, language: Language) -> str:
    time = as_moment(found)
    return moment(time.replace(microsecond=0), language) if time else value(found, language)
