"""What a seed has people do: a list of operations, each at its time, that can be shortened."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.faults.chance import Chance
from tests.faults.outside import Outside, Said
from tests.faults.simulation import DAY, HOUR

SPAN = 8 * DAY
MINUTE = 60.0


@dataclass(frozen=True)
class Operation:
    """Something that happens at a time (seconds since the start), in words for the trace."""

    at: float
    words: str
    do: Callable[[Outside], None]
    said: tuple[Said, ...] = ()


def address(user: str) -> str:
    """A mail address, by which the oracle knows people again."""
    return f"{user}@example.com"


def phone(user: str) -> str:
    """A number that belongs to this user alone; a device that is nobody's has none."""
    return "" if "-" in user else f"+49151123450{int(user[1:]):02}"


class Plan:
    """Writes the operations of a seed."""

    def __init__(self, seed: int | str) -> None:
        self.chance = Chance(seed)
        self.users = [f"u{number}" for number in range(1 + self.chance.whole("users", 3))]
        self.operations: list[Operation] = []
        self._ids = 0

    def write(self) -> list[Operation]:
        """All of them, in the order of their times."""
        for user in self.users:
            self._life(user)
        for number in range(self.chance.whole("nonsense", 3)):
            self.add(self._time(f"nonsense {number}"), f"nonsense {number}", _nonsense(number))
        if self.chance.number("publishes") < 0.4:
            at = self._time("publish")
            if self.chance.number("migrates") < 0.5:
                words = "publish version 2, and all go on in it"
                self.add(at, words, lambda outside: outside.simulation.publish(2, migrate=True))
            else:
                self.add(at, "publish version 2", lambda outside: outside.simulation.publish(2))
        if self.chance.number("moves") < 0.5:
            for number in range(1 + self.chance.whole("moves", 4)):
                at = self._time(f"move {number}", SPAN if number % 2 else 2 * HOUR)
                self.add(at, "every run goes on", lambda outside: outside.simulation.move())
        if self.chance.number("erases") < 0.4:  # last, so that no other event has another id
            self._erase(self.chance.pick("who is erased", self.users))
        return sorted(self.operations, key=lambda operation: operation.at)

    def _time(self, label: str, span: float = SPAN) -> float:
        return 10 + self.chance.number(label) * span

    def add(
        self, at: float, words: str, do: Callable[[Outside], None], said: tuple[Said, ...] = ()
    ) -> None:
        self.operations.append(Operation(at, words, do, said))

    def say(self, at: float, user: str, event: str, **more: Any) -> Said:
        """One event in a request of its own; sometimes one that follows goes with it."""
        self._ids += 1
        said = Said(f"m{self._ids}", at, user, event=event, **more)
        who = " ".join(filter(None, [said.user, said.device]))
        words = f"{who} says {event or said.kind} {dict(said.properties) or ''}".rstrip()
        self.add(at, f"{said.id}: {words}", lambda outside: outside.say(said), (said,))
        return said

    # --- stories

    def _life(self, user: str) -> None:
        born = self._time(f"{user} born", 2 * HOUR)
        devices = [f"{user}-d{n}" for n in range(self.chance.whole(f"{user} devices", 3))]
        for device in devices:
            self._browse(device)
        self._identify(user, born, devices)
        for name, story in STORIES.items():
            for number in range(self.chance.whole(f"{user} {name} times", story.most + 1)):
                label = f"{user} {name} {number}"
                story.tell(self, user, self._when(label, born), label)

    def _when(self, label: str, born: float) -> float:
        """Soon after the person is known (so that things meet), or at any time."""
        if self.chance.number(f"{label} soon") < 0.4:
            return born + 10 * self.chance.number(f"{label} at")
        return born + self.chance.number(f"{label} at") * 4 * DAY

    def when_ordered(self, user: str) -> float:
        """When the user's first order is, if there is one."""
        return self._when(f"{user} orders 0", self._time(f"{user} born", 2 * HOUR))

    def _browse(self, device: str) -> None:
        for number in range(1 + self.chance.whole(f"{device} pages", 3)):
            at = self._time(f"{device} page {number}", 3 * HOUR)
            self.say(at, "", "Looked", device=device)

    def _identify(
        self, user: str, born: float, devices: list[str], first_name: str = "First"
    ) -> None:
        traits = {"email": address(user), "phone": phone(user), "firstName": f"{first_name} {user}"}
        self.say(born, user, "", kind="identify", traits=traits)
        if self.chance.number(f"{user} consents") < 0.85:
            for channel in ("email", "sms"):
                properties = {"channel": channel, "purposes": ["tips"]}
                self.say(born + 1, user, "Consent Given", properties=properties)
        for device in devices:
            at = self._time(f"{device} identified", 6 * HOUR)
            if self.chance.number(f"{device} meanwhile") < 0.5:  # while something of theirs is done
                story = self.chance.pick(f"{device} which", ["orders", "visits", "looks"])
                met = self._when(f"{user} {story} 0", born)
                at = self.near(f"{device} identified", met, 0, 2, 4 * HOUR)
            self.say(at, user, "", kind="identify", device=device)

    def _erase(self, user: str) -> None:
        """A user is erased, mostly while something of theirs is done. Some are spoken of later as
        they were before, and some come back, known by other words."""
        own = [one for one in self.operations if _is_of(one, user)]
        met = own[self.chance.whole("erased when", len(own))].at
        if self.chance.number("erased meanwhile") < 0.7:
            at = self.near("erased", met, 0, 0, 2, 2 * HOUR, 4 * HOUR, DAY, 3 * DAY, 4 * DAY)
        else:
            at = self._time("erased")
        self.add(at, f"{user} is erased", lambda outside: outside.erase(user))
        if self.chance.number("an old word") < 0.6:
            order = {"order_id": f"{user}-old", "revenue": 10, "currency": "EUR"}
            then = self.near("an old word", at, 2, HOUR, DAY)
            self.say(then, user, "Order Completed", properties=order, happened=at - MINUTE)
        if self.chance.number("comes back") < 0.5:
            then = self.near("comes back", at, 10, MINUTE, 10 * MINUTE, 20 * MINUTE, HOUR, DAY)
            self._identify(user, then, [], "Second")
            self.say(then + 2, user, "Signed Up")
            order = {"order_id": f"{user}-again", "revenue": 10, "currency": "EUR"}
            self.say(then + 3, user, "Order Completed", properties=order)

    def near(self, label: str, at: float, *offsets: float) -> float:
        """At one of some distances from a time, give or take a few seconds."""
        offset = offsets[self.chance.whole(f"{label} offset", len(offsets))]
        return max(11, at + offset + (self.chance.number(f"{label} near") - 0.5) * 8)


