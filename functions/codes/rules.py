"""codes.yaml: which codes there are for messages to give, each person one of their own."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from functions.segments.condition import did_you_mean
from functions.segments.phrases import BadPhrase, duration
from functions.segments.segment import Mistake

NAME = re.compile(r"(?=.{1,40}\Z)[a-z0-9]+([_-][a-z0-9]+)*\Z")
_PREFIX = re.compile(r"[A-Z0-9-]{0,12}\Z")
LEAST, MOST = 10, 24  # random characters of 32: 10 of them are 50 bits, which nobody tries out
_EXAMPLE = '"welcome: {kind: made, prefix: HI-, valid for: 14 days}"'

_OF_MADE = '"{word}" is for codes of the kind "made"; those of a list come as the shop made them'
_NOT_FOR = {
    "list": {word: _OF_MADE.format(word=word) for word in ("prefix", "length")},
    "made": {"low at": '"low at" is for codes of the kind "list"; made ones never run out'},
}


class CodeRule(
    msgspec.Struct,
    forbid_unknown_fields=True,
    rename={"valid_for": "valid for", "once_per": "once per", "low_at": "low at"},
):
    """Codes of one name: those of a `list` come from the shop, `made` ones we draw.

    `worth` is said in messages ("10 %"). From `low_at` codes left we say that a list runs low.
    """

    kind: Literal["list", "made"]
    prefix: str = ""
    length: int = LEAST
    valid_for: str = ""
    once_per: Literal["person", "run"] = "person"
    worth: str = ""
    low_at: int = 0

    def ends(self, issued: datetime, zone: ZoneInfo) -> datetime | None:
        """Until when a code is good that is given now; None: without end."""
        return duration(self.valid_for).after(issued, zone) if self.valid_for else None


Rules = Mapping[str, CodeRule]


def build(raw: Mapping[str, Any] | None) -> dict[str, CodeRule]:
    """What a file without mistakes says, by name; nothing without a file."""
    return msgspec.convert(raw or {}, dict[str, CodeRule])


def mistakes(raw: Any) -> Iterator[Mistake]:
    """What is wrong in the file: the place in it, and what would be right."""
    if raw is None:
        return
    if not isinstance(raw, dict):
        yield (), f"codes stand one below the other, by name, like {_EXAMPLE}"
        return
    for name, one in raw.items():
        if not isinstance(name, str) or not NAME.match(name):
            yield (name,), f'"{name}" is written in small letters, digits and hyphens, up to 40'
        yield from _wrong(name, one)


def _wrong(name: str, raw: Any) -> Iterator[Mistake]:
    words = [field.encode_name for field in msgspec.structs.fields(CodeRule)]
    if not isinstance(raw, dict):
        yield (name,), f"a code is a mapping, like {_EXAMPLE}"
        return
    unknown = [word for word in raw if word not in words]
    for word in unknown:
        yield (name, word), f'"{word}" is unknown here; {did_you_mean(str(word), words)}'
    if unknown:
        return
    try:
        rule = msgspec.convert(raw, CodeRule)
    except msgspec.ValidationError as error:
        said, _, place = str(error).rpartition(" - at `$")
        below = re.findall(r"[^.\[\]`]+", place) if said else []
        yield (name, *below[:1]), said or str(error)
        return
    yield from (((name, *path), text) for path, text in _senseless(rule, raw))


def _senseless(rule: CodeRule, raw: Mapping[str, Any]) -> Iterator[Mistake]:
    if not _PREFIX.match(rule.prefix):
        yield ("prefix",), "a prefix has at most 12 capital letters, digits and hyphens"
    if not LEAST <= rule.length <= MOST:
        yield (
            ("length",),
            f"a code has {LEAST} to {MOST} random characters: none is guessed",
        )
    if rule.low_at < 0:
        yield ("low at",), '"low at" is a number of codes that are left'
    for word in _NOT_FOR[rule.kind]:
        if word in raw:
            yield (word,), _NOT_FOR[rule.kind][word]
    try:
        if rule.valid_for:
            duration(rule.valid_for)
    except BadPhrase as error:
        yield ("valid for",), str(error)
