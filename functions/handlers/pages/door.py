"""The door of the pages: how one is registered, what it is asked, and what every answer looks like.

A GET changes nothing anywhere, for scanners open every link; a POST does.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import parse_qs

import msgspec

from functions.handlers import wiring
from functions.handlers.headers import ALWAYS
from functions.messages.brand import Brand
from functions.segments.person import field_of
from functions.storage import people

MOST = 64_000  # bytes of a form
PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{brand}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">
<style>body{{font:17px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;
color:#1c2b28;background:#f6f7f5}}button{{font:inherit;padding:.7rem 1.6rem;border:0;
border-radius:.5rem;background:#0b5d50;color:#fff;cursor:pointer}}</style></head>
<body><p><strong>{brand}</strong></p><p>{text}</p>{form}</body></html>
"""
HEADERS = ALWAYS | {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; frame-ancestors 'none'",
}


@dataclass(frozen=True)
class Asked:
    """A request for a page: `rest` of the address behind the page's name (mostly a token), the
    fields of a `form` that was sent, `headers` with small letters, and the caller's address."""

    parts: wiring.Parts
    method: str
    rest: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    ip: str = ""

    @property
    def brand(self) -> Brand:
        """The brand in force."""
        return self.parts.library.brand()


Page = Callable[[Asked], dict[str, Any]]
PAGES: dict[tuple[str, str], Page] = {}


def page(name: str, *methods: str) -> Callable[[Page], Page]:
    """Register what answers `/<name>/...`; infra/stack.py names the routes as well."""

    def register(function: Page) -> Page:
        PAGES.update({(method, name): function for method in methods})
        return function

    return register


def names() -> set[str]:
    """What the addresses of pages begin with."""
    return {name for _, name in PAGES}


def asked(parts: wiring.Parts, event: Mapping[str, Any]) -> Asked:
    """An HTTP API v2 event as a page reads it. A form that is too long or no text is empty."""
    http = event["requestContext"]["http"]
    return Asked(
        parts,
        http["method"],
        event["rawPath"].lstrip("/").partition("/")[2],
        event.get("queryStringParameters") or {},
        _form(event),
        event.get("headers") or {},
        http.get("sourceIp", ""),
    )


def _form(event: Mapping[str, Any]) -> dict[str, list[str]]:
    body = event.get("body") or ""
    try:
        raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
        if len(raw) > MOST:
            return {}
        if is_json(event.get("headers") or {}):
            return _fields(msgspec.json.decode(raw))
        return parse_qs(raw.decode(), max_num_fields=100)
    except (ValueError, RecursionError):
        return {}


def is_json(headers: Mapping[str, str]) -> bool:
    """Whether what was sent is JSON."""
    return headers.get("content-type", "").partition(";")[0].strip() == "application/json"


def _fields(said: Any) -> dict[str, list[str]]:
    """A JSON object as the fields of a form: texts, numbers, yes, and lists of texts."""
    found = said.items() if isinstance(said, dict) else ()
    values = {name: value if isinstance(value, list) else [value] for name, value in found}
    return {
        name: [str(one) for one in value if isinstance(one, str | int | float)]
        for name, value in list(values.items())[:100]
    }


def language(asked: Asked, person_key: str, known: list[str]) -> str:
    """Which of the languages `known` to a page the person reads; the brand's for nobody ("")."""
    person = people.profile_of(asked.parts.store, person_key) if person_key else None
    locale = field_of(person, asked.parts.now(), "locale") if person else None
    return asked.brand.language(locale, known)


def show(
    asked: Asked, language: str, text: str, form: str = "", status: int = 200
) -> dict[str, Any]:
    """The page with a text (plain) and a form (HTML)."""
    body = PAGE.format(
        language=language, brand=escape(asked.brand.name), text=escape(text), form=form
    )
    return {"statusCode": status, "headers": dict(HEADERS), "body": body}
