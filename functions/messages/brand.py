"""The brand: what all journeys share, from brand.yaml."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec


class Sender(msgspec.Struct, forbid_unknown_fields=True):
    """Who messages come from."""

    name: str
    email: str
    reply_to: str = ""
    sms: str = ""


class Purpose(msgspec.Struct, forbid_unknown_fields=True):
    """What a person permits: its titles by language, and whether it needs permission at all."""

    title: dict[str, str]
    consent: Literal["required", "not needed"] = "required"


class Team(msgspec.Struct, forbid_unknown_fields=True):
    """Who gets tasks."""

    email: str
    title: dict[str, str] = {}


class Brand(msgspec.Struct, forbid_unknown_fields=True, rename={"time_zone": "time zone"}):
    """brand.yaml, typed."""

    name: str
    locale: str
    languages: list[str]
    time_zone: str
    currency: str
    sender: Sender
    purposes: dict[str, Purpose]
    links: dict[str, str] = {}
    teams: dict[str, Team] = {}
    imprint: list[str] = []
    support: dict[str, str] = {}
    owner: str = ""

    @property
    def needs_consent(self) -> dict[str, bool]:
        """For each purpose, whether messages need the person's consent."""
        return {name: purpose.consent == "required" for name, purpose in self.purposes.items()}

    def language(self, locale: Any, available: list[str]) -> str:
        """The best of the available languages for a person: `de-AT`, then `de`, then the
        brand's own, then any."""
        wanted = str(locale or "").replace("_", "-")
        for choice in (wanted, wanted.split("-")[0], self.locale):
            if choice in available:
                return choice
        return sorted(available)[0]


def from_mapping(raw: Mapping[str, Any]) -> Brand:
    """Raises msgspec.ValidationError naming the field."""
    return msgspec.convert(raw, Brand)
