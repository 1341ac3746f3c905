"""Answers about journeys, and what the publisher answers."""

import secrets
from typing import Annotated, Any, Literal

import msgspec
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError

from functions.handlers import wiring
from functions.handlers.answers.door import (
    LONGEST,
    answer_json,
    app,
    guard,
    json_body,
    operation,
    profile_of_id,
    read_as,
)
from functions.handlers.desk import journey_desk
from functions.handlers.openapi import Operation, Parameter
from functions.handlers.orders import ORDERS
from functions.journeys.enter import enter_by_api
from functions.storage import people
from functions.storage.library import Published
from functions.tracking.profile import Profile

MOST_PROPERTIES = 32_768  # bytes of JSON, as for a call of Segment's API


class JourneyView(msgspec.Struct):
    """A published journey."""

    name: str
    title: str
    version: str
    state: Literal["open", "paused", "stopped"] = "open"


class JourneysPage(msgspec.Struct):
    """The newest version of every journey."""

    journeys: list[JourneyView]


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to enter: one of `person` (an id), `user_id` and `email`; for which occasion (the
    same one lets in once, without one each call is an occasion); and what the journey finds under
    `entry`."""

    person: str = ""
    user_id: str = ""
    email: str = ""
    occasion: Annotated[str, msgspec.Meta(max_length=LONGEST)] = ""
    properties: dict[str, Any] = {}


class Entered(msgspec.Struct):
    """Whether the person entered, the id of the run, and why not."""

    entered: bool
    person: str
    run: str = ""
    why_not: str = ""


def _hand_on(order: str, asked: Operation) -> None:
    """Register an operation whose answer is the publisher's."""

    def guarded(name: str = "") -> Response[bytes]:
        def answer() -> Response[bytes]:
            said = wiring.parts().publisher({"order": order, "name": name, "body": json_body()})
            return answer_json(said["body"], said["status"])

        return guard(asked, {"name": name} if name else {}, answer)

    app.route(asked.path.replace("{", "<").replace("}", ">"), [asked.method.upper()])(guarded)


for _order, _operation in ORDERS.items():
    _hand_on(_order, _operation)


@operation("/api/journeys", "The newest version of every journey", JourneysPage)
def _journeys() -> JourneysPage:
    published = wiring.parts().library.journeys()
    return JourneysPage([_journey_view(one) for one in published])


def _journey_view(one: Published) -> JourneyView:
    name = one.journey.name
    return JourneyView(name, one.journey.title, one.version, _state(name))


def _state(journey: str) -> Literal["open", "paused", "stopped"]:
    library = wiring.parts().library
    if library.is_paused(journey):
        return "paused"
    return "stopped" if library.is_closed(journey) else "open"


@operation(
    "/api/journeys/{journey}/enter",
    "Let a person into a journey; its own rules decide",
    Entered,
    Parameter("journey", "path", "the journey's name"),
    method="post",
    body=Entry,
)
def _enter(journey: str) -> Entered:
    asked = read_as(Entry)
    if len(msgspec.json.encode(asked.properties)) > MOST_PROPERTIES:
        raise BadRequestError(f'"properties" has at most {MOST_PROPERTIES} bytes')
    profile = _asked_for(asked)
    desk = journey_desk(wiring.parts())
    occasion = asked.occasion or secrets.token_hex(8)
    try:
        run, why_not = enter_by_api(desk, profile, journey, occasion, asked.properties)
    except LookupError as error:
        raise NotFoundError(str(error.args[0])[:LONGEST]) from None
    return Entered(bool(run), profile.person, run, why_not)


def _asked_for(asked: Entry) -> Profile:
    parts = wiring.parts()
    given = {kind: getattr(asked, kind) for kind in ("person", "user_id", "email")}
    said = [(kind, value) for kind, value in given.items() if value]
    if len(said) != 1:
        raise BadRequestError("say who: one of person, user_id, email")
    [(kind, value)] = said
    if kind == "person":
        return profile_of_id(value)
    found = people.People(parts.store, parts.settings.identity_key).by(kind, value)
    if found is None:
        raise NotFoundError(f'nobody has this {kind}: "{value[:50]}"')
    return found
