"""Visits to mails, labelled: what programs and what people leave behind when a mail arrives.

Composed from what vendors publish about their products (Microsoft Defender's Safe Links, Mimecast's
URL Protect, Proofpoint's URL Defense, Barracuda's Link Protect, Apple's Mail Privacy Protection,
Google's image proxy, the link previews of Slack, Teams and WhatsApp) and from what browsers and
mail programs send. It is not recorded traffic, so its error rates say how the rules treat these
patterns, not how often the world shows them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from functions.tracking.robots import CLICKED, HONEYPOT, OPENED

DELIVERED = datetime(2027, 3, 1, 9, tzinfo=UTC)
LINKS = 6
DESKTOPS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; Microsoft Outlook "
    "16.0.17726; ms-office; MSOffice 16)",
)
PHONES = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36",
)
CHROME = DESKTOPS[0]
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
HOMES = ("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24", "2001:db8:12::/48")
AZURE = "20.190.128.0/24"  # a cloud's, of which nobody says who is in it


class Visit(NamedTuple):
    """An open or a click `after` the delivery; `robot` is what it truly was."""

    name: str
    after: timedelta
    agent: str
    network: str
    robot: bool
    link: str = ""
    method: str = "GET"
    prefetch: str = ""

    @property
    def shown(self) -> dict[str, object]:
        """The properties of its event that are evidence."""
        said = {
            "user_agent": self.agent,
            "network": self.network,
            "method": self.method,
            "links": LINKS,
            "link_id": self.link,
            "prefetch": self.prefetch,
        }
        return {name: one for name, one in said.items() if one or name == "user_agent"}


class Mail(NamedTuple):
    """All that happened to one mail, and of what pattern it is."""

    pattern: str
    visits: list[Visit]


def mails(seed: int, copies: int) -> Iterator[Mail]:
    """Each pattern so many times, its times and agents drawn anew."""
    random = Random(seed)
    for pattern, draw in PATTERNS.items():
        for _ in range(copies):
            visits = sorted(draw(random), key=lambda visit: visit.after)
            yield Mail(pattern.replace("_", " "), visits)


def _seconds(random: Random, low: float, high: float) -> timedelta:
    return timedelta(seconds=random.uniform(low, high))


def _scan(
    random: Random, agent: str, network: str, begin: timedelta, links: list[str], apart: float
) -> list[Visit]:
    at, found = begin, []
    for link in links:
        found.append(Visit(CLICKED, at, agent, network, True, link))
        at += _seconds(random, 0, apart)
    return found


ALL = [str(number) for number in range(1, LINKS + 1)]


def safe_links_before_delivery(random: Random) -> list[Visit]:
    """A browser's agent from the cloud, while the mail is let through."""
    begin = _seconds(random, -20, 0)
    return _scan(random, CHROME, AZURE, begin, random.sample(ALL, 2), 0.8)


def safe_links_all_and_the_hidden_one(random: Random) -> list[Visit]:
    begin = _seconds(random, 1, 60)
    return _scan(random, CHROME, AZURE, begin, [*ALL, HONEYPOT], 0.6)


def safe_links_two_at_leisure(random: Random) -> list[Visit]:
    """The one that cannot be told: few links, a browser's agent, long after."""
    return _scan(random, CHROME, AZURE, _seconds(random, 60, 900), random.sample(ALL, 2), 60)


def mimecast(random: Random) -> list[Visit]:
    begin = _seconds(random, 0, 30)
    return _scan(random, CHROME, "207.211.30.0/24", begin, random.sample(ALL, 4), 1)


def proofpoint_heads(random: Random) -> list[Visit]:
    begin = _seconds(random, 0, 40)
    found = _scan(random, CHROME, "148.163.130.0/24", begin, ALL, 0.5)
    return [visit._replace(method="HEAD") for visit in found]


def proofpoint_from_elsewhere(random: Random) -> list[Visit]:
    """Each link from another address, with another agent."""
    found = _scan(random, CHROME, AZURE, _seconds(random, 2, 40), ALL, 0.9)
    agents = (*DESKTOPS, *PHONES)
    return [
        visit._replace(agent=random.choice(agents), network=f"20.190.{n}.0/24")
        for n, visit in enumerate(found)
    ]


def barracuda(random: Random) -> list[Visit]:
    begin = _seconds(random, -5, 10)
    return _scan(random, "BarracudaCentral", "209.222.82.0/24", begin, random.sample(ALL, 3), 2)


def apple_privacy(random: Random) -> list[Visit]:
    return [Visit(OPENED, _seconds(random, 1, 7200), "Mozilla/5.0", "104.28.30.0/24", True)]


