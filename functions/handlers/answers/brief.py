"""The answer that a colleague reads before they call: the brief."""

from functions.handlers import wiring
from functions.handlers.answers.deals import deals_of
from functions.handlers.answers.door import (
    LANGUAGE,
    PERSON,
    chosen_language,
    operation,
    profile_of_id,
)
from functions.handlers.answers.notes import notes_of
from functions.handlers.desk import zone_of
from functions.handlers.offers import Offers, offers_of
from functions.journeys.run import Task
from functions.products.words import hint
from functions.sales.brief import Brief, Known, brief
from functions.sales.records import Lead
from functions.segments.score_words import told
from functions.segments.spoken import Language
from functions.tracking.message import Message


@operation(
    "/api/people/{person_id}/brief",
    "What to know of a person before talking to them, in sentences",
    Brief,
    PERSON,
    LANGUAGE,
)
def _brief(person_id: str) -> Brief:
    parts, profile = wiring.parts(), profile_of_id(person_id)
    sales = parts.library.sales()
    now, language = parts.now(), chosen_language()
    score = told(profile, parts.library.rules().scoring, now, language)
    known = Known(
        profile=profile,
        now=now,
        zone=zone_of(parts, profile),
        tasks=[task for key in profile.keys for task in parts.store.query(Task, key)],
        leads=[lead for key in profile.keys for lead in parts.store.query(Lead, key)],
        deals=deals_of(profile),
        notes=notes_of(profile),
        messages=[one for key in profile.keys for one in parts.store.query(Message, key)],
        pipeline=sales.pipeline if sales else {},
        score_parts={one.title: one.points for one in score.parts if one.points},
        hints=_hints(offers_of(parts, profile), language),
    )
    return brief(known, language)


def _hints(offers: Offers, language: Language) -> list[str]:
    """What is dearer first; not what everybody buys, which says nothing of the person."""
    found = {offer.product.sku: offer for offer in (*offers.upgrades[:2], *offers.similar[:3])}
    chosen = [one for one in found.values() if one.suggestion.reason != "popular"]
    return [hint(*offer, language) for offer in chosen]
