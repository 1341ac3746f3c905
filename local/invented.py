"""What the demo makes up, all of it by seed: who people are, what they permit, how they answer.

Real are the baskets, their times and amounts, and each household's readiness to answer campaigns.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

LICENCE, UPGRADE = "basic-1y", "premium-1y"
CONSENT = {"email": 0.80, "sms": 0.30}
GERMAN = 0.70
UPGRADES = 0.35  # of those who clicked in five-reasons
WITHIN = timedelta(days=30)
ANSWER_AFTER = timedelta(hours=9)  # on average

FIRST_NAMES = {
    "de": ("Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hannes", "Ida", "Jonas"),
    "en": ("Alice", "Brian", "Chloe", "Daniel", "Emily", "Frank", "Grace", "Henry", "Isla", "Jack"),
}
LAST_NAMES = {
    "de": ("Albrecht", "Becker", "Conrad", "Dietz", "Engel", "Fuchs", "Graf", "Jung", "Keller"),
    "en": ("Adams", "Brown", "Clark", "Davies", "Evans", "Foster", "Green", "Harris", "Ingram"),
}


@dataclass(frozen=True)
class Who:
    """A made-up customer for a real household."""

    household: int
    language: str
    traits: dict[str, Any]
    channels: list[str]

    @property
    def user_id(self) -> str:
        """The household's number is its user id."""
        return str(self.household)


def who(household: int, seed: int) -> Who:
    """The same household and seed give the same customer."""
    random = Random(f"{seed}/who/{household}")
    language = "de" if random.random() < GERMAN else "en"
    first, last = random.choice(FIRST_NAMES[language]), random.choice(LAST_NAMES[language])
    traits = {
        "firstName": first,
        "lastName": last,
        "email": f"{first}.{last}.{household}@example.com".lower(),
        "phone": f"+4915550{household:06d}",
        "language": language,
    }
    channels = [channel for channel, share in CONSENT.items() if random.random() < share]
    return Who(household, language, traits, channels)


@dataclass(frozen=True)
class Reaction:
    """What a reader does with a mail: when they open it, when and where they click."""

    opened: datetime | None = None
    clicked: datetime | None = None
    link: str = ""


def reaction(send_id: str, links: list[str], at: datetime, rate: float, random: Random) -> Reaction:
    """A reader clicks with their household's rate and opens with its root: openers are more."""
    drawn, delay = random.random(), random.expovariate(1.0)
    if drawn >= math.sqrt(rate):
        return Reaction()
    opened = at + delay * ANSWER_AFTER
    if drawn >= rate or not links:
        return Reaction(opened)
    return Reaction(opened, opened + timedelta(minutes=1), random.choice(sorted(links)))


def upgrade(clicked: datetime, random: Random) -> datetime | None:
    """When somebody who clicked in five-reasons buys the upgrade, if they do."""
    return clicked + random.random() * WITHIN if random.random() < UPGRADES else None


def summary() -> str:
    """What the output says is made up."""
    return (
        "Real: baskets, times, amounts, and how readily each household answers campaigns.\n"
        f"Drawn by seed: names, addresses at example.com, language ({GERMAN:.0%} German), consent "
        f"({CONSENT['email']:.0%} e-mail, {CONSENT['sms']:.0%} SMS), who opens and clicks (at the "
        f"household's own rate), and that {UPGRADES:.0%} of those who click in five-reasons buy "
        f"{UPGRADE} within {WITHIN.days} days. Each first basket also holds {LICENCE}."
    )
