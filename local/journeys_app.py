"""`tante publish`, `journeys`, `drafts` and `why`: what runs, on a running system."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from local.asking import At, In, Key, RunningData, asking, err, out, wide
from local.whereabouts import JOURNEYS

journeys_app = typer.Typer(help="Published journeys: where people stand, pause, stop, roll back.")
drafts_app = typer.Typer(help="Journeys that are being written: never run.")
journeys_app.add_typer(drafts_app, name="drafts", no_args_is_help=True)

UnderWay = Annotated[
    Literal["pin", "follow", "migrate"],
    typer.Option(
        "--under-way",
        help="Those under way: keep their version, get the new texts and conditions too, or go on "
        "in the new version.",
    ),
]
Maps = Annotated[
    list[str] | None,
    typer.Option("--map", help='Where a step is gone: "old step=new step", or "old step=end".'),
]
JourneyName = Annotated[str, typer.Argument(metavar="NAME", help="The journey's name.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Make these commands known to `tante`."""
    app.add_typer(journeys_app, name="journeys", no_args_is_help=True)
    app.command()(why)
    app.command()(publish)


def _commands(at: str, key: str, data: Path | None) -> Any:
    """The commands on the running system that is meant (loaded only when they are needed)."""
    from local.client import client
    from local.publish_commands import Commands

    return Commands(lambda: client(at, key, data), out, err)


def why(
    person: Annotated[str, typer.Argument(help="An e-mail address or a user id.")],
    journey: Annotated[str, typer.Argument(help="The journey's name.")],
    language: In = "en",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Say what was decided at each step of a person's way through a journey, or why there is
    none."""
    from local import why as telling

    with asking(at, key, data) as client:
        found = telling.ask(client, person, journey, language)
    telling.show(found, journey, wide())


def publish(
    folder: Annotated[Path, typer.Argument(help="The folder of journeys.")] = JOURNEYS,
    journey: Annotated[
        list[str] | None, typer.Option("--journey", help="Only this one; may be repeated.")
    ] = None,
    under_way: UnderWay = "pin",
    maps: Maps = None,
    yes: Yes = False,
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Publish journeys to a running system: shows what it does to those under way, then asks."""
    commands = _commands(at, key, data)
    commands.publish(folder, under_way, journey or [], maps or [], yes)


@journeys_app.command("list")
def list_journeys(data: RunningData = None, at: At = "", key: Key = "") -> None:
    """Every journey, its state and its newest version."""
    _commands(at, key, data).list()


@journeys_app.command("show")
def show_standing(name: JourneyName, data: RunningData = None, at: At = "", key: Key = "") -> None:
    """A journey's versions, and at which steps how many people stand."""
    _commands(at, key, data).show(name)


@journeys_app.command("pause")
def pause_journey(name: JourneyName, data: RunningData = None, at: At = "", key: Key = "") -> None:
    """Nobody enters, messages of those inside are held. Entries meanwhile are not made up for."""
    _commands(at, key, data).change(name, "pause", {})


@journeys_app.command("resume")
def resume_journey(name: JourneyName, data: RunningData = None, at: At = "", key: Key = "") -> None:
    """Open a paused or stopped journey; held messages go within the hour."""
    _commands(at, key, data).change(name, "resume", {})


@journeys_app.command("stop")
def stop_journey(
    name: JourneyName,
    eject: Annotated[
        bool,
        typer.Option(
            "--eject/--finish", help="Those inside leave at once as ejected, or go on to the end."
        ),
    ] = False,
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Nobody enters any more."""
    body = {"inside": "eject" if eject else "finish"}
    _commands(at, key, data).change(name, "stop", body)


@journeys_app.command("rollback")
def roll_back_journey(
    name: JourneyName,
    version: Annotated[
        str, typer.Argument(help="The one before the newest, if none is given.")
    ] = "",
    under_way: UnderWay = "pin",
    maps: Maps = None,
    yes: Yes = False,
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Point to an older version again, with the same question for those under way."""
    _commands(at, key, data).roll_back(name, version, under_way, maps or [], yes)


@drafts_app.command("list")
def list_drafts(data: RunningData = None, at: At = "", key: Key = "") -> None:
    """The drafts there are."""
    _commands(at, key, data).drafts()


@drafts_app.command("save")
def save_draft(
    name: JourneyName,
    folder: Annotated[Path, typer.Argument(help="The folder of journeys.")] = JOURNEYS,
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Keep a journey of the folder as a draft, right or wrong."""
    _commands(at, key, data).save_draft(name, folder)


@drafts_app.command("check")
def check_draft(name: JourneyName, data: RunningData = None, at: At = "", key: Key = "") -> None:
    """Say what is wrong with a draft; the exit status is 1 if anything is."""
    _commands(at, key, data).check_draft(name)


@drafts_app.command("publish")
def publish_draft(
    name: JourneyName,
    under_way: UnderWay = "pin",
    maps: Maps = None,
    yes: Yes = False,
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Publish a draft, like a folder."""
    _commands(at, key, data).publish_draft(name, under_way, maps or [], yes)


@drafts_app.command("drop")
def drop_draft(name: JourneyName, data: RunningData = None, at: At = "", key: Key = "") -> None:
    """Forget a draft."""
    _commands(at, key, data).drop_draft(name)
