"""The brand: what all journeys share, from brand.yaml."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache, cached_property
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import msgspec
from phonenumbers import SUPPORTED_REGIONS

from functions.messages.hours import Times
from functions.messages.link import refusal
from functions.segments.hours import Hours, hours
from functions.segments.phrases import BadPhrase, budget, duration
from functions.tracking.identity import normal_email

SOONEST_FORGOTTEN = timedelta(days=365)
PERSON_CHANGED = "person changed"
OTHERS = "others"  # numbers of which "sms costs" says nothing else
SMS_COST = 0.08  # where brand.yaml says none
MOST_TOLD = 50  # names of events
BRAND = "brand"  # it is kept like a journey of this name; no folder may be called so
_NUMBERS = re.compile(r"\+[1-9][0-9]{0,6}\Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_REFERRAL_PAGE = re.compile(r"https://[^\s#]+[?&](ref|referral_code)=\Z")
# A name of several parts whose last has letters only: no number is one.
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?")


class Sender(msgspec.Struct, forbid_unknown_fields=True):
    """Who messages come from."""

    name: str
    email: str
    reply_to: str = ""
    sms: str = ""


class Purpose(msgspec.Struct, forbid_unknown_fields=True):
    """What a person permits: its titles by language, and whether it needs permission at all."""

    title: dict[str, str]
    consent: Literal["required", "not needed"] = "required"


class Team(msgspec.Struct, forbid_unknown_fields=True):
    """Who gets tasks."""

    email: str
    title: dict[str, str] = {}


class Webhook(msgspec.Struct, forbid_unknown_fields=True, rename={"not_from": "not from"}):
    """A system that journeys may tell something.

    `tell` has the names of events of which it hears by itself (PERSON_CHANGED: of new traits),
    `not_from` the sources whose events it does not hear of, for they are its own.
    """

    url: str
    title: dict[str, str] = {}
    tell: list[str] = []
    not_from: list[str] = []


class Abc(msgspec.Struct, forbid_unknown_fields=True):
    """How much of all revenue (or margin) the best customers make, in per cent: those of class A,
    and those of A and B together."""

    A: Annotated[int, msgspec.Meta(ge=1, le=99)] = 80
    B: Annotated[int, msgspec.Meta(ge=2, le=100)] = 95

    @property
    def shares(self) -> tuple[int, int]:
        """Both, A's first."""
        return self.A, self.B


