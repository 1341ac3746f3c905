"""Conditions: one language for entry, exit, waits and branches."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.segments.operators import find, test
from functions.segments.person import NOT_YET as FIELDS_NOT_YET
from functions.segments.person import fields
from functions.segments.phrases import BadPhrase, duration
from functions.tracking.event import Event
from functions.tracking.message import Message
from functions.tracking.permission import Permission, refusal
from functions.tracking.profile import Profile

ADDRESSED = {"email": "email", "sms": "phone"}  # channel -> the trait that holds its address
NOT_YET = ("cart", "bounced", "in segment", "in journey", "left journey")


@dataclass(frozen=True)
class Facts:
    """All that a condition may look at; what is dear to fetch is a function.

    messages(): the person's messages; events(names, since): events of these names whose own
    time is not before `since` (None: ever).
    """

    profile: Profile
    permission: Permission
    now: datetime
    journey: str
    run_id: str
    entry: Event
    entered: datetime
    purpose: str
    needs_consent: Mapping[str, bool]
    messages: Callable[[], Iterable[Message]] = field(default=tuple)
    events: Callable[[Iterable[str], datetime | None], Iterable[Event]] = field(
        default=lambda names, since: ()
    )


Condition = Callable[[Facts], bool]
EventTest = Callable[[Event, Event | None, datetime], bool]  # (event, entry, now)


def condition(raw: Any) -> Condition:
    """Read a CONDITION. Raises BadPhrase with what would be right."""
    if not isinstance(raw, dict):
        raise BadPhrase(f"{raw!r} is not a condition, which is a mapping like {{clicked: guide}}")
    first = [word for word in raw if word in READERS]
    later = [word for word in raw if word in NOT_YET]
    if later and not first:
        raise BadPhrase(f'"{later[0]}" is not built yet')
    if len(first) != 1:
        raise BadPhrase(
            f"a condition has exactly one of: {', '.join(READERS)}; here: {', '.join(raw) or '-'}"
        )
    read, beside = READERS[first[0]]
    _only(raw, (first[0], *beside))
    return read(raw)


def _only(raw: dict[str, Any], words: Iterable[str]) -> None:
    for word in raw:
        if word not in words:
            allowed = ", ".join(words)
            hint = "not built yet" if word in ("robots",) else f"unknown; here go: {allowed}"
            raise BadPhrase(f'"{word}" is {hint}')


def names(raw: Any) -> tuple[str, ...]:
    """A name or a list of names."""
    found = raw if isinstance(raw, list) else [raw]
    if not found or not all(isinstance(name, str) and name for name in found):
        raise BadPhrase(f"{raw!r} is not a name or a list of names")
    return tuple(found)


def field_tests(raw: Any) -> Callable[[Callable[[str], list[Any]], datetime], bool]:
    """FIELDS: every named field passes its test. Takes a look-up of values by path, and now."""
    if not isinstance(raw, dict) or not raw:
        raise BadPhrase(f"{raw!r} is not a mapping of fields and tests")
    tests = [(path, test(wanted)) for path, wanted in raw.items()]
    return lambda values, now: all(check(values(path), now) for path, check in tests)


def event_test(raw: Any, lacking: bool = False) -> tuple[tuple[str, ...], EventTest]:
    """Read EVENT (`event`, `where`, `same`): the names it is about, and the test.

    `lacking`: whether an event counts that lacks the property named by `same`.
    """
    if not isinstance(raw, dict) or "event" not in raw:
        raise BadPhrase(f"{raw!r} is not an event, which is written like {{event: Signed Up}}")
    _only(raw, ("event", "where", "same"))
    wanted = names(raw["event"])
    return wanted, _event_matches(wanted, raw, lacking)


def _event_matches(
    wanted: tuple[str, ...], raw: dict[str, Any], lacking: bool = False
) -> EventTest:
    where = field_tests(raw["where"]) if "where" in raw else None
    pairs = same_pairs(raw["same"]) if "same" in raw else []

    def matches(event: Event, entry: Event | None, now: datetime) -> bool:
        if event.name not in wanted:
            return False
        if where and not where(lambda path: event_values(event, path), now):
            return False
        return all(_equal(event, entry, mine, theirs, lacking) for mine, theirs in pairs)

    return matches


def event_values(event: Event, path: str) -> list[Any]:
    """The values of an event's field: a property, or a trait of an identify or group call."""
    return find(event.properties, path) or find(event.traits, path)


def same_pairs(raw: Any) -> list[tuple[str, str]]:
    """`same: cart_id`, or `same: {cart_id: basket}` where the later event calls it otherwise:
    the entry's and the event's property, which must be equal. Raises BadPhrase."""
    if isinstance(raw, str):
        return [(raw, raw)]
    if isinstance(raw, dict) and raw and all(isinstance(value, str) for value in raw.values()):
        return list(raw.items())
    raise BadPhrase(f'{raw!r}: "same" takes the name of a property')


def _equal(event: Event, entry: Event | None, mine: str, theirs: str, lacking: bool) -> bool:
    if entry is None:
        return True
    values = event_values(event, theirs)
    return values == event_values(entry, mine) if values else lacking


def _person(raw: dict[str, Any]) -> Condition:
    for path in raw["person"] if isinstance(raw["person"], dict) else ():
        if path.split(".")[0] in FIELDS_NOT_YET:
            raise BadPhrase(f'person.{path}: the computed field "{path}" is not built yet')
    tests = field_tests(raw["person"])
    return lambda facts: tests(lambda path: find(fields(facts.profile), path), facts.now)


