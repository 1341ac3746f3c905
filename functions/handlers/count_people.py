"""Hourly: once a day everybody is counted, for the cut points and for the figures of segments."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

import msgspec

from functions.handlers import erasing, wiring
from functions.handlers.desk import zone_of
from functions.handlers.discreet import Logger
from functions.handlers.expiring import expire
from functions.journeys.standing import Look
from functions.journeys.steps.send import asks_to_learn
from functions.journeys.yaml_file import read
from functions.segments.calibration import Trial
from functions.segments.census import Census, Counting, Progress
from functions.segments.census_records import CensusPart, Cuts
from functions.segments.cluster_records import ClusterModel
from functions.segments.condition import condition
from functions.segments.figures import figures
from functions.segments.keeping import facts_of
from functions.segments.population import comparisons
from functions.segments.responding import ResponseSums
from functions.segments.rules import Rules
from functions.segments.sample import Sample
from functions.storage import clusters
from functions.storage.erasing import leave_out_erased
from functions.storage.people import order_rows
from functions.storage.store import Store
from functions.tracking.message import Message
from functions.tracking.profile import Profile
from functions.tracking.response import engaged, responses

logger = Logger(service="count_people")
JOURNEY = "journey.yaml"
PAGE = 100  # people that are read at once
TOGETHER = 5  # people of a message: process_event takes a hundred messages in a minute
RESERVE = 60_000  # milliseconds before the end of an invocation: time to keep what was done
LEARNING = 300_000  # milliseconds: time to learn clusters
HEARD = 15  # seconds, after which every Lambda knows the new cut points
PART = 300_000  # bytes: a row takes 400 KB
FORGOTTEN = timedelta(days=2)  # after which an interrupted pass is worth nothing


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Returns how many people were counted, are to be looked at, and are to be erased because
    nothing was heard of them.

    A day's pass that does not get to its end is gone on with an hour later; one that fails begins
    again where it was last kept.
    """
    expire(wiring.parts())
    pass_ = Pass(wiring.parts(), getattr(context, "get_remaining_time_in_millis", None))
    pass_.go_on()
    logger.info("counted", extra=pass_.done)
    return pass_.done


