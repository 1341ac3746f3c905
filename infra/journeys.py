"""A state machine for every folder of journeys, and the publisher that makes versions of them."""

import hashlib
import json
from collections.abc import Sequence

from aws_cdk import Aws, CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from functions.folder import Checked, Folder
from functions.journeys.flow import compile_journey
from functions.journeys.workflow import ENDED
from infra.accepted import accept
from infra.python_function import UNTRACED, PythonFunction, log_retention
from infra.stages import Stage

HISTORY = (
    "Step Functions keeps every run's history for 90 days; logging all of it would cost more "
    "than the Lambdas, and logs outlive an erasure."
)
LOG_DELIVERY = (
    "Step Functions needs these permissions to set up its log, and AWS has no resource for them."
)
OURS_ONLY = (
    "Only machines and runs of this stage begin so; those of journeys that have left the folder "
    "cannot be listed, and their runs go on for months."
)
LONGEST_PUBLISHING = Duration.minutes(5)


class Journeys(Construct):
    """The machines `tante-<stage>-<journey>`, and all that may be done with them."""

    def __init__(
        self,
        scope: Construct,
        stage: Stage,
        checked: Sequence[Checked],
        run_step: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, "Journeys")
        self._stage = stage
        self._arns = arns(stage)
        self._executions = self._arns.replace(":stateMachine:", ":execution:", 1)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            description=f"{stage.prefix} journeys: runs steps and does nothing else",
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[run_step.function_arn]
            )
        )
        log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/vendedlogs/states/{stage.prefix}",
            retention=log_retention(stage),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.machines = {
            one.journey.name: stepfunctions.StateMachine(
                self,
                one.journey.name,
                state_machine_name=f"{stage.prefix}-{one.journey.name}",
                state_machine_type=stepfunctions.StateMachineType.STANDARD,
                definition_body=stepfunctions.DefinitionBody.from_string(
                    definition(one, stage.clock_speed)
                ),
                definition_substitutions={"RunStep": run_step.function_arn},
                role=role,
                logs=stepfunctions.LogOptions(
                    destination=log,
                    level=stepfunctions.LogLevel.ERROR,
                    include_execution_data=False,
                ),
                # Deleting a machine ends the runs that are under way.
                removal_policy=stage.removal,
            )
            for one in checked
        }
        for machine in self.machines.values():
            accept(machine, HISTORY, "AwsSolutions-SF1")
            accept(machine, UNTRACED, "AwsSolutions-SF2", "Serverless-StepFunctionStateMachineXray")
        accept(role, LOG_DELIVERY, "AwsSolutions-IAM5[Resource::*]")

    def publish(self, publisher: PythonFunction, folder: Folder) -> None:
        """Publish the folder whenever something in it has changed, after the machines have."""
        done = CustomResource(
            self,
            "Published",
            resource_type="Custom::Published",
            service_token=publisher.function.function_arn,
            service_timeout=LONGEST_PUBLISHING,
            properties={
                "Journeys": sorted(self.machines),
                "Folder": content_hash(folder),
                "ClockSpeed": str(self._stage.clock_speed),  # it changes every definition
            },
        )
        done.node.add_dependency(publisher, *self.machines.values())

    def tell_of_ends(self, function: PythonFunction, failed_calls: sqs.IQueue) -> None:
        """Call a Lambda whenever a run has ended, however it did."""
        events.Rule(
            self,
            "Ended",
            description=f"A run of {self._stage.prefix} has ended",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={"status": list(ENDED), "stateMachineArn": events.Match.prefix(self._arns)},
            ),
            targets=[call(function, failed_calls)],
        )

    def let_start(self, role: iam.Role) -> None:
        """The role may start runs."""
        _allow(role, f"{self._arns}*", "StartExecution")

    def let_stop(self, role: iam.Role) -> None:
        """The role may stop runs."""
        _allow(role, f"{self._executions}*", "StopExecution")

    def let_answer(self, role: iam.Role) -> None:
        """The role may end a wait, either way."""
        _allow(role, f"{self._arns}*", "SendTaskSuccess", "SendTaskFailure")

    def let_look(self, role: iam.Role) -> None:
        """The role may see which runs there are."""
        _allow(role, f"{self._arns}*", "ListExecutions")
        _allow(role, f"{self._executions}*", "DescribeExecution")

    def let_find(self, role: iam.Role) -> None:
        """The role may see where runs stand."""
        _allow(role, f"{self._executions}*", "GetExecutionHistory")

    def let_publish(self, role: iam.Role) -> None:
        """The role may freeze machines into versions."""
        _allow(
            role,
            f"{self._arns}*",
            "DescribeStateMachine",
            "UpdateStateMachine",
            "PublishStateMachineVersion",
            "CreateStateMachineAlias",
            "UpdateStateMachineAlias",
        )


def arns(stage: Stage) -> str:
    """What the ARNs of all our machines begin with, also of those that are no longer in the
    folder: their runs go on."""
    own = f"arn:{Aws.PARTITION}:states:{stage.region}:{Aws.ACCOUNT_ID}"
    return f"{own}:stateMachine:{stage.prefix}-"


def call(function: PythonFunction, failed_calls: sqs.IQueue) -> targets.LambdaFunction:
    """The Lambda as the target of a rule; what cannot be handed over is kept."""
    return targets.LambdaFunction(
        function.function,
        dead_letter_queue=failed_calls,
        retry_attempts=10,
        max_event_age=Duration.hours(24),
    )


def definition(one: Checked, pace: float) -> str:
    """The journey as Step Functions gets it, `${RunStep}` still in it."""
    compiled = compile_journey(one.journey, one.version, pace)
    return json.dumps(compiled, ensure_ascii=False, separators=(",", ":"))


def content_hash(folder: Folder) -> str:
    """Another one whenever a word in the folder is another."""
    texts = [folder.shared, folder.parts, folder.journeys]
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()[:32]


def _allow(role: iam.Role, resource: str, *actions: str) -> None:
    role.add_to_principal_policy(
        iam.PolicyStatement(
            actions=[f"states:{action}" for action in actions], resources=[resource]
        )
    )
    named = resource.replace(Aws.PARTITION, "<AWS::Partition>")
    named = named.replace(Aws.ACCOUNT_ID, "<AWS::AccountId>")
    accept(role, OURS_ONLY, f"AwsSolutions-IAM5[Resource::{named}]")
