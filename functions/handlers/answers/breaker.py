"""Answers about the breaker: how mails were received lately, what is stopped, and going on."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError

from functions.handlers import breaking, wiring
from functions.handlers.answers.door import operation, read_as
from functions.handlers.discreet import Logger
from functions.journeys.steps.send import Send
from functions.messages.allowed import class_of
from functions.tracking.breaker import Bucket, campaign, is_domain, lately
from functions.tracking.pause import Counts, Pause
from functions.tracking.suppressed import MOST_REASON

logger = Logger(service="breaker")
UNTOUCHED = Pause(channel="email")  # what was counted, also before somebody let it go on


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


class ClassView(msgspec.Struct, kw_only=True):
    """Mails of a class in the last 24 hours: "transactional" for what is part of a contract, else
    the class of the journey; "" of what is published no more."""

    name: str
    sent: int
    bounced: int
    complained: int


class BreakerView(msgspec.Struct, kw_only=True):
    """Whether the breaker is on, its bounds as parts of all mails, and what it knows, what is
    stopped first, then by mails."""

    on: bool
    bounces: float
    complaints: float
    at_least: int
    received: list[ReceivedView]
    classes: list[ClassView]


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
    views = list(_views(found, pause, parts.now()))
    return BreakerView(
        on=bounds is not None,
        bounces=bounds.bounces if bounds else 0,
        complaints=bounds.complaints if bounds else 0,
        at_least=bounds.at_least if bounds else 0,
        received=sorted(views, key=lambda one: (one.stopped is None, -one.sent, one.name)),
        classes=_by_class(parts, found),
    )


def _by_class(parts: wiring.Parts, found: list[Bucket]) -> list[ClassView]:
    brand = parts.library.brand()
    known = {
        campaign(one.journey.name, step.send): class_of(
            step.purpose or one.journey.purpose, one.journey.kind, brand
        )
        for one in parts.library.journeys()
        for step in one.journey.every_step()
        if isinstance(step, Send)
    }
    counts: dict[str, Counts] = {}
    for name in {name for bucket in found for name in bucket.counts if not is_domain(name)}:
        group = known.get(name, "")
        counts[group] = counts.get(group, Counts()).plus(lately(name, found, UNTOUCHED))
    return [
        ClassView(name=name, sent=one.sent, bounced=one.bounced, complained=one.complained)
        for name, one in sorted(counts.items(), key=lambda item: (-item[1].sent, item[0]))
    ]


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
