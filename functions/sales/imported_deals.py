"""A deal as a CRM tells it: its word counts without a question, and a newer one replaces it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from functions.sales.deals import CLOSING, CREATED, MOVED, worth
from functions.sales.records import UNKNOWN_STAGE, Deal, Stay
from functions.sales.rules import CLOSED, LOST, WON, Stage
from functions.sales.work import NotSo
from functions.tracking.history import Change, changed

# What CRMs call the two ends, in small letters.
_ENDS = {
    **dict.fromkeys(("closed won", "closedwon", "gewonnen"), WON),
    **dict.fromkeys(("closed lost", "closedlost", "verloren"), LOST),
}

_TAKEN = ("deal", "stage", "by", "before")  # names that the events of a deal have already


class Told(msgspec.Struct, kw_only=True):
    """What a CRM says of a deal, and `at` which time that was so; "" and None: it says nothing.

    `created` is when the deal began, `since` when it came to its `stage`, a name of ours.
    """

    at: datetime
    created: datetime
    stage: str
    since: datetime | None = None
    title: str = ""
    value: Decimal | None = None
    currency: str = ""
    expected: str = ""
    owner: str = ""
    account: str = ""
    reason: str = ""
    properties: dict[str, Any] = {}


def stage_called(name: str, pipeline: Mapping[str, Stage]) -> str:
    """The stage that a CRM calls so: by its name or title here, however it is written; "" for "".
    Raises NotSo."""
    word = name.strip().casefold()
    if not word:
        return ""
    found = next(
        (one for one, stage in pipeline.items() if word in (one, stage.title.casefold())),
        _ENDS.get(word, word),
    )
    there = [*pipeline, *CLOSED]
    if found not in there:
        raise NotSo(f'there is no stage "{name[:60]}" in sales.yaml; there are: {", ".join(there)}')
    return found


def begun(person: str, deal_id: str, told: Told, pipeline: Mapping[str, Stage]) -> Deal:
    """The deal as it is first heard of. In which stages it stood before is not known; without a
    word since when, it is in its stage since it began."""
    stage = told.stage or next(iter(pipeline))
    since = told.since or (told.at if stage in CLOSED else None)
    is_later = since is not None and (since > told.created or stage in CLOSED)
    deal = Deal(
        person=person,
        deal_id=deal_id,
        title=told.title or deal_id,
        created=told.created,
        stays=[Stay(UNKNOWN_STAGE if is_later else stage, told.created)],
        heard=told.at,
    )
    _take(deal, told)
    own = {name: value for name, value in told.properties.items() if name not in _TAKEN}
    deal.history = [Change(told.created, CREATED, said={**own, **worth(deal)})]
    if is_later and since:
        _move(deal, stage, max(since, told.created), told.reason)
    return deal


def hear(deal: Deal, told: Told) -> bool:
    """Take in a later word of the deal; whether there is anything to save. What is older than the
    last word changes nothing, nor a stage what was moved here since then. Raises TooMany."""
    if deal.heard and told.at < deal.heard:
        return False
    before = msgspec.structs.asdict(deal)
    # A word that says what we know already is the last one too: an older one changes it no more.
    deal.heard = told.at
    _take(deal, told)
    if told.stage and told.stage != deal.stage and told.at > deal.stays[-1].since:
        _move(deal, told.stage, max(told.since or told.at, deal.stays[-1].since), told.reason)
    return before != msgspec.structs.asdict(deal)


def _take(deal: Deal, told: Told) -> None:
    for word in ("title", "value", "currency", "expected", "owner", "account"):
        value = getattr(told, word)
        if value not in ("", None):
            setattr(deal, word, value)


def _move(deal: Deal, stage: str, at: datetime, reason: str) -> None:
    said = {"before": deal.stage, **worth(deal), **({"reason": reason} if reason else {})}
    deal.history = changed(deal.history, Change(at, CLOSING.get(stage, MOVED), "", "", said))
    deal.stays = [*deal.stays, Stay(stage, at)]
    deal.reason = reason if stage in CLOSED else ""
