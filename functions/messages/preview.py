"""A message as somebody would read it: a person, a person made up, or nobody at all."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from functions.messages.brand import Brand
from functions.messages.codes import SAMPLES
from functions.messages.languages import languages
from functions.messages.referral import for_template
from functions.messages.rehearsal import CODE, LEAVE, SAMPLE_PRODUCTS
from functions.messages.template import Rendered, named, render_mail, render_sms
from functions.messages.template_values import template_values

# Whom a message is shown for when nobody is named.
SOMEBODY: Mapping[str, Any] = {
    "first_name": "Erika",
    "last_name": "Mustermann",
    "name": "Erika Mustermann",
    "email": "erika@example.com",
    "phone": "+4930123456",
    "company": "Muster GmbH",
    "city": "Berlin",
}
THEIR_ENTRY: Mapping[str, Any] = {
    "order_id": "4711",
    "total": 29.0,
    "revenue": 29.0,
    "currency": "EUR",
    "products": [{"sku": "basic-1y", "name": "Basic", "price": 29.0, "quantity": 1}],
}


class NoMessage(LookupError):
    """There is no such message, or not in this language; the text says which there are."""


class Values(msgspec.Struct, forbid_unknown_fields=True):
    """Whom it is shown for: the fields of a person, their account, and the event that let them in.
    What is left out is somebody's whom we made up."""

    person: dict[str, Any] | None = None
    account: dict[str, Any] | None = None
    entry: dict[str, Any] | None = None


class MessagePreview(msgspec.Struct):
    """The message (an SMS has only `text`), its language and those there are, and the names in it
    that have no value: Liquid writes nothing there."""

    language: str
    languages: list[str]
    channel: str
    subject: str
    html: str
    text: str
    missing: list[str]


def preview(
    message: str, language: str, files: Mapping[str, str], brand: Brand, values: Values
) -> MessagePreview:
    """Show a message of a version's files. `language` "" is the person's, else the brand's.

    Raises NoMessage, TemplateError.
    """
    found = languages(files).get(message)
    if not found:
        there = sorted({name.partition(".")[0] for name in files if not name.endswith(".yaml")})
        raise NoMessage(f'there is no message "{message}"; there are: {", ".join(there) or "none"}')
    channel = "email" if "email" in found else "sms"
    spoken = sorted(found[channel])
    if language and language not in spoken:
        raise NoMessage(f'"{message}" is not written in "{language}"; but in: {", ".join(spoken)}')
    seen = _seen(brand, values)
    chosen = language or brand.language(seen["person"].get("locale"), spoken)
    texts = _texts(f"{message}.{chosen}", files, channel)
    made = _rendered(texts, seen)
    missing = sorted({name for text in texts for name in _missing(text, seen)})
    return MessagePreview(chosen, spoken, channel, made.subject, made.html, made.text, missing)


def _seen(brand: Brand, values: Values) -> dict[str, Any]:
    person = SOMEBODY if values.person is None else values.person
    entry = THEIR_ENTRY if values.entry is None else values.entry
    seen = template_values(
        {**for_template(CODE, brand), **person},
        None,
        brand,
        LEAVE,
        0,
        values.account or {},
        SAMPLE_PRODUCTS,
        SAMPLES,
    )
    return {**seen, "entry": entry}


def _texts(stem: str, files: Mapping[str, str], channel: str) -> list[str]:
    endings = ("subject", "html", "txt") if channel == "email" else ("sms",)
    return [files[f"{stem}.{ending}"] for ending in endings]


def _rendered(texts: list[str], seen: Mapping[str, Any]) -> Rendered:
    if len(texts) == 1:
        return render_sms(texts[0], seen)
    subject, html, text = texts
    return render_mail(subject, html, text, seen)


def _missing(text: str, seen: Mapping[str, Any]) -> Iterator[str]:
    for path in named(text):
        found: Any = seen
        for step in path:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                yield ".".join(map(str, path))
                break
        else:
            if found is None or found == "":
                yield ".".join(map(str, path))
