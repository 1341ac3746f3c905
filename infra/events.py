"""The queues: events, starts of runs, and what could not be done."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.accepted import accept
from infra.stages import Stage

KEPT = Duration.days(14)  # the longest there is: time to find out and to repair
TRIES = 5  # that a message is taken before it goes to the dead letters
START_TRIES = 20  # two hours: what waits here found Step Functions too busy
# AWS asks for six times the Lambda's own limit, or a message may be worked on twice at once.
VISIBLE_AGAIN = 6


class Events(Construct):
    """The event queue and the start queue, each with its dead letters, the queue of what webhooks
    are to be told, and one for asynchronous calls that failed."""

    def __init__(self, scope: Construct, stage: Stage, longest_call: Duration) -> None:
        super().__init__(scope, "Events")
        self._prefix = stage.prefix
        self._hidden = Duration.seconds(longest_call.to_seconds() * VISIBLE_AGAIN)
        self._removal = stage.removal
        self.dead_letters = self._queue("EventDeadLetters")
        self.queue = self._queue("Events", self.dead_letters)
        self.start_dead_letters = self._queue("StartDeadLetters")
        self.starts = self._queue("Starts", self.start_dead_letters, START_TRIES)
        # Its dead lie with the events': sent back there, they are passed on.
        self.tells = self._queue("Tells", self.dead_letters)
        self.failed_calls = self._queue("FailedCalls")
        end = "Messages end here, whatever brought them; an alarm rings at the first one."
        for queue in self.all_dead_letters.values():
            accept(queue, end, "Serverless-SQSRedrivePolicy")
        accept(self.failed_calls, end, "AwsSolutions-SQS3")

    def _queue(
        self, name: str, dead_letters: sqs.Queue | None = None, tries: int = TRIES
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            name,
            queue_name=f"{self._prefix}-{_hyphens(name)}",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=KEPT,
            visibility_timeout=self._hidden if dead_letters else None,
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=tries)
            if dead_letters
            else None,
            removal_policy=self._removal,
        )

    @property
    def all_dead_letters(self) -> dict[str, sqs.Queue]:
        """Every queue that ought to be empty, by name."""
        return {
            "event-dead-letters": self.dead_letters,
            "start-dead-letters": self.start_dead_letters,
            "failed-calls": self.failed_calls,
        }

    def let_send(self, role: iam.IRole, *queues: sqs.Queue) -> None:
        """The role may put messages on these queues."""
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["sqs:SendMessage"], resources=[queue.queue_arn for queue in queues]
            )
        )

    def let_take_out(self, role: iam.IRole, queue: sqs.Queue) -> None:
        """The role may look through this queue and take messages out of it."""
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["sqs:ReceiveMessage", "sqs:DeleteMessage"], resources=[queue.queue_arn]
            )
        )


def _hyphens(name: str) -> str:
    """EventDeadLetters: event-dead-letters."""
    return "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in name).lstrip("-")
