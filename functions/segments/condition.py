"""Conditions: one language for entry, exit, waits and branches."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from functions.segments import account, cart, person, population, tally
from functions.segments.census_records import Cuts
from functions.segments.operators import Kind, find, test, test_of_kind
from functions.segments.phrases import BadPhrase, duration
from functions.tracking.event import Event
from functions.tracking.merge import LEAVES_BY_MERGE, taken
from functions.tracking.message import Message
from functions.tracking.permission import Permission, is_unconfirmed, refusal
from functions.tracking.profile import Profile
from functions.tracking.tally import Tally, since

ADDRESSED = {"email": "email", "sms": "phone"}  # channel -> the trait that holds its address
Path = tuple[str | int, ...]


class Facts(msgspec.Struct, frozen=True):
    """All that a condition may look at; what is dear to fetch is a function.

    messages(): the person's messages; events(names, since): events of these names whose own
    time is not before `since` (None: ever); segments: those of segments.yaml, by name;
    runs(journey): the outcomes of the person's runs of that journey that have ended.

    `kept`: the condition is that of a segment, whose counts the profile keeps, once they are
    complete for the rules in force (whose tallies have the hash `tallied`).
    `cuts`: the latest cut points of the population, if there are any.
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
    messages: Callable[[], Iterable[Message]] = tuple
    events: Callable[[Iterable[str], datetime | None], Iterable[Event]] = lambda names, since: ()
    segments: Mapping[str, "Segment"] = msgspec.field(default_factory=dict)
    runs: Callable[[str], Iterable[str]] = lambda journey: ()
    kept: bool = False
    tallied: str = ""
    cuts: Cuts | None = None
    _known: dict[str, list[Any]] = msgspec.field(default_factory=dict)

    def values(self, path: str) -> list[Any]:
        """The values of a person's field, as `find` gives them. What does not change while a
        person is kept is computed once, for hundreds of conditions may ask."""
        found = self._known.get(path)
        if found is None:
            found = person.values(self.profile, self.now, path, self.cuts)
            if path.partition(".")[0] not in person.KEPT:
                self._known[path] = found
        return found

    def but(self, **changed: Any) -> "Facts":
        """The same, changed in these."""
        return replace(self, _known={}, **changed)

    def at(self, moment: datetime) -> "Facts":
        """The same at another moment."""
        return replace(self, now=moment)  # what is known does not hang on the moment

    def tally(self, clause: tally.Clause) -> Tally | None:
        """What the profile keeps of a segment's clause; None where it has to be looked up."""
        if not self.kept:
            return None
        found = self.profile.tallies.get(clause.key)
        is_complete = bool(self.tallied) and self.profile.tallied == self.tallied
        return found or (Tally() if is_complete else None)


Condition = Callable[[Facts], bool]
Turning = Callable[[Facts], datetime | None]  # when it may change by itself
EventTest = Callable[[Event, Event | None, datetime], bool]  # (event, entry, now)


@dataclass(frozen=True)
class Segment:
    """Those for whom a CONDITION holds now, under a name and a title of segments.yaml.

    `needs` are the keys of the tallies that it looks at; `asks`: it looks at the permission item,
    `asks_runs`: at runs; `looks_at`: what decides about it (see `inputs`). All of that also by
    way of other segments.
    """

    title: str
    who: Mapping[str, Any]
    holds: Condition
    turns: Turning
    needs: frozenset[str] = frozenset()
    asks: bool = False
    asks_runs: bool = False
    looks_at: frozenset[str] = frozenset({"anything"})


def condition(raw: Any) -> Condition:
    """Read a CONDITION. Raises BadPhrase with what would be right."""
    if not isinstance(raw, dict):
        raise BadPhrase(f"{raw!r} is not a condition, which is a mapping like {{clicked: guide}}")
    first = [word for word in raw if word in READERS]
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
            raise BadPhrase(f'"{word}" is unknown; here go: {", ".join(words)}')


def names(raw: Any) -> tuple[str, ...]:
    """A name or a list of names."""
    found = raw if isinstance(raw, list) else [raw]
    if not found or not all(isinstance(name, str) and name for name in found):
        raise BadPhrase(f"{raw!r} is not a name or a list of names")
    return tuple(found)


def name_of(raw: dict[str, Any], word: str) -> str:
    """The one name that stands after a word. Raises BadPhrase."""
    found = raw[word]
    if not isinstance(found, str) or not found:
        raise BadPhrase(f'"{word}" takes one name, not {found!r}; for several there is "any of"')
    return found


FieldTests = Callable[[Callable[[str], list[Any]], datetime], bool]


