"""Asking a running system on the command line: which one is meant, and what is in the way."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape

Client = Any  # local.client's, which is slow to load and not for every command
out, err = Console(highlight=False), Console(stderr=True, highlight=False)

At = Annotated[
    str, typer.Option("--at", help="The system's address; this machine's port 8000 by default.")
]
Key = Annotated[
    str,
    typer.Option("--key", envvar="TANTE_KEY", help="The secret key; with --data not needed."),
]
RunningData = Annotated[
    Path | None, typer.Option("--data", help="The folder of a running tante run: its key.")
]
In = Annotated[Literal["en", "de"], typer.Option("--in", help="The language of the sentences.")]


@contextmanager
def asking(at: str, key: str, data: Path | None) -> Iterator[Client]:
    """The client of the system that is meant; what is in the way is told as `told` does."""
    from local.client import client

    with told():
        yield client(at, key, data)


@contextmanager
def told() -> Iterator[None]:
    """What a system refuses, or that it or the person cannot be found, is told in a sentence, and
    the exit status is 1."""
    from local.client import NoAnswer, Refusal
    from local.find_person import NoPerson

    try:
        yield
    except Refusal as refusal:
        for problem in refusal.problems:
            err.print(f"[red]✗[/] {escape(problem)}", soft_wrap=True)
        mark = "" if refusal.problems else "[red]✗[/] "
        err.print(f"{mark}{escape(str(refusal))}", soft_wrap=True)
        sys.exit(1)
    except (NoAnswer, NoPerson) as error:
        err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


def wide() -> Console:
    """Where tables and trees go: a file or another program gets whole lines."""
    return out if out.is_terminal else Console(width=10_000, highlight=False)
