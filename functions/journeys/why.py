"""Why? What was decided at each step of a run.

A run's way is read from what was noted when it happened: messages, decisions and tasks by their
step, waits from when they began, the arm of a split from the person. Only what ended a wait is
not noted; it is told from the events that could have ended it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from functions.journeys.choice_words import chosen
from functions.journeys.decision import as_of, tell
from functions.journeys.desk import Desk
from functions.journeys.enter import ENTERED_BY_API
from functions.journeys.journey import LEAVES_AS_GOAL, Journey
from functions.journeys.run import Decision, Run, Task, Told, Waits, once, run_key
from functions.journeys.step import Step
from functions.journeys.steps.awaiting import Awaiting
from functions.journeys.steps.branch import Branch
from functions.journeys.steps.choose import Choose, arm_name
from functions.journeys.steps.end import End
from functions.journeys.steps.repeat import Repeat
from functions.journeys.steps.send import Send
from functions.journeys.steps.split import Split, arm_of
from functions.journeys.steps.task import Task as TaskStep
from functions.journeys.steps.wait import Wait
from functions.journeys.steps.wait_for import WaitFor
from functions.journeys.steps.wait_for_first_of import WaitForFirstOf
from functions.journeys.steps.wait_until import WaitUntil
from functions.journeys.telling import arms, happens, way_in
from functions.journeys.telling import step as say
from functions.journeys.why_words import said
from functions.segments.condition import Facts, can_be_told_again, event_values, of_message
from functions.segments.explain import reason
from functions.segments.operators import find
from functions.segments.person import fields
from functions.segments.phrases import duration
from functions.segments.spoken import Language, moment, quoted
from functions.tracking.event import JOURNEYS
from functions.tracking.message import Message
from functions.tracking.profile import Profile

Raw = dict[str, Any]


class Station(msgspec.Struct, omit_defaults=True):
    """A step that the run came to: the step in words, when (None: not known), what came of it,
    and the conditions that were asked with the values used."""

    step: str
    says: str
    at: datetime | None
    came: str
    asked: list[Told] = []


class Way(msgspec.Struct, kw_only=True):
    """A person's run, told: how it began, each step that it came to, how it ended."""

    run: str
    journey: str
    version: str
    entered: datetime
    began: str
    stations: list[Station]
    outcome: str
    ended: datetime | None
    end: str


@dataclass(frozen=True)
class Asked:
    """A run to tell, with all that was noted of it."""

    run: Run
    journey: Journey
    raw: Raw
    facts: Facts
    zone: ZoneInfo
    language: Language
    now: datetime
    messages: dict[tuple[str, int], Message]  # by step and pass
    decisions: dict[tuple[str, int], Decision]
    tasks: dict[str, Task]
    began: dict[str, datetime]


def way(
    desk: Desk, run: Run, profile: Profile, raw: Raw, zone: ZoneInfo, language: Language
) -> Way:
    """Tell a run. `raw` is the journey's file as plain values, in the run's own version."""
    journey = desk.version(run.journey, run.journey_version)
    facts = desk.facts(run, journey, profile, desk.permission(profile.person))
    asked = _noted(desk, run, journey, raw, facts, zone, language)
    return Way(
        run=run.run_id,
        journey=run.journey,
        version=run.journey_version,
        entered=run.entered,
        began=_began(run, raw, language),
        stations=list(_Walk(asked).stations()),
        outcome=run.outcome,
        ended=run.ended,
        end=_end(asked) if run.status == "ended" else said("under way", language),
    )


def _began(run: Run, raw: Raw, language: Language) -> str:
    """What let the person in; a run that another journey started has the entry of that one."""
    entry, rule = run.entry, raw.get("enter when")
    if entry.source != JOURNEYS:
        return said("began", language, quoted(entry.name, language))
    if entry.properties.get("journey") != run.journey:
        return said("began elsewhere", language, quoted(str(entry.properties["journey"]), language))
    if entry.name == ENTERED_BY_API or rule is None:
        return said("began by API", language)
    key = "began in time" if "date" in rule or "every" in rule else "became true"
    return said(key, language, way_in(rule, language))


def _noted(
    desk: Desk,
    run: Run,
    journey: Journey,
    raw: Raw,
    facts: Facts,
    zone: ZoneInfo,
    language: Language,
) -> Asked:
    store, own = desk.store, f"{run.run_id}/"
    waits = store.get(Waits, run.person, run_key(run.journey, run.run_id))
    return Asked(
        run=run,
        journey=journey,
        raw=raw,
        facts=facts,
        zone=zone,
        language=language,
        now=desk.now(),
        messages={(m.step, m.iteration): m for m in store.query(Message, run.person, prefix=own)},
        decisions={(d.step, d.iteration): d for d in store.query(Decision, run.person, prefix=own)},
        tasks={one.task_id: one for one in store.query(Task, run.person)},
        began=waits.began if waits else {},
    )


