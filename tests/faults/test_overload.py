"""Overload: throughput may fall, nothing is lost, and what is set aside says why."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from functions.handlers import process_event, wiring
from functions.messages import holding
from functions.storage import remember
from functions.tracking import consent, fold
from functions.tracking.identity import short_hash
from tests.faults.overload.__main__ import table
from tests.faults.overload.bounces import bounce_storm
from tests.faults.overload.duplicates import Twins, duplicates
from tests.faults.overload.flood import flood
from tests.faults.overload.hot import hot_person
from tests.faults.overload.load import MOST_RETRIES, Found, Load, one_journey
from tests.faults.overload.provider import refusing_provider
from tests.faults.overload.records import bad_records, body_of, event_of
from tests.faults.overload.throttle import throttled_store
from tests.faults.planted import BUGS
from tests.faults.trial import quiet

# Ten thousand events are a database of 15 MB, which SQLite may keep all in memory; a round of the
# worker has a thousand of them in hand, some 3 MB. To keep them all in hand is 17 MB more.
GROWTH = 22


def growth_of(found: Found) -> float:
    return float(found.notes["growth"].removesuffix(" MB"))


def test_bad_records_stop_nobody_else_and_the_dead_letters_say_what_is_wrong() -> None:
    found = bad_records()
    assert found.problems == []


def test_a_store_that_throttles_for_ten_minutes_loses_nothing_and_is_not_hammered() -> None:
    found = throttled_store(runs=0)
    assert found.problems == []
    assert found.ratio < MOST_RETRIES


def test_a_store_that_refuses_every_second_call_loses_no_event_and_is_not_hammered() -> None:
    found = throttled_store(part=0.5, runs=0)
    assert found.problems == []
    assert found.ratio < MOST_RETRIES


def test_a_store_that_refuses_one_call_in_ten_loses_no_message() -> None:
    assert throttled_store(60, 0.1, runs=40).problems == []


def test_after_an_hour_of_454_every_mail_goes_once_and_the_provider_was_hardly_asked() -> None:
    found = refusing_provider(100)
    assert found.problems == []
    assert found.ratio < MOST_RETRIES


def test_a_storm_of_bounces_is_known_once_each_and_nobody_gets_another_mail() -> None:
    assert bounce_storm(100).problems == []


def test_one_hot_person_is_counted_right_by_five_lambdas_and_starves_nobody() -> None:
    found = hot_person()
    assert found.problems == []
    assert found.ratio < MOST_RETRIES
    assert found.notes["conflicts"] <= 4 * found.notes["writes"], "each write fails four at most"


def test_a_flood_on_one_machine_is_folded_once_in_bounded_memory() -> None:
    found = flood()
    assert found.problems == []
    assert not found.dead
    assert growth_of(found) < GROWTH


def test_duplicates_over_thirty_days_change_no_byte() -> None:
    assert duplicates().problems == []


# --- each of these was not so before overload showed it


def test_runs_that_are_due_while_the_store_throttles_go_on_afterwards() -> None:
    assert throttled_store(60, runs=60).problems == []


def test_mails_that_all_ask_at_once_do_not_all_come_back_at_once() -> None:
    assert refusing_provider(100, at_once=True).problems == []


def test_a_record_that_cannot_be_buried_stays_with_the_queue_and_stops_nobody() -> None:
    def refuse(body: bytes, reason: str) -> None:
        raise wiring.Busy

    with quiet():
        load = Load()
        wiring.use(replace(load.simulation.parts, bury=refuse))
        bodies = {"1": body_of(event_of("m1", "u1", "Page Seen")), "2": "not JSON"}
        records = [{"messageId": name, "body": body} for name, body in bodies.items()]
        answer = process_event.handler({"Records": records}, None)
        assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
        assert load.person("u1").events["Page Seen"].count == 1


def test_nobody_else_s_orders_are_refused_because_somebody_fills_a_profile() -> None:
    random = Random(1)
    with one_journey():
        twins = Twins()
        for size in (22_000, 5_000, 1_000, 200, 50, 10):
            for number in range(20):
                words = base64.b64encode(random.randbytes(size)).decode()
                call = {"type": "identify", "traits": {f"t{size}-{number}": words}}
                twins.send_one(call, size * 100 + number)
                if twins.dead:
                    break
            twins.dead.clear()
        order = {"order_id": "o1", "revenue": 5, "currency": "EUR"}
        twins.send_one({"type": "track", "event": "Order Completed", "properties": order}, 1)
        assert "o1" in twins.person("u0").orders


def test_old_duplicates_of_a_hot_person_do_not_read_the_whole_timeline() -> None:
    read: list[Any] = []
    with one_journey():
        twins = Twins()
        twins.send_many("u0", 2000)
        real = twins.store.query

        def query(*asked: Any, **more: Any) -> Iterator[Any]:
            for row in real(*asked, **more):
                read.append(row)
                yield row

        with patch.object(twins.store, "query", query):
            twins.send_many("u0", 2000, every=200)
    assert len(read) < 200


# --- the scenarios find bugs: each of these is planted


def _count_as_tries() -> Any:
    """Being too busy counts as a failure of the event."""
    return patch.object(process_event, "_put_off", process_event._send_on)


def _hammer() -> Any:
    """What is put off comes again after a second, each time."""
    return patch.object(process_event, "_delay", lambda first, times, event: 1)


def _bury_the_person() -> Any:
    """All events of a person in a batch are set aside with the one that fails."""

    def bury(parts: Any, members: Any, error: Exception) -> None:
        for event, _ in members:
            parts.bury(body_of(event).encode(), f"{type(error).__name__}: {error}")

    return patch.object(process_event, "_send_on", bury)


def _no_pause() -> Any:
    """Nobody minds the provider's pause."""
    return patch.object(holding, "turn", lambda *asked: None)


