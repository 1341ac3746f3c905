"""Delivering: may it go, in which words, and once, whatever is retried."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import formataddr
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from functions.channels.channel import Channel, Outgoing, Permanent, Temporary
from functions.messages import confirming, referral, room, sunset
from functions.messages.address import address_hash, address_of, is_in
from functions.messages.allowed import TRANSACTIONAL, class_of, why_not
from functions.messages.best_channel import Market, best_channel
from functions.messages.best_time import best_time
from functions.messages.brand import Brand
from functions.messages.codes import NO_CODES, Codes
from functions.messages.hours import Times
from functions.messages.limits import DROP, NO_LIMITS, Limits
from functions.messages.link import sign
from functions.messages.room import Full, NoRoom, Wanted
from functions.messages.template import (
    PRODUCTS,
    Rendered,
    TemplateError,
    mentions_products,
    render_mail,
    render_sms,
)
from functions.messages.tracked import Tracker, may_track
from functions.segments import account as accounts
from functions.segments import limit_words
from functions.segments.census_records import Cuts, Responding
from functions.segments.hours import Hours
from functions.segments.person import fields, shown_fields
from functions.storage.store import Contended, Store, change
from functions.tracking.breaker import DOMAIN_WAITS, STOPPED, is_domain, stopped_by
from functions.tracking.choice import ChannelChoice
from functions.tracking.event import Event
from functions.tracking.identity import short_hash
from functions.tracking.message import AUTOMATION, Kind, Message, Outcome, ledger_key
from functions.tracking.message import send_id as id_of
from functions.tracking.pause import Pause, extend, pause_key, turn
from functions.tracking.permission import (
    WITHDRAWN,
    Claim,
    Permission,
    Refused,
    claim,
    claimed,
    is_silenced,
)
from functions.tracking.profile import Profile
from functions.tracking.response import engaged, responses
from functions.tracking.suppressed import ADDRESS
from functions.tracking.wishes import OWN_CHANNEL

NO_ACCOUNT: Mapping[str, Any] = {}
NO_REFERRAL: Mapping[str, str] = {}
NO_PRODUCTS: Mapping[str, Any] = {name: [] for name in PRODUCTS}
PAUSED_FOR = timedelta(hours=1)  # then it is asked again whether the journey is still paused
TOO_LATE = "it would have gone too late (skip after)"
NO_TIME = "quiet hours, holidays and sending hours leave no time for it"
HELD_OUT = "hold-out group"
JOURNEY_PAUSED = "the journey is paused"
WRONG_COUNTRY = "brand.yaml has not this number's country among its sms countries"
TOO_MANY = "the provider asked us to wait"
NOT_NOW = "outside of the hours in which it may go"
ADDRESS_LETTERS = 8  # of an address's hash in a link, so that it stays short
BEST_TIME = "the person is there more often at another hour (best time)"
NOBODYS = Responding(people=0)
SPREAD_OVER = timedelta(minutes=10)  # what comes out of the night together


@dataclass(frozen=True)
class Wish:
    """A message that a run's step wants to send. `files` are those of the journey's version;
    after `latest` it is dropped.

    `channels` are those that it may go by: of several the person's best is taken, once. The
    journey's sending hours `send_only` and the brand's hours count in `zone`, where the person is.
    `held_out`: the run belongs to the hold-out group, which gets nothing that needs consent.
    While the journey is `paused` it is held. `choice`: there were several channels, so the ledger
    has to keep which it is. It goes at the person's best hour until `best_until` (None: at once).
    For limits: `kind` is the journey's class, `country` where the person is ("" where nothing goes
    by it), `last_sign` when they last showed a sign of life, `is_calm`: they are to hear less from
    us, `is_short`: in shorter mails.
    """

    person: str
    run_id: str
    journey: str
    step: str
    message: str
    channels: Sequence[str]
    purpose: str
    entry: Event
    files: Mapping[str, str]
    zone: ZoneInfo
    iteration: int = 0
    latest: datetime | None = None
    send_only: Hours | None = None
    held_out: bool = False
    best_until: datetime | None = None
    choice: ChannelChoice | None = None
    paused: bool = False
    kind: Kind = AUTOMATION
    country: str = ""
    last_sign: datetime | None = None
    is_calm: bool = False
    is_short: bool = False

    @property
    def channel(self) -> str:
        """The channel, once it is settled."""
        return self.channels[0]


@dataclass(frozen=True)
class Hold:
    """Until when a message waits and why, and whether the ledger has to hear of it."""

    until: datetime
    reason: str
    is_noted: bool


@dataclass(frozen=True)
class Desk:
    """What delivering needs: the store, the channels, the brand, keys for links, and now.

    `profile` and `permission` look a person up, following merges; `products` finds what is
    suggested to them (see `template.PRODUCTS`), `referral` their code and link: both cost reads.
    `codes` gives them codes of their own, which a journey's run asks for; `cuts` are the day's cut
    points, by which a person stands among all others; `limits` how often and when we write.
    `stopped` says when somebody wrote STOP from a number (its hash): a read.
    """

    store: Store
    channels: Mapping[str, Channel]
    brand: Brand
    now: Callable[[], datetime]
    link_keys: Mapping[str, bytes]
    public_url: str
    profile: Callable[[str], Profile]
    permission: Callable[[str], Permission]
    products: Callable[[Profile], Mapping[str, Any]] = lambda profile: NO_PRODUCTS
    referral: Callable[[Profile], Mapping[str, str]] = lambda profile: NO_REFERRAL
    codes: Callable[[Wish, Profile], Codes] = lambda wish, profile: NO_CODES
    cuts: Cuts | None = None
    limits: Limits = NO_LIMITS
    stopped: Callable[[str], datetime | None] = lambda number: None


def deliver(wish: Wish, desk: Desk) -> Outcome:
    """Send the message, or say why not.

    Once per run, step and pass: the claim on the permission item remembers it, and afterwards the
    ledger row. (A row before as well would be a write more for every message.)
    No claim succeeds without permission at that very moment. Raises Contended.
    """
    key = id_of(wish.run_id, wish.step, wish.iteration)
    row = desk.store.get(Message, wish.person, ledger_key(wish.run_id, key))
    if row and row.state != "held":
        return _outcome(row)
    profile, permission = desk.profile(wish.person), desk.permission(wish.person)
    made = claimed(permission, key)
    wish = _by_one_channel(wish, row, made, profile, permission, desk)
    row = row or _row(wish, key, desk, profile)
    if made:
        # A crash between claim and ledger: nobody knows whether it went, so it never goes again.
        row.claimed = made.time
        return _note(desk, row, "unknown", "the claim was made, then we stopped")
    if _is_too_late(row, desk.now()):
        return _note(desk, row, "not sent", TOO_LATE)
    try:
        return _go(wish, row, desk, profile, permission)
    except (Refused, TemplateError) as error:
        return _refused(desk, row, str(error))


def _go(wish: Wish, row: Message, desk: Desk, profile: Profile, permission: Permission) -> Outcome:
    """Hold it, or send it. Raises Refused, TemplateError, Contended."""
    address = _address(wish, row, profile, permission, desk)
    _choose_time(wish, row, profile, desk)
    hold = _reason_to_hold(wish, row, desk, address, desk.now())
    if hold:
        if not wish.paused:
            _keep_place(wish, row, desk, permission, hold.until)
        return _hold(desk, row, hold)
    try:
        if _is_limited(row, desk):
            room.check(permission, _wanted(wish, row), desk.limits, desk.now())
        if wish.held_out and desk.brand.must_be_allowed(row.purpose):
            row.held_out = desk.now()
            return _note(desk, row, "not sent", HELD_OUT)
        tracker = _tracker(wish, row, desk, profile, permission)
        return _send(wish, row, desk, profile, address, tracker)
    except NoRoom as error:
        return _wait_for_room(wish, row, desk, permission, error.full)


def _send(
    wish: Wish, row: Message, desk: Desk, profile: Profile, address: str, tracker: Tracker
) -> Outcome:
    """Find the words, take the claim, hand it over. Raises Refused, NoRoom, TemplateError,
    Contended."""
    values = _values(wish, row, profile, desk, tracker)
    rendered = tracker.take(render(wish, row.locale, values))
    moment = desk.now()
    hold = _not_at_this_time(wish, row, desk, moment)  # the hour may have passed meanwhile
    if hold:
        return _hold(desk, row, hold)
    if tracker.made:  # before the claim: after it nothing may fail but the sending
        desk.store.write(tracker.made)
    _claim(wish, row, desk, address, moment)
    row.claimed = moment
    row.subject = rendered.subject
    return _hand_over(wish, row, desk, _outgoing(wish, row, desk, profile, address, rendered))


def _by_one_channel(
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
        if channel == "sms" and not is_in(address, desk.brand.sms_countries):
            return False
        return not _is_silenced(permission, channel, wish.purpose, address, desk)

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


def _ledger(profile: Profile, desk: Desk) -> list[Message]:
    """All messages that the person was sent: a read, so only where something is chosen by them."""
    return [one for key in profile.keys for one in desk.store.query(Message, key)]


def _is_silenced(
    permission: Permission, channel: str, purpose: str, address: str, desk: Desk
) -> bool:
    """Whether the number said STOP after the person had agreed; only of texts a read."""
    if channel != "sms" or not desk.brand.must_be_allowed(purpose):
        return False
    return is_silenced(permission, channel, purpose, desk.stopped(address_hash(channel, address)))


def _occasion(wish: Wish, what: str) -> str:
    """What chance hangs on: the same for every try of a message."""
    return short_hash(what, wish.person, wish.run_id, wish.step, str(wish.iteration))


def _everyones(desk: Desk) -> Responding:
    return (desk.cuts and desk.cuts.responding) or NOBODYS


def _market(profile: Profile, desk: Desk) -> Market:
    costs = {"sms": desk.brand.sms_cost(address_of(profile, "sms") or "")}
    return Market(_everyones(desk).rates, desk.brand.answer_worth, costs)


def _outcome(row: Message, until: datetime | None = None) -> Outcome:
    if row.state in ("sent", "unknown"):
        return Outcome("sent" if row.state == "sent" else "unknown", row.reason, row.claimed)
    if row.state == "held":
        return Outcome("held", row.reason, None, until)
    return Outcome("not sent", row.reason)


def _reason_to_hold(
    wish: Wish, row: Message, desk: Desk, address: str, now: datetime
) -> Hold | None:
    """What holds the message back for now. One reason after the other: when the first is over, the
    step is tried again and meets the next."""
    if wish.paused:
        return Hold(now + PAUSED_FOR, JOURNEY_PAUSED, is_noted=True)
    if row.by_time and now < row.by_time.at:
        return Hold(row.by_time.at, BEST_TIME, is_noted=True)
    return _not_at_this_time(wish, row, desk, now) or _channel_pauses(row, desk, address, now)


def _not_at_this_time(wish: Wish, row: Message, desk: Desk, now: datetime) -> Hold | None:
    """Until the next hour in which it may go; those who wait for the same hour are spread over its
    first minutes. Raises Refused when there is none."""
    times = _times(wish, row, desk)
    opens = times.next_allowed(now, wish.zone)
    if opens is None:
        raise Refused(NO_TIME)
    if opens == now:
        return None
    # Half of a short opening: whoever comes a little late finds it open still.
    length = times.open_for(opens, 2 * SPREAD_OVER, wish.zone) / 2
    until = opens + timedelta(seconds=int(_spread(row) * length.total_seconds()))
    # The next try knows it all again, but for what was settled when the run came here first.
    is_settled = wish.latest or wish.choice or row.by_time
    return Hold(until, NOT_NOW, is_noted=bool(is_settled))


def _times(wish: Wish, row: Message, desk: Desk) -> Times:
    """When it may go by the hours of the brand and of the journey."""
    return desk.limits.times(desk.brand, row.purpose, wish.send_only, wish.country)


def _choose_time(wish: Wish, row: Message, profile: Profile, desk: Desk) -> None:
    """Settle in the row when it goes, where that is asked for. Nobody looks for an hour while the
    journey is paused."""
    if wish.best_until is None or row.by_time or wish.paused:
        return
    now, times = desk.now(), _times(wish, row, desk)
    row.by_time = best_time(
        now,
        min(wish.best_until, row.latest or wish.best_until),
        wish.zone,
        engaged(_ledger(profile, desk), profile, now),
        _everyones(desk).hours,
        lambda moment: times.allow(moment, wish.zone),
        _occasion(wish, "time"),
    )


def _channel_pauses(row: Message, desk: Desk, address: str, now: datetime) -> Hold | None:
    """It waits with all others of its channel, of its campaign, or to the same domain."""
    pause = desk.store.get(Pause, pause_key(row.channel))
    until = turn(pause, now, _spread(row))
    if until:
        return Hold(until, TOO_MANY, is_noted=True)
    if pause is None or not pause.stops or not desk.brand.must_be_allowed(row.purpose):
        return None
    found = stopped_by(pause, row.journey, row.message, address, now)
    if found is None:
        return None
    name, stop = found
    # A campaign goes on when a person says so: it is asked again and again.
    until = (stop.until or now + PAUSED_FOR) + _spread(row) * SPREAD_OVER
    return Hold(until, f"{DOMAIN_WAITS if is_domain(name) else STOPPED}: {name}", is_noted=True)


def _hold(desk: Desk, row: Message, hold: Hold) -> Outcome:
    """The ledger hears of it once at most, not again and again."""
    if _is_too_late(row, hold.until):
        return _note(desk, row, "not sent", TOO_LATE)
    if hold.is_noted and (row.version == 0 or hold.reason == BEST_TIME):
        _note(desk, row, "held", hold.reason)
    return _outcome(row, hold.until)


def _is_limited(row: Message, desk: Desk) -> bool:
    """Whether limits count it: what is part of a contract goes whatever else went."""
    return desk.brand.must_be_allowed(row.purpose)


def _wanted(wish: Wish, row: Message) -> Wanted:
    """The message as limits see it."""
    return Wanted(
        send_id=row.send_id,
        run_id=wish.run_id,
        journey=wish.journey,
        message=wish.message,
        channel=row.channel,
        purpose=row.purpose,
        kind=wish.kind,
        is_calm=wish.is_calm,
    )


def _wait_for_room(
    wish: Wish, row: Message, desk: Desk, permission: Permission, full: Full
) -> Outcome:
    """A limit is reached: it waits for the first moment at which it may go, unless that is too far
    away. Raises Refused."""
    row.full = row.full or desk.now()
    hold = _not_at_this_time(wish, row, desk, full.until)
    until = hold.until if hold else full.until
    if desk.limits.when_full == DROP or until > row.full + desk.limits.hold_at_most:
        return _note(desk, row, "not sent", full.reason)
    if _is_too_late(row, until):
        return _note(desk, row, "not sent", TOO_LATE)
    _keep_place(wish, row, desk, permission, until)
    there = until.astimezone(wish.zone)
    _note(desk, row, "held", limit_words.until(full.reason, there))
    return _outcome(row, until)


def _keep_place(
    wish: Wish, row: Message, desk: Desk, permission: Permission, until: datetime
) -> None:
    """What has a rank and waits keeps a place free. A write, where there are ranks only."""
    wanted, now = _wanted(wish, row), desk.now()
    if wish.held_out or not _is_limited(row, desk):
        return
    if room.has_rank(wanted, desk.limits, permission):
        keep = lambda found: room.wait(found, wanted, until, now)  # noqa: E731
        change(desk.store, lambda: desk.permission(wish.person), keep)


def _is_too_late(row: Message, moment: datetime) -> bool:
    """Whether the moment is behind the one that `skip after` leaves it, counted from when the run
    first came to the step."""
    return row.latest is not None and moment > row.latest


def _spread(row: Message) -> float:
    """A part from 0 to 1, the same for a message whenever it is asked."""
    return int(row.send_id[:4], 16) / 0x10000


def _row(wish: Wish, key: str, desk: Desk, profile: Profile) -> Message:
    locale = fields(profile, desk.now()).get("locale")
    return Message(
        person=wish.person,
        run_id=wish.run_id,
        step=wish.step,
        iteration=wish.iteration,
        send_id=key,
        journey=wish.journey,
        message=wish.message,
        channel=wish.channel,
        purpose=wish.purpose,
        locale=desk.brand.language(locale, languages(wish.files, wish.message, wish.channel)),
        state="held",
        latest=wish.latest,
        kind=wish.kind,
        by_channel=wish.choice,
    )


def languages(files: Mapping[str, str], message: str, channel: str) -> list[str]:
    """The languages in which a message exists on a channel."""
    ending = {"email": "html", "sms": "sms"}[channel]
    parts = (name.split(".") for name in files if name.endswith(f".{ending}"))
    return [part[1] for part in parts if part[0] == message and len(part) == 3]


def _address(wish: Wish, row: Message, profile: Profile, permission: Permission, desk: Desk) -> str:
    """The address that it would go to. Raises Refused; the claim asks again, this saves holding
    and rendering."""
    address = address_of(profile, wish.channel)
    if not address:
        raise Refused("no address" if wish.channel == "email" else "no phone number")
    if wish.channel == "sms" and not is_in(address, desk.brand.sms_countries):
        raise Refused(WRONG_COUNTRY)
    reason = why_not(permission, row.channel, row.purpose, desk.brand, desk.now())
    if reason:
        raise Refused(reason)
    _refuse_if_asleep(wish, row, desk, permission, desk.now())
    return address


def _refuse_if_asleep(
    wish: Wish, row: Message, desk: Desk, permission: Permission, now: datetime
) -> None:
    """Raises Refused."""
    if _is_limited(row, desk) and sunset.is_asleep(
        permission, wish.last_sign, wish.journey, desk.limits, now
    ):
        raise Refused(limit_words.ASLEEP)


def _stem(wish: Wish, locale: str) -> str:
    """How the message's files begin: of the shorter mail, where there is one and it is wanted."""
    short = f"{wish.message}.short.{locale}"
    is_there = f"{short}.html" in wish.files and wish.channel == "email"
    return short if wish.is_short and is_there else f"{wish.message}.{locale}"


