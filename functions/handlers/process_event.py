"""From the event queue to profiles and journeys: each event counts once."""

import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from functions.channels import email, end_user_messaging, received_text
from functions.handlers import (
    breaking,
    coding,
    erasing,
    looking,
    proving,
    referring,
    spreading,
    suppressing,
    texting,
    undoing,
    wiring,
)
from functions.handlers.desk import journey_desk
from functions.handlers.discreet import Logger, hidden
from functions.handlers.keeping import Keeper
from functions.journeys.desk import Desk
from functions.journeys.look import is_looked_at, look
from functions.journeys.react import react, settle_receipts
from functions.messages.address import addresses
from functions.messages.subscription import is_tell, tells
from functions.storage import accounts, people
from functions.storage.erasing import forbids
from functions.storage.remember import remember
from functions.storage.store import Contended, Store, Unavailable, change
from functions.tracking.consent import WORDS, BadConsent, hear
from functions.tracking.event import Event, EventBatch, bodies
from functions.tracking.identity import short_hash
from functions.tracking.message import RECEIPTS
from functions.tracking.permission import UNSUBSCRIBE_LINK, Permission
from functions.tracking.profile import Profile

logger = Logger(service="process_event")
MOST_ATTEMPTS = 5
MOST_REASON = 500  # letters
FIRST_DELAY = 10  # seconds, twice as many each time
FIRST_PUT_OFF = 20
LONGEST_DELAY = 900  # SQS can keep a message back for 15 minutes
MOST_PUT_OFF = 100  # about a day
_batches = msgspec.json.Decoder(EventBatch)
_encode = msgspec.json.Encoder().encode


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """An SQS batch in; the messages to redeliver out (ReportBatchItemFailures).

    A person's events that fail are sent on, each as a message of its own with attempt and
    reason, and to the dead-letter queue after the fifth attempt; the rest of the batch is done.
    When the store is too busy, what is left is put off, up to a day. Only when not even that
    works is the message left to SQS.
    """
    parts = wiring.parts()
    failed = []
    batches: list[EventBatch] = []
    for record in event["Records"]:
        order = next((one for one in _ORDERS if one.is_one(record["body"])), None)
        try:
            if order:
                _carry_out(parts, order, record["body"])
            else:
                batches += _read_or_bury(parts, record["body"])
        except Exception:
            logger.exception("a message could neither be done nor passed on nor set aside")
            failed.append(record["messageId"])
    try:
        process(parts, batches)
    except Exception:
        logger.exception("the batch could not be processed or passed on")
        failed = [record["messageId"] for record in event["Records"]]
    breaking.count(parts, batches)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


class _Order(NamedTuple):
    """What we ask of ourselves by the queue of the events."""

    name: str
    is_one: Callable[[str], bool]
    carry_out: Callable[[wiring.Parts, str], None]


def _carry_out(parts: wiring.Parts, order: _Order, body: str) -> None:
    try:
        order.carry_out(parts, body)
    except msgspec.DecodeError as error:
        parts.bury(body.encode(), f"{order.name} that cannot be read: {error}"[:MOST_REASON])


def _again(attempt: int, name: str) -> int | None:
    return _delay(FIRST_DELAY, attempt, name) if attempt < MOST_ATTEMPTS else None


def _later(put_off: int, name: str) -> int | None:
    return _delay(FIRST_PUT_OFF, put_off, name) if put_off < MOST_PUT_OFF else None


_ORDERS = (
    _Order(
        "news for a webhook",  # sent back from the dead letters, which all share
        is_tell,
        lambda parts, body: parts.send_tells([body.encode()], 0),
    ),
    _Order(
        "a look at people",
        looking.is_look,
        lambda parts, body: looking.look_at(parts, looking.read(body), _again, _later),
    ),
    _Order(
        "news for an account's members",
        spreading.is_spread,
        lambda parts, body: spreading.spread(parts, spreading.read(body), _later),
    ),
    _Order(
        "news of a referral",
        referring.is_wins,
        lambda parts, body: referring.tell(parts, referring.read(body), _later),
    ),
    _Order(
        "codes with which somebody ordered",
        coding.is_redeem,
        lambda parts, body: coding.redeem(parts, coding.read(body), _later),
    ),
    _Order(
        "an erasure",
        erasing.is_erase,
        lambda parts, body: erasing.carry_out(parts, erasing.read(body), _again, _later),
    ),
    _Order(
        "an undoing of a merge",
        undoing.is_undo,
        lambda parts, body: undoing.undo(parts, undoing.read(body), _again, _later),
    ),
)


def _read_or_bury(parts: wiring.Parts, body: str) -> list[EventBatch]:
    try:
        text = received_text.read(body)
        found = EventBatch(texting.events(parts, text)) if text else None
        return [found or read(body, parts.settings.on_stage, parts.settings.receipt_topic)]
    except (msgspec.DecodeError, received_text.NotAText) as error:
        parts.bury(body.encode(), f"not an event batch: {error}"[:MOST_REASON])
        return []


def _same(time: datetime) -> datetime:
    return time


