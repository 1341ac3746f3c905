"""Templates: MJML is compiled when a journey is published, Liquid is filled in for each person."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from html import unescape
from html.parser import HTMLParser
from typing import Any

import msgspec
from liquid import Environment
from liquid.exceptions import LiquidError

from functions.messages.compiled import Quick
from functions.messages.link import refusal
from functions.problem import Problem

_HREF = re.compile(r"""(<a\b[^>]*?\bhref=(["'])(.*?)\2)""", re.DOTALL | re.IGNORECASE)
_LINK_OF_BRAND = re.compile(r"\{\{-?\s*links\.([A-Za-z0-9_-]+)\s*-?\}\}")
_OWN_LINK = re.compile(
    r"\{\{-?\s*(unsubscribe|preferences|confirm|download\.[A-Za-z0-9_-]+)\s*-?\}\}"
)
# Which link of the message it is; `tracked` takes it out again before the mail goes.
MARK = "tante:link"
MARKED = re.compile(rf"""href=(["'])((?:(?!\1).)*)\1 {MARK}="([^"]+)\"""", re.DOTALL)
_NAMED = re.compile(r"\blinks\.([A-Za-z0-9_-]+)")
_PERSON = re.compile(r"\bperson\b(?:\.(\w+))?")
_CODE = re.compile(r"(?<![\w.])code\.([A-Za-z0-9_-]+)")
_INCLUDE = re.compile(r"""<mj-include\s+path=["']([^"']+)["']\s*/?>(?:</mj-include>)?""")
# By Liquid.
PRODUCTS = ("recommendations", "upgrades")
SEEN = frozenset(
    {
        *("person", "account", "entry", "brand", "links", "download", "pass", "code"),
        *("unsubscribe", "preferences", "confirm", *PRODUCTS),
    }
)
NOT_TRACKED = ("unsubscribe", "preferences", "imprint", "privacy")
_HIDDEN = "liquidhere"  # stands for a piece of Liquid where only MJML or HTML is read
LIQUID = re.compile(r"\{(?:\{.*?\}\}|%.*?%\})", re.DOTALL)
SAFE_SCHEMES = ("https://", "http://", "mailto:", "tel:")
# A range costs memory before any limit sees it, except as the head of a for loop.
_RANGE = re.compile(r"\([^()]*\.\.[^()]*\)")
_FOR_HEAD = re.compile(r"\{%-?\s*for\s+\w+\s+in\s+\([^()]*\)(?!.*\breversed\b)", re.DOTALL)
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_MJML_TAG = re.compile(r"<(mj[\w-]*)", re.IGNORECASE)
MJML_TAGS = frozenset(
    re.findall(
        r"[a-z-]+",
        """mjml mj-head mj-body mj-attributes mj-all mj-class mj-breakpoint mj-font mj-preview
        mj-style mj-title mj-html-attributes mj-selector mj-html-attribute mj-include mj-accordion
        mj-accordion-element mj-accordion-title mj-accordion-text mj-button mj-carousel
        mj-carousel-image mj-column mj-divider mj-group mj-hero mj-image mj-navbar mj-navbar-link
        mj-raw mj-section mj-social mj-social-element mj-spacer mj-table mj-text mj-wrapper""",
    )
)
MOST_LOOPS, MOST_OUTPUT, MOST_NAMES = 2_000, 1_000_000, 20_000


class TemplateError(ValueError):
    """A template that cannot be compiled or filled in; the text says what would be right.

    `line` is the one in the text that was read (0: not known), `near` something that stands there.
    """

    def __init__(self, text: str, line: int = 0, near: str = "") -> None:
        super().__init__(text)
        self.line, self.near = line, near


class Rendered(msgspec.Struct, frozen=True):
    """A message in a person's words; an SMS has only `text`."""

    text: str
    subject: str = ""
    html: str = ""


class _Limited(Environment):
    """Liquid with bounds on loops, output and names, so that no template can hurt the sender."""

    loop_iteration_limit = MOST_LOOPS
    output_stream_limit = MOST_OUTPUT
    local_namespace_limit = MOST_NAMES

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """All that Liquid has, but nothing that lets markup through."""
        super().setup_tags_and_filters(extra=extra)
        del self.filters["safe"]


_HTML = _Limited(autoescape=True)
_TEXT = _Limited(autoescape=False)
_TEXT.suppress_blank_control_flow_blocks = False  # "{% if more %}\n{% endif %}" is a line's end


def compile_file(name: str, text: str, parts: Mapping[str, str]) -> dict[str, str]:
    """What is published beside a mail `x.de.mjml`: `x.de.html`, `x.de.subject` and a plain text
    `x.de.txt` (one written by hand goes before it), all still Liquid. Other files give nothing.

    `parts` are the shared files by their path from a journey's folder. Raises TemplateError.
    """
    if not name.endswith(".mjml"):
        return {}
    stem = name.removesuffix(".mjml")
    html = compile_mjml(text, parts)
    return {
        f"{stem}.html": html,
        f"{stem}.subject": _title(html),
        f"{stem}.txt": plain_text(html),
    }


def compile_mjml(text: str, parts: Mapping[str, str]) -> str:
    """MJML to HTML; links get the mark by which their clicks are told apart.

    Parts are pasted in as text (mrml's own include loses widths and padding), and Liquid is
    swapped for placeholders while MJML is at work: a `<` or a quote in it would break MJML.
    """
    return _to_html(_with_parts(text, parts))


@lru_cache(maxsize=128)
def _to_html(whole: str) -> str:
    from mjml import mjml2html

    unknown = sorted(set(_MJML_TAG.findall(whole)) - MJML_TAGS)
    if unknown:
        raise TemplateError(f"<{unknown[0]}> is not a tag of MJML", near=f"<{unknown[0]}")
    hidden, kept = _hide_liquid(whole)
    try:
        html = str(mjml2html(hidden, disable_comments=True, fonts={}))
    except Exception as error:  # the binding has no error class of its own
        raise TemplateError(f"not readable as MJML: {error}") from None
    return _show_liquid(_mark_links(html, kept), kept)


def _with_parts(text: str, parts: Mapping[str, str], depth: int = 0) -> str:
    def paste(match: re.Match[str]) -> str:
        if match[1] not in parts:
            known = ", ".join(sorted(parts)) or "none"
            words = f'there is no part "{match[1]}" to include; there are: {known}'
            raise TemplateError(words, near=match[1])
        if depth > 5:
            raise TemplateError(f'"{match[1]}" includes itself', near=match[1])
        return _with_parts(parts[match[1]], parts, depth + 1)

    return _INCLUDE.sub(paste, text)


def _hide_liquid(text: str) -> tuple[str, list[str]]:
    if _HIDDEN in text:
        words = f'the word "{_HIDDEN}" is used inside Tante; please write another one'
        raise TemplateError(words, near=_HIDDEN)
    first, *others = LIQUID.split(text)
    hidden = first + "".join(f"{_HIDDEN}{n}x{other}" for n, other in enumerate(others))
    return hidden, LIQUID.findall(text)


def _show_liquid(text: str, kept: list[str]) -> str:
    first, *others = text.split(_HIDDEN)
    numbered = (other.partition("x") for other in others)
    return first + "".join(kept[int(number)] + rest for number, _, rest in numbered)


def _mark_links(html: str, kept: list[str]) -> str:
    """Each link to a place on the web is marked with its name, or with a number: those of one
    target have the same. Leaving and small print are not interest: they are not tracked at all."""
    numbers: dict[str, str] = {}

    def mark(match: re.Match[str]) -> str:
        target = _show_liquid(match[3], kept).strip()
        named = _LINK_OF_BRAND.fullmatch(target)
        if (named and named[1] in NOT_TRACKED) or _OWN_LINK.fullmatch(target):
            return match[1]
        if not named and not target.lower().startswith(("https://", "http://", "{{", "{%")):
            return match[1]
        name = named[1] if named else numbers.setdefault(target, str(len(numbers) + 1))
        return f'{match[1]} {MARK}="{name}"'

    return _HREF.sub(mark, html)


def link_map(html: str) -> dict[str, str]:
    """Of a compiled mail: name or number of each link that is tracked -> its target's template."""
    return {match[3]: unescape(match[2]).strip() for match in MARKED.finditer(html)}


def links(name: str, files: Mapping[str, str]) -> set[str]:
    """The named links in a message's file whose clicks are known, from what was compiled."""
    html = files.get(f"{name.removesuffix('.mjml')}.html", "") if name.endswith(".mjml") else ""
    return {link for link in link_map(html) if not link.isdecimal()} | (
        set(_NAMED.findall(files[name])) if name.endswith(".sms") else set()
    )


def _title(html: str) -> str:
    match = re.search(r"<title>(.*?)</title>", html, re.DOTALL)
    subject = " ".join(unescape(match[1]).split()) if match else ""
    if not subject:
        words = "the subject is missing: write it into <mj-title> in <mj-head>"
        raise TemplateError(words, near="<mj-head")
    return subject


class _Text(HTMLParser):
    """Collects a mail's words: blocks on lines of their own, links with their addresses."""

    BLOCKS = frozenset(["p", "div", "tr", "h1", "h2", "h3", "h4", "ul", "ol", "li", "br", "table"])
    SKIPPED = frozenset(["head", "style", "script", "title"])
    VOID = frozenset(["base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"])

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._skipping = 0
        self._link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        hidden = "display:none" in (values.get("style") or "").replace(" ", "")
        hidden |= values.get("aria-hidden") == "true"
        if tag not in self.VOID and (self._skipping or tag in self.SKIPPED or hidden):
            self._skipping += 1
        if tag in self.BLOCKS:
            self.pieces.append("\n- " if tag == "li" else "\n")
        if tag == "a":
            self._link = values.get("href") or ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            self._skipping -= 1
        if tag in self.BLOCKS and tag != "li":
            self.pieces.append("\n")
        if tag == "a" and self._link and not self._skipping:
            if self.pieces[-1].strip() != self._link:
                self.pieces.append(f" ({self._link})")
            self._link = ""

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.pieces.append(re.sub(r"\s+", " ", data))


@lru_cache(maxsize=128)  # who publishes has checked it a moment before
def plain_text(html: str) -> str:
    """A mail's plain text part, made from its HTML (Liquid stays as it is)."""
    hidden, kept = _hide_liquid(html)
    reader = _Text()
    reader.feed(re.sub(r"<!--.*?-->", "", hidden, flags=re.DOTALL))
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return _show_liquid(text, kept)


def check(
    file: str, text: str, links: Collection[str], codes: Collection[str] = ()
) -> Iterator[Problem]:
    """Problems of one template file that can be seen without a person.

    `links` are the names that brand.yaml gives to links, `codes` those of codes.yaml.
    """
    for match in LIQUID.finditer(text):
        tag = _QUOTED.sub("''", match.group())
        if _RANGE.search(_FOR_HEAD.sub("", tag)):
            words = "a range like (1..9) goes only into the head of a for loop, not reversed"
            yield Problem(file, _line_at(text, match.start()), words)
    try:
        used = _parsed(text, autoescape=True).analyze(include_partials=False)
    except LiquidError as error:
        yield Problem(file, _line_of(error, text), f"not readable as Liquid: {error.message}")
        return
    for index, words in (
        *_wrong_words(used),
        *_wrong_links(used, links),
        *_wrong_codes(used, codes),
    ):
        yield Problem(file, _line_at(text, index), words)


def _wrong_words(used: Any) -> Iterator[tuple[int, str]]:
    for name, places in used.filters.items():
        if name not in _HTML.filters:
            yield places[0].index, _no_filter(name)
    for name in used.tags.keys() & {"include", "render"}:
        words = f'"{name}" is not possible here; <mj-include path="../parts/..." /> pastes in'
        yield used.tags[name][0].index, words


def _wrong_links(used: Any, links: Collection[str]) -> Iterator[tuple[int, str]]:
    for first in sorted(used.globals.keys() - SEEN):
        # Only what looks like a slip: a part may assign a name that a message uses.
        for close in difflib.get_close_matches(first, SEEN, 1, cutoff=0.7):
            words = f'messages know no "{first}"; did you mean "{close}"?'
            yield used.globals[first][0].span.index, words
    for variable in used.globals.get("links", []):
        name = variable.segments[1] if len(variable.segments) > 1 else None
        if isinstance(name, str) and name not in links:
            yield variable.span.index, _no_link(name, links)


def _wrong_codes(used: Any, codes: Collection[str]) -> Iterator[tuple[int, str]]:
    for variable in used.globals.get("code", []):
        name = variable.segments[1] if len(variable.segments) > 1 else None
        if not isinstance(name, str):
            yield variable.span.index, 'a code is named as in codes.yaml, like "code.welcome"'
        elif name not in codes:
            close = difflib.get_close_matches(name, codes, 1)
            known = ", ".join(sorted(codes)) or "none"
            hint = f'did you mean "{close[0]}"?' if close else f"there are: {known}"
            yield variable.span.index, f'codes.yaml has no code "{name}"; {hint}'
        elif variable.segments[2:] not in ([], ["expires"], ["worth"]):
            words = f'of a code there are "code.{name}.expires" and "code.{name}.worth"'
            yield variable.span.index, words


def _no_link(name: str, links: Collection[str]) -> str:
    close = difflib.get_close_matches(name, links, 1)
    hint = f'did you mean "{close[0]}"?' if close else f"there are: {', '.join(sorted(links))}"
    return f'brand.yaml has no link "{name}"; {hint}'


def _no_filter(name: str) -> str:
    if name == "safe":
        return 'the filter "safe" is not allowed: it would let markup through'
    return f'there is no filter "{name}"'


def _line_of(error: LiquidError, text: str) -> int:
    index = getattr(error.token, "start_index", None) if error.token else None
    return _line_at(text, index) if index is not None else 0


def _line_at(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def mentioned_codes(text: str) -> set[str]:
    """The names of the codes that a template may give."""
    return {name for tag in LIQUID.findall(text) for name in _CODE.findall(tag)}


@lru_cache(maxsize=512)
def mentions_products(text: str) -> bool:
    """Whether a template may show products that are suggested to the person."""
    return any(name in text for name in PRODUCTS) and any(
        name in tag for tag in LIQUID.findall(text) for name in PRODUCTS
    )


@lru_cache(maxsize=512)
def asked_of_person(source: str) -> frozenset[str] | None:
    """The names of the person's fields that a template may show; None: any, for it speaks of the
    person otherwise than by the name of a field."""
    found = _PERSON.findall(source)
    return None if "" in found else frozenset(found)


def named(source: str) -> set[tuple[str | int, ...]]:
    """The paths that a template names of what it is given, like ("person", "first_name"), as far
    as they are plain; not what it makes itself. Raises TemplateError."""
    try:
        used = _parsed(source, autoescape=True).analyze(include_partials=False)
    except LiquidError as error:
        raise TemplateError(f"not readable as Liquid: {error.message}") from None
    paths = (variable.segments for variables in used.globals.values() for variable in variables)
    return {tuple(path) for path in paths if all(isinstance(step, str | int) for step in path)}


@lru_cache(maxsize=512)
def _parsed(source: str, autoescape: bool) -> Any:
    return (_HTML if autoescape else _TEXT).from_string(source)


@lru_cache(maxsize=512)
def _quick(source: str, autoescape: bool) -> Quick:
    return Quick(_parsed(source, autoescape))


def is_filled(source: str) -> bool:
    """Whether a template has anything to fill in."""
    return "{{" in source or "{%" in source


def fill(source: str, values: Mapping[str, Any], autoescape: bool) -> str:
    """Fill in one template. Raises TemplateError."""
    if not is_filled(source):
        return source
    try:
        return _quick(source, autoescape).fill(values)
    except LiquidError as error:
        words = f"not fillable: {error.message}"
        raise TemplateError(words, line=_line_of(error, source)) from None
    except (ArithmeticError, ValueError, TypeError) as error:
        raise TemplateError(f"not fillable: {error}") from None


def render_mail(subject: str, html: str, text: str, values: Mapping[str, Any]) -> Rendered:
    """A mail for one person. Raises TemplateError, also for links that are not safe."""
    filled = fill(html, values, autoescape=True)
    _check_links(filled)
    one_line = render_subject(subject, values)
    words = fill(text, values, autoescape=False)
    return Rendered(re.sub(r"\n{3,}", "\n\n", words).strip() + "\n", one_line, filled)


def render_subject(subject: str, values: Mapping[str, Any]) -> str:
    """A mail's subject for one person. Raises TemplateError."""
    # A header is one line: what a person typed as their name must not start another.
    one_line = " ".join(_CONTROLS.sub(" ", fill(subject, values, autoescape=False)).split())
    return one_line[:500]


def render_sms(text: str, values: Mapping[str, Any]) -> Rendered:
    """A text message for one person. Raises TemplateError."""
    words = " ".join(fill(text, values, autoescape=False).split())
    if not words:
        raise TemplateError("the text message is empty")
    return Rendered(words)


_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
# Finds every link and more (also in plain words), but is a hundred times as fast as a parser.
_ATTRIBUTES = (b"href", b"src", b"action")
_VALUE = re.compile(rb"""\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""")


def _check_links(html: str) -> None:
    raw = html.encode()
    low = raw.lower()
    for name in _ATTRIBUTES:
        at = low.find(name)
        while at >= 0:
            at += len(name)
            match = _VALUE.match(raw, at)
            if match and not _is_safe(unescape((match[1] or match[2] or match[3] or b"").decode())):
                return _Links().feed(html)
            at = low.find(name, at)


def _is_safe(link: str) -> bool:
    link = link.strip()
    return not link or (link.lower().startswith((*SAFE_SCHEMES, "#")) and not _unsafe_url(link))


def _unsafe_url(link: str) -> str:
    """What is wrong with an address on the web; "" for other kinds of links. A space in one is
    only bad style."""
    is_web = link.lower().startswith(("https://", "http://"))
    return refusal(link.replace(" ", "%20")) if is_web else ""


class _Links(HTMLParser):
    """Raises TemplateError for a link that is not safe."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src", "action") and not _is_safe(value or ""):
                start, wrong = (value or "")[:60], _unsafe_url((value or "").strip())
                if wrong:
                    raise TemplateError(f"a link leads nowhere safe, {wrong}: {start}", near=start)
                known = ", ".join(SAFE_SCHEMES)
                raise TemplateError(f"a link begins with none of {known}: {start}", near=start)

    def handle_comment(self, data: str) -> None:
        _Links().feed(data)  # Outlook reads what stands in its conditional comments
