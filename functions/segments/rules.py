"""The rules in force: all that tells who a person is, as the live files have it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from functions.segments import lifecycle, scoring, segment
from functions.segments.census_records import Cuts
from functions.segments.condition import Segment
from functions.segments.inputs import Inputs, may_change
from functions.segments.lifecycle import Lifecycle
from functions.segments.population import comparisons
from functions.segments.scoring import Scoring
from functions.segments.tally import TallyRule
from functions.segments.tallying import tally_rules
from functions.tracking.identity import short_hash

SEGMENTS_FILE, LIFECYCLE_FILE = "segments.yaml", "lifecycle.yaml"
SCORING_FILE, SALES_FILE = "scoring.yaml", "sales.yaml"
CODES_FILE, LIMITS_FILE = "codes.yaml", "limits.yaml"
# Beside brand.yaml: what counts for everybody as soon as it is published.
LIVE_FILES = (
    *(SEGMENTS_FILE, LIFECYCLE_FILE, SCORING_FILE, SALES_FILE, CODES_FILE),
    LIMITS_FILE,
)


@dataclass(frozen=True)
class Rules:
    """Read once for each publish; the same for everybody.

    `hash` tells whether two publishes say the same of everybody, "" where nothing is kept;
    `tallies` are what is counted, by key, `tallied` the hash of their keys; `needs_consent` is the
    brand's, for each purpose; `comparisons` are the conditions in them that compare a person with
    all others, by the latest `cuts`.
    """

    segments: Mapping[str, Segment] = field(default_factory=dict)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    scoring: Scoring | None = None
    tallies: Mapping[str, TallyRule] = field(default_factory=dict)
    tallied: str = ""
    hash: str = ""
    needs_consent: Mapping[str, bool] = field(default_factory=dict)
    comparisons: Sequence[Mapping[str, Any]] = ()
    cuts: Cuts | None = None

    @cached_property
    def by_event(self) -> Mapping[str, list[TallyRule]]:
        """The tallies that an event of a name may belong to."""
        found: dict[str, list[TallyRule]] = {}
        for rule in self.tallies.values():
            for name in rule.clause.names:
                found.setdefault(name, []).append(rule)
        return found

    @cached_property
    def asks(self) -> bool:
        """Whether a segment looks at the permission item."""
        return any(segment.asks for segment in self.segments.values())

    @cached_property
    def asks_runs(self) -> bool:
        """Whether a segment looks at the person's runs."""
        return any(segment.asks_runs for segment in self.segments.values())

    @cached_property
    def _concerned(self) -> dict[Inputs, Mapping[str, Segment]]:
        return {}

    def concerned(self, touched: Inputs) -> Mapping[str, Segment]:
        """The segments that look at something of this, and those that ask for the permission item,
        whose changes nobody follows; found once for each kind of event."""
        if touched not in self._concerned:
            self._concerned[touched] = {
                name: segment
                for name, segment in self.segments.items()
                if segment.asks or may_change(segment.looks_at, touched)
            }
        return self._concerned[touched]

    def tells(self, name: str) -> bool:
        """Whether a rule counts events of this name."""
        return name in self.by_event


def rules_of(raw: Mapping[str, Any], needs_consent: Mapping[str, bool] | None = None) -> Rules:
    """The rules of files without mistakes: what each of them says, by the file's name."""
    segments = raw.get(SEGMENTS_FILE) or {}
    wanted = {name: one["who"] for name, one in segments.items()}
    stages = raw.get(LIFECYCLE_FILE)
    scored = scoring.build(raw.get(SCORING_FILE), wanted)
    conditions = [*wanted.values(), *lifecycle.conditions(stages)]
    found = (rule for one in conditions for rule in tally_rules(one, wanted))
    tallies = {**(scored.needs if scored else {}), **{rule.clause.key: rule for rule in found}}
    said = json.dumps([raw, needs_consent], sort_keys=True, default=str)
    return Rules(
        segments=segment.build(segments),
        lifecycle=lifecycle.build(stages, segments),
        scoring=scored,
        tallies=tallies,
        tallied=short_hash(*sorted(tallies))[:6] if tallies else "",
        hash=short_hash(said)[:6] if any(raw.values()) else "",
        needs_consent=needs_consent or {},
        comparisons=comparisons(list(raw.values())),
    )
