"""Groups: a person is in one journey of a group at a time, and the higher priority wins."""

from collections.abc import Iterator

from functions.journeys.desk import Desk
from functions.journeys.journey import Journey
from functions.journeys.leave import end, has_ended
from functions.journeys.run import Run, run_key
from functions.tracking.merge import OUTRANKED
from functions.tracking.permission import Permission, Refused, leave


def goes_before(desk: Desk, permission: Permission, journey: Journey) -> str:
    """The journey of the group in which the person is, of the same priority or a higher one;
    "" when there is none. What a group is say the newest versions."""
    others = _others_under_way(desk, permission, journey)
    return next((name for _, name, priority in others if priority >= journey.priority), "")


def outrank(desk: Desk, permission: Permission, journey: Journey) -> None:
    """Mark the person's runs of lower journeys of the group as leaving. Raises Refused when one
    is of the same priority or a higher one."""
    others = list(_others_under_way(desk, permission, journey))
    for _, name, priority in others:
        if priority >= journey.priority:
            raise Refused(f'the person is in "{name}" of the same group')
    for run_id, _, _ in others:
        leave(permission, run_id, OUTRANKED)


def _others_under_way(
    desk: Desk, permission: Permission, journey: Journey
) -> Iterator[tuple[str, str, int]]:
    """The person's runs in other journeys of the group: id, journey and its priority."""
    if not journey.group:
        return
    rivals = {
        other.name: other.priority
        for other, _ in desk.newest()
        if other.group == journey.group and other.name != journey.name
    }
    for run_id, live in permission.live.items():
        if live.journey in rivals and not live.leaving and not has_ended(desk, run_id, live):
            yield run_id, live.journey, rivals[live.journey]


def end_outranked(desk: Desk, permission: Permission) -> None:
    """Carry the ends of those runs out. Safe to repeat; the person's next event does so as well,
    after a crash."""
    for run_id, live in list(permission.live.items()):
        if live.leaving == OUTRANKED:
            run = desk.store.get(Run, live.person, run_key(live.journey, run_id))
            if run:  # else its record is on its way, and the mark alone keeps it from sending
                end(desk, run, OUTRANKED)
