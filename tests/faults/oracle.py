"""The oracle: what must be true afterwards, told by what people did and what could be seen."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import combinations
from typing import Any

from functions.journeys.run import Run
from functions.storage import people
from functions.tracking.event import SCORE_ADDED, Event
from functions.tracking.fold import pending_keys
from functions.tracking.identity import person_key
from functions.tracking.merge import LEAVES_BY_MERGE
from functions.tracking.merge_record import Merge
from functions.tracking.message import GIVEN_UP, Message
from functions.tracking.profile import Profile, TimelineRow
from tests.faults.journeys import EXPECTED, Awaited, Expected
from tests.faults.leaving_rules import (
    every_erasure_is_carried_out,
    no_run_outlives_an_erasure,
    nothing_goes_where_a_receipt_forbids_it,
    nothing_is_claimed_after_an_erasure,
    nothing_of_an_erased_life_is_left,
)
from tests.faults.lives import Lives, owner
from tests.faults.loop import START, us
from tests.faults.operations import address, all_said, phone
from tests.faults.outside import Said
from tests.faults.provider import Accepted
from tests.faults.simulation import DAY, HOUR, SETTINGS
from tests.faults.step_functions import History
from tests.faults.trial import Trial

SKEW = 3.0  # seconds, a little more than any clock is wrong
TIPS = ("liked", "missed", "hello", "rate", "followed", "again")
MOST_TRIES = 11  # of one state, by the compiled Retry


class Facts:
    """What the rules below look at: who is who, what was said, and the records as they are."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.simulation = trial, trial.simulation
        self.seen, self.store = trial.simulation.seen, trial.simulation.bare
        every = {one.id: one for one in all_said(trial.operations)}
        self.lives = Lives(trial.simulation, every)
        self.said = {one: every[one] for one in every if one not in self.lives.past}
        self.accepted = [
            one
            for one in trial.simulation.provider.accepted
            if one.message.tags["run"] not in self.lives.runs
        ]
        self.links = {
            one.device: one
            for one in self.said.values()
            if one.kind == "identify" and one.device and not self._was_parted(one.device)
        }
        self.users = sorted({self.user_of(one) for one in self.said.values()})
        finder = people.People(self.store, SETTINGS.identity_key)
        profiles = {
            user: finder.by("anonymous_id" if "-" in user else "user_id", user)
            for user in self.users
        }
        self.profiles: dict[str, Profile] = {u: p for u, p in profiles.items() if p}
        self.runs = {
            user: [
                run
                for key in profile.keys
                for run in self.store.query(Run, key)
                if run.run_id not in self.lives.runs
            ]
            for user, profile in self.profiles.items()
        }

    def _was_parted(self, device: str) -> bool:
        """Whether an admin has undone that the device became somebody's."""
        key = person_key(SETTINGS.identity_key, "anonymous_id", device)
        return any(merge.undone for merge in self.store.query(Merge, key))

    def user_of(self, said: Said) -> str:
        """The user who is behind an event, or a device that nobody identified."""
        link = self.links.get(said.device)
        return said.user or (link.user if link else said.device)

    def of(self, user: str, *names: str) -> list[Said]:
        """The events of a user by name."""
        return [
            one for one in self.said.values() if one.event in names and self.user_of(one) == user
        ]

    def events(self, user: str) -> dict[str, Event]:
        """The rows of a user's timeline, by the events' ids."""
        keys = self.profiles[user].keys if user in self.profiles else ()
        rows = [row for key in keys for row in self.store.query(TimelineRow, key)]
        return {row.event.message_id: row.event for row in rows}

    def history(self, run: Run) -> History | None:
        """Of all executions of the run, as if they were one; its end is that of the present one."""
        found = self.executions(run.run_id)
        if not found:
            return None
        last = max(found, key=lambda one: (len(one.name), one.name))
        return replace(
            last,
            status=last.status if last.name == run.execution else "RUNNING",
            started=min(one.started for one in found),
            entered=[entered for one in found for entered in one.entered],
            timed_out=[timed_out for one in found for timed_out in one.timed_out],
            answered=[answered for one in found for answered in one.answered],
        )

    def executions(self, run_id: str) -> list[History]:
        """The run's, each without what it came to when the run had left it already (its stop was
        lost, or is on its way): there it does nothing any more."""
        found = [one for one in self.simulation.states.histories.values() if one.run == run_id]
        moved = self.seen.moved.get(run_id, {})
        left = {one.name: _left_at(one.name, run_id, moved) for one in found}
        return [
            replace(
                one,
                entered=[e for e in one.entered if _since_start(e.time) < left[one.name]],
                timed_out=[out for out in one.timed_out if out[1] < left[one.name]],
            )
            for one in found
        ]

    def is_done(self, said: Said) -> bool:
        return said.id in self.seen.done

    def were_one(self, one: Said, other: Said) -> bool:
        """Whether both were said by the same identity, or by ones linked before the later one."""
        if (one.user, one.device) == (other.user, other.device) or one.user == other.user != "":
            return True
        for device in filter(None, [one.device, other.device]):
            link = self.links.get(device)
            later = us(max(one.at, other.at))
            if link is None or self.seen.done_time.get(link.id, later) >= later:
                return False
        return True


