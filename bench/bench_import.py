"""What a cold start of each Lambda costs: CPU time of its imports and clients, and its zip."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.bundle import FOR_COLLECTING, LAMBDA, Bundle

ROUNDS = 7
ROOT = Path(__file__).parents[1]
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "TANTE_STATE_MACHINE_ARNS": "arn:aws:states:eu-central-1:1:stateMachine:tante-dev-",
}
CLOCK = "import time; start = time.process_time()\n{code}\nprint(time.process_time() - start)"

BOTO3 = "import boto3; boto3.client('sqs')"
STACK = """
import boto3, pydantic
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.parser import BaseModel, parse
class Call(BaseModel):
    event: str
boto3.client('sqs'), boto3.client('dynamodb')
"""
# Everything a first request makes: the handler, and the parts and clients that it then uses.
FIRST_USE = """
from functions.handlers import {name}, wiring, aws
parts = wiring.parts()
for part in {parts}: getattr(parts, part)
for client in {clients}: aws.client(client)
"""
STORE, JOURNEYS = ("store", "library"), ("store", "library", "workflow")
USES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "collect_event": (("source", "send_events"), ("sqs",)),
    "answer_admin": (STORE, ("secretsmanager",)),
    "answer_page": (STORE, ("secretsmanager", "sqs")),
    "process_event": (JOURNEYS, ("secretsmanager", "sqs")),
    "run_step": ((*JOURNEYS, "channels"), ("secretsmanager",)),
    "start_run": ((*STORE, "machines"), ()),
    "tell_webhooks": ((*STORE, "channels"), ("secretsmanager",)),
    "close_run": (STORE, ()),
    "compare_runs": ((*JOURNEYS, "machines"), ()),
    "settle_messages": (("store",), ()),
    "find_due": (("store", "send_events"), ("sqs",)),
    "count_people": ((*STORE, "send_events"), ("sqs",)),
    "learn_products": (STORE, ()),
    "publish_journey": ((*STORE, "machines"), ()),
}
GOAL = 0.55  # of the stack, for collecting


def seconds(code: str) -> float:
    """The CPU seconds that the code takes in a new interpreter."""
    command = [sys.executable, "-c", CLOCK.format(code=code)]
    done = subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def lambdas() -> list[str]:
    """The handlers, by what is in the folder; each must say here what it uses."""
    found = sorted((ROOT / "functions" / "handlers").glob("*.py"))
    names = [path.stem for path in found if "\ndef handler(" in path.read_text("utf-8")]
    names.remove("take_click")  # it is light in a way of its own: see bench_doors
    assert set(names) == USES.keys(), set(names) ^ USES.keys()
    return names


def zip_sizes() -> dict[str, float]:
    """The zips as the stack makes them for Lambda, in MB, by their kind."""
    journeys = ROOT / "statemachines"
    kinds = {
        "collect_event": Bundle(LAMBDA, FOR_COLLECTING),
        "publish_journey": Bundle(LAMBDA, journeys=journeys),
        "the others": Bundle(LAMBDA),
    }
    sizes = {}
    for name, bundle in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            bundle.write(Path(folder) / "bundle")
            zipped = shutil.make_archive(f"{folder}/zip", "zip", f"{folder}/bundle")
            sizes[name] = Path(zipped).stat().st_size / 1e6
    return sizes


def main() -> None:
    codes = {"boto3 + client": BOTO3, "Powertools + pydantic + boto3": STACK}
    for name in lambdas():
        parts, clients = USES[name]
        codes[name] = FIRST_USE.format(name=name, parts=parts, clients=clients)
        # Keys come from secrets only in AWS; the client that reads them is counted here.
    times: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(ROUNDS):  # interleaved, so that a machine that slows down slows all alike
        for name, code in codes.items():
            times[name].append(seconds(code))
    middle = {name: statistics.median(measured) for name, measured in times.items()}
    client, stack = middle["boto3 + client"], middle["Powertools + pydantic + boto3"]
    print(f"cold start, CPU ms (median of {ROUNDS})      to boto3 + client    to the stack")
    for name, took in middle.items():
        print(f"{name:30}{took * 1000:>8.0f}{took / client:>16.2f}{took / stack:>16.2f}")
    reached = middle["collect_event"] / stack
    print(f"\ncollecting: {reached:.2f} of the stack; the goal is {GOAL} at most")
    print("\nzip, MB (arm64; boto3 and botocore are in Lambda's runtime)")
    for name, size in zip_sizes().items():
        print(f"{name:30}{size:>8.1f}")


if __name__ == "__main__":
    main()
