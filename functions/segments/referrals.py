"""What is told of a person's referrals: customers they won, and by whose code they came."""

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from functions.segments.operators import Kind
from functions.tracking.profile import Profile
from functions.tracking.referral_record import Won
from functions.tracking.winning import bought_before

Language = Literal["en", "de"]
_NOBODY = Won()


def is_referred(profile: Profile) -> bool:
    """Whether they came by the code of somebody else, and had not bought before."""
    referral = profile.referral
    return bool(referral) and not why_not(profile)


def why_not(profile: Profile) -> Literal["", "own", "bought"]:
    """Why the code they came by counts for nobody; "" where it counts, or they came by none."""
    referral = profile.referral
    if referral is None:
        return ""
    if referral.own:
        return "own"
    return "bought" if bought_before(profile, referral) else ""


def won(profile: Profile) -> int:
    """How many customers their code has won."""
    return max(0, (profile.referrals or _NOBODY).count)


def worth(profile: Profile) -> dict[str, Decimal]:
    """Revenue of the first orders of the customers whom their code has won, by currency."""
    return (profile.referrals or _NOBODY).revenue


def _value(profile: Profile, now: datetime) -> Decimal:
    """In the currency that most of it came in."""
    return max(worth(profile).values(), default=Decimal(0))


def _referred_by(profile: Profile, now: datetime) -> str | None:
    return profile.referral.code if profile.referral and is_referred(profile) else None


COMPUTED: dict[str, Callable[[Profile, datetime], Any]] = {
    "referrals": lambda profile, now: won(profile),
    "referral_value": _value,
    "referred": lambda profile, now: is_referred(profile),
    "referred_by": _referred_by,
}
KINDS: dict[str, Kind] = {"referrals": "number", "referral_value": "number"}


def says(profile: Profile, language: Language) -> list[str]:
    """What there is to tell, a sentence each."""
    return list((_german if language == "de" else _english)(profile))


def _amounts(profile: Profile) -> list[str]:
    return [f"{amount:.2f} {currency}".strip() for currency, amount in worth(profile).items()]


def _english(profile: Profile) -> Iterator[str]:
    count = won(profile)
    if count:
        people = "1 customer" if count == 1 else f"{count} customers"
        first = "first order" if count == 1 else "first orders"
        amounts = " and ".join(_amounts(profile)) or "nothing"
        yield f"Won {people} by referral ({first}: {amounts})."
    if profile.referral:
        reasons = {
            "": "",
            "own": "; it does not count: the code is their own",
            "bought": "; it does not count: they had bought before",
        }
        yield f"Came by the referral code {profile.referral.code}{reasons[why_not(profile)]}."


def _german(profile: Profile) -> Iterator[str]:
    count = won(profile)
    if count:
        people = "1 Kunden" if count == 1 else f"{count} Kunden"
        first = "erste Bestellung" if count == 1 else "erste Bestellungen"
        amounts = " und ".join(_amounts(profile)).replace(".", ",") or "nichts"
        yield f"Hat {people} geworben ({first}: {amounts})."
    if profile.referral:
        reasons = {
            "": "",
            "own": "; das zählt nicht: es ist der eigene Code",
            "bought": "; das zählt nicht: es wurde schon vorher gekauft",
        }
        yield f"Kam über den Empfehlungscode {profile.referral.code}{reasons[why_not(profile)]}."
