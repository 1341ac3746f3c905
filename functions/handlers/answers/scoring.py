"""Answers about the lead score: a person's with its reasons, and what outcomes say of its rules."""

import math

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError

from functions.handlers import wiring
from functions.handlers.answers.door import (
    LANGUAGE,
    PERSON,
    chosen_language,
    operation,
    profile_of_id,
    query,
    read_as,
)
from functions.handlers.openapi import Parameter
from functions.sales.feedback import CHOICES
from functions.sales.feedback_words import ScoringReport, report
from functions.sales.records import Lead
from functions.segments.score_words import ScoreTold, told
from functions.segments.scoring_mistakes import MOST_POINTS
from functions.storage.whole import every
from functions.tracking.event import SCORE_ADDED, EventBatch, bodies
from functions.tracking.own_event import SCORING, own_event

LONGEST_NOTE = 1000


@operation(
    "/api/people/{person_id}/score",
    "A person's lead score and what each rule gives, the one that counts most first",
    ScoreTold,
    PERSON,
    LANGUAGE,
)
def _score(person_id: str) -> ScoreTold:
    parts, profile = wiring.parts(), profile_of_id(person_id)
    return told(profile, parts.library.rules().scoring, parts.now(), chosen_language())


@operation(
    "/api/scoring/report",
    "How many of the leads that sales got were good, by score, and the weights this speaks for",
    ScoringReport,
    Parameter("by", "query", "what counts as good: accepted (by default) or won"),
    LANGUAGE,
)
def _report() -> ScoringReport:
    store, scoring = wiring.parts().store, wiring.parts().library.rules().scoring
    by = next((one for one in CHOICES if one == (query("by") or "accepted")), None)
    if by is None:
        raise BadRequestError(f'"by" is one of: {", ".join(CHOICES)}')
    return report(every(store, Lead), scoring, by, chosen_language())


class PointsToGive(msgspec.Struct):
    """Points given by a colleague, below 0 to take some; the same `occasion` gives them once."""

    points: float
    note: str = ""
    occasion: str = ""


class PointsGiven(msgspec.Struct):
    """The id of the event that tells of them; they count a moment later."""

    event: str


@operation(
    "/api/people/{person_id}/score",
    "Give a person points by hand, with a note; they do not fade",
    PointsGiven,
    PERSON,
    method="post",
    body=PointsToGive,
)
def _give(person_id: str) -> PointsGiven:
    parts, profile, asked = wiring.parts(), profile_of_id(person_id), read_as(PointsToGive)
    if not (math.isfinite(asked.points) and 0 < abs(asked.points) <= MOST_POINTS):
        raise BadRequestError(f'"points" is a number from -{MOST_POINTS} to {MOST_POINTS}, not 0')
    if max(len(asked.note), len(asked.occasion)) > LONGEST_NOTE:
        raise BadRequestError(f'"note" and "occasion" have at most {LONGEST_NOTE} letters')
    now = parts.now()
    occasion = asked.occasion or now.isoformat()
    said = {"points": asked.points, **({"note": asked.note} if asked.note else {})}
    event = own_event(SCORING, profile.person, SCORE_ADDED, occasion, now, **said)
    parts.send_events(bodies(EventBatch([event])), 0)
    return PointsGiven(event.message_id)