def _left_at(execution: str, run_id: str, moved: dict[int, int]) -> float:
    """When the run left an execution of its; `moved` is when each generation began."""
    generation = int(execution.removeprefix(run_id).removeprefix("-") or 0)
    return min((time for later, time in moved.items() if later > generation), default=math.inf)


def _since_start(time: datetime) -> int:
    return us((time - START).total_seconds())


Rule = Callable[[Facts], Iterator[str]]


def check(trial: Trial) -> list[str]:
    """Every broken rule, when all journeys must be over."""
    facts = Facts(trial)
    return [f"{rule.__name__}: {words}" for rule in RULES for words in rule(facts)]


def check_when_mended(trial: Trial) -> list[str]:
    """Every broken rule that must hold as soon as upkeep has been."""
    facts = Facts(trial)
    return [f"{rule.__name__}: {words}" for rule in RULES_WHEN_MENDED for words in rule(facts)]


# --- invariant 1: events


def no_event_is_lost(facts: Facts) -> Iterator[str]:
    for user in facts.users:
        own = {one.id for one in facts.said.values() if facts.user_of(one) == user}
        accepted = own & facts.seen.accepted.keys()
        found = facts.events(user)
        for lost in sorted(accepted - found.keys()):
            yield f"{lost} of {user} is lost"
        for stray in sorted(found.keys() & facts.said.keys() - own):
            yield f"{stray} is in the timeline of {user}, who did not say it"


def no_event_counts_twice(facts: Facts) -> Iterator[str]:
    for user, profile in facts.profiles.items():
        counted = Counter(event.name for event in facts.events(user).values())
        for name in sorted(counted.keys() | profile.events.keys()):
            kept = profile.events[name].count if name in profile.events else 0
            if kept != counted[name]:
                yield f"{user} has {counted[name]} of {name}, the profile counts {kept}"


def every_order_counts_once(facts: Facts) -> Iterator[str]:
    for user, profile in facts.profiles.items():
        there = facts.events(user).keys()
        placed = {
            one.properties["order_id"]
            for one in facts.of(user, "Order Completed")
            if one.id in there
        }
        back = {
            one.properties["order_id"]
            for one in facts.of(user, "Order Refunded")
            if one.id in there
        }
        for order_id in sorted(placed):
            order = profile.orders.get(order_id)
            wanted = 0 if order_id in back else 10
            if order is None or order.revenue != wanted:
                yield f"order {order_id} of {user} is {order}, it ought to be worth {wanted}"


def points_are_those_of_the_timeline(facts: Facts) -> Iterator[str]:
    for user, profile in facts.profiles.items():
        given = [one for one in facts.events(user).values() if one.event == SCORE_ADDED]
        points = sum(one.properties["points"] for one in given)
        if profile.points != points:
            yield f"{user} has {profile.points} points, the timeline says {points}"


# --- invariant 2: messages


def nothing_is_sent_twice(facts: Facts) -> Iterator[str]:
    took = Counter(
        (one.message.tags["run"], _words(one)) for one in facts.simulation.provider.accepted
    )
    for (run, words), times in took.items():
        if times > 1:
            yield f"{words} of {run} went {times} times"
    for user, runs in facts.runs.items():
        addresses = (address(user), phone(user))
        claims: dict[tuple[str, str], list[int]] = {}
        for one in facts.accepted:
            if one.message.to in addresses and _words(one).startswith("order/"):
                about = (_words(one).split(" ")[0], _entry(one))
                claims.setdefault(about, []).append(_claimed(facts, one))
        for (words, order_id), times in claims.items():
            # The first may come when it will; a second only while nobody knew of the other one.
            if any(time >= _known_as_one(facts, runs, order_id) for time in sorted(times)[1:]):
                yield f"{user} got {words} for {order_id} {len(times)} times"


