"""The secret by which a webhook's receiver checks our signature, from a folder or a stage."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from functions.messages.signature import secret, shown
from local.keys import open_keys

LINKS = "TANTE_LINK_SECRET"  # where run_step is told of the secret with the link keys


def of_folder(data: Path, webhook: str) -> str:
    """The secret for the system that runs in this folder: `whsec_...`."""
    keys, _ = open_keys(data / "keys.json")
    return shown(secret(bytes.fromhex(keys.link_key), webhook))


def of_stage(stage: str, webhook: str, client: Callable[[str], Any]) -> str:
    """The secret for a stage, by its last link key; what is signed has the others' as well.

    `client` makes boto3's clients. Raises botocore's errors.
    """
    run_step = client("lambda").get_function_configuration(FunctionName=f"tante-{stage}-run_step")
    name = run_step["Environment"]["Variables"][LINKS]
    said = client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    *_, last = json.loads(said).values()
    return shown(secret(bytes.fromhex(last), webhook))
