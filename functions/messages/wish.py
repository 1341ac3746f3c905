"""What delivering is given: the message that is wanted, and the desk where it is done."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from functions.channels.channel import Channel
from functions.messages.brand import Brand
from functions.messages.codes import NO_CODES, Codes
from functions.messages.languages import Languages
from functions.messages.limits import NO_LIMITS, Limits
from functions.messages.template import Rendered
from functions.messages.template_values import NO_PRODUCTS
from functions.segments.census_records import Cuts
from functions.segments.hours import Hours
from functions.storage.store import Store
from functions.tracking.choice import ChannelChoice
from functions.tracking.event import Event
from functions.tracking.message import AUTOMATION, Kind, Message
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile
from functions.tracking.short_link import ShortLink

NO_REFERRAL: Mapping[str, str] = {}


class Wish(msgspec.Struct, frozen=True):
    """A message that a run's step wants to send. `files` are those of the journey's version;
    after `latest` it is dropped.

    `languages` are those in which it exists; `channels` those that it may go by: of several the
    person's best is taken, once. The journey's sending hours `send_only` and the brand's hours
    count in `zone`, where the person is.
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
    languages: Languages
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


class Hold(msgspec.Struct, frozen=True):
    """Until when a message waits and why, and whether the ledger has to hear of it."""

    until: datetime
    reason: str
    is_noted: bool


class Worded(msgspec.Struct, frozen=True):
    """A message in a person's words, the link for its header with which they leave ("": none), and
    its short links, to be stored before it goes."""

    rendered: Rendered
    leave_url: str = ""
    short_links: Sequence[ShortLink] = ()


# Raises Refused, TemplateError.
Words = Callable[[Wish, Message, "Desk", Profile, Permission], Worded]


class Desk(msgspec.Struct, frozen=True):
    """What delivering needs: the store, the channels, the brand, keys for links, and now.

    `profile` and `permission` look a person up, following merges; `products` finds what is
    suggested to them (see `template.PRODUCTS`), `referral` their code and link: both cost reads.
    `codes` gives them codes of their own, which a journey's run asks for; `cuts` are the day's cut
    points, by which a person stands among all others; `limits` how often and when we write.
    `words` puts the message into words; without it `wording.in_full` does. `stopped` says when
    somebody wrote STOP from a number (its hash): a read.
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
    words: Words | None = None
    stopped: Callable[[str], datetime | None] = lambda number: None
