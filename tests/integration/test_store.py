"""The contract of the store, held by both implementations."""

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from copy import copy
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from pynamodb.exceptions import PutError, TransactWriteError

from functions.codes.records import CodePart, IssuedCode
from functions.doors.records import AskedNumbers, Pace, SecretKey, Session
from functions.forecast.asked import Asked
from functions.forecast.record import Forecast
from functions.journeys.counted import Counted
from functions.journeys.run import Draft, JourneyVersion, Run, Task, Wait, Waits
from functions.journeys.standing import Backfill, Standing, Sweep, Taken
from functions.sales.records import Deal, Lead, Note, Offer, Stay
from functions.segments.cluster_records import ClusterChoices
from functions.storage import people
from functions.storage.dictionary import DICTIONARY
from functions.storage.dynamo import DynamoStore
from functions.storage.kinds import KINDS
from functions.storage.memory_store import MemoryStore
from functions.storage.packing import MOST_BYTES, Item, item_size, key_of, pack, unpack
from functions.storage.paging import Entry, fresh
from functions.storage.say import MOST_WORDS, TooManyWords
from functions.storage.store import Conflict, Store, TooLarge, Unavailable
from functions.tracking.account import Account, Member
from functions.tracking.breaker import Bucket
from functions.tracking.erasure import Erasure
from functions.tracking.event import Event
from functions.tracking.evidence import Evidence, link
from functions.tracking.history import Change
from functions.tracking.merge_record import Before, Merge
from functions.tracking.message import Kept, Message
from functions.tracking.pause import Pause
from functions.tracking.permission import Claim, Consent, Permission
from functions.tracking.profile import Order, OrderRow, Profile, TimelineRow, Trait
from functions.tracking.referral_record import ReferralCode
from functions.tracking.sign_up import SignUp
from functions.tracking.source import Source
from functions.tracking.suppressed import Suppressed
from local.sqlite_store import SqliteStore
from tests.support.stores import dynamo_store, empty, sqlite_store

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def dynamo() -> Iterator[DynamoStore]:
    with dynamo_store() as made:
        yield made


