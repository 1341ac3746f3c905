"""What may happen to a deal: its way through the stages, its offers, and what it still lacks."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from functions.sales.records import Deal, Offer, Stay
from functions.sales.rules import CLOSED, LOST, WON, Stage
from functions.sales.work import NotSo
from functions.segments.condition import did_you_mean
from functions.tracking.event import Event
from functions.tracking.history import Change, as_event, changed

CREATED, MOVED = "Deal Created", "Deal Stage Changed"
OFFER_SENT, OFFER_SIGNED = "Offer Sent", "Offer Signed"
CLOSING = {WON: "Deal Won", LOST: "Deal Lost"}
MOST_OFFERS = 50


def missing(deal: Deal, pipeline: Mapping[str, Stage]) -> list[str]:
    """What the deal's stage needs and no conversation has told yet."""
    stage = pipeline.get(deal.stage)
    return [name for name in stage.needs if not _said(deal.known.get(name))] if stage else []


def still_missing(deal: Deal, pipeline: Mapping[str, Stage], told: Mapping[str, Any]) -> list[str]:
    """The same, after a conversation that told this."""
    return [name for name in missing(deal, pipeline) if not _said(told.get(name))]


def _said(value: Any) -> bool:
    return value not in (None, "", [])


def move(
    deal: Deal, to: str, by: str, reason: str, now: datetime, pipeline: Mapping[str, Stage]
) -> bool:
    """Move it to a stage, also back, or close it, or open it again. False: it is there.

    Forward only with what its stage needs; losing takes a reason. Raises NotSo, TooMany.
    """
    if to == deal.stage:
        return False
    order = [*pipeline, *CLOSED]
    if to not in order:
        raise NotSo(f'there is no stage "{to[:60]}" in sales.yaml; {did_you_mean(to, order)}')
    lacks = missing(deal, pipeline)
    if lacks and to != LOST and order.index(to) > order.index(deal.stage):
        raise NotSo(f'the stage "{deal.stage}" needs, from a note: {", ".join(lacks)}')
    if to == LOST and not reason.strip():
        raise NotSo('say why it is lost, in "reason"')
    said = {"before": deal.stage, **worth(deal), **({"reason": reason} if reason else {})}
    deal.history = changed(deal.history, Change(now, CLOSING.get(to, MOVED), by, "", said))
    deal.stays = [*deal.stays, Stay(to, now)]
    deal.reason = reason if to in CLOSED else ""
    return True


def send_offer(deal: Deal, offer_id: str, value: Decimal | None, by: str, now: datetime) -> bool:
    """Note that an offer went out. False: it did already. Raises NotSo, TooMany."""
    if any(offer.offer_id == offer_id for offer in deal.offers):
        return False
    _refuse_closed(deal)
    if len(deal.offers) >= MOST_OFFERS:
        raise NotSo(f"a deal has at most {MOST_OFFERS} offers")
    said = _of_offer(deal, offer_id, value)
    deal.history = changed(deal.history, Change(now, OFFER_SENT, by, "", said))
    deal.offers = [*deal.offers, Offer(offer_id, now, value)]
    return True


def sign_offer(deal: Deal, offer_id: str, by: str, now: datetime) -> bool:
    """Note that an offer was signed. False: it was already. Raises NotSo, TooMany."""
    offer = next((one for one in deal.offers if one.offer_id == offer_id), None)
    if offer is None:
        there = did_you_mean(offer_id, [one.offer_id for one in deal.offers])
        raise NotSo(f'the deal has no offer "{offer_id[:60]}"; {there}')
    if offer.signed:
        return False
    _refuse_closed(deal)
    said = _of_offer(deal, offer_id, offer.value)
    deal.history = changed(deal.history, Change(now, OFFER_SIGNED, by, "", said))
    signed = Offer(offer.offer_id, offer.sent, offer.value, now)
    deal.offers = [signed if one is offer else one for one in deal.offers]
    return True


def _of_offer(deal: Deal, offer_id: str, value: Decimal | None) -> dict[str, Any]:
    return {**worth(deal, value), "offer": offer_id}


def worth(deal: Deal, value: Decimal | None = None) -> dict[str, Any]:
    """What events tell of the deal as it is now, or of an offer of it that is worth `value`."""
    amount = deal.value if value is None else value
    return {
        "title": deal.title,
        "value": float(amount),
        "currency": deal.currency,
        "owner": deal.owner,
        **({"account": deal.account} if deal.account else {}),
    }


def _refuse_closed(deal: Deal) -> None:
    if deal.stage in CLOSED:
        raise NotSo(f"the deal is {deal.stage}; move it back to a stage first")


def deal_event(deal: Deal, index: int) -> Event:
    """One change of the deal (-1: the last) as an event about the person.

    What may change later (value, title, owner) is told as it was, so that the event stays the
    same when it is told again.
    """
    number = range(len(deal.history))[index]
    about = {"deal": deal.deal_id, "stage": _stage_after(deal, number)}
    return as_event(deal.person, deal.deal_id, deal.history, number, **about)


def _stage_after(deal: Deal, number: int) -> str:
    moves = sum(one.event in (MOVED, *CLOSING.values()) for one in deal.history[: number + 1])
    return deal.stays[moves].stage
