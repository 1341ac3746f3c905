"""The command line: every command of tante, each of which loads only what it needs."""

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.table import Table

from functions.problem import Problems
from functions.storage.store import Store
from local import (
    account_commands,
    cluster_commands,
    import_commands,
    lifecycle_commands,
    product_commands,
    sales_commands,
    score_commands,
    segment_commands,
)
from local.asking import At, In, Key, RunningData, asking, err, out, wide
from local.panels import InPanels
from local.people_commands import people_app

app = typer.Typer(
    cls=InPanels,
    help="Tante: customer-lifecycle marketing in your own AWS account.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys_app = typer.Typer(help="Write keys: which websites and shops may send events.")
app.add_typer(keys_app, name="keys", no_args_is_help=True)
dead_letters_app = typer.Typer(help="What could not be done: look at it, send it back, drop it.")
app.add_typer(dead_letters_app, name="dead-letters", no_args_is_help=True)
journeys_app = typer.Typer(help="Published journeys: where people stand, pause, stop, roll back.")
app.add_typer(journeys_app, name="journeys", no_args_is_help=True)
app.add_typer(account_commands.app, name="accounts", no_args_is_help=True)
app.add_typer(cluster_commands.app, name="clusters")
app.add_typer(product_commands.app, name="products", no_args_is_help=True)
app.add_typer(segment_commands.app, name="segments")
drafts_app = typer.Typer(help="Journeys that are being written: never run.")
journeys_app.add_typer(drafts_app, name="drafts", no_args_is_help=True)
app.add_typer(people_app, name="people", no_args_is_help=True)
sales_commands.register(app)
score_commands.register(app)

Data = Annotated[Path, typer.Option(help="The folder where everything is kept.")]
Journeys = Annotated[Path, typer.Option(help="The folder of journeys.")]
OtherData = Annotated[
    Path | None,
    typer.Option(help="The folder where everything is kept; data, unless --stage is given."),
]
CloudStage = Annotated[
    str, typer.Option("--stage", help="Instead of a folder: this stage in AWS, such as dev.")
]
Region = Annotated[str, typer.Option(help="The AWS region of the stage.")]
REGION = "eu-central-1"
JOURNEYS = Path("statemachines")
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


def main() -> None:
    """The entry point; problems that a person can mend are printed without a traceback."""
    try:
        app()
    except Problems as problems:
        _say_problems(problems)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _say_problems(problems: Problems, so: str = "nothing was published") -> None:
    for problem in problems.found:
        err.print(f"[red]✗[/] {escape(str(problem))}", soft_wrap=True)
    count = len(problems.found)
    err.print(f"{count} problem{'s' if count != 1 else ''}; {so}.")


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
    """Check every journey, message and scenario of a folder; the exit status is 1 if anything is
    wrong."""
    from functions.folder import check as check_folder
    from functions.folder import read_folder
    from functions.journeys.bound import dollars, transitions
    from functions.journeys.flow import compile_journey
    from local.scenarios.read import read_scenarios

    if not folder.is_dir():
        err.print(f'[red]✗[/] there is no folder "{escape(str(folder))}"', soft_wrap=True)
        sys.exit(2)
    for one in check_folder(read_folder(folder)):
        states = compile_journey(one.journey, one.version)["States"]
        steps = len(list(one.journey.every_step()))
        most, held = transitions(one.journey, again=0), transitions(one.journey)
        out.print(
            f"[green]✓[/] {one.journey.name}: {steps} step{'s' if steps != 1 else ''}, "
            f"{len(states)} states; "
            f"at most {most} transitions a run, ${dollars(most):.2f} per 1,000 people"
            + (f" ({held} if all is held or moved once)" if held > most else ""),
            soft_wrap=True,
        )
    if scenarios := read_scenarios(folder):
        out.print(f"[green]✓[/] {len(scenarios)} scenarios; try them with: tante test")


@app.command()
def show(
    journey: Annotated[str, typer.Argument(help="The name of its folder.")],
    language: In = "en",
    journeys: Journeys = JOURNEYS,
    svg: Annotated[
        Path | None, typer.Option(help="Instead of printing: draw it into this file, as SVG.")
    ] = None,
) -> None:
    """Print a journey as sentences, or draw it: who enters and leaves, and every step."""
    from local import drawing
    from local import show as showing

    try:
        raw = showing.journey(journeys, journey)
    except showing.NoJourney as error:
        err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)
    if svg:
        svg.write_text(drawing.svg(raw, language), "utf-8")
        return
    wide().print(showing.drawn(raw, language))


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="A folder of journeys, as it was.")],
    after: Annotated[Path, typer.Argument(help="The folder as it is now.")] = JOURNEYS,
    language: In = "en",
) -> None:
    """Say in sentences what changed between two folders of journeys.

    The exit status is 0 without a difference, 1 with one, 2 where a folder cannot be read.
    """
    from local.difference import between

    try:
        found = between(before, after, language)
    except Problems as problems:
        _say_problems(problems)
        sys.exit(2)
    for name, said in found.items():
        out.print(f"[bold]{escape(name)}[/]")
        for one in said:
            out.print(f"  {escape(one)}", soft_wrap=True)
    sys.exit(bool(found))


