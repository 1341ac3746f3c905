"""Whether a message is allowed: asked when a step comes to it, and again within the claim."""

from datetime import datetime

from functions.messages.brand import Brand
from functions.tracking.permission import MARKETING_PAUSED, Permission, is_paused, refusal

TRANSACTIONAL = "transactional"  # the class of what is part of a contract


def class_of(purpose: str, kind: str, brand: Brand) -> str:
    """The class of a message: "transactional" where it goes without consent, whatever journey sends
    it; else the class (`kind`) of its journey."""
    return kind if brand.must_be_allowed(purpose) else TRANSACTIONAL


def why_not(permission: Permission, channel: str, purpose: str, brand: Brand, now: datetime) -> str:
    """Why nothing may go on this channel for this purpose `now`, in words that a marketer may
    read; "" when it may. It looks at the permission item alone, so that the claim can ask it
    within its one conditional write."""
    needs = brand.must_be_allowed(purpose)
    reason = refusal(permission, channel, purpose, needs)
    if not reason and needs and is_paused(permission, now):
        return MARKETING_PAUSED
    return reason
