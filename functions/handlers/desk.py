"""What journeys need of the parts: the desk that reacting and running steps work at."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from functions.handlers.discreet import Logger
from functions.handlers.wiring import Parts
from functions.journeys.desk import Desk
from functions.journeys.journey import Journey
from functions.journeys.run import Run
from functions.journeys.standing import arm
from functions.segments.condition import Facts
from functions.segments.person import field_of
from functions.storage import people
from functions.storage.remember import timeline
from functions.storage.store import Store
from functions.tracking import fold
from functions.tracking.event import Event
from functions.tracking.message import Message
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile

logger = Logger(service="desk")


def journey_desk(parts: Parts) -> Desk:
    """What journeys need of the parts; the same for the same parts."""
    if "desk" not in parts.made:
        parts.made["desk"] = _desk(parts)
    found: Desk = parts.made["desk"]
    return found


def _desk(parts: Parts) -> Desk:

    def newest() -> Iterable[tuple[Journey, str]]:
        return [(published.journey, published.version) for published in parts.library.journeys()]

    return Desk(
        store=parts.store,
        workflow=parts.workflow,
        now=parts.now,
        newest=newest,
        version=lambda journey, version: parts.library.version(journey, version).journey,
        permission=partial(people.permission_of, parts.store),
        facts=partial(_facts, parts),
        is_closed=parts.library.is_closed,
        zone=partial(zone_of, parts),
        runs_changed=partial(_have_kept, parts),
        kept_out=parts.kept_out,
        pace=parts.settings.clock_speed,
    )


def _have_kept(parts: Parts, person: str) -> None:
    """A run began or ended: where a segment asks for that, the person is looked at within a
    minute. Not every Lambda that ends runs may send to the event queue; all may write this."""
    if parts.library.rules().asks_runs:
        arm(parts.store, person, parts.now(), parts.now())


def zone_of(parts: Parts, profile: Profile) -> ZoneInfo:
    """The person's time zone, else the brand's; a mistake there is no reason to end a run."""
    brand = parts.library.brand().time_zone
    for name in filter(None, (field_of(profile, parts.now(), "zone"), brand)):
        try:
            return ZoneInfo(str(name))
        except (KeyError, ValueError, OSError):
            continue
    logger.error("brand.yaml has no valid time zone", extra={"zone": brand})
    return ZoneInfo("UTC")


def _facts(
    parts: Parts, run: Run, journey: Journey, profile: Profile, permission: Permission
) -> Facts:
    def messages() -> list[Message]:
        return [message for key in profile.keys for message in parts.store.query(Message, key)]

    rules = parts.library.rules()
    return Facts(
        profile=profile,
        permission=permission,
        now=parts.now(),
        journey=journey.name,
        run_id=run.run_id,
        entry=run.entry,
        entered=run.entered,
        purpose=journey.purpose,
        needs_consent=rules.needs_consent,
        messages=messages,
        events=lambda names, since: events_since(parts.store, profile, tuple(names), since),
        segments=rules.segments,
        tallied=rules.tallied,
        cuts=rules.cuts,
        runs=lambda journey: outcomes_of(parts.store, profile)(journey),
    )


def outcomes_of(store: Store, profile: Profile) -> Callable[[str], list[str]]:
    """For a journey, the outcomes of the person's runs that have ended."""

    def outcomes(journey: str) -> list[str]:
        found = (run for key in profile.keys for run in store.query(Run, key, prefix=f"{journey}/"))
        return [run.outcome for run in found if run.status == "ended"]

    return outcomes


def events_since(
    store: Store, profile: Profile, names: tuple[str, ...], since: datetime | None
) -> list[Event]:
    """The person's events of these names since then, oldest first.

    The profile's counters, read afresh, say whether the timeline is worth reading at all.
    """
    fresh = people.profile_of(store, profile.person)
    times = [fresh.events[name].last for name in names if name in fresh.events]
    worth = bool(times) and (since is None or max(times) >= since)
    if not worth and len(fresh.events) < fold.MOST_NAMES:
        return []
    return [event for event in timeline(store, fresh, since) if event.name in names]
