"""An account as a whole: what its members come to together."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from functions.segments.person import fields
from functions.tracking import orders
from functions.tracking.company import is_member, membership
from functions.tracking.profile import Profile

# Whoever decides with others is among few: 10,000 addresses do not make a company interested.
SCORED = 5
COUNTED = ("role", "level", "department", "buying_role")
UNKNOWN = ""


class Scored(msgspec.Struct):
    """A member whose score counts, and what they are there."""

    person: str
    name: str
    score: float
    level: str


class Summary(msgspec.Struct, kw_only=True):
    """What the members come to.

    `score` is the sum of the five highest scores of members, who stand in `score_of`. `stage` is
    for each model of lifecycle.yaml the furthest one of a member, `stages` how many stand where.
    `levels` and the like count the members by what they are there ("": not known). `revenue` is
    by currency.
    """

    looked_at: int = 0
    score: float = 0
    score_of: list[Scored] = []
    stage: dict[str, str] = {}
    stages: dict[str, dict[str, int]] = {}
    levels: dict[str, int] = {}
    roles: dict[str, int] = {}
    departments: dict[str, int] = {}
    buying_roles: dict[str, int] = {}
    orders: int = 0
    revenue: dict[str, Decimal] = {}
    last_seen: datetime | None = None


def sum_up(
    account_id: str,
    members: Iterable[Profile],
    order: Mapping[str, Sequence[str]],
    now: datetime,
) -> Summary:
    """What these members of the account come to now; `order` has each model's stages in the order
    of the file, by the model's name."""
    found = [(profile, fields(profile, now)) for profile in members]
    found = [(profile, known) for profile, known in found if is_member(profile, account_id)]
    best = sorted(found, key=lambda one: (-one[1]["score"], one[0].person))[:SCORED]
    best = [one for one in best if one[1]["score"] > 0]
    seen = [known["last_seen"] for _, known in found if known["last_seen"]]
    stages = _stages(known for _, known in found)
    there = [membership(profile, account_id) for profile, _ in found]
    roles, levels, departments, buying = (_counted(there, word) for word in COUNTED)
    return Summary(
        looked_at=len(found),
        score=round(sum(known["score"] for _, known in best), 6),
        score_of=[_scored(account_id, profile, known) for profile, known in best],
        stage={
            model: furthest
            for model, names in order.items()
            if (furthest := _furthest(names, stages.get(model, {})))
        },
        stages=stages,
        levels=levels,
        roles=roles,
        departments=departments,
        buying_roles=buying,
        orders=sum(known["orders"] for _, known in found),
        revenue=_revenue(profile for profile, _ in found),
        last_seen=max(seen, default=None),
    )


def called(known: Mapping[str, Any]) -> str:
    """What a person is called, by their fields; "" where nobody has said."""
    parts = (known.get("first_name"), known.get("last_name"))
    name = known.get("name") or " ".join(str(part) for part in parts if part)
    return str(name or known.get("email") or "")


def _scored(account_id: str, profile: Profile, known: Mapping[str, Any]) -> Scored:
    level = membership(profile, account_id).get("level", UNKNOWN)
    return Scored(profile.person, called(known), known["score"], level)


def _counted(there: Sequence[Mapping[str, str]], word: str) -> dict[str, int]:
    """The most frequent first."""
    return dict(Counter(one.get(word, UNKNOWN) for one in there).most_common())


def _stages(members: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for known in members:
        for model, stage in stages_of(known):
            found.setdefault(model, Counter())[stage] += 1
    return {model: dict(count.most_common()) for model, count in found.items()}


def stages_of(known: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The models of lifecycle.yaml in which a person stands, by their fields, and where."""
    stages = known.get("stages")
    if isinstance(stages, dict):
        yield from ((model, stage) for model, stage in stages.items() if isinstance(stage, str))


def _furthest(names: Sequence[str], there: Mapping[str, int]) -> str:
    return next((name for name in reversed(names) if name in there), "")


def _revenue(members: Iterable[Profile]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for profile in members:
        for currency, amount in orders.revenue(profile).items():
            found[currency] = found.get(currency, Decimal(0)) + amount
    return found
