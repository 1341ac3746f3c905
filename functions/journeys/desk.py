"""The desk: what entering, leaving and reacting to events need from outside."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from functions.journeys.journey import Journey
from functions.journeys.run import Run
from functions.journeys.workflow import Workflow
from functions.segments.condition import Facts
from functions.storage.store import Store
from functions.tracking.event import Event
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile


@dataclass(frozen=True)
class Desk:
    """What reacting needs.

    newest() and version(journey, version) give journeys with the names of their versions;
    is_closed(journey): nobody enters for now, because a marketer paused or stopped it;
    permission(person) follows merges; facts(run, journey, profile, permission) makes what
    conditions look at; zone(profile) is where the person is; runs_changed(person) is told when
    one of their runs has begun or ended; kept_out(run, why) of one that was not to begin;
    hears(event): whether anything may follow from it; now() goes `pace` times as fast as what
    really happens.
    """

    store: Store
    workflow: Workflow
    now: Callable[[], datetime]
    newest: Callable[[], Iterable[tuple[Journey, str]]]
    version: Callable[[str, str], Journey]
    permission: Callable[[str], Permission]
    facts: Callable[[Run, Journey, Profile, Permission], Facts]
    zone: Callable[[Profile], ZoneInfo]
    is_closed: Callable[[str], bool] = lambda journey: False
    runs_changed: Callable[[str], None] = lambda person: None
    kept_out: Callable[[Run, str], None] = lambda run, why: None
    hears: Callable[[Event], bool] = lambda event: True
    pace: float = 1.0
