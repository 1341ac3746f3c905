"""The outside: shops whose clients retry, people who unsubscribe, strangers who send nonsense."""

import json
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from typing import Any

from functions.channels.channel import Outgoing
from functions.handlers import collect_event, take_leave
from local.light_doors import leave_door
from tests.faults.lambdas import Invocation
from tests.faults.loop import START, us
from tests.faults.simulation import WRITE_KEY, Simulation

MOST_ASKED = 5


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
        if self._must_wait(said):
            self.simulation.loop.after(3600, lambda: self.say(*said, tries=tries))
            return
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

    def _must_wait(self, said: tuple[Said, ...]) -> bool:
        """Whether all of it would only be put off, for somebody is being erased, in a world of so
        many crashes that what is put off becomes more and more."""
        chance = self.simulation.chance
        if chance.off or not {"crash before", "crash after"} & chance.rates.keys():
            return False
        erasing = self.simulation.seen.erased.keys() & {one.user for one in said}
        return any(self.simulation.erasures(user)[0].done is None for user in erasing)

    def _loses_patience(self, said: tuple[Said, ...]) -> bool:
        """Never with what tells who somebody is: the oracle must know whose events are whose."""
        where = f"the client of {said[0].id}"
        can = all(one.kind == "track" and one.event != "Consent Given" for one in said)
        return can and bool(self.simulation.chance.fault(where, ["abandoned"]))

    def leave(self, user: str, address: str, tries: int = 5) -> None:
        """Unsubscribe by the link in the last message that had one, if there is any yet: of a text
        by itself, of a mail by the mail program's one click."""
        found = [
            one.message for one in self.simulation.provider.accepted if one.message.to == address
        ]
        links = [link for link in map(_link, found) if link]
        if not links:
            if tries:
                self.simulation.loop.after(7200, lambda: self.leave(user, address, tries - 1))
            return
        event = request("POST", links[-1].partition(".example")[2], "List-Unsubscribe=One-Click")
        seen, loop = self.simulation.seen, self.simulation.loop

        def answered(fine: bool) -> None:
            if fine:
                seen.withdrawn.append((seen.next(), loop.time / us(1), address))

        self.post(f"take_leave [{user}]", event, self._take_leave, answered)

    def text(self, number: str, words: str) -> None:
        """Somebody writes a text to our number, of which AWS tells us."""
        loop, seen = self.simulation.loop, self.simulation.seen
        name = f"text {len(seen.stopped) + 1}"
        said = {"originationNumber": number, "messageBody": words, "inboundMessageId": name}
        outer = {
            "Type": "Notification",
            "Timestamp": loop.now.isoformat(),
            "Message": json.dumps(said),
        }
        seen.stopped.append((name, loop.time / us(1), number))
        self.simulation.events.send(json.dumps(outer).encode(), name)

    def erase(self, user: str, tries: int = 0) -> None:
        """An admin erases a user, and asks again until that is acknowledged, and hours later if it
        was not carried out; a user of whom nobody knows anything a few times only."""
        simulation = self.simulation
        self.open += 1
        simulation.seen.erasing.setdefault(user, simulation.seen.next())
        simulation.lambdas.call(
            f"erase [{user}]",
            lambda: simulation.erase(user),
            lambda done: self._hear_of_erasure(user, tries, done),
            limit=30,
        )

    def _hear_of_erasure(self, user: str, tries: int, answer: Invocation) -> None:
        self.open -= 1
        seen, loop = self.simulation.seen, self.simulation.loop
        if answer.state == "done" and answer.result is None:
            self._erase_later(user, tries, 7200, MOST_ASKED)
        elif answer.state == "done" and not self._is_lost(answer):
            seen.erased.setdefault(user, (seen.next(), loop.time / us(1)))
            loop.after(3 * 3600, lambda: self._see_whether_it_is_done(user, tries))
        else:
            self._erase_later(user, tries, min(600.0, 2.0**tries), MOST_ASKED * 20)

    def _is_lost(self, answer: Invocation) -> bool:
        return bool(self.simulation.chance.fault(answer.name, ["answer lost"]))

    def _erase_later(self, user: str, tries: int, seconds: float, most: int) -> None:
        def again() -> None:
            self.open -= 1
            self.erase(user, tries + 1)

        if tries < most:
            self.open += 1
            self.simulation.loop.after(seconds, again)

    def _see_whether_it_is_done(self, user: str, tries: int) -> None:
        if self.simulation.erasures(user)[0].done is None and tries < MOST_ASKED * 20:
            self.erase(user, tries + 1)

    def _take_leave(self, event: dict[str, Any], context: object) -> dict[str, Any]:
        with redirect_stdout(StringIO()):  # its log: that it fails is what is tried here
            return take_leave.answer(leave_door(self.simulation.parts), event)

    def nonsense(self, number: int) -> None:
        """Something on the event queue that is neither events nor a receipt."""
        bodies = (b"not JSON", b'{"events": [{"type": "track"}]}', b'{"Message": "[]"}')
        self.simulation.events.send(bodies[number % 3], f"nonsense {number}")


def _link(message: Outgoing) -> str:
    """By which to leave: a mail's is in its header."""
    text = message.headers.get("List-Unsubscribe", "").strip("<>") or message.text
    return next((word for word in text.split() if "/leave/" in word), "")
