"""CPU time to import each Lambda handler in a fresh process, beside boto3 with one client."""

import statistics
import subprocess
import sys
from pathlib import Path

ROUNDS = 7
ROOT = Path(__file__).parents[1]
CLOCK = "import time; start = time.process_time(); {code}; print(time.process_time() - start)"
BOTO3 = "import boto3; boto3.client('sqs', region_name='eu-central-1')"


def seconds(code: str) -> float:
    """The CPU seconds that the code takes in a new interpreter."""
    command = [sys.executable, "-c", CLOCK.format(code=code)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    found = sorted((ROOT / "functions" / "handlers").glob("*.py"))
    lambdas = [path.stem for path in found if "\ndef handler(" in path.read_text("utf-8")]
    codes = {"boto3": "import boto3", "boto3 + client": BOTO3}
    codes |= {name: f"import functions.handlers.{name}" for name in lambdas}
    codes["storage.dynamo"] = "import functions.storage.dynamo"
    times: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(ROUNDS):  # interleaved, so that a machine that slows down slows all alike
        for name, code in codes.items():
            times[name].append(seconds(code))
    floor = statistics.median(times["boto3"])
    print(f"import, CPU ms (median of {ROUNDS}), and the ratio to boto3 alone")
    for name, measured in times.items():
        middle = statistics.median(measured)
        print(f"{name:22}{middle * 1000:>8.0f}{middle / floor:>8.2f}")


if __name__ == "__main__":
    main()
