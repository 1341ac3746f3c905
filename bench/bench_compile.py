"""How long a journey takes from its file to its state machine, beside PyYAML and json alone."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

from functions.folder import JOURNEY_FILE, PACK, Folder, check, check_brand, others, read_folder
from functions.journeys.check import load
from functions.journeys.flow import compile_journey

ROUNDS = 5
FOLDER = Path(__file__).parents[1] / "statemachines"


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of some rounds."""
    times = []
    for _ in range(ROUNDS):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def with_the_pack() -> Folder:
    """The journeys that are live, and those of the pack as if all had been copied."""
    with TemporaryDirectory() as work:
        target = Path(work) / FOLDER.name
        shutil.copytree(FOLDER, target)
        shutil.copytree(target / PACK, target, dirs_exist_ok=True)
        return read_folder(target)


def main() -> None:
    """Print milliseconds a journey and the ratio to the floor, then the whole with its mails."""
    folder = with_the_pack()
    brand, known, journeys = check_brand(folder.brand), others(folder), folder.journeys

    def ours() -> list[object]:
        loaded = [
            load(name, files, brand.needs_consent, known, brand.webhooks)
            for name, files in journeys.items()
        ]
        return [compile_journey(journey, "v1") for journey in loaded]

    definitions = ours()

    def floor() -> None:
        for files, definition in zip(journeys.values(), definitions, strict=True):
            yaml.load(files[JOURNEY_FILE], yaml.CSafeLoader)
            json.dumps(definition)

    mine, least, whole = best(ours), best(floor), best(lambda: check(folder))
    count = len(journeys)
    print(f"{count} journeys, the fastest of {ROUNDS} rounds")
    print(f"  read, checked, compiled    {1000 * mine / count:6.2f} ms a journey")
    print(f"  PyYAML (C) and json alone  {1000 * least / count:6.2f} ms a journey")
    print(f"  ratio                      {mine / least:6.2f}")
    print(f"  with all mails (MJML)      {1000 * whole / count:6.2f} ms a journey")


if __name__ == "__main__":
    main()
