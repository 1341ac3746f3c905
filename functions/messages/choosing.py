"""What is chosen by how people answer: the channel, and the hour."""

from msgspec.structs import replace

from functions.messages.address import address_of, is_in
from functions.messages.allowed import why_not
from functions.messages.best_channel import Market, best_channel
from functions.messages.best_time import best_time
from functions.messages.holding import times_of
from functions.messages.wish import Desk, Wish
from functions.segments.census_records import Responding
from functions.tracking.identity import short_hash
from functions.tracking.message import Message
from functions.tracking.permission import Claim, Permission
from functions.tracking.profile import Profile
from functions.tracking.response import engaged, responses

OWN_CHANNEL = "preferred_channel"  # the trait by which a person says how they want to be written to
NOBODYS = Responding(people=0)


def by_one_channel(
    wish: Wish,
    row: Message | None,
    made: Claim | None,
    profile: Profile,
    permission: Permission,
    desk: Desk,
) -> Wish:
    """The wish with the one channel that it goes by: what was settled before, else the best of
    those that the person may get it by now; if there is none, the first will say why."""
    if len(wish.channels) == 1:
        return wish
    settled = row or made
    if settled:
        return replace(wish, channels=(settled.channel,))

    def is_open(channel: str) -> bool:
        reason = why_not(permission, channel, wish.purpose, desk.brand, desk.now())
        address = address_of(profile, channel)
        if reason or not address:
            return False
        return channel != "sms" or is_in(address, desk.brand.sms_countries)

    allowed = [channel for channel in wish.channels if is_open(channel)]
    if not allowed:
        return replace(wish, channels=(wish.channel,))
    occasion, now = _occasion(wish, "channel"), desk.now()
    choice = best_channel(
        allowed,
        profile.trait(OWN_CHANNEL),
        lambda: responses(_ledger(profile, desk), profile, desk.brand.must_be_allowed, now),
        _market(profile, desk),
        occasion,
        now,
    )
    return replace(wish, channels=(choice.channel,), choice=choice)


def choose_time(wish: Wish, row: Message, profile: Profile, desk: Desk) -> None:
    """Settle in the row when it goes, where that is asked for. Nobody looks for an hour while the
    journey is paused."""
    if wish.best_until is None or row.by_time or wish.paused:
        return
    now, times = desk.now(), times_of(wish, row, desk)
    row.by_time = best_time(
        now,
        min(wish.best_until, row.latest or wish.best_until),
        wish.zone,
        engaged(_ledger(profile, desk), profile, now),
        _everyones(desk).hours,
        lambda moment: times.allow(moment, wish.zone),
        _occasion(wish, "time"),
    )


def _ledger(profile: Profile, desk: Desk) -> list[Message]:
    """All messages that the person was sent: a read, so only where something is chosen by them."""
    return [one for key in profile.keys for one in desk.store.query(Message, key)]


def _occasion(wish: Wish, what: str) -> str:
    """What chance hangs on: the same for every try of a message."""
    return short_hash(what, wish.person, wish.run_id, wish.step, str(wish.iteration))


def _everyones(desk: Desk) -> Responding:
    return (desk.cuts and desk.cuts.responding) or NOBODYS


def _market(profile: Profile, desk: Desk) -> Market:
    costs = {"sms": desk.brand.sms_cost(address_of(profile, "sms") or "")}
    return Market(_everyones(desk).rates, desk.brand.answer_worth, costs)