@app.command()
def schema(
    of: Annotated[
        Literal["journey", "scenario"], typer.Argument(help="Of which file.")
    ] = "journey",
) -> None:
    """Print the JSON Schema of a journey or a scenario (statemachines/journey.schema.json)."""
    import json

    from functions.journeys.check import journey_schema
    from local.scenarios.scenario import scenario_schema

    whole = journey_schema() if of == "journey" else scenario_schema()
    print(json.dumps(whole, indent=2, ensure_ascii=False))  # noqa: T201


@app.command("test")
def try_scenarios(
    folder: Annotated[Path, typer.Argument(help="The folder of journeys.")] = JOURNEYS,
    journey: Annotated[str, typer.Option(help="Only the scenarios of this journey.")] = "",
) -> None:
    """Try the scenarios of a folder (*.scenario.yaml) on the whole system, in virtual time.

    The exit status is 0 if everything comes as expected, 1 if not, 2 where a file is wrong.
    """
    from local.scenarios.tell import try_all

    if not folder.is_dir():
        err.print(f'[red]✗[/] there is no folder "{escape(str(folder))}"', soft_wrap=True)
        sys.exit(2)
    try:
        failed = try_all(folder, journey, out)
    except Problems as problems:
        _say_problems(problems, "nothing was tried")
        sys.exit(2)
    sys.exit(failed > 0)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="What the new journey is called.")] = "",
    source: Annotated[str, typer.Option("--from", help="The ready journey to copy.")] = "",
    listing: Annotated[bool, typer.Option("--list", help="Show the ready journeys.")] = False,
    journeys: Journeys = JOURNEYS,
) -> None:
    """Begin a journey with a copy of a ready one, its messages and scenarios."""
    from local.pack import CannotCopy, copy, ready, still_wrong

    if listing or not (name and source):
        for one in ready(journeys):
            out.print(f"{one.name:<22}{escape(one.title)}", soft_wrap=True)
        err.print("\nCopy one with: tante new NAME --from READY")
        sys.exit(0 if listing else 2)
    try:
        target = copy(journeys, source, name)
    except CannotCopy as error:
        err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)
    words = f"{target} is there; read its journey.yaml, then: tante test"
    out.print(f"[green]✓[/] {escape(words)}", soft_wrap=True)
    for problem in still_wrong(journeys, name):
        out.print(f"[yellow]![/] {escape(str(problem))}", soft_wrap=True)


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
def list_keys(data: OtherData = None, stage: CloudStage = "", region: Region = REGION) -> None:
    """Show who may send events."""
    from functions.tracking.source import Source

    sources, _ = _store(data, stage, region).listing(Source, limit=500)
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
    data: OtherData = None,
    stage: CloudStage = "",
    region: Region = REGION,
) -> None:
    """Make a write key for a website, shop or server. It is shown once."""
    from local.keys import add_source, new_key

    key = new_key("wk")
    add_source(_store(data, stage, region), key, name, trusted, datetime.now(UTC))
    out.print(f"{key}   for {escape(name)}; it works within a minute", soft_wrap=True)


@keys_app.command("revoke")
def revoke_key(
    name: Annotated[str, typer.Argument(help="The source whose keys stop working.")],
    data: OtherData = None,
    stage: CloudStage = "",
    region: Region = REGION,
) -> None:
    """Refuse events with a source's write keys from now on."""
    from functions.tracking.source import Source

    store = _store(data, stage, region)
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


