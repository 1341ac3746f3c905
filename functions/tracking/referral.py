"""Referral codes: whose is which, by which a person came, and counting the customers won."""

import hashlib
import re
from decimal import Decimal
from typing import Any

import msgspec

from functions.tracking import orders
from functions.tracking.event import Event
from functions.tracking.identity import message_hash, short_hash
from functions.tracking.own_event import REFERRAL_LOST, REFERRAL_WON
from functions.tracking.profile import Profile
from functions.tracking.referral_record import Referral, Won

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nobody takes one of them for another
OWN, CHECKING = 8, 2  # letters that tell the person, and letters that tell a code from a word
_BITS = 5  # of a letter
_CODE = re.compile(rf"[{ALPHABET}]{{{OWN + CHECKING}}}\Z")
_ASKED = re.compile(r"[?&](?:ref|referral_code)=([^&#]*)")
NAMES = ("referral_code", "ref")  # of a property
MOST_WINS = 5  # of one person: orders that were given back, and the one that stands
_SIGNS = {REFERRAL_WON: 1, REFERRAL_LOST: -1}


def code_of(secret: bytes, person: str, attempt: int = 0) -> str:
    """The code of the person with this key: 40 bits of a keyed hash and two letters that check it.

    Nobody can work it out from the key or the other way round without the secret. `attempt` counts
    how often the code before belonged to somebody else already.
    """
    said = f"referral\0{person}\0{attempt}".encode()
    digest = hashlib.blake2b(said, digest_size=OWN * _BITS // 8, key=secret).digest()
    own = _letters(int.from_bytes(digest), OWN)
    return own + _checking(own)


def _letters(number: int, count: int) -> str:
    return "".join(ALPHABET[number >> _BITS * place & 31] for place in reversed(range(count)))


def _checking(own: str) -> str:
    return _letters(int(short_hash("referral", own)[:4], 16), CHECKING)


def normal(value: Any) -> str:
    """A code as we write it, however it was typed; "" when it cannot be one of ours."""
    text = value.upper().replace("-", "").replace(" ", "") if isinstance(value, str) else ""
    is_one = bool(_CODE.match(text)) and _checking(text[:OWN]) == text[OWN:]
    return text if is_one else ""


def said(event: Event) -> str:
    """The code that an event names: as a property, as a trait of an identify, or in the address of
    its page (`?ref=`); "" where it names none."""
    for value in _said(event):
        code = normal(value)
        if code:
            return code
    return ""


def _said(event: Event) -> list[Any]:
    told = event.properties
    found: list[Any] = []
    for name in NAMES:
        if name in told:
            found.append(told[name])
    if event.type == "identify":
        found.append(event.traits.get("referral_code"))
    if event.context or event.type == "page":
        found += _asked(event)
    return found


def _asked(event: Event) -> list[str]:
    page = event.context.get("page")
    url = page.get("url") if isinstance(page, dict) else None
    url = url or (event.properties.get("url") if event.type == "page" else None)
    return _ASKED.findall(url) if isinstance(url, str) and "=" in url else []


def hear(profile: Profile, event: Event) -> None:
    """Take in the first code by which a person came, or a customer whom their own code won or lost
    again; the same in whatever order they come.

    The latter we tell, or a server of the shop, of what was won elsewhere: no browser.
    """
    if event.event in _SIGNS and event.trusted:
        return _count(profile, event)
    code = said(event)
    if not code:
        return
    found = Referral(code, event.time, message_hash(event.message_id)[:8])
    profile.referral = join(profile.referral, found)


def _count(profile: Profile, event: Event) -> None:
    sign = _SIGNS[event.event]
    amount = orders.number(event.properties.get("amount")) or Decimal(0)
    currency = str(event.properties.get("currency") or "")
    profile.referrals = add(profile.referrals, Won(sign, {currency: sign * amount}))


def join(mine: Referral | None, theirs: Referral | None) -> Referral | None:
    """Of two ways that somebody came by the first; an order of both won them once."""
    if mine is None or theirs is None:
        return mine or theirs
    first, second = sorted((mine, theirs), key=lambda one: one.said)
    wins = {win.order_id: win for win in (*mine.wins, *theirs.wins)}
    in_time = sorted(wins.values(), key=lambda win: (win.placed, win.order_id))
    return msgspec.structs.replace(first, wins=tuple(in_time), by=first.by or second.by)


def add(mine: Won | None, theirs: Won | None) -> Won | None:
    """The customers won by both; None where there is nothing to tell."""
    if mine is None or theirs is None:
        return mine or theirs
    revenue = dict(mine.revenue)
    for currency, amount in theirs.revenue.items():
        revenue[currency] = revenue.get(currency, Decimal(0)) + amount
    total = Won(mine.count + theirs.count, {name: one for name, one in revenue.items() if one})
    return total if total.count or total.revenue else None