def read(
    body: str, on_stage: Callable[[datetime], datetime] = _same, topic: str = ""
) -> EventBatch:
    """A queue message: events of ours, or a provider's receipt by way of SNS.

    `on_stage` gives the stage's time for a provider's, which is real. `topic` is the ARN of the one
    topic from which receipts are taken; on one machine there is none.

    Raises msgspec.DecodeError when it is neither.
    """
    try:
        if body.startswith('{"events"'):
            return _batches.decode(body)
        if topic:
            _check_origin(body, topic)
        said = _receipt(body)
        return EventBatch([_event(said, on_stage)] if said else [])
    except _UNREADABLE as error:
        raise msgspec.DecodeError(f"neither events nor a receipt: {error}") from None


def _check_origin(body: str, topic: str) -> None:
    """Raises ValueError unless it is a notification of this topic. That SNS delivered it, the
    queue's policy makes sure of (decision 44); an address in it is never called."""
    said = json.loads(body)
    if not isinstance(said, dict) or said.get("Type") != "Notification":
        raise ValueError("no notification of SNS")
    if said.get("TopicArn") != topic:
        raise ValueError("a notification of a topic that is not ours")


# Each says None of what is no news, and raises when it cannot be its provider's.
_RECEIPT_READERS = (email.receipt, end_user_messaging.receipt)
_UNREADABLE = (ValueError, KeyError, AttributeError, TypeError, RecursionError)


def _receipt(body: str) -> dict[str, Any] | None:
    """What the first provider says who knows this notification. Raises ValueError."""
    reasons = []
    for reader in _RECEIPT_READERS:
        try:
            return reader(body)
        except _UNREADABLE as error:
            reasons.append(str(error))
    raise ValueError("; ".join(reasons))


def _event(said: dict[str, Any], on_stage: Callable[[datetime], datetime]) -> Event:
    """A receipt as an ordinary event, which journeys react to like to any other."""
    time = on_stage(datetime.fromisoformat(said["time"]))
    return Event(
        type="track",
        event=said["event"],
        message_id=said["message_id"],
        time=time,
        received_at=time,
        client_time=said["time"],
        properties=said["properties"],
        source=RECEIPTS,
        trusted=True,
        person=said["person"],
    )


Asked = list[tuple[Event, EventBatch]]  # events with the messages they came in


def process(parts: wiring.Parts, batches: Iterable[EventBatch]) -> None:
    """Group the events by person and do one person after the other.

    What failed before is tried by itself, so that it fails for nobody else. When somebody is
    too busy for us, all that is left comes again later, instead of hammering.
    """
    asked = [(event, batch) for batch in batches for event in batch.events]
    try:
        groups = deque(_by_person(parts, asked))
    except Unavailable as error:
        return _put_off(parts, asked, error)
    # Whom these events are about is kept at the end of it.
    desk = replace(journey_desk(parts), runs_changed=lambda person: None)
    while groups:
        person, members = groups[0]
        try:
            process_person(parts, desk, person, [event for event, _ in members])
        except Contended as error:
            _put_off(parts, members, error)
        except Unavailable as error:
            return _put_off(parts, [one for _, left in groups for one in left], error)
        except Exception as error:
            _send_on(parts, members, error)
        groups.popleft()


def _by_person(parts: wiring.Parts, asked: Asked) -> list[tuple[str, Asked]]:
    finder = people.People(parts.store, parts.settings.identity_key)
    groups: dict[tuple[str, str], Asked] = {}
    late: Asked = []
    why: Contended | None = None
    for event, batch in asked:
        try:
            person = finder.person(event)
        except Unavailable:
            raise
        except Contended as error:
            late.append((event, batch))
            why = error
            continue
        except Exception as error:
            _send_on(parts, [(event, batch)], error)
            continue
        if not person:
            parts.scrub(False)
            continue  # erased since
        group = (person, event.message_id if batch.attempt else "")
        groups.setdefault(group, []).append((event, batch))
    if why:  # all together: what a crash has come again is the less
        _put_off(parts, late, why)
    return [(person, members) for (person, _), members in groups.items()]


def _send_on(parts: wiring.Parts, members: Asked, error: Exception) -> None:
    """Try each of these events again by itself after a while, or bury it with the reason."""
    reason = _reason(error)
    for event, batch in _once(members):
        attempt = batch.attempt + 1
        logger.warning("an event failed", extra={"attempt": attempt, "reason": reason})
        messages = bodies(EventBatch([event], attempt, reason))
        if attempt < MOST_ATTEMPTS:
            parts.send_events(messages, _delay(FIRST_DELAY, attempt, event.message_id))
        else:
            _bury(parts, messages, reason)


def _put_off(parts: wiring.Parts, members: Asked, error: Exception) -> None:
    """Nothing is wrong with these events: they come again, together, when there is more room."""
    reason = _reason(error)
    alike: dict[tuple[int, int], list[Event]] = {}
    for event, batch in _once(members):
        alike.setdefault((batch.attempt, batch.put_off + 1), []).append(event)
    for (attempt, put_off), events in alike.items():
        logger.warning("events are put off", extra={"events": len(events), "reason": reason})
        messages = bodies(EventBatch(events, attempt, reason, put_off))
        # Who is being erased is so for long: the sooner it came again, the oftener in vain.
        first = LONGEST_DELAY if isinstance(error, people.BeingErased) else FIRST_PUT_OFF
        if put_off < MOST_PUT_OFF:
            parts.send_events(messages, _delay(first, put_off, events[0].message_id))
        else:
            _bury(parts, messages, reason)


