"""Tells webhooks what they asked to hear of: at least once, in no order, for about a day."""

from typing import Any

import msgspec

from functions.channels.channel import Outgoing, Permanent, Temporary
from functions.handlers import wiring
from functions.handlers.discreet import Logger
from functions.messages import signature
from functions.messages.brand import Webhook
from functions.messages.subscription import Tell, told
from functions.storage import people
from functions.storage.store import Store, Unavailable
from functions.tracking.event import Event
from functions.tracking.identity import short_hash
from functions.tracking.own_event import PERSON_ERASED
from functions.tracking.profile import Profile, TimelineRow

logger = Logger(service="tell_webhooks")
FIRST_DELAY = 30  # seconds, twice as many each time
LONGEST_DELAY = 840  # so that waiting alone does not ring the alarm of a quarter of an hour
MOST_TRIES = 105  # about a day
MOST_REASON = 500  # letters
_tells = msgspec.json.Decoder(Tell)
_encode = msgspec.json.Encoder(decimal_format="number").encode


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """An SQS batch in; the messages to redeliver out (ReportBatchItemFailures).

    A webhook that is busy is left alone for the rest of the batch, so that one that does not
    answer costs one wait. After about a day, or a refusal, a message goes to the dead letters
    with its reason.
    """
    parts, busy, failed = wiring.parts(), dict[str, str](), list[str]()
    for record in event["Records"]:
        try:
            _take(parts, record["body"], busy)
        except Exception:
            logger.exception("a message could neither be told nor passed on")
            failed.append(record["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _take(parts: wiring.Parts, body: str, busy: dict[str, str]) -> None:
    try:
        tell = _tells.decode(body)
    except msgspec.DecodeError as error:
        return parts.bury(body.encode(), f"not to be told: {error}"[:MOST_REASON])
    try:
        if tell.tell in busy:
            raise Temporary(busy[tell.tell])
        _tell(parts, tell)
    except Permanent as error:
        _bury(parts, tell, f'the webhook "{tell.tell}" refused: {error}')
    except (Temporary, Unavailable) as error:
        if isinstance(error, Temporary):
            busy.setdefault(tell.tell, str(error))
        _again(parts, tell, str(error))


def _tell(parts: wiring.Parts, tell: Tell) -> None:
    """Post it. Raises Permanent, Temporary and Unavailable."""
    webhook = parts.library.subscriptions().get(tell.tell)
    if webhook is not None and not tell.key:
        erased = {"type": PERSON_ERASED, "timestamp": parts.now().isoformat()}
        body = {**erased, "data": {"person": tell.person}}
        parts.channels["webhook"].send(_message(parts, tell, webhook, body))
        return
    profile = people.find_profile(parts.store, tell.person)
    event = _event(parts.store, profile, tell) if profile else None
    if webhook is None or profile is None or event is None:
        # It asks for nothing any more, or the person was erased.
        logger.info("not told", webhook=tell.tell, key=tell.key)
        return
    parts.channels["webhook"].send(_message(parts, tell, webhook, told(profile, event)))


def _event(store: Store, profile: Profile, tell: Tell) -> Event | None:
    """The event, under whatever key the person was known then."""
    keys = dict.fromkeys((tell.person, *profile.keys))
    rows = (store.get(TimelineRow, key, tell.key) for key in keys)
    return next((row.event for row in rows if row), None)


def _message(parts: wiring.Parts, tell: Tell, webhook: Webhook, said: dict[str, Any]) -> Outgoing:
    body = _encode(said).decode()
    now, keys = parts.settings.in_reality(parts.now()), parts.settings.link_keys
    return Outgoing(
        send_id=tell.message_id,
        to=webhook.url,
        text=body,
        subject=tell.tell,
        headers=signature.headers(tell.message_id, now, body, tell.tell, keys),
        person=said["data"]["person"],
    )


def _again(parts: wiring.Parts, tell: Tell, reason: str) -> None:
    """Try again after a while, or bury it."""
    tried = msgspec.structs.replace(tell, attempt=tell.attempt + 1, reason=reason[:MOST_REASON])
    logger.warning("a webhook is busy", webhook=tell.tell, attempt=tried.attempt, reason=reason)
    if tried.attempt >= MOST_TRIES:
        return _bury(parts, tried, f'the webhook "{tell.tell}" was busy for a day: {reason}')
    parts.send_tells([_encode(tried)], delay(tried.attempt, tell.message_id))


def delay(attempt: int, name: str) -> int:
    """Seconds until the next try, twice as long each time, spread by a name."""
    spread = 0.5 + int(short_hash(name)[:4], 16) / 0x10000
    return min(LONGEST_DELAY, round(FIRST_DELAY * 2.0 ** min(attempt - 1, 10) * spread))


def _bury(parts: wiring.Parts, tell: Tell, reason: str) -> None:
    logger.error("not told", webhook=tell.tell, reason=reason)
    parts.bury(_encode(msgspec.structs.replace(tell, reason=reason[:MOST_REASON])), reason)
