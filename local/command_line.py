"""The command line: tante run, demo, check, keys."""

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from functions.problem import Problems

app = typer.Typer(
    help="Tante: customer-lifecycle marketing in your own AWS account.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys_app = typer.Typer(help="Write keys: which websites and shops may send events.")
app.add_typer(keys_app, name="keys", no_args_is_help=True)
out, err = Console(highlight=False), Console(stderr=True, highlight=False)

Data = Annotated[Path, typer.Option(help="The folder where everything is kept.")]
Journeys = Annotated[Path, typer.Option(help="The folder of journeys.")]
JOURNEYS = Path("statemachines")


def main() -> None:
    """The entry point; problems that a person can mend are printed without a traceback."""
    try:
        app()
    except Problems as problems:
        _say_problems(problems)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _say_problems(problems: Problems) -> None:
    for problem in problems.found:
        err.print(f"[red]✗[/] {escape(str(problem))}", soft_wrap=True)
    count = len(problems.found)
    err.print(f"{count} problem{'s' if count != 1 else ''}; nothing was published.")


@app.command()
def run(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Listens on 127.0.0.1 at this port.")
    ] = 8000,
    data: Data = Path("data"),
    journeys: Journeys = JOURNEYS,
) -> None:
    """Run the whole system on this machine, with an outbox instead of real messages."""
    from functions.folder import check as check_folder
    from functions.folder import read_folder
    from local.app import App
    from local.http_server import PortTaken, application, serve
    from local.system import InUse, System

    said = logging.StreamHandler()  # the handlers' own loggers print for themselves
    said.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logging.getLogger("tante").addHandler(said)
    url = f"http://127.0.0.1:{port}"
    check_folder(read_folder(journeys))  # before anything is made

    def started() -> None:
        published = system.publish()
        _greet(url, system.keys.write_key, system.keys.secret_key, system.keys_are_new, data)
        for name, version, is_new in published:
            out.print(f"  journey     {name} ({version}{', published now' if is_new else ''})")
        out.print("\nStop with Ctrl-C; the next start goes on where this one ends.")

    try:
        system = System(data, journeys, url)
        with system.running():
            serve(application(App(system).route), port, started)
    except PortTaken as taken:
        err.print(f"[red]✗[/] {taken.strerror}")
        sys.exit(1)
    except (InUse, OSError) as error:
        err.print(f"[red]✗[/] {escape(str(error))}")
        sys.exit(1)


def _greet(url: str, write_key: str, secret_key: str, are_new: bool, data: Path) -> None:
    made = "made now, " if are_new else ""
    out.print(f"[bold]Tante[/] runs at [bold]{url}[/]\n")
    out.print(f"  page        {url}/#key={secret_key}", soft_wrap=True)
    out.print(f"  write key   {write_key}   for websites and shops")
    out.print(f"  secret key  {secret_key}   for the admin API")
    out.print(f"  keys file   {data / 'keys.json'} ({made}keep it private)")
    out.print(f"  API         {url}/openapi.json\n")


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="The folder of journeys.")] = JOURNEYS,
) -> None:
    """Check every journey and message of a folder; the exit status is 1 if anything is wrong."""
    from functions.folder import check as check_folder
    from functions.folder import read_folder
    from functions.journeys.flow import compile_journey

    if not folder.is_dir():
        err.print(f'[red]✗[/] there is no folder "{escape(str(folder))}"', soft_wrap=True)
        sys.exit(2)
    for one in check_folder(read_folder(folder)):
        states = compile_journey(one.journey, one.version)["States"]
        steps = len(list(one.journey.every_step()))
        out.print(f"[green]✓[/] {one.journey.name}: {steps} steps, {len(states)} states")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a journey (statemachines/journey.schema.json)."""
    import json

    from functions.journeys.check import journey_schema

    print(json.dumps(journey_schema(), indent=2, ensure_ascii=False))  # noqa: T201


@app.command()
def demo(
    households: Annotated[
        str, typer.Option(help='How many real households take part, or "all" (2,469).')
    ] = "300",
    seed: Annotated[int, typer.Option(help="Same seed, same result.")] = 1,
    data: Annotated[Path, typer.Option(help="Made anew; the mails stay there to look at.")] = Path(
        "demo"
    ),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port meanwhile; 0 takes a free one.")
    ] = 0,
    journeys: Journeys = JOURNEYS,
) -> None:
    """Replay a year of real shop baskets through the three journeys, in virtual time."""
    if households != "all" and not (households.isdecimal() and int(households) > 0):
        err.print('[red]✗[/] --households takes a number, or "all"')
        sys.exit(2)
    from local.demo import play

    play(None if households == "all" else int(households), seed, data, port, journeys, out)


@keys_app.command("list")
def list_keys(data: Data = Path("data")) -> None:
    """Show who may send events."""
    from functions.tracking.source import Source

    sources, _ = _store(data).listing(Source, limit=500)
    table = Table("source", "trusted for consent", "made", "state", box=None)
    for source in sources:
        made = source.created.strftime("%Y-%m-%d") if source.created else ""
        trusted = "trusted" if source.trusted else ""
        table.add_row(escape(source.name), trusted, made, "revoked" if source.revoked else "in use")
    out.print(table)


@keys_app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Who sends with it, such as: shop server")],
    trusted: Annotated[
        bool, typer.Option("--trusted", help="May say that people consented (servers only).")
    ] = False,
    data: Data = Path("data"),
) -> None:
    """Make a write key for a website, shop or server. It is shown once."""
    from local.keys import add_source, new_key

    key = new_key("wk")
    add_source(_store(data), key, name, trusted, datetime.now(UTC))
    out.print(f"{key}   for {escape(name)}; it works within a minute", soft_wrap=True)


@keys_app.command("revoke")
def revoke_key(
    name: Annotated[str, typer.Argument(help="The source whose keys stop working.")],
    data: Data = Path("data"),
) -> None:
    """Refuse events with a source's write keys from now on."""
    from functions.tracking.source import Source

    store = _store(data)
    sources, _ = store.listing(Source, limit=500)
    found = [source for source in sources if source.name == name and not source.revoked]
    if not found:
        names = ", ".join(sorted({source.name for source in sources})) or "none"
        words = escape(f'no source "{name}" is in use; there are: {names}')
        err.print(f"[red]✗[/] {words}", soft_wrap=True)
        sys.exit(1)
    for source in found:
        source.revoked = datetime.now(UTC)
        store.put(source)
    out.print(f"{escape(name)}: {len(found)} key(s) revoked; it takes effect within a minute")


def _store(data: Path):  # type: ignore[no-untyped-def]
    from local.sqlite_store import SqliteStore

    if not (data / "tante.db").exists():
        words = escape(f'there is nothing in "{data}" yet; start with: tante run --data {data}')
        err.print(f"[red]✗[/] {words}", soft_wrap=True)
        sys.exit(1)
    return SqliteStore(data / "tante.db")
