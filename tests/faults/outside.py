"""The outside: shops whose clients retry, people who unsubscribe, strangers who send nonsense."""

import json
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from typing import Any

from functions.handlers import collect_event, take_leave
from local.light_doors import leave_door
from tests.faults.lambdas import Invocation
from tests.faults.loop import START
from tests.faults.simulation import WRITE_KEY, Simulation


@dataclass(frozen=True)
class Said:
    """One event as its sender meant it. `at` and `happened` are seconds since START."""

    id: str
    at: float
    user: str = ""
    device: str = ""
    event: str = ""
    traits: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    happened: float | None = None
    kind: str = "track"

    @property
    def time(self) -> float:
        """When it happened: a little before it was sent, for a client's clock is its own."""
        return self.at - 5 if self.happened is None else self.happened

    def call(self) -> dict[str, Any]:
        """As a call of Segment's API. Without sentAt the time counts as it stands."""
        call: dict[str, Any] = {
            "type": self.kind,
            "messageId": self.id,
            "timestamp": (START + timedelta(seconds=self.time)).isoformat(),
            "userId": self.user,
            "anonymousId": self.device,
            "event": self.event,
            "traits": dict(self.traits),
            "properties": dict(self.properties),
        }
        return {name: value for name, value in call.items() if value not in ("", {})}


def request(method: str, path: str, body: Any = None) -> dict[str, Any]:
    """An HTTP request as API Gateway hands it over."""
    made: dict[str, Any] = {
        "rawPath": path,
        "headers": {},
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}},
        "isBase64Encoded": False,
    }
    if body is not None:
        made["body"] = json.dumps(body)
    return made


class Outside:
    """Does to a simulation what people do; `given_up` are events whose client lost patience."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.given_up: set[str] = set()
        self.open = 0  # requests that are not answered for good yet

    def post(
        self, name: str, event: dict[str, Any], handler: Any, answered: Callable[[bool], None]
    ) -> None:
        """One request; `answered` hears whether the answer 200 arrived."""
        self.open += 1

        def done(invocation: Invocation) -> None:
            self.open -= 1
            fine = invocation.state == "done" and invocation.result["statusCode"] == 200
            chance = self.simulation.chance
            answered(fine and not chance.fault(invocation.name, ["answer lost"]))

        self.simulation.lambdas.call(name, lambda: handler(event, None), done, limit=10)

    def say(self, *said: Said, tries: int = 0) -> None:
        """One batch of a client, which tries again until it hears 200 or loses patience."""
        body = {"writeKey": WRITE_KEY, "batch": [one.call() for one in said]}
        names = [one.id for one in said]
        event = request("POST", "/v1/batch", body)

        def answered(fine: bool) -> None:
            if fine:
                for name in names:
                    self.simulation.seen.accepted.setdefault(name, self.simulation.seen.next())
            elif self._loses_patience(said):
                self.given_up.update(names)
            else:
                self.open += 1
                self.simulation.loop.after(min(600.0, 2.0**tries), again)

        def again() -> None:
            self.open -= 1
            self.say(*said, tries=tries + 1)

        self.post(f"collect_event [{'+'.join(names)}]", event, collect_event.handler, answered)

    def _loses_patience(self, said: tuple[Said, ...]) -> bool:
        """Never with what tells who somebody is: the oracle must know whose events are whose."""
        where = f"the client of {said[0].id}"
        can = all(one.kind == "track" and one.event != "Consent Given" for one in said)
        return can and bool(self.simulation.chance.fault(where, ["abandoned"]))

    def leave(self, user: str, address: str, tries: int = 5) -> None:
        """Unsubscribe by the link in the last message that had one, if there is any yet."""
        found = [one.message for one in self.simulation.provider.accepted]
        links = [_link(one.text) for one in found if one.to == address and _link(one.text)]
        if not links:
            if tries:
                self.simulation.loop.after(7200, lambda: self.leave(user, address, tries - 1))
            return
        event = request("POST", links[-1].partition(".example")[2])
        seen = self.simulation.seen

        def answered(fine: bool) -> None:
            if fine:
                seen.withdrawn.append((seen.next(), address, "tips"))

        self.post(f"take_leave [{user}]", event, self._take_leave, answered)

    def _take_leave(self, event: dict[str, Any], context: object) -> dict[str, Any]:
        with redirect_stdout(StringIO()):  # its log: that it fails is what is tried here
            return take_leave.answer(leave_door(self.simulation.parts), event)

    def nonsense(self, number: int) -> None:
        """Something on the event queue that is neither events nor a receipt."""
        bodies = (b"not JSON", b'{"events": [{"type": "track"}]}', b'{"Message": "[]"}')
        self.simulation.events.send(bodies[number % 3], f"nonsense {number}")


def _link(text: str) -> str:
    return next((word for word in text.split() if "/leave/" in word), "")
