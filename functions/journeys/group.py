"""Groups: a person is in one journey of a group at a time, and the higher priority wins."""

from functions.journeys.desk import Desk
from functions.journeys.journey import Journey
from functions.journeys.leave import end, has_ended
from functions.journeys.run import Run, run_key
from functions.tracking.merge import OUTRANKED
from functions.tracking.permission import Permission, Refused, leave


def outrank(desk: Desk, permission: Permission, journey: Journey) -> None:
    """Mark the person's runs of lower journeys of the group as leaving. Raises Refused when one
    is of the same priority or a higher one. What a group is say the newest versions."""
    if not journey.group:
        return
    rivals = {
        other.name: other.priority
        for other, _ in desk.newest()
        if other.group == journey.group and other.name != journey.name
    }
    lower = []
    for run_id, live in permission.live.items():
        if live.journey not in rivals or live.leaving or has_ended(desk, run_id, live):
            continue
        if rivals[live.journey] >= journey.priority:
            raise Refused(f'the person is in "{live.journey}" of the same group')
        lower.append(run_id)
    for run_id in lower:
        leave(permission, run_id, OUTRANKED)


def end_outranked(desk: Desk, permission: Permission) -> None:
    """Carry the ends of those runs out. Safe to repeat; the person's next event does so as well,
    after a crash."""
    for run_id, live in list(permission.live.items()):
        if live.leaving == OUTRANKED:
            run = desk.store.get(Run, live.person, run_key(live.journey, run_id))
            if run:  # else its record is on its way, and the mark alone keeps it from sending
                end(desk, run, OUTRANKED)
