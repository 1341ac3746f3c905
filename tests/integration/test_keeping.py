"""Segments in a whole Tante: told by events, true as time passes, brought to everybody, cheap."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from functions.folder import Folder, read_folder
from functions.handlers import process_event, wiring
from functions.handlers.keeping import RULES
from functions.journeys.standing import Backfill, Look, Standing
from functions.segments.keeping import is_complete, take_in
from functions.storage.remember import remember, timeline
from functions.tracking.event import Event, EventBatch
from functions.tracking.profile import Profile, TimelineRow
from tests.integration.test_remember import CALLS, At, Crash, Watched, raising
from tests.support.counted_store import by_kind
from tests.support.counted_world import CountedWorld
from tests.support.world import JOURNEYS, World

START = datetime(2027, 3, 1, 8, tzinfo=UTC)
SEGMENTS = """
buyers:
  title: Bought something this week
  who: {did: Order Completed, in the last: 7 days}
regulars:
  title: Bought three times in 30 days
  who: {did: Order Completed, in the last: 30 days, times: {at least: 3}}
quiet:
  title: Was a buyer and is not
  who: {all of: [{did: Order Completed}, {none of: [{in segment: buyers}]}]}
"""
LETTER = """
title: A task for each new buyer
purpose: transactional
enter when: {event: Segment Entered, where: {segment: buyers}}
once per: occasion
steps: [{task: Call them, for: sales}]
"""
Begin = Callable[..., World]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    shutil.copytree(JOURNEYS / "parts", folder / "parts")
    shutil.copy(JOURNEYS / "brand.yaml", folder)
    return folder


@pytest.fixture
def begin(tmp_path: Path, folder: Path) -> Iterator[Begin]:
    """Makes a Tante with these segments and journeys."""

    def begin(segments: str = SEGMENTS, data: str = "data", **journeys: str) -> World:
        write(folder, segments, **journeys)
        world = World(tmp_path / data, folder, START)
        world.settle()
        return world

    yield begin
    wiring.use(None)


def write(folder: Path, segments: str, **journeys: str) -> None:
    (folder / "segments.yaml").write_text(segments, "utf-8")
    for name, text in journeys.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "journey.yaml").write_text(text, "utf-8")


def publish(world: World, folder: Path, segments: str, **journeys: str) -> None:
    write(folder, segments, **journeys)
    world.system.publish()
    world.settle()


def changes(world: World, user: str) -> list[str]:
    """What was told of the person's segments, oldest first; by the alphabet at one moment."""
    found = [
        (
            event.time,
            f"{event.event.split()[1]} {event.properties['segment']}"
            + (" by publishing" if event.properties.get("backfill") else ""),
        )
        for event in timeline(world.store, world.person(user))
        if event.source == "segments"
    ]
    return [said for _, said in sorted(found)]


def members(world: World, user: str) -> list[str]:
    return sorted(world.person(user).segments)


def runs(world: World, journey: str) -> int:
    return len(world.runs(journey))


# --- by events and by time


def test_who_enters_a_segment_by_an_event_is_told_of_at_once_and_a_journey_begins(
    begin: Begin,
) -> None:
    world = begin(letter=LETTER)
    world.order("ada", "o1", "ink")
    assert members(world, "ada") == ["buyers"]
    assert changes(world, "ada") == ["Entered buyers"]
    assert runs(world, "letter") == 1
    world.order("ada", "o2", "ink")
    assert changes(world, "ada") == ["Entered buyers"]
    assert runs(world, "letter") == 1


def test_who_leaves_by_the_passing_of_time_is_told_of_at_that_moment(begin: Begin) -> None:
    world = begin(letter=LETTER)
    world.order("ada", "o1", "ink")
    world.advance("5 days")
    world.order("ada", "o2", "ink")
    world.advance("6 days")
    assert members(world, "ada") == ["buyers"]
    world.advance("2 days")
    assert members(world, "ada") == ["quiet"]
    assert changes(world, "ada") == ["Entered buyers", "Entered quiet", "Left buyers"]
    left = list(timeline(world.store, world.person("ada")))[-1]
    assert left.time - START == timedelta(days=12, microseconds=1)
    world.order("ada", "o3", "ink")
    assert members(world, "ada") == ["buyers", "regulars"]
    assert runs(world, "letter") == 2


