"""The adapter between HTTP and API Gateway's events."""

import asyncio
import base64
import socket
import threading
from typing import Any

import httpx
import pytest

from local import http_server
from local.http_server import PortTaken, application, fast, serve, serving


def echo(event: dict[str, Any], context: object) -> dict[str, Any]:
    seen.append(event)
    return {
        "statusCode": 201,
        "headers": {"content-type": "text/plain", "X-Thread": threading.current_thread().name},
        "cookies": ["a=1; Path=/", "b=2"],
        "body": base64.b64encode(b"\x00\xff").decode(),
        "isBase64Encoded": True,
    }


seen: list[dict[str, Any]] = []


def ask(handler: Any, method: str, path: str, **more: Any) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app=application(lambda method, path: handler))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **more)

    return asyncio.run(go())


def test_a_request_becomes_an_event_of_format_2() -> None:
    answer = ask(
        echo,
        "POST",
        "/v1/a%20b?x=1&x=2&y=",
        headers=[("X-A", "1"), ("X-A", "2"), ("Cookie", "c=1; d=2"), ("User-Agent", "me")],
        json={"ä": 1},
    )
    event = seen.pop()
    assert event["rawPath"] == "/v1/a b"
    assert event["rawQueryString"] == "x=1&x=2&y="
    assert event["queryStringParameters"] == {"x": "1,2", "y": ""}
    assert event["headers"]["x-a"] == "1,2"
    assert "cookie" not in event["headers"]
    assert event["cookies"] == ["c=1", "d=2"]
    assert event["body"] == '{"ä":1}'
    assert not event["isBase64Encoded"]
    http = event["requestContext"]["http"]
    assert (http["method"], http["userAgent"], http["sourceIp"]) == ("POST", "me", "127.0.0.1")
    assert answer.status_code == 201
    assert answer.content == b"\x00\xff"
    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/octet-stream"},
        {},
    ],
)
def test_what_is_not_plainly_text_travels_as_base64(headers: dict[str, str]) -> None:
    ask(echo, "POST", "/", headers=headers, content=b"text")
    event = seen.pop()
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == b"text"


def test_text_that_is_not_utf_8_travels_as_base64() -> None:
    ask(echo, "POST", "/", headers={"content-type": "text/plain"}, content=b"\xff")
    assert base64.b64decode(seen.pop()["body"]) == b"\xff"


def test_only_a_fast_handler_runs_in_the_server_s_own_thread() -> None:
    main = threading.current_thread().name
    assert ask(echo, "GET", "/").headers["x-thread"] != main
    quick = fast(lambda event, context: echo(event, context))
    assert ask(quick, "GET", "/").headers["x-thread"] == main


def broken(event: dict[str, Any], context: object) -> dict[str, Any]:
    raise RuntimeError("secret")


@pytest.mark.parametrize(
    "handler", [broken, lambda event, context: None, lambda event, context: {"headers": {"x": "€"}}]
)
def test_an_exception_is_a_500_that_keeps_its_cause_to_the_log(
    handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answer = ask(handler, "GET", "/")
    assert answer.status_code == 500
    assert set(answer.json()) == {"code", "message"}
    assert "secret" not in answer.text
    assert "GET / failed" in caplog.text


def test_too_large_a_body_is_413_and_a_client_that_writes_on_hears_it() -> None:
    with serving(application(lambda method, path: echo)) as url:
        answer = httpx.post(url, content=b"x" * 5_000_000)
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"
        assert httpx.get(url).status_code == 201
        assert httpx.head(url).status_code == 201
    seen.clear()


def test_a_taken_port_is_told_in_words() -> None:
    app = application(lambda method, path: echo)
    with serving(app) as url, pytest.raises(PortTaken, match="is taken by another program"):
        serve(app, int(url.rpartition(":")[2]), lambda: None)


def test_small_answers_are_sent_without_delay() -> None:
    with http_server._listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP, "else asyncio leaves Nagle's algorithm on"
