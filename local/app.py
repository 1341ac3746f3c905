"""Every address of the one-machine system: the same handlers as in the cloud, and /local."""

import base64
import json
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from functions.handlers import (
    answer_admin,
    answer_page,
    collect_event,
    take_click,
    take_leave,
)
from functions.handlers.headers import ALWAYS, DATA
from functions.handlers.openapi import Operation, Parameter
from functions.handlers.pages import door as pages
from functions.segments.phrases import BadPhrase, duration
from functions.tracking.message import Kept
from functions.tracking.short_link import ShortLink
from local import outbox
from local.http_server import Handler, fast
from local.light_doors import leave_door
from local.system import System

TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'"
)
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: https:; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
OUR_NAMES = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?")
Answer = dict[str, Any]
PAGED = (Parameter("limit", "query", "how many at most"), Parameter("after", "query", "`next`"))
SEND_ID = Parameter("send_id", "path", "the message's id")


class ClockChange(msgspec.Struct):
    """One of the two: a new speed (seconds shown for each real one), or a jump ahead."""

    speed: float | msgspec.UnsetType = msgspec.UNSET
    advance: str | msgspec.UnsetType = msgspec.UNSET


LOCAL_OPERATIONS = [
    Operation("get", "/local/clock", "The clock, what waits and what is due next"),
    Operation(
        "post",
        "/local/clock",
        'Set it: {"speed": 86400} or {"advance": "3 days"}',
        body=ClockChange,
    ),
    Operation("get", "/local/outbox", "Messages kept instead of sent, newest first", None, PAGED),
    Operation("get", "/local/outbox/{send_id}", "One of them whole", Kept, (SEND_ID,)),
    Operation("get", "/local/outbox/{send_id}/view", "As its reader sees it", None, (SEND_ID,)),
    Operation("get", "/local/open/{send_id}", "Count an open", None, (SEND_ID,)),
    Operation(
        "get",
        "/local/click/{send_id}/{link}",
        "Count a click and go to its target",
        None,
        (SEND_ID, Parameter("link", "path", "the link's name or number")),
        done="302",
    ),
    Operation("get", "/openapi.json", "This document"),
]


