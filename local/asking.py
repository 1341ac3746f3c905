"""How a command asks a running system: which one, with which key, and what is said if it cannot."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape

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
def asking(at: str, key: str, data: Path | None) -> Iterator[Any]:
    """The `local.client.Client` of the system that is meant. What is in the way, also of what is
    done with it, is told, and the exit status is 1."""
    # Slow to load, and not for every command.
    from local.client import NoAnswer, Refusal, client
    from local.find_person import NoPerson

    try:
        yield client(at, key, data)
    except (NoAnswer, Refusal, NoPerson) as error:
        err = Console(stderr=True, highlight=False)
        err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)
