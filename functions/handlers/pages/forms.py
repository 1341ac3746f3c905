"""Forms: where people sign up, on a page of ours or sent from a page of the website's."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec

from functions.handlers import requesting
from functions.handlers.headers import ALWAYS, DATA
from functions.handlers.pages.door import Asked, is_json, language, page, show
from functions.messages import form_page, form_words, link
from functions.messages.forms import ADDRESSES, Form, Wrong, allows, answers, chosen
from functions.storage.store import Contended

HONEYPOT = "website"  # no person sees it
LEAST = timedelta(seconds=2)  # nobody reads and fills in a form faster
OPENED_LASTS = timedelta(days=2)


@page("forms", "GET", "POST", "OPTIONS")
def forms(asked: Asked) -> dict[str, Any]:
    """GET shows the form; POST signs up: the same answer whether the address is known or not.

    Only a confirmation makes a consent of it. Wrong input is told with the field, and nothing that
    was filled in is lost. JSON gets JSON.
    """
    form = asked.parts.library.forms().get(asked.rest)
    spoken = _language(asked)
    if form is None:
        return _refuse(asked, spoken, 404, "not_found", "none")
    origin = asked.headers.get("origin", "")
    if not allows(form, "" if origin == "null" else origin, asked.parts.settings.public_url):
        return _refuse(asked, spoken, 403, "wrong_origin", "origin")
    if asked.method == "OPTIONS":
        return _with_origin(asked, {"statusCode": 204, "headers": dict(ALWAYS), "body": ""})
    if asked.method != "POST":
        return _show(asked, form, spoken)
    return _with_origin(asked, _take(asked, form, spoken))


def _take(asked: Asked, form: Form, spoken: str) -> dict[str, Any]:
    try:
        filled, purposes = answers(form, asked.form), chosen(form, asked.form)
    except Wrong as wrong:
        return _again(asked, form, spoken, 422, wrong)
    if any(asked.form.get(HONEYPOT, ())):
        return _thank(asked, form, spoken)  # a robot filled it in: it learns nothing
    if _is_too_quick(asked):
        return _again(asked, form, spoken, 429, Wrong("", "quick"))
    requests = [
        _request(asked, form, spoken, channel, filled, purposes)
        for channel in form.channels
        if ADDRESSES[channel] in filled
    ]
    try:
        if not requesting.from_here(asked.parts, asked.ip):
            return _again(asked, form, spoken, 429, Wrong("", "often"))
        for request in requests:
            requesting.ask(asked.parts, request)
    except Contended:
        return _again(asked, form, spoken, 429, Wrong("", "busy"))
    return _thank(asked, form, spoken)


def _request(
    asked: Asked,
    form: Form,
    spoken: str,
    channel: str,
    filled: Mapping[str, str],
    purposes: Sequence[str],
) -> requesting.Request:
    address = ADDRESSES[channel]
    context = {
        "ip": asked.ip,
        "userAgent": asked.headers.get("user-agent", "")[:300],
        "page": {"url": asked.headers.get("referer", "")[:300]},
        "locale": spoken,
    }
    return requesting.Request(
        form=asked.rest,
        channel=channel,
        purposes=purposes,
        text=form.version(spoken),
        wording=form.wording(spoken),
        address=filled[address],
        language=spoken,
        incentive=form.incentive,
        traits={address: filled[address]},
        fields={name: said for name, said in filled.items() if name not in ADDRESSES.values()},
        context=context,
    )


def _is_too_quick(asked: Asked) -> bool:
    """Whether the page of ours was opened a moment ago. A form elsewhere says nothing of it."""
    token = "".join(asked.form.get("opened", ())[:1])
    if not token:
        return False
    now, keys = asked.parts.now(), asked.parts.settings.link_keys
    try:
        link.read("page", token, keys, now + OPENED_LASTS - LEAST)
    except link.BadLink:
        return False  # opened long enough ago (or not by us)
    return True


def _thank(asked: Asked, form: Form, spoken: str) -> dict[str, Any]:
    if _wants_json(asked):
        return _json(200, {"code": "asked", "message": form_words.words(spoken)["thanks"]})
    if form.thanks:
        return {"statusCode": 303, "headers": {**ALWAYS, "location": form.thanks}, "body": ""}
    return show(asked, spoken, form_words.words(spoken)["thanks"])


def _again(asked: Asked, form: Form, spoken: str, status: int, wrong: Wrong) -> dict[str, Any]:
    label = form.label(wrong.field, spoken) if wrong.field in form.fields else ""
    words = form_words.refusal(spoken, wrong.why).format(field=label)
    if _wants_json(asked):
        code = "bad_field" if wrong.field else "try_later"
        return _json(status, {"code": code, "field": wrong.field, "message": words})
    return _show(asked, form, spoken, status, wrong.field, words)


def _refuse(asked: Asked, spoken: str, status: int, code: str, why: str) -> dict[str, Any]:
    if _wants_json(asked):
        return _json(status, {"code": code, "message": form_words.words(spoken)[why]})
    return show(asked, spoken, form_words.words(spoken)[why], status=status)


def _show(
    asked: Asked, form: Form, spoken: str, status: int = 200, field: str = "", words: str = ""
) -> dict[str, Any]:
    opened = "".join(asked.form.get("opened", ())[:1])
    if not opened:
        until = asked.parts.now() + OPENED_LASTS
        opened = link.sign("page", [asked.rest], asked.parts.settings.link_keys, until)
    brand = asked.brand
    titles = {name: brand.purposes[name].title.get(spoken, name) for name in form.purposes}
    html = form_page.form(form, spoken, titles, asked.form, opened, field, words)
    title = form.title.get(spoken) or form_words.words(spoken)["title"]
    answer = show(asked, spoken, title, html, status)
    if form.thanks:
        # Browsers hold the redirect behind a form to its policy as well.
        policy, target = answer["headers"]["content-security-policy"], urlsplit(form.thanks)
        allowed = f"form-action 'self' https://{target.netloc}"
        answer["headers"]["content-security-policy"] = policy.replace("form-action 'self'", allowed)
    return answer


def _wants_json(asked: Asked) -> bool:
    return is_json(asked.headers) or "application/json" in asked.headers.get("accept", "")


def _json(status: int, said: Mapping[str, str]) -> dict[str, Any]:
    headers = {"content-type": "application/json", **DATA}
    return {
        "statusCode": status,
        "headers": headers,
        "body": msgspec.json.encode(said).decode(),
    }


def _with_origin(asked: Asked, answer: dict[str, Any]) -> dict[str, Any]:
    """A page of an allowed website may read the answer."""
    origin = asked.headers.get("origin", "")
    if origin and origin != "null":
        answer["headers"] |= {
            "access-control-allow-origin": origin,
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": "content-type, accept",
            "vary": "origin",
        }
    return answer


def _language(asked: Asked) -> str:
    """That of the form or the address, else of the browser, else the brand's."""
    known = asked.brand.languages
    said = "".join(asked.form.get("language", ())[:1]) or asked.query.get("in", "")
    browser = asked.headers.get("accept-language", "").partition(",")[0].partition(";")[0]
    wanted = said or browser.partition("-")[0]
    return wanted if wanted in known else language(asked, "", known)
