"""The keys of our links, for the doors that must open within milliseconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import monotonic

from functions.handlers.light_aws import AwsError, call

KEPT = 900  # seconds: a key that was added signs nothing for longer than deploying takes


def secret(name: str) -> dict[str, bytes]:
    """The keys by id, out of Secrets Manager. Raises AwsError."""
    said = call("secretsmanager", "GetSecretValue", {"SecretId": name})["SecretString"]
    return {key_id: bytes.fromhex(key) for key_id, key in json.loads(said).items()}


def kept(read: Callable[[], dict[str, bytes]]) -> Callable[[], dict[str, bytes]]:
    """The keys, read again after a while; the old ones while that fails."""
    found: dict[str, bytes] = {}
    until = 0.0

    def keys() -> dict[str, bytes]:
        nonlocal found, until
        if monotonic() >= until:
            try:
                found = read()
            except AwsError:
                if not found:
                    raise
            until = monotonic() + KEPT
        return found

    return keys
