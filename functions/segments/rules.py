"""The rules in force: all that tells who a person is, as the live files have it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.segments import scoring, segment
from functions.segments.condition import Segment
from functions.segments.scoring import Scoring

SEGMENTS_FILE, LIFECYCLE_FILE = "segments.yaml", "lifecycle.yaml"
SCORING_FILE, SALES_FILE = "scoring.yaml", "sales.yaml"
# Beside brand.yaml: what counts for everybody as soon as it is published.
LIVE_FILES = (SEGMENTS_FILE, LIFECYCLE_FILE, SCORING_FILE, SALES_FILE)


@dataclass(frozen=True)
class Rules:
    """Read once for each publish; the same for everybody."""

    segments: Mapping[str, Segment] = field(default_factory=dict)
    scoring: Scoring | None = None


def rules_of(raw: Mapping[str, Any]) -> Rules:
    """The rules of files without mistakes: what each of them says, by the file's name."""
    return Rules(
        segments=segment.build(raw.get(SEGMENTS_FILE)),
        scoring=scoring.build(raw.get(SCORING_FILE)),
    )
