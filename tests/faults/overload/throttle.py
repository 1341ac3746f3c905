"""A store that throttles: it refuses some or all calls for ten minutes."""

from collections import Counter
from functools import partial

from tests.faults.lambdas import Invocation
from tests.faults.loop import us
from tests.faults.outside import Said
from tests.faults.overload.load import KNOWN, MINUTE, Found, Load, one_journey, sign_up
from tests.faults.simulation import DAY

THROTTLED = (DAY + KNOWN, DAY + KNOWN + 10 * MINUTE)  # when the second mails are due


def throttled_store(events: int = 600, part: float = 1.0, runs: int = 20) -> Found:
    """For ten minutes the store refuses this part of all calls, while events of many come in."""
    found = Found(f"a store that refuses {part:.0%} for ten minutes")
    with one_journey():
        calm = Load()
        _traffic(calm, events, runs)
        load = Load(partial(_throttle, part=part))
        _traffic(load, events, runs)
        load.tell(found)
        found.calls, found.usual = load.calls["store"], calm.calls["store"]
        done = load.simulation.seen.done_time
        ended = max(done[name] for name in done if name in load.all_said) / us(1) - THROTTLED[1]
        mails = Counter(one.message.to for one in load.simulation.provider.accepted)
        found.must(max(mails.values(), default=0) <= 3, "a mail went twice")
        found.must(
            mails.total() == 3 * runs, f"{3 * runs - mails.total()} mails of {runs} runs did not go"
        )
        found.notes = {
            "refused": load.refused["store"],
            "all done after": f"{max(0, ended) / MINUTE:.0f} min",
        }
        found.must(not found.dead, f"dead letters: {dict(found.dead)}")
    return found.bound()


def _throttle(load: Load, working: Invocation, what: str, part: float) -> str:
    """An outage: the store says that it is too busy."""
    if not what.startswith("store ") or not THROTTLED[0] <= load.time < THROTTLED[1]:
        return ""
    label = f"{working.name} {working.calls} throttled"
    return "outage" if load.simulation.chance.number(label) < part else ""


def _traffic(load: Load, events: int, runs: int) -> None:
    """Twelve minutes of events around the ten, each person has three; runs that are to send."""
    for number in range(runs):
        sign_up(load, f"r{number}", 10 + number * 4 * MINUTE / runs)
    for number in range(events):
        at = THROTTLED[0] - MINUTE + number * 12 * MINUTE / events
        load.say(at, Said(f"m{number}", at, f"u{number % (events // 3)}", event="Page Seen"))
    load.run(3 * DAY)
