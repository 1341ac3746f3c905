"""The ledger: one row for every message that a run wanted to send, and what became of it."""

from datetime import datetime
from typing import Literal

import msgspec

State = Literal["claimed", "sent", "unknown", "failed", "not sent", "held"]


class Outcome(msgspec.Struct, omit_defaults=True):
    """What came of a wish to send: `at` is the moment of the claim, `until` the end of a hold.

    "gone" means that the run has ended; "unknown" counts as sent.
    """

    state: Literal["sent", "unknown", "not sent", "held", "gone"]
    reason: str = ""
    at: datetime | None = None
    until: datetime | None = None


class Message(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A message of a run's step and pass; `send_id` is a hash of just those.

    `reason` says why it was not sent, failed or is held. Times are None until the receipt of
    that kind came; `clicked` has the first time for each link's name ("" for a nameless link).
    `opened` and `clicked` are people's; what robots did is in `robots`.
    """

    person: str
    run_id: str
    step: str
    iteration: int = 0
    send_id: str
    version: int = 0
    journey: str
    message: str
    channel: str
    purpose: str
    locale: str = ""
    subject: str = ""
    state: State
    reason: str = ""
    claimed: datetime | None = None
    provider_id: str = ""
    delivered: datetime | None = None
    opened: datetime | None = None
    clicked: dict[str, datetime] = {}
    bounced: datetime | None = None
    complained: datetime | None = None
    robots: list[str] = []

    @property
    def key(self) -> str:
        """The ledger key below the person: run, step, pass; never an execution's name."""
        return f"{self.run_id}/{self.step}/{self.iteration}"


class Kept(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A message kept instead of sent: the mail as its whole MIME text, an SMS as its words."""

    send_id: str
    channel: str
    to: str
    time: datetime
    subject: str = ""
    text: str = ""
    html: str = ""
    raw: str = ""
    person: str = ""
    version: int = 0
