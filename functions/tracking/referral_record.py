"""What is kept of referrals: whose code a code is, who came by which, and who won how many."""

from datetime import datetime
from decimal import Decimal

import msgspec


def referral_key(code: str) -> str:
    """The partition of a code's record."""
    return f"referral {code}"


class ReferralCode(msgspec.Struct, kw_only=True):
    """The way back from a code to the key of the person whose it is; written when the code is
    first shown to anybody, and never changed."""

    code: str
    person: str
    made: datetime
    version: int = 0


class Win(msgspec.Struct, array_like=True, omit_defaults=True, frozen=True):
    """A first order that won its person for the one whose `code` it is: of which `amount`, and
    when it was `placed`; `lost` since the order was given back, or turned out not to count.
    `quiet` and `lost_quiet`: that was imported, and lets nobody into a journey."""

    code: str
    order_id: str
    placed: datetime
    amount: Decimal
    currency: str
    quiet: bool = False
    lost: datetime | None = None
    lost_quiet: bool = False


class Referral(msgspec.Struct, array_like=True, omit_defaults=True, frozen=True):
    """By which code a person first came, and the event that said so, by the hash of its id.

    `own`: it is a code of their own. `wins` has one Win, and more only where orders were given
    back; `by` is the hash of the event that changed them last.
    """

    code: str
    time: datetime
    message_hash: str
    own: bool = False
    wins: tuple[Win, ...] = ()
    by: str = ""

    @property
    def said(self) -> tuple[datetime, str]:
        """What decides which of two was first."""
        return self.time, self.message_hash

    @property
    def is_won(self) -> bool:
        """Whether an order stands that won the person."""
        return any(win.lost is None for win in self.wins)


class Won(msgspec.Struct, array_like=True, frozen=True):
    """How many customers a person won, and the revenue of their first orders by currency."""

    count: int = 0
    revenue: dict[str, Decimal] = {}
