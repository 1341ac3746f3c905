"""A mail as it is written: its tags with their lines, those of the parts that it includes too."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser

from functions.messages.template import LIQUID

_INCLUDE = re.compile(r"""<mj-include\s+path=["']([^"']+)["']""")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_VOID = frozenset(
    {"br", "hr", "img", "meta", "link", "mj-image", "mj-all", "mj-class", "mj-spacer"}
)


@dataclass
class Element:
    """A tag of MJML or HTML: where it stands, what it says, and its words (of all within it)."""

    file: str
    line: int
    tag: str
    values: dict[str, str]
    above: "Element | None"
    words: str = ""

    def inherited(self, *names: str) -> str:
        """A value of its own, of its style, or of the nearest tag above that has one."""
        pieces = (piece.partition(":") for piece in self.values.get("style", "").split(";"))
        style = {key.strip().lower(): value.strip() for key, _, value in pieces}
        for name in names:
            if found := style.get(name) or self.values.get(name):
                return found
        return self.above.inherited(*names) if self.above else ""


@dataclass(frozen=True)
class Mail:
    """A mail's file (`welcome/guide.de.mjml`) and text, the parts that it includes by their files,
    what was compiled from it, its text part, and whether it needs people's consent."""

    file: str
    source: str
    parts: Mapping[str, str]
    html: str
    subject: str
    text: str
    needs_consent: bool

    @cached_property
    def elements(self) -> tuple[Element, ...]:
        """The tags of its own and of the parts."""
        texts = {self.file: self.source, **self.parts}
        return tuple(one for file, text in texts.items() for one in elements_of(file, text))

    def line(self, text: str) -> int:
        """The line where a text stands first; 1 if it does not."""
        index = self.source.find(text)
        return self.source.count("\n", 0, index) + 1 if index >= 0 else 1

    def tags(self, *names: str) -> Iterator[Element]:
        """Its elements of these names."""
        return (one for one in self.elements if one.tag in names)


def mail(
    file: str,
    files: Mapping[str, str],
    parts: Mapping[str, str],
    needs_consent: bool,
) -> Mail:
    """The mail of a journey's file `journey/x.de.mjml`; `files` are those of its version."""
    name = file.partition("/")[2]
    stem, source = name.removesuffix(".mjml"), files[name]
    return Mail(
        file,
        source,
        {path.removeprefix("../"): parts[path] for path in _used(source, parts)},
        files[f"{stem}.html"],
        files[f"{stem}.subject"],
        files[f"{stem}.txt"],
        needs_consent,
    )


def _used(source: str, parts: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    waiting = _INCLUDE.findall(source)
    while waiting:
        path = waiting.pop()
        if path in parts and path not in found:
            found.append(path)
            waiting += _INCLUDE.findall(parts[path])
    return found


class _Elements(HTMLParser):
    def __init__(self, file: str) -> None:
        super().__init__()
        self.file, self.found = file, list[Element]()
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        above = self.open[-1] if self.open else None
        values = {name: value or "" for name, value in attrs}
        made = Element(self.file, self.getpos()[0], tag, values, above)
        self.found.append(made)
        if tag not in _VOID:
            self.open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if any(one.tag == tag for one in self.open):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        for one in self.open:
            one.words += data


def elements_of(file: str, source: str) -> list[Element]:
    """The tags of a file of MJML."""
    reader = _Elements(file)
    # Quotes and pointed brackets of Liquid would end what they stand in.
    reader.feed(LIQUID.sub(_harmless, _COMMENT.sub(lines_only, source)))
    return reader.found


def _harmless(match: re.Match[str]) -> str:
    return re.sub(r"""["'<>]""", " ", match.group())


def lines_only(match: re.Match[str]) -> str:
    return "\n" * match.group().count("\n")
