"""Addresses: the person's e-mail and phone, in one form, and their hashes."""

import hashlib
from collections.abc import Collection
from functools import lru_cache
from typing import Any

import phonenumbers

from functions.tracking.identity import normal_email
from functions.tracking.profile import Profile

TRAITS = {"email": ("email",), "sms": ("phone", "mobile")}
DEFAULT_COUNTRY = "DE"


def normal_phone(value: Any, country: str = DEFAULT_COUNTRY) -> str:
    """The number in E.164 form (+4930...), or "" when it is none that can exist."""
    return _normal_phone(str(value), country) if isinstance(value, str | int) else ""


@lru_cache(maxsize=4096)  # slow, and the same person's is asked for again and again
def _normal_phone(text: str, country: str) -> str:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


# By which fraudsters earn, and at which nobody reads a text.
_DEAR = frozenset(
    {
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
    }
)


def is_in(number: str, countries: Collection[str]) -> bool:
    """Whether a number in E.164 form is an ordinary one of these countries (none named: any will
    do). Satellite numbers are of no country."""
    return not countries or _ordinary_in(number) in countries


@lru_cache(maxsize=4096)
def _ordinary_in(number: str) -> str | None:
    """The country of a number; None where it is not an ordinary one, or of none."""
    parsed = phonenumbers.parse(number)
    is_dear = phonenumbers.number_type(parsed) in _DEAR
    return None if is_dear else phonenumbers.region_code_for_number(parsed)


NORMAL = {"email": normal_email, "sms": normal_phone}


def address_of(profile: Profile, channel: str) -> str:
    """The person's address on a channel; "" when there is none that can be used."""
    for trait in TRAITS[channel]:
        address = NORMAL[channel](profile.trait(trait))
        if address:
            return address
    return ""


def address_hash(channel: str, address: str) -> str:
    """A short hash of an address in force, for the permission item."""
    return hashlib.blake2b(f"{channel}\0{address}".encode(), digest_size=9).hexdigest()


def addresses(profile: Profile) -> dict[str, str]:
    """The hashes of all addresses in force, by channel."""
    return {
        channel: address_hash(channel, address)
        for channel in TRAITS
        if (address := address_of(profile, channel))
    }
