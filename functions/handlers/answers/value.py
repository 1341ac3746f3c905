"""Answers about what customers are worth, and how well it was foretold."""

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError

from functions.handlers import views, wiring
from functions.handlers.answers.door import PERSON, operation, profile_of_id, query
from functions.handlers.openapi import Parameter
from functions.segments.census_records import Calibration, Figures
from functions.segments.value import HORIZON

MOST_DAYS = 3650


@operation(
    "/api/people/{person_id}/value",
    "What a person brought and is expected to bring, by the model of the day",
    views.ValueView,
    PERSON,
    Parameter("days", "query", f"in how many days it is expected: {HORIZON} by default"),
)
def _value(person_id: str) -> views.ValueView:
    parts, profile = wiring.parts(), profile_of_id(person_id)
    return views.lifetime_value(profile, parts.now(), parts.library.rules().cuts, _days())


def _days() -> int:
    text = query("days") or str(HORIZON)
    if not text.isdecimal() or len(text) > 4 or not 1 <= int(text) <= MOST_DAYS:
        raise BadRequestError(f'"days" is a whole number from 1 to {MOST_DAYS}')
    return int(text)


class CalibrationView(msgspec.Struct, kw_only=True):
    """How well orders of the latest weeks were foretold; null before the first count."""

    calibration: Calibration | None = None


@operation(
    "/api/calibration",
    "Whether orders came as the model of what customers are worth foretold them; once a day",
    CalibrationView,
)
def _calibration() -> CalibrationView:
    newest, _ = wiring.parts().store.listing(Figures, limit=1)
    return CalibrationView(calibration=newest[0].calibration if newest else None)
