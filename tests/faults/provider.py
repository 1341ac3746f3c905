"""The providers of mails and texts: what they took is what people got; receipts may come."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.channels.channel import Outgoing, Permanent, Temporary
from tests.faults.chance import Chance
from tests.faults.lambdas import Lambdas
from tests.faults.loop import Loop

SENDING = (
    "error",
    "lost answer",
    "crash before",
    "crash after",
    "delay",
    "hang",
    "refused",
    "not now",
)
VERDICTS = ("Bounce", "Complaint", "TEXT_INVALID")


@dataclass(frozen=True)
class Accepted:
    """A message that a provider took: it will reach the person. `at` counts all that is seen."""

    at: int
    time: int
    channel: str
    message: Outgoing
    answered: bool
    receipts: bool
    click: str = ""  # the name of the notice that tells of a click
    verdict: str = ""  # the name of the one that rules the address out


class Provider:
    """Both channels. Receipts go to `notify` as their providers write them, by way of SNS."""

    def __init__(
        self,
        lambdas: Lambdas,
        chance: Chance,
        count: Callable[[], int],
        notify: Callable[[bytes, str], None],
    ) -> None:
        self.lambdas, self.chance = lambdas, chance
        self.accepted: list[Accepted] = []
        self.coming = 0  # receipts on their way
        self._count, self._notify = count, notify

    def channel(self, name: str) -> "_Channel":
        return _Channel(self, name)

    def send(self, channel: str, message: Outgoing) -> str:
        """Channel.send."""

        def take(answered: bool = True) -> str:
            return self._take(channel, message, answered)

        def refused() -> str:
            raise Permanent("the provider refuses this address")

        def not_now() -> str:
            raise Temporary("454 throttled", retry_after=60)

        def lost() -> str:
            take(answered=False)
            raise TimeoutError("the provider's answer was lost")

        instead = {"refused": refused, "not now": not_now, "lost answer": lost}
        answer: str = self.lambdas.disturb(
            channel, f"send {message.send_id}", take, SENDING, instead
        )
        return answer

    def _take(self, channel: str, message: Outgoing, answered: bool) -> str:
        number = len(self.accepted)
        where = f"receipts of {message.send_id} {number}"
        receipts = not self.chance.fault(where, ["lost"])
        told = self._tell(channel, message, where) if receipts else []
        click = next((name for name in told if name.endswith("Click")), "")
        verdict = next((name for name in told if name.rpartition(" ")[2] in VERDICTS), "")
        time = self.lambdas.loop.time
        self.accepted.append(
            Accepted(self._count(), time, channel, message, answered, receipts, click, verdict)
        )
        return f"provider-{number}"

    def _tell(self, channel: str, message: Outgoing, where: str) -> list[str]:
        kinds = ["Send", "Delivery"] if channel == "email" else ["TEXT_SENT", "TEXT_DELIVERED"]
        if channel == "email" and self.chance.number(f"{where} clicked") < 0.4:
            kinds.append("Click")
        if self.chance.fault(f"{where} from the other side", ["bounced"]):
            kinds = [kinds[0], "Bounce" if channel == "email" else "TEXT_INVALID"]
        elif channel == "email" and self.chance.fault(f"{where} from its reader", ["complained"]):
            kinds.append("Complaint")
        after = 0.0
        for kind in kinds:
            part = self.chance.number(f"{where} {kind}")
            after += part * (1.0 if kind != "Click" else 3.5 * 86_400 * part)
            body = _body(channel, message, kind, after, self.lambdas.loop)
            self._bring(body, f"{where} {kind}", after)
        return [f"{where} {kind}" for kind in kinds]

    def _bring(self, body: bytes, name: str, after: float) -> None:
        late = self.chance.number(f"{name} late") * 40 * 3600
        self.coming += 1
        if self.chance.fault(name, ["late"]):
            after += late

        def notify() -> None:
            self.coming -= 1
            self._notify(body, name)

        self.lambdas.loop.after(after, notify)


class _Channel:
    def __init__(self, provider: Provider, name: str) -> None:
        self._provider, self._name = provider, name

    def send(self, message: Outgoing) -> str:
        return self._provider.send(self._name, message)


def _body(channel: str, message: Outgoing, kind: str, after: float, loop: Loop) -> bytes:
    """A notification as the provider writes it."""
    time = loop.now + timedelta(seconds=after)
    said = (
        _of_ses(message, kind, loop.now, time)
        if channel == "email"
        else _of_texts(message, kind, loop.now, time)
    )
    return json.dumps({"Type": "Notification", "Message": json.dumps(said)}).encode()


def _of_ses(message: Outgoing, kind: str, sent: datetime, time: datetime) -> dict[str, object]:
    detail = {"timestamp": _iso(time), **({"bounceType": "Permanent"} if kind == "Bounce" else {})}
    said: dict[str, object] = {
        "eventType": kind,
        "mail": {
            "timestamp": _iso(sent),
            "tags": {name: [value] for name, value in message.tags.items()},
        },
        kind.lower(): detail,
    }
    return said


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _of_texts(message: Outgoing, kind: str, sent: datetime, time: datetime) -> dict[str, object]:
    return {
        "eventType": kind,
        "eventTimestamp": int(time.timestamp() * 1000),
        "messageRequestTimestamp": int(sent.timestamp() * 1000),
        "context": dict(message.tags),
        "isoCountryCode": "DE",
    }
