"""Where a person is, what they look at us with, and what first brought them."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from functions.segments.operators import Kind
from functions.tracking import visits
from functions.tracking.fold import host
from functions.tracking.profile import Profile, Touch

_REGION = re.compile(r"[-_]([A-Za-z]{2})(?![A-Za-z])")


def locale(profile: Profile, now: datetime) -> Any:
    """The language and region that the person said, else that of their device."""
    said = profile.trait("locale") or profile.trait("language")
    return said or _habit(profile, "locale")


def zone(profile: Profile, now: datetime) -> Any:
    """The time zone that the person said, else that of their device."""
    return profile.trait("timezone") or _habit(profile, "timezone")


def _habit(profile: Profile, name: str) -> Any:
    found = profile.habits.get(name)
    return found.value if found else None


def _said(profile: Profile, name: str) -> Any:
    """What the person said of where they live: Segment's trait `address`, or one of that name."""
    address = profile.trait("address")
    inside = address.get(name) if isinstance(address, dict) else None
    return inside or profile.trait(name)


def _city(profile: Profile, now: datetime) -> Any:
    """What the person said, else where their device was last (`context.location`)."""
    return _said(profile, "city") or _habit(profile, "city")


def _country(profile: Profile, now: datetime) -> Any:
    """What the person said, else where their device was last, else that of its time zone, else
    that of its language (an English one says US all over the world, so it comes last)."""
    found = _said(profile, "country") or _habit(profile, "country")
    if not found:
        region = _REGION.search(str(locale(profile, now) or ""))
        found = _countries().get(str(zone(profile, now))) or (region and region[1])
    # A code is written in capitals, a name as the shop writes it.
    return found.upper() if isinstance(found, str) and len(found) == 2 else found


@cache
def _countries() -> dict[str, str]:
    """The country of each time zone, as tzdata's zone.tab has it."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


def _device(profile: Profile, now: datetime) -> str | None:
    """The kind of device that is used most, of those alike the one used last."""
    used = profile.devices
    return max(used, key=lambda name: (used[name].count, used[name].last, name), default=None)


SOCIAL = frozenset({"facebook", "instagram", "linkedin", "lnkd", "mastodon", "pinterest"})
SOCIAL |= {"reddit", "t.co", "threads", "tiktok", "twitter", "whatsapp", "x", "xing", "youtube"}
SEARCH = frozenset({"baidu", "bing", "duckduckgo", "ecosia", "google", "qwant", "startpage"})
SEARCH |= {"yahoo", "yandex"}
_PAID = re.compile(r"(.*cp.*|ppc|retargeting|paid.*|display|banner|ads?)\Z")


def _channel(profile: Profile, now: datetime) -> str | None:
    """Which kind of campaign or page first brought the person.

    After Google Analytics' default channel group (Analytics Help, "Default channel group"): email,
    sms, paid, social, search, affiliate, referral; direct for who came to a page by none of them.
    """
    if profile.first_touch is None:
        return "direct" if profile.visits else None
    return _by_campaign(profile.first_touch) or _by_referrer(profile.first_touch.referrer)


def _by_campaign(touch: Touch) -> str | None:
    medium, source = (touch.campaign.get(name, "").lower() for name in ("medium", "source"))
    plain = medium.replace("-", "").replace("_", "").replace(" ", "")
    if "email" in (plain, source.replace("-", "")) or plain in ("newsletter", "mail"):
        return "email"
    if _PAID.match(medium):
        return "paid"
    if plain in ("sms", "affiliate", "referral"):
        return plain
    if plain.startswith("social") or plain == "sm" or _is_one_of(source, SOCIAL):
        return "social"
    if plain == "organic" or _is_one_of(source, SEARCH):
        return "search"
    return "referral" if medium or source else None


def _by_referrer(referrer: str) -> str:
    page = host(referrer)
    if _is_one_of(page, SEARCH):
        return "search"
    return "social" if _is_one_of(page, SOCIAL) else "referral"


def _is_one_of(page: str, known: frozenset[str]) -> bool:
    """Whether a host ("m.facebook.com") or the name of a source is one of these."""
    return page in known or not known.isdisjoint(page.split(".")[:-1])


COMPUTED: dict[str, Callable[[Profile, datetime], Any]] = {
    "locale": locale,
    "zone": zone,
    "country": _country,
    "city": _city,
    "device": _device,
    "devices": lambda profile, now: sorted(profile.devices),
    "channel": _channel,
    "visits": lambda profile, now: visits.count(profile.visits),
    "last_visit": lambda profile, now: visits.last(profile.visits),
    "last_pages": lambda profile, now: [page.what for page in reversed(profile.pages)],
    "searches": lambda profile, now: [term.what for term in reversed(profile.searches)],
}
KINDS: dict[str, Kind] = {"visits": "number", "last_visit": "date"}