class Brand(
    msgspec.Struct,
    forbid_unknown_fields=True,
    rename={
        "time_zone": "time zone",
        "quiet_hours": "quiet hours",
        "referral_page": "referral page",
        "sms_countries": "sms countries",
        "answer_worth": "answer worth",
        "sms_costs": "sms costs",
        "forget_after": "forget after",
    },
    dict=True,  # for what is worked out once
):
    """brand.yaml, typed. A person's referral code is written behind `referral_page`. Text messages
    go to numbers of `sms_countries` only (ISO 3166, such as DE), where there are any. Who was not
    heard of for `forget_after` (a duration; "": never) is erased.

    In `currency`: what an answer to a message is worth (`answer_worth`), and what a text message
    costs by the beginning of the number it goes to, "+49" or OTHERS (`sms_costs`). `budget` is what
    all journeys together may cost in a month ("500 USD a month"; "": as much as they do).
    """

    name: str
    locale: str
    languages: list[str]
    time_zone: str
    currency: str
    sender: Sender
    purposes: dict[str, Purpose]
    links: dict[str, str] = {}
    assets: dict[str, str] = {}
    tracking: Literal["with consent", "unless refused"] = "with consent"
    utm: Literal["yes", "no"] = "no"
    teams: dict[str, Team] = {}
    webhooks: dict[str, Webhook] = {}
    imprint: list[str] = []
    support: dict[str, str] = {}
    owner: str = ""
    quiet_hours: str = ""
    referral_page: str = ""
    answer_worth: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    sms_costs: dict[str, Annotated[float, msgspec.Meta(ge=0)]] = {}
    forget_after: str = ""
    holidays: list[str] = []
    sms_countries: list[str] = []
    abc: Abc = msgspec.field(default_factory=Abc)
    budget: str = ""

    def times(self, purpose: str, send_only: Hours | None) -> Times:
        """When messages of a purpose may go: in the journey's sending hours; and those that need
        consent neither in the brand's quiet hours nor on its holidays."""
        if not self.must_be_allowed(purpose):
            return Times(only=send_only)
        return Times(send_only, self.quiet, self.days_off)

    @cached_property
    def quiet(self) -> Hours | None:
        """The quiet hours."""
        return hours(self.quiet_hours) if self.quiet_hours else None

    @cached_property
    def days_off(self) -> frozenset[date]:
        """The holidays."""
        return frozenset(map(date.fromisoformat, self.holidays))

    @cached_property
    def shown(self) -> dict[str, Any]:
        """As messages see it."""
        return dict(msgspec.to_builtins(self))

    def sms_cost(self, number: str) -> float:
        """What a text message to this number ("+" and digits) costs, in the brand's currency."""
        fitting = [start for start in self.sms_costs if number.startswith(start)]
        if fitting:
            return self.sms_costs[max(fitting, key=len)]
        return self.sms_costs.get(OTHERS, SMS_COST)

    def says_sms_cost(self, number: str) -> bool:
        """Whether brand.yaml itself says what a text message to this number costs."""
        return OTHERS in self.sms_costs or any(number.startswith(one) for one in self.sms_costs)

    def must_be_allowed(self, purpose: str) -> bool:
        """Whether messages of a purpose need the person's consent; those of an unknown one do."""
        known = self.purposes.get(purpose)
        return known is None or known.consent == "required"

    @property
    def needs_consent(self) -> dict[str, bool]:
        """For each purpose, whether messages need the person's consent."""
        return {name: purpose.consent == "required" for name, purpose in self.purposes.items()}

    def language(self, locale: Any, available: Sequence[str]) -> str:
        """The best of the available languages for a person: `de-AT`, then `de`, then the
        brand's own, then any."""
        wanted = str(locale or "").replace("_", "-")
        for choice in (wanted, wanted.split("-")[0], self.locale):
            if choice in available:
                return choice
        return sorted(available)[0]


def from_mapping(raw: Mapping[str, Any]) -> Brand:
    """Raises msgspec.ValidationError naming the field."""
    return msgspec.convert(raw, Brand)


@cache
def time_zones() -> frozenset[str]:
    """Every name of a time zone. They are files, so that looking is slow."""
    return frozenset(available_timezones())