def _claimed(facts: Facts, one: Accepted) -> int:
    """When a message was let go."""
    return max((at for at, _ in facts.seen.claims[one.message.send_id] if at < one.at), default=0)


def _known_as_one(facts: Facts, runs: list[Run], order_id: str) -> float:
    """Since when two identities that entered with this order are known to be one; 0 where it was
    one identity all along."""
    alike = [run for run in runs if run.journey == "order" and run.entry_key == order_id]
    entries = [facts.said[run.entry.message_id] for run in alike]
    pairs = [pair for pair in combinations(entries, 2) if not facts.were_one(*pair)]
    links = [facts.links.get(said.device) for pair in pairs for said in pair if said.device]
    done = [facts.seen.done.get(link.id, math.inf) if link else math.inf for link in links]
    return max(done, default=math.inf if pairs else 0)


def nothing_is_sent_without_permission(facts: Facts) -> Iterator[str]:
    for one in facts.simulation.provider.accepted:
        claims = [at for at, _ in facts.seen.claims.get(one.message.send_id, []) if at < one.at]
        if not claims:
            yield f"{_words(one)} went without a claim"
            continue
        user = _user(one)
        if _message(one) not in TIPS:
            continue
        if facts.lives.is_of_past(one.message.send_id):
            words = [said for said in facts.lives.past.values() if owner(said) == user]
        else:
            words = facts.of(user, "Consent Given", "Unsubscribed")
        words = [said for said in words if said.properties.get("channel") == one.channel]
        given = [said.time for said in words if said.event == "Consent Given"]
        if not given:
            yield f"{_words(one)} went to {user}, who never consented"
            continue
        for why, since in _withdrawals(facts, user, one.channel, words, max(given)):
            if since < max(claims):
                yield f"{_words(one)} to {user} was let go after {why}"


def _withdrawals(
    facts: Facts, user: str, channel: str, words: list[Said], given: float
) -> Iterator[tuple[str, int]]:
    """Since when the user has withdrawn, and how; only what no later consent undoes."""
    to = {"email": address, "sms": phone}[channel](user)
    for at, time, where in facts.seen.withdrawn:
        if where == to and time > given:
            yield "an acknowledged click", at
    for name, time, number in facts.seen.stopped:
        if number == to and time > given and name in facts.seen.done:
            yield f"{name} was done", facts.seen.done[name]
    for said in words:
        if said.event == "Unsubscribed" and said.time > given and facts.is_done(said):
            yield f"{said.id} was done", facts.seen.done[said.id]


def every_message_is_settled(facts: Facts) -> Iterator[str]:
    took = {one.message.send_id: one for one in facts.accepted}
    for user, profile in facts.profiles.items():
        for key in profile.keys:
            for row in facts.store.query(Message, key):
                yield from _settled(user, row, took.pop(row.send_id, None))
    for left in took.values():
        yield f"{_words(left)} went and is in no ledger"


def only_a_fault_makes_unknown(facts: Facts) -> Iterator[str]:
    """Nothing is unknown where the provider's answer came and nobody died on the way."""
    if facts.simulation.lambdas.script is not None:
        return  # faults by a script have no labels
    struck = facts.simulation.chance.struck
    if any(fault.startswith("outage @ ") for fault in struck):
        return
    for user, runs in facts.runs.items():
        for run in runs:
            left = run.outcome in EXPECTED[run.journey].exits.values()  # while it was being sent
            moved = run.generation > 0  # perhaps while it was being sent
            if left or moved or any(run.run_id in fault for fault in struck):
                continue
            for row in facts.store.query(Message, run.person, prefix=f"{run.run_id}/"):
                if row.send_id in facts.seen.unknown:
                    yield f"{row.journey}/{row.message} of {user} was unknown without a reason"


def _settled(user: str, row: Message, took: Accepted | None) -> Iterator[str]:
    name = f"{row.journey}/{row.message} of {user}"
    if row.state not in ("sent", "not sent", "failed"):
        yield f"{name} is {row.state} for ever ({row.reason})"
    elif took is None and row.state == "sent":
        yield f"{name} is said to be sent and never went"
    elif took and row.state != "sent" and (took.receipts or row.reason != GIVEN_UP):
        yield f"{name} went and is said to be {row.state} ({row.reason})"


# --- invariant 3: entering and leaving


def everybody_enters_once(facts: Facts) -> Iterator[str]:
    for user, runs in facts.runs.items():
        for journey, expected in EXPECTED.items():
            own = [run for run in runs if run.journey == journey]
            yield from _entered(facts, user, journey, expected, own)


