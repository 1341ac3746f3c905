"""What may be asked without a key, as OpenAPI tells it: pages, forms, and links of messages."""

from typing import Annotated

import msgspec

from functions.handlers.openapi import FORM, HTML, JSON, Contents, Operation, Parameter

PAGE: Contents = {HTML: None}
NOTHING: Contents = {}
TOKEN = Parameter("token", "path", "signed; it stands in a message of ours")
SPOKEN = Parameter("accept-language", "header", "what the browser's person reads")


class Choices(msgspec.Struct, kw_only=True):
    """What the preference page sends: a topic is "channel/purpose"."""

    topic: list[str] = []
    was: list[str] = []
    often: str = ""
    pause: str = ""
    way: str = ""
    leave: str = ""


class OneClick(msgspec.Struct, rename={"one_click": "List-Unsubscribe"}):
    """What a mail program sends (RFC 8058, section 3.1); nothing of it is needed."""

    one_click: str = "One-Click"


class Filled(msgspec.Struct, kw_only=True):
    """A form that was filled in: the fields that forms.yaml gives it stand beside these."""

    email: Annotated[str, msgspec.Meta(extra_json_schema={"format": "email"})] = ""
    phone: str = ""
    purpose: list[str] = []
    language: str = ""
    website: str = ""
    opened: str = ""


class Taken(msgspec.Struct, kw_only=True):
    """What a form answers to a program; `field` is the one that was filled in wrongly."""

    code: str
    message: str
    field: str = ""


EITHER: Contents = {HTML: None, JSON: Taken}
_NAMED = Parameter("form", "path", "its name in forms.yaml")
_ORIGIN = Parameter("origin", "header", "the website on whose page the form stands")
_IN = Parameter("in", "query", "the language to show it in, such as de")
_PAGES = [
    Operation(
        method,
        path,
        summary,
        parameters=(TOKEN,),
        body=body,
        body_types=(FORM,),
        answers={"200": PAGE, "4XX": PAGE, **more},
    )
    for method, path, summary, body, more in (
        ("get", "/confirm/{token}", "Ask whether to confirm", None, {}),
        ("post", "/confirm/{token}", "Confirm", None, {"303": NOTHING, "503": PAGE}),
        ("get", "/leave/{token}", "Ask whether to leave", None, {}),
        ("post", "/leave/{token}", "Leave", OneClick, {"503": PAGE}),
        ("get", "/preferences/{token}", "Show what the person gets", None, {}),
        ("post", "/preferences/{token}", "Change what the person gets", Choices, {}),
    )
]
_FORMS = [
    Operation(
        "get",
        "/forms/{form}",
        "Show a form",
        parameters=(_NAMED, _IN, SPOKEN),
        answers={"200": PAGE, "4XX": EITHER},
    ),
    Operation(
        "post",
        "/forms/{form}",
        "Sign up",
        parameters=(_NAMED, _IN, SPOKEN, _ORIGIN),
        body=Filled,
        body_types=(FORM, JSON),
        answers={"200": EITHER, "303": NOTHING, "4XX": EITHER},
    ),
    Operation(
        "options",
        "/forms/{form}",
        "Whether a website may send it",
        parameters=(_NAMED, _ORIGIN),
        answers={"204": NOTHING, "4XX": EITHER},
    ),
]
_LINKS = [
    Operation(
        "get",
        path,
        summary,
        parameters=(TOKEN,),
        answers={**answers, "4XX": PAGE, "503": PAGE},
    )
    for path, summary, answers in (
        ("/c/{token}", "Follow a link of a mail", {"302": NOTHING, "200": PAGE}),
        ("/s/{token}", "Follow a short link", {"302": NOTHING, "200": PAGE}),
        ("/d/{token}", "Fetch what a message offers", {"302": NOTHING}),
        ("/o/{token}", "Tell that a mail was opened", {"200": {"image/gif": None}}),
    )
]
OPEN_DOORS = [*_PAGES, *_FORMS, *_LINKS]
