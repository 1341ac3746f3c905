"""The command `tante import`, which loads what it needs when it is called."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from local.asking import At, RunningData

What = Literal["contacts", "companies", "orders", "notes", "tickets", "deals"]
DECIMALS = {"": "", "comma": ",", "point": "."}


def register(app: typer.Typer, out: Console, err: Console) -> None:
    """Add the command."""

    @app.command("import")
    def import_file(
        kind: Annotated[What, typer.Argument(help="What a row of the file is.")],
        file: Annotated[Path, typer.Argument(help="The CSV file.")],
        maps: Annotated[
            list[str] | None,
            typer.Option("--map", help='What a column becomes: "E-Mail=email"; "-" leaves it out.'),
        ] = None,
        preset: Annotated[
            str, typer.Option(help="Whose export it is: hubspot, mailchimp, salesforce or shopify.")
        ] = "",
        source: Annotated[
            str, typer.Option(help="A name for it; the same row counts once under one name.")
        ] = "",
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Read and check it all; send nothing.")
        ] = False,
        consent: Annotated[
            list[str] | None,
            typer.Option(help="A purpose to which everybody in the file has consented."),
        ] = None,
        trusted_consent: Annotated[
            bool,
            typer.Option("--trusted-consent", help="You can prove the consents that it tells."),
        ] = False,
        start_journeys: Annotated[
            bool,
            typer.Option("--start-journeys", help="What is no more than a day old may start some."),
        ] = False,
        channel: Annotated[
            str, typer.Option(help='Of orders that do not say theirs, such as "offline".')
        ] = "",
        store: Annotated[str, typer.Option(help="Of orders that do not say theirs.")] = "",
        decimal: Annotated[
            Literal["", "comma", "point"], typer.Option(help="1.234,56 or 1,234.56.")
        ] = "",
        dates: Annotated[Literal["", "dmy", "mdy"], typer.Option(help="What 1/2/2026 means.")] = "",
        zone: Annotated[
            str, typer.Option(help="The time zone of times without one; the brand's by default.")
        ] = "",
        country: Annotated[str, typer.Option(help="Of phone numbers without a prefix.")] = "DE",
        as_of: Annotated[
            str, typer.Option(help="When the file was true; when it was written, by default.")
        ] = "",
        stage: Annotated[
            list[str] | None,
            typer.Option(help='Of deals, what a stage is called here: "Qualified To Buy=offer".'),
        ] = None,
        encoding: Annotated[str, typer.Option(help="Found out by default.")] = "",
        delimiter: Annotated[str, typer.Option(help="Found out by default.")] = "",
        journeys: Annotated[Path, typer.Option(help="The folder with brand.yaml.")] = Path(
            "statemachines"
        ),
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        at: At = "",
        write_key: Annotated[
            str,
            typer.Option(envvar="TANTE_WRITE_KEY", help="With --data not needed."),
        ] = "",
        key: Annotated[
            str,
            typer.Option(envvar="TANTE_KEY", help="The secret key; for companies and deals."),
        ] = "",
        data: RunningData = None,
    ) -> None:
        """Import a CSV file of contacts, companies, orders, notes, tickets or deals.

        Shows what it becomes and asks; what cannot be taken goes to FILE.errors.csv with the
        reason. Started again after an interruption, it goes on.
        """
        from local.imports import job
        from local.imports.send import Stopped

        asked = job.Asked(
            kind=kind,
            file=file,
            maps=maps or [],
            preset=preset,
            source=source,
            consents=consent or [],
            trusted_consent=trusted_consent,
            start_journeys=start_journeys,
            channel=channel,
            store=store,
            decimal=DECIMALS[decimal],
            dates=dates,
            zone=zone,
            country=country,
            as_of=as_of,
            stages=stage or [],
            encoding=encoding,
            delimiter=delimiter,
            journeys=journeys,
        )
        try:
            importing = job.Job(asked, datetime.now(UTC), out, err)
            importing.show()
            if dry_run:
                sys.exit(importing.try_out())
            where = job.Where(at, key, write_key, data)
            post = job.door_of(where, kind, importing.context)
            importing.ask(yes)
            sys.exit(importing.carry_out(post))
        except (*job.WRONG_WORDS, Stopped) as error:
            err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
            sys.exit(1 if isinstance(error, Stopped) else 2)