@pytest.fixture(params=["sqlite", "memory", "dynamo"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return sqlite_store(tmp_path)
    if request.param == "memory":
        return MemoryStore()
    made: DynamoStore = request.getfixturevalue("dynamo")
    empty(made)
    return made


@pytest.fixture
def sqlite(tmp_path: Path) -> SqliteStore:
    return sqlite_store(tmp_path)


def an_event(name: str = "Order Completed", **properties: Any) -> Event:
    return Event(
        type="track", message_id="m1", time=NOW, received_at=NOW, event=name, properties=properties
    )


def a_row(key: str, person: str = "ada", **properties: Any) -> TimelineRow:
    return TimelineRow(person, key, an_event(**properties), expires=1_800_000_000)


def a_run(run_id: str, journey: str = "onboarding", minute: int = 0, person: str = "ada") -> Run:
    return Run(
        person=person,
        run_id=run_id,
        journey=journey,
        journey_version="v1",
        entered=NOW + timedelta(minutes=minute),
        entry=an_event(),
    )


def a_task(task_id: str, minute: int = 0, person: str = "ada") -> Task:
    return Task(
        person=person,
        task_id=task_id,
        run_id="r1",
        journey="onboarding",
        text="Call",
        owner="sales",
        created=NOW,
        due=NOW - timedelta(minutes=minute),  # what is due soonest comes first
    )


def a_message(run_id: str, step: str) -> Message:
    return Message(
        person="ada",
        run_id=run_id,
        step=step,
        send_id=f"{run_id}-{step}",
        journey="onboarding",
        message="welcome",
        channel="email",
        purpose="tips",
        state="sent",
    )


def one_of_each() -> list[Any]:
    """A record of every kind that has a version, with something in it worth keeping."""
    return [
        SecretKey(key_hash="h1", name="mia", scopes=["read"]),
        Session(token_hash="t1", key_hash="h1", ends=NOW + timedelta(days=1)),
        Pace(key="k1", until=NOW + timedelta(days=1)),
        AskedNumbers(key="k1", expires=4_000_000_000, asked=2),
        Erasure(person="eve", asked=NOW, keys=["eve"], found={"profile": 1}),
        Bucket(hour="2027-03-01T09", shard=1, expires=4_000_000_000),
        Suppressed(key="k1", channel="email", reason="hard bounce", since=NOW),
        Profile(
            person="ada",
            created=NOW,
            traits={"plan": Trait({"deep": [1, None, {"x": 2.5}]}, NOW, "m1")},
            orders={"o1": Order("o1", NOW, "EUR", Decimal("19.90"), skus=["a/b#c"])},
        ),
        Permission(
            person="ada",
            consents={"email/*": Consent(True, NOW, "web", "Ja, gerne – jederzeit")},
            claims=[Claim("s1", NOW, "email", "tips")],
        ),
        a_run("r1"),
        Waits(
            person="ada",
            run_id="r1",
            journey="onboarding",
            latest=Wait("s", "token", NOW, NOW),
            began={"s": NOW},
        ),
        msgspec.structs.replace(a_message("r1", "welcome"), claimed=NOW, clicked={"": NOW}),
        msgspec.structs.replace(a_task("t1"), history=[Change(NOW, "Task Created", said={"n": 1})]),
        Lead(person="ada", lead_id="t1", owner="anna", handed=NOW, parts={"asked": 2.5}),
        IssuedCode(person="ada", name="hi", occasion="", code="HI-Ä", issued=NOW, ends=NOW),
        CodePart(name="hi", number=7, codes={"HI-Ä": "issued", "HI-B": "free"}),
        Note(person="ada", note_id="n1", kind="call", at=NOW, noted=NOW, fields={"fit": True}),
        Deal(
            person="ada",
            deal_id="d1",
            title="Ü",
            value=Decimal("19.90"),
            created=NOW,
            stays=[Stay("new", NOW)],
            offers=[Offer("o1", NOW, Decimal("1E+3"))],
        ),
        link(
            Evidence(
                person="ada",
                number=0,
                said="asked",
                channel="email",
                purposes=["offers"],
                time=NOW,
                received=NOW,
                source="form",
                message_id="m1",
                wording="Ja, Ü",
                fields={"city": "Köln"},
            ),
            None,
        ),
        SignUp(person="ada", request="r1", channel="email", until=NOW),
        Pause(channel="email", until=NOW, seconds=60.5),
        ClusterChoices(names={"c1": "Ü"}, asked=NOW),
        JourneyVersion(journey="onboarding", journey_version="abc", files={"j.yaml": "title: Ü"}),
        Draft(journey="onboarding", saved=NOW, files={"journey.yaml": "title: Ü"}),
        Standing(person="ada", due=NOW, holds={"onboarding": True}, looked=NOW),
        Sweep(journey="onboarding", hash="abc"),
        Backfill(hash="abc", begun=NOW, done=7),
        Account(account_id="acme", created=NOW, traits={"name": Trait("Ü & Co.", NOW, "m1")}),
        Member(account_id="acme", person="ada", since=NOW, by="m1"),
        Taken(journey="onboarding", hour=NOW, count=3),
        Counted(journey="onboarding", month="2027-03", shard=1, steps={"send Ü": 3}, mails=2),
        Forecast(forecast_id="f1", asked=Asked(journey="onboarding"), made=NOW, report=b"{}"),
        Source(key_hash="k1", name="web shop", trusted=True),
        Merge(
            person="tab",
            merge_id="m1",
            into="ada",
            via="ada",
            kind="anonymous_id",
            value="tab",
            by_kind="user_id",
            by_value="ada",
            at=NOW,
            event="identify",
            time=NOW,
            message_id="e1",
        ),
        ReferralCode(code="K7PM2XQH9R", person="ada", made=NOW),
        Before(person="tab", merge_id="m1", target=Profile(person="ada"), expires=9),
    ]


ORDERS = OrderRow("ada", 7, [Order("o2", None, "JPY", Decimal("1E+3"), refunded=Decimal("0.01"))])


def where(record: Any) -> tuple[type[Any], str, str]:
    kind = KINDS[type(record)]
    sort = kind.sort(record) if kind.sort else ""
    return type(record), kind.partition(record), sort


# Reading and writing one record


def test_what_was_never_written_is_none(store: Store) -> None:
    assert store.get(Profile, "nobody") is None
    assert store.get(Run, "nobody", "onboarding/r1") is None


def test_every_kind_comes_back_as_it_was_put(store: Store) -> None:
    for record in one_of_each():
        store.put(record)
        assert record.version == 1
        assert store.get(*where(record)) == record
    versioned = {struct for struct, kind in KINDS.items() if kind.versioned}
    assert {type(record) for record in one_of_each()} == versioned


def test_a_timeline_row_comes_back_with_its_event(store: Store) -> None:
    row = a_row("2026-03-01#1", a=1, b=None, c=["x", {"d": 2.5}], e="ü😀", at=NOW)
    store.write([row])
    found = store.get(TimelineRow, "ada", "2026-03-01#1")
    assert found == row
    assert isinstance(found.event, Event)


def test_times_of_other_zones_come_back_as_the_same_instant(store: Store) -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    profile = Profile(person="ada", created=there, traits={"seen": Trait(there, there, "m")})
    store.put(profile)
    found = store.get(Profile, "ada")
    assert found is not None
    assert found.created == NOW
    assert found.traits["seen"].value == NOW


def test_all_of_one_person_stands_side_by_side_and_does_not_mix(store: Store) -> None:
    for record in one_of_each():
        store.put(record)
    store.write([ORDERS])
    assert [run.run_id for run in store.query(Run, "ada")] == ["r1"]
    assert [message.run_id for message in store.query(Message, "ada")] == ["r1"]
    assert [profile.person for profile in store.query(Profile, "ada")] == ["ada"]
    assert [row.left_at for row in store.query(OrderRow, "ada")] == [7]


def test_a_deleted_record_is_gone_and_deleting_it_again_is_no_error(store: Store) -> None:
    record = a_run("r1")
    store.put(record)
    store.delete(a_run("r1"))
    store.delete(record)
    assert store.get(*where(record)) is None
    assert store.listing(Run) == ([], "")
    store.put(a_run("r1"))


# Compare-and-set


def test_each_put_raises_the_version_by_one(store: Store) -> None:
    profile = Profile(person="ada")
    for version in (1, 2, 3):
        profile.user_id = f"u{version}"
        store.put(profile)
        assert profile.version == version
    found = store.get(Profile, "ada")
    assert found == profile


def test_a_put_of_a_stale_copy_is_a_conflict_and_changes_nothing(store: Store) -> None:
    store.put(Profile(person="ada"))
    mine, theirs = store.get(Profile, "ada"), store.get(Profile, "ada")
    assert mine is not None
    assert theirs is not None
    theirs.user_id = "theirs"
    store.put(theirs)
    mine.user_id = "mine"
    with pytest.raises(Conflict):
        store.put(mine)
    assert mine.version == 1
    assert store.get(Profile, "ada") == theirs


def test_only_one_of_two_can_create(store: Store) -> None:
    store.put(a_run("r1", journey="onboarding"))
    late = a_run("r1", minute=5)
    with pytest.raises(Conflict):
        store.put(late)
    assert late.version == 0
    assert store.get(Run, "ada", "onboarding/r1").entered == NOW  # type: ignore[union-attr]


def test_what_is_gone_cannot_be_changed(store: Store) -> None:
    profile = Profile(person="ada")
    store.put(profile)
    store.delete(profile)
    with pytest.raises(Conflict):
        store.put(profile)
    assert store.get(Profile, "ada") is None


def test_a_put_without_version_and_a_write_with_one_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="write it"):
        store.put(a_row("1"))
    with pytest.raises(ValueError, match="put it"):
        store.write([Profile(person="ada")])
    with pytest.raises(ValueError, match="write it"):
        store.put_together([a_row("1")])


# Several records


def test_put_together_writes_records_of_different_tables(store: Store) -> None:
    records = one_of_each()
    store.put_together(records)
    assert {record.version for record in records} == {1}
    for record in records:
        assert store.get(*where(record)) == record
    store.put_together(records)
    assert {record.version for record in records} == {2}
    store.put_together([])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_put_together_writes_all_or_none(store: Store, place: int) -> None:
    records = [Profile(person=person) for person in ("ada", "bea", "cyd")]
    store.put(Profile(person=records[place].person, user_id="first"))
    with pytest.raises(Conflict):
        store.put_together(records)
    assert {record.version for record in records} == {0}
    found = [store.get(Profile, record.person) for record in records]
    assert [profile and profile.user_id for profile in found] == [
        "first" if here == place else None for here in range(3)
    ]


def test_put_together_keeps_to_the_limits_of_a_transaction(store: Store) -> None:
    profiles = [Profile(person=f"p{number:03}") for number in range(101)]
    with pytest.raises(ValueError, match="100"):
        store.put_together(profiles)
    with pytest.raises(ValueError, match="twice"):
        store.put_together([Profile(person="ada"), Profile(person="ada")])
    noise = random.Random(1)
    big = [a_profile_of(390_000, noise, f"big{number}") for number in range(11)]
    with pytest.raises(TooLarge):
        store.put_together(big)
    store.put_together(profiles[:100])
    assert store.get(Profile, "p000") is not None
    assert store.get(Profile, "p099") is not None


def test_a_write_may_be_repeated_and_may_be_long(store: Store) -> None:
    rows = [a_row(f"{number:03}", number=number) for number in range(60)]
    store.write(rows)
    store.write(rows[::-1])
    store.write([*rows[:3], *rows[:3]])
    store.write([])
    assert list(store.query(TimelineRow, "ada")) == rows


# Queries


def test_a_query_is_in_the_order_of_the_utf8_bytes(store: Store) -> None:
    keys = ["#", "/", "0", "a", "a#b", "a/", "a/b", "b", "ä", "–", "\ufffd", "😀"]
    store.write([a_row(key) for key in random.Random(1).sample(keys, len(keys))])
    store.write([a_row("other", person="bea")])
    assert keys == sorted(keys, key=str.encode)
    assert [row.key for row in store.query(TimelineRow, "ada")] == keys
    backward = store.query(TimelineRow, "ada", newest_first=True)
    assert [row.key for row in backward] == keys[::-1]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/b", "\ud7ff", "\U0010ffff", "none"])
@pytest.mark.parametrize("after", ["", "a", "a/b", "a/b0", "b", "\U0010ffff"])
def test_a_query_knows_prefix_and_after(
    both: tuple[Store, Store], prefix: str, after: str, newest_first: bool
) -> None:
    expected = [key for key in PREFIX_KEYS if key.startswith(prefix)]
    if after and newest_first:
        expected = [key for key in expected if key < after]
    elif after:
        expected = [key for key in expected if key > after]
    for store in both:
        rows = store.query(
            TimelineRow, "ada", prefix=prefix, after=after, newest_first=newest_first
        )
        assert [row.key for row in rows] == expected[:: -1 if newest_first else 1]


PREFIX_KEYS = ["a", "a#", "a/", "a/b", "a/b0", "a/b1", "a0", "b"]
PREFIX_KEYS += ["\ud7ff", "\ud7ffx", "\ue000", "\U0010ffff", "\U0010ffffx"]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    """Both stores with the same timeline, for tests that only read."""
    with dynamo_store() as dynamo:
        stores = (dynamo, sqlite_store(tmp_path_factory.mktemp("both")))
        for store in stores:
            store.write([a_row(key) for key in PREFIX_KEYS])
        yield stores


def test_runs_of_one_journey_are_found_by_prefix(store: Store) -> None:
    for run in (a_run("r1"), a_run("r2"), a_run("r1", journey="onboarding-2"), a_run("r", "x")):
        store.put(run)
    found = store.query(Run, "ada", prefix="onboarding/")
    assert [(run.journey, run.run_id) for run in found] == [
        ("onboarding", "r1"),
        ("onboarding", "r2"),
    ]


def test_a_query_goes_on_behind_the_first_megabyte(store: Store) -> None:
    noise = random.Random(1)
    rows = [a_row(f"{number}", noise=noise.randbytes(300_000)) for number in range(8)]
    for row in rows:
        store.write([row])
    assert [row.key for row in store.query(TimelineRow, "ada")] == list("01234567")
    backward = store.query(TimelineRow, "ada", newest_first=True, after="6", prefix="")
    assert [row.key for row in backward] == list("543210")
    assert next(store.query(TimelineRow, "ada", after="3")) == rows[4]


def test_a_query_reads_many_rows_and_may_write_meanwhile(sqlite: SqliteStore) -> None:
    rows = [a_row(f"{number:03}") for number in range(300)]
    sqlite.write(rows)
    seen = []
    for row in sqlite.query(TimelineRow, "ada"):
        seen.append(row.key)
        sqlite.delete(row)
    assert seen == [row.key for row in rows]
    sqlite.write(rows)
    backward = list(sqlite.query(TimelineRow, "ada", newest_first=True))
    assert backward == rows[::-1]


# Listings


def pages(store: Store, kind: type[Any], name: str = "", limit: int = 3) -> list[list[Any]]:
    found, after = [], ""
    while True:
        page, after = store.listing(kind, name, limit=limit, after=after)
        found.append(page)
        if not after:
            return found


def test_a_listing_is_newest_first_and_comes_in_pages(store: Store) -> None:
    minutes = [3, 1, 6, 0, 5, 2, 4]
    for minute in minutes:
        store.put(a_task(f"t{minute}", minute, person=f"p{minute}"))
    found = [[task.task_id for task in page] for page in pages(store, Task)]
    assert found == [["t6", "t5", "t4"], ["t3", "t2", "t1"], ["t0"]]
    assert store.listing(Task, limit=7)[1] == ""


def test_records_of_the_same_moment_are_all_listed_once(store: Store) -> None:
    for number in range(7):
        store.put(a_task(f"t{number}", person="bea" if number % 2 else "ada"))
    found = [task.task_id for page in pages(store, Task, limit=2) for task in page]
    assert sorted(found) == [f"t{number}" for number in range(7)]


def test_runs_are_listed_by_journey_and_all_together(store: Store) -> None:
    journeys = ["onboarding", "win-back", "onboarding-2", "on", "onboarding", "win-back", "on"]
    for minute, journey in enumerate(journeys):
        store.put(a_run(f"r{minute}", journey, minute, person=f"p{minute}"))
    one = [run.run_id for page in pages(store, Run, "on", limit=1) for run in page]
    assert one == ["r6", "r3"]
    assert [[run.run_id for run in page] for page in pages(store, Run)] == [
        ["r6", "r5", "r4"],
        ["r3", "r2", "r1"],
        ["r0"],
    ]
    assert store.listing(Run, "never") == ([], "")
    assert store.listing(Task) == ([], "")


def test_a_listed_record_is_read_as_it_is_now_and_keeps_its_place(store: Store) -> None:
    old, new = a_run("old", minute=1), a_run("new", minute=2)
    store.put(old)
    store.put(new)
    old.status = "ended"
    store.put(old)
    assert store.listing(Run)[0] == [new, old]


def test_a_cursor_holds_when_its_record_has_gone(store: Store) -> None:
    tasks = [a_task(f"t{minute}", minute) for minute in range(5)]
    for task in tasks:
        store.put(task)
    first, after = store.listing(Task, limit=2)
    store.delete(tasks[2])
    rest, end = store.listing(Task, limit=5, after=after)
    assert [task.task_id for task in [*first, *rest]] == ["t4", "t3", "t1", "t0"]
    assert end == ""


def test_a_redirect_is_not_listed(store: Store) -> None:
    source, target = Profile(person="a", created=NOW), Profile(person="b", created=NOW)
    store.put(source)
    store.put(target)
    source.moved_to, target.merged = "b", ["a"]
    store.put_together([source, target])
    assert [profile.person for profile in store.listing(Profile)[0]] == ["b"]
    source.moved_to, target.merged = "", []
    store.put_together([source, target])
    assert {profile.person for profile in store.listing(Profile)[0]} == {"a", "b"}


def test_a_record_whose_time_changes_moves_in_the_listing(store: Store) -> None:
    first, second = (Profile(person=person, created=NOW) for person in ("a", "b"))
    store.put(first)
    store.put(second)
    for person, profile in (("b", first), ("a", second)):
        profile.created = NOW - timedelta(days=1)
        store.put(profile)
        assert store.listing(Profile)[0][0].person == person
        profile.created = NOW
        store.put(profile)


def test_a_listing_that_lags_behind_leaves_out_only_what_is_no_longer_in_it() -> None:
    here, moved, redirect = (Profile(person=person, created=NOW) for person in "abc")
    records = {(each.person, "profile"): each for each in (here, moved, redirect)}
    entries = [Entry(pack(each).listed or "", *key_of(each)) for each in records.values()]
    moved.created, redirect.moved_to = NOW + timedelta(days=1), "a"
    gone = Entry(entries[0].listed, "gone", "profile")
    assert fresh(KINDS[Profile], [*entries, gone], records) == [here, moved]


def test_kinds_that_are_listed_nowhere_say_so(store: Store) -> None:
    for kind in (Pause, Permission, TimelineRow, OrderRow):
        with pytest.raises(ValueError, match="no listing"):
            store.listing(kind)


def test_a_journey_with_a_hash_sign_in_its_name_is_refused(store: Store) -> None:
    for name in ("a#b", ""):
        with pytest.raises(ValueError, match="listed"):
            store.put(a_run("r1", journey=name))


# Limits


def a_profile_of(size: int, noise: random.Random, person: str = "ada") -> Profile:
    """A profile whose item has exactly `size` bytes, of noise that cannot be compressed."""
    profile = Profile(person=person, traits={"noise": Trait(b"", NOW, "m")})
    profile.traits["noise"].value = noise.randbytes(size - 1000)
    missing = size - item_size(pack(profile))
    profile.traits["noise"].value += noise.randbytes(missing)
    assert item_size(pack(profile)) == size
    return profile


@contextmanager
def a_generous_moto() -> Iterator[None]:
    """moto refuses items of more than 405,000 bytes; the real limit is 409,600."""
    with patch("moto.dynamodb.models.dynamo_type.bytesize", lambda text: 0):
        yield


def test_an_item_of_400_kilobytes_is_kept_and_one_byte_more_is_not(store: Store) -> None:
    noise = random.Random(1)
    largest = a_profile_of(MOST_BYTES, noise)
    with a_generous_moto() if isinstance(store, DynamoStore) else nullcontext():
        store.put(largest)
        assert store.get(Profile, "ada") == largest
    largest.traits["noise"].value += b"!"
    with pytest.raises(TooLarge):
        store.put(largest)
    assert largest.version == 1
    with pytest.raises(TooLarge):
        store.write([a_row("1"), a_row("2", noise=noise.randbytes(MOST_BYTES))])
    assert list(store.query(TimelineRow, "ada")) == []


def test_a_megabyte_that_can_be_compressed_is_kept(store: Store) -> None:
    kept = Kept(send_id="s", channel="email", to="a@example.com", time=NOW, html="<p>Hi " * 180_000)
    store.write([kept])
    assert store.get(Kept, "s") == kept
    assert store.listing(Kept) == ([kept], "")


@pytest.mark.parametrize("text", ["", "x" * 2049, "ü" * 1025, "\ud800"])
def test_a_partition_that_dynamodb_refuses_is_refused(store: Store, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        store.put(Profile(person=text))
    with pytest.raises(ValueError):  # noqa: PT011
        store.get(Profile, text)
    with pytest.raises(ValueError):  # noqa: PT011
        store.query(Run, text)


@pytest.mark.parametrize("text", ["", "x" * (1025 - len("event#")), "ü" * 510])
def test_a_sort_key_that_dynamodb_refuses_is_refused(store: Store, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        store.write([a_row(text)])
    with pytest.raises(ValueError):  # noqa: PT011
        store.get(TimelineRow, "ada", text)


def test_the_longest_keys_are_kept(store: Store) -> None:
    row = a_row("ü" * 509, person="x" * 2048)
    store.write([row])
    assert store.get(TimelineRow, "x" * 2048, "ü" * 509) == row
    assert list(store.query(TimelineRow, "x" * 2048)) == [row]


def test_a_kind_without_sort_keys_takes_none(store: Store) -> None:
    with pytest.raises(ValueError, match="no sort"):
        store.get(Profile, "ada", "x")


@pytest.mark.parametrize(
    "text", ["#", "/", "a#b", "a/b#c", "ä–😀", "run#x", "%_", "'\";", " ", "\0"]
)
def test_keys_may_hold_any_character(store: Store, text: str) -> None:
    store.write([a_row(text, person=text)])
    store.put(Profile(person=text, created=NOW))
    store.put(a_task(text, person=text))
    assert [row.key for row in store.query(TimelineRow, text, prefix=text)] == [text]
    assert store.get(Task, text, text) is not None
    assert [profile.person for profile in store.listing(Profile)[0]] == [text]


def test_an_integer_of_more_than_64_bits_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="TimelineRow"):
        store.write([a_row("1", number=2**64)])


# Any sequence of calls


PEOPLE = ["a", "a#", "b"]
SORTS = ["1", "1/", "1/2", "2"]
JOURNEYS = ["on", "on-2"]
MARKS = st.text(max_size=3)
VERSIONED = st.one_of(
    st.builds(lambda person: Profile(person=person), st.sampled_from(PEOPLE)),
    st.builds(
        lambda person, journey, run_id, minute: a_run(run_id, journey, minute, person),
        st.sampled_from(PEOPLE),
        st.sampled_from(JOURNEYS),
        st.sampled_from(SORTS),
        st.integers(0, 3),
    ),
)


class StoresAndModel(RuleBasedStateMachine):
    """Both stores do as a dictionary would, whatever is asked of them in whatever order.

    Each example has people and journeys of its own, because making tables takes moto too long.
    """

    examples = 0

    def __init__(self, stores: tuple[Store, Store]) -> None:
        super().__init__()
        self.stores = stores
        self.model: dict[tuple[type[Any], str, str], Any] = {}
        StoresAndModel.examples += 1

    def own(self, record: Any, mark: str, lag: int) -> Any:
        """The record in this example's name, `lag` versions behind what is stored."""
        record.person = f"{self.examples}-{record.person}"
        if isinstance(record, Run):
            record.journey, record.outcome = f"{self.examples}-{record.journey}", mark
        elif isinstance(record, Profile):
            record.user_id = mark
        if "version" in record.__struct_fields__:
            stored = self.model.get(where(record))
            record.version = max(0, (stored.version if stored else 0) - lag)
        return record

    def fits(self, record: Any) -> bool:
        stored = self.model.get(where(record))
        return bool(record.version == (stored.version if stored else 0))

    @rule(record=VERSIONED, mark=MARKS, lag=st.sampled_from([0, 0, 0, 1]))
    def put(self, record: Any, mark: str, lag: int) -> None:
        record = self.own(copy(record), mark, lag)
        fits = self.fits(record)
        for store in self.stores:
            mine = copy(record)
            with nullcontext() if fits else pytest.raises(Conflict):
                store.put(mine)
            assert mine.version == record.version + fits
        if fits:
            self.model[where(record)] = mine

    @rule(
        records=st.lists(VERSIONED, min_size=1, max_size=4),
        mark=MARKS,
        lags=st.lists(st.sampled_from([0, 0, 0, 0, 1]), min_size=4, max_size=4),
    )
    def put_together(self, records: list[Any], mark: str, lags: list[int]) -> None:
        owned = [self.own(copy(each), mark, lag) for each, lag in zip(records, lags, strict=False)]
        owned = list({where(record): record for record in owned}.values())
        fits = all(map(self.fits, owned))
        for store in self.stores:
            mine = [copy(record) for record in owned]
            with nullcontext() if fits else pytest.raises(Conflict):
                store.put_together(mine)
        if fits:
            self.model |= {where(record): record for record in mine}

    @rule(
        person=st.sampled_from(PEOPLE),
        keys=st.lists(st.sampled_from(SORTS), max_size=5),
        mark=MARKS,
    )
    def write(self, person: str, keys: list[str], mark: str) -> None:
        rows = [self.own(a_row(key, person, mark=mark), mark, 0) for key in keys]
        for store in self.stores:
            store.write(rows)
        self.model |= {where(row): row for row in rows}

    @rule(record=VERSIONED)
    def delete(self, record: Any) -> None:
        record = self.own(copy(record), "", 0)
        for store in self.stores:
            store.delete(record)
        self.model.pop(where(record), None)

    @rule(record=VERSIONED)
    def get(self, record: Any) -> None:
        keys = where(self.own(copy(record), "", 0))
        for store in self.stores:
            assert store.get(*keys) == self.model.get(keys)

    @rule(
        kind=st.sampled_from([Profile, Run, TimelineRow]),
        person=st.sampled_from(PEOPLE),
        newest_first=st.booleans(),
    )
    def query(self, kind: type[Any], person: str, newest_first: bool) -> None:
        person = f"{self.examples}-{person}"
        keys = sorted(key for key in self.model if key[:2] == (kind, person))
        expected = [self.model[key] for key in keys][:: -1 if newest_first else 1]
        for store in self.stores:
            assert list(store.query(kind, person, newest_first=newest_first)) == expected

    @rule(journey=st.sampled_from(JOURNEYS), limit=st.integers(1, 4))
    def listing(self, journey: str, limit: int) -> None:
        journey = f"{self.examples}-{journey}"
        runs = [run for run in self.model.values() if getattr(run, "journey", "") == journey]
        listed = [
            [run for page in pages(store, Run, journey, limit) for run in page]
            for store in self.stores
        ]
        assert listed[0] == listed[1]
        assert sorted(map(repr, listed[0])) == sorted(map(repr, runs))
        entered = [run.entered for run in listed[0]]
        assert entered == sorted(entered, reverse=True)


def test_both_stores_do_as_a_dictionary_would(both: tuple[Store, Store]) -> None:
    run_state_machine_as_test(
        lambda: StoresAndModel(both),
        settings=settings(max_examples=30, stateful_step_count=20),
    )


# How items are packed


def test_flags_of_the_kinds_agree_with_their_structs() -> None:
    for struct, kind in KINDS.items():
        assert kind.versioned == ("version" in struct.__struct_fields__)
        assert kind.expires or not hasattr(struct, "expires")
    heads = [(kind.table, kind.prefix) for kind in KINDS.values()]
    assert len(set(heads)) == len(heads)


def test_a_body_is_compressed_from_a_size_on() -> None:
    squeezed = pack(a_row("1", text="again and " * 100))
    assert squeezed.body[:1] == b"d"
    assert len(squeezed.body) < 400
    plain = pack(a_row("1", text="again and " * 100), squeeze_from=10_000)
    assert plain.body[:1] == b"m"
    assert unpack(TimelineRow, "ada", plain.body, None) == unpack(
        TimelineRow, "ada", squeezed.body, None
    )


def test_the_dictionary_never_changes_for_nothing_else_reads_what_was_written_with_it() -> None:
    assert hashlib.sha256(DICTIONARY).hexdigest()[:16] == "0a78ebedc6330469"


def test_the_size_of_an_item_counts_names_and_values() -> None:
    empty = Item("p", "s", None, b"", None, None, None)
    assert item_size(empty) == len("pkskbody") + 2
    full = Item("pü", "s", 120, b"abc", 1_800_000_001, "run", "a#b")
    names = len("pkskversionbodyexpireslistinglisted")
    assert item_size(full) == names + 3 + 1 + 2 + 3 + 6 + 3 + 3


# What only DynamoDB can answer


def test_errors_that_are_no_conflict_come_through(tmp_path: Path) -> None:
    with dynamo_store() as store:
        missing = DynamoStore("missing-", "eu-central-1")
        profile = Profile(person="ada")
        with pytest.raises(PutError):
            missing.put(profile)
        with pytest.raises(TransactWriteError):
            missing.put_together([profile, Permission(person="ada")])
        assert profile.version == 0
        store.put(profile)


# What only SQLite can do


def test_of_many_threads_that_create_exactly_one_succeeds(sqlite: SqliteStore) -> None:
    barrier, outcomes = Barrier(8), []

    def create(number: int) -> None:
        barrier.wait()
        try:
            sqlite.put(a_run("r1", minute=number))
            outcomes.append("created")
        except Conflict:
            outcomes.append("conflict")

    in_threads(8, create)
    assert sorted(outcomes) == ["conflict"] * 7 + ["created"]


def test_no_change_is_lost_between_threads(sqlite: SqliteStore) -> None:
    sqlite.put(Profile(person="ada"))

    def add(number: int) -> None:
        for turn in range(25):
            while True:
                profile = sqlite.get(Profile, "ada")
                assert profile is not None
                profile.pending[f"{number}/{turn}"] = turn
                try:
                    sqlite.put(profile)
                    break
                except Conflict:
                    continue

    in_threads(4, add)
    profile = sqlite.get(Profile, "ada")
    assert profile is not None
    assert len(profile.pending) == 100
    assert profile.version == 101


def in_threads(count: int, work: Any) -> None:
    threads = [Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_what_is_done_together_is_seen_by_others_only_at_its_end(sqlite: SqliteStore) -> None:
    seen = []

    def look(_: int) -> None:
        seen.append(sqlite.get(Profile, "ada"))

    with sqlite.together():
        profile = Profile(person="ada")
        sqlite.put(profile)
        sqlite.write([a_row("1")])
        assert sqlite.get(Profile, "ada") == profile
        in_threads(1, look)
    in_threads(1, look)
    assert seen == [None, profile]


def test_a_block_that_fails_leaves_nothing_behind(sqlite: SqliteStore) -> None:
    with pytest.raises(RuntimeError), sqlite.together():  # noqa: PT012
        sqlite.put(Profile(person="ada"))
        with sqlite.together():
            sqlite.write([a_row("1")])
        raise RuntimeError
    assert sqlite.get(Profile, "ada") is None
    assert list(sqlite.query(TimelineRow, "ada")) == []


def test_an_inner_block_that_fails_undoes_only_its_own_part(sqlite: SqliteStore) -> None:
    with sqlite.together():
        sqlite.put(Profile(person="ada"))
        with pytest.raises(RuntimeError), sqlite.together():  # noqa: PT012
            sqlite.put(Profile(person="bea"))
            raise RuntimeError
        with pytest.raises(Conflict):
            sqlite.put_together([Profile(person="cyd"), Profile(person="ada")])
        sqlite.put(Profile(person="dee"))
    found = [sqlite.get(Profile, person) is not None for person in ("ada", "bea", "cyd", "dee")]
    assert found == [True, False, False, True]


def test_the_file_is_all_there_is(tmp_path: Path) -> None:
    first = sqlite_store(tmp_path)
    first.put(Profile(person="ada", created=NOW))
    first.close()
    second = sqlite_store(tmp_path)
    assert second.get(Profile, "ada") == Profile(person="ada", created=NOW, version=1)
    assert first.get(Profile, "ada") is not None


# What DynamoDB says when it cannot just now

API_CALL = "botocore.client.BaseClient._make_api_call"
BUSY = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "InternalServerError",
]


@pytest.mark.parametrize("code", BUSY)
def test_what_dynamodb_cannot_do_just_now_is_unavailable_and_no_conflict(code: str) -> None:
    calls: list[Callable[[DynamoStore], object]] = [
        lambda store: store.get(Profile, "p"),
        lambda store: store.put(Profile(person="p")),
        lambda store: store.put_together([Profile(person="p"), Profile(person="q")]),
        lambda store: store.write([a_row("1", "p")]),
        lambda store: store.delete(Profile(person="p")),
        lambda store: list(store.query(TimelineRow, "p")),
        lambda store: store.listing(Profile),
    ]
    with dynamo_store() as store, patch("time.sleep"), patch(API_CALL) as answer:
        answer.side_effect = ClientError({"Error": {"Code": code, "Message": ""}}, "any")
        for call in calls:
            with pytest.raises(Unavailable, match=code):
                call(store)


def test_a_connection_that_is_lost_is_unavailable() -> None:
    with dynamo_store() as store, patch("time.sleep"), patch(API_CALL) as answer:
        answer.side_effect = ReadTimeoutError(endpoint_url="https://dynamodb")
        with pytest.raises(Unavailable):
            store.get(Profile, "p")


def test_what_will_never_work_is_not_called_unavailable() -> None:
    with dynamo_store() as store, patch(API_CALL) as answer:
        error = {"Error": {"Code": "AccessDeniedException", "Message": ""}}
        answer.side_effect = ClientError(error, "GetItem")
        with pytest.raises(Exception, match="Failed to get item"):
            store.get(Profile, "p")


# --- what is said without reading

LEFT = "2026-03-01T12:30:15.123456+00:00 email/tips"


def agreed(store: Store, person: str = "ada") -> Permission:
    made = Permission(person=person, consents={"email/tips": Consent(True, NOW, "web")})
    store.put(made)
    return made


def test_what_is_said_is_taken_in_by_whoever_reads_next(store: Store) -> None:
    agreed(store)
    assert store.say(Permission, "ada", LEFT) == ""
    found = store.get(Permission, "ada")
    assert found
    assert not found.consents["email/tips"].given
    assert [one.consents["email/tips"].given for one in store.query(Permission, "ada")] == [False]


def test_whoever_read_before_something_was_said_cannot_put_it(store: Store) -> None:
    agreed(store)
    before = store.get(Permission, "ada")
    store.say(Permission, "ada", LEFT)
    with pytest.raises(Conflict):
        store.put(before)
    with pytest.raises(Conflict):
        store.put_together([before])


@pytest.mark.parametrize("together", [False, True])
def test_what_was_said_stays_when_the_record_is_put(store: Store, together: bool) -> None:
    agreed(store)
    store.say(Permission, "ada", LEFT)
    store.say(Permission, "ada", LEFT.replace("tips", "offers"))
    found = store.get(Permission, "ada")
    assert found
    store.put_together([found]) if together else store.put(found)
    again = store.get(Permission, "ada")
    assert again
    assert {key: word.given for key, word in again.consents.items()} == {
        "email/tips": False,
        "email/offers": False,
    }


def test_what_was_taken_in_is_not_said_again_after_another_word(store: Store) -> None:
    agreed(store)
    store.say(Permission, "ada", LEFT)
    found = store.get(Permission, "ada")
    assert found
    found.consents["email/tips"] = Consent(True, NOW, "web")  # they agreed again
    store.put(found)
    again = store.get(Permission, "ada")
    assert again
    assert again.consents["email/tips"].given


def test_an_item_does_not_grow_with_every_word(dynamo: DynamoStore) -> None:
    empty(dynamo)
    agreed(dynamo)
    for number in range(MOST_WORDS):
        dynamo.say(Permission, "ada", f"{LEFT}{number}")
    with pytest.raises(TooManyWords):
        dynamo.say(Permission, "ada", LEFT)
    dynamo.put(dynamo.get(Permission, "ada"))
    assert dynamo.say(Permission, "ada", LEFT) == ""


def test_to_nobody_nothing_can_be_said(store: Store) -> None:
    assert store.say(Permission, "ada", LEFT) is None
    assert store.get(Permission, "ada") is None


def test_saying_tells_where_the_record_has_moved(store: Store) -> None:
    moved = agreed(store)
    moved.moved_to = "grace"
    store.put(moved)
    agreed(store, "grace")
    assert store.say(Permission, "ada", LEFT) == "grace"
    assert people.say(store, "ada", LEFT)
    found = store.get(Permission, "grace")
    assert found
    assert not found.consents["email/tips"].given
    assert not people.say(store, "nobody", LEFT)
