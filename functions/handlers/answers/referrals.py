"""Answers about customers who win customers: of one person, and of all."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError

from functions.handlers import referring, wiring
from functions.handlers.answers.door import (
    LANGUAGE,
    PERSON,
    chosen_language,
    operation,
    profile_of_id,
    query,
)
from functions.handlers.openapi import Parameter
from functions.segments import referrals
from functions.segments.census_records import ReferralFigures
from functions.segments.referral_figures import KEPT_DAYS, share
from functions.storage.people import find_profile
from functions.storage.referrals import referrer_of
from functions.tracking.profile import Profile


class ReferredBy(msgspec.Struct, kw_only=True):
    """By whose code a person came and when; `person` is "" where nobody has that code. `why_not`:
    it counts for nobody, because it is their `own`, or they had `bought` before."""

    code: str
    time: datetime
    person: str
    why_not: Literal["", "own", "bought"]
    is_won: bool


class ReferralView(msgspec.Struct, kw_only=True):
    """A person's code and link ("" without a page in brand.yaml), the customers won by it, what
    their first orders are `worth` by currency, by whom they came themselves, and all in words."""

    code: str
    link: str
    won: int
    worth: dict[str, Decimal]
    referred_by: ReferredBy | None
    says: list[str]


class Referrer(msgspec.Struct, kw_only=True):
    """Somebody who won customers."""

    person: str
    email: str
    won: int
    worth: dict[str, Decimal]


class ReferralReport(msgspec.Struct, kw_only=True):
    """Of the `new` customers of the last `days` before the census was `made` (null before the
    first one) so many were `referred`; `rate` is referred / new, null without new customers. A
    customer is new on the day (UTC) of their first order that counts, and referred if that order
    won them for somebody. `top`: those who won most, ever."""

    days: int
    made: datetime | None = None
    new: int = 0
    referred: int = 0
    rate: float | None = None
    referrers: int = 0
    won: int = 0
    worth: dict[str, Decimal] = {}
    top: list[Referrer] = []


@operation(
    "/api/people/{person_id}/referral",
    "A person's referral code, whom it won, and by whose code they came; the code counts from now",
    ReferralView,
    PERSON,
    LANGUAGE,
)
def _referral(person_id: str) -> ReferralView:
    profile, language = profile_of_id(person_id), chosen_language()
    shown = referring.shown(wiring.parts(), profile)
    return ReferralView(
        code=shown["referral_code"],
        link=shown["referral_link"],
        won=referrals.won(profile),
        worth=referrals.worth(profile),
        referred_by=_referred_by(profile),
        says=referrals.says(profile, language),
    )


def _referred_by(profile: Profile) -> ReferredBy | None:
    referral = profile.referral
    if referral is None:
        return None
    referrer = referrer_of(wiring.parts().store, referral.code)
    return ReferredBy(
        code=referral.code,
        time=referral.time,
        person=referrer.person if referrer else "",
        why_not=referrals.why_not(profile),
        is_won=referral.is_won,
    )


@operation(
    "/api/referrals",
    "Which part of the new customers was referred, and who won most; counted once a day",
    ReferralReport,
    Parameter("days", "query", f"new within so many days, 1 to {KEPT_DAYS}; 30 by default"),
)
def _report() -> ReferralReport:
    text = query("days") or "30"
    if not text.isdecimal() or not 1 <= int(text) <= KEPT_DAYS:
        raise BadRequestError(f'"days" is a number from 1 to {KEPT_DAYS}')
    newest, _ = wiring.parts().store.listing(ReferralFigures, limit=1)
    if not newest:
        return ReferralReport(days=int(text))
    [found] = newest
    new, referred = share(found, int(text))
    return ReferralReport(
        made=found.made,
        days=int(text),
        new=new,
        referred=referred,
        rate=round(referred / new, 4) if new else None,
        referrers=found.referrers,
        won=found.won,
        worth=found.worth,
        top=[one for person in found.top if (one := _referrer(person))],
    )


def _referrer(person: str) -> Referrer | None:
    """As they are now; None when they are gone or have lost all."""
    profile = find_profile(wiring.parts().store, person)
    if profile is None or not referrals.won(profile):
        return None
    return Referrer(
        person=profile.person,
        email=str(profile.trait("email") or ""),
        won=referrals.won(profile),
        worth=referrals.worth(profile),
    )