def _end(asked: Asked) -> str:
    """How a run that has ended did so."""
    language, outcome = asked.language, asked.run.outcome
    rules = asked.raw.get("leave when", [])
    found = [rule for rule in rules if rule.get("as") == outcome]
    if found:
        rule = {word: one for word, one in found[0].items() if word != "as"}
        return said("left", language, quoted(outcome, language), happens(rule, language))
    if outcome == LEAVES_AS_GOAL and "goal" in asked.raw:
        kept = {w: v for w, v in asked.raw["goal"].items() if w not in ("within", "stay")}
        return said("goal", language, happens(kept, language))
    return said(outcome, language) or said("ended", language, quoted(outcome, language))


class _Walk:
    """The steps in the order in which the run came to them."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._at: datetime | None = asked.run.entered
        self._over = False  # nothing is known of what comes after
        self._pass = 0

    def stations(self) -> Iterator[Station]:
        """Those that it came to; the last one may be where it stands."""
        yield from self._steps(self._asked.journey.steps, self._asked.raw["steps"])

    def _steps(self, steps: Iterable[Step], raws: Iterable[Raw]) -> Iterator[Station]:
        for step, raw in zip(steps, raws, strict=True):
            if self._over or self._is_later_than_the_end():
                return
            yield from self._step(step, raw)

    def _is_later_than_the_end(self) -> bool:
        ended = self._asked.run.ended
        return bool(ended and self._at and self._at > ended)

    def _step(self, step: Step, raw: Raw) -> Iterator[Station]:
        if isinstance(step, Repeat):
            yield from self._repeat(step, raw)
            return
        teller = _TELLERS.get(type(step), _Walk._done)
        came, told_, arm = teller(self, step)
        if came:
            language = self._asked.language
            yield Station(step.name, say(raw, language), self._at, came, told_)
        if arm:
            yield from self._arm(step, raw, arm)

    def _repeat(self, step: Repeat, raw: Raw) -> Iterator[Station]:
        """Each pass that something is known of."""
        says = say(raw, self._asked.language)
        for self._pass in range(step.times):
            began = self._at
            done = list(self._arm(step, raw, ("repeat",)))
            enough = self._asked.decisions.get((step.name, self._pass))
            if done or not enough:
                yield Station(step.name, says, began, self._say("pass", str(self._pass + 1)))
                yield from done
            if enough:
                self._at, self._over = enough.at, False
                told_ = enough.told.get(self._asked.language, [])
                yield Station(step.name, says, enough.at, self._say("enough"), told_)
                break
            if self._over or self._is_later_than_the_end():
                break
        self._pass = 0

    def _arm(self, step: Step, raw: Raw, arm: tuple[str | int, ...]) -> Iterator[Station]:
        below = next((found for place, found in step.ways() if place == arm), [])
        language = self._asked.language
        raws = next((one.steps for one in arms(raw, language) if one.place == arm), [])
        yield from self._steps(below, raws)

    # --- what came of each kind of step: words, explanations, and the arm that was taken

    def _say(self, key: str, *values: str) -> str:
        return said(key, self._asked.language, *values)

    def _time(self, time: datetime) -> str:
        to_the_minute = time.astimezone(self._asked.zone).replace(second=0, microsecond=0)
        return moment(to_the_minute, self._asked.language)

    def _done(self, step: Step) -> "_Came":
        return self._say("done"), [], None

    def _stop(self, key: str, *values: str) -> "_Came":
        """It stands here, or nothing is noted of it: the steps behind it are not told."""
        self._over = True
        return self._say(key, *values), [], None

    def _send(self, step: Send) -> "_Came":
        row = self._asked.messages.get((step.name, self._pass))
        if row is None:
            self._over = True
            return "", [], None
        self._at = row.claimed or self._at
        why = reason(row.reason, self._asked.language)
        if row.state == "held":
            learned = chosen(row, self._asked.zone, self._asked.language)
            return self._stop("held", "; ".join((why, *learned)))
        if row.state == "not sent":
            return self._say("not sent", why), [], ("if not sent",)
        fate = [self._say("failed message" if row.state == "failed" else row.state, why)]
        fate += chosen(row, self._asked.zone, self._asked.language)
        for word in ("delivered", "opened", "bounced"):
            time = getattr(row, word)
            fate += [self._say(word, self._time(time))] if time else []
        fate += [
            self._say("clicked", quoted(link, self._asked.language), self._time(time))
            for link, time in sorted(row.clicked.items())
        ]
        return "; ".join(fate), [], None

    def _wait(self, step: Wait) -> "_Came":
        start, length = self._at or self._asked.now, duration(step.wait)
        if step.last is None:
            return self._until(length.after(start, self._asked.zone))
        facts = self._asked.facts
        found = facts.events(step.last.names, start - length.at_most)
        times = sorted(event.time for event in found if step.last.happened(event, facts))
        end = start
        for time in times:
            end = length.after(time, self._asked.zone) if time <= end else end
        return self._until(max(end, start))

    def _until(self, end: datetime) -> "_Came":
        ended, self._at = self._asked.run.ended, end
        if end > self._asked.now and not ended:
            return self._stop("waits until", self._time(end))
        return self._say("waited until", self._time(min(end, ended or end))), [], None

    def _wait_until(self, step: WaitUntil) -> "_Came":
        facts, here = self._asked.facts, self._at or self._asked.now

        def read(of: str, path: str) -> list[Any]:
            if of == "entry":
                return event_values(facts.entry, path)
            return find(fields(facts.profile, facts.now), path)

        until = step.awaited.resolve(here, self._asked.zone, read)
        if until is None or until < here:
            return self._say("passed"), [], ("otherwise",)
        return self._until(until)

    def _awaiting(self, step: Awaiting) -> "_Came":
        since = self._asked.began.get(step.name)
        if since is None:
            self._over = True
            return "", [], None
        if self._pass:  # only the last pass has left its moment
            since = self._at or since
        until = duration(step.at_most).after(since, self._asked.zone)
        if step.hangs_on_messages and not self._was_sent(step):
            return self._say("nothing sent"), [], ("otherwise",)
        happened = min(self._what_happened(step, since, until), default=None)
        if happened:
            self._at, number, what = happened
            arm = ("then",) if isinstance(step, WaitFor) else (step.verb, number, "then")
            return self._say("happened", what, self._time(self._at)), [], arm
        ended = self._asked.run.ended
        if until > (ended or self._asked.now):
            self._at = since
            return self._stop("left waiting" if ended else "waits until", self._time(until))
        self._at = until
        return self._say("too late", self._time(until)), [], ("otherwise",)

    def _was_sent(self, step: Awaiting) -> bool:
        wanted = tuple(name for one in step.awaited for name in one.messages)
        found = of_message(self._asked.facts, wanted)
        return any(message.state in ("sent", "unknown") for message in found)

    def _what_happened(
        self, step: Awaiting, since: datetime, until: datetime
    ) -> Iterator[tuple[datetime, int, str]]:
        """When it happened, which of them, and what: the events that count, or what people did
        with a message."""
        facts, language = self._asked.facts, self._asked.language
        for number, (one, raw) in enumerate(zip(step.awaited, step.happenings, strict=True)):
            for event in facts.events(one.names, since) if one.names else ():
                if event.received_at <= until and one.happened(event, facts):
                    yield max(event.time, since), number, quoted(event.name, language)
            if not one.holds or not one.holds(facts):
                continue
            for message in of_message(facts, one.messages):
                name = quoted(message.message, language)
                times = [message.opened, message.bounced, *message.clicked.values()]
                yield from ((time, number, name) for time in times if time and time <= until)
            if not one.messages:
                yield since, number, happens(raw, language)

    def _branch(self, step: Branch) -> "_Came":
        ways: dict[str, tuple[str | int, ...]] = {"then": ("then",), "otherwise": ("otherwise",)}
        return self._decided(step, [step.if_], ways)

    def _choose(self, step: Choose) -> "_Came":
        ways: dict[str, tuple[str | int, ...]] = {
            arm_name(index): ("choose", index, "then") for index in range(len(step.choose))
        }
        asked = [case.if_ for case in step.choose]
        return self._decided(step, asked, {**ways, "otherwise": ("otherwise",)})

    def _decided(
        self, step: Step, asked: list[Any], ways: dict[str, tuple[str | int, ...]]
    ) -> "_Came":
        decision = self._asked.decisions.get((step.name, self._pass))
        if decision is None:
            return self._told_again(asked)
        self._at = decision.at
        told_ = decision.told.get(self._asked.language, [])
        words = decision.arm if decision.arm in ("then", "otherwise") else "way"
        return self._say(words, decision.arm), told_, ways[decision.arm]

    def _told_again(self, asked: list[Any]) -> "_Came":
        """A decision that was not noted: nothing followed from it, or the run is not there yet,
        or went there before decisions were noted."""
        if not self._at or not all(map(can_be_told_again, asked)):
            self._over = True
            return "", [], None
        found = tell(asked, as_of(self._asked.facts, self._at))[self._asked.language]
        return self._say("nothing followed"), found, None

    def _split(self, step: Split) -> "_Came":
        arm = arm_of(self._asked.run.person, step.split, step.shares)
        return self._say("by chance", quoted(arm, self._asked.language)), [], ("arms", arm, "then")

    def _task(self, step: TaskStep) -> "_Came":
        task = self._asked.tasks.get(self._task_id(step))
        if task is None:
            self._over = True
            return "", [], None
        self._at = task.created
        return self._say(f"task {task.status}", quoted(task.owner, self._asked.language)), [], None

    def _task_id(self, step: TaskStep) -> str:
        """As run_step makes it."""
        return once(self._asked.run.run_id, step.name, self._pass)

    def _finish(self, step: End) -> "_Came":
        self._over = True
        return self._say("done"), [], None


_Came = tuple[str, list[Told], tuple[str | int, ...] | None]
_TELLERS: dict[type[Step], Any] = {
    Send: _Walk._send,
    Wait: _Walk._wait,
    WaitUntil: _Walk._wait_until,
    WaitFor: _Walk._awaiting,
    WaitForFirstOf: _Walk._awaiting,
    Branch: _Walk._branch,
    Choose: _Walk._choose,
    Split: _Walk._split,
    TaskStep: _Walk._task,
    End: _Walk._finish,
}
