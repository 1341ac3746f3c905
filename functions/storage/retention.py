"""What we keep of people, why, and for how long: one row for each kind of record.

The erasure's proof, the export and the register of processing activities (Art. 30 GDPR) are made
of this table; a test holds it against the table of kinds, which says when a record goes by itself.
"""

from datetime import timedelta
from typing import Any, NamedTuple

from functions.codes.records import CodePart, IssuedCode
from functions.doors.records import Act, AskedNumbers, Pace, SecretKey, Session
from functions.forecast.record import KEPT_FOR as FORECAST_KEPT_FOR
from functions.forecast.record import Forecast
from functions.journeys.counted import KEPT_FOR as USED_KEPT_FOR
from functions.journeys.counted import Counted
from functions.journeys.run import (
    DECISIONS_KEPT,
    KEPT,
    Decision,
    Draft,
    JourneyVersion,
    Run,
    Task,
    Waits,
)
from functions.journeys.standing import Backfill, Standing, Sweep, Taken
from functions.products.product import LearnedPart, Product
from functions.sales.records import Deal, Lead, Note
from functions.segments.census_records import (
    KEPT_FOR,
    CensusPart,
    Cuts,
    Figures,
    ReferralFigures,
)
from functions.segments.cluster_records import ClusterChoices, ClusterReport, FirstOrdersPart
from functions.settings import ROWS_LIVE
from functions.storage.kinds import KINDS
from functions.tracking.account import Account, Member
from functions.tracking.breaker import KEPT_FOR as COUNTED_FOR
from functions.tracking.breaker import Bucket
from functions.tracking.erasure import KEPT_FOR as PROOF_KEPT_FOR
from functions.tracking.erasure import Erasure
from functions.tracking.evidence import Evidence
from functions.tracking.merge_record import Before, Merge
from functions.tracking.message import Kept, Message
from functions.tracking.pause import Pause
from functions.tracking.permission import Permission
from functions.tracking.profile import OrderRow, Profile, TimelineRow
from functions.tracking.referral_record import ReferralCode
from functions.tracking.short_link import ShortLink
from functions.tracking.sign_up import SignUp
from functions.tracking.source import Source
from functions.tracking.suppressed import Suppressed

SHORT_LIVE = timedelta(days=400)  # as long as events
NOBODY = "nothing about a person"


class Row(NamedTuple):
    """What a kind of record is called, what is in it, what it is for, and when it goes by itself
    (None: when the person is erased, or what it is about is deleted)."""

    title: str
    holds: str
    purpose: str
    kept: timedelta | None = None


_PERSON = "whatever the shop told about a person: contact, traits, orders, carts, pages, devices"
_SALES = "selling to those who are interested"
_STATS = "knowing customers as a whole"
_SEND = "sending the messages of journeys"
_PROVE = "proving what was allowed and done"
_SAFE = "keeping strangers and robots out"
_SELF = "keeping the system at work"

REGISTER: dict[type[Any], Row] = {
    Profile: Row("profile", _PERSON, "deciding which message fits whom"),
    Permission: Row("permission", "consents, suppressions, recent messages", _PROVE),
    Merge: Row("merge", "identifiers by which two people were found to be one", "knowing people"),
    Before: Row("state before a merge", _PERSON, "parting people again", ROWS_LIVE),
    Run: Row("run", "who went through which journey", _SEND),
    Waits: Row("wait", "for which event a run waits", _SEND, KEPT),
    Decision: Row("decision", "why a journey took which way for a person", _PROVE, DECISIONS_KEPT),
    Standing: Row("standing", "when a person is looked at again", _SEND),
    Sweep: Row("sweep", NOBODY, _SELF),
    Backfill: Row("backfill", NOBODY, _SELF),
    Taken: Row("number of entries", NOBODY, _SELF, timedelta(days=2)),
    Counted: Row("count of what a journey used", NOBODY, _SELF, USED_KEPT_FOR),
    Message: Row("message", "which message went when, opened and clicked when", _PROVE),
    Task: Row("task", "what a colleague is to do for a person", _SALES),
    Lead: Row("lead", "hand-overs to sales, with score and reasons", _SALES),
    Note: Row("note", "what was said in calls and meetings", _SALES),
    Deal: Row("deal", "offers, values and their history", _SALES),
    IssuedCode: Row("code", "which discount code a person got", "rewarding customers"),
    CodePart: Row("list of codes", NOBODY, "rewarding customers"),
    Pause: Row("pause of a channel", NOBODY, _SELF),
    Account: Row("account", "a company and its traits", _SALES),
    Member: Row("member", "who belongs to which company", _SALES),
    Product: Row("product", NOBODY, "showing products in messages"),
    ReferralCode: Row("referral", "whose code a referral code is", "rewarding customers"),
    OrderRow: Row("order", "orders that no longer fit into the profile", _STATS),
    TimelineRow: Row("event", "every event about a person", "journeys and segments", ROWS_LIVE),
    JourneyVersion: Row("journey", NOBODY, _SEND),
    Draft: Row("draft", NOBODY, _SEND),
    Source: Row("key", NOBODY, _SELF),
    Cuts: Row("cut point", NOBODY, _STATS, KEPT_FOR),
    Figures: Row("figure", "numbers, and some ids as examples", _STATS, KEPT_FOR),
    ReferralFigures: Row("referral figure", "numbers, and ids of who won most", _STATS, KEPT_FOR),
    CensusPart: Row("part of a count", "numbers, and some ids", _STATS, timedelta(days=2)),
    ClusterReport: Row("cluster", "numbers, and some ids as examples", _STATS, KEPT_FOR),
    FirstOrdersPart: Row("first order", "first orders, not whose they are", _STATS, KEPT_FOR),
    ClusterChoices: Row("name of a cluster", NOBODY, _STATS),
    LearnedPart: Row("learned of products", NOBODY, "suggesting products", KEPT_FOR),
    Forecast: Row("forecast", NOBODY, _STATS, FORECAST_KEPT_FOR),
    Erasure: Row("erasure", "keyed hashes, times and numbers", _PROVE, PROOF_KEPT_FOR),
    Evidence: Row("proof of consent", "who said yes or no, when, where and to which words", _PROVE),
    SignUp: Row("sign-up", "who was asked to confirm", _PROVE),
    Suppressed: Row("suppression", "keyed hashes of addresses to which nothing may go", _PROVE),
    Bucket: Row("count of receipts", "numbers by message and domain", _SEND, COUNTED_FOR),
    ShortLink: Row("short link", "where a text message's link leads", _SEND, SHORT_LIVE),
    SecretKey: Row("secret key", "names of colleagues and what they may", _SAFE),
    Session: Row("log-in", "which colleague's key is logged in", _SAFE, timedelta(hours=12)),
    Pace: Row("allowance", "keyed hashes and times", _SAFE, timedelta(days=2)),
    AskedNumbers: Row("asked numbers", "numbers by the beginning", _SAFE, timedelta(days=3)),
    Act: Row("act", "which colleague did what about whose id", _PROVE, timedelta(days=400)),
    Kept: Row("kept message", "messages that a test stage keeps instead of sending", "testing"),
}

# By the word that the tables use: what a proof or an export calls it.
TITLES = {KINDS[kind].prefix: row.title for kind, row in REGISTER.items()} | {
    "identifier": "link of an identifier",
    "example": "example in a report",
}