def render(wish: Wish, locale: str, values: Mapping[str, Any]) -> Rendered:
    """The message's words in one language. Raises TemplateError."""
    stem = _stem(wish, locale)
    if wish.channel == "sms":
        return render_sms(wish.files[f"{stem}.sms"], values)
    return render_mail(
        wish.files[f"{stem}.subject"],
        wish.files[f"{stem}.html"],
        wish.files[f"{stem}.txt"],
        values,
    )


def template_values(
    person: Mapping[str, Any],
    entry: Event | None,
    brand: Brand,
    unsubscribe: str,
    iteration: int,
    account: Mapping[str, Any] = NO_ACCOUNT,
    products: Mapping[str, Any] = NO_PRODUCTS,
    codes: Codes = NO_CODES,
    downloads: Mapping[str, str] | None = None,
    preferences: str = "",
    confirm: str = "",
) -> dict[str, Any]:
    """What Liquid sees; without `downloads` the assets' own addresses."""
    return {
        "person": person,
        "account": account,
        "entry": entry.properties if entry else {},
        "brand": msgspec.to_builtins(brand),
        "links": brand.links,
        "download": brand.assets if downloads is None else downloads,
        "pass": iteration + 1,
        "code": codes,
        "unsubscribe": unsubscribe or None,  # Liquid takes an empty text for true
        "preferences": preferences or None,
        "confirm": confirm or None,
        **products,
    }


