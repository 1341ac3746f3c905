"""What others' checkers say of the templates."""

import json
import subprocess
import sys
from pathlib import Path

import aws_cdk
import pytest

from functions.folder import check, read_folder
from functions.journeys.flow import compile_journey
from infra.bundle import ROOT
from tests.infra.stacks import STAGES, synthesised

# CDK names in DependsOn what it names elsewhere too.
NOT_OURS = "W3005"


@pytest.mark.parametrize("stage", STAGES)
def test_cdk_nag_finds_nothing_that_is_not_accepted_with_a_reason(stage: str) -> None:
    packs = ("AwsSolutions", "Serverless")
    said = synthesised(stage).report["pluginReports"]
    reports = [report for report in said if report["pluginName"] in packs]
    assert len(reports) == len(packs)
    found = [
        f"{violation['ruleName']}: {where['constructPath']}"
        for report in reports
        for violation in report["violations"]
        for where in violation["violatingConstructs"]
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("stage", STAGES)
def test_what_is_accepted_has_a_reason_and_is_one_construct(stage: str) -> None:
    key = aws_cdk.Validations.ACKNOWLEDGED_RULES_METADATA_KEY
    made = synthesised(stage)
    accepted = [
        (construct.node, rule, reason)
        for construct in made.stack.node.find_all()
        for entry in construct.node.metadata
        if entry.type == key
        for rule, reason in _rules(entry.data)
    ]
    assert len(accepted) > 40
    for node, rule, reason in accepted:
        assert len(reason) > 50, (node.path, rule, reason)
        assert reason.endswith("."), (node.path, rule, reason)
        # A queue, a role, a route: never the stack or a noun with all that is in it.
        assert node.path.count("/") >= 2, (node.path, rule)


def _rules(data: object) -> list[tuple[str, str]]:
    found = data if isinstance(data, list) else [data]
    return [(rule, reason) for one in found for rule, reason in one.items()]


def test_cfn_lint_finds_nothing() -> None:
    files = [str(synthesised(stage).file) for stage in STAGES]
    command = [
        Path(sys.executable).with_name("cfn-lint"),
        "--ignore-checks",
        NOT_OURS,
        "--",
        *files,
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("changes", "pace"),
    [
        ((), 1.0),
        (
            (
                ("clock_speed", "1440"),
                ("clock_start", "2026-01-01T00:00:00+00:00"),
                ("clock_zero", "2026-06-01T00:00:00+00:00"),
            ),
            1440.0,
        ),
    ],
)
def test_what_step_functions_gets_is_what_the_compiler_made(
    changes: tuple[tuple[str, str], ...], pace: float
) -> None:
    made = synthesised("dev", *changes)
    machines = {
        one["Properties"]["StateMachineName"]: one["Properties"]
        for one in made.resources("StepFunctions::StateMachine").values()
    }
    checked = check(read_folder(ROOT / "statemachines"))
    assert machines.keys() == {f"tante-dev-{one.journey.name}" for one in checked}
    for one in checked:
        shipped = machines[f"tante-dev-{one.journey.name}"]
        compiled = compile_journey(one.journey, one.version, pace)
        assert json.loads(shipped["DefinitionString"]) == compiled
        assert shipped["DefinitionSubstitutions"].keys() == {"RunStep"}
        assert shipped["StateMachineType"] == "STANDARD"
