"""What a profile knows of the companies that its person belongs to, and of their place there."""

from datetime import datetime
from typing import Any

from functions.tracking.event import Event
from functions.tracking.profile import Company, Profile, Trait, newer

ACCOUNTS = "accounts"  # the source of the events by which an account speaks to its members
JOINED, CHANGED, LEFT = "Account Joined", "Account Changed", "Account Left"
MOST_COPIES = 3  # of the companies named last, whose traits a profile has
LONGEST = 100  # letters of a role
# A trait of a group call that is the person's and not the company's -> what it says. Of several
# names for one thing the first holds.
MEMBERSHIP = {
    "role": "role",
    "title": "role",
    "jobTitle": "role",
    "job_title": "role",
    "level": "level",
    "seniority": "level",
    "department": "department",
    "buying_role": "buying_role",
    "buyingRole": "buying_role",
}


def hear(profile: Profile, call: Event) -> None:
    """Take in what a group call says of the person in that company."""
    said = _said(call.traits)
    if said:
        company = profile.companies.setdefault(call.group_id, Company())
        for word, value in said.items():
            company.said[word] = newer(company.said.get(word), value, call)
    _keep_few_copies(profile)


def _said(traits: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, word in MEMBERSHIP.items():
        value = traits.get(name)
        if isinstance(value, str) and value.strip():
            found.setdefault(word, value.strip()[:LONGEST])
    return found


def take(profile: Profile, event: Event) -> None:
    """Take in what an account says to its member; a shop's event of such a name says nothing."""
    if event.source != ACCOUNTS or not event.person:
        return
    name = event.properties.get("account_id")
    if not isinstance(name, str):
        return
    company = profile.companies.setdefault(name, Company())
    if event.event == LEFT:
        company.left = _later(company.left, event.time)
    if event.event == JOINED:
        company.joined = _later(company.joined, event.time)
    edition = event.properties.get("edition", 0)
    if edition > company.edition:
        company.edition, company.traits = edition, event.properties.get("account", {})
    _keep_few_copies(profile)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((time for time in (one, other) if time), default=None)


def merge(source: Profile, target: Profile) -> None:
    """What either of two profiles knows, after their `groups` were merged; the source stays."""
    for name, theirs in source.companies.items():
        mine = target.companies.get(name, Company())
        newest = max(mine, theirs, key=lambda one: one.edition)
        target.companies[name] = Company(
            said=_latest(mine.said, theirs.said),
            joined=_later(mine.joined, theirs.joined),
            left=_later(mine.left, theirs.left),
            edition=newest.edition,
            traits=newest.traits,
        )
    _keep_few_copies(target)


def _latest(one: dict[str, Trait], other: dict[str, Trait]) -> dict[str, Trait]:
    found = dict(one)
    for word, trait in other.items():
        before = found.get(word, trait)
        found[word] = max(before, trait, key=lambda each: each.said)
    return found


def companies(profile: Profile) -> list[str]:
    """The ids of the person's companies; the main one, which was named last, comes first."""
    return sorted(
        (name for name in profile.groups if is_member(profile, name)),
        key=lambda name: (profile.groups[name], name),
        reverse=True,
    )


def is_member(profile: Profile, account_id: str) -> bool:
    """Whether a group call named the company, and nobody took the person out of it since."""
    said, company = profile.groups.get(account_id), profile.companies.get(account_id)
    return said is not None and not (company and company.left and company.left >= said)


def is_noted(profile: Profile, account_id: str) -> bool:
    """Whether the account knows its member already."""
    company = profile.companies.get(account_id)
    if company is None or company.joined is None:
        return False
    return company.left is None or company.joined > company.left


def has_copy(profile: Profile, account_id: str) -> bool:
    """Whether the profile has the traits of that account."""
    company = profile.companies.get(account_id)
    return company is not None and company.edition > 0


def may_have_copy(profile: Profile, account_id: str) -> bool:
    """Whether it is one of the few whose traits the profile keeps."""
    return account_id in companies(profile)[:MOST_COPIES]


def membership(profile: Profile, account_id: str) -> dict[str, Any]:
    """The person's role, level, department and part in buying there (each only if known): as
    group calls said them, else as the person's own traits do."""
    known = {
        word: value.strip()[:LONGEST]
        for name, word in reversed(MEMBERSHIP.items())
        if isinstance(value := profile.trait(name), str) and value.strip()
    }
    company = profile.companies.get(account_id)
    said = {word: trait.value for word, trait in company.said.items()} if company else {}
    return {**known, **said}


def _keep_few_copies(profile: Profile) -> None:
    kept = companies(profile)[:MOST_COPIES]
    for name, company in profile.companies.items():
        if name not in kept:
            company.edition, company.traits = 0, {}