def _tracker(
    wish: Wish, row: Message, desk: Desk, profile: Profile, permission: Permission
) -> Tracker:
    said = profile.traits.get("tracking")
    on = may_track(desk.brand, permission, wish.channel, said.value if said else None)
    on = on and bool(desk.link_keys)
    return Tracker(row, desk.brand, desk.link_keys, desk.public_url, on, desk.now())


def _values(
    wish: Wish, row: Message, profile: Profile, desk: Desk, tracker: Tracker
) -> dict[str, Any]:
    person = shown_fields(profile, desk.now(), desk.cuts)
    account = accounts.fields(profile)
    stem = f"{_stem(wish, row.locale)}."
    texts = [text for name, text in wish.files.items() if name.startswith(stem)]
    if any(map(referral.mentions, texts)):
        person |= desk.referral(profile)
    products = desk.products(profile) if any(map(mentions_products, texts)) else NO_PRODUCTS
    return template_values(
        person,
        wish.entry,
        desk.brand,
        _leave_url(row, desk, profile),
        wish.iteration,
        account,
        products,
        desk.codes(wish, profile),
        tracker.downloads(),
        _preferences_url(row, desk, profile),
        confirming.url(wish.entry, row.person, desk.link_keys, desk.public_url),
    )


def _leave_url(row: Message, desk: Desk, profile: Profile) -> str:
    """The link with which the person leaves; none where no permission is needed."""
    if not desk.brand.must_be_allowed(row.purpose) or not desk.link_keys:
        return ""
    said = (row.person, row.channel, row.purpose, row.locale, _known_as(row, profile))
    return f"{desk.public_url}/leave/{sign('leave', said, desk.link_keys)}"


