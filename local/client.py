"""A client of the admin API, for the commands that change what runs."""

import json
from pathlib import Path
from typing import Any

import msgspec
import urllib3

from local.address import segment
from local.keys import Keys

HERE = "http://127.0.0.1:8000"
PATIENCE = 60.0  # seconds: the API itself answers within 30


class NoAnswer(Exception):
    """The system cannot be reached, or has no such address; the text says what to do."""


class Refusal(Exception):
    """The system refused: its message, and what is wrong in which file."""

    def __init__(self, message: str, problems: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.problems = [_place(one) for one in problems]


def _place(one: dict[str, Any]) -> str:
    where = f"{one['file']}:{one['line']}" if one["line"] else one["file"]
    return f"{where}: {one['message']}"


class Client:
    """Asks one running system. Every method raises NoAnswer and Refusal."""

    def __init__(self, at: str, key: str) -> None:
        self._at, self._key = at.rstrip("/"), key
        self._http = urllib3.PoolManager()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to one request."""
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        raw = None if body is None else msgspec.json.encode(body)
        url = f"{self._at}{path}"
        try:
            answer = self._http.request(
                method, url, body=raw, headers=headers, timeout=PATIENCE, retries=False
            )
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            words = f"{self._at} does not answer ({type(error).__name__}); is tante run running?"
            raise NoAnswer(words) from None
        try:
            said = json.loads(answer.data)
        except ValueError:
            raise NoAnswer(f"{url} is no admin API of Tante (HTTP {answer.status})") from None
        if answer.status >= 400:
            raise Refusal(said.get("message", str(said)), said.get("problems", []))
        return said

    def journey(self, name: str, ending: str = "") -> str:
        """The path of a journey."""
        return f"/api/journeys/{segment(name)}{ending}"


def client(at: str, key: str, data: Path | None) -> Client:
    """The client of a system: at an address with a key, else of this machine's, whose key stands
    in the folder. Raises NoAnswer where there is no key."""
    if key:
        return Client(at or HERE, key)
    folder = data or Path("data")
    file = folder / "keys.json"
    if at and data is None:
        raise NoAnswer("give the secret key with --key, or in the variable TANTE_KEY")
    if not file.exists():
        raise NoAnswer(f'there is no "{file}"; start with: tante run --data {folder}')
    return Client(at or HERE, msgspec.json.decode(file.read_bytes(), type=Keys).secret_key)
