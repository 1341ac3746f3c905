"""One Lambda: its code, its settings, a role of its own and a log of its own."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.accepted import accept
from infra.bundle import Bundle
from infra.stages import Stage

LATEST = (
    "Python 3.13 is what the locked libraries are installed for; a new version of Python comes "
    "with a new lock file and its tests, not by itself."
)
UNTRACED = (
    "A run's history shows its steps and the metrics show their times; tracing would cost about "
    "as much as the calls and needs a permission on everything in every role."
)
WAITED_FOR = "Whoever calls it waits for the answer and calls again, so no call is lost."
OF_QUEUE = "A queue's messages go to its dead letters by the queue's own redrive policy."
HANDED_ON = "Calls that failed go to the queue failed-calls with the reason, by its destination."
OLDEST_CALL = Duration.hours(6)  # Lambda tries an asynchronous call for so long


class PythonFunction(Construct):
    """`functions/handlers/<name>.py`.

    None of them has reserved concurrency: it would take from the account's other functions,
    and what must be slow is slow by its queue.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        stage: Stage,
        bundle: Bundle,
        settings: Mapping[str, str],
        memory: int,
        timeout: Duration,
        failed_calls: sqs.IQueue | None = None,
    ) -> None:
        super().__init__(scope, _camel(name))
        self.name = name
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"{stage.prefix} {name}",
        )
        log = self.log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{stage.prefix}-{name}",
            retention=log_retention(stage),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[log.log_group_arn],
            )
        )
        every_call = lambda_.SystemLogLevel.INFO
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=f"{stage.prefix}-{name}",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=bundle.code(),
            handler=f"functions.handlers.{name}.handler",
            environment={f"TANTE_{key}": value for key, value in settings.items()},
            memory_size=memory,
            timeout=timeout,
            role=self.role,
            log_group=log,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            system_log_level_v2=every_call if stage.log_every_call else lambda_.SystemLogLevel.WARN,
        )
        if failed_calls:  # nobody waits for it: Lambda tries again, and this is the end
            self.function.configure_async_invoke(
                on_failure=destinations.SqsDestination(failed_calls),
                retry_attempts=2,
                max_event_age=OLDEST_CALL,
            )
        accept(self.function, LATEST, "AwsSolutions-L1", "Serverless-LambdaLatestVersion")
        accept(self.function, UNTRACED, "Serverless-LambdaTracing")
        accept(self.function, HANDED_ON if failed_calls else WAITED_FOR, "Serverless-LambdaDLQ")

    def take(
        self, queue: sqs.Queue, messages: int, *, at_once: int, window: Duration | None = None
    ) -> None:
        """Be called with so many messages of a queue, so often at once; it answers which failed."""
        queue.grant_consume_messages(self.role)
        source = self.function.add_event_source_mapping(
            "Queue",
            event_source_arn=queue.queue_arn,
            batch_size=messages,
            max_batching_window=window,
            max_concurrency=at_once,
            report_batch_item_failures=True,
        )
        accept(source, OF_QUEUE, "Serverless-LambdaEventSourceMappingDestination")


def log_retention(stage: Stage) -> logs.RetentionDays:
    """How long the stage keeps its logs."""
    periods = {
        1: logs.RetentionDays.ONE_DAY,
        3: logs.RetentionDays.THREE_DAYS,
        5: logs.RetentionDays.FIVE_DAYS,
        7: logs.RetentionDays.ONE_WEEK,
        14: logs.RetentionDays.TWO_WEEKS,
        30: logs.RetentionDays.ONE_MONTH,
    }
    return periods[stage.log_days]


def _camel(name: str) -> str:
    return "".join(word.title() for word in name.split("_"))
