"""The admin API: what there is to see and to do; the studio will stand on it."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools.event_handler import Response

from functions.handlers import answers, openapi, wiring
from functions.handlers.answers.door import OPERATIONS, answer_json, app
from functions.handlers.open_doors import OPEN_DOORS
from functions.handlers.openapi import Operation
from functions.handlers.orders import ORDERS

answers.open_all()
_OF_ACCOUNT = re.compile(r"/api/accounts/(?P<id>.+?)(?P<ending>/members(/[^/]+)?)?", re.DOTALL)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP API v2 event. Every answer is JSON; an error has `code` and `message`."""
    return app.resolve(_with_account_in_one(event), context)


def _with_account_in_one(event: dict[str, Any]) -> dict[str, Any]:
    """The event with the account's id as one part of the path, whatever a CRM calls it: API
    Gateway has decoded the path, so that "a%2Fb" is "a/b"."""
    found = _OF_ACCOUNT.fullmatch(event["rawPath"])
    if not found:
        return event
    path = f"/api/accounts/{quote(found['id'], safe='')}{found['ending'] or ''}"
    return {**event, "rawPath": path}


def document(more: Iterable[Operation] = ()) -> dict[str, Any]:
    """OpenAPI of the whole system, and of `more` that only one machine has."""
    every = [*openapi.COLLECTING, *OPERATIONS, *ORDERS.values(), *OPEN_DOORS, *more]
    return openapi.document(every, wiring.parts().settings.public_url)


@app.get("/openapi.json")
def _document() -> Response[bytes]:
    """Open to all: it tells nothing of anybody."""
    return answer_json(document())
