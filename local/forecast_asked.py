"""Forecasts, comparisons and scores by a running system: asked for with the folder's journey, and
awaited."""

from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

import msgspec
from rich.progress import Progress

from functions.folder import read_folder
from functions.forecast.asked import Asked
from functions.forecast.compared import Compared
from functions.forecast.report import Report
from functions.forecast.score import Score
from functions.virtual.prepared import NotPossible
from local.address import segment
from local.asking import err
from local.client import Client
from local.forecast_against import elsewhere
from local.forecasting import named

PAUSE = 1.0  # seconds between two looks at how far it is
PATIENCE = 20 * 60.0  # seconds: a Lambda runs for fifteen minutes

Found = TypeVar("Found")


def ask(asked: Asked, journeys: Path, client: Client) -> Report:
    """The report of the system's own people. Raises NotPossible, NoAnswer, Refusal, Problems."""
    name, report = _awaited(client, "/api/forecasts", _body(asked, journeys), asked.journey, Report)
    said = f"forecast {name}; how far off it was, later: tante forecast --score {name} --at ..."
    err.print(said, soft_wrap=True)
    return report


def ask_against(asked: Asked, said: str, journeys: Path, client: Client) -> Compared:
    """The folder's journey compared with that of `said` (another folder, a revision of git, or a
    published version: "live" is the newest), on the system's own people. Raises as `ask`."""
    folder, before = elsewhere(said, journeys), {"name": said}
    against = {"files": folder.journeys.get(asked.journey, {})} if folder else {"version": said}
    body = {**_body(asked, journeys), "against": before | against}
    what = f"{asked.journey} against {said}"
    return _awaited(client, "/api/forecasts", body, what, Compared)[1]


def ask_score(name: str, client: Client) -> Score:
    """How far off the system's forecast of this id was. Raises NotPossible, NoAnswer, Refusal."""
    path = f"/api/forecasts/{segment(name)}/calibration"
    return _awaited(client, path, {}, f"forecast {name}", Score)[1]


def _body(asked: Asked, journeys: Path) -> dict[str, Any]:
    files = named(read_folder(journeys), asked.journey, journeys)
    return {**msgspec.to_builtins(asked), "files": files}


def _awaited(
    client: Client, door: str, body: Mapping[str, Any], what: str, kind: type[Found]
) -> tuple[str, Found]:
    """The id and the report of what is asked for at this door."""
    name = client.ask("POST", door, body)["id"]
    path = f"/api/forecasts/{segment(name)}"
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task(what, total=1.0)
        found = _ended(
            lambda: client.ask("GET", path), lambda done: progress.update(bar, completed=done)
        )
    if found["state"] != "done":
        raise NotPossible(found["why"] or f"it takes too long; look later: GET {path}")
    # Once more through JSON, which knows that the keys of some counts are numbers.
    return name, msgspec.json.decode(msgspec.json.encode(found["report"]), type=kind)


def _ended(look: Callable[[], Any], tell: Callable[[float], None]) -> Any:
    """The record when it is over, or when nobody waits for it any longer."""
    begun = monotonic()
    while True:
        found = look()
        tell(found["progress"])
        if found["state"] in ("done", "failed") or monotonic() - begun > PATIENCE:
            return found
        sleep(PAUSE)