def test_nobody_is_looked_at_who_is_not_due(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    world = begin()
    for user in ("ada", "bob", "cy"):
        world.identify(user, plan="free")
    world.order("ada", "o1", "ink")
    world.advance("1 day")
    world.order("bob", "o2", "ink")
    seen: list[str] = []
    get = type(world.store).get

    def watch(store: Any, kind: type, partition: str, sort: str = "") -> Any:
        if kind is Profile:
            seen.append(partition)
        return get(store, kind, partition, sort)

    ada, bob = world.person("ada").person, world.person("bob").person
    monkeypatch.setattr(type(world.store), "get", watch)
    world.advance("145 hours")
    assert set(seen) == {ada}
    world.advance("10 days")
    assert set(seen) == {ada, bob}


def test_an_order_that_moves_the_time_later_writes_no_due_time(begin: Begin) -> None:
    world = begin()
    world.order("ada", "o1", "ink")
    key = world.person("ada").person
    before = world.store.get(Standing, key)
    world.advance("1 day")
    world.order("ada", "o2", "ink")
    assert world.store.get(Standing, key) == before


def test_what_we_tell_ourselves_is_no_sign_of_life(begin: Begin) -> None:
    world = begin(
        "gone: {title: A, who: {none of: [{person: {last_seen: {in the last: 2 days}}}]}}"
    )
    world.identify("ada", plan="free")
    world.advance("3 days")
    assert members(world, "ada") == ["gone"]
    world.advance("30 days")
    assert changes(world, "ada") == ["Entered gone"]


# --- messages and runs


MAIL = """
title: A letter
purpose: transactional
enter when: {event: Signed Up}
once per: person
steps: [{send: hello}, {wait: 2 days}]
"""
ENGAGED = """
reached: {title: A, who: {sent: letter/hello}}
openers: {title: A, who: {opened: letter/hello}}
clickers: {title: A, who: {clicked: letter/hello, link: shop}}
inside: {title: A, who: {in journey: letter}}
through: {title: A, who: {left journey: letter}}
"""
HELLO = """<mjml><mj-head><mj-title>Hello</mj-title></mj-head><mj-body><mj-section><mj-column>
<mj-text><a href="{{ links.shop }}">shop</a> <a href="{{ unsubscribe }}">leave</a></mj-text>
</mj-column></mj-section></mj-body></mjml>"""


def test_segments_of_messages_and_journeys_follow_receipts_and_runs(
    begin: Begin, folder: Path
) -> None:
    (folder / "letter").mkdir()
    for language in ("de", "en"):
        (folder / "letter" / f"hello.{language}.mjml").write_text(HELLO, "utf-8")
    world = begin(ENGAGED, letter=MAIL)
    world.customer("ada")
    world.track("ada", "Signed Up")
    world.advance("1 minute")
    assert members(world, "ada") == ["inside", "reached"]
    [mail] = world.outbox()
    world.open(mail)
    assert members(world, "ada") == ["inside", "openers", "reached"]
    world.click(mail, "shop")
    assert members(world, "ada") == ["clickers", "inside", "openers", "reached"]
    world.advance("3 days")
    assert members(world, "ada") == ["clickers", "openers", "reached", "through"]


def test_without_a_rule_about_messages_none_is_told_of(begin: Begin, folder: Path) -> None:
    (folder / "letter").mkdir()
    for language in ("de", "en"):
        (folder / "letter" / f"hello.{language}.mjml").write_text(HELLO, "utf-8")
    world = begin(letter=MAIL)
    world.customer("ada")
    world.track("ada", "Signed Up")
    world.advance("1 minute")
    assert world.outbox()
    assert "Message Sent" not in world.person("ada").events


def test_a_withdrawal_takes_somebody_out_of_a_segment_of_those_who_may_get_something(
    begin: Begin,
) -> None:
    world = begin("open: {title: A, who: {may get: email, purpose: offers}}")
    world.customer("ada")
    assert members(world, "ada") == ["open"]
    world.track("ada", "Consent Withdrawn", channel="email", purposes=["offers"])
    assert members(world, "ada") == []


# --- publishing


def test_a_new_segment_is_brought_to_everybody_with_what_they_did_before(
    begin: Begin, folder: Path
) -> None:
    world = begin("newcomers: {title: A, who: {person: {first_seen: {in the last: 90 days}}}}")
    for number in range(5):
        world.order(f"user{number}", f"o{number}", "ink")
    world.identify("bob", plan="free")
    publish(world, folder, SEGMENTS, letter=LETTER)
    for number in range(5):
        assert members(world, f"user{number}") == ["buyers"]
        assert changes(world, f"user{number}") == [
            "Entered buyers by publishing",
            "Entered newcomers",
            "Left newcomers by publishing",
        ]
    assert members(world, "bob") == []
    assert runs(world, "letter") == 0
    world.order("bob", "o9", "ink")
    assert runs(world, "letter") == 1
    found = world.store.get(Backfill, RULES)
    assert (found.done, found.people, found.ended) == (6, 6, world.now)


def test_a_sweep_that_has_not_reached_somebody_is_overtaken_by_their_next_event(
    begin: Begin, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin("nobody: {title: A, who: {did: Never}}")
    world.order("ada", "o1", "ink")
    world.order("ada", "o2", "ink")
    monkeypatch.setattr("functions.handlers.looking._page", lambda *anything: None)
    publish(world, folder, SEGMENTS)
    assert members(world, "ada") == []
    world.order("ada", "o3", "ink")
    assert members(world, "ada") == ["buyers", "regulars"]


class Later:
    """Parts that keep back what is to come after a while, until it is let go."""

    def __init__(self, world: World) -> None:
        self.world, self.kept = world, list[bytes]()
        parts = world.system.parts

        def send(bodies: list[bytes], delay: int) -> None:
            if delay:
                self.kept.extend(bodies)
            else:
                parts.send_events(bodies, 0)

        wiring.use(replace(parts, send_events=send))

    def come(self) -> None:
        """The while is over."""
        wiring.use(self.world.system.parts)
        self.world.system.parts.send_events(self.kept, 0)
        self.world.settle()


def test_whom_a_lambda_with_the_old_rules_has_written_is_found_by_the_second_round(
    begin: Begin, folder: Path
) -> None:
    world = begin("nobody: {title: A, who: {did: Never}}")
    world.order("ada", "o1", "ink")
    old = world.system.parts.library.rules()
    later = Later(world)
    publish(world, folder, SEGMENTS)
    assert members(world, "ada") == ["buyers"]
    person = world.person("ada").person
    take = partial(take_in, rules=old, now=world.now)
    remember(world.store, person, [bought(world, "ada")], take)
    new = world.system.parts.library.rules()
    assert not is_complete(world.person("ada"), new)
    later.come()
    profile = world.person("ada")
    assert is_complete(profile, new)
    assert max(tally.count for tally in profile.tallies.values()) == 2
    assert changes(world, "ada") == ["Entered buyers by publishing"]


def test_events_whose_rows_are_on_their_way_are_waited_for_before_anything_is_counted(
    begin: Begin, folder: Path
) -> None:
    world = begin("nobody: {title: A, who: {did: Never}}")
    world.order("ada", "o1", "ink")
    rows = world.store.query(TimelineRow, world.person("ada").person)
    row = next(row for row in rows if row.event.event == "Order Completed")
    world.store.delete(row)  # a crash came before it was written
    later = Later(world)
    publish(world, folder, SEGMENTS)
    assert members(world, "ada") == []
    world.store.write([row])
    later.come()
    assert members(world, "ada") == ["buyers"]


def test_a_segment_that_is_taken_away_is_left(begin: Begin, folder: Path) -> None:
    world = begin()
    world.order("ada", "o1", "ink")
    publish(world, folder, "")
    assert members(world, "ada") == []
    assert changes(world, "ada") == ["Entered buyers", "Left buyers by publishing"]
    assert world.person("ada").tallies == {}


# --- crashes and repeats


def test_a_crash_at_any_call_loses_no_change_and_tells_none_twice(
    begin: Begin, tmp_path: Path
) -> None:
    world = begin(letter=LETTER)
    number, came = 0, True
    while came:
        number += 1
        user = f"user{number}"
        at = At(number, raising(Crash()), (*CALLS, "send"))
        watched = Watched(at) if number % 2 else Watched(lambda name: None, at)
        inner = world.system.parts

        def send(
            bodies: list[bytes], delay: int, at: At = at, inner: Any = inner, n: int = number
        ) -> None:
            if n % 2:
                at("send")
            inner.send_events(bodies, delay)
            if not n % 2:
                at("send")

        wiring.use(replace(watched.parts(inner), send_events=send))
        body = msgspec.json.encode(EventBatch([bought(world, user)])).decode()
        record = {"Records": [{"messageId": "1", "body": body}]}
        try:
            process_event.handler(record, None)
        except Crash:
            wiring.use(inner)
            process_event.handler(record, None)
        wiring.use(inner)
        world.settle()
        assert changes(world, user) == ["Entered buyers"], number
        standing = world.store.get(Standing, world.person(user).person)
        assert standing.kept == world.person(user).due
        came = at.came
    assert number > 8
    assert runs(world, "letter") == number


def bought(world: World, user: str) -> Event:
    return Event(
        type="track",
        event="Order Completed",
        message_id=f"order-of-{user}",
        time=world.now,
        received_at=world.now,
        client_time=world.now.isoformat(),
        user_id=user,
        properties={"order_id": "o"},
    )


def test_a_change_stays_in_the_outbox_until_its_event_is_remembered(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin()
    store, parts = world.store, world.system.parts
    lost: list[bytes] = []
    wiring.use(replace(parts, send_events=lambda bodies, delay: lost.extend(bodies)))
    body = msgspec.json.encode(EventBatch([bought(world, "ada")])).decode()
    process_event.handler({"Records": [{"messageId": "1", "body": body}]}, None)
    wiring.use(parts)
    assert [fact.name for fact in world.person("ada").outbox] == ["Segment Entered"]
    world.track("ada", "Anything")  # whoever comes next sends it again
    assert changes(world, "ada") == ["Entered buyers"]
    world.track("ada", "Anything")
    assert world.person("ada").outbox == []
    assert store.get(Profile, world.person("ada").person).segments.keys() == {"buyers"}
    # What was thought lost arrives after all.
    parts.send_events(lost, 0)
    world.settle()
    assert changes(world, "ada") == ["Entered buyers"]


def test_a_look_that_is_repeated_changes_nothing(begin: Begin) -> None:
    world = begin()
    world.order("ada", "o1", "ink")
    before = world.person("ada")
    look = msgspec.json.encode(Look(look=[before.person], keep=True))
    for _ in range(3):
        world.system.parts.send_events([look], 0)
        world.settle()
    assert world.person("ada") == before


# --- merging


def test_who_becomes_known_stays_in_the_segments_of_both(begin: Begin) -> None:
    world = begin()
    for number in range(2):
        order = {"order_id": f"a{number}"}
        call = {"anonymousId": "phone", "event": "Order Completed", "properties": order}
        world.post("track", call)
    world.order("ada", "o1", "ink")
    assert members(world, "ada") == ["buyers"]
    world.post("identify", {"userId": "ada", "anonymousId": "phone"})
    assert members(world, "ada") == ["buyers", "regulars"]
    world.advance("8 days")
    assert members(world, "ada") == ["quiet", "regulars"]


def test_who_was_anonymous_and_signs_up_goes_on_as_they_were_and_what_is_news_stays_news(
    begin: Begin,
) -> None:
    world = begin(letter=LETTER)
    for number in range(2):
        call = {"anonymousId": "phone", "event": "Viewed", "properties": {"number": number}}
        world.post("track", call)
    world.post("identify", {"userId": "ada", "anonymousId": "phone"})
    profile = world.person("ada")
    assert is_complete(profile, world.system.parts.library.rules())
    assert profile.ruled == world.system.parts.library.rules().hash
    world.order("ada", "o1", "ink")
    assert changes(world, "ada") == ["Entered buyers"]
    assert runs(world, "letter") == 1


def test_orders_of_before_signing_up_count_after_it_without_a_count_from_the_timeline(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin()
    for number in range(2):
        order = {"order_id": f"a{number}"}
        call = {"anonymousId": "phone", "event": "Order Completed", "properties": order}
        world.post("track", call)
    monkeypatch.setattr("functions.handlers.keeping.complete", None)
    world.post("identify", {"userId": "ada", "anonymousId": "phone"})
    world.order("ada", "o1", "ink")
    assert members(world, "ada") == ["buyers", "regulars"]


# --- what it costs


def test_ten_segments_cost_an_event_no_read_and_no_write_more(tmp_path: Path) -> None:
    """As long as the event changes none of them, and no earlier time to look."""
    ten = "\n".join(
        f"s{n}: {{title: A, who: {{did: Seen{n % 3}, in the last: {n + 1} days, times: 50}}}}"
        for n in range(10)
    )
    spent = [_spent(segments) for segments in ("", ten)]
    assert spent[0] == spent[1]


def _spent(segments: str) -> tuple[Any, Any]:
    shipped = read_folder(JOURNEYS)
    live = {"segments.yaml": segments} if segments else {}
    world = CountedWorld(Folder(shipped.brand, shipped.parts, {}, live), START)
    say = partial(_said, world)
    for name in ("Seen0", "Seen1", "Seen2", "Seen0"):
        say(name)
    world.store.take()
    world.store.read_units.clear()
    say("Seen0")
    found = by_kind(world.store.take()), dict(world.store.read_units)
    wiring.use(None)
    return found


def _said(world: CountedWorld, name: str) -> None:
    world.now += timedelta(minutes=1)
    call = {"type": "track", "event": name, "userId": "ada", "timestamp": world.now.isoformat()}
    world.say({**call, "messageId": f"{name}{world.now}", "sentAt": world.now.isoformat()})
