"""Undoing a merge, as an admin has asked for it on the event queue."""

import msgspec

from functions.handlers.again import Delay, send_again
from functions.handlers.discreet import Logger
from functions.handlers.wiring import Parts
from functions.messages.address import addresses
from functions.storage.store import Contended, Unavailable
from functions.storage.unmerge import NotUndone, undo_merge
from functions.tracking.merge_record import Merge

logger = Logger(service="undoing")
MOST_REASON = 500  # letters


class Undo(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The body of a queue message: this merge of this person (who became part of another) is to
    be undone. `attempt`, `reason` and `put_off` are as in an EventBatch."""

    undo: str
    person: str
    attempt: int = 0
    reason: str = ""
    put_off: int = 0


_encode = msgspec.json.Encoder().encode
_undos = msgspec.json.Decoder(Undo)


def is_undo(body: str) -> bool:
    """Whether a queue message asks for a merge to be undone."""
    return body.startswith('{"undo"')


def read(body: str) -> Undo:
    """Raises msgspec.DecodeError."""
    return _undos.decode(body)


def ask(parts: Parts, merge: Merge) -> None:
    """Have it undone soon. Asking twice does no harm. Raises Busy."""
    parts.send_events([_encode(Undo(undo=merge.merge_id, person=merge.person))], 0)


def undo(parts: Parts, asked: Undo, again: Delay, later: Delay) -> None:
    """Undo it, or put it off while the person is busy; what is in its way for good is noted in
    the log, for the merge itself says it to whoever looks at it. Raises Busy."""
    merge = parts.store.get(Merge, asked.person, asked.undo)
    if merge is None:
        return  # the person was erased
    try:
        undo_merge(parts.store, parts.settings.identity_key, merge, addresses, parts.now())
    except NotUndone as error:
        if error.why == "busy":
            return _later(parts, asked, error, later)
        logger.warning("a merge is not undone", extra={"merge": asked.undo, "reason": error.why})
    except (Contended, Unavailable) as error:
        _later(parts, asked, error, later)
    except Exception as error:
        attempt = asked.attempt + 1
        _send(parts, asked, error, again(attempt, asked.undo), attempt, asked.put_off)


def _later(parts: Parts, asked: Undo, error: Exception, later: Delay) -> None:
    times = asked.put_off + 1
    _send(parts, asked, error, later(times, asked.undo), asked.attempt, times)


def _send(
    parts: Parts, asked: Undo, error: Exception, delay: int | None, attempt: int, put_off: int
) -> None:
    reason = f"{type(error).__name__}: {error}"[:MOST_REASON]
    logger.warning("a merge is undone later", extra={"merge": asked.undo, "reason": reason})
    body = _encode(msgspec.structs.replace(asked, attempt=attempt, put_off=put_off, reason=reason))
    send_again(parts, body, reason, delay)
