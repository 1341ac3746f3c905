"""The library: what is published, read from the store and kept for a moment."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from functions.codes import rules as code_rules
from functions.codes.rules import CodeRule
from functions.journeys import journey as journeys
from functions.journeys.journey import Journey
from functions.journeys.run import JourneyVersion
from functions.journeys.yaml_file import read
from functions.messages import brand as brands
from functions.messages import breaker_rules, patience_rules
from functions.messages import forms as form_rules
from functions.messages import limits as limit_rules
from functions.messages.brand import BRAND, Brand, Webhook
from functions.messages.forms import Form
from functions.messages.languages import Languages, languages
from functions.messages.limits import NO_LIMITS, Limits
from functions.sales import rules as sales_rules
from functions.sales.rules import Sales
from functions.segments.census_records import Cuts
from functions.segments.condition import Segment
from functions.segments.rules import (
    CODES_FILE,
    FORMS_FILE,
    LIMITS_FILE,
    LIVE_FILES,
    SALES_FILE,
    Rules,
    rules_of,
)
from functions.storage.shelf import Shelf
from functions.storage.store import Store
from functions.tracking.breaker import Bounds
from functions.tracking.suppressed import PATIENCE, Patience

NEWEST = "newest"
KEPT_FOR = 10.0  # seconds
_TELLING_NOTHING = (CODES_FILE, FORMS_FILE, LIMITS_FILE)


@dataclass(frozen=True)
class Published:
    """A version of a journey, ready to run, with the files it froze."""

    journey: Journey
    version: str
    files: Mapping[str, str]
    machine: str = ""

    @cached_property
    def languages(self) -> Mapping[str, Languages]:
        """For each message the languages it exists in, by channel."""
        return languages(self.files)


def rules_in(files: Mapping[str, str]) -> Rules:
    """The rules that the files of a publish beside brand.yaml hold."""
    # These tell of nobody who they are: when they change, nobody need be looked at.
    telling = [name for name in LIVE_FILES if name in files and name not in _TELLING_NOTHING]
    return _rules(tuple((name, files[name]) for name in telling), files["brand.yaml"])


# The same text always says the same: a publish compares what was with what comes, a rehearsal
# begins a world for each scenario, and none of what is built here is ever changed.


@lru_cache(maxsize=16)
def _rules(telling: tuple[tuple[str, str], ...], brand: str) -> Rules:
    live = {name: read(name, text).value for name, text in telling}
    return rules_of(live, _brand(brand).needs_consent)


@lru_cache(maxsize=16)
def _brand(text: str) -> Brand:
    return brands.from_mapping(read("brand.yaml", text).value)


@lru_cache(maxsize=64)
def _journey(name: str, text: str) -> Journey:
    return journeys.build(name, read(f"{name}/journey.yaml", text).value)


class Library:
    """Versions never change, so each is read once; what is newest is asked again after 10 s of
    real time, which `seconds` tells (it counts from anywhere)."""

    def __init__(self, store: Store, seconds: Callable[[], float]) -> None:
        self._store, self._seconds = store, seconds
        self.shelf = Shelf(store, seconds)
        self._versions: dict[tuple[str, str], Published] = {}
        self._newest: dict[str, str] = {}
        self._all: list[Published] | None = None
        self._pointed: dict[str, JourneyVersion] = {}
        self._following: dict[tuple[str, str, str], Published] = {}
        self._brand: tuple[str, Brand] | None = None
        self._rules = Rules()
        self._sales: Sales | None = None
        self._codes: Mapping[str, CodeRule] = {}
        self._bounds: Bounds | None = Bounds()
        self._patience: Mapping[str, Patience] = PATIENCE
        self._forms: Mapping[str, Form] = {}
        self._limits = NO_LIMITS
        self._read_at: float | None = None

    def forget(self) -> None:
        """Ask again at the next call (something was published)."""
        self._read_at = None

    def journeys(self) -> list[Published]:
        """The newest version of every journey that people may enter, by name."""
        self._refresh()
        if self._all is None:
            self._all = [self.version(name, one) for name, one in sorted(self._newest.items())]
        return self._all

    def names(self) -> list[str]:
        """Every journey that was ever published, also those that nobody enters any more."""
        return sorted(row.journey for row in self._pointers() if row.journey != BRAND)

    def newest(self, journey: str) -> Published | None:
        """The newest version of a journey."""
        self._refresh()
        version = self._newest.get(journey)
        return self.version(journey, version) if version else None

    def version(self, journey: str, version: str) -> Published:
        """One version as its people have it: with texts and conditions of the version that it
        follows, on its own machine. Raises LookupError."""
        self._refresh()
        pointer = self._pointed.get(journey)
        other = pointer.follows.get(version) if pointer else None
        if not other:
            return self.frozen(journey, version)
        key = (journey, version, other)
        if key not in self._following:
            own, followed = self.frozen(journey, version), self.frozen(journey, other)
            self._following[key] = replace(followed, version=version, machine=own.machine)
        return self._following[key]

    def is_closed(self, journey: str) -> bool:
        """Whether nobody enters for now: a marketer paused or stopped it."""
        self._refresh()
        pointer = self._pointed.get(journey)
        return pointer is not None and bool(pointer.paused or pointer.stopped)

    def is_paused(self, journey: str) -> bool:
        """Whether messages of those inside are held."""
        self._refresh()
        pointer = self._pointed.get(journey)
        return pointer is not None and pointer.paused is not None

    def frozen(self, journey: str, version: str) -> Published:
        """One version as it was published. Raises LookupError."""
        key = (journey, version)
        if key not in self._versions:
            row = self._store.get(JourneyVersion, journey, version)
            if row is None:
                raise LookupError(f'journey "{journey}" has no version "{version}"')
            built = _journey(journey, row.files["journey.yaml"])
            self._versions[key] = Published(built, version, row.files, row.machine)
        return self._versions[key]

    def brand(self) -> Brand:
        """The brand in force. Raises LookupError before the first publish."""
        self._refresh()
        if self._brand is None:
            raise LookupError("nothing is published yet")
        return self._brand[1]

    def purposes(self) -> Collection[str]:
        """The names of what people permit; none before the first publish."""
        self._refresh()
        return self._brand[1].purposes if self._brand else ()

    def forms(self) -> Mapping[str, Form]:
        """The forms with which people sign up, in force; none without a forms.yaml."""
        self._refresh()
        return self._forms

    def subscriptions(self) -> Mapping[str, Webhook]:
        """The webhooks that hear of events, by name; none before the first publish."""
        self._refresh()
        webhooks = self._brand[1].webhooks if self._brand else {}
        return {name: webhook for name, webhook in webhooks.items() if webhook.tell}

    def segments(self) -> Mapping[str, Segment]:
        """The segments in force, by name."""
        return self.rules().segments

    def rules(self) -> Rules:
        """What tells who people are, in force."""
        self._refresh()
        return self._rules

    def sales(self) -> Sales | None:
        """How sales works, in force; None without a sales.yaml."""
        self._refresh()
        return self._sales

    def codes(self) -> Mapping[str, CodeRule]:
        """The codes that messages may give, in force; none without a codes.yaml."""
        self._refresh()
        return self._codes

    def bounds(self) -> Bounds | None:
        """When the breaker stops sending; None where it is off."""
        self._refresh()
        return self._bounds

    def patience(self) -> Mapping[str, Patience]:
        """By channel, how many failures in a row rule an address out."""
        self._refresh()
        return self._patience

    def limits(self) -> Limits:
        """How often and when people may be written to, in force; none without a limits.yaml."""
        self._refresh()
        return self._limits

    def _refresh(self) -> None:
        now = self._seconds()
        if self._read_at is not None and now - self._read_at < KEPT_FOR:
            return
        self._all = None
        self._pointed = {row.journey: row for row in self._pointers()}
        self._newest = {
            name: row.points_to for name, row in self._pointed.items() if not row.retired
        }
        self._read_brand(self._newest.pop(BRAND, ""))
        self._read_cuts()
        self._read_at = now

    def _pointers(self) -> list[JourneyVersion]:
        """The rows that say which version is newest."""
        rows, after = self._store.listing(JourneyVersion, NEWEST)
        while after:
            more, after = self._store.listing(JourneyVersion, NEWEST, after=after)
            rows += more
        # The listing may lag behind; the rows themselves are read again, consistently.
        found = (self._store.get(JourneyVersion, row.journey, NEWEST) for row in rows)
        return [row for row in found if row]

    def _read_brand(self, version: str) -> None:
        if self._brand and self._brand[0] == version:
            return
        row = self._store.get(JourneyVersion, BRAND, version) if version else None
        if row:
            rules = replace(rules_in(row.files), cuts=self._rules.cuts)
            self._brand, self._rules = (version, _brand(row.files["brand.yaml"])), rules
            self._sales = sales_rules.build(read(SALES_FILE, row.files.get(SALES_FILE, "")).value)
            self._codes = code_rules.build(read(CODES_FILE, row.files.get(CODES_FILE, "")).value)
            limits = read(LIMITS_FILE, row.files.get(LIMITS_FILE, "")).value or {}
            self._bounds = breaker_rules.build(limits.get(breaker_rules.WORD))
            self._patience = patience_rules.build(limits.get(patience_rules.WORD))
            self._limits = limit_rules.build(limits)
            self._forms = form_rules.build(read(FORMS_FILE, row.files.get(FORMS_FILE, "")).value)

    def _read_cuts(self) -> None:
        """The cut points of the latest census."""
        newest, _ = self._store.listing(Cuts, limit=1)
        if newest and (self._rules.cuts is None or newest[0].made != self._rules.cuts.made):
            self._rules = replace(self._rules, cuts=newest[0])
