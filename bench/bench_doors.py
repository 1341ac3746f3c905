"""What a cold start of the doors behind links costs: CPU time of all that it imports."""

import os
import site
import statistics
import subprocess
import sys
from pathlib import Path
from time import process_time

from functions.messages.link import Tracked, sign

ROUNDS = 9
ROOT = Path(__file__).parents[1]
# Without site-packages' start-up files, some of which import half of the library for all.
PATH = os.pathsep.join([str(ROOT), *site.getsitepackages()])
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": PATH,
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
}
CLOCK = "import time; start = time.process_time()\n{code}\nprint(time.process_time() - start)"
CODES = {
    "boto3 + a client of SQS": "import boto3; boto3.client('sqs')",
    "take_click": "from functions.handlers import take_click; take_click.aws_door()",
    "take_leave": "from functions.handlers import take_leave; take_leave.aws_door()",
    "take_click and TLS": "from functions.handlers import take_click; import ssl",  # first call
}
GOAL, LINKS, MOST = 0.1, 60, 0.0005


def seconds(code: str) -> float:
    """The CPU seconds that the code takes in a new interpreter."""
    command = [sys.executable, "-S", "-c", CLOCK.format(code=code)]
    done = subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def signing() -> float:
    """The seconds that signing the links of a large mail takes."""
    keys = {"1": b"k" * 32}
    target = "https://shop.example/products/basic-licence?utm_source=shop"
    said = Tracked("p" * 32, f"welcome-{'r' * 16}", "s" * 16, "guide", "email", "7", "60", target)
    times = []
    for _ in range(50):
        start = process_time()
        for _ in range(LINKS):
            sign("click", said, keys)
        times.append(process_time() - start)
    return statistics.median(times)


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in CODES}
    for _ in range(ROUNDS):  # interleaved, so that a machine that slows down slows all alike
        for name, code in CODES.items():
            times[name].append(seconds(code))
    middle = {name: statistics.median(measured) for name, measured in times.items()}
    whole = middle["boto3 + a client of SQS"]
    print(f"cold start, CPU ms (median of {ROUNDS})    of boto3 + client")
    for name, took in middle.items():
        print(f"{name:28}{took * 1000:>8.0f}{took / whole:>16.3f}")
    print(f"\nthe goal is {GOAL} at most for take_click and take_leave")
    took = signing()
    print(f"signing {LINKS} links: {took * 1000:.2f} ms; the goal is {MOST * 1000} ms at most")


if __name__ == "__main__":
    main()