class Pass:
    """The day's pass over everybody: first the numbers, then whom the new cut points concern.

    `left`: milliseconds that remain, None where nothing ends it.
    """

    def __init__(self, parts: wiring.Parts, left: Callable[[], int] | None) -> None:
        self.parts, self.store, self._left = parts, parts.store, left
        self.done = {"counted": 0, "looks": 0}
        parts.library.forget()
        self.rules = parts.library.rules()

    def go_on(self) -> None:
        """Begin the day's pass, or go on with it; nothing is done where nobody asks for it."""
        found = _kept(self.store)
        newest = self.rules.cuts
        if found and found.made and (newest is None or newest.made != found.made):
            found = None  # its cut points were never published
        if found is None and not self._is_due():
            return
        found = found or Progress(census=self._begun())
        if found.made is None and not self._count(found):
            return
        if self._look(found):
            _forget(self.store)

    def _is_due(self) -> bool:
        if clusters.is_asked(self.store, self._clusters):
            return True
        today = self.parts.now().date()
        if self.rules.cuts and self.rules.cuts.made.date() >= today:
            return False
        forgets = bool(self.parts.library.brand().forget_after)
        asked = self.rules.segments or self._compared() or self._learns()
        return bool(forgets or asked)

    def _begun(self) -> Census:
        is_learning = clusters.is_due(self.store, self._clusters, self.parts.now())
        return Census(
            sample=Sample() if is_learning else None,
            responding=ResponseSums() if self._learns() else None,
        )

    @property
    def _clusters(self) -> ClusterModel | None:
        return self.rules.cuts.clusters if self.rules.cuts else None

    def _compared(self) -> list[Any]:
        """Every condition in force that goes by the cut points: of the rules and of journeys."""
        journeys = self.parts.library.journeys()
        told = [one for found in journeys for one in _comparisons(found.files[JOURNEY])]
        return [*self.rules.comparisons, *comparisons(told)]

    def _learns(self) -> bool:
        """Whether a journey asks for the best channel or the best time."""
        return any(_learns(found.files[JOURNEY]) for found in self.parts.library.journeys())

    def _count_responses(self, sums: ResponseSums | None, profile: Profile, now: datetime) -> None:
        """Of the few in the sample: their messages are a read each."""
        people = self.rules.cuts.people if self.rules.cuts else 0
        if sums is None or not sums.takes(profile.person, people):
            return
        messages = [one for key in profile.keys for one in self.store.query(Message, key)]
        asks, zone = self.parts.library.brand().must_be_allowed, zone_of(self.parts, profile)
        if messages:
            found = responses(messages, profile, asks, now)
            sums.take(found, engaged(messages, profile, now), zone)

    def _count(self, progress: Progress) -> bool:
        """The first half. False where it is to be gone on with; then it is kept."""
        counting, now = Counting(progress.census), self.parts.now()
        trial = self._trial(progress.census or Census(), now)
        for page, after in self._pages(progress.after):
            for profile in page:
                counting.take(profile, now)
                trial.take(profile)
                self._count_responses(counting.responding, profile, now)
            self.done["counted"] += len(page)
            if forgotten := erasing.forget(self.parts, page):
                self.done["forgotten"] = self.done.get("forgotten", 0) + forgotten
            if after and self._is_over(LEARNING if counting.sample else 0):
                census = counting.packed()
                census.began, census.trial = trial.began, trial.packed()
                _keep(self.store, Progress(after=after, census=census), now)
                return False
        cuts = counting.cuts(now, self.parts.library.brand().abc.shares)
        cuts.clusters = self._clusters
        if counting.sample:
            cuts.clusters = clusters.learn_and_keep(
                self.store, counting.sample, self._clusters, now
            )
        progress.after, progress.census = "", None
        progress.made, progress.before = cuts.made, self.rules.cuts
        # Kept before it is published: else nobody would be looked at after a crash between.
        _keep(self.store, progress, now)
        found = figures(counting.tallied, self.rules.segments, now)
        found.calibration = trial.compared()
        referrals = counting.referrals.figures(now)
        for report in (found, referrals):
            leave_out_erased(self.store, report, now)
        self.store.write([cuts, found, referrals])
        self.parts.library.forget()
        self.rules = self.parts.library.rules()
        return True

    def _trial(self, census: Census, now: datetime) -> Trial:
        """The sample by which the model is judged, as far as it was drawn."""
        before = self.rules.cuts and self.rules.cuts.value
        customers = before.customers if before else 0
        rows = partial(order_rows, self.store)
        return Trial(census.began or now, customers, census.trial, rows)

    def _look(self, progress: Progress) -> bool:
        """The second half: have those looked at for whom a condition turns by the new cut points.
        False where it is to be gone on with; then it is kept."""
        tests = [condition(raw) for raw in self._compared()]
        if not tests:
            return True
        now = self.parts.now()
        before = msgspec.structs.replace(progress)
        for page, after in self._pages(progress.after):
            concerned = [
                profile.person
                for profile in page
                if self._turns(profile, tests, progress.before, now)
            ]
            for first in range(0, len(concerned), TOGETHER):
                people = concerned[first : first + TOGETHER]
                self.parts.send_events([msgspec.json.encode(Look(look=people, keep=True))], HEARD)
            self.done["looks"] += len(concerned)
            if after and self._is_over():
                before.after = after
                _keep(self.store, before, now)
                return False
        return True

    def _turns(
        self, profile: Profile, tests: list[Any], before: Cuts | None, now: datetime
    ) -> bool:
        new = facts_of(profile, Rules(cuts=self.rules.cuts), now)
        old = new.but(cuts=before)
        return any(holds(new) != holds(old) for holds in tests)

    def _pages(self, after: str) -> Iterator[tuple[list[Profile], str]]:
        page, after = self.store.listing(Profile, limit=PAGE, after=after)
        yield page, after
        while after:
            page, after = self.store.listing(Profile, limit=PAGE, after=after)
            yield page, after

    def _is_over(self, more: int = 0) -> bool:
        return self._left is not None and self._left() < RESERVE + more


@lru_cache(maxsize=256)
def _comparisons(text: str) -> list[Any]:
    """Those of one journey's file. Where days fly, many a census reads the same files."""
    return comparisons([read(JOURNEY, text).value])


@lru_cache(maxsize=256)
def _learns(text: str) -> bool:
    return asks_to_learn(read(JOURNEY, text).value)


def _keep(store: Store, progress: Progress, now: datetime) -> None:
    body = msgspec.msgpack.encode(progress)
    expires = int((now + FORGOTTEN).timestamp())
    parts = [body[first : first + PART] for first in range(0, len(body), PART)]
    # The first says how many there are, so that parts of an earlier, longer one do no harm.
    head = msgspec.msgpack.encode(len(parts))
    rows = [CensusPart(number, part, expires) for number, part in enumerate(parts, 1)]
    store.write([*rows, CensusPart(0, head, expires)])


def _kept(store: Store) -> Progress | None:
    head = store.get(CensusPart, "census", f"{0:05}")
    if head is None:
        return None
    count = msgspec.msgpack.decode(head.body, type=int)
    rows = (store.get(CensusPart, "census", f"{number:05}") for number in range(1, count + 1))
    bodies = [row.body for row in rows if row]
    if len(bodies) < count:
        return None
    return msgspec.msgpack.decode(b"".join(bodies), type=Progress)


def _forget(store: Store) -> None:
    head = store.get(CensusPart, "census", f"{0:05}")
    count = msgspec.msgpack.decode(head.body, type=int) if head else -1
    for number in range(count + 1):  # all of them: they name people by their keys
        store.delete(CensusPart(number, b"", 0))
