"""The command line: every command of tante, each of which loads only what it needs."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from functions.problem import Problems
from local import (
    account_commands,
    audit_commands,
    breaker_commands,
    cluster_commands,
    code_commands,
    cost_command,
    folder_commands,
    forecast_command,
    form_commands,
    import_commands,
    journeys_app,
    lifecycle_commands,
    message_commands,
    preview_command,
    privacy_commands,
    product_commands,
    sales_commands,
    score_commands,
    segment_commands,
    suppression_commands,
)
from local.asking import err, out
from local.dead_letters_app import dead_letters_app
from local.folder_commands import say_problems
from local.key_commands import keys_app
from local.panels import InPanels
from local.people_commands import people_app
from local.secret_key_commands import secret_keys_app
from local.whereabouts import JOURNEYS, REGION, Data, Journeys, Region

app = typer.Typer(
    cls=InPanels,
    help="Tante: customer-lifecycle marketing in your own AWS account.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys_app.add_typer(secret_keys_app, name="secret", no_args_is_help=True)
app.add_typer(keys_app, name="keys", no_args_is_help=True)
app.add_typer(dead_letters_app, name="dead-letters", no_args_is_help=True)
app.add_typer(account_commands.app, name="accounts", no_args_is_help=True)
app.add_typer(breaker_commands.app, name="breaker")
app.add_typer(message_commands.app, name="messages", no_args_is_help=True)
app.add_typer(code_commands.app, name="codes")
app.add_typer(form_commands.app, name="forms")
app.add_typer(cluster_commands.app, name="clusters")
app.add_typer(product_commands.app, name="products", no_args_is_help=True)
app.add_typer(segment_commands.app, name="segments")
app.add_typer(people_app, name="people", no_args_is_help=True)
audit_commands.register(app)
app.add_typer(suppression_commands.app, name="suppressions", no_args_is_help=True)
cost_command.register(app)
folder_commands.register(app)
forecast_command.register(app)
import_commands.register(app, out, err)
journeys_app.register(app)
lifecycle_commands.register(app)
privacy_commands.register(app)
preview_command.register(app)
sales_commands.register(app)
score_commands.register(app)

MARKS = {"fine": "[green]✓[/]", "look": "[yellow]![/]", "wrong": "[red]✗[/]"}


def main() -> None:
    """The entry point; problems that a person can mend are printed without a traceback."""
    try:
        app()
    except Problems as problems:
        say_problems(problems)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


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


@app.command()
def doctor(
    stage: Annotated[str, typer.Option(help="The stage in AWS, such as dev or prod.")],
    region: Region = REGION,
    journeys: Journeys = JOURNEYS,
) -> None:
    """Look at a stage in AWS with your own credentials, and say what to do.

    Changes nothing. The exit status is 1 if anything is wrong (✗); "!" is for you to judge.
    """
    from functions.folder import check_brand, read_folder
    from local.doctor import NoAccess, Stage, examine, look_up

    sender = check_brand(read_folder(journeys).brand).sender.email
    try:
        with err.status("Asking AWS ..."):
            findings = list(examine(Stage(stage, region, sender, look_up)))
    except NoAccess as error:
        err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)
    for one in findings:  # not in a table, which would break the commands to copy
        out.print(f"{MARKS[one.state]} {one.what:<26}{escape(one.found)}", soft_wrap=True)
        out.print(f"{'':28}[dim]→ {escape(one.do)}[/]", soft_wrap=True)
    sys.exit(any(one.state == "wrong" for one in findings))
