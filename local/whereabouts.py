"""Whose data a command is about: a folder's on this machine, or a stage's in AWS."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from functions.storage.store import Store
from local.asking import err

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


def store_of(data: Path | None, stage: str, region: str) -> Store:
    """The folder's store, or the stage's."""
    folder = folder_of(data, stage)
    if folder is None:
        return _cloud_store(stage, region)
    from local.sqlite_store import SqliteStore

    return SqliteStore(folder / "tante.db")


def folder_of(data: Path | None, stage: str) -> Path | None:
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
