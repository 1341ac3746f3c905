"""Who listens to an event: what nobody listens to may be taken in later, with the next that counts.

Taken in it is, and in its order, before anybody looks at the person again: so nothing differs but
the number of times that the person is written.
"""

from collections.abc import Callable, Iterable
from typing import Any

from functions.journeys.happening import Happening, happening
from functions.journeys.run import Run, Waits, run_key
from functions.journeys.steps.awaiting import Awaiting
from functions.storage.library import Library
from functions.storage.store import Store
from functions.tracking.event import Event
from functions.tracking.message import RECEIPTS
from functions.tracking.own_event import CONSENT_GIVEN, OURS
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile
from functions.tracking.referral import said

Asked = Callable[[str], bool]  # whether an event of this name is asked for
_PLAIN = ("track", "page", "screen", "identify")


class Listening:
    """What the journeys and rules in force ask of events, found once for each kind of event."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._by_name: Asked | None = None
        self._kinds: dict[tuple[str, str], bool] = {}
        self._ends: dict[tuple[str, str], Asked] = {}
        self._awaits: dict[tuple[str, str, str], Asked] = {}

    def hears(self, store: Store, person: str, event: Event) -> bool:
        """Whether something may follow from the event at once; the person's records are in
        `store`."""
        if self._asked(event):
            return True
        profile = store.get(Profile, person)
        if profile and (profile.merged or profile.moved_to or profile.erased or profile.referral):
            return True
        permission = store.get(Permission, person)
        if permission is None:
            return False
        if permission.moved_to:
            return True
        for run_id, live in permission.live.items():
            if self._run_hears(store, live.person, run_key(live.journey, run_id), event.name):
                return True
        return False

    def _asked(self, event: Event) -> bool:
        """Whether it is asked for, whoever it is about."""
        kind = (event.type, event.event)
        if kind not in self._kinds:
            self._kinds[kind] = self._is_kind_asked(event)
        if self._kinds[kind] or event.source == RECEIPTS:
            return True
        if event.event == CONSENT_GIVEN and event.properties.get("request"):
            return True
        return bool(said(event))

    def _is_kind_asked(self, event: Event) -> bool:
        if event.type not in _PLAIN or (event.name in OURS and event.event != CONSENT_GIVEN):
            return True
        if self._by_name is None:
            self._by_name = self._find()
        return self._by_name(event.name)

    def _find(self) -> Asked:
        """Whether an event of a name is asked for by rules and journeys, in or out of runs."""
        library = self._library
        journeys = [published.journey for published in library.journeys()]
        rules = library.rules()
        if rules.hash or library.codes() or any(journey.looked for journey in journeys):
            return lambda name: True
        ways = (journey.enter_when for journey in journeys)
        goals = (journey.goal.what for journey in journeys if journey.goal)
        return _any_of([way for way in ways if way] + list(goals))

    def _run_hears(self, store: Store, person: str, key: str, name: str) -> bool:
        run = store.get(Run, person, key)
        if run is None:
            return True
        if self._ends_by(run.journey, run.journey_version)(name):
            return True
        waits = store.get(Waits, person, key)
        if waits is None or waits.latest is None:
            return False  # it looks back as soon as it waits
        return self._awaited(run.journey, run.journey_version, waits.latest.step)(name)

    def _ends_by(self, name: str, version: str) -> Asked:
        if (name, version) not in self._ends:
            journey = self._library.version(name, version).journey
            goal = [journey.goal.what] if journey.goal else []
            self._ends[name, version] = _any_of([rule for _, rule in journey.leave_when] + goal)
        return self._ends[name, version]

    def _awaited(self, name: str, version: str, step: str) -> Asked:
        key = (name, version, step)
        if key not in self._awaits:
            found = self._library.version(name, version).journey.step(step)
            asked = found.happenings if isinstance(found, Awaiting) else []
            self._awaits[key] = _any_of(happening(raw) for raw in asked if not _of_receipts(raw))
        return self._awaits[key]


def _of_receipts(raw: dict[str, Any]) -> bool:
    """Whether only a provider's receipt can make it true; those are always heard."""
    return raw.keys() <= {"opened", "clicked", "link", "robots"}


def _any_of(happenings: Iterable[Happening]) -> Asked:
    """Whether one of these may be an event of this name; a condition any event may make true."""
    found = list(happenings)
    if any(not one.names for one in found):
        return lambda name: True
    names = {name for one in found for name in one.names}
    return names.__contains__