def mistakes(brand: Brand) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is typed right and wrong all the same, as (path in the file, what would be right)."""
    if brand.time_zone not in time_zones():
        close = difflib.get_close_matches(brand.time_zone, time_zones(), 1)
        hint = f'did you mean "{close[0]}"?' if close else 'write it like "Europe/Berlin"'
        yield ("time zone",), f'"{brand.time_zone}" is no time zone; {hint}'
    if brand.locale not in brand.languages:
        known = ", ".join(brand.languages)
        yield ("locale",), f'"{brand.locale}" is not among the languages: {known}'
    if brand.owner not in brand.teams:
        known = ", ".join(brand.teams) or "none"
        yield ("owner",), f'"{brand.owner}" is not a team; there are: {known}'
    for field in ("email", "reply_to"):
        address = getattr(brand.sender, field)
        if (address or field == "email") and not normal_email(address):
            yield ("sender", field), f'"{address}" is not an e-mail address'
    if brand.abc.A >= brand.abc.B:
        words = "it is what A and B make together, so it is more than A"
        yield ("abc", "B"), f"{brand.abc.B}: {words} ({brand.abc.A})"
    yield from _wrong_countries(brand)
    yield from _wrong_costs(brand)
    yield from _wrong_times(brand)
    yield from _wrong_forgetting(brand)
    yield from _wrong_budget(brand)
    yield from _wrong_links(brand)
    yield from _wrong_webhooks(brand)


def _wrong_countries(brand: Brand) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for index, country in enumerate(brand.sms_countries):
        if country not in SUPPORTED_REGIONS:
            words = 'is no country; write its two capital letters, such as "DE"'
            yield ("sms countries", index), f'"{country}" {words}'


def _wrong_costs(brand: Brand) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for start in brand.sms_costs:
        if start != OTHERS and not _NUMBERS.match(start):
            words = f'is no beginning of a number; write "+49" (in quotes) or {OTHERS}'
            yield ("sms costs", start), f'"{start}" {words}'


def _wrong_links(brand: Brand) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for field, addresses in (("links", brand.links), ("assets", brand.assets)):
        for name, url in addresses.items():
            if not url.startswith(("https://", "http://")):
                yield (field, name), f'"{url}" is not a web address; it begins with https://'
            elif refusal(url):
                yield (field, name), f'"{url}" leads nowhere safe: {refusal(url)}'
    page = brand.referral_page
    if page and not _REFERRAL_PAGE.match(page):
        words = 'is no page to which a code can be added; write "https://shop.example/?ref="'
        yield ("referral page",), f'"{page}" {words}'


def _wrong_forgetting(brand: Brand) -> Iterator[tuple[tuple[str | int, ...], str]]:
    try:
        if brand.forget_after and duration(brand.forget_after).at_most < SOONEST_FORGOTTEN:
            words = "is too soon to erase people of whom nothing was heard; take a year or more"
            yield ("forget after",), f'"{brand.forget_after}" {words}'
    except BadPhrase as error:
        yield ("forget after",), str(error)


def _wrong_budget(brand: Brand) -> Iterator[tuple[tuple[str | int, ...], str]]:
    try:
        if brand.budget:
            budget(brand.budget)
    except BadPhrase as error:
        yield ("budget",), str(error)


def _wrong_times(brand: Brand) -> Iterator[tuple[tuple[str | int, ...], str]]:
    try:
        if brand.quiet_hours:
            hours(brand.quiet_hours)
    except BadPhrase as error:
        yield ("quiet hours",), str(error)
    for index, day in enumerate(brand.holidays):
        try:
            is_day = bool(_DAY.match(day)) and bool(date.fromisoformat(day))
        except ValueError:
            is_day = False
        if not is_day:
            yield ("holidays", index), f'"{day}" is no day; a holiday is written like "2027-12-25"'


def _wrong_webhooks(brand: Brand) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for name, webhook in brand.webhooks.items():
        if not _is_of_a_host(webhook.url):
            words = 'is not the address of a webhook; write it like "https://crm.example.com/hook"'
            yield ("webhooks", name, "url"), f'"{webhook.url}" {words}'
        yield from _wrong_subscription(name, webhook)


def _wrong_subscription(name: str, webhook: Webhook) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for index, event in enumerate(webhook.tell):
        path = ("webhooks", name, "tell", index)
        if event == "identify":
            yield path, f'write "{PERSON_CHANGED}" instead of "identify"'
        elif not event.strip() or webhook.tell.index(event) < index:
            yield path, f'"{event}" is no name of an event, or stands there twice'
    if len(webhook.tell) > MOST_TOLD:
        yield ("webhooks", name, "tell"), f"names more than {MOST_TOLD} events"
    if webhook.not_from and not webhook.tell:
        yield ("webhooks", name, "not from"), 'says nothing without "tell"'


def _is_of_a_host(url: str) -> bool:
    """Whether it is https, with the name of a host, and without a password in it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not re.search(r"[\s\\#@]", url)
    return plain and parts.scheme == "https" and bool(_HOST.fullmatch(host))
