"""Why a message went by this channel and at this hour, in words, English and German."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from functions.segments.spoken import Language
from functions.tracking.choice import ASKED_FOR, LEARNED, ONLY, TRIED, ChannelChoice, TimeChoice
from functions.tracking.message import Message

_CHANNELS = {
    "en": {"email": "e-mail", "sms": "SMS"},
    "de": {"email": "E-Mail", "sms": "SMS"},
}
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        ONLY: "by {}, the only channel that was open",
        ASKED_FOR: "by {}, as the person wants it",
        LEARNED: "by {}, the best as far as is known ({})",
        TRIED: "by {}, to learn more ({})",
        "answered": "{}: {} of {} answered",
        "none": "{}: none sent yet",
        "time learned": "from {} on, when the person is there most ({} of {} times in that hour)",
        "time tried": "from {} on, to learn more ({} of {} times in that hour)",
        "time unknown": "from {} on, as with other people, for it is not known when they are there",
    },
    "de": {
        ONLY: "per {}, weil kein anderer Weg offen war",
        ASKED_FOR: "per {}, wie die Person es will",
        LEARNED: "per {}, nach allem, was bekannt ist, der beste Weg ({})",
        TRIED: "per {}, um mehr zu erfahren ({})",
        "answered": "{}: {} von {} beantwortet",
        "none": "{}: noch keine gesendet",
        "time learned": "ab {}, wenn die Person am meisten da ist ({} von {} Malen in der Stunde)",
        "time tried": "ab {}, um mehr zu erfahren ({} von {} Malen in der Stunde)",
        "time unknown": "ab {}, wie bei anderen, denn es ist nicht bekannt, wann die Person da ist",
    },
}


def chosen(message: Message, zone: ZoneInfo, language: Language) -> Iterator[str]:
    """What was chosen for a message and why; nothing where nothing was."""
    if message.by_channel:
        yield _channel(message.by_channel, language)
    if message.by_time:
        yield _time(message.by_time, zone, language)


def _channel(choice: ChannelChoice, language: Language) -> str:
    names, words = _CHANNELS[language], _WORDS[language]
    counts = (
        words["answered" if of else "none"].format(names[channel], answered, of)
        for channel, (answered, of) in choice.answered.items()
    )
    return words[choice.why].format(names[choice.channel], ", ".join(counts))


def _time(choice: TimeChoice, zone: ZoneInfo, language: Language) -> str:
    there, of = choice.there
    key = f"time {choice.why}" if of else "time unknown"
    return _WORDS[language][key].format(f"{choice.at.astimezone(zone):%H:%M}", there, of)