class App:
    """Routes requests to handlers."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._door = take_click.Door(
            keys=lambda: system.parts.settings.link_keys,
            send=lambda body: system.parts.send_events([body], 0),
            short=self._short,
            now=system.clock.now,
        )
        self._leave_door = leave_door(system.parts)
        self._collect = fast(lambda event, context: collect_event.handler(event, context))

    def route(self, method: str, path: str) -> Handler:
        """The handler for an address."""
        if path == "/api/clusters/learn":
            return self._learn
        if path.startswith("/api/"):
            return answer_admin.handler
        if method == "POST" and path.startswith("/leave/"):
            return self._take_leave
        if path.lstrip("/").partition("/")[0] in pages.names():
            return answer_page.handler
        if path.startswith(("/c/", "/o/", "/s/", "/d/")):
            return self._take_click
        if path == "/" or path.startswith("/local/") or path == "/openapi.json":
            return self._local
        return self._collect

    def _take_leave(self, event: Answer, context: object) -> Answer:
        return take_leave.answer(self._leave_door, event)

    def _learn(self, event: Answer, context: object) -> Answer:
        """In the cloud a census comes within the hour; here it need not be waited for."""
        answer: Answer = answer_admin.handler(event, context)
        self._system.count_soon()
        return answer

    def _local(self, event: Answer, context: object) -> Answer:
        """/local has no key: it answers only who asks this machine by its own name, so that no
        web page elsewhere can use it through a browser."""
        host, origin = event["headers"].get("host", ""), event["headers"].get("origin", "")
        if not OUR_NAMES.fullmatch(host):
            return error(403, "forbidden", "ask for 127.0.0.1 or localhost")
        method = event["requestContext"]["http"]["method"]
        # A page elsewhere can have a GET sent, but not read its answer (no CORS here); our own
        # mails are shown in a sandbox whose origin is null, and their opens and clicks count.
        if method != "GET" and origin and origin.partition("//")[2] != host:
            return error(403, "forbidden", "another web page may not do this")
        parts = event["rawPath"].strip("/").split("/")
        answer = self._answers().get((method, *parts[:2]))
        try:
            if answer is None:
                return error(404, "not_found", "nothing here")
            given = answer(parts[2:], event)
            return {**given, "headers": ALWAYS | given["headers"]}
        except LookupError as missing:
            return error(404, "not_found", str(missing.args[0]))
        except (ValueError, TypeError) as wrong:
            return error(400, "bad_request", str(wrong))

    def _answers(self) -> dict[tuple[str, ...], Callable[[list[str], Answer], Answer]]:
        return {
            ("GET", ""): lambda rest, event: page("index.html"),
            ("GET", "local", "page"): lambda rest, event: page("/".join(rest)),
            ("GET", "local", "clock"): lambda rest, event: ok(self._system.status()),
            ("POST", "local", "clock"): self._set_clock,
            ("GET", "local", "outbox"): self._outbox,
            ("GET", "local", "open"): self._open,
            ("GET", "local", "click"): self._click,
            ("GET", "openapi.json"): lambda rest, event: ok(self._openapi()),
        }

    def _openapi(self) -> dict[str, Any]:
        return answer_admin.document(LOCAL_OPERATIONS)

    def _set_clock(self, rest: list[str], event: Answer) -> Answer:
        try:
            asked = json.loads(_body(event))
        except (ValueError, RecursionError):
            asked = None
        if (
            not isinstance(asked, dict)
            or len(asked) != 1
            or not asked.keys() & {"speed", "advance"}
        ):
            raise ValueError('send {"speed": 86400} or {"advance": "3 days"}')
        if "speed" in asked:
            if isinstance(asked["speed"], bool) or not isinstance(asked["speed"], int | float):
                raise ValueError('"speed" is a number: seconds shown for each real second')
            self._system.clock.run(min(asked["speed"], sys.maxsize))
            self._system.queue.arrived.set()
        else:
            self._system.advance(self._length(asked["advance"]))
        return ok(self._system.status())

    def _length(self, text: Any) -> timedelta:
        try:
            now = self._system.clock.now()
            return duration(text).after(now, ZoneInfo("UTC")) - now
        except BadPhrase as wrong:
            raise ValueError(str(wrong)) from None
        except OverflowError:
            raise ValueError("so far ahead no calendar goes") from None

    def _kept(self, send_id: str) -> Kept:
        kept = self._system.store.get(Kept, send_id) if send_id else None
        if kept is None:
            raise LookupError(f'no message "{send_id}" in the outbox')
        return kept

    def _outbox(self, rest: list[str], event: Answer) -> Answer:
        if rest:
            kept = self._kept(rest[0])
            if rest[1:] != ["view"]:
                return ok({**msgspec.to_builtins(kept), "links": self._named(kept)})
            headers = {"content-security-policy": MAIL_POLICY}
            return text(outbox.view(kept), "text/html", headers)
        query = event.get("queryStringParameters") or {}
        limit = query.get("limit", "100")
        if not limit.isdecimal() or len(limit) > 4 or not 1 <= int(limit) <= 1000:
            raise ValueError('"limit" is a number from 1 to 1000')
        store = self._system.store
        found, after = store.listing(Kept, limit=int(limit), after=query.get("after", ""))
        hidden = {"html": None}
        messages = [{**msgspec.to_builtins(k), **hidden, "links": self._named(k)} for k in found]
        return ok({"messages": messages, "next": after})

    def _open(self, rest: list[str], event: Answer) -> Answer:
        return self._take_click(self._as_if("", rest[:1], event), None)

    def _click(self, rest: list[str], event: Answer) -> Answer:
        if len(rest) != 2:
            raise LookupError("an address like /local/click/<send_id>/<link>")
        return self._take_click(self._as_if(rest[1], rest[:1], event), None)

    def _as_if(self, name: str, rest: list[str], event: Answer) -> Answer:
        """The request that a reader of this message would make; "" is the open."""
        kept = self._kept(rest[0] if rest else "")
        path = next((link.path for link in self._links_of(kept) if link.name == name), None)
        if path is None:
            what = (
                f'this message has no tracked link "{name}"' if name else "its opens are not told"
            )
            raise LookupError(what)
        return {**event, "rawPath": path}

    def _take_click(self, event: Answer, context: object) -> Answer:
        return take_click.answer(self._door, event)

    def _short(self, person: str, code: str) -> str:
        found = self._system.store.get(ShortLink, person, code)
        return found.path[1:] if found else ""

    def _links_of(self, kept: Kept) -> list[outbox.Link]:
        keys, now = self._system.parts.settings.link_keys, self._system.clock.now()
        return list(outbox.links(kept, self._system.store, keys, now))

    def _named(self, kept: Kept) -> dict[str, str]:
        return {link.name: link.url for link in self._links_of(kept) if link.url}


def _body(event: Answer) -> bytes:
    body: str = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()


def ok(body: Any) -> Answer:
    """A JSON answer."""
    raw = msgspec.json.encode(body).decode()
    headers = {"content-type": "application/json", **DATA}
    return {"statusCode": 200, "headers": headers, "body": raw}


def error(status: int, code: str, message: str) -> Answer:
    """An error, in the one shape that all errors have."""
    return {**ok({"code": code, "message": message}), "statusCode": status}


def text(body: str, kind: str, headers: dict[str, str] | None = None) -> Answer:
    """A page, style or script."""
    said = {"content-type": f"{kind}; charset=utf-8", **ALWAYS}
    return {"statusCode": 200, "headers": {**said, **(headers or {})}, "body": body}


def page(name: str) -> Answer:
    """A file of the page."""
    kind = TYPES.get(name.rpartition(".")[2])
    file = files("local") / "page" / name
    if kind is None or "/" in name or not file.is_file():
        raise LookupError(f'no page "{name}"')
    policy = {"content-security-policy": PAGE_POLICY, "cache-control": "no-cache"}
    return text(file.read_text("utf-8"), kind, policy)