def field_tests(raw: Any, kinds: Mapping[str, Kind] | None = None) -> FieldTests:
    """FIELDS: every named field passes its test. Takes a look-up of values by path, and now.

    `kinds` says of which kind the values of some fields are. Raises BadPhrase.
    """
    if not isinstance(raw, dict) or not raw:
        raise BadPhrase(f"{raw!r} is not a mapping of fields and tests")
    known = kinds or {}
    tests = [(path, _test_of(path, wanted, known.get(path))) for path, wanted in raw.items()]
    if len(tests) == 1:
        [(only, passes)] = tests
        return lambda values, now: passes(values(only), now)
    return lambda values, now: all(check(values(path), now) for path, check in tests)


def _test_of(path: str, wanted: Any, kind: Kind | None) -> Callable[[list[Any], datetime], bool]:
    try:
        return test_of_kind(wanted, kind) if kind else test(wanted)
    except BadPhrase as error:
        raise BadPhrase(f"{path}: {error}") from None


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
        return not pairs or all(
            _equal(event, entry, mine, theirs, lacking) for mine, theirs in pairs
        )

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
    population.check(raw["person"])
    averages, plain = population.averages(raw["person"]), None
    if not averages or population.without_averages(raw["person"]):
        plain = field_tests(population.without_averages(raw["person"]), person.KINDS)
        if not averages:
            by_themselves = plain
            return lambda facts: by_themselves(facts.values, facts.now)

    def holds(facts: Facts) -> bool:
        return (plain is None or plain(facts.values, facts.now)) and all(
            population.passes(facts.values(path), word, population.mean(facts.cuts, path))
            for path, word in averages
        )

    return holds


def _entry(raw: dict[str, Any]) -> Condition:
    tests = field_tests(raw["entry"])
    return lambda facts: tests(lambda path: event_values(facts.entry, path), facts.now)


def _account(raw: dict[str, Any]) -> Condition:
    tests = field_tests(raw["account"], account.KINDS)
    account.check(raw["account"])
    return lambda facts: tests(lambda path: find(account.fields(facts.profile), path), facts.now)


def _cart(raw: dict[str, Any]) -> Condition:
    tests = field_tests(raw["cart"], cart.KINDS)
    for path in raw["cart"]:
        if path not in cart.KINDS:
            raise BadPhrase(f'"{path}" is not known of a cart; {did_you_mean(path, cart.KINDS)}')

    def holds(facts: Facts) -> bool:
        found = cart.fields(facts.profile, facts.entry)
        return tests(lambda path: find(found, path), facts.now)

    return holds


def did_you_mean(wrong: str, there: Iterable[str]) -> str:
    """The name that was probably meant, else all there are."""
    known = sorted(there)
    close = difflib.get_close_matches(wrong, known, 1)
    return f'did you mean "{close[0]}"?' if close else f"there are: {', '.join(known) or 'none'}"


def _did(raw: dict[str, Any]) -> Condition:
    happened = how_often(raw)
    times = _test_of("times", raw["times"], "number") if "times" in raw else None

    def holds(facts: Facts) -> bool:
        found = happened(facts)
        return times([found], facts.now) if times else bool(found)

    return holds


def how_often(raw: dict[str, Any]) -> Callable[[Facts], int]:
    """Read `did` but for `times`: how many events it counts; of a segment's those that the
    profile keeps, which are as many as its test needs. Raises BadPhrase."""
    counted = occurrences(raw)
    clause = tally.of_did(raw)
    length = duration(raw["in the last"]).at_most if "in the last" in raw else None

    def number(facts: Facts) -> int:
        kept = facts.tally(clause) if clause else None
        if kept is None:
            return len(counted(facts))
        return since(kept, facts.now - length if length else None)

    return number


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
        robots = _robots(raw)
        clauses = list(tally.of_messages(word, raw))

        def holds(facts: Facts) -> bool:
            kept = [facts.tally(clause) for clause in clauses] if facts.kept else []
            if kept and None not in kept:
                return any(one and one.count for one in kept)
            return any(
                has_it(message, link) or (robots and word in message.robots)
                for message in of_message(facts, wanted)
            )

        return holds

    return read


def _robots(raw: dict[str, Any]) -> bool:
    """Whether what robots did counts as well."""
    if raw.get("robots", "counted") != "counted":
        raise BadPhrase('"robots" takes "counted"; without it only people count')
    if "robots" in raw and raw.get("link"):
        raise BadPhrase('"link" and "robots" do not go together: of robots no link is known')
    return "robots" in raw


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


