"""Bugs to plant into the product, each of which the oracle must find."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import msgspec

from functions.channels.channel import Permanent, Temporary
from functions.handlers import close_run, process_event
from functions.journeys import enter, leave, moving, react
from functions.journeys.run import Run, run_key
from functions.journeys.steps.awaiting import Awaiting
from functions.messages import claiming, deliver
from functions.storage import people, remember
from functions.storage.library import Library
from functions.storage.store import Contended
from functions.tracking import permission as permissions
from functions.tracking.fold import known
from tests.faults import planted_leaving

Plant = Callable[[], Any]


def _no_dedupe() -> Any:
    """An event that is known already counts again."""
    return patch.object(remember, "known", lambda profile, event: False)


def _no_look_back() -> Any:
    """A wait that has been registered does not look at what came before."""
    return patch.object(Awaiting, "first", lambda self, facts, since: None)


def _look_back_first() -> Any:
    """A wait looks back and only then registers."""
    real = Awaiting.first
    looked: dict[tuple[str, str], int | None] = {}

    def visit(self: Awaiting, visit: Any) -> Any:
        key = (visit.run.run_id, visit.payload["token"])
        since = visit.claimed_at("send receipt") or visit.run.entered
        looked[key] = real(self, visit.facts, since)
        with patch.object(Awaiting, "first", lambda *_: looked[key]):
            return visit_then(self, visit)

    visit_then = Awaiting.visit
    return patch.object(Awaiting, "visit", visit)


def _no_mark_before_stop() -> Any:
    """An exit stops the run without marking it first."""

    def only_stop(desk: Any, run: Any, outcome: str) -> None:
        leave.close(desk.store, run.person, run.journey, run.run_id, outcome, desk.now())
        desk.workflow.stop(run.journey, run.run_id, outcome)

    return patch.object(leave, "leave", only_stop)


def _claim_without_consent() -> Any:
    """The claim does not ask for permission again."""
    real = permissions.claim

    def claim(permission: Any, run_id: str, wanted: Any, address: str, why_not: str) -> None:
        real(permission, run_id, wanted, address, "")

    return patch.object(permissions, "claim", claim)


def _no_claim() -> Any:
    """Nobody remembers that a message was let go, until the ledger says so."""
    return patch.object(permissions, "claimed", lambda permission, send_id: None)


class _Again(BaseException):
    """The step is to be tried once more."""


class _Careless:
    """A channel that takes a lost answer for a failure of its own."""

    def __init__(self, inner: Any, give_back: Callable[[], None]) -> None:
        self._inner, self._give_back = inner, give_back

    def send(self, message: Any) -> str:
        try:
            return str(self._inner.send(message))
        except (Temporary, Permanent):
            raise
        except Exception as error:
            self._give_back()
            raise _Again from error  # past whoever would note it


def _resend_unknown() -> Any:
    """A message whose answer was lost is not noted, and so tried again."""
    real = deliver.hand_over

    def hand_over(wish: Any, row: Any, desk: Any, outgoing: Any) -> Any:
        def give_back() -> None:
            claiming.unclaim(wish, row, desk)

        channels = {name: _Careless(one, give_back) for name, one in desk.channels.items()}
        try:
            return real(wish, row, msgspec.structs.replace(desk, channels=channels), outgoing)
        except _Again:
            raise Contended("once more") from None

    return patch.object(deliver, "hand_over", hand_over)


def _draw_once() -> Any:
    """The consequences of an event are drawn by whoever stores it, and by nobody after a crash."""
    real = remember.remember

    def only_new(store: Any, person: str, events: Any, *more: Any) -> Any:
        before = remember.profile_of(store, person)
        profile, todo = real(store, person, events, *more)
        return profile, [event for event in todo if known(before, event) is not True]

    return patch.object(process_event, "remember", only_new)


def _drop_what_fails() -> Any:
    """What fails is neither sent on nor left to the queue."""
    return patch.multiple(
        process_event,
        _send_on=lambda parts, members, error: None,
        _put_off=lambda parts, members, error: None,
    )


def _acknowledge_first() -> Any:
    """Unsubscribing by a click is only queued when the person is told that it is done."""

    def say(store: Any, person: str, word: str) -> bool:
        return bool(people.permission_of(store, person).version)

    return patch.object(people, "say", say)


def _no_overtakers() -> Any:
    """Who enters does not look whether an exit has come before."""
    return patch.object(enter, "_leave_by_overtakers", lambda desk, profile, run: None)


def _enter_by_the_key_of_now() -> Any:
    """A run is looked for under the person's present key only."""
    return patch.object(enter, "_earlier", lambda desk, profile, run, own: None)


