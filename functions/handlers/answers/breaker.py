"""Answers about the breaker: how mails were received lately, what is stopped, and going on."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError

from functions.handlers import breaking, wiring
from functions.handlers.answers.door import operation, read_as
from functions.handlers.discreet import Logger
from functions.tracking.breaker import Bucket, is_domain, lately
from functions.tracking.pause import Pause
from functions.tracking.suppressed import MOST_REASON

logger = Logger(service="breaker")


class ReceivedView(msgspec.Struct, kw_only=True):
    """Mails of a campaign (journey/message) or to a domain in the last 24 hours, since it was
    stopped at most. `stopped` says since when it is stopped, "" under `why` if it is not."""

    name: str
    kind: str
    sent: int
    bounced: int
    complained: int
    stopped: datetime | None
    why: str
    until: datetime | None


class BreakerView(msgspec.Struct, kw_only=True):
    """Whether the breaker is on, its bounds as parts of all mails, and what it knows, what is
    stopped first, then by mails."""

    on: bool
    bounces: float
    complaints: float
    at_least: int
    received: list[ReceivedView]


class ResumeBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The campaign or domain that goes on, and why."""

    name: str
    because: str


@operation(
    "/api/breaker",
    "How mails were received in the last 24 hours, and what is stopped",
    BreakerView,
)
def _show_breaker() -> BreakerView:
    return _breaker()


@operation(
    "/api/breaker/resume",
    "Let a campaign or a domain go on that was stopped",
    BreakerView,
    method="post",
    body=ResumeBody,
)
def _resume() -> BreakerView:
    sent = read_as(ResumeBody)
    because = sent.because.strip()
    if not 0 < len(because) <= MOST_REASON:
        raise BadRequestError(f'"because" says why, in 1 to {MOST_REASON} letters')
    if not breaking.resume(wiring.parts(), sent.name):
        raise NotFoundError(f'"{sent.name[:100]}" is not stopped')
    logger.info("sending goes on", extra={"campaign_or_domain": sent.name, "because": because})
    return _breaker()


def _breaker() -> BreakerView:
    parts = wiring.parts()
    bounds, found, pause = parts.library.bounds(), breaking.buckets(parts), breaking.pause(parts)
    views = _views(found, pause, parts.now())
    return BreakerView(
        on=bounds is not None,
        bounces=bounds.bounces if bounds else 0,
        complaints=bounds.complaints if bounds else 0,
        at_least=bounds.at_least if bounds else 0,
        received=sorted(views, key=lambda one: (one.stopped is None, -one.sent, one.name)),
    )


def _views(found: list[Bucket], pause: Pause, now: datetime) -> Iterator[ReceivedView]:
    stopped = {name: one for name, one in pause.stops.items() if one.is_on(now)}
    for name in {*stopped, *(name for bucket in found for name in bucket.counts)}:
        counts, stop = lately(name, found, pause), stopped.get(name)
        yield ReceivedView(
            name=name,
            kind="domain" if is_domain(name) else "campaign",
            sent=counts.sent,
            bounced=counts.bounced,
            complained=counts.complained,
            stopped=stop.since if stop else None,
            why=stop.why if stop else "",
            until=stop.until if stop else None,
        )
