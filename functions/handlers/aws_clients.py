"""Clients of AWS, made once and quickly: what collects events starts cold in every burst."""

import gzip
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import botocore.session
import msgspec
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader

# All that we ever make a client of.
SERVICES = [
    "dynamodb",
    "lambda",
    "pinpoint-sms-voice-v2",
    "secretsmanager",
    "sesv2",
    "sns",
    "sqs",
    "stepfunctions",
]
# When an answer is lost, a retry of the client would send a message a second time.
ONCE_ONLY = ("lambda", "sesv2", "sns", "pinpoint-sms-voice-v2")
_OPEN: tuple[tuple[str, Callable[..., Any]], ...] = ((".json", open), (".json.gz", gzip.open))


class _Files(JSONFileLoader):  # type: ignore[misc]
    """Reads botocore's descriptions of the services (1.2 MB for the first client) by msgspec."""

    def load_file(self, file_path: str) -> Any:
        """See JSONFileLoader."""
        for ending, opened in _OPEN:
            with suppress(FileNotFoundError), opened(file_path + ending, "rb") as file:
                return msgspec.json.decode(file.read())
        return None


class _Loader(Loader):  # type: ignore[misc]
    """Does not look into four hundred folders to learn which services there are."""

    def list_available_services(self, type_name: str) -> list[str]:
        """See Loader."""
        return SERVICES


@cache
def _session() -> Any:
    session = botocore.session.get_session()
    session.register_component("data_loader", _Loader(file_loader=_Files()))
    return session


@cache
def client(name: str) -> Any:
    """A client of botocore, which boto3 would only wrap: that import costs."""
    tries = 1 if name in ONCE_ONLY else 5
    retries = {"mode": "standard", "total_max_attempts": tries}
    patience = 28 if name == "lambda" else 10  # an HTTP API waits for 30 seconds
    limits = Config(retries=retries, connect_timeout=2, read_timeout=patience)
    return _session().create_client(name, config=limits)
