"""SES says 454: the provider refuses every mail for an hour."""

from collections import Counter

from tests.faults.lambdas import Invocation
from tests.faults.loop import us
from tests.faults.operations import address
from tests.faults.overload.load import BATCH, MINUTE, Found, Load, one_journey, sign_up
from tests.faults.simulation import DAY, HOUR


def refusing_provider(messages: int = 200, at_once: bool = False, workers: int = 20) -> Found:
    """For an hour the provider says 454 to everybody; people sign up all the while, or all of
    them at the same moment."""
    found = Found("SES says 454 for an hour" + (", all mails at once" if at_once else ""))
    with one_journey():
        calm, load = Load(), Load(_not_now)
        for one in (calm, load):
            if at_once:
                one.deal(workers, BATCH if workers < messages else 1)
            for number in range(messages):
                sign_up(one, f"u{number}", 10 if at_once else 10 + number * 0.8 * HOUR / messages)
            one.run(DAY - HOUR)
            _stop_counting(one)
        load.tell(found)
        took = Counter(one.message.to for one in load.simulation.provider.accepted)
        found.must(took == {address(f"u{n}"): 1 for n in range(messages)}, f"{took.total()} went")
        found.calls, found.usual = load.calls["email"], messages
        last = max(one.time for one in load.simulation.provider.accepted) / us(1)
        held = load.transitions - calm.transitions
        found.notes = {
            "refused": load.refused["email"],
            "transitions of holds": f"{held} ({held / messages:.1f} each)",
            "last sent after": f"{(last - HOUR) / MINUTE:.0f} min",
        }
        found.must(not found.dead, f"dead letters: {dict(found.dead)}")
    return found.bound()


def _not_now(load: Load, working: Invocation, what: str) -> str:
    return "not now" if what.startswith("email ") and load.time < HOUR else ""


def _stop_counting(load: Load) -> None:
    """Transitions so far, of those that run."""
    running = load.simulation.states._running.values()
    load.transitions += sum(one.execution.transitions for one in running)
