"""`breaker` in limits.yaml: from which shares of bounces and complaints on sending stops."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from functions.segments.condition import did_you_mean
from functions.segments.segment import Mistake
from functions.tracking.breaker import Bounds

WORD, OFF = "breaker", "off"
_PER_CENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?) ?%\Z")
_WORDS = ("bounces", "complaints", "at least")
_EXAMPLE = '"breaker: {bounces: 5 %, complaints: 0.1 %, at least: 200}", or "breaker: off"'


def build(raw: Mapping[str, Any] | str | None) -> Bounds | None:
    """The bounds that a value without mistakes says; the usual ones without any, None if off."""
    if raw == OFF:
        return None
    said, usual = raw if isinstance(raw, Mapping) else {}, Bounds()
    return Bounds(
        bounces=_share(said.get("bounces")) or usual.bounces,
        complaints=_share(said.get("complaints")) or usual.complaints,
        at_least=said.get("at least", usual.at_least),
    )


def mistakes(raw: Any) -> Iterator[Mistake]:
    """What is wrong in the value: the place in it, and what would be right."""
    if raw is None or raw == OFF:
        return
    if not isinstance(raw, dict):
        yield (), f"the breaker is written like {_EXAMPLE}"
        return
    for word, value in raw.items():
        if word not in _WORDS:
            yield (word,), f'"{word}" is unknown here; {did_you_mean(str(word), list(_WORDS))}'
        elif word == "at least":
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10**6:
                yield (word,), '"at least" is a number of mails, from 1 to 1000000'
        elif _share(value) is None:
            yield (word,), f'"{word}" is a share of mails above 0, like "5 %"'


def _share(value: Any) -> float | None:
    """A share written in per cent, more than none of it and all of it at most."""
    found = _PER_CENT.match(value) if isinstance(value, str) else None
    share = float(found[1]) / 100 if found else 0.0
    return share if 0 < share <= 1 else None
