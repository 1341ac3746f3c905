"""forms.yaml: the forms with which people sign up, and what an answer to one must be like."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from functions.messages.address import normal_phone
from functions.messages.brand import Brand
from functions.segments.condition import did_you_mean
from functions.segments.segment import Mistake
from functions.tracking.identity import normal_email, short_hash

NAME = re.compile(r"(?=.{1,40}\Z)[a-z0-9]+(-[a-z0-9]+)*\Z")
FIELD = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,39}\Z")
OURS = frozenset({"purpose", "language", "website", "opened", "again"})  # fields of every form
MOST_LETTERS = 200  # of an answer
ADDRESSES = {"email": "email", "sms": "phone"}  # the field that a channel's address stands in
LABELS: dict[str, dict[str, str]] = {
    "email": {"de": "E-Mail-Adresse", "en": "E-mail address"},
    "phone": {"de": "Mobilnummer", "en": "Mobile number"},
    "firstName": {"de": "Vorname", "en": "First name"},
    "lastName": {"de": "Nachname", "en": "Last name"},
    "company": {"de": "Firma", "en": "Company"},
}
_EXAMPLE = (
    '"newsletter: {purposes: [offers], fields: {email: {required: true}}, '
    'text: {de: ..., en: ...}}"'
)


class Field(msgspec.Struct, forbid_unknown_fields=True):
    """A field of a form. `email` and `phone` are addresses; all others are short texts."""

    required: bool = False
    label: dict[str, str] = {}


class Form(msgspec.Struct, forbid_unknown_fields=True):
    """A form: what is asked, and to which words (`text`, by language) people say yes.

    `thanks` is where a browser goes after the form, `confirmed` where it goes after the
    confirmation; `origins` are the websites on whose pages the form may stand, beside our own;
    `incentive` is what the person gets once they have confirmed.
    """

    purposes: list[str]
    text: dict[str, str]
    fields: dict[str, Field]
    channels: list[Literal["email", "sms"]] = msgspec.field(default_factory=lambda: ["email"])
    title: dict[str, str] = {}
    button: dict[str, str] = {}
    incentive: str = ""
    thanks: str = ""
    confirmed: str = ""
    origins: list[str] = []

    def label(self, name: str, language: str) -> str:
        """What stands beside a field."""
        labels = self.fields[name].label or LABELS.get(name, {})
        return labels.get(language) or next(iter(labels.values()), name)

    def wording(self, language: str) -> str:
        """The words that the person says yes to."""
        return self.text[language]

    def version(self, language: str) -> str:
        """The name of this very wording: a hash."""
        return short_hash(language, self.wording(language))


class Wrong(ValueError):
    """An answer that cannot be taken: which field, and why ("missing", "email", "phone", ...)."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field, self.why = field, why


def build(raw: Mapping[str, Any] | None) -> dict[str, Form]:
    """What a file without mistakes says, by name; nothing without a file."""
    return msgspec.convert(raw or {}, dict[str, Form])