def _entered(
    facts: Facts, user: str, journey: str, expected: Expected, runs: list[Run]
) -> Iterator[str]:
    name = f"{user} in {journey}"
    entries = {one.id: one for one in facts.of(user, expected.enters) if expected.enters}
    sure = [one for one in entries.values() if facts.is_done(one) and _in_time(facts, one)]
    if expected.key == "order_id":
        yield from _once_per_order(facts, name, list(entries.values()), sure, runs)
    elif len({run.entry_key for run in runs}) < len(runs) and _one_identity(runs):
        yield f"{name}: {len(runs)} runs for {sorted(run.entry_key for run in runs)}"
    elif sure and not runs:
        yield f"{name}: no run, {[one.id for one in sure]} ought to let in"
    if expected.key == "week":
        yield from _a_week_apart(name, runs)
    if expected.enters:
        yield from _let_in(name, entries, runs)


def _once_per_order(
    facts: Facts, name: str, entries: list[Said], sure: list[Said], runs: list[Run]
) -> Iterator[str]:
    times = Counter(run.entry_key for run in runs)
    must = {one.properties["order_id"] for one in sure}
    for order_id in sorted({one.properties["order_id"] for one in entries}):
        twice = times[order_id] > 1 and not _known_as_one(facts, runs, order_id)
        if twice or (order_id in must and not times[order_id]):
            yield f"{name}: {times[order_id]} runs for {order_id}"


def _let_in(name: str, entries: dict[str, Said], runs: list[Run]) -> Iterator[str]:
    for run in runs:
        entry = entries.get(run.entry.message_id)
        if entry is None:
            yield f"{name}: a run for {run.entry.message_id}"
        elif not _may_be_in_time(entry):
            yield f"{name}: {entry.id} was too old to let in"


def _one_identity(runs: list[Run]) -> bool:
    return len({run.person for run in runs}) == 1


def _in_time(facts: Facts, said: Said) -> bool:
    """Whether it was surely not older than a day when it came."""
    return facts.seen.done_time[said.id] / us(1) - said.time < DAY - SKEW


def _may_be_in_time(said: Said) -> bool:
    return said.at - said.time <= DAY + SKEW


def _a_week_apart(name: str, runs: list[Run]) -> Iterator[str]:
    for one in runs:
        for other in runs:
            apart = (other.entered - one.entered).total_seconds()
            same = one.person == other.person and one is not other
            if same and 0 <= apart < 7 * DAY:
                yield f"{name}: again after {apart / DAY:.2f} days"


def every_exit_is_effective(facts: Facts) -> Iterator[str]:
    for user, runs in facts.runs.items():
        for run in runs:
            expected = EXPECTED[run.journey]
            exits = _exits(facts, user, run, expected)
            if run.outcome in expected.exits.values() and not exits:
                yield f"{run.run_id} of {user} left as {run.outcome}, and nobody said so"
            entry = facts.said[run.entry.message_id]
            for leaving in exits:
                if expected.enters and facts.were_one(entry, leaving):
                    yield from _left(facts, run, entry, leaving)


def _exits(facts: Facts, user: str, run: Run, expected: Expected) -> list[Said]:
    """What may end the run: it happened after the entry, and is about the same thing."""
    entered = (run.entered - START).total_seconds()
    return [
        one
        for one in facts.of(user, *expected.exits)
        if one.time >= entered
        and one.id != run.entry.message_id
        and _about_same(run, one, expected.same)
    ]


def _about_same(run: Run, said: Said, same: str) -> bool:
    return not same or said.properties.get(same) == run.entry.properties.get(same)


def _left(facts: Facts, run: Run, entry: Said, leaving: Said) -> Iterator[str]:
    if not (facts.is_done(entry) and facts.is_done(leaving)):
        return
    since = max(facts.seen.done[entry.id], facts.seen.done[leaving.id])
    for one in facts.simulation.provider.accepted:
        if one.message.tags["run"] == run.run_id:
            claims = [at for at, _ in facts.seen.claims.get(one.message.send_id, [])]
            if max([at for at in claims if at < one.at], default=0) > since:
                yield f"{_words(one)} of {run.run_id} was let go after {leaving.id} was done"
    time = max(facts.seen.done_time[entry.id], facts.seen.done_time[leaving.id])
    history = facts.history(run)
    over = history is not None and history.status != "RUNNING" and history.ended <= time
    if run.outcome not in (*EXPECTED[run.journey].exits.values(), LEAVES_BY_MERGE) and not over:
        yield f"{run.run_id} ended as {run.outcome!r}, {leaving.id} ought to have ended it"