def _deaf_to(name: str) -> Callable[[], Any]:
    """A provider's word does not suppress."""
    return lambda: patch.dict(consent._READERS, {name: lambda permission, event: False})


def _forget_what_was_let_go() -> Any:
    """Only the ids that the profile remembers are known."""
    return patch.object(
        remember, "known", lambda profile, event: short_hash(event.message_id) in profile.recent
    )


def _by_corrected_time() -> Any:
    """The timeline's key has the corrected time, which differs from try to try."""

    def key(event: Any) -> str:
        return f"{event.time.isoformat()}#{short_hash(event.message_id)}"

    stack = ExitStack()
    for module in (remember, fold):
        stack.enter_context(patch.object(module, "timeline_key", key))
    return stack


PLANTED: dict[str, tuple[Callable[[], Any], Callable[[], Found]]] = {
    "the whole person is set aside": (_bury_the_person, bad_records),
    "too busy counts as a try": (_count_as_tries, lambda: throttled_store(60, runs=0)),
    "a busy store is hammered": (_hammer, lambda: throttled_store(60, 0.5, runs=0)),
    "the provider's pause is ignored": (_no_pause, lambda: refusing_provider(20)),
    "hard bounces do not suppress": (_deaf_to("Email Bounced"), lambda: bounce_storm(20)),
    "complaints do not suppress": (
        _deaf_to("Email Marked as Spam"),
        lambda: bounce_storm(20),
    ),
    "receipts count twice": (BUGS["events are not deduplicated"], lambda: bounce_storm(20)),
    "a profile is written without a condition": (
        BUGS["a profile is written without a condition"],
        hot_person,
    ),
    "what was let go is forgotten": (_forget_what_was_let_go, lambda: duplicates(2000, 10)),
    "the corrected time is the key": (_by_corrected_time, lambda: duplicates(2000, 10)),
    "a flood is not deduplicated": (
        lambda: patch.object(remember, "known", remember.known),
        lambda: flood(2000, "no dedupe"),
    ),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found_by_its_scenario(bug: str) -> None:
    plant, scenario = PLANTED[bug]
    with plant():
        assert scenario().problems != []


def test_a_worker_that_keeps_what_it_has_read_breaks_the_bound_of_memory() -> None:
    found = flood(bug="hoard")
    assert growth_of(found) > GROWTH


def test_the_table_has_a_row_for_each_scenario() -> None:
    assert table([Found("one", 10, 3, 2), Found("another")]).row_count == 2