def _unconfirmed(raw: dict[str, Any]) -> Condition:
    channel, purpose = raw["unconfirmed"], raw.get("purpose", "")
    if channel not in list(ADDRESSED):
        raise BadPhrase(f"{channel!r} is not a channel; there are: {', '.join(ADDRESSED)}")
    if not isinstance(purpose, str):
        raise BadPhrase('"purpose" takes the name of a purpose')
    return lambda facts: is_unconfirmed(facts.permission, channel, purpose)


def _in_segment(raw: dict[str, Any]) -> Condition:
    name = name_of(raw, "in segment")

    def holds(facts: Facts) -> bool:
        # A journey's older version may name a segment that is gone by now: then nobody is in it.
        segment = facts.segments.get(name)
        return segment is not None and segment.holds(of_segment(facts))

    return holds


def of_segment(facts: Facts) -> Facts:
    """What the condition of a segment looks at."""
    return facts if facts.kept else facts.but(kept=True)


def _in_journey(raw: dict[str, Any]) -> Condition:
    name = name_of(raw, "in journey")
    return lambda facts: bool(under_way(facts, name))


def under_way(facts: Facts, journey: str) -> list[datetime]:
    """Since when the person is in that journey, for each run that is not about to end."""
    live = facts.permission.live.values()
    return [run.since for run in live if run.journey == journey and not run.leaving]


def _left_journey(raw: dict[str, Any]) -> Condition:
    name, outcome = name_of(raw, "left journey"), raw.get("as")
    if outcome is not None and not (isinstance(outcome, str) and outcome):
        raise BadPhrase(f'"as" takes the name of an outcome, not {outcome!r}')
    if outcome and taken(outcome):
        raise BadPhrase(taken(outcome))
    return lambda facts: any(outcome in (None, one) for one in outcomes(facts, name))


def outcomes(facts: Facts, journey: str) -> list[str]:
    """With which outcomes the person has left that journey, each named once."""
    leaving = [run.leaving for run in facts.permission.live.values() if run.journey == journey]
    found = dict.fromkeys([*facts.runs(journey), *leaving])
    # A run that gave way to another of the same person is no leaving.
    return [outcome for outcome in found if outcome and outcome != LEAVES_BY_MERGE]


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
    "account": (_account, ()),
    "entry": (_entry, ()),
    "cart": (_cart, ()),
    "did": (_did, ("where", "same", "in the last", "since", "times")),
    "sent": (_outcome("sent", lambda message, link: message.state in ("sent", "unknown")), ()),
    "opened": (_outcome("opened", lambda message, link: message.opened is not None), ("robots",)),
    "clicked": (_outcome("clicked", _was_clicked), ("link", "robots")),
    "bounced": (_outcome("bounced", lambda message, link: message.bounced is not None), ()),
    "may get": (_may_get, ("purpose",)),
    "unconfirmed": (_unconfirmed, ("purpose",)),
    "in segment": (_in_segment, ()),
    "in journey": (_in_journey, ()),
    "left journey": (_left_journey, ("as",)),
    "all of": (_all_of, ()),
    "any of": (_any_of, ()),
    "none of": (_none_of, ()),
}
OUTCOMES = ("sent", "opened", "clicked", "bounced")


def mentioned_messages(raw: Any) -> list[str]:
    """The names of messages that a condition speaks of, wherever they stand in it."""
    found = ((one, word) for _, one in parts_of(raw) for word in OUTCOMES if word in one)
    return [name for one, word in found for name in names(one[word])]


def mentioned_purposes(raw: Any) -> list[str]:
    """The purposes that a condition speaks of, wherever they stand in it."""
    found = (one for _, one in parts_of(raw) if "may get" in one or "unconfirmed" in one)
    return [one["purpose"] for one in found if "purpose" in one]


# What these look at keeps its times, and so can be asked again as it was.
_WITH_TIMES = frozenset({"entry", "did", *OUTCOMES})
_COMBINE = frozenset({"all of", "any of", "none of"})


def can_be_told_again(raw: Any) -> bool:
    """Whether it can be said later what a condition was at some moment before."""
    found = [one for _, one in parts_of(raw)]
    words = {word for one in found for word in READERS if word in one}
    return words <= _WITH_TIMES | _COMBINE and not any("robots" in one for one in found)


def mentioned_segments(raw: Any) -> list[str]:
    """The segments that a condition speaks of, wherever they stand in it."""
    return [one["in segment"] for _, one in parts_of(raw) if "in segment" in one]


def parts_of(raw: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A condition and all those that it combines, each with its place in it."""
    if isinstance(raw, list):
        for index, part in enumerate(raw):
            yield from parts_of(part, (*path, index))
    elif isinstance(raw, dict):
        yield path, raw
        for word in ("all of", "any of", "none of"):
            yield from parts_of(raw.get(word), (*path, word))
