"""A run: one person's way through one journey."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from functions.tracking.event import Event
from functions.tracking.history import Change
from functions.tracking.identity import short_hash
from functions.tracking.profile import Profile

MOST_TRIES = 12  # of a state: the first, ten retries, and one that was delivered twice


class Wait(msgspec.Struct, omit_defaults=True):
    """A registered wait: the step, its token, from when on events count, and its last moment.

    Each try of a step has a token of its own, and a slow try may come after a later one: `older`
    has the others, one of which may be the live one.
    """

    step: str
    token: str
    since: datetime
    until: datetime
    older: list[str] = []

    @property
    def tokens(self) -> list[str]:
        """All of them, the newest first."""
        return [self.token, *reversed(self.older)]


KEPT = timedelta(days=400)  # longer than a run may be in one execution
RENEWED = timedelta(days=200)  # the age from which on an execution hands its run over
# Without a call of run_step. An execution lives a year; what is left is for a short wait behind a
# long one, and for retries.
LONGEST_QUIET, SHORT = timedelta(days=150), timedelta(days=10)
# An execution has 25,000 events, of which a pass of a loop takes some dozens.
MOST_PASSES = 50
MOST_GENERATIONS = 99  # a name has 80 characters: 60 for the journey, 17 for the hash


class Waits(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a run waits for (`latest`, whether or not it is over), and when each wait began.

    Apart from the run's record, because a token weighs more than all the rest, and what is
    written is paid by weight. It goes by itself when no run can be under way any more: `renewed`
    is when the run last went on in a new execution. `first` has when a wait began that was
    registered again since, because it went on.
    """

    person: str
    run_id: str
    journey: str
    version: int = 0
    latest: Wait | None = None
    began: dict[str, datetime] = {}
    first: dict[str, datetime] = {}
    renewed: datetime | None = None

    @property
    def expires(self) -> int:
        """Epoch seconds."""
        known = [*self.began.values(), *([self.renewed] if self.renewed else [])]
        return int((max(known) + KEPT).timestamp())

    def beginning(self, step: str) -> datetime | None:
        """When the wait of this step began."""
        return self.first.get(step) or self.began.get(step)


