"""What stands in a scenario file: one person, what happens, and what must come of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from functions.journeys import schema

AT_EXAMPLE = 'a day and a clock time, where the person is, are written like "2027-03-01 10:00"'
At = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2} ([01]?[0-9]|2[0-3]):[0-5][0-9](?!\n)$",
        description="A day and a clock time where the person is",
        extra_json_schema={"patternErrorMessage": AT_EXAMPLE},
    ),
]
# As conditions have it: "guide" of this folder, "onboarding/guide" of another.
OfAJourney = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^([a-z0-9-]+/)?[^/]+(?!\n)$",
        description='A name in this journey, or "journey/name" in another',
        extra_json_schema={
            "patternErrorMessage": 'write it like "guide", or "onboarding/guide" in another journey'
        },
    ),
]


def _lines(name: str) -> dict[str, Any]:
    return {"items": {"$ref": f"#/$defs/{name}"}}


class ScenarioForm(
    msgspec.Struct,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"may_get": "may get"},
):
    """One scenario. Without `person` it is somebody with an e-mail address and a phone. Neither
    `hold out` nor the share of `limit` ever keeps them out."""

    scenario: schema.Text
    person: dict[str, Any] | None = None
    may_get: Annotated[Any, msgspec.Meta(extra_json_schema={"$ref": "#/$defs/permission"})] = (
        "everything"
    )
    arms: dict[str, str] = {}
    happens: Annotated[list[Any], msgspec.Meta(min_length=1, extra_json_schema=_lines("happens"))]
    until: Annotated[
        str,
        msgspec.Meta(description="The end: a day and a time, or so long after what happens last"),
    ] = ""
    expect: Annotated[list[Any], msgspec.Meta(min_length=1, extra_json_schema=_lines("expect"))]


class Line(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A line of `happens` or `expect`, named by its verb; `after` counts from the line before."""

    at: At = ""
    after: schema.Duration = ""

    verb: ClassVar[str] = ""

    @property
    def object(self) -> str:
        """What stands behind the verb, as text."""
        return str(getattr(self, self.verb.replace(" ", "_")))


class Event(Line, rename={"with_": "with"}):
    """A website or shop sends an event."""

    event: schema.Text
    with_: dict[str, Any] = {}

    verb: ClassVar[str] = "event"


class Changes(Line):
    """Traits of the person become known, as by Segment's identify."""

    changes: dict[str, Any]

    verb: ClassVar[str] = "changes"

    @property
    def object(self) -> str:
        return ", ".join(self.changes)


class Joins(Line, rename={"with_": "with"}):
    """The person belongs to a company, as by Segment's group; `with` is what is said of it, and of
    the person there."""

    joins: schema.Text
    with_: dict[str, Any] = {}

    verb: ClassVar[str] = "joins"


class Enters(Line, rename={"with_": "with"}):
    """The person is let into a journey, as `start journey` does it; `with` is the entry."""

    enters: schema.Name
    with_: dict[str, Any] = {}

    verb: ClassVar[str] = "enters"


class Opens(Line):
    """The person opens an e-mail."""

    opens: OfAJourney

    verb: ClassVar[str] = "opens"


class Clicks(Line):
    """The person clicks in an e-mail; without `link` on its first link that counts."""

    clicks: OfAJourney
    link: schema.Text = ""

    verb: ClassVar[str] = "clicks"


class Unsubscribes(Line):
    """The person leaves by the link in an e-mail."""

    unsubscribes: OfAJourney

    verb: ClassVar[str] = "unsubscribes"


class Bounces(Line):
    """An e-mail comes back for good: the address does not exist."""

    bounces: OfAJourney

    verb: ClassVar[str] = "bounces"


class Sent(Line):
    """A message goes out."""

    sent: OfAJourney
    by: str = ""

    verb: ClassVar[str] = "sent"


class Task(Line, rename={"for_": "for"}):
    """A colleague gets a task; `for` is who gets it in the end, never "owner"."""

    task: schema.Text
    for_: str = ""

    verb: ClassVar[str] = "task"


class Starts(Line):
    """The person enters a journey."""

    starts: schema.Name

    verb: ClassVar[str] = "starts"


class Ends(Line):
    """The person's run ends with this outcome: `upgraded`, or `upsell/goal` of another journey."""

    ends: OfAJourney

    verb: ClassVar[str] = "ends"


class Stage(Line):
    """The person comes to a stage: `lost` of the first model in lifecycle.yaml, `sales/mql` of
    another."""

    stage: OfAJourney

    verb: ClassVar[str] = "stage"


class NotSent(
    msgspec.Struct, forbid_unknown_fields=True, kw_only=True, rename={"not_sent": "not sent"}
):
    """A message never goes out; `because` is the reason that Tante gives."""

    not_sent: OfAJourney
    because: str = ""

    verb: ClassVar[str] = "not sent"


class Person(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """At the end the person passes these tests, written as in a journey's conditions."""

    person: dict[str, Any]

    verb: ClassVar[str] = "person"


Happens = Event | Changes | Joins | Enters | Opens | Clicks | Unsubscribes | Bounces
Expects = Sent | Task | Starts | Ends | Stage | NotSent | Person
HAPPENS: dict[str, type[Any]] = {
    one.verb: one for one in (Event, Changes, Joins, Enters, Opens, Clicks, Unsubscribes, Bounces)
}
EXPECTS: dict[str, type[Any]] = {
    one.verb: one for one in (Sent, Task, Starts, Ends, Stage, NotSent, Person)
}

T = TypeVar("T")


@dataclass(frozen=True)
class Placed(Generic[T]):
    """Something of a file, and the line on which it stands."""

    line: int
    what: T


@dataclass(frozen=True)
class Scenario:
    """A scenario of a journey, read and checked.

    `consents` are the purposes that the person agrees to, by channel; `arms` the arm that they
    are to go at each split that is named; `zone` is where they are; `until` (UTC) the end that
    was asked for, None: when nothing more can come of the journey.
    """

    file: str
    line: int
    journey: str
    title: str
    person: dict[str, Any]
    consents: dict[str, list[str]]
    arms: dict[str, str]
    zone: ZoneInfo
    happens: list[tuple[datetime, Placed[Happens]]]
    expect: list[Placed[Expects]]
    until: datetime | None


def moment(at: str, zone: ZoneInfo) -> datetime:
    """The moment (UTC) that a clock in the zone shows so. Raises ValueError."""
    day, _, clock = at.partition(" ")
    local = datetime.fromisoformat(f"{day}T{clock.zfill(5)}")
    return local.replace(tzinfo=zone).astimezone(UTC)


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file (draft 2020-12), as it is committed for editors."""
    _, components = msgspec.json.schema_components(
        [ScenarioForm, *HAPPENS.values(), *EXPECTS.values()], ref_template="#/$defs/{name}"
    )
    text_list = {"type": "array", "items": {"type": "string"}}
    purposes = {"anyOf": [{"const": "everything"}, text_list]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenarios of a journey of Tante",
        "type": "array",
        "items": {"$ref": f"#/$defs/{ScenarioForm.__name__}"},
        "$defs": {
            **components,
            "permission": {
                "anyOf": [
                    {"enum": ["everything", "nothing"]},
                    {"type": "object", "additionalProperties": purposes},
                ]
            },
            "happens": schema.step_schema(HAPPENS),
            "expect": schema.step_schema(EXPECTS),
        },
    }
