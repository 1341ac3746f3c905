"""Keeping what the rules say of a person true: at each of their events, and when a time has come.

Pure: a profile is changed in place, from what it holds alone; who calls writes it, and then sends
the changes in its outbox on as events. See decision 25.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from functions.segments import scoring
from functions.segments.condition import Facts, Segment
from functions.segments.inputs import CUTS, EVERYTHING, NOTHING, Inputs, touched_by
from functions.segments.rules import Rules
from functions.segments.stages import keep_stages, stages_turn_at
from functions.segments.tallying import is_nothing, recount, take
from functions.tracking.event import Event
from functions.tracking.own_event import (
    BACKFILL,
    LIFECYCLE,
    SCORE_FELL,
    SCORE_REACHED,
    SCORING,
    SEGMENT_ENTERED,
    SEGMENT_LEFT,
    SEGMENTS,
    STAGE_CHANGED,
)
from functions.tracking.permission import Permission
from functions.tracking.profile import ANEW, Fact, Profile, Score

JUST_BEFORE = timedelta(microseconds=1)
Runs = Callable[[str], Iterable[str]]  # a journey -> the outcomes of the person's runs of it


@dataclass(frozen=True)
class Keeping:
    """One person at one moment, under the rules in force.

    `facts` are what conditions look at; `with_permission`: the permission item is among them;
    `is_backfill`: what changes now was perhaps so before, and is found by newly published rules;
    `sweeps`: what the rules no longer know is let go; `is_quiet`: what changes follows from an
    import; `touched`: what may have changed since they were kept last, besides the time.
    """

    profile: Profile
    rules: Rules
    facts: Facts
    with_permission: bool
    is_backfill: bool
    sweeps: bool
    is_quiet: bool
    touched: Inputs

    @property
    def now(self) -> datetime:
        return self.facts.now

    @property
    def is_complete(self) -> bool:
        """Whether the profile has counted all that the rules count, from the beginning."""
        return is_complete(self.profile, self.rules)

    def has(self, needs: Iterable[str]) -> bool:
        """Whether these tallies (their keys) are there."""
        return self.is_complete or all(key in self.profile.tallies for key in needs)

    def tell(self, source: str, name: str, subject: str, **properties: Any) -> None:
        """Note a change of `subject`, which becomes an event once the profile is written."""
        fact = Fact(
            person=self.profile.person,
            source=source,
            name=name,
            # A version of the profile is written once, and changes each subject once.
            occasion=f"{subject} {self.profile.version}",
            time=self.now,
            properties={**properties, **({BACKFILL: True} if self.is_backfill else {})},
            quiet=self.is_quiet,
        )
        self.profile.outbox = [*self.profile.outbox, fact]


def take_in(profile: Profile, events: Collection[Event], rules: Rules, now: datetime) -> None:
    """Count new events, which the profile has folded, and keep it. What asks for the permission
    item is not asked here; see `keep`."""
    was_kept = profile.ruled or profile.tallied or profile.tallies or profile.score.parts
    if not rules.hash and not was_kept:
        return
    scoring.freeze(profile, rules.tallies, now)
    prepare(profile, rules)
    for event in events:
        take(profile, event, rules.by_event.get(event.name, ()))
    touched = NOTHING.union(*map(touched_by, events))
    keep(profile, rules, now, is_quiet=are_quiet(events), touched=touched)


def are_quiet(events: Collection[Event]) -> bool:
    """Whether they are all imported, so that nothing that follows from them is news."""
    return bool(events) and all(event.is_quiet for event in events)


def prepare(profile: Profile, rules: Rules) -> None:
    """Let go of tallies that the rules do not know: nobody counted them on, should they ever come
    back. Whoever has counted nothing yet, and what never happened, is counted from here on."""
    if not profile.version:
        profile.tallied = rules.tallied
    if profile.tallied == rules.tallied and rules.tallied:
        return
    profile.tallies = {key: one for key, one in profile.tallies.items() if key in rules.tallies}
    left = missing(profile, rules)
    profile.tallied = "" if left else rules.tallied


def missing(profile: Profile, rules: Rules) -> list[str]:
    """The keys of the tallies that have to be counted from the timeline."""
    if is_complete(profile, rules):
        return []
    absent = (rule for key, rule in rules.tallies.items() if key not in profile.tallies)
    return [rule.clause.key for rule in absent if not is_nothing(profile, rule)]


def is_complete(profile: Profile, rules: Rules) -> bool:
    """Whether a tally that is not there is one of nothing."""
    return profile.tallied == rules.tallied


def complete(profile: Profile, rules: Rules, events: Iterable[Event]) -> None:
    """Count what is missing from all events of the person."""
    prepare(profile, rules)
    every, absent = list(events), missing(profile, rules)
    counted = {key: recount(rules.tallies[key], every) for key in absent}
    profile.tallies |= {key: tally for key, tally in counted.items() if tally.count}
    profile.tallied = rules.tallied


def keep(
    profile: Profile,
    rules: Rules,
    now: datetime,
    permission: Permission | None = None,
    runs: Runs = lambda journey: (),
    sweeps: bool = False,
    is_quiet: bool = False,
    touched: Inputs = EVERYTHING,
) -> None:
    """Bring all that the rules say of the person up to date, and note when to look again.

    Without the permission item whatever asks for it stays as it is. Whatever counts what is not
    counted yet stays as well. `touched` is what may have changed since the person was kept last:
    NOTHING where only time has passed, or the permission item is at hand.
    """
    if not rules.hash and not profile.ruled:
        return
    facts = facts_of(profile, rules, now, permission, runs)
    is_backfill = bool(profile.version) and profile.ruled != rules.hash
    if sweeps or not _is_settled(profile, rules):
        touched = EVERYTHING
    cut = int(rules.cuts.made.timestamp()) if rules.cuts and rules.comparisons else 0
    if profile.cut != cut:
        touched |= {CUTS}
        profile.cut = cut
    asked = permission is not None
    keeping = Keeping(profile, rules, facts, asked, is_backfill, sweeps, is_quiet, touched)
    # In this order, for what comes later may ask for what was kept before it.
    moments = [*_keep_score(keeping), *_keep_stages(keeping), *_keep_segments(keeping)]
    _arm(profile, min(moments, default=None), now)
    is_done = is_complete(profile, rules) and (asked or not rules.asks)
    if is_done or not profile.version:
        profile.ruled = rules.hash
    elif is_backfill and rules.asks and not asked:
        profile.due = ANEW  # they were kept by other rules, and not yet by all of these


def _is_settled(profile: Profile, rules: Rules) -> bool:
    """Whether all that the rules say was true when the profile was written last."""
    is_kept = bool(profile.version) and profile.ruled == rules.hash and profile.due != ANEW
    return is_kept and is_complete(profile, rules)


def facts_of(
    profile: Profile,
    rules: Rules,
    now: datetime,
    permission: Permission | None = None,
    runs: Runs = lambda journey: (),
) -> Facts:
    """What the rules' conditions look at: the person, and no journey."""
    blank = Event(type="track", message_id="", time=now, received_at=now)
    return Facts(
        profile=profile,
        permission=permission or Permission(person=profile.person),
        now=now,
        journey="",
        run_id="",
        entry=blank,
        entered=now,
        purpose="",
        needs_consent=rules.needs_consent,
        segments=rules.segments,
        runs=runs,
        kept=True,
        tallied=rules.tallied,
        cuts=rules.cuts,
    )