@keys_app.command("webhook")
def webhook_key(
    name: Annotated[str, typer.Argument(help="The webhook's name in brand.yaml.")],
    data: OtherData = None,
    stage: CloudStage = "",
    region: Region = REGION,
    journeys: Journeys = JOURNEYS,
) -> None:
    """Show the secret by which a webhook's receiver knows that it is us (Standard Webhooks)."""
    from functions.folder import check_brand, read_folder
    from local.webhook_secret import of_folder, of_stage

    known = check_brand(read_folder(journeys).brand).webhooks
    if name not in known:
        there = ", ".join(sorted(known)) or "none"
        words = escape(f'brand.yaml has no webhook "{name}"; there are: {there}')
        err.print(f"[red]✗[/] {words}", soft_wrap=True)
        sys.exit(1)
    folder = _folder(data, stage)
    if folder:
        print(of_folder(folder, name))  # noqa: T201
        return
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        print(of_stage(stage, name, lambda of: boto3.client(of, region_name=region)))  # noqa: T201
    except (BotoCoreError, ClientError) as error:
        err.print(f"[red]✗[/] AWS cannot be asked: {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


def _store(data: Path | None, stage: str, region: str) -> Store:
    """The folder's store, or the stage's."""
    folder = _folder(data, stage)
    if folder is None:
        return _cloud_store(stage, region)
    from local.sqlite_store import SqliteStore

    return SqliteStore(folder / "tante.db")


def _folder(data: Path | None, stage: str) -> Path | None:
    """The folder that is meant, with something in it; None if a stage is meant."""
    if stage and data is not None:
        err.print("[red]✗[/] give either --data (this machine) or --stage (AWS), not both")
        sys.exit(2)
    if stage:
        return None
    data = data or Path("data")
    if not (data / "tante.db").exists():
        words = escape(f'there is nothing in "{data}" yet; start with: tante run --data {data}')
        err.print(f"[red]✗[/] {words}", soft_wrap=True)
        sys.exit(1)
    return data


def _cloud_store(stage: str, region: str) -> Store:
    """The tables of a stage, asked once so that a missing one is told in words."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    from functions.storage.dynamo import DynamoStore

    prefix = f"tante-{stage}-"
    table, nobody = f"{prefix}catalogue", {"pk": {"S": "-"}, "sk": {"S": "-"}}
    try:
        soon = Config(connect_timeout=5, read_timeout=15, retries={"max_attempts": 1})
        client = boto3.client("dynamodb", region_name=region, config=soon)
        client.get_item(TableName=table, Key=nobody)
        return DynamoStore(prefix, region)
    except ClientError as error:
        said = error.response["Error"]
        words = f"{table} in {region} cannot be read: {said['Code']}: {said.get('Message', '')}"
        if said["Code"] == "ResourceNotFoundException":
            words = f"there is no table {table} in {region}; first: make deploy STAGE={stage}"
    except BotoCoreError as error:
        words = f"AWS cannot be asked: {error}"
    err.print(f"[red]✗[/] {escape(words)}", soft_wrap=True)
    sys.exit(1)


MARKS = {"fine": "[green]✓[/]", "look": "[yellow]![/]", "wrong": "[red]✗[/]"}


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


# --- dead letters


@dead_letters_app.command("list")
def list_dead_letters(
    most: Annotated[int, typer.Option(min=1, help="So many of each queue are shown.")] = 100,
    data: OtherData = None,
    stage: CloudStage = "",
    region: Region = REGION,
) -> None:
    """Show what lies in the dead-letter queues, and why. Changes nothing."""
    from local.dead_letter_commands import Commands

    Commands(_folder(data, stage), stage, region, out, err).list(most)


@dead_letters_app.command("show")
def show_dead_letter(
    name: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    data: OtherData = None,
    stage: CloudStage = "",
    region: Region = REGION,
) -> None:
    """Show one whole, with its reason and what to do. Changes nothing."""
    from local.dead_letter_commands import Commands

    Commands(_folder(data, stage), stage, region, out, err).show(name)


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

    Commands(_folder(data, stage), stage, region, out, err).redrive(ids or [], force)


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

    Commands(_folder(data, stage), stage, region, out, err).drop(ids, yes)


# --- importing

import_commands.register(app, out, err)


# --- publishing


def _commands(at: str, key: str, data: Path | None) -> Any:
    """The commands on the running system that is meant (loaded only when they are needed)."""
    from local.client import client
    from local.publish_commands import Commands

    return Commands(lambda: client(at, key, data), out, err)


@app.command()
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


@app.command()
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


lifecycle_commands.register(app)
