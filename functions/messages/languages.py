"""In which languages the messages of a version exist, on which channels."""

from collections.abc import Mapping, Sequence

Languages = Mapping[str, Sequence[str]]  # of one message, by channel
_CHANNELS = {"html": "email", "sms": "sms"}  # by the ending of a message's file


def languages(files: Mapping[str, str]) -> dict[str, Languages]:
    """For each message the languages it exists in, by channel: `guide.de.html` is the mail `guide`
    in German. The shorter mail `guide.short.de.html` is none of its own."""
    found: dict[str, dict[str, list[str]]] = {}
    for name in files:
        message, _, rest = name.partition(".")
        language, _, ending = rest.partition(".")
        if ending in _CHANNELS:
            found.setdefault(message, {}).setdefault(_CHANNELS[ending], []).append(language)
    return dict(found)