def _preferences_url(row: Message, desk: Desk, profile: Profile) -> str:
    """The link to the page where the person chooses what to get; every message may have it."""
    if not desk.link_keys:
        return ""
    said = (row.person, row.channel, _known_as(row, profile))
    return f"{desk.public_url}/preferences/{sign('preferences', said, desk.link_keys)}"


def _known_as(row: Message, profile: Profile) -> str:
    """By which a link's page knows that it was sent to the address which is in force still."""
    return address_hash(row.channel, address_of(profile, row.channel))[:ADDRESS_LETTERS]


def _claim(wish: Wish, row: Message, desk: Desk, address: str, moment: datetime) -> None:
    """One conditional update of the permission item. Raises Refused, NoRoom, Contended."""

    def take(permission: Permission) -> bool:
        if _is_silenced(permission, row.channel, row.purpose, address, desk):
            raise Refused(WITHDRAWN)
        if claimed(permission, row.send_id):
            raise Contended("another try of this step is sending")
        wanted = Claim(row.send_id, moment, wish.channel, wish.purpose)
        reason = why_not(permission, row.channel, row.purpose, desk.brand, moment)
        claim(permission, wish.run_id, wanted, address_hash(wish.channel, address), reason)
        if _is_limited(row, desk):
            _refuse_if_asleep(wish, row, desk, permission, moment)
            room.take(permission, _wanted(wish, row), desk.limits, moment)
            sunset.count(permission, wish.last_sign, desk.limits)
        return True

    change(desk.store, lambda: desk.permission(wish.person), take)


