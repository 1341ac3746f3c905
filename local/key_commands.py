"""`tante keys`: which websites and shops may send events."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.markup import escape
from rich.table import Table

from local.asking import err, out, wide
from local.whereabouts import (
    JOURNEYS,
    REGION,
    CloudStage,
    Journeys,
    OtherData,
    Region,
    folder_of,
    store_of,
)

keys_app = typer.Typer(help="Write keys: which websites and shops may send events.")


@keys_app.command("list")
def list_keys(data: OtherData = None, stage: CloudStage = "", region: Region = REGION) -> None:
    """Show who may send events."""
    from functions.tracking.source import Source

    sources, _ = store_of(data, stage, region).listing(Source, limit=500)
    table = Table("source", "trusted for consent", "only", "made", "state", box=None)
    for source in sources:
        made = source.created.strftime("%Y-%m-%d") if source.created else ""
        trusted = "trusted" if source.trusted else ""
        only = escape(", ".join([*source.origins, *source.events]))
        table.add_row(escape(source.name), trusted, only, made, _state(source))
    wide().print(table)


def _state(source: Any) -> str:
    if source.revoked:
        return "revoked"
    return f"ends {source.ends:%Y-%m-%d %H:%M}" if source.ends else "in use"


@keys_app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Who sends with it, such as: shop server")],
    trusted: Annotated[
        bool, typer.Option("--trusted", help="May say that people consented (servers only).")
    ] = False,
    origin: Annotated[
        list[str] | None,
        typer.Option("--origin", help="Only from web pages of it: https://shop.example"),
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option("--event", help="Only events of this name, or calls such as page."),
    ] = None,
    data: OtherData = None,
    stage: CloudStage = "",
    region: Region = REGION,
) -> None:
    """Make a write key for a website, shop or server. It is shown once."""
    from local.keys import add_source, new_key

    for one in origin or ():
        parts = urlsplit(one)
        if one != f"{parts.scheme}://{parts.netloc}" or parts.scheme not in ("https", "http"):
            err.print(f'[red]✗[/] {escape(one)} is no origin; write it like "https://shop.example"')
            sys.exit(2)
    key, store = new_key("wk"), store_of(data, stage, region)
    add_source(store, key, name, trusted, datetime.now(UTC), origin or (), event or ())
    out.print(f"{key}   for {escape(name)}; it works within a minute", soft_wrap=True)


@keys_app.command("rotate")
def rotate_key(
    name: Annotated[str, typer.Argument(help="The source that gets a new key.")],
    keep: Annotated[
        int, typer.Option(min=0, max=90, help="So many days the old keys still work.")
    ] = 7,
    data: OtherData = None,
    stage: CloudStage = "",
    region: Region = REGION,
) -> None:
    """Make a new write key for a source, with the same limits; its old ones end after a while."""
    from local.keys import add_source, new_key

    store, now = store_of(data, stage, region), datetime.now(UTC)
    found = _in_use(store, name)
    key, old = new_key("wk"), found[0]
    add_source(store, key, name, old.trusted, now, old.origins, old.events)
    ends = now + timedelta(days=keep)
    for source in found:
        source.ends = min(source.ends or ends, ends)
        store.put(source)
    when = f"{ends:%Y-%m-%d %H:%M} UTC"
    out.print(f"{key}   for {escape(name)}; the old one works until {when}", soft_wrap=True)


@keys_app.command("revoke")
def revoke_key(
    name: Annotated[str, typer.Argument(help="The source whose keys stop working.")],
    data: OtherData = None,
    stage: CloudStage = "",
    region: Region = REGION,
) -> None:
    """Refuse events with a source's write keys from now on."""
    store = store_of(data, stage, region)
    found = _in_use(store, name)
    for source in found:
        source.revoked = datetime.now(UTC)
        store.put(source)
    out.print(f"{escape(name)}: {len(found)} key(s) revoked; it takes effect within a minute")


def _in_use(store: Any, name: str) -> list[Any]:
    """The keys of a source that are not revoked, the newest first; without any it is told."""
    from functions.tracking.source import Source

    sources, _ = store.listing(Source, limit=500)
    found = [source for source in sources if source.name == name and not source.revoked]
    if not found:
        names = ", ".join(sorted({source.name for source in sources})) or "none"
        words = escape(f'no source "{name}" is in use; there are: {names}')
        err.print(f"[red]✗[/] {words}", soft_wrap=True)
        sys.exit(1)
    return found


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
    folder = folder_of(data, stage)
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
