"""What holds a message back for now, and until when."""

from datetime import datetime, timedelta

from functions.messages.hours import Times
from functions.messages.wish import Desk, Hold, Wish
from functions.tracking.breaker import DOMAIN_WAITS, STOPPED, is_domain, stopped_by
from functions.tracking.message import Message
from functions.tracking.pause import Pause, pause_key, turn
from functions.tracking.permission import Refused

PAUSED_FOR = timedelta(hours=1)  # then it is asked again whether the journey is still paused
TOO_LATE = "it would have gone too late (skip after)"
NO_TIME = "quiet hours, holidays and sending hours leave no time for it"
JOURNEY_PAUSED = "the journey is paused"
TOO_MANY = "the provider asked us to wait"
NOT_NOW = "outside of the hours in which it may go"
BEST_TIME = "the person is there more often at another hour (best time)"
SPREAD_OVER = timedelta(minutes=10)  # what comes out of the night together


def reason_to_hold(
    wish: Wish, row: Message, desk: Desk, address: str, now: datetime
) -> Hold | None:
    """What holds the message back for now. One reason after the other: when the first is over, the
    step is tried again and meets the next."""
    if wish.paused:
        return Hold(now + PAUSED_FOR, JOURNEY_PAUSED, is_noted=True)
    if row.by_time and now < row.by_time.at:
        return Hold(row.by_time.at, BEST_TIME, is_noted=True)
    return not_at_this_time(wish, row, desk, now) or _channel_pauses(row, desk, address, now)


def not_at_this_time(wish: Wish, row: Message, desk: Desk, now: datetime) -> Hold | None:
    """Until the next hour in which it may go; those who wait for the same hour are spread over its
    first minutes. Raises Refused when there is none."""
    times = times_of(wish, row, desk)
    opens = times.next_allowed(now, wish.zone)
    if opens is None:
        raise Refused(NO_TIME)
    if opens == now:
        return None
    # Half of a short opening: whoever comes a little late finds it open still.
    length = times.open_for(opens, 2 * SPREAD_OVER, wish.zone) / 2
    until = opens + timedelta(seconds=int(spread(row) * length.total_seconds()))
    # The next try knows it all again, but for what was settled when the run came here first.
    is_settled = wish.latest or wish.choice or row.by_time
    return Hold(until, NOT_NOW, is_noted=bool(is_settled))


def times_of(wish: Wish, row: Message, desk: Desk) -> Times:
    """When it may go by the hours of the brand and of the journey."""
    return desk.limits.times(desk.brand, row.purpose, wish.send_only, wish.country)


def _channel_pauses(row: Message, desk: Desk, address: str, now: datetime) -> Hold | None:
    """It waits with all others of its channel, of its campaign, or to the same domain."""
    pause = desk.store.get(Pause, pause_key(row.channel))
    if pause is None:
        return None
    until = turn(pause, now, spread(row))
    if until:
        return Hold(until, TOO_MANY, is_noted=True)
    if not pause.stops or not desk.brand.must_be_allowed(row.purpose):
        return None
    found = stopped_by(pause, row.journey, row.message, address, now)
    if found is None:
        return None
    name, stop = found
    # A campaign goes on when a person says so: it is asked again and again.
    until = (stop.until or now + PAUSED_FOR) + spread(row) * SPREAD_OVER
    return Hold(until, f"{DOMAIN_WAITS if is_domain(name) else STOPPED}: {name}", is_noted=True)


def is_too_late(row: Message, moment: datetime) -> bool:
    """Whether the moment is behind the one that `skip after` leaves it, counted from when the run
    first came to the step."""
    return row.latest is not None and moment > row.latest


def spread(row: Message) -> float:
    """A part from 0 to 1, the same for a message whenever it is asked."""
    return int(row.send_id[:4], 16) / 0x10000
