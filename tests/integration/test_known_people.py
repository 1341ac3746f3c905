"""Two known people stay two, whatever they share and in whatever order that is heard."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.storage.people import People
from functions.storage.remember import remember
from functions.tracking.event import Event
from tests.support.stores import sqlite_store

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
SECRET = b"secret"
_who = st.tuples(
    st.sampled_from(["identify", "track", "alias"]),
    st.sampled_from(["", "ada", "bob"]),
    st.sampled_from(["", "tablet", "kiosk"]),
    st.sampled_from(["", "we@example.com", "ada@example.com"]),
    st.sampled_from(["", "0151 1234567"]),
)


def an_event(number: int, way: tuple[str, str, str, str, str]) -> Event:
    kind, user, device, email, phone = way
    time = NOON + timedelta(minutes=number)
    return Event(
        type=kind,  # type: ignore[arg-type]
        event="Visited" if kind == "track" else "",
        message_id=f"m{number}",
        time=time,
        received_at=time,
        client_time=time.isoformat(),
        user_id=user,
        anonymous_id=device or ("" if user else "kiosk"),
        previous_id=("bob" if user == "ada" else "ada") if kind == "alias" else "",
        traits={n: v for n, v in (("email", email), ("phone", phone)) if v},
    )


@settings(max_examples=80)
@given(st.lists(_who, max_size=9))
def test_only_a_trusted_source_that_asks_makes_two_known_people_one(
    ways: list[tuple[str, str, str, str, str]],
) -> None:
    events = [an_event(number, way) for number, way in enumerate(ways)]
    with tempfile.TemporaryDirectory() as folder:
        store = sqlite_store(Path(folder))
        for event in events:
            remember(store, People(store, SECRET).person(event), [event])
        finder = People(store, SECRET)
        found = {name: finder.by("user_id", name) for name in ("ada", "bob")}
        for name, profile in found.items():
            own = [event for event in events if event.user_id == name]
            assert bool(profile) == bool(own)
            if profile:
                assert profile.user_id == name
                assert sum(seen.count for seen in profile.events.values()) >= len(own)
        ada, bob = found["ada"], found["bob"]
        if ada and bob:
            assert {*ada.keys}.isdisjoint(bob.keys)
            both = [*ada.events.values(), *bob.events.values()]
            assert sum(seen.count for seen in both) <= len(events), "an event counts once"