def _merge_without_runs() -> Any:
    """A merge forgets the runs under way of who was anonymous."""
    real = people.merge_permissions

    def merge(source: Any, target: Any) -> None:
        before = dict(target.live)
        real(source, target)
        target.live = before

    return patch.object(people, "merge_permissions", merge)


def _merge_without_ids() -> Any:
    """A merge forgets which events the anonymous person had."""
    real = people.merge_profiles

    def merge(source: Any, target: Any, *rows: Any) -> None:
        before, let_go, pending = dict(target.recent), target.let_go, dict(target.pending)
        real(source, target, *rows)
        target.recent, target.let_go, target.pending = before, let_go, pending

    return patch.object(people, "merge_profiles", merge)


def _twins_go_on() -> Any:
    """Who entered twice before a merge goes on in both runs."""
    return patch.object(people, "end_twins", lambda store, permission, profile: None)


def _newest_version() -> Any:
    """A run takes the newest version at each of its steps."""
    real = Library.version

    def version(self: Any, journey: str, wanted: str) -> Any:
        newest = self._newest.get(journey, wanted)
        return real(self, journey, newest)

    return patch.object(Library, "version", version)


def _never_settle() -> Any:
    """Nobody gives up a message of which nothing is known."""
    return patch("functions.handlers.settle_messages.presume_not_sent", lambda row, now: False)


def _deaf_to_receipts() -> Any:
    """Receipts do not reach the ledger."""
    return patch.object(react, "take_receipt", lambda row, event: False)


def _write_without_condition() -> Any:
    """An event's profile is read, changed and written without looking who was there meanwhile."""
    real = remember.profile_of

    class Careless:
        def __init__(self, store: Any) -> None:
            self._store = store

        def put(self, record: Any) -> None:
            there = real(self._store, record.person)
            record.version = there.version
            self._store.put(record)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

    real_remember = process_event.remember

    def careless(store: Any, person: str, events: Any, *more: Any) -> Any:
        return real_remember(Careless(store), person, events, *more)

    return patch.object(process_event, "remember", careless)


def _forget_marks() -> Any:
    """The end of an execution closes the record and leaves the mark."""
    return patch.object(leave, "forget", lambda desk, person, run_id, run: None)


def _old_ends_close() -> Any:
    """The end of an execution that a run has left closes the run."""
    real = close_run.execution_ended

    def ended(desk: Any, person: str, run_id: str, execution: str, *more: Any) -> None:
        run = desk.store.get(Run, person, run_key(run_id.rpartition("-")[0], run_id))
        real(desk, person, run_id, run.execution if run else execution, *more)

    return patch.object(close_run, "execution_ended", ended)


def _moved_without_pass() -> Any:
    """Who is moved inside a loop begins it anew."""
    return patch.object(moving, "pass_of", lambda position: None)


BUGS: dict[str, Plant] = {
    **planted_leaving.BUGS,
    "events are not deduplicated": _no_dedupe,
    "a wait does not look back": _no_look_back,
    "a wait looks back before it registers": _look_back_first,
    "an exit does not mark the run": _no_mark_before_stop,
    "a claim does not ask for consent": _claim_without_consent,
    "nobody remembers a claim": _no_claim,
    "an unknown message is sent again": _resend_unknown,
    "consequences are drawn once": _draw_once,
    "twins go on after a merge": _twins_go_on,
    "what fails is dropped": _drop_what_fails,
    "unsubscribing is acknowledged too early": _acknowledge_first,
    "an exit that overtakes its entry is missed": _no_overtakers,
    "runs of before a merge are not found": _enter_by_the_key_of_now,
    "a merge forgets runs": _merge_without_runs,
    "a merge forgets events": _merge_without_ids,
    "a run follows the newest version": _newest_version,
    "unknown messages are never settled": _never_settle,
    "receipts are not heard": _deaf_to_receipts,
    "a profile is written without a condition": _write_without_condition,
    "marks of ended runs stay": _forget_marks,
    "the end of an old execution closes the run": _old_ends_close,
    "a move forgets the pass of a loop": _moved_without_pass,
}
