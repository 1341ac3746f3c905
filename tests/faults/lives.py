"""Who was erased when, and so which events, runs and messages belong to a life that is over."""

from collections.abc import Iterator, Mapping
from math import inf

from functions.tracking.erasure import Erasure
from functions.tracking.identity import person_key
from functions.tracking.profile import TimelineRow
from tests.faults.loop import START
from tests.faults.outside import Said
from tests.faults.simulation import SETTINGS, Simulation


class Lives:
    """A life ends when an admin's order to erase the user is taken in: whatever happened until then
    is to be as if it had never been, whenever it comes."""

    def __init__(self, simulation: Simulation, said: Mapping[str, Said]) -> None:
        self._simulation = simulation
        erasing = simulation.seen.erasing
        found = {user: simulation.erasures(user) for user in sorted(erasing)}
        self.erasures: dict[str, list[Erasure]] = {u: some for u, some in found.items() if some}
        self._there = set(self._message_ids())
        self.past = {one.id: one for one in said.values() if self._is_past(one)}
        self.runs = {run_id for run_id, entry in simulation.seen.runs.items() if entry in self.past}

    def end(self, user: str) -> float:
        """When the user's last life ended, in seconds since START."""
        return (self.erasures[user][0].asked - START).total_seconds()

    def keys(self, user: str) -> set[str]:
        """All under which the user was known."""
        return {key for one in self.erasures[user] for key in (*one.keys, *one.links)}

    def _message_ids(self) -> Iterator[str]:
        keys = {key for user in self.erasures for key in self.keys(user)}
        for key in sorted(keys):
            rows = self._simulation.bare.query(TimelineRow, key)
            yield from (row.event.message_id for row in rows)

    def _is_past(self, said: Said) -> bool:
        """What comes between order and acknowledgement is part of either life."""
        user = owner(said)
        if user not in self.erasures:
            return False
        _, acknowledged = self._simulation.seen.erased.get(user, (0, inf))
        if said.time > self.end(user) and (said.at > acknowledged or said.id in self._there):
            return False
        return bool(said.user) or device_key(said.device) in self.keys(user)

    def is_of_past(self, send_id: str) -> bool:
        """Whether a message was sent to somebody who was erased since."""
        return self._simulation.seen.sends.get(send_id) in self.runs


def owner(said: Said) -> str:
    """Whose event it would be if all were known."""
    return said.user or said.device.partition("-")[0]


def device_key(device: str) -> str:
    """The key of a device."""
    return person_key(SETTINGS.identity_key, "anonymous_id", device)