def _once(members: Asked) -> Asked:
    """Each event as it was accepted once, with the message that has come furthest. What a crash
    left twice in the queue must not become more and more."""
    far = sorted(members, key=lambda member: (member[1].attempt, member[1].put_off))
    return list({(event.message_id, event.received_at): (event, b) for event, b in far}.values())


def _bury(parts: wiring.Parts, messages: list[bytes], reason: str) -> None:
    for body in messages:
        parts.bury(body, reason)


def _reason(error: Exception) -> str:
    return hidden(f"{type(error).__name__}: {error}")[:MOST_REASON]


def _delay(first: int, times: int, name: str) -> int:
    """Seconds, twice as long each time, spread by a name so that not all come at once."""
    spread = 0.5 + int(short_hash(name)[:4], 16) / 0x10000
    return min(LONGEST_DELAY, round(first * 2.0 ** min(times - 1, 10) * spread))


def process_person(parts: wiring.Parts, desk: Desk, person: str, events: list[Event]) -> None:
    """Hop 2 and 3 of the design: profile, timeline, permission, journeys, outbox; in this order;
    and then the accounts, whose code brought the person, and the webhooks that asked to hear."""
    keeper = Keeper(parts)
    finder = people.People(parts.store, parts.settings.identity_key)
    # First, because the ledger knows whether a person or a robot opened or clicked.
    judged = settle_receipts(desk, events)
    profile, todo = remember(parts.store, person, judged, keeper.take, finder.leads_to)
    if profile.erased:
        suppressing.note_of_past(parts, profile.person, judged)
        if not todo:
            parts.scrub(False)
    if not todo:
        return
    permission, refused = _permit(parts, profile, todo)
    suppressing.note(parts, profile, permission, todo)
    for event, error in refused.values():
        _bury(parts, bodies(EventBatch([event], reason=str(error))), str(error))
    heard = [one for one in todo if one.message_id not in refused] if refused else todo
    proving.note(parts, profile, permission, heard)
    react(desk, profile, permission, todo)
    if is_looked_at(desk):
        look(desk, profile, desk.permission(profile.person), todo)
    keeper.finish(desk, profile, permission, todo)
    _note_accounts(parts, profile, todo)
    referring.ask(parts, profile, todo)
    _tell(parts, profile, todo)
    coding.note(parts, profile, todo)


def _tell(parts: wiring.Parts, profile: Profile, events: list[Event]) -> None:
    """Have the webhooks told that asked to hear of these events. Raises Busy."""
    webhooks = parts.library.subscriptions()
    told = [_encode(one) for one in tells(webhooks, profile.person, events)] if webhooks else []
    if told:
        parts.send_tells(told, 0)


def _note_accounts(parts: wiring.Parts, profile: Profile, events: list[Event]) -> None:
    """Bring the accounts that group calls name up to date; last, so that one on which many work
    at a time keeps nobody's journeys waiting."""
    calls = [event for event in events if event.type == "group"]
    if not calls:
        return
    told = accounts.note(parts.store, profile, calls, parts.now(), spreading.order(parts))
    if told:
        parts.send_events(bodies(EventBatch(told)), 0)


def _permit(
    parts: wiring.Parts, profile: Profile, events: list[Event]
) -> tuple[Permission, dict[str, tuple[Event, BadConsent]]]:
    """Bring the permission item up to date: consent, suppression, addresses in force.

    Returns it, and by its id each event whose words on consent cannot be used.
    """
    store, library = parts.store, parts.library
    suppressions = suppressing.suppressions(parts)
    speaking = [event for event in events if event.event in WORDS]
    refused: dict[str, tuple[Event, BadConsent]] = {}
    # What was said at the light door is in force; a put takes the words themselves away.
    tidy = any(event.source == UNSUBSCRIBE_LINK for event in speaking)

    def update(permission: Permission) -> bool:
        changed = permission.erased and not forbids(store, profile, permission)
        permission.erased &= not changed
        # Before the receipts, which tell to which address a message went.
        changed |= suppressions.follow(permission, _in_force(store, profile, permission))
        for event in speaking:
            try:
                changed |= hear(permission, event, library.purposes(), library.patience())
            except BadConsent as error:
                refused[event.message_id] = event, error
        return changed or tidy

    permission = change(store, lambda: people.permission_of(store, profile.person), update)
    return permission, refused


def _in_force(store: Store, profile: Profile, permission: Permission) -> dict[str, str]:
    """The addresses in force. Somebody may have changed the profile since it was read; read
    again after the permission item, it is not older than what that item says."""
    found = addresses(profile)
    if found == permission.addresses:
        return found
    return addresses(people.profile_of(store, profile.person))
