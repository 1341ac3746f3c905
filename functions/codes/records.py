"""What is kept of codes: all of a name in parts, and which one a person has."""

from datetime import datetime
from typing import Literal

import msgspec

from functions.tracking.identity import short_hash

PARTS = 1024  # in which the codes of a name are kept: 100,000 of them are 98 and 1.3 KB in each
State = Literal["free", "issued", "redeemed", "passed on"]
FREE: State = "free"
ISSUED: State = "issued"
REDEEMED: State = "redeemed"
PASSED_ON: State = "passed on"  # redeemed by somebody to whom it was not given


class CodePart(msgspec.Struct, kw_only=True):
    """A part of the codes of a name, each with its state. A code's own letters say in which part
    it stands, so it stands in one place alone and is found there by one read. Nothing tells whose
    it is."""

    name: str
    number: int
    codes: dict[str, State] = {}
    version: int = 0

    def find(self, code: str) -> str:
        """The code as it is written here, "" if it is none of these: no shop minds capitals."""
        if code in self.codes:
            return code
        wanted = normal(code)
        return next((one for one in self.codes if normal(one) == wanted), "")


class IssuedCode(msgspec.Struct, kw_only=True):
    """A code that a person got. `occasion` is the run for which they got it, "" for all of them;
    `run_id` the run in which they got it. `order_id` is the order with which it was redeemed."""

    person: str
    name: str
    occasion: str
    code: str
    issued: datetime
    ends: datetime | None = None
    journey: str = ""
    run_id: str = ""
    redeemed: datetime | None = None
    order_id: str = ""
    version: int = 0

    @property
    def key(self) -> str:
        """What it is known by among the person's."""
        return issued_key(self.name, self.occasion)

    def state(self, now: datetime) -> Literal["open", "redeemed", "expired"]:
        """What has become of it."""
        if self.redeemed:
            return "redeemed"
        return "expired" if self.ends and self.ends <= now else "open"


def issued_key(name: str, occasion: str) -> str:
    """The sort key of what a person got of a name on an occasion."""
    return f"{name}/{occasion}"


def codes_key(name: str) -> str:
    """The partition of all codes of a name."""
    return f"codes {name}"


def normal(code: str) -> str:
    """A code as a shop compares it."""
    return code.strip().upper()


def part_of(code: str) -> int:
    """In which part a code stands."""
    return int(short_hash(normal(code))[:8], 16) % PARTS
