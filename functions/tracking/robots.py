"""People told from robots, by what an open or a click shows and what its message remembers.

Scanners open links before a mail is let through, mail programs load pictures before anybody looks,
messengers fetch a preview. Knowledge is thin: vendors say little of how their scanners look, most
of them show a browser's user agent, and nobody publishes the addresses from which all of them
come. So what is judged is kept with the event, and can be judged again.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

import msgspec

from functions.tracking.identity import short_hash

OPENED, CLICKED, SMS_CLICKED = "Email Opened", "Email Link Clicked", "SMS Link Clicked"
DOWNLOADED = "Asset Downloaded"
BY_ROBOT = " by Robot"  # what the same event is called when it was none of a person's
TOUCHES = frozenset({OPENED, CLICKED, SMS_CLICKED, DOWNLOADED})
BY_ROBOTS = frozenset(name + BY_ROBOT for name in TOUCHES)
HONEYPOT = "~"  # see messages/link.py
TOO_FAST = timedelta(seconds=2)  # after delivery: a person has not read it yet
BURST = timedelta(seconds=5)
MANY = 3  # different links within a burst; of a mail that has fewer, all
TOGETHER = timedelta(seconds=10)  # around a robot's touch, whoever seems to have come
SAME_VISIT = timedelta(minutes=10)  # around a robot's touch, from the same agent and network
MOST_TOUCHES = 12

# The open of a person, whose picture was fetched by the mail provider when they looked: counted.
# https://developers.google.com/workspace/gmail/design/css (images are served by Google's proxy);
# how it calls itself: https://www.scientiamobile.com/what-is-google-image-proxy/. Yahoo's names its
# own page, https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html.
PROXIES = ("GoogleImageProxy", "YahooMailProxy")
# Apple's Mail Privacy Protection loads all pictures when a mail arrives, through relays, with
# this user agent and nothing more; who opens cannot be told (https://www.apple.com/legal/privacy/).
APPLE = "Mozilla/5.0"
_AGENTS = re.compile(
    r"""bot\b | crawler | spider | preview | slurp | scanner | headless | phantomjs | wget | ^curl
    | python- | ^python | aiohttp | httpx | go-http-client | okhttp | ^java | libwww | apache-http
    | axios | node-fetch | ^ruby | ^php | guzzle | postman | facebookexternalhit | whatsapp
    | slack-imgproxy | telegram | barracuda | mimecast | proofpoint | cloudmark | symantec
    | bitdefender | safelinks | urldefense | virustotal | google-safety | urlscan""",
    re.IGNORECASE | re.VERBOSE,
)
# Networks of vendors' mail gateways, each with where it was found (November 2026). That their
# scanners of links come from there as well is not promised, and Microsoft's come from all of Azure:
# this finds some of them, and no person, whose browser stands in a network of their own.
SCANNERS = {
    # The first: Proofpoint's support page for customers' firewalls (proofpoint.my.site.com,
    # PPSup_SupportInfo). The others: Microsoft Defender's list of exceptions from throttling, by
    # vendor ("IP Throttle Override for GCC").
    "Proofpoint": ("67.231.144.0/20", "148.163.128.0/19", "205.220.160.0/19"),
    # What AS30031 announces; mails with Mimecast's DKIM selectors come from it (headers kept in
    # the archives of lists.linaro.org).
    "Mimecast": ("207.211.30.0/24", "205.139.110.0/23", "170.10.128.0/22", "170.10.132.0/23"),
    # ARIN's entry of NET-64-235-144-0-1; Barracuda's page "IP Analysis - Inbound"
    # (campus.barracuda.com).
    "Barracuda": ("64.235.144.0/20", "209.222.80.0/21"),
    # Exchange Online Protection, in MicrosoftDocs/microsoft-365-docs,
    # includes/office-365-worldwide-endpoints.md.
    "Microsoft": ("40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17"),
}
_NETWORKS = [(name, ip_network(one)) for name, all_ in SCANNERS.items() for one in all_]


class Touch(msgspec.Struct, array_like=True):
    """An open or a click as its message remembers it for a while: `link` is None for an open,
    `who` a hash of agent and network, `id` of the event's id."""

    time: datetime
    link: str | None
    who: str
    id: str
    robot: bool = False


class Verdict(NamedTuple):
    """Why it was a robot (nothing: a person), whether a proxy fetched for a person, and the
    touches of before that turn out to be a robot's."""

    reasons: list[str]
    proxied: bool
    also: list[Touch]


