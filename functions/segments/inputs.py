"""What a condition looks at, and what of it an event may change, so that an event asks only those
conditions whose answer it can change."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from functions.segments import person, population, shopping, tally
from functions.segments.condition import OUTCOMES, parts_of
from functions.segments.tallying import with_segments
from functions.tracking.company import ACCOUNTS
from functions.tracking.event import Event
from functions.tracking.orders import ORDER_EVENTS

Inputs = frozenset[str]
# What of a profile an event may change; beside these, "event NAME" is its counts of a name.
ANYTHING = "anything"  # also what no event changes: it is looked at whenever the person is
SEEN, ORDERS, PAGES = "seen", "orders", "pages"
CUTS = "cuts"  # the cut points, which no event changes (see `population`)
CONTEXT, TRAITS, ACCOUNT = "context", "traits", "account"
EVERYTHING: Inputs = frozenset({ANYTHING})
NOTHING: Inputs = frozenset()

_PLACE = {"locale", "zone", "country", "city"}
_DEVICE = {"device", "devices"}
_VISITS = {"visits", "last_visit", "last_pages", "searches"}
# What each computed field is made of. One that is not here is made of anything; who writes a new
# one says it here, and tests/unit/test_inputs.py says whether it is true.
FIELDS: Mapping[str, Inputs] = {
    **dict.fromkeys(shopping.COMPUTED, frozenset({ORDERS})),
    **dict.fromkeys(population.COMPUTED, frozenset({ORDERS, CUTS})),
    "cluster": EVERYTHING,  # of the whole behaviour
    **dict.fromkeys(("first_seen", "last_seen", "last_contact"), frozenset({SEEN})),
    **dict.fromkeys(_PLACE, frozenset({CONTEXT, TRAITS})),
    **dict.fromkeys(_DEVICE, frozenset({CONTEXT})),
    **dict.fromkeys(_VISITS, frozenset({PAGES})),
    "searches": frozenset({PAGES, "event Products Searched"}),
    "channel": frozenset({CONTEXT, PAGES}),
    "tags": frozenset({TRAITS}),
    person.COMPANY: frozenset({TRAITS, ACCOUNT}),
}
_OF_OTHERS = (*person.COMPUTED, *person.STAGED)
# Asked whenever the item is at hand.
_OF_PERMISSION = ("may get", "unconfirmed", "in journey", "left journey")
_COMBINED = ("all of", "any of", "none of", "in segment")


def touched_by(event: Event) -> Inputs:
    """What an event may change of the profile that folds it."""
    found = {SEEN, of_name(event.name)}
    if event.context:
        found.add(CONTEXT)
    if event.type == "identify" or event.traits:
        found.add(TRAITS)
    if event.type in ("page", "screen"):
        found.add(PAGES)
    if event.type == "group" or event.source == ACCOUNTS:
        found.add(ACCOUNT)
    if event.event in ORDER_EVENTS:
        found.add(ORDERS)
    return frozenset(found)


def may_change(looks_at: Inputs, touched: Inputs) -> bool:
    """Whether what looks at these may be otherwise where those were touched."""
    return ANYTHING in looks_at or ANYTHING in touched or not looks_at.isdisjoint(touched)


def of_name(name: str) -> str:
    """The input that is the counts of events of a name."""
    return f"event {name}"


def looks_at(raw: Any, segments: Mapping[str, Any]) -> Inputs:
    """What decides whether a condition holds and when it turns, also by way of `segments` (the
    conditions of all, by name); ANYTHING among it where nothing better is known."""
    every = (one for whole in with_segments(raw, segments) for _, one in parts_of(whole))
    return frozenset(found for one in every for found in _of_test(one, segments))


def of_field(path: str) -> Inputs:
    """What a field of a person at a dotted path is made of."""
    name = path.partition(".")[0]
    if name in FIELDS:
        return FIELDS[name]
    return EVERYTHING if name in _OF_OTHERS else frozenset({TRAITS})


def _of_test(one: Mapping[str, Any], segments: Mapping[str, Any]) -> Iterable[str]:
    if "person" in one:
        return _of_fields(one["person"])
    if "account" in one:
        return (ACCOUNT, TRAITS)
    if "did" in one:
        clause = tally.of_did(dict(one))
        return map(of_name, clause.names) if clause else EVERYTHING
    for word in OUTCOMES:
        if word in one:
            return _of_messages(word, dict(one))
    if "in segment" in one and one["in segment"] not in segments:
        return EVERYTHING
    return NOTHING if any(word in one for word in (*_COMBINED, *_OF_PERMISSION)) else EVERYTHING


def _of_fields(tests: Mapping[str, Any]) -> Iterator[str]:
    for path, test in tests.items():
        yield from of_field(path)
        if population.averages({path: test}):
            yield CUTS


def _of_messages(word: str, one: dict[str, Any]) -> Iterator[str]:
    clauses = list(tally.of_messages(word, one))
    messages = one[word] if isinstance(one[word], list) else [one[word]]
    if len(clauses) < len(messages):  # a message of a run
        yield ANYTHING
    for clause in clauses:
        yield from map(of_name, clause.names)
