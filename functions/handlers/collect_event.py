"""Takes events from websites and shops in Segment's protocol and puts them on the event queue.

It answers every path itself, because an HTTP API cannot shape its own errors and Segment's
Python client retries an error that lacks `code` or `message`.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import msgspec

from functions.handlers import wiring
from functions.handlers.headers import ALWAYS, DATA
from functions.tracking import collect
from functions.tracking.collect import BadRequest
from functions.tracking.event import EventBatch, bodies
from functions.tracking.source import Source

SOURCE_KEPT = timedelta(seconds=60)
SOURCES_KEPT = 1000  # so that made-up keys cannot fill the memory

# The long paths are every server's client's, the short ones the browser's client's.
CALLS = {
    f"/v1/{path}": kind
    for kind in ("identify", "track", "page", "screen", "group", "alias", "batch")
    for path in (kind, kind[0])
} | {"/v1/import": "batch"}
METRICS = "/v1/m"
SETTINGS = ("/v1/projects/", "/settings")

# Any website may call: the write key is public and there are no cookies to steal.
CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "Retry-After, X-RateLimit-Reset",
}
PREFLIGHT = {
    "access-control-allow-headers": "Authorization, Content-Type, X-Retry-Count",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-max-age": "86400",
}

Response = dict[str, Any]


@cache
def _logger() -> Any:
    """Made when there is something to say: it is a fifth of a cold start, and most say nothing."""
    from functions.handlers.discreet import Logger

    return Logger(service="collect_event")


class _Refusal(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.answer = _error(status, code, message, headers)


def handler(event: dict[str, Any], context: object) -> Response:
    """Answer one request (API Gateway HTTP API, payload format 2.0)."""
    try:
        return _answer(event)
    except _Refusal as refusal:
        return refusal.answer
    except BadRequest as refusal:
        return _error(refusal.status, refusal.code, refusal.message)
    except wiring.Busy as busy:
        wait = str(busy.retry_after)
        headers = {"retry-after": wait, "x-ratelimit-reset": wait}
        return _error(429, "busy", f"Too many events, come again in {wait} s.", headers)
    except Exception:
        _logger().exception("request failed")
        return _error(500, "internal_error", "Something failed here; the same request may work.")


def _answer(event: dict[str, Any]) -> Response:
    request = event["requestContext"]["http"]
    path, method = str(event.get("rawPath", "")).rstrip("/"), request["method"]
    expected = _method(path)
    if method == "OPTIONS":
        return {"statusCode": 204, "headers": ALWAYS | CORS | PREFLIGHT}
    if not expected:
        raise _Refusal(404, "not_found", "There is nothing at this path.")
    if method != expected:
        message = f"This path answers {expected} only."
        raise _Refusal(405, "method_not_allowed", message, allow=f"{expected}, OPTIONS")
    if path == METRICS:  # what the browser's client tells of itself; nobody here reads it
        return _json(200, {"success": True})
    if expected == "GET":
        return _settings(path.removeprefix(SETTINGS[0]).removesuffix(SETTINGS[1]))
    return _collect(event, CALLS[path], request)


def _method(path: str) -> str:
    """The one method a path answers, "" for an unknown path."""
    if path in CALLS or path == METRICS:
        return "POST"
    key = path.startswith(SETTINGS[0]) and path.endswith(SETTINGS[1])
    return "GET" if key and path.count("/") == 4 else ""


def _collect(event: dict[str, Any], kind: str, request: Mapping[str, Any]) -> Response:
    headers = event.get("headers") or {}
    call = collect.parse(_body(event, headers), kind)
    source = _source(call.write_key or _basic_user(headers.get("authorization", "")))
    if source.origins and headers.get("origin") not in source.origins:
        raise _Refusal(403, "origin_not_allowed", "This write key is not for pages of this origin.")
    parts = wiring.parts()
    found = collect.accept(
        call, source, parts.now(), request.get("sourceIp", ""), headers.get("user-agent", "")
    )
    if found.errors:
        _logger().info("events refused", source=source.name, codes=_count(found.errors))
    if kind != "batch" and found.errors:
        raise _Refusal(400, found.errors[0].code, found.errors[0].message)
    if found.events:
        parts.send_events(bodies(EventBatch(found.events)), 0)
    return _json(200, {"success": True} | ({"errors": found.errors} if found.errors else {}))


def _count(errors: list[collect.EventError]) -> dict[str, int]:
    codes = [error.code for error in errors]
    return {code: codes.count(code) for code in set(codes)}


def _body(event: dict[str, Any], headers: Mapping[str, str]) -> bytes:
    """The request's body as its sender wrote it, unpacked."""
    text = event.get("body") or ""
    try:
        packed = base64.b64decode(text) if event.get("isBase64Encoded") else _bytes(text)
    except (binascii.Error, ValueError):
        raise BadRequest("bad_encoding", "The body is not base64.") from None
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return packed
    if encoding in ("gzip", "deflate"):
        return _inflate(packed)
    raise BadRequest("bad_encoding", "Content-Encoding may be gzip or deflate.", 415)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _inflate(packed: bytes) -> bytes:
    """Unpack no more than a request may have, however small it was packed."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by its first bytes
    try:
        body = unpacker.decompress(packed, collect.MAX_BODY + 1)
    except zlib.error:
        raise BadRequest("bad_encoding", "The body is not what Content-Encoding says.") from None
    if not unpacker.eof and len(body) <= collect.MAX_BODY:
        raise BadRequest("bad_encoding", "The packed body ends too early.")
    return body


def _basic_user(authorization: str) -> str:
    """The user of a Basic Authorization header, which is where clients put the write key."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value).decode().partition(":")[0]
    except ValueError:
        return ""


class _Sources:
    """What the store said of a write key, believed for a minute."""

    def __init__(self, parts: wiring.Parts | None = None) -> None:
        self.parts = parts
        self.known: dict[str, tuple[datetime, Source | None]] = {}

    def get(self, write_key: str) -> Source | None:
        """The source of a write key, None when there is none."""
        now = wiring.parts().now()
        until, source = self.known.get(write_key, (now, None))
        if until <= now or until > now + SOURCE_KEPT:  # a stage's clock may be set back
            source = wiring.parts().source(write_key)
            if len(self.known) >= SOURCES_KEPT:
                self.known.clear()
            self.known[write_key] = (now + SOURCE_KEPT, source)
        return source


_sources = _Sources()


def _source(write_key: str, status: int = 401) -> Source:
    global _sources
    if _sources.parts is not wiring.parts():
        _sources = _Sources(wiring.parts())
    if not write_key:
        raise _Refusal(status, "invalid_write_key", "The write key is missing.")
    source = _sources.get(write_key)
    if source is None or source.revoked or (source.ends and source.ends <= wiring.parts().now()):
        raise _Refusal(status, "invalid_write_key", "The write key is unknown or revoked.")
    return source


def _settings(write_key: str) -> Response:
    """The least document with which Segment's browser client starts, and sends here only."""
    _source(write_key, status=404)
    protocol, _, host = wiring.parts().settings.public_url.rstrip("/").partition("://")
    segment = {"apiKey": write_key, "apiHost": f"{host}/v1", "protocol": protocol}
    document = {"integrations": {"Segment.io": segment}, "metrics": {"sampleRate": 0}}
    return _json(200, document, {"cache-control": "public, max-age=300"})


def _json(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", **DATA, **CORS, **(headers or {})},
        "body": msgspec.json.encode(value).decode(),
    }


def _error(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    return _json(status, {"code": code, "message": message}, headers)