def every_run_has_its_execution(facts: Facts) -> Iterator[str]:
    histories = facts.simulation.states.histories.values()
    runs_of = {history.run for history in histories} - facts.lives.runs
    for user, runs in facts.runs.items():
        for run in runs:
            history = facts.history(run)
            runs_of.discard(run.run_id)
            left = (*EXPECTED[run.journey].exits.values(), LEAVES_BY_MERGE)
            if history is None and run.outcome not in left:
                yield f"{run.run_id} of {user} never began ({run.status} {run.outcome})"
            elif run.outcome == "stopped":
                yield f"{run.run_id} of {user} was stopped, and nobody wanted that"
            elif history and history.status == "FAILED":
                yield from _failed(run, history)
            elif history and history.machine != _machine(run, history):
                yield f"{run.run_id} runs as {history.machine}, not {run.journey_version}"
    for name in sorted(runs_of):
        yield f"{name} has no record of a run"


def _machine(run: Run, history: History) -> str:
    """The one it must have; any, where it left before it could go on in a new execution."""
    version = f"{run.journey}@{run.journey_version}"
    return version if history.name == run.execution else history.machine


def _failed(run: Run, history: History) -> Iterator[str]:
    """Only what was tried as often as the journey says may fail."""
    last = history.entered[-1].step if history.entered else ""
    times = len([one for one in history.entered if one.step == last])
    if times < MOST_TRIES:
        yield f"{run.run_id} failed in {last!r} after {times} tries"


def who_leaves_by_a_merge_goes_on_in_another_run(facts: Facts) -> Iterator[str]:
    for user, runs in facts.runs.items():
        for run in runs:
            key = run.entry_key if EXPECTED[run.journey].key == "order_id" else ""
            others = [
                other
                for other in runs
                if other.journey == run.journey
                and (not key or other.entry_key == key)
                and other.outcome != LEAVES_BY_MERGE
            ]
            if run.outcome == LEAVES_BY_MERGE and not others:
                yield f"{run.run_id} of {user} gave way to a run that is not there"


# --- invariant 4: waits


def every_awaited_event_releases(facts: Facts) -> Iterator[str]:
    for user, runs in facts.runs.items():
        for run in runs:
            awaited = EXPECTED[run.journey].awaited
            history = facts.history(run)
            if awaited and history:
                yield from _one_arm(run, awaited, history)
                yield from _released(facts, user, run, awaited, history)


def _one_arm(run: Run, awaited: Awaited, history: History) -> Iterator[str]:
    if {awaited.then, awaited.otherwise} <= {one.step for one in history.entered}:
        yield f"{run.run_id} took both arms of {awaited.wait}"


def _released(
    facts: Facts, user: str, run: Run, awaited: Awaited, history: History
) -> Iterator[str]:
    entry = facts.said[run.entry.message_id]
    events = [
        one
        for one in facts.of(user, awaited.event)
        if _about_same(run, one, awaited.same) and one.time >= entry.time
    ]
    began = [one for one in history.entered if awaited.wait in (one.step, one.wait)]
    if not began:
        return
    earliest, surely = _counts_from(facts, run, began[0].time)
    timed_out = [time for state, time in history.timed_out if awaited.wait in state]
    for one in events:
        in_time = facts.is_done(one) and timed_out and facts.seen.done_time[one.id] < timed_out[0]
        if in_time and one.time >= surely and facts.were_one(entry, one):
            yield f"{run.run_id} did not hear {one.id}, done before its time was up"
    then = any(one.step == awaited.then for one in history.entered)
    if then and not any(one.time >= earliest for one in events):
        yield f"{run.run_id} went on as if there had been {awaited.event}"


def _counts_from(facts: Facts, run: Run, entered: Any) -> tuple[float, float]:
    """From when on events count, at the earliest and for sure (seconds since START)."""
    began = (entered - START).total_seconds()
    if run.journey == "visit":
        return began - 4 * HOUR - SKEW, began - 4 * HOUR + SKEW
    times = [
        time
        for one in facts.store.query(Message, run.person, prefix=f"{run.run_id}/")
        if one.message == "receipt"
        for _, time in facts.seen.claims.get(one.send_id, [])
    ]
    return began - SKEW, max(times, default=us(began)) / us(1) + SKEW


