"""`soft bounces` in limits.yaml: how many failures in a row, over how long, rule an address out."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from functions.segments.condition import did_you_mean
from functions.segments.phrases import BadPhrase, duration
from functions.segments.segment import Mistake
from functions.tracking.suppressed import PATIENCE, Patience

WORD = "soft bounces"
LEAST, MOST = 2, 20  # failures; the permission item keeps the time of each
LONGEST = timedelta(days=90)
_EXAMPLE = '"soft bounces: {email: 5 over 3 days, sms: 3 over 1 day}"'


def build(raw: Mapping[str, Any] | None) -> dict[str, Patience]:
    """The patience by channel that a value without mistakes says; the usual one where it says
    none."""
    said = {channel: _read(text) for channel, text in (raw or {}).items()}
    return {
        channel: Patience(*said.get(channel, usual[:2]), usual.reason)
        for channel, usual in PATIENCE.items()
    }


def mistakes(raw: Any) -> Iterator[Mistake]:
    """What is wrong in the value: the place in it, and what would be right."""
    if not isinstance(raw, dict):
        yield (), f"is written like {_EXAMPLE}"
        return
    for channel, text in raw.items():
        if channel not in PATIENCE:
            yield (channel,), f'"{channel}" is no channel; {did_you_mean(str(channel), PATIENCE)}'
            continue
        try:
            _read(text)
        except BadPhrase as error:
            yield (channel,), str(error)


def _read(text: object) -> tuple[int, timedelta]:
    """Read "5 over 3 days". Raises BadPhrase."""
    number, _, length = text.partition(" over ") if isinstance(text, str) else ("", "", "")
    try:
        exact = duration(length).exact
    except BadPhrase:
        exact = None
    if not number.isascii() or not number.isdigit() or exact is None:
        raise BadPhrase(f"{text!r} says not how many failures over how long; write {_EXAMPLE}")
    if not LEAST <= int(number) <= MOST or exact > LONGEST:
        most = f"{LEAST} to {MOST} failures over {LONGEST.days} days at most"
        raise BadPhrase(f'"{text}" is out of bounds: {most}')
    return int(number), exact