def chat_preview(random: Random) -> list[Visit]:
    """The mail's link was pasted to a friend, whose messenger looks."""
    agent = random.choice(
        [
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "WhatsApp/2.24.13.77 A",
            "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@m",
            "facebookexternalhit/1.1 Facebot Twitterbot/1.0",
            "TelegramBot (like TwitterBot)",
        ]
    )
    link, at = random.choice(ALL), _seconds(random, 300, 90000)
    return [Visit(CLICKED, at, agent, AZURE, True, link)]


def command_line(random: Random) -> list[Visit]:
    agent = random.choice(["curl/8.5.0", "Wget/1.21", "python-requests/2.32.3", ""])
    return [Visit(CLICKED, _seconds(random, 5, 9000), agent, AZURE, True, random.choice(ALL))]


def browser_prefetch(random: Random) -> list[Visit]:
    at, link = _seconds(random, 60, 9000), random.choice(ALL)
    ahead = Visit(CLICKED, at, PHONES[1], HOMES[0], True, link, prefetch="prefetch")
    return [ahead]


def _person(random: Random, agent: str, home: str, first: float, last: float) -> list[Visit]:
    at = _seconds(random, first, last)
    found = [Visit(OPENED, at, agent, home, False)]
    for link in random.sample(ALL, random.choice([0, 1, 1, 2])):
        at += _seconds(random, 3, 120)
        found.append(Visit(CLICKED, at, agent, home, False, link))
    return found


def reads_at_a_desk(random: Random) -> list[Visit]:
    return _person(random, random.choice(DESKTOPS), random.choice(HOMES), 20, 86400)


def reads_on_a_phone(random: Random) -> list[Visit]:
    return _person(random, random.choice(PHONES), random.choice(HOMES), 10, 86400)


def waits_for_the_mail(random: Random) -> list[Visit]:
    """Whoever has just asked for it clicks within seconds."""
    agent, home = random.choice(DESKTOPS + PHONES), random.choice(HOMES)
    at = _seconds(random, 4, 12)
    click = Visit(CLICKED, at + _seconds(random, 1, 3), agent, home, False, "1")
    return [Visit(OPENED, at, agent, home, False), click]


def opens_two_in_new_tabs(random: Random) -> list[Visit]:
    agent, home, at = random.choice(DESKTOPS), random.choice(HOMES), _seconds(random, 60, 9000)
    second = at + _seconds(random, 0.6, 2)
    one, other = random.sample(ALL, 2)
    return [
        Visit(CLICKED, at, agent, home, False, one),
        Visit(CLICKED, second, agent, home, False, other),
    ]


def opens_three_in_new_tabs(random: Random) -> list[Visit]:
    """The quickest of people: some of them are taken for robots."""
    agent, home, at = random.choice(DESKTOPS), random.choice(HOMES), _seconds(random, 60, 9000)
    found = []
    for link in random.sample(ALL, 3):
        found.append(Visit(CLICKED, at, agent, home, False, link))
        at += _seconds(random, 1, 6)
    return found


def clicks_twice(random: Random) -> list[Visit]:
    agent, home, at = random.choice(PHONES), random.choice(HOMES), _seconds(random, 60, 9000)
    again = at + _seconds(random, 0.2, 1)
    return [Visit(CLICKED, when, agent, home, False, "2") for when in (at, again)]


def was_forwarded(random: Random) -> list[Visit]:
    later = _person(random, random.choice(PHONES), "192.0.2.0/24", 90000, 200000)
    return _person(random, random.choice(DESKTOPS), HOMES[0], 60, 9000) + later


def reads_by_a_proxy(random: Random) -> list[Visit]:
    agent, at = random.choice([GMAIL, YAHOO]), _seconds(random, 20, 86400)
    click = Visit(CLICKED, at + _seconds(random, 5, 60), CHROME, HOMES[1], False, "3")
    return [Visit(OPENED, at, agent, "66.249.84.0/24", False), click]


def reads_after_a_scanner(random: Random) -> list[Visit]:
    """At work: first the gateway, some minutes later the person."""
    scan = safe_links_all_and_the_hidden_one(random)
    return scan + _person(random, random.choice(DESKTOPS), HOMES[1], 900, 30000)


PATTERNS = {
    draw.__name__: draw
    for draw in (
        safe_links_before_delivery,
        safe_links_all_and_the_hidden_one,
        safe_links_two_at_leisure,
        mimecast,
        proofpoint_heads,
        proofpoint_from_elsewhere,
        barracuda,
        apple_privacy,
        chat_preview,
        command_line,
        browser_prefetch,
        reads_at_a_desk,
        reads_on_a_phone,
        waits_for_the_mail,
        opens_two_in_new_tabs,
        opens_three_in_new_tabs,
        clicks_twice,
        was_forwarded,
        reads_by_a_proxy,
        reads_after_a_scanner,
    )
}
