"""The admin API: what there is to see and to do; the studio will stand on it."""

from collections.abc import Iterable
from typing import Any

from aws_lambda_powertools.event_handler import Response

from functions.handlers import answers, openapi, wiring
from functions.handlers.answers.door import OPERATIONS, answer_json, app
from functions.handlers.openapi import Operation
from functions.handlers.orders import ORDERS

answers.open_all()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP API v2 event. Every answer is JSON; an error has `code` and `message`."""
    return app.resolve(event, context)


def document(more: Iterable[Operation] = ()) -> dict[str, Any]:
    """OpenAPI of the whole system, and of `more` that only one machine has."""
    every = [*openapi.COLLECTING, *OPERATIONS, *ORDERS.values(), *openapi.LEAVING, *more]
    return openapi.document(every, wiring.parts().settings.public_url)


@app.get("/openapi.json")
def _document() -> Response[bytes]:
    """Open to all: it tells nothing of anybody."""
    return answer_json(document())
