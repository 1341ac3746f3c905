"""Parting two people who had become one: each half is rebuilt as if they had never met."""

from collections.abc import Collection
from contextlib import suppress
from copy import deepcopy

from functions.tracking.consent import BadConsent, hear
from functions.tracking.event import Event
from functions.tracking.fold import forget_ids
from functions.tracking.merge import merge_profiles, stricter_consents
from functions.tracking.permission import Consent, Permission
from functions.tracking.profile import Profile


class Half:
    """One of the two, from the state of before the merge on.

    `version` is that of the stored record which the half will replace. Whatever the halves take
    in is copied, so that nothing is changed but they.
    """

    def __init__(self, frozen: Profile, consents: dict[str, Consent], version: int) -> None:
        self.profile = deepcopy(frozen)
        self.profile.moved_to, self.profile.version = "", version
        self.permission = Permission(person=frozen.person, consents=dict(consents))

    def hear(self, event: Event) -> None:
        """What an event since the merge says of consent."""
        with suppress(BadConsent):
            hear(self.permission, event)

    def join(self, source: Profile, permission: Permission | None) -> None:
        """Somebody else became part of this half since."""
        source = deepcopy(source)
        source.moved_to = ""
        merge_profiles(source, self.profile)
        if permission:
            self.permission.consents = stricter_consents(permission, self.permission)

    def settled(self, rowless: Collection[str]) -> Profile:
        """A copy of the profile that remembers no more ids than it has to; `rowless` are the
        hashes of those whose rows are not there."""
        profile = deepcopy(self.profile)
        profile.pending = {d: time for d, time in profile.pending.items() if d in rowless}
        forget_ids(profile)
        return profile


def keep_anew(profile: Profile, together: Profile) -> None:
    """What the rules keep is counted anew from the timeline. Who was in a segment as one with the
    other is so until then; what turns out to be otherwise lets nobody into a journey."""
    profile.tallies, profile.tallied, profile.ruled = {}, "", ""
    profile.segments = dict(together.segments)
    profile.outbox = list(together.outbox) if profile.person == together.person else []


def keep_apart(one: Profile, other: Profile) -> None:
    """Both note that they are two, so that no shared device makes them one again."""
    for mine, theirs in ((one, other.keys), (other, one.keys)):
        mine.apart = list(dict.fromkeys([*mine.apart, *theirs]))
