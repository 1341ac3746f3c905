"""In which country a person is: as they said, else as their phone number does."""

from functools import lru_cache
from typing import Any

import phonenumbers

from functions.messages.address import address_of
from functions.tracking.profile import Profile


def country_of(profile: Profile) -> str:
    """Two capital letters (ISO 3166-1); "" where nobody knows."""
    address = profile.trait("address")
    said = (profile.trait("country"), address.get("country") if isinstance(address, dict) else None)
    return next(filter(None, map(_normal, said)), "") or country_of_number(
        address_of(profile, "sms")
    )


def _normal(value: Any) -> str:
    text = value.strip().upper() if isinstance(value, str) else ""
    return text if len(text) == 2 and text.isascii() and text.isalpha() else ""


def calling_code(country: str) -> str:
    """With what the numbers of a country begin, like "+49"; "" where nobody knows."""
    code = phonenumbers.country_code_for_region(country)
    return f"+{code}" if code else ""


def country_of_number(number: str) -> str:
    """The country of a number ("+" and digits), as `country_of` gives it."""
    return _of_number(number) if number else ""


@lru_cache(maxsize=4096)  # slow, and the same person's is asked for again and again
def _of_number(number: str) -> str:
    return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
