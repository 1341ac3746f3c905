"""The record of a merge: when two people became one and by what, and what is needed to undo it."""

from datetime import datetime
from typing import Literal

import msgspec

from functions.tracking.permission import Consent
from functions.tracking.profile import Profile

Final = Literal["", "parted"]


class Merge(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One for each merge, beside the person who became part of another (`person` of `into`).

    `kind` and `value` are the identifier by which they were found to be one, `by_kind` and
    `by_value` the stronger one beside it, whose key is `via`. `at` is when the event was received;
    `event`, `time`, `message_id` and `source` are its own. `target_version` is the version of
    `into` before the merge. `undone` is when an admin parted them again, `undone_version` the
    version of `into` before that. `final` "parted": it cannot be undone, because the merge before
    it was.
    """

    person: str
    merge_id: str
    version: int = 0
    into: str
    via: str
    kind: str
    value: str
    by_kind: str
    by_value: str
    at: datetime
    event: str
    time: datetime
    message_id: str
    source: str = ""
    target_version: int = 0
    undone: datetime | None = None
    undone_version: int = 0
    final: Final = ""


class Before(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What the person of a merge's `into` was before it; `person` and `merge_id` are the merge's.

    The other's state is kept where their redirect is. Goes with the rows of that time (`expires`,
    epoch seconds), without which nobody can be rebuilt.
    """

    person: str
    merge_id: str
    version: int = 0
    target: Profile
    consents: dict[str, Consent] = {}
    expires: int
