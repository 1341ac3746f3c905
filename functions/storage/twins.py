"""Twins: two runs of one journey for the same thing, of what turns out to be one person."""

from datetime import datetime

from functions.journeys.run import Run, run_ids_of, run_key
from functions.storage.store import Store
from functions.tracking.merge import LEAVES_BY_MERGE
from functions.tracking.message import Message
from functions.tracking.permission import Live, Permission, alike, leave
from functions.tracking.profile import Profile


def end_twins(store: Store, permission: Permission, profile: Profile) -> None:
    """Both names entered the same journey for the same thing: the person goes on in the run that
    has made the most progress (has sent the most), or began first, and leaves the other. Whom one
    of the names brought through it to its end leaves as well.
    """
    for run_id, live in list(permission.live.items()):
        if _is_through(store, run_id, live, profile):
            leave(permission, run_id, LEAVES_BY_MERGE)

    def age(run_id: str) -> tuple[int, datetime, str]:
        live = permission.live[run_id]
        return -_progress(store, run_id, live), live.since, run_id

    twins = {run_id for live in permission.live.values() for run_id in _twins(permission, live)}
    for run_id in sorted(twins, key=age):
        live = permission.live[run_id]
        for twin in [] if live.leaving else alike(permission, live):
            if twin != run_id:
                leave(permission, twin, LEAVES_BY_MERGE)


def _twins(permission: Permission, live: Live) -> list[str]:
    found = alike(permission, live)
    return found if len(found) > 1 else []


def _is_through(store: Store, run_id: str, live: Live, profile: Profile) -> bool:
    """Whether a run for the same thing, under another of the names, has ended already."""
    run = _run(store, live.person, live.journey, run_id)
    if run is None:
        return False
    twins = (
        _run(store, key, live.journey, twin_id)
        for key in profile.keys
        if key != live.person
        for twin_id in run_ids_of(profile, key, live.journey, run.entry_key)
    )
    return any(
        twin is not None and twin.status == "ended" and twin.outcome != LEAVES_BY_MERGE
        for twin in twins
    )


def _progress(store: Store, run_id: str, live: Live) -> int:
    """0 while an entry is only half made, and one more for each message."""
    if _run(store, live.person, live.journey, run_id) is None:
        return 0
    return 1 + sum(1 for _ in store.query(Message, live.person, prefix=f"{run_id}/"))


def _run(store: Store, person: str, journey: str, run_id: str) -> Run | None:
    return store.get(Run, person, run_key(journey, run_id))
