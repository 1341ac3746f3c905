"""Comparing what a scenario expects with what came of it, to the minute."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from functions.segments.phrases import duration
from local.scenarios.rehearsal import Came, Played
from local.scenarios.scenario import (
    Expects,
    Line,
    NotSent,
    Person,
    Placed,
    Scenario,
    Sent,
    Task,
    moment,
)

Mark = Literal["happens", "as expected", "wrong"]
MUST_BE_NAMED = ("sent", "task")  # whatever a person or a colleague would notice


@dataclass(frozen=True)
class Row:
    """A line of the timeline: what was expected and what came, side by side, either may lack."""

    at: datetime
    expected: str
    came: str
    mark: Mark


@dataclass(frozen=True)
class Verdict:
    """What is not as expected, in the order of the file, and the whole timeline."""

    wrong: list[Placed[str]]
    rows: list[Row]


def judge(scenario: Scenario, played: Played) -> Verdict:
    """Whether it came as expected. Every message and task has to be named, the rest may be."""
    judging = _Judging(scenario, played)
    for line in scenario.expect:
        judging.compare(line)
    judging.left_over()
    wrong = [*played.mishaps, *judging.wrong, *played.untrue]
    return Verdict(sorted(wrong, key=lambda placed: placed.line), judging.timeline())


class _Judging:
    """One comparison, line by line."""

    def __init__(self, scenario: Scenario, played: Played) -> None:
        self._scenario, self._played = scenario, played
        self._left = list(played.came)
        # The line before the first is the first that happens.
        self._before = scenario.happens[0][0]
        self._rows: list[Row] = []
        self.wrong: list[Placed[str]] = []

    def compare(self, placed: Placed[Expects]) -> None:
        line = placed.what
        if isinstance(line, NotSent):
            self._not_sent(placed.line, line)
        elif not isinstance(line, Person):
            self._line(placed.line, line)

    def _line(self, number: int, line: Line) -> None:
        wanted = self._wanted(line)
        came = self._find(line)
        said = said_of(line.verb, line.object, _by(line))
        if came is None:
            self._add(number, f"{said}: this never came{self._instead(line)}")
            self._rows.append(Row(wanted or self._before, said, "", "wrong"))
            self._before = wanted or self._before
            return
        self._left.remove(came)
        words = self._difference(line, came, wanted)
        if words:
            self._add(number, f"{said}: {words}")
        here = _said(came)
        shown = f"{said} at {self._shown(wanted)}" if words and wanted else said
        self._rows.append(Row(came.at, shown, here, "wrong" if words else "as expected"))
        self._before = came.at

    def _instead(self, line: Line) -> str:
        """What came in its place, where that can be said."""
        if isinstance(line, Sent) and line.object in self._played.unsent:
            return f"; it was not sent: {self._played.unsent[line.object]}"
        journey = line.object.rpartition("/")[0]
        for came in self._left:
            if line.verb == came.verb == "ends" and came.name.rpartition("/")[0] == journey:
                return f"; it ended as {came.name} at {self._shown(came.at)}"
        return ""

    def _wanted(self, line: Line) -> datetime | None:
        if line.at:
            return moment(line.at, self._zone)
        return duration(line.after).after(self._before, self._zone) if line.after else None

    def _find(self, line: Line) -> Came | None:
        """The first of that name that no line before has taken, if possible not before those."""
        alike = [came for came in self._left if (came.verb, came.name) == (line.verb, line.object)]
        later = [came for came in alike if _minute(came.at) >= _minute(self._before)]
        return next(iter(later or alike), None)

    def _difference(self, line: Line, came: Came, wanted: datetime | None) -> str:
        if wanted and _minute(wanted) != _minute(came.at):
            return f"came at {self._shown(came.at)}, not at {self._shown(wanted)}"
        if _minute(came.at) < _minute(self._before):
            return f"came at {self._shown(came.at)}, before the line above it"
        if _by(line) not in ("", came.by):
            return f"it was {came.by}"
        return ""

    def _not_sent(self, number: int, line: NotSent) -> None:
        sent = [one for one in self._played.came if (one.verb, one.name) == ("sent", line.not_sent)]
        reason = self._played.unsent.get(line.not_sent, "")
        if sent:
            self._add(number, f"not sent {line.not_sent}: it was, at {self._shown(sent[0].at)}")
        elif line.because and line.because != reason:
            why = f'the reason was "{reason}"' if reason else "the journey did not come to it"
            self._add(number, f"not sent {line.not_sent} because {line.because}: {why}")

    def left_over(self) -> None:
        """What came and no line speaks of."""
        for came in self._left:
            must = came.verb in MUST_BE_NAMED
            if must:
                said = f"{_said(came)} at {self._shown(came.at)}"
                self._add(self._scenario.line, f"{said}: nothing in expect speaks of it")
            self._rows.append(Row(came.at, "", _said(came), "wrong" if must else "as expected"))

    def timeline(self) -> list[Row]:
        """All that happened and came, oldest first."""
        happened = [
            Row(at, "", said_of(placed.what.verb, placed.what.object), "happens")
            for at, placed in self._scenario.happens
        ]
        return sorted([*happened, *self._rows], key=lambda row: row.at)

    @property
    def _zone(self) -> ZoneInfo:
        return self._scenario.zone

    def _shown(self, at: datetime) -> str:
        return shown(at, self._zone)

    def _add(self, line: int, words: str) -> None:
        self.wrong.append(Placed(line, words))


def shown(at: datetime, zone: ZoneInfo) -> str:
    """As a scenario file writes it: 2027-03-01 10:00."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def said_of(verb: str, name: str, by: str = "") -> str:
    """A line in words: sent guide by sms, task Call for sales."""
    small = {"sent": " by ", "task": " for "}.get(verb, " ")
    return f"{verb} {name}" + (f"{small}{by}" if by else "")


def _said(came: Came) -> str:
    return said_of(came.verb, came.name, "" if came.by == "email" else came.by)


def _by(line: Line) -> str:
    if isinstance(line, Task):
        return line.for_
    return line.by if isinstance(line, Sent) else ""


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
