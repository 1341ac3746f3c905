"""A forecast by a running system: asked for with the journey as the folder has it, and awaited."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import msgspec
from rich.progress import Progress

from functions.folder import read_folder
from functions.forecast.asked import Asked
from functions.forecast.report import Report
from functions.virtual.prepared import NotPossible
from local.address import segment
from local.asking import err
from local.client import Client
from local.forecasting import named

PAUSE = 1.0  # seconds between two looks at how far it is
PATIENCE = 20 * 60.0  # seconds: a Lambda runs for fifteen minutes


def ask(asked: Asked, journeys: Path, client: Client) -> Report:
    """The report of the system's own people. Raises NotPossible, NoAnswer, Refusal, Problems."""
    files = named(read_folder(journeys), asked.journey, journeys)
    body = {**msgspec.to_builtins(asked), "files": files}
    path = f"/api/forecasts/{segment(client.ask('POST', '/api/forecasts', body)['id'])}"
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task(asked.journey, total=1.0)
        found = _ended(
            lambda: client.ask("GET", path), lambda done: progress.update(bar, completed=done)
        )
    if found["state"] != "done":
        raise NotPossible(found["why"] or f"it takes too long; look later: GET {path}")
    # Once more through JSON, which knows that the keys of some counts are numbers.
    return msgspec.json.decode(msgspec.json.encode(found["report"]), type=Report)


def _ended(look: Callable[[], Any], tell: Callable[[float], None]) -> Any:
    """The forecast when it is over, or when nobody waits for it any longer."""
    begun = monotonic()
    while True:
        found = look()
        tell(found["progress"])
        if found["state"] in ("done", "failed") or monotonic() - begun > PATIENCE:
            return found
        sleep(PAUSE)
