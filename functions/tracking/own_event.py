"""Events of our own: what Tante itself finds out or does about a person, told like any other."""

from datetime import datetime
from typing import Any

from functions.tracking.event import IMPORT, SCORE_ADDED, Event
from functions.tracking.identity import short_hash
from functions.tracking.profile import Fact
from functions.tracking.robots import BY_ROBOTS

SEGMENTS = "segments"  # the source of what the segments' rules tell
SCORING = "scoring"  # of what the score's rules tell, and of points that colleagues give
SCORE_REACHED, SCORE_FELL = "Score Reached", "Score Fell"
SEGMENT_ENTERED, SEGMENT_LEFT = "Segment Entered", "Segment Left"
LIFECYCLE, STAGE_CHANGED = "lifecycle", "Stage Changed"
REFERRALS = "referrals"  # of what the one hears whose code brought a customer
REFERRAL_WON, REFERRAL_LOST = "Referral Won", "Referral Lost"
MESSAGE_SENT = "Message Sent"  # told where a rule asks for it
SUPPRESSIONS = "suppressions"  # of addresses to which nothing may go any more, or again
ADDRESS_SUPPRESSED, SUPPRESSION_LIFTED = "Address Suppressed", "Suppression Lifted"
TEXT_RECEIVED = "SMS Received"  # somebody wrote to our number
PREFERENCES_CHANGED = "Preferences Changed"  # by the person, on our page
FELL_ASLEEP = "Fell Asleep"  # of somebody to whom a message did not go because of the sunset
CODES, CODE_ISSUED, CODE_REDEEMED = "codes", "Code Issued", "Code Redeemed"
CONSENT_REQUESTED, CONSENT_CONFIRMED = "Consent Requested", "Subscription Confirmed"
CONSENT_GIVEN, CONSENT_WITHDRAWN = "Consent Given", "Consent Withdrawn"
SIGN_UPS, SIGN_UP_EXPIRED = "sign-ups", "Sign-Up Expired"  # the source of the last, and its name
# What we found out or did: no sign that the person was there.
NO_SIGN_OF_LIFE = frozenset(
    {
        *(SEGMENT_ENTERED, SEGMENT_LEFT, MESSAGE_SENT, FELL_ASLEEP),
        *("Account Joined", "Account Changed", "Account Left"),
        *(REFERRAL_WON, REFERRAL_LOST),
        *(CODE_ISSUED, CODE_REDEEMED),
        SIGN_UP_EXPIRED,
        *(STAGE_CHANGED, SCORE_REACHED, SCORE_FELL, SCORE_ADDED),
        *(ADDRESS_SUPPRESSED, SUPPRESSION_LIFTED),
        *("Email Sent", "Email Delivered", "Email Bounced", "Email Delayed", "Email Rejected"),
        *("SMS Sent", "SMS Delivered", "SMS Bounced"),
        *BY_ROBOTS,
    }
)
# Every name under which Tante tells of what it found out or did, or of what colleagues did: a
# website may not, for a journey, a score or a report would believe it.
OURS = NO_SIGN_OF_LIFE | {
    "Person Erased",
    *("Email Opened", "Email Link Clicked", "Email Marked as Spam", TEXT_RECEIVED),
    *(CONSENT_REQUESTED, CONSENT_CONFIRMED),
    *("Task Created", "Task Completed", "Task Reopened", "Task Reassigned"),
    *("Lead Handed Over", "Lead Accepted", "Lead Rejected", "Lead Won", "Lead Lost"),
    *("Deal Created", "Deal Stage Changed", "Deal Won", "Deal Lost", "Offer Sent", "Offer Signed"),
    *("Call Logged", "Meeting Held", "Visit Held", "Email Answered", "Contact Attempted"),
}
PERSON_ERASED = "Person Erased"  # what webhooks may ask to hear; no timeline has it
BACKFILL = "backfill"  # the property of what was found because rules were published


def own_event(
    source: str, person: str, name: str, occasion: str, now: datetime, **properties: Any
) -> Event:
    """A track call about the person with this key, from `source` (a name of ours, such as
    "segments"). The same person, name and `occasion` give the same event, so that it counts once
    however often it is sent."""
    return Event(
        type="track",
        event=name,
        message_id=f"{source}-{short_hash(person, name, occasion)}",
        time=now,
        received_at=now,
        client_time=now.isoformat(),
        properties=properties,
        source=source,
        trusted=True,
        person=person,
    )


def told(fact: Fact) -> Event:
    """The event that tells of a change; the same however often it is made."""
    event = own_event(
        fact.source, fact.person, fact.name, fact.occasion, fact.time, **fact.properties
    )
    event.context = {IMPORT: {"quiet": True}} if fact.quiet else {}
    return event


def is_backfill(event: Event) -> bool:
    """Whether it tells of what was so before, and was found because rules were published."""
    return bool(event.person) and event.properties.get(BACKFILL) is True