@dataclass(frozen=True)
class Story:
    """Something that happens to a user, at most so many times."""

    most: int
    tell: Callable[[Plan, str, float, str], None]


def _device(plan: Plan, user: str, label: str) -> dict[str, str]:
    """Who says it: mostly the user, sometimes a device that is theirs."""
    devices = plan.chance.whole(f"{user} devices", 3)
    if devices and plan.chance.number(f"{label} by device") < 0.35:
        return {"user": "", "device": f"{user}-d0"}
    return {"user": user}


def _signs_up(plan: Plan, user: str, at: float, label: str) -> None:
    plan.say(at, event="Signed Up", **_device(plan, user, label))
    if plan.chance.number(f"{label} closes") < 0.5:
        then = plan.near(f"{label} closes", at, 0, MINUTE, DAY, 2 * DAY)
        plan.say(then, user, "Account Closed")


def _orders(plan: Plan, user: str, at: float, label: str) -> None:
    order = {"order_id": label.replace(" ", "-"), "revenue": 10, "currency": "EUR"}
    plan.say(at, event="Order Completed", properties=order, **_device(plan, user, label))
    same = {"order_id": order["order_id"]}
    if plan.chance.number(f"{label} again") < 0.15:  # the shop says it once more
        then = plan.near(f"{label} again", at, 2, HOUR, 5 * DAY)
        plan.say(then, user, "Order Completed", properties=order)
    if plan.chance.number(f"{label} arrives") < 0.6:
        then = plan.near(f"{label} arrives", at, 0, 2, HOUR, 3 * DAY, 3 * DAY + MINUTE)
        plan.say(then, user, "Parcel Received", properties=same)
    if plan.chance.number(f"{label} goes back") < 0.35:
        then = plan.near(f"{label} goes back", at, 0, 2, 3 * DAY, 4 * DAY, DAY)
        plan.say(then, user, "Order Refunded", properties={**same, "revenue": 10})


def _visits(plan: Plan, user: str, at: float, label: str) -> None:
    plan.say(at, event="Visited", **_device(plan, user, label))
    if plan.chance.number(f"{label} answers") < 0.6:
        then = plan.near(f"{label} answers", at, 4 * HOUR, 5 * HOUR, DAY + 4 * HOUR, HOUR)
        plan.say(then, user, "Answered")
    if plan.chance.number(f"{label} bye") < 0.3:
        plan.say(plan.near(f"{label} bye", at, 0, 4 * HOUR, DAY, 6 * HOUR), user, "Bye")


def _looks(plan: Plan, user: str, at: float, label: str) -> None:
    old = plan.chance.number(f"{label} old")
    happened = None
    if old < 0.15:
        happened = at - 30 * HOUR * plan.chance.number(f"{label} how old")
    plan.say(at, user, "Looked", happened=happened)


def _leaves(plan: Plan, user: str, at: float, label: str) -> None:
    if plan.chance.number(f"{label} by event") < 0.3:
        properties = {"channel": plan.chance.pick(label, ["email", "sms"])}
        plan.say(at, user, "Unsubscribed", properties=properties)
    else:
        if plan.chance.number(f"{label} meanwhile") < 0.6:  # while something is sent
            ordered = plan.when_ordered(user)
            at = plan.near(label, ordered, 4 * DAY + 2, 3 * DAY + 2, 2 * DAY)
        plan.add(at, f"{user} unsubscribes", lambda outside: outside.leave(user, phone(user)))


def _clicks_away(plan: Plan, user: str, at: float, label: str) -> None:
    if plan.chance.number(f"{label} does") < 0.4:
        words = f"{user} unsubscribes by one click"
        plan.add(at, words, lambda outside: outside.leave(user, address(user)))


def _texts_stop(plan: Plan, user: str, at: float, label: str) -> None:
    if plan.chance.number(f"{label} does") < 0.3:
        at = plan.near(label, plan.when_ordered(user), -60, 0, DAY, 3 * DAY + 2, 4 * DAY + 2)
        plan.add(at, f"{user} texts STOP", lambda outside: outside.text(phone(user), "STOP"))


def _is_of(operation: Operation, user: str) -> bool:
    return any(user in (one.user, one.device.partition("-")[0]) for one in operation.said)


def _nonsense(number: int) -> Callable[[Outside], None]:
    return lambda outside: outside.nonsense(number)


STORIES = {
    "signs up": Story(1, _signs_up),
    "orders": Story(3, _orders),
    "visits": Story(2, _visits),
    "looks": Story(3, _looks),
    "leaves": Story(1, _leaves),
    "clicks away": Story(1, _clicks_away),
    "texts STOP": Story(1, _texts_stop),
}


def all_said(operations: list[Operation]) -> Iterator[Said]:
    """Every event that anybody says."""
    for operation in operations:
        yield from operation.said
