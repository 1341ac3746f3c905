"""Orders: what the admin API asks of the publisher, and what it answers."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from functions.handlers.openapi import Operation, Parameter, ProblemView
from functions.journeys.migration import Choice, Standing, UnderWay


class Order(msgspec.Struct):
    """One order: what, of which journey, and the body of the request as JSON."""

    order: str
    name: str = ""
    body: dict[str, Any] = {}


class PublishBody(msgspec.Struct, forbid_unknown_fields=True):
    """Journeys to publish: `files` as "onboarding/journey.yaml", "brand.yaml", "parts/head.mjml"
    (what is missing of the last two is taken as published), and drafts by name. `choices` says
    by journey what becomes of those under way; with `dry_run` nothing is done."""

    files: dict[str, str] = {}
    drafts: list[str] = []
    choices: dict[str, Choice] = {}
    dry_run: bool = False
    owner: str = ""


class RollBackBody(msgspec.Struct, forbid_unknown_fields=True):
    """To which version ("": the one published before this), and what becomes of those under way."""

    version: str = ""
    under_way: UnderWay = "pin"
    map: dict[str, str] = {}
    dry_run: bool = False


class StopBody(msgspec.Struct, forbid_unknown_fields=True):
    """Those inside go on to the end (finish), or leave at once as "ejected" (eject)."""

    inside: Literal["finish", "eject"] = "finish"


class DraftBody(msgspec.Struct, forbid_unknown_fields=True):
    """The files of a draft by name, such as "journey.yaml"."""

    files: dict[str, str]


class NoBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing to say."""


class Preview(msgspec.Struct, kw_only=True):
    """What publishing a journey does. `gone` are the steps to map; with `problems` it is
    refused."""

    journey: str
    version: str
    before: str
    is_new: bool
    under_way: UnderWay
    people: int
    seconds: int
    changes: list[str]
    says: list[str]
    gone: list[str]
    problems: list[str]


class Published(msgspec.Struct):
    """What was published, or with `done` false what would be. `shared` has those of the files
    that count for everybody (brand.yaml, segments.yaml, ...) that change, with sentences on what
    changes in them, as far as we have any. `warnings` tells what could be better in the mails."""

    done: bool
    journeys: list[Preview]
    shared: dict[str, list[str]] = {}
    warnings: list[ProblemView] = []


class VersionView(msgspec.Struct):
    """A version of a journey."""

    version: str
    published: datetime | None


class JourneyDetail(msgspec.Struct, kw_only=True):
    """A journey: its state, its versions (newest first), and where its people stand."""

    name: str
    title: str
    version: str
    state: Literal["open", "paused", "stopped", "retired"]
    since: datetime | None
    owner: str
    draft: bool
    people: int
    versions: list[VersionView]
    standing: list[Standing]


class DraftView(msgspec.Struct):
    """A draft, with its files."""

    name: str
    saved: datetime | None
    files: dict[str, str]


class DraftsPage(msgspec.Struct):
    """The names of all drafts, newest first."""

    drafts: list[str]


class CheckedDraft(msgspec.Struct):
    """What is wrong with a draft; it can be published when nothing is. `warnings` tells what could
    be better in its mails."""

    problems: list[ProblemView]
    warnings: list[ProblemView] = []


NAME = Parameter("name", "path", "the journey's name")


def _of(
    method: str, ending: str, summary: str, answer: type, body: type | None = None
) -> Operation:
    path = f"/api/journeys/{{name}}{ending}"
    return Operation(method, path, summary, answer, (NAME,), "secret_key", body)


# What is asked of the publisher, and under which method and path.
ORDERS: dict[str, Operation] = {
    "publish": Operation(
        "post",
        "/api/publish",
        "Publish journeys, or see beforehand what it would do",
        Published,
        (),
        "secret_key",
        PublishBody,
    ),
    "look": _of("get", "", "One journey: state, versions, where people stand", JourneyDetail),
    "pause": _of("post", "/pause", "Nobody enters, messages are held", JourneyDetail, NoBody),
    "resume": _of("post", "/resume", "Open a paused or stopped journey", JourneyDetail, NoBody),
    "stop": _of("post", "/stop", "Nobody enters any more", JourneyDetail, StopBody),
    "roll back": _of("post", "/rollback", "To an older version", Published, RollBackBody),
    "drafts": Operation("get", "/api/drafts", "The drafts", DraftsPage, (), "secret_key"),
    "check draft": _of("post", "/draft/check", "What is wrong with a draft", CheckedDraft, NoBody),
    "draft": _of("get", "/draft", "The draft of a journey", DraftView),
    "save draft": _of("put", "/draft", "Save a draft, right or wrong", DraftView, DraftBody),
    "drop draft": _of("delete", "/draft", "Forget a draft", DraftsPage),
}
