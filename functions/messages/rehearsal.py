"""Every message in every language for somebody of whom nothing is known, and where it fails."""

import re
from collections.abc import Mapping
from itertools import product
from typing import Any
from xml.parsers import expat

from functions.messages.brand import Brand
from functions.messages.codes import SAMPLES
from functions.messages.referral import for_template
from functions.messages.template import (
    LIQUID,
    MJML_TAGS,
    PRODUCTS,
    TemplateError,
    compile_file,
    fill,
    mentions_products,
    render_mail,
    render_sms,
)
from functions.messages.template_values import NO_ACCOUNT, NO_PRODUCTS, template_values
from functions.problem import Problem

_TAG = re.compile(r"""<(?P<close>/?)(?P<name>mj[\w-]*)(?P<rest>(?:"[^"]*"|'[^']*'|[^<>"'])*)>""")
_ATTRIBUTES = re.compile(r"""(\s+[\w:-]+\s*=\s*("[^"]*"|'[^']*'))*\s*/?\Z""")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
LEAVE = "https://example.com/leave"
PREFERENCES = "https://example.com/preferences"
CONFIRM = "https://example.com/confirm"
CODE = "K7PM2XQH9R"  # a referral code, which everybody has
_SHOP = "https://example.com/shop"
_PRODUCT = {
    "sku": "basic",
    "name": "Basic",
    "category": "Software",
    "price": "29.00",
    "currency": "EUR",
    "url": f"{_SHOP}/basic",
    "image": f"{_SHOP}/basic.png",
}
# With everything that may be known of a product, with what is always known, and with none.
SAMPLE_PRODUCTS: Mapping[str, Any] = {name: [_PRODUCT, _PRODUCT] for name in PRODUCTS}
_SAMPLES: tuple[Mapping[str, Any], ...] = (
    SAMPLE_PRODUCTS,
    {name: [{**dict.fromkeys(_PRODUCT, ""), "sku": "basic", "name": "Basic"}] for name in PRODUCTS},
    NO_PRODUCTS,
)


def compile_messages(
    folder: str, files: Mapping[str, str], parts: Mapping[str, str], brand: Brand
) -> tuple[dict[str, str], list[Problem]]:
    """What is published beside the mails of a journey's folder, and what is wrong with any
    message: it cannot be compiled, or not be filled in for someone of whom nothing is known."""
    compiled: dict[str, str] = {}
    problems: list[Problem] = []
    for name, text in files.items():
        try:
            made = compile_file(name, text, parts)
            compiled |= made
            _rehearse(name, {**made, **files}, brand)
        except TemplateError as error:
            problems.append(_problem(folder, name, text, parts, error, brand))
    return compiled, problems


def _rehearse(name: str, files: Mapping[str, str], brand: Brand) -> None:
    """Fill in one message for nobody in particular, with and without the link for leaving, and
    with and without products to suggest."""
    stem, _, kind = name.rpartition(".")
    shows = any(mentions_products(text) for text in files.values())
    samples = _SAMPLES if shows else (NO_PRODUCTS,)
    for leave, products in product(("", LEAVE), samples):
        person = for_template(CODE, brand)
        values = template_values(
            person, None, brand, leave, 0, NO_ACCOUNT, products, SAMPLES, None, PREFERENCES, CONFIRM
        )
        if kind == "mjml":
            text = files[f"{stem}.txt"]
            render_mail(files[f"{stem}.subject"], files[f"{stem}.html"], text, values)
        elif kind == "sms":
            render_sms(files[name], values)
        elif kind == "txt":
            fill(files[name], values, autoescape=False)


def _problem(
    folder: str,
    name: str,
    text: str,
    parts: Mapping[str, str],
    error: TemplateError,
    brand: Brand,
) -> Problem:
    """The error at the file and line where it stands, which may be a part of the mail's."""
    texts = {f"{folder}/{name}": text}
    texts |= {path.removeprefix("../"): part for path, part in parts.items() if path in text}
    for file, source in texts.items():
        line = _line(source, error, brand)
        if line:
            return Problem(file, line, str(error))
    return Problem(f"{folder}/{name}", 1, str(error))


def _line(source: str, error: TemplateError, brand: Brand) -> int:
    """Where the error stands in this text; 0 if it does not seem to."""
    if error.near:
        index = source.find(error.near)
        return source.count("\n", 0, index) + 1 if index >= 0 else 0
    if error.line:  # of what was compiled; the source fails in the same way
        try:
            for products in _SAMPLES:
                person = for_template(CODE, brand)
                values = template_values(
                    person,
                    None,
                    brand,
                    LEAVE,
                    0,
                    NO_ACCOUNT,
                    products,
                    SAMPLES,
                    None,
                    PREFERENCES,
                    CONFIRM,
                )
                fill(source, values, autoescape=True)
        except TemplateError as found:
            return found.line
        return 0
    return unreadable(source)


def unreadable(mjml: str) -> int:
    """The line where MJML cannot be read on: a tag that is not closed or closed as another, or
    what is no XML; 0 if there is none."""
    blank = LIQUID.sub(_lines_only, _COMMENT.sub(_lines_only, mjml))
    opened: list[tuple[str, int]] = []
    for match in _TAG.finditer(blank):
        line = blank.count("\n", 0, match.start()) + 1
        if match["name"] not in MJML_TAGS or not _ATTRIBUTES.match(match["rest"]):
            return line
        if not match["close"] and not match["rest"].endswith("/"):
            opened.append((match["name"], line))
        elif match["close"] and (not opened or opened.pop()[0] != match["name"]):
            return line
    return opened[-1][1] if opened else _no_xml(blank)


def _lines_only(match: re.Match[str]) -> str:
    return "\n" * match.group().count("\n")


def _no_xml(text: str) -> int:
    try:
        # Around it, because a part has no root of its own; MJML takes "&" as it comes.
        expat.ParserCreate().Parse(f"<mjml>{text.replace('&', ' ')}</mjml>", True)
    except expat.ExpatError as error:
        return error.lineno
    return 0