def _entry(raw: dict[str, Any]) -> Condition:
    tests = field_tests(raw["entry"])
    return lambda facts: tests(lambda path: event_values(facts.entry, path), facts.now)


def _did(raw: dict[str, Any]) -> Condition:
    counted = occurrences(raw)
    times = test(raw["times"]) if "times" in raw else None

    def holds(facts: Facts) -> bool:
        found = counted(facts)
        return times([len(found)], facts.now) if times else bool(found)

    return holds


def occurrences(raw: dict[str, Any]) -> Callable[[Facts], list[Event]]:
    """Read `did` but for `times`: the events that it counts. Raises BadPhrase."""
    wanted = names(raw["did"])
    matches = _event_matches(wanted, raw)
    if "in the last" in raw and "since" in raw:
        raise BadPhrase('"in the last" and "since" do not go together')
    length = duration(raw["in the last"]).at_most if "in the last" in raw else None
    if raw.get("since", "entry") != "entry":
        raise BadPhrase('"since" takes "entry"')

    def counted(facts: Facts) -> list[Event]:
        since = facts.now - length if length else facts.entered if "since" in raw else None
        return [
            event
            for event in facts.events(wanted, since)
            if matches(event, facts.entry, facts.now)
            # Since entry means after it: the entering event itself does not count.
            and not ("since" in raw and event.message_id == facts.entry.message_id)
        ]

    return counted


def of_message(facts: Facts, wanted: tuple[str, ...]) -> list[Message]:
    """The messages so named: `guide` is of this run, `onboarding/guide` of that journey. Of one
    that a loop of this run sends again, the latest pass counts."""
    own: dict[str, Message] = {}
    others = []
    for message in facts.messages():
        if message.run_id == facts.run_id and message.message in wanted:
            before = own.get(message.step)
            if before is None or message.iteration > before.iteration:
                own[message.step] = message
        elif f"{message.journey}/{message.message}" in wanted:
            others.append(message)
    return [*own.values(), *others]


def _outcome(word: str, has_it: Callable[[Message, str | None], bool]) -> Any:
    def read(raw: dict[str, Any]) -> Condition:
        wanted, link = names(raw[word]), raw.get("link")
        if link is not None and not isinstance(link, str):
            raise BadPhrase('"link" takes the name of a link')
        return lambda facts: any(has_it(m, link) for m in of_message(facts, wanted))

    return read


def _was_clicked(message: Message, link: str | None) -> bool:
    return link in message.clicked if link else bool(message.clicked)


def _may_get(raw: dict[str, Any]) -> Condition:
    channel = raw["may get"]
    if channel not in list(ADDRESSED):
        raise BadPhrase(f"{channel!r} is not a channel; there are: {', '.join(ADDRESSED)}")
    if not isinstance(raw.get("purpose", ""), str):
        raise BadPhrase('"purpose" takes the name of a purpose')

    def holds(facts: Facts) -> bool:
        purpose = raw.get("purpose", facts.purpose)
        needs = facts.needs_consent.get(purpose, True)
        return channel in facts.permission.addresses and not refusal(
            facts.permission, channel, purpose, needs
        )

    return holds


def _all_of(raw: dict[str, Any]) -> Condition:
    parts = _parts(raw["all of"])
    return lambda facts: all(part(facts) for part in parts)


def _any_of(raw: dict[str, Any]) -> Condition:
    parts = _parts(raw["any of"])
    return lambda facts: any(part(facts) for part in parts)


def _none_of(raw: dict[str, Any]) -> Condition:
    parts = _parts(raw["none of"])
    return lambda facts: not any(part(facts) for part in parts)


def _parts(raw: Any) -> list[Condition]:
    if not isinstance(raw, list) or not raw:
        raise BadPhrase(f"{raw!r} is not a list of conditions")
    return [condition(part) for part in raw]


READERS: dict[str, tuple[Callable[[dict[str, Any]], Condition], tuple[str, ...]]] = {
    "person": (_person, ()),
    "entry": (_entry, ()),
    "did": (_did, ("where", "same", "in the last", "since", "times")),
    "sent": (_outcome("sent", lambda message, link: message.state in ("sent", "unknown")), ()),
    "opened": (_outcome("opened", lambda message, link: message.opened is not None), ()),
    "clicked": (_outcome("clicked", _was_clicked), ("link",)),
    "may get": (_may_get, ("purpose",)),
    "all of": (_all_of, ()),
    "any of": (_any_of, ()),
    "none of": (_none_of, ()),
}
OUTCOMES = ("sent", "opened", "clicked")


def mentioned_messages(raw: Any) -> list[str]:
    """The names of messages that a condition speaks of, wherever they stand in it."""
    found = ((one, word) for one in _walk(raw) for word in OUTCOMES if word in one)
    return [name for one, word in found for name in names(one[word])]


def mentioned_purposes(raw: Any) -> list[str]:
    """The purposes that a condition speaks of, wherever they stand in it."""
    return [one["purpose"] for one in _walk(raw) if "may get" in one and "purpose" in one]


def _walk(raw: Any) -> Iterator[dict[str, Any]]:
    """A condition and all those that it combines."""
    if isinstance(raw, list):
        for part in raw:
            yield from _walk(part)
    elif isinstance(raw, dict):
        yield raw
        for word in ("all of", "any of", "none of"):
            yield from _walk(raw.get(word))
