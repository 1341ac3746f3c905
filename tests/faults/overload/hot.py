"""One hot person: nine of ten events are theirs."""

from tests.faults.outside import Said
from tests.faults.overload.load import Found, Load, one_journey
from tests.faults.simulation import HOUR


def hot_person(events: int = 1000, requests: int = 100) -> Found:
    """One person has nine of ten events, in many messages, with five Lambdas at once."""
    found = Found("one person with 90 % of the events")
    with one_journey():
        alone, load = Load(at_once=1), Load()
        for one in (alone, load):
            _crowd(one, events, requests)
            one.run(HOUR)
        load.tell(found)
        found.calls, found.usual = load.calls["store"], alone.calls["store"]
        _check_heat(load, found)
        found.must(not found.dead, f"dead letters: {dict(found.dead)}")
    return found.bound()


def _crowd(load: Load, events: int, requests: int) -> None:
    """All within three seconds; a person besides the hot one has one request or two."""
    load.deal(load.simulation.events.at_once, 10, 0.05)
    each = events // requests
    for number in range(requests):
        at = 10 + number * 3 / requests
        user = f"u{number % 7}-{number // 14}" if number % 10 == 0 else "hot"
        names = (f"m{number}-{i}" for i in range(each))
        load.say(at, *(Said(name, at, user, event=f"Seen {n % 3}") for n, name in enumerate(names)))


def _check_heat(load: Load, found: Found) -> None:
    """A batch costs the hot person one write, and one more try where somebody was faster."""
    done = load.simulation.seen.done_time
    last = max(done[name] for name in load.said["hot"])
    first = max(done[name] for user, ids in load.said.items() if user != "hot" for name in ids)
    found.must(first <= last, "the others had to wait for the hot person")
    hot = load.person("hot").person
    batches, again = load.batches["hot"], load.counting.conflicts["Profile", hot]
    writes = load.counting.puts["Profile", hot]
    found.must(writes <= batches, f"{writes} writes in {batches} batches")
    found.notes = {"batches": batches, "writes": writes, "conflicts": again}