def answers(form: Form, sent: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The fields as they were filled in, addresses in their one form. Raises Wrong."""
    return {
        name: value
        for name, field in form.fields.items()
        if (value := _answer(name, field, "".join(sent.get(name, ())[:1]).strip()))
    }


def _answer(name: str, field: Field, text: str) -> str:
    if not text:
        if field.required:
            raise Wrong(name, "missing")
        return ""
    if len(text) > MOST_LETTERS:
        raise Wrong(name, "long")
    if not text.isprintable():
        raise Wrong(name, "letters")
    if name == "email":
        text = normal_email(text)
    elif name == "phone":
        text = normal_phone(text)
    if not text:
        raise Wrong(name, name)
    return text


def chosen(form: Form, sent: Mapping[str, Sequence[str]]) -> list[str]:
    """The purposes that the person agrees to: the form's one, or those that they ticked. Raises
    Wrong when they ticked none."""
    if len(form.purposes) == 1:
        return form.purposes
    found = [name for name in form.purposes if name in sent.get("purpose", ())]
    if not found:
        raise Wrong("purpose", "missing")
    return found


def allows(form: Form, origin: str, own: str) -> bool:
    """Whether a page of this origin ("https://www.example.com", "" for none) may send the form;
    `own` is our own address."""
    return not origin or origin in form.origins or origin == _origin(own)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def mistakes(raw: Any, brand: Brand) -> Iterator[Mistake]:
    """What is wrong in the file: the place in it, and what would be right."""
    if raw is None:
        return
    if not isinstance(raw, dict):
        yield (), f"forms stand one below the other, by name, like {_EXAMPLE}"
        return
    for name, one in raw.items():
        if not isinstance(name, str) or not NAME.match(name):
            yield (name,), f'"{name}" is written in small letters, digits and hyphens, up to 40'
        for path, words in _wrong(one, brand):
            yield (name, *path), words


def _wrong(raw: Any, brand: Brand) -> Iterator[Mistake]:
    words = [field.encode_name for field in msgspec.structs.fields(Form)]
    if not isinstance(raw, dict):
        yield (), f"a form is a mapping, like {_EXAMPLE}"
        return
    unknown = [word for word in raw if word not in words]
    for word in unknown:
        yield (word,), f'"{word}" is unknown here; {did_you_mean(str(word), words)}'
    if unknown:
        return
    try:
        form = msgspec.convert(raw, Form)
    except msgspec.ValidationError as error:
        said, _, place = str(error).rpartition(" - at `$")
        path = re.findall(r"[^.\[\]`]+", place) if said else []
        yield tuple(path[:1]), said or str(error)
        return
    yield from _wrong_words(form, brand)
    yield from _wrong_fields(form)
    yield from _wrong_addresses(form)
    yield from _wrong_incentive(form, brand)


def _wrong_incentive(form: Form, brand: Brand) -> Iterator[Mistake]:
    if form.incentive and form.incentive not in brand.assets:
        right = 'write it there under "assets", with its address'
        if brand.assets:
            right = did_you_mean(form.incentive, brand.assets)
        yield ("incentive",), f'"{form.incentive}" is not among the assets of brand.yaml; {right}'


def _wrong_addresses(form: Form) -> Iterator[Mistake]:
    for word in ("thanks", "confirmed"):
        url = getattr(form, word)
        if url and not url.startswith("https://"):
            yield (word,), f'"{url}" is not a web address; it begins with https://'
    for index, origin in enumerate(form.origins):
        if not origin.startswith(("https://", "http://")) or _origin(origin) != origin:
            right = 'write it like "https://www.example.com", without anything behind it'
            yield ("origins", index), f'"{origin}" is not the address of a website; {right}'


def _wrong_words(form: Form, brand: Brand) -> Iterator[Mistake]:
    asked = [name for name, needed in brand.needs_consent.items() if needed]
    if not form.purposes:
        yield ("purposes",), f"names no purpose; there are: {', '.join(asked)}"
    for index, purpose in enumerate(form.purposes):
        if purpose not in asked:
            words = f'"{purpose}" is not a purpose that needs consent; there are: '
            yield ("purposes", index), words + ", ".join(asked)
    for language in brand.languages:
        if not form.text.get(language, "").strip():
            yield ("text",), f"the words to which people say yes are missing in {language}"


def _wrong_fields(form: Form) -> Iterator[Mistake]:
    if not form.channels:
        yield ("channels",), "a form is for email, sms or both"
    for channel in form.channels:
        field = ADDRESSES[channel]
        if field not in form.fields:
            yield ("fields",), f'a form for {channel} needs the field "{field}"'
    addresses = [ADDRESSES[channel] for channel in form.channels]
    if not any(name in form.fields and form.fields[name].required for name in addresses):
        yield ("fields",), f'{" or ".join(addresses)} has to be "required: true"'
    for name in form.fields:
        if not FIELD.match(name) or name in OURS:
            yield ("fields", name), f'"{name}" cannot be the name of a field; write "firstName"'
