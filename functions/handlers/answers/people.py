"""Answers about people: who they are, what they did, what they were sent."""

from collections.abc import Iterator

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError

from functions.handlers import views, wiring
from functions.handlers.answers.door import (
    LIMIT,
    NEXT,
    PERSON,
    app,
    operation,
    page_size,
    profile_of_id,
    query,
)
from functions.handlers.openapi import Parameter
from functions.storage import people
from functions.storage.remember import timeline
from functions.tracking.message import Message
from functions.tracking.profile import Profile


class PeoplePage(msgspec.Struct):
    """People, and the cursor of the next page ("" on the last)."""

    people: list[views.Person]
    next: str = ""


class TimelinePage(msgspec.Struct):
    """Events, newest first."""

    events: list[views.TimelineEvent]
    next: str = ""


class MessagesPage(msgspec.Struct):
    """Messages of a person, newest first."""

    messages: list[Message]


KNOWN_BY = ("email", "phone", "user_id", "anonymous_id")


@operation(
    "/api/people",
    "People: one by an identifier, or all, newest first",
    PeoplePage,
    *(Parameter(kind, "query", f"the person with this {kind}") for kind in KNOWN_BY),
    LIMIT,
    NEXT,
)
def _people() -> PeoplePage:
    parts = wiring.parts()
    given = app.current_event.query_string_parameters or {}
    asked = [(kind, given[kind]) for kind in KNOWN_BY if kind in given]
    if len(asked) > 1:
        raise BadRequestError(f"one of {', '.join(KNOWN_BY)} at a time")
    if asked and not asked[0][1]:
        raise BadRequestError(f'"{asked[0][0]}" is empty')
    if asked:
        [(kind, value)] = asked
        if kind == "phone" and value.startswith(" "):
            value = f"+{value[1:]}"  # in an address "+" is a space, which not everybody knows
        found = people.People(parts.store, parts.settings.identity_key).by(kind, value)
        return PeoplePage([_person(found)] if found else [])
    profiles, after = parts.store.listing(Profile, limit=page_size(), after=query("after"))
    return PeoplePage([_person(profile) for profile in profiles], after)


def _person(profile: Profile) -> views.Person:
    parts = wiring.parts()
    permission = people.permission_of(parts.store, profile.person)
    return views.person(profile, permission, parts.now(), parts.library.rules().cuts)


@operation("/api/people/{person_id}", "One person", views.Person, PERSON)
def _one_person(person_id: str) -> views.Person:
    profile = profile_of_id(person_id)
    view = _person(profile)
    view.notes = [*view.notes, *_leads_elsewhere(profile)]
    return view


def _leads_elsewhere(profile: Profile) -> Iterator[str]:
    """The person's addresses by which somebody else is found, who had them first."""
    parts = wiring.parts()
    finder = people.People(parts.store, parts.settings.identity_key)
    for trait, kind in (("email", "email"), ("phone", "phone"), ("mobile", "phone")):
        value = str(profile.trait(trait) or "")
        first = finder.by(kind, value)
        if first and first.person != profile.person:
            yield f'{trait}: "{value}" leads to another person, who was known by it first'


@operation(
    "/api/people/{person_id}/timeline",
    "A person's events, newest first",
    TimelinePage,
    PERSON,
    LIMIT,
    Parameter("after", "query", "the number `next` of the page before"),
)
def _timeline(person_id: str) -> TimelinePage:
    events = list(timeline(wiring.parts().store, profile_of_id(person_id)))[::-1]
    text = query("after") or "0"
    if not text.isdecimal():
        raise BadRequestError('"after" is the "next" of the page before')
    start, limit = int(text), page_size()
    page = events[start : start + limit]
    more = str(start + limit) if start + limit < len(events) else ""
    return TimelinePage([views.timeline_event(event) for event in page], more)


@operation(
    "/api/messages",
    "What a person was sent or not sent, and why; newest first",
    MessagesPage,
    Parameter("person", "query", "the person's id", required=True),
)
def _messages() -> MessagesPage:
    if not query("person"):
        raise BadRequestError('"person" is missing: the id of a person')
    keys = profile_of_id(query("person")).keys
    found = [message for key in keys for message in wiring.parts().store.query(Message, key)]
    found.sort(key=lambda m: (m.claimed is not None, m.claimed), reverse=True)
    return MessagesPage(found)
