"""HTTP on one machine: turns requests into API Gateway's events and handlers' answers back.

The events are HTTP API payloads, format 2.0
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html),
so a handler cannot tell where it runs.
"""

import asyncio
import base64
import errno
import json
import logging
import socket
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import uvicorn

from functions.handlers.headers import DATA

Handler = Callable[[dict[str, Any], object], dict[str, Any]]
Routes = Callable[[str, str], Handler]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

BODY_LIMIT = 1_000_000
# A body that is too large is read to this size all the same: most clients listen for the answer
# only once they have sent everything.
_PATIENCE = 10 * BODY_LIMIT
_TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")

logger = logging.getLogger("tante.http")


class PortTaken(OSError):
    """Another program listens on the port."""


class _Gone(Exception):
    """The client hung up before its request was complete."""


class _Response(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def fast(handler: Handler) -> Handler:
    """Mark a handler that never waits for anything: it runs at once, without a thread."""
    handler.fast = True  # type: ignore[attr-defined]
    return handler


def application(routes: Routes) -> Application:
    """An ASGI application; `routes(method, path)` gives the handler that answers."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            try:
                status, headers, body = await _answer(routes, scope, receive)
                start = {"type": "http.response.start", "status": status, "headers": headers}
                await send(start)
                await send({"type": "http.response.body", "body": body})
            except _Gone:
                logger.debug("client hung up")

    return app


def serve(
    app: Application, port: int, started: Callable[[], None], host: str = "127.0.0.1"
) -> None:
    """Answer requests until the process is told to stop; `started` is called when connections
    are taken. Raises PortTaken."""
    with _listen(host, port) as listener:
        started()
        _server(app).run(sockets=[listener])


@contextmanager
def serving(app: Application, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
    """The same in a thread of its own, at the address that is yielded; port 0 takes a free one."""
    with _listen(host, port) as listener:
        server = _server(app)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on, also before the server has started."""
    # Only where the protocol is named does asyncio send small answers without waiting 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            message = f"Port {port} on {host} is taken by another program; choose another one."
            raise PortTaken(error.errno, message) from None
        raise
    return listener


def _server(app: Application) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
        )
    )


async def _lifespan(receive: Receive, send: Send) -> None:
    for phase in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{phase}.complete"})


async def _answer(routes: Routes, scope: Message, receive: Receive) -> _Response:
    body = await _read(receive)
    if body is None:
        return _error(413, "too_large", f"A request may have {BODY_LIMIT} bytes.")
    try:
        handler = routes(scope["method"], scope["path"])
        event = gateway_event(scope, body)
        if getattr(handler, "fast", False):
            return _response(handler(event, None))
        return _response(await asyncio.to_thread(handler, event, None))
    except Exception:
        logger.exception("%s %s failed", scope["method"], scope["path"])
        return _error(500, "internal_error", "Something failed here; the server's log says what.")


async def _read(receive: Receive) -> bytes | None:
    """The request's body, None when it is too large."""
    parts, size, more = [], 0, True
    while more and size < _PATIENCE:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        part = message.get("body", b"")
        size += len(part)
        more = message.get("more_body", False)
        if size <= BODY_LIMIT:
            parts.append(part)
    return b"".join(parts) if size <= BODY_LIMIT else None


def gateway_event(scope: Message, body: bytes) -> dict[str, Any]:
    """The event that API Gateway would make of this request (ASGI scope and whole body)."""
    headers, cookies = _headers(scope["headers"])
    query = scope["query_string"].decode("latin-1")
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": scope["path"],
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "http": {
                "method": scope["method"],
                "path": scope["path"],
                "protocol": f"HTTP/{scope['http_version']}",
                "sourceIp": (scope.get("client") or ("",))[0],
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if query:
        event["queryStringParameters"] = _joined(parse_qsl(query, keep_blank_values=True))
    if body:
        event["body"], event["isBase64Encoded"] = _encoded(body, headers)
    return event


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Values of the same name joined by commas, as format 2.0 has it."""
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _headers(raw: list[tuple[bytes, bytes]]) -> tuple[dict[str, str], list[str]]:
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw]
    cookies = [
        cookie.strip() for name, value in pairs if name == "cookie" for cookie in value.split(";")
    ]
    return _joined([pair for pair in pairs if pair[0] != "cookie"]), cookies


def _encoded(body: bytes, headers: dict[str, str]) -> tuple[str, bool]:
    """The body as an event carries it, and whether that is base64."""
    is_text = headers.get("content-type", "").lower().startswith(_TEXT_TYPES)
    if is_text and headers.get("content-encoding", "identity") == "identity":
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass  # the sender's content type is wrong; the handler shall see the very bytes
    return base64.b64encode(body).decode(), True


def _response(answer: dict[str, Any]) -> _Response:
    """What a handler answered, as ASGI sends it."""
    text = answer.get("body") or ""
    body = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
    status = answer.get("statusCode", 200)
    headers = [*(answer.get("headers") or {}).items()]
    headers += [("set-cookie", cookie) for cookie in answer.get("cookies") or []]
    if status != 204:
        headers.append(("content-length", len(body)))
    raw = [
        (name.lower().encode("latin-1"), f"{value}".encode("latin-1")) for name, value in headers
    ]
    return _Response(status, raw, body)


def _error(status: int, code: str, message: str) -> _Response:
    body = json.dumps({"code": code, "message": message})
    headers = {"content-type": "application/json", **DATA}
    return _response({"statusCode": status, "headers": headers, "body": body})
