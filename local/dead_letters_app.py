"""`tante dead-letters`: the commands, which load what they say and do when they are called."""

import sys
from typing import Annotated

import typer

from local.asking import err, out
from local.whereabouts import REGION, CloudStage, OtherData, Region, folder_of

dead_letters_app = typer.Typer(help="What could not be done: look at it, send it back, drop it.")


@dead_letters_app.command("list")
def list_dead_letters(
    most: Annotated[int, typer.Option(min=1, help="So many of each queue are shown.")] = 100,
    data: OtherData = None,
    stage: CloudStage = "",
    region: Region = REGION,
) -> None:
    """Show what lies in the dead-letter queues, and why. Changes nothing."""
    from local.dead_letter_commands import Commands

    Commands(folder_of(data, stage), stage, region, out, err).list(most)


@dead_letters_app.command("show")
def show_dead_letter(
    name: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    data: OtherData = None,
    stage: CloudStage = "",
    region: Region = REGION,
) -> None:
    """Show one whole, with its reason and what to do. Changes nothing."""
    from local.dead_letter_commands import Commands

    Commands(folder_of(data, stage), stage, region, out, err).show(name)


@dead_letters_app.command("redrive")
def redrive_dead_letters(
    ids: Annotated[list[str] | None, typer.Argument(help="As `list` shows them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that this can help.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also what will certainly come back; with ids only.")
    ] = False,
    data: OtherData = None,
    stage: CloudStage = "",
    region: Region = REGION,
) -> None:
    """Send dead letters back to where they came from, as if they were new.

    Doing it twice is harmless: an event counts once, a message is sent once.
    """
    if every == bool(ids) or (every and force):
        err.print("[red]✗[/] give either ids (with --force if need be), or --all")
        sys.exit(2)
    from local.dead_letter_commands import Commands

    Commands(folder_of(data, stage), stage, region, out, err).redrive(ids or [], force)


@dead_letters_app.command("drop")
def drop_dead_letters(
    ids: Annotated[list[str], typer.Argument(help="As `list` shows them.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: OtherData = None,
    stage: CloudStage = "",
    region: Region = REGION,
) -> None:
    """Forget dead letters for good."""
    from local.dead_letter_commands import Commands

    Commands(folder_of(data, stage), stage, region, out, err).drop(ids, yes)