def touch(name: str, time: datetime, message_id: str, shown: dict[str, Any]) -> Touch:
    """What the message keeps of an event with these properties."""
    who = short_hash(str(shown.get("user_agent", "")), str(shown.get("network", "")))[:8]
    link = None if name == OPENED else str(shown.get("link_id") or "")
    return Touch(time, link, who, short_hash(message_id)[:8])


def judge(
    name: str,
    one: Touch,
    shown: dict[str, Any],
    before: Iterable[Touch] = (),
    delivered: datetime | None = None,
) -> Verdict:
    """Whether a robot did it, from what the event shows and what its message knows.

    `shown` are the event's properties (user_agent, method, network, prefetch, links). `before`
    are the message's other touches, `delivered` when it was handed over, None where that says
    nothing. Asked again with the same, the answer is the same, in whatever order they came.
    """
    others = [other for other in before if other.id != one.id]
    agent = str(shown.get("user_agent") or "").strip()
    proxied = name == OPENED and any(proxy in agent for proxy in PROXIES)
    reasons = [*_by_itself(name, one, shown, agent, proxied)]
    if delivered and one.time < delivered + TOO_FAST:
        reasons.append("before anybody could have read it")
    burst = _burst(one, others, int(shown.get("links") or 0))
    if burst:
        reasons.append("many links at once")
    if not reasons:
        reasons += _by_company(one, others)
        return Verdict(reasons, proxied, [])
    also = [
        other
        for other in others
        if other.link is not None
        and not other.robot
        and (other in burst or (one.link == HONEYPOT and _is_near(one, other)))
    ]
    return Verdict(reasons, proxied, also)


def _by_itself(
    name: str, one: Touch, shown: dict[str, Any], agent: str, proxied: bool
) -> Iterable[str]:
    if one.link == HONEYPOT:
        yield "the link that no person sees"
    if shown.get("method") == "HEAD":
        yield "asked for the head only"
    if shown.get("prefetch"):
        yield "fetched ahead of time"
    if name == OPENED and agent == APPLE:
        yield "Apple Mail loads every picture"
    if not agent and "user_agent" in shown and name != OPENED:
        yield "no user agent"
    if agent and not proxied and _AGENTS.search(agent):
        yield "a program's user agent"
    vendor = _vendor(str(shown.get("network") or ""))
    if vendor and not proxied:
        yield f"from {vendor}'s network"


def _vendor(network: str) -> str:
    try:
        address = ip_address(network.partition("/")[0])
    except ValueError:
        return ""
    return next((name for name, one in _NETWORKS if address in one), "")


def _burst(one: Touch, others: list[Touch], links: int) -> list[Touch]:
    """The clicks with which this one makes too many different links within seconds."""
    if one.link is None or links == 1:
        return []
    enough = min(MANY, links) if links else MANY
    clicks = sorted((o for o in (one, *others) if o.link is not None), key=lambda o: o.time)
    # Of two links a quick reader may click both: that takes a moment, a scanner none.
    length = BURST if enough > 2 else TOO_FAST / 4
    found: list[Touch] = []
    for first in clicks:
        span = [o for o in clicks if first.time <= o.time <= first.time + length]
        if one in span and len({o.link for o in span}) >= enough:
            found += span
    return found


def _by_company(one: Touch, others: list[Touch]) -> Iterable[str]:
    """Whether it came beside what surely was a robot: one that clicked on what nobody sees."""
    if one.link is None:
        return
    if any(o.link == HONEYPOT and _is_near(one, o) for o in others):
        yield "beside a click on the link that no person sees"


def _is_near(one: Touch, other: Touch) -> bool:
    apart = abs(one.time - other.time)
    return apart <= TOGETHER or (one.who == other.who and apart <= SAME_VISIT)


def latest(touches: Iterable[Touch]) -> list[Touch]:
    """What a message keeps: the last few, each once; those that trap others before the others."""
    once = {one.id: one for one in touches}.values()
    kept = sorted(once, key=lambda one: (one.time, one.id))
    traps = [one for one in kept if one.link == HONEYPOT][:1]
    rest = [one for one in kept if one not in traps][-(MOST_TOUCHES - len(traps)) :]
    return sorted([*traps, *rest], key=lambda one: (one.time, one.id))
