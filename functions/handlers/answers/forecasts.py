"""Answers about forecasts: what a journey would do, asked for now and told when it is known."""

import secrets
from datetime import datetime

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError

from functions.forecast.asked import Asked
from functions.forecast.record import Before, Forecast, Kind, State, partition_of
from functions.handlers import wiring
from functions.handlers.answers.door import (
    LIMIT,
    LONGEST,
    NEXT,
    operation,
    page_size,
    query,
    read_as,
)
from functions.handlers.openapi import Parameter

MOST_LETTERS = 300_000  # of a journey's files: a record has 400 KB
AT_ONCE = 5_000  # people by draws that are looked at where nobody says how many
FEWEST = 500
LOST = "it did not come to its end; ask for fewer people (sample), fewer draws or fewer days"


class AskedForecast(Asked, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A forecast to be made: of the newest published version, of the `version` that is named, or
    of the journey as `files` have it by name ("journey.yaml", "welcome.en.mjml").

    With `against` it is compared with an earlier version, on the same people. Without a `sample` so
    many people are looked at as there is time for (5,000 by all draws and versions).
    """

    version: str = ""
    files: dict[str, str] = msgspec.field(default_factory=dict)
    against: Before | None = None


class ForecastAsked(Asked, kw_only=True, omit_defaults=True):
    """What was asked of a forecast."""


class ForecastView(msgspec.Struct, kw_only=True):
    """A forecast, a comparison with an earlier version, or the score of the forecast `of`.
    `progress` goes from 0 to 1; `people_a_second` is how many were looked at in a second. `report`
    is there when the state is "done"; `why` tells why there is none."""

    id: str
    kind: Kind
    state: State
    asked: ForecastAsked
    made: datetime
    progress: float
    people_a_second: float
    why: str = ""
    of: str = ""
    report: msgspec.Raw | None = None


class ForecastsPage(msgspec.Struct):
    """Forecasts without their reports, newest first; each is kept for 30 days beyond its days."""

    forecasts: list[ForecastView]
    next: str


class MadeForecast(msgspec.Struct):
    """The id by which to ask how it stands."""

    id: str


@operation(
    "/api/forecasts",
    "Forecast a journey, or compare it with a version; ask for the result by the id",
    MadeForecast,
    method="post",
    body=AskedForecast,
)
def _ask() -> MadeForecast:
    said = read_as(AskedForecast)
    if said.files and said.version:
        raise BadRequestError('give either "files" or a "version", not both')
    before = said.against
    if before and before.files and before.version:
        raise BadRequestError('"against" has either "files" or a "version", not both')
    texts = [*said.files.items(), *(before.files if before else {}).items()]
    if sum(len(name) + len(text.encode()) for name, text in texts) > MOST_LETTERS:
        raise BadRequestError(f'"files" have at most {MOST_LETTERS} bytes, of both versions')
    parts = wiring.parts()
    there = parts.library.names()
    if not said.files and said.journey not in there:
        known = ", ".join(there) or "none"
        words = f'no journey "{said.journey}" was published; there are: {known}'
        raise NotFoundError(words)
    fields = {name: getattr(said, name) for name in Asked.__struct_fields__}
    asked = Asked(**fields)
    if asked.sample is None and asked.people is None:
        asked.sample = max(FEWEST, AT_ONCE // asked.draws // (2 if before else 1))
    record = Forecast(
        forecast_id=secrets.token_hex(8),
        asked=asked,
        made=parts.now(),
        files=said.files,
        journey_version=said.version,
        before=before,
    )
    return _make(record)


def _make(record: Forecast) -> MadeForecast:
    parts = wiring.parts()
    parts.store.put(record)
    parts.forecast(record.forecast_id)
    return MadeForecast(record.forecast_id)


@operation("/api/forecasts", "Forecasts, newest first", ForecastsPage, LIMIT, NEXT)
def _forecasts() -> ForecastsPage:
    store = wiring.parts().store
    found, after = store.listing(Forecast, limit=page_size(), after=query("after"))
    return ForecastsPage([_view(one, is_whole=False) for one in found], after)


@operation(
    "/api/forecasts/{forecast_id}",
    "How far a forecast is, and its report when it is done",
    ForecastView,
    Parameter("forecast_id", "path", "the forecast's id"),
)
def _forecast(forecast_id: str) -> ForecastView:
    return _view(_found(forecast_id), is_whole=True)


@operation(
    "/api/forecasts/{forecast_id}/calibration",
    "Tell how far off a forecast was, by what came so far; ask for the result by the id",
    MadeForecast,
    Parameter("forecast_id", "path", "the forecast's id"),
    method="post",
)
def _score(forecast_id: str) -> MadeForecast:
    found = _found(forecast_id)
    if found.kind != "forecast" or found.state != "done":
        raise BadRequestError(f'"{forecast_id}" is no forecast with a report')
    made = wiring.parts().now()
    return _make(
        Forecast(forecast_id=secrets.token_hex(8), asked=found.asked, made=made, of=forecast_id)
    )


def _found(forecast_id: str) -> Forecast:
    known = 0 < len(forecast_id) <= LONGEST
    found = wiring.parts().store.get(Forecast, partition_of(forecast_id)) if known else None
    if found is None:
        raise NotFoundError(f'there is no forecast "{forecast_id[:50]}"')
    return found


def _view(one: Forecast, is_whole: bool) -> ForecastView:
    is_lost = one.is_lost(wiring.parts().now())
    return ForecastView(
        id=one.forecast_id,
        kind=one.kind,
        of=one.of,
        state="failed" if is_lost else one.state,
        asked=ForecastAsked(**msgspec.structs.asdict(one.asked)),
        made=one.made,
        progress=1.0 if one.state == "done" else one.done / max(1, one.parts),
        people_a_second=one.a_second,
        why=LOST if is_lost else one.why,
        report=msgspec.Raw(one.report) if is_whole and one.report else None,
    )