def _unclaim(wish: Wish, row: Message, desk: Desk) -> None:
    """Give a claim back: the provider surely did not take the message."""

    def give_back(permission: Permission) -> bool:
        permission.claims = [made for made in permission.claims if made.send_id != row.send_id]
        if row.claimed and _is_limited(row, desk):
            room.give_back(permission, _wanted(wish, row), row.claimed)
            sunset.give_back(permission)
        return True

    change(desk.store, lambda: desk.permission(wish.person), give_back)


def _outgoing(
    wish: Wish, row: Message, desk: Desk, profile: Profile, address: str, rendered: Rendered
) -> Outgoing:
    url = _leave_url(row, desk, profile)
    headers, group = {}, class_of(row.purpose, row.kind, desk.brand)
    if url and wish.channel == "email":
        # RFC 8058: a mail program may leave for the person with one POST.
        headers = {
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    if group == TRANSACTIONAL and wish.channel == "email":
        # RFC 3834, section 5: no absence notice answers it. SES takes the field, once at most.
        headers["Auto-Submitted"] = "auto-generated"
    sender = desk.brand.sender
    return Outgoing(
        send_id=row.send_id,
        to=address,
        text=rendered.text,
        subject=rendered.subject,
        html=rendered.html,
        sender=formataddr((sender.name, sender.email)) if wish.channel == "email" else sender.sms,
        reply_to=sender.reply_to,
        headers=headers,
        tags={
            "person": wish.person,
            "run": wish.run_id,
            "send": row.send_id,
            "message": wish.message,
            "class": group,
            ADDRESS: address_hash(row.channel, address),
        },
        person=wish.person,
    )


def _hand_over(wish: Wish, row: Message, desk: Desk, outgoing: Outgoing) -> Outcome:
    """To the channel, and note what it said."""
    try:
        row.provider_id = desk.channels[wish.channel].send(outgoing)
    except Temporary as error:
        _unclaim(wish, row, desk)
        row.claimed = None
        _note(desk, row, "held", str(error))
        until = _pause(desk, row, error.retry_after)
        if _is_too_late(row, until):
            return _note(desk, row, "not sent", TOO_LATE)
        return _outcome(row, until)
    except Permanent as error:
        return _note(desk, row, "failed", str(error))
    except Exception as error:
        # The answer was lost: its receipts will tell, and it is not sent again.
        return _note(desk, row, "unknown", f"no answer: {type(error).__name__}")
    return _note(desk, row, "sent", "")


def _pause(desk: Desk, row: Message, asked: float) -> datetime:
    """The provider takes no more for now: nobody asks it until the pause is over, and then first
    the one that found out. Whom it refused meanwhile has a turn like everybody."""
    key, now = pause_key(row.channel), desk.now()
    blank = Pause(channel=row.channel)
    begun: list[bool] = []

    def begin(pause: Pause) -> bool:
        begun.append(extend(pause, now, asked))
        return begun[-1]

    pause = change(desk.store, lambda: desk.store.get(Pause, key) or blank, begin)
    return (None if begun[-1] else turn(pause, now, _spread(row))) or pause.until or now


def _refused(desk: Desk, row: Message, reason: str) -> Outcome:
    if reason == "the run has ended":
        return Outcome("gone", reason)
    if reason == "the address has changed":
        raise Contended(reason)  # the profile was a moment ahead of the permission item
    return _note(desk, row, "not sent", reason)


def _note(desk: Desk, row: Message, state: Any, reason: str) -> Outcome:
    """Write the ledger row.

    Meanwhile the end of the run or a receipt may have written to it: we know better what we
    did, a receipt what came of it.
    """
    names = (
        *("channel", "locale", "claimed", "held_out", "subject", "provider_id"),
        *("by_time", "full"),
    )
    said = {name: getattr(row, name) for name in names}

    def note(found: Message) -> bool:
        # A slow try must not undo what a later one has brought about.
        if state in ("held", "unknown") and found.state in ("sent", "failed"):
            return False
        for name, value in said.items():
            setattr(found, name, value)
        # Given up by others while we tried: nobody will come back to a hold.
        given_up = state == "held" and found.state in ("unknown", "not sent")
        found.state, found.reason = "not sent" if given_up else state, reason
        return True

    def read() -> Message:
        return desk.store.get(Message, row.person, row.key) or row

    return _outcome(change(desk.store, read, note, known=row))
