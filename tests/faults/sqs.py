"""A queue as SQS is: at least once, in any order, with redelivery and dead letters."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.faults.chance import Chance
from tests.faults.lambdas import Invocation, Lambdas


@dataclass
class Letter:
    """A message on a queue. `hidden`: a Lambda has it, or it is not visible yet."""

    name: str
    body: bytes
    receives: int = 0
    hidden: bool = True
    deleted: bool = False


@dataclass(frozen=True)
class Dead:
    """A dead letter; SQS itself gives no reason when it moves one here."""

    body: bytes
    reason: str
    by_sqs: bool = False


Handled = Callable[[list[Letter], Invocation], None]


@dataclass
class Queue:
    """One queue with its event source mapping. `handled` hears which messages were done."""

    lambdas: Lambdas
    chance: Chance
    function: str
    handler: Callable[[dict[str, Any], Any], Any]
    most_receives: int
    handled: Handled
    batch: int = 10
    at_once: int = 3
    window: float = 1.0
    hidden_for: float = 360.0
    letters: list[Letter] = field(default_factory=list)
    dead: list[Dead] = field(default_factory=list)
    sent: int = 0
    working: int = 0
    polling: bool = False

    def send(self, body: bytes, name: str = "", delay: float = 0) -> None:
        """Take a message; it becomes visible a moment later, sometimes a long one, or twice."""
        self.sent += 1
        name = name or f"{self.function} {self.sent}"
        letter = Letter(name, body)
        self.letters.append(letter)
        self._show_later(letter, delay + self._delay(name))
        if self.chance.fault(f"{name} is sent", ["twice"]):
            again = Letter(f"{name} again", body)
            self.letters.append(again)
            self._show_later(again, 600 * self.chance.number(f"{name} comes again"))

    def _delay(self, name: str) -> float:
        part = self.chance.number(f"{name} delay")
        if self.chance.fault(f"{name} on its way", ["late"]):
            return 20 + 3600 * part * part
        return 0.01 + 0.5 * part

    def _show_later(self, letter: Letter, seconds: float) -> None:
        self.lambdas.loop.after(seconds, lambda: self._show(letter))

    def _show(self, letter: Letter) -> None:
        if letter.deleted:
            return
        if letter.receives >= self.most_receives:
            self.letters.remove(letter)
            self.dead.append(Dead(letter.body, "", by_sqs=True))
            self.lambdas.note(self.function, f"{letter.name} goes to the dead letters")
            return
        letter.hidden = False
        self._poll_soon()

    def _poll_soon(self) -> None:
        if not self.polling and self.working < self.at_once:
            self.polling = True
            self.lambdas.loop.after(self.window, self._poll)

    def _poll(self) -> None:
        self.polling = False
        visible = [letter for letter in self.letters if not letter.hidden]
        if not visible or self.working >= self.at_once:
            return
        order = sorted(visible, key=lambda letter: self.chance.number(f"{letter.name} order"))
        taken = order[: 1 + self.chance.whole(f"{order[0].name} batch", self.batch)]
        for letter in taken:
            letter.hidden = True
            letter.receives += 1
        self.working += 1
        name = f"{self.function} [{'+'.join(letter.name for letter in taken[:3])}]"
        event = {"Records": [self._record(letter) for letter in taken]}
        self.lambdas.call(
            name, lambda: self.handler(event, None), lambda done: self._ended(taken, done)
        )
        if len(visible) > len(taken):
            self._poll_soon()

    def _record(self, letter: Letter) -> dict[str, Any]:
        return {
            "messageId": letter.name,
            "body": letter.body.decode(),
            "eventSource": "aws:sqs",
            "attributes": {"ApproximateReceiveCount": str(letter.receives)},
        }

    def _ended(self, taken: list[Letter], invocation: Invocation) -> None:
        self.working -= 1
        failed = {letter.name for letter in taken}
        if invocation.state == "done":
            answer = invocation.result["batchItemFailures"]
            failed = {item["itemIdentifier"] for item in answer}
        done = [letter for letter in taken if letter.name not in failed]
        for letter in done:
            letter.deleted = True
            self.letters.remove(letter)
        for letter in taken:
            if letter.name in failed:
                self._show_later(letter, self.hidden_for)
        if done:
            self.handled(done, invocation)
        self._poll_soon()

    def bury(self, body: bytes, reason: str) -> None:
        """Take a dead letter from a Lambda, which gives a reason."""
        self.dead.append(Dead(body, reason))

    def search(self, less: Callable[[bytes], bytes | None]) -> int:
        """Take out of the dead letters what `less` does not leave of each; of how many."""
        left = [(dead, less(dead.body)) for dead in self.dead]
        self.dead = [
            dead if body is None else replace(dead, body=body) for dead, body in left if body != b""
        ]
        return sum(body is not None for _, body in left)

    def redrive(self, keep: Callable[[Dead], bool]) -> int:
        """Put dead letters back on the queue but those to keep; how many went back."""
        back = [dead for dead in self.dead if not keep(dead)]
        self.dead = [dead for dead in self.dead if keep(dead)]
        for dead in back:
            self.send(dead.body, f"{self.function} redrive {self.sent}")
        return len(back)
