"""Visitors who refuse to be tracked: of them only what is needed is kept.

Segment's clients say so in `context.consent.categoryPreferences`
(https://segment.com/docs/privacy/consent-management/consent-in-segment-connections/); a website may
also send `context: {consent: {tracking: false}}`.
"""

from typing import Any

from functions.tracking.event import IMPORT, Event

# What categories are called by which people say yes or no to being watched.
_CATEGORIES = frozenset({"tracking", "analytics", "statistics", "performance", "statistik"})
_NEEDED = ("consent", "library", "locale", "timezone", IMPORT)  # of a context


def refuses(context: dict[str, Any]) -> bool:
    """Whether the visitor has said no to being tracked."""
    consent = context.get("consent")
    if not isinstance(consent, dict):
        return False
    if consent.get("tracking") is False:
        return True
    chosen = consent.get("categoryPreferences")
    words = chosen.items() if isinstance(chosen, dict) else ()
    return any(said is False and str(name).casefold() in _CATEGORIES for name, said in words)


def as_needed(event: Event) -> Event | None:
    """What may be kept of an event whose visitor refuses: what they did, without the page, the
    device and where they came from, and of somebody known without the browser's id. Nothing (None)
    of pages and screens, which tell of nothing else."""
    if event.type in ("page", "screen"):
        return None
    event.context = {name: event.context[name] for name in _NEEDED if name in event.context}
    if event.user_id:
        event.anonymous_id = ""
    return event
