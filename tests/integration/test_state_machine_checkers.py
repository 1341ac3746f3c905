"""Amazon's rules as others wrote them down: statelint and asl-validator accept what we compile."""

import json
import os
import re
import shutil
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from functions.journeys.check import load
from functions.journeys.journey import build
from functions.problem import Problems
from tests.support.any_journey import MESSAGES, PURPOSES, WEBHOOKS, any_journey
from tests.support.journeys import compiled, raw_journeys, shipped

ROOT = Path(__file__).parents[2]
PATH = f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ.get('PATH', '')}"
GENERATED = 10
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:run-step"
VALIDATE = """
const validator = require("asl-validator");
const machines = JSON.parse(require("fs").readFileSync(0, "utf8"));
const found = Object.entries(machines).map(([name, definition]) => {
  const { isValid, errors } = validator(definition);
  return [name, isValid ? [] : errors.map((e) => e.Message || e.message || JSON.stringify(e))];
});
console.log(JSON.stringify(Object.fromEntries(found)));
"""


@cache
def machines() -> dict[str, Any]:
    """The shipped journeys, and some that are as long and as nested as they get here."""
    found: list[dict[str, Any]] = []

    collecting = settings(
        max_examples=40,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @collecting
    @given(raw_journeys())
    def collect(raw: dict[str, Any]) -> None:
        found.append(compiled(build("cart", raw)))

    @settings(collecting, max_examples=30)
    @given(any_journey())
    def collect_any(text: str) -> None:
        with suppress(Problems):
            journey = load("cart", {**MESSAGES, "journey.yaml": text}, PURPOSES, None, WEBHOOKS)
            found.append(compiled(journey))

    collect()
    collect_any()
    found.sort(key=lambda machine: len(json.dumps(machine)), reverse=True)
    named = {f"generated {number}": one for number, one in enumerate(found[:GENERATED])}
    return named | {name: compiled(journey) for name, journey in shipped().items()}


@cache
def said_by_asl_validator() -> dict[str, list[str]]:
    """One node process for all."""
    if not shutil.which("node", path=PATH) or not (ROOT / "node_modules/asl-validator").is_dir():
        pytest.skip("asl-validator is not installed; npm ci does it")
    done = subprocess.run(
        ["node", "-e", VALIDATE],
        input=json.dumps({name: with_arn(one) for name, one in [*machines().items(), BROKEN]}),
        capture_output=True,
        text=True,
        timeout=110,
        cwd=ROOT,
        env={"PATH": PATH},
        check=True,
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


BROKEN = ("broken", {"StartAt": "a", "States": {"a": {"Type": "Pass", "Next": "b"}}})


def with_arn(definition: dict[str, Any]) -> dict[str, Any]:
    """As it is deployed."""
    done: dict[str, Any] = json.loads(json.dumps(definition).replace("${RunStep}", ARN))
    return done


def said_by_statelint(definition: dict[str, Any]) -> list[str]:
    from statelint.linter import Linter

    problems: list[str] = Linter.validate(with_arn(definition))
    return problems


def test_asl_validator_accepts_every_machine() -> None:
    said = said_by_asl_validator()
    assert {name: said[name] for name in machines() if said[name]} == {}
    assert len(said) >= 3 + 10 + 1


def test_statelint_accepts_every_machine() -> None:
    said = {name: said_by_statelint(definition) for name, definition in machines().items()}
    assert {name: problems for name, problems in said.items() if problems} == {}


def test_both_checkers_would_have_noticed_a_mistake() -> None:
    assert said_by_asl_validator()["broken"]
    assert said_by_statelint(BROKEN[1])


def test_no_machine_is_longer_than_step_functions_takes() -> None:
    for name, definition in machines().items():
        text = json.dumps(with_arn(definition))
        assert len(text) < 1_048_576, name
        assert not re.search(r"\$\{", text), name
