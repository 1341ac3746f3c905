"""Logging in: a browser shows its owner's key once and has a cookie for half a day."""

from datetime import timedelta

import msgspec
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import UnauthorizedError
from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from functions.handlers import callers, throttle, wiring
from functions.handlers.answers.door import (
    OPERATIONS,
    TooMany,
    answer_json,
    app,
    check_parameters,
    guard,
    known_caller,
    operation,
    read_as,
)
from functions.handlers.openapi import Operation

PATH = "/api/session"


class LogIn(msgspec.Struct, forbid_unknown_fields=True):
    """The secret key of whoever logs in."""

    key: str


class SessionView(msgspec.Struct):
    """Who is logged in (the key's name), and what they may do."""

    name: str
    scopes: list[str]


class LoggedOut(msgspec.Struct):
    """Nobody is logged in with this browser."""

    done: bool = True


@operation(PATH, "Who asks, and what they may do", SessionView, needs="")
def _who() -> SessionView:
    return _view(known_caller())


_LOG_IN = Operation(
    "post", PATH, "Log in with a key: sets a cookie for half a day", SessionView, (), "", LogIn
)
_LOG_OUT = Operation(
    "delete", PATH, "Log out of this browser", LoggedOut, (), "secret_key", None, ""
)
OPERATIONS.extend((_LOG_IN, _LOG_OUT))


@app.post(PATH)
def _log_in() -> Response[bytes]:
    """Five wrong keys from an address, and it waits, twice as long each time."""
    check_parameters(())
    parts, now = wiring.parts(), wiring.parts().now()
    event = app.current_event.raw_event
    where = event["requestContext"]["http"].get("sourceIp", "")
    wait = throttle.locked_for(parts.store, "log in", where, now)
    if wait:
        raise TooMany(wait)
    key = read_as(LogIn).key
    caller = callers.of_key(parts, callers.key_hash_of(key)) if key else None
    if caller is None:
        throttle.failed(parts.store, "log in", where, now)
        raise UnauthorizedError("no such key is in force")
    throttle.succeeded(parts.store, "log in", where)
    answer = answer_json(_view(caller))
    answer.cookies.append(_cookie(callers.begin_session(parts, caller), callers.SESSION_LIVES))
    callers.note(parts, caller, _LOG_IN.called, {}, event, 200)
    return answer


@app.delete(PATH)
def _log_out() -> Response[bytes]:
    def ended() -> Response[bytes]:
        callers.end_session(wiring.parts(), app.current_event.raw_event)
        answer = answer_json(LoggedOut())
        answer.cookies.append(_cookie("", timedelta(0)))
        return answer

    return guard(_LOG_OUT, {}, ended)


def _cookie(token: str, lives: timedelta) -> Cookie:
    return Cookie(
        callers.COOKIE,
        token,
        path="/",
        secure=True,
        http_only=True,
        same_site=SameSite.STRICT_MODE,
        max_age=int(lives.total_seconds()),
    )


def _view(caller: callers.Caller) -> SessionView:
    return SessionView(caller.name, list(caller.scopes))