def _keep_score(keeping: Keeping) -> Iterator[datetime]:
    """Which rules of scoring.yaml give points, and the thresholds that the score has passed; and
    when it may pass the next one by itself."""
    scored, facts = keeping.rules.scoring, keeping.facts
    if scored is None:
        keeping.profile.score = Score()
        return
    if keeping.has(scored.needs):
        for one in scoring.keep(scored, facts):
            name = SCORE_REACHED if one.rose else SCORE_FELL
            said = {"threshold": one.threshold, "at": one.at, "before": one.before}
            keeping.tell(SCORING, name, one.threshold, **said, score=one.score)
    moment = scoring.due(scored, facts)
    if moment:
        yield moment


def _keep_stages(keeping: Keeping) -> Iterator[datetime]:
    """Where they stand in each model, now; and when they may next move by themselves."""
    lifecycle, facts = keeping.rules.lifecycle, keeping.facts
    for change in keep_stages(lifecycle, facts, keeping.has, keeping.sweeps):
        keeping.tell(LIFECYCLE, STAGE_CHANGED, change.model, **asdict(change))
    moment = stages_turn_at(lifecycle, facts)
    if moment:
        yield moment


def _keep_segments(keeping: Keeping) -> Iterator[datetime]:
    """Who is in which, now; and when each may next change by itself.

    Of what was not touched only those are asked that have turned by themselves since the person
    was kept last, which none of them did before the moment at which the person was due.
    """
    profile, facts = keeping.profile, keeping.facts
    concerned, due = keeping.rules.concerned(keeping.touched), profile.due
    before = facts.at(due - JUST_BEFORE) if due and ANEW < due <= keeping.now else None
    for name, segment in (keeping.rules.segments if before else concerned).items():
        is_concerned = name in concerned
        moment = segment.turns(before) if before and not is_concerned else None
        if is_concerned or (moment and moment <= keeping.now):
            _keep_segment(keeping, name, segment)
            moment = segment.turns(facts)
        if moment:
            yield moment
    if keeping.sweeps:
        for name in sorted(profile.segments.keys() - keeping.rules.segments.keys()):
            _note(keeping, name, name, False)


def _keep_segment(keeping: Keeping, name: str, segment: Segment) -> None:
    """Whether the person is in it, where that is known."""
    is_known = keeping.with_permission or not segment.asks
    if is_known and keeping.has(segment.needs):
        is_in = segment.holds(keeping.facts)
        if is_in != (name in keeping.profile.segments):
            _note(keeping, name, segment.title, is_in)


def _note(keeping: Keeping, name: str, title: str, is_in: bool) -> None:
    before = keeping.profile.segments
    if is_in:
        keeping.profile.segments = {**before, name: keeping.now}
    else:
        keeping.profile.segments = {one: when for one, when in before.items() if one != name}
    event = SEGMENT_ENTERED if is_in else SEGMENT_LEFT
    keeping.tell(SEGMENTS, event, name, segment=name, title=title)


def _arm(profile: Profile, moment: datetime | None, now: datetime) -> None:
    """When to look again. An earlier moment stays, although it may turn out too early: moving it
    later would be a write for each event, and looking in vain is one in a long while."""
    armed = profile.due
    if armed is None or armed <= now or (moment is not None and moment < armed):
        profile.due = moment