class Resumed(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Where a run goes on in its present execution, which began at `time`.

    `at` is the step; `until` the end of a wait that was under way there, and `since` from when
    on events count for it. `number` is the pass of the loop that the step stands in, or that the
    step (a loop) has come to. `taken`: the execution has gone there.
    """

    at: str
    time: datetime
    until: datetime | None = None
    since: datetime | None = None
    number: int | None = None
    taken: bool = False


class Run(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The run record, which guards entry: one for each person, journey and entry key.

    `entry` is the event that let the person in. `entry_key` is what `once per` counts by. `goal`
    is when the journey's goal was reached. `held_out`: it belongs to the journey's hold-out group.
    `generation` counts the executions that the run has gone on in after its first; only the
    present one may do anything.
    """

    person: str
    run_id: str
    journey: str
    journey_version: str
    entered: datetime
    entry: Event
    entry_key: str = ""
    version: int = 0
    status: Literal["open", "ended"] = "open"
    outcome: str = ""
    ended: datetime | None = None
    goal: datetime | None = None
    held_out: bool = False
    generation: int = 0
    resumed: Resumed | None = None

    @property
    def execution(self) -> str:
        """The name of its present execution."""
        return self.executions[-1]

    @property
    def executions(self) -> list[str]:
        """The names of all executions that it has gone on in, the present one last."""
        later = (f"{self.run_id}-{number}" for number in range(1, self.generation + 1))
        return [self.run_id, *later]

    @property
    def began(self) -> datetime:
        """When its present execution began."""
        return self.resumed.time if self.resumed else self.entered

    @property
    def furthest(self) -> datetime:
        """Until when its present execution may wait at the most."""
        return self.began + RENEWED + LONGEST_QUIET


def run_key(journey: str, run_id: str) -> str:
    """Where a run's record stands below its person."""
    return f"{journey}/{run_id}"


def run_id_of(person: str, journey: str, key: str, erased: datetime | None = None) -> str:
    """The run's id and its first execution's name: the same whenever the same entry is seen. Who
    was `erased` and came anew has other ones: Step Functions keeps a name for 90 days."""
    life = [erased.isoformat()] if erased else []
    return f"{journey}-{short_hash(person, journey, key, *life)}"


def run_ids_of(profile: Profile, person: str, journey: str, key: str) -> list[str]:
    """Those that a run of this entry may have under a key of the person, which may have come to
    them from somebody who was never erased."""
    lives = dict.fromkeys([profile.erased, None])
    return [run_id_of(person, journey, key, erased) for erased in lives]


def register(waits: Waits, wait: Wait, entered: datetime, goes_on: bool = False) -> bool:
    """Note what the run waits for; `entered` is when it came to that step, the same for each try.
    `goes_on`: the wait began earlier.

    False when the run has gone on meanwhile: then it was a try that nobody waits for.
    """
    known, began = waits.latest, waits.began
    if known and began.get(known.step, entered) > entered:
        return False
    again = known is not None and known.step == wait.step and began.get(wait.step) == entered
    if known and again and wait.token in known.tokens:
        return False
    if known and again:
        wait = msgspec.structs.replace(wait, older=[*known.older, known.token][-MOST_TRIES:])
    first = {step: time for step, time in waits.first.items() if goes_on or step != wait.step}
    if goes_on:
        first.setdefault(wait.step, began.get(wait.step, entered))
    waits.latest = wait
    waits.began, waits.first = {**began, wait.step: entered}, first
    return True


def counts_for(run: Run, event: Event) -> bool:
    """Whether an event may move a run: not its own entry, nor what happened before it."""
    return event.message_id != run.entry.message_id and event.time >= run.entered


def once(run_id: str, step: str, number: int) -> str:
    """The id of what a step makes in a pass (from 0) of its loop: the same, whatever is retried."""
    return short_hash(run_id, step, *([str(number)] if number else []))


class Task(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A request to a colleague: who does what by when, why, and what they should know.

    `routed` says why just this owner; `handed_over`: with it the person is a lead of this id.
    """

    person: str
    task_id: str
    version: int = 0
    run_id: str
    journey: str
    text: str
    owner: str
    created: datetime
    due: datetime | None = None
    reason: str = ""
    context: dict[str, str] = {}
    status: Literal["open", "done"] = "open"
    routed: str = ""
    handed_over: bool = False
    outcome: str = ""
    history: list[Change] = []

    @property
    def finished(self) -> datetime | None:
        """When it was done."""
        return self.history[-1].time if self.status == "done" and self.history else None


DECISIONS_KEPT = timedelta(days=400)


class Told(msgspec.Struct, omit_defaults=True):
    """A condition in words with the values used, as `functions.segments.explain` tells it."""

    sentence: str
    holds: bool
    used: list[str] = []
    parts: list["Told"] = []


class Decision(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a step asked and which arm was taken, once for each pass of a loop.

    `told` has an explanation of each condition that was asked, by language: later, the person may
    be another. It goes by itself after 400 days, and with the person.
    """

    person: str
    run_id: str
    journey: str
    journey_version: str
    step: str
    iteration: int = 0
    at: datetime
    arm: str
    told: dict[str, list[Told]] = {}

    @property
    def key(self) -> str:
        """Where it stands below its person."""
        return f"{self.run_id}/{self.step}/{self.iteration}"

    @property
    def expires(self) -> int:
        """Epoch seconds."""
        return int((self.at + DECISIONS_KEPT).timestamp())


class JourneyVersion(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A published journey, frozen: its files by name, and the hash of them as `journey_version`.

    `machine` is Step Functions' name of it. The row with `journey_version` "newest" says which
    one new runs take (in `points_to`), which door publishes it (`owner`), since when nobody
    enters any more because its folder is gone (`retired`), because a marketer stopped it
    (`stopped`) or paused it, messages held (`paused`); `follows` has for an older version the one
    whose texts and conditions count for its people too; `at_run_time` tells what a command
    published from what was deployed.
    """

    journey: str
    journey_version: str
    version: int = 0
    points_to: str = ""
    owner: str = ""
    retired: datetime | None = None
    machine: str = ""
    published: datetime | None = None
    files: dict[str, str] = {}
    paused: datetime | None = None
    stopped: datetime | None = None
    follows: dict[str, str] = {}
    at_run_time: bool = False


class Draft(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A journey that is being written: its files as text, problems allowed. Never run."""

    journey: str
    version: int = 0
    saved: datetime | None = None
    files: dict[str, str] = {}
