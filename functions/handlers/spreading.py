"""Telling the members of an account that it has changed, a page at a time."""

import msgspec

from functions.handlers.again import Delay, send_again
from functions.handlers.discreet import Logger
from functions.handlers.wiring import Parts
from functions.storage import accounts
from functions.storage.store import Contended, Unavailable
from functions.tracking.account import Account, Spread, changed
from functions.tracking.event import EventBatch, bodies

logger = Logger(service="spreading")
PAGE = 100  # members of a message
PAUSE = 1  # seconds between two pages: what they set going should not come all at once
MOST_WAITS = 5  # for an account that is being written
SOON = 20  # seconds
_encode = msgspec.json.Encoder().encode
_spreads = msgspec.json.Decoder(Spread)


def is_spread(body: str) -> bool:
    """Whether a queue message asks to tell the members of an account."""
    return body.startswith('{"spread"')


def read(body: str) -> Spread:
    """Raises msgspec.DecodeError."""
    return _spreads.decode(body)


def order(parts: Parts) -> accounts.Order:
    """Puts an order to tell an account's members on the event queue."""
    return lambda asked, delay: parts.send_events([_encode(asked)], delay)


def spread(parts: Parts, asked: Spread, put_off: Delay) -> None:
    """Tell a page of members, and order the next one. Safe to repeat: what a member is told of
    an edition is the same event each time. Raises Busy."""
    try:
        _page(parts, asked)
    except (Contended, Unavailable) as error:
        delay = put_off(asked.put_off + 1, asked.spread)
        logger.warning("telling members is put off", extra={"reason": str(error)})
        send_again(parts, _later(asked), str(error), delay)


def _page(parts: Parts, asked: Spread) -> None:
    account = accounts.account_of(parts.store, asked.spread)
    is_written = account is not None and account.version >= asked.version
    if not is_written and asked.put_off < MOST_WAITS:
        return parts.send_events([_later(asked)], SOON)
    if not asked.after:
        account = accounts.begin(parts.store, asked.spread, parts.now())
    if account is None:
        return  # the call that ordered it failed, and comes again
    after = _tell(parts, account, asked.after)
    if after:
        following = Spread(spread=asked.spread, after=after, version=account.version)
        parts.send_events([_encode(following)], PAUSE)


def _tell(parts: Parts, account: Account, after: str) -> str:
    page, after = accounts.members(parts.store, account.account_id, PAGE, after)
    if page:
        parts.send_events(bodies(EventBatch([changed(account, member) for member in page])), 0)
    return after


def _later(asked: Spread) -> bytes:
    return _encode(msgspec.structs.replace(asked, put_off=asked.put_off + 1))