def every_click_counts(facts: Facts) -> Iterator[str]:
    """A click that was done before the time was up is not overlooked."""
    for one in facts.accepted:
        run_id = one.message.tags["run"]
        timed_out = [out for one in facts.executions(run_id) for out in one.timed_out]
        done = facts.seen.done_time.get(one.click) if one.click else None
        if done is None or _message(one) != "hello":
            continue
        if any(done < time for state, time in timed_out if "clicked hello" in state):
            yield f"{run_id} did not hear the click, done before its time was up"


# --- invariant 5: versions


def a_run_keeps_its_version(facts: Facts) -> Iterator[str]:
    versions: dict[str, list[str]] = {}
    for one in facts.simulation.provider.accepted:
        versions.setdefault(one.message.tags["run"], []).append(_version(one))
    for run_id, found in versions.items():
        if found != sorted(found):
            yield f"{run_id} went back to an older version: {found}"
        if len(set(found)) > 1 and not facts.simulation.migrated:
            yield f"{run_id} sent messages of versions {found}"


# --- nothing is stuck


def nothing_is_left_in_queues(facts: Facts) -> Iterator[str]:
    for queue in (facts.simulation.events, facts.simulation.starts):
        for letter in queue.letters:
            yield f"{letter.name} is still in the queue of {queue.function}"
        for dead in queue.dead:
            if not dead.reason.startswith("not an event batch"):
                yield f"a dead letter of {queue.function}: {dead.reason or 'no reason'}"
    if facts.trial.outside.open:
        yield f"{facts.trial.outside.open} requests are still open"


def runs_and_executions_agree(facts: Facts) -> Iterator[str]:
    running = set(facts.simulation.states.running)
    for user, profile in facts.profiles.items():
        live = people.permission_of(facts.store, profile.person).live
        still_open = [run for run in facts.runs[user] if run.status == "open"]
        open_runs = {run.run_id for run in still_open}
        executions = {run.execution for run in still_open}
        for name in sorted(executions - running):
            yield f"{name} of {user} is open and has no execution that runs"
        for run_id in sorted(open_runs - live.keys()):
            yield f"{run_id} of {user} is open and has no mark"
        for run_id in sorted(live.keys() - open_runs):
            yield f"{run_id} of {user} has a mark and is not open"
        running -= executions
    for name in sorted(running):
        yield f"{name} runs, and no run is open"


def every_event_has_its_row(facts: Facts) -> Iterator[str]:
    for user, profile in facts.profiles.items():
        rows = {row.key for key in profile.keys for row in facts.store.query(TimelineRow, key)}
        for key in sorted(set(pending_keys(profile).values()) - rows):
            yield f"{user} has {key} in the profile, and no row of it"


def everything_ends(facts: Facts) -> Iterator[str]:
    for name in facts.simulation.states.running:
        yield f"{name} still runs"
    yield from runs_and_executions_agree(facts)


RULES_WHEN_MENDED: list[Rule] = [
    nothing_is_left_in_queues,
    runs_and_executions_agree,
    every_event_has_its_row,
    no_run_outlives_an_erasure,
]
RULES: list[Rule] = [
    no_event_is_lost,
    no_event_counts_twice,
    every_order_counts_once,
    points_are_those_of_the_timeline,
    nothing_is_sent_twice,
    nothing_is_sent_without_permission,
    every_message_is_settled,
    only_a_fault_makes_unknown,
    everybody_enters_once,
    every_exit_is_effective,
    who_leaves_by_a_merge_goes_on_in_another_run,
    every_run_has_its_execution,
    every_awaited_event_releases,
    every_click_counts,
    a_run_keeps_its_version,
    everything_ends,
    every_erasure_is_carried_out,
    nothing_is_claimed_after_an_erasure,
    nothing_of_an_erased_life_is_left,
    nothing_goes_where_a_receipt_forbids_it,
]


# --- reading a message as people do


def _text(one: Accepted) -> str:
    return one.message.subject if one.channel == "email" else one.message.text


def _words(one: Accepted) -> str:
    """order/receipt v1"""
    return _text(one).split(" [")[0]


def _message(one: Accepted) -> str:
    return _words(one).split(" ")[0].partition("/")[2]


def _version(one: Accepted) -> str:
    return _words(one).rpartition(" ")[2]


def _entry(one: Accepted) -> str:
    return _text(one).partition("[")[2].partition("]")[0]


def _user(one: Accepted) -> str:
    """Whose address it is."""
    to = one.message.to
    return to.partition("@")[0] if "@" in to else f"u{int(to[-2:])}"
