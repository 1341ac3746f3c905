"""The stack of one stage: what there is, and who may touch what."""

from aws_cdk import Annotations, CfnOutput, Duration, Environment, Stack
from aws_cdk import aws_events as rules
from aws_cdk import aws_iam as iam
from constructs import Construct

from functions.folder import check, check_brand, read_folder
from infra.api import Api
from infra.bundle import FOR_CLICKS, FOR_COLLECTING, HOST, LAMBDA, ROOT, Bundle, compiler
from infra.delivery import Delivery
from infra.encryption import Encryption
from infra.events import Events
from infra.journeys import Journeys, arns, call
from infra.monitoring import Monitoring
from infra.python_function import PythonFunction
from infra.secrets import ADMIN, IDENTITY, LINKS, Secrets
from infra.stages import Stage, check_sender
from infra.tables import CATALOGUE, PEOPLE, TIMELINE, Tables

BATCH = 100  # messages that process_event takes at once, each with one to hundreds of events
WINDOW = Duration.seconds(1)  # for which it waits until they are so many
STARTS, STARTERS = 10, 2  # the pace of the start queue: at once, and how often at once
TELLS, TELLERS = 10, 5  # of what webhooks are told
BEHIND_QUEUE = Duration.seconds(60)
NOT_COMPILED = (
    f"There is no Python {LAMBDA.python} on this machine to compile with, so each Lambda compiles "
    f"its modules at every cold start. Before you deploy prod: uv python install {LAMBDA.python}"
)
FORECASTS = "forecast *"  # and those of forecasts: functions/forecast/record.py
ERASURES = "erasure *"  # the partitions of the erasure list; see functions/tracking/erasure.py
# MB: memory buys processor time, which is what imports need.
LIGHT, HEAVY, HEAVIEST = 512, 1024, 3072


class Tante(Stack):
    """Everything of one stage. Raises StageError, and Problems when a journey is wrong."""

    def __init__(self, scope: Construct, stage: Stage, account: str | None = None) -> None:
        super().__init__(
            scope,
            stage.prefix,
            env=Environment(account=account, region=stage.region),
            description=f"Tante, customer-lifecycle marketing: {stage.name}",
            termination_protection=stage.is_prod,
            tags={"project": "tante", "stage": stage.name},
        )
        self.stage_of = stage
        if not stage.host and not compiler(LAMBDA):
            Annotations.of(self).add_warning_v2("tante:not-compiled", NOT_COMPILED)
        self.folder = read_folder(ROOT / stage.journeys)
        sender = check_brand(self.folder.brand).sender.email
        check_sender(stage, sender)

        encryption = Encryption(self, stage)
        self.tables = Tables(self, stage, encryption)
        self.secrets = Secrets(self, stage)
        self.events = Events(self, stage, BEHIND_QUEUE)
        self.delivery = Delivery(self, stage, sender, encryption, self.events)
        self.api = Api(self, stage)
        self.functions: list[PythonFunction] = []
        self._run_step_arn = ""
        run_step = self._run_step()
        self._run_step_arn = run_step.function.function_arn
        self.journeys = Journeys(self, stage, check(self.folder), run_step.function)
        self._let_run_step(run_step)
        self._doors()
        self._queues()
        self._clocks()
        self._publisher()
        self._forecaster()
        self.monitoring = Monitoring(
            self,
            stage,
            encryption,
            api=self.api,
            events=self.events,
            tables=self.tables,
            journeys=self.journeys,
            functions=self.functions,
        )
        self._outputs()

    def _doors(self) -> None:
        """The Lambdas behind the API."""
        collect = self._function(
            "collect_event",
            "EVENT_QUEUE_URL",
            "PUBLIC_URL",
            memory=LIGHT,
            timeout=Duration.seconds(10),
            bundle=self._bundle(only=FOR_COLLECTING),
        )
        self.tables.let_look_up(collect.role, CATALOGUE)
        self.events.let_send(collect.role, self.events.queue)
        self.api.route(
            collect,
            "It checks the write key itself, to answer as Segment's clients expect.",
            "$default",
        )

        admin = self._admin = self._function(
            "answer_admin",
            "PUBLISHER",
            "FORECASTER",
            "EVENT_QUEUE_URL",
            "START_QUEUE_URL",
            "STATE_MACHINE_ARNS",
            "PUBLIC_URL",
            "IDENTITY_SECRET",
            "ADMIN_SECRET",
            memory=HEAVY,
            timeout=Duration.seconds(29),  # an HTTP API waits for 30
        )
        self.tables.let_read(admin.role, TIMELINE, CATALOGUE)
        self.tables.let_write(admin.role, PEOPLE)
        self.tables.let_write_only(admin.role, CATALOGUE, ERASURES, FORECASTS)
        self.secrets.let_read(admin.role, IDENTITY, ADMIN)
        # What colleagues do is an event about the person.
        self.events.let_send(admin.role, self.events.queue)
        # It lets people into journeys, which may take them out of others.
        self.events.let_send(admin.role, self.events.starts)
        self.journeys.let_start(admin.role)
        self.journeys.let_stop(admin.role)
        self.api.route(
            admin,
            "It checks the admin key itself and compares it in constant time.",
            *(f"{method} /api/{{proxy+}}" for method in ("GET", "POST", "PUT", "DELETE")),
            "GET /openapi.json",
        )

        page = self._function(
            "answer_page",
            "EVENT_QUEUE_URL",
            "LINK_SECRET",
            memory=HEAVY,
            timeout=Duration.seconds(29),
        )
        self.tables.let_write(page.role, PEOPLE)
        self.tables.let_read(page.role, CATALOGUE)
        self.secrets.let_read(page.role, LINKS)
        self.events.let_send(page.role, self.events.queue)
        self.api.route(
            page,
            "Whoever has the signed link may leave or confirm, and anybody may fill in a form: the "
            "law wants it without a log-in.",
            "GET /leave/{token}",
            "GET /preferences/{token}",
            "POST /preferences/{token}",
            "GET /confirm/{token}",
            "POST /confirm/{token}",
            "GET /forms/{name}",
            "POST /forms/{name}",
            "OPTIONS /forms/{name}",
        )
        self._leaving()

    def _leaving(self) -> None:
        """The Lambda that mail programs and our page post to: it changes an item, and no more."""
        leave = self._function(
            "take_leave",
            "EVENT_QUEUE_URL",
            "LINK_SECRET",
            memory=LIGHT,
            timeout=Duration.seconds(29),
            bundle=self._bundle(only=FOR_CLICKS),
        )
        self.tables.let_say(leave.role, PEOPLE)
        self.secrets.let_read(leave.role, LINKS)
        self.events.let_send(leave.role, self.events.queue)
        self.api.route(
            leave,
            "Whoever has the signed link may leave: the law wants it without a log-in.",
            "POST /leave/{token}",
        )
        self._clicks()

    def _clicks(self) -> None:
        """The Lambda behind every link of a message: it reads one table's items, and no more."""
        click = self._function(
            "take_click",
            "EVENT_QUEUE_URL",
            "LINK_SECRET",
            memory=LIGHT,
            timeout=Duration.seconds(29),
            bundle=self._bundle(only=FOR_CLICKS),
        )
        self.tables.let_look_up(click.role, PEOPLE)  # where a short link leads
        self.secrets.let_read(click.role, LINKS)
        self.events.let_send(click.role, self.events.queue)
        self.api.route(
            click,
            "Whoever has a message may follow its links; they are signed.",
            *(f"{method} /{door}/{{token}}" for door in "cods" for method in ("GET", "HEAD")),
        )

    def _queues(self) -> None:
        """The Lambdas behind the queues."""
        process = self._function(
            "process_event",
            "EVENT_QUEUE_URL",
            "DEAD_LETTER_QUEUE_URL",
            "START_QUEUE_URL",
            "TELL_QUEUE_URL",
            "RECEIPT_TOPIC",
            "STATE_MACHINE_ARNS",
            "IDENTITY_SECRET",
            memory=HEAVY,
            timeout=BEHIND_QUEUE,
        )
        self.tables.let_write(process.role, PEOPLE, TIMELINE)
        self.tables.let_read(process.role, CATALOGUE)
        # Erasing: the list of whom, and reports that name some people as examples.
        self.tables.let_write_only(
            process.role, CATALOGUE, ERASURES, "figures", "clusters", "referrals"
        )
        if not self.stage_of.is_prod:
            self.tables.let_write(process.role, CATALOGUE)  # the outbox
        self.events.let_take_out(process.role, self.events.dead_letters)
        self.secrets.let_read(process.role, IDENTITY)
        queues = (self.events.queue, self.events.dead_letters, self.events.starts)
        self.events.let_send(process.role, *queues, self.events.tells)
        self.journeys.let_start(process.role)
        self.journeys.let_stop(process.role)
        self.journeys.let_answer(process.role)
        process.take(self.events.queue, BATCH, at_once=self.stage_of.event_workers, window=WINDOW)

        start = self._function(
            "start_run", "START_QUEUE_URL", "STATE_MACHINE_ARNS", memory=LIGHT, timeout=BEHIND_QUEUE
        )
        self.tables.let_write(start.role, PEOPLE)  # it moves runs at a publish, and ends some
        self.tables.let_read(start.role, CATALOGUE)
        self.events.let_send(start.role, self.events.starts)
        self.journeys.let_start(start.role)
        self.journeys.let_stop(start.role)
        self.journeys.let_find(start.role)
        start.take(self.events.starts, STARTS, at_once=STARTERS)

        tell = self._function(
            "tell_webhooks",
            "TELL_QUEUE_URL",
            "DEAD_LETTER_QUEUE_URL",
            "ALLOW_LIST",
            "LINK_SECRET",
            memory=LIGHT,
            timeout=BEHIND_QUEUE,
        )
        self.tables.let_read(tell.role, PEOPLE, TIMELINE, CATALOGUE)
        if not self.stage_of.is_prod:
            self.tables.let_write(tell.role, CATALOGUE)  # the outbox
        self.secrets.let_read(tell.role, LINKS)
        self.events.let_send(tell.role, self.events.tells, self.events.dead_letters)
        tell.take(self.events.tells, TELLS, at_once=TELLERS)

    def _run_step(self) -> PythonFunction:
        return self._function(
            "run_step",
            "EVENT_QUEUE_URL",
            "START_QUEUE_URL",
            "STATE_MACHINE_ARNS",
            "PUBLIC_URL",
            "CONFIGURATION_SET",
            "SMS_SENDER_ID",
            "SMS_ORIGINATION",
            "SMS_CONFIGURATION_SET",
            "ALLOW_LIST",
            "LINK_SECRET",
            memory=HEAVY,
            timeout=BEHIND_QUEUE,
        )

    def _let_run_step(self, run_step: PythonFunction) -> None:
        role = run_step.role
        self.tables.let_write(role, PEOPLE)
        self.tables.let_read(role, TIMELINE, CATALOGUE)
        if not self.stage_of.is_prod:
            self.tables.let_write(role, CATALOGUE)  # the outbox
        self.secrets.let_read(role, LINKS)
        self.events.let_send(role, self.events.queue, self.events.starts)
        self.journeys.let_start(role)
        self.journeys.let_stop(role)
        self.journeys.let_answer(role)
        self.delivery.let_send(role)

    def _clocks(self) -> None:
        """The Lambdas that a rule calls: when a run has ended, every day, hour, minute."""
        failed_calls = self.events.failed_calls
        close = self._function(
            "close_run",
            "STATE_MACHINE_ARNS",
            memory=LIGHT,
            timeout=Duration.seconds(30),
            waited_for=False,
        )
        self.tables.let_write(close.role, PEOPLE)
        self.tables.let_read(close.role, CATALOGUE)  # what a run was sending stands in its version
        self.journeys.tell_of_ends(close, failed_calls)

        compare = self._function(
            "compare_runs",
            "START_QUEUE_URL",
            "STATE_MACHINE_ARNS",
            memory=LIGHT,
            timeout=Duration.minutes(15),
            waited_for=False,
        )
        self.tables.let_write(compare.role, PEOPLE)
        self.tables.let_read(compare.role, CATALOGUE)
        self.events.let_send(compare.role, self.events.starts)
        self.journeys.let_look(compare.role)
        self.journeys.let_start(compare.role)
        self.journeys.let_stop(compare.role)
        self._every(Duration.days(1), compare)

        settle = self._function(
            "settle_messages", memory=LIGHT, timeout=Duration.minutes(5), waited_for=False
        )
        self.tables.let_write(settle.role, PEOPLE)
        self._every(Duration.hours(1), settle)

        due = self._function(
            "find_due",
            "EVENT_QUEUE_URL",
            memory=LIGHT,
            timeout=Duration.minutes(5),
            waited_for=False,
        )
        self.tables.let_read(due.role, PEOPLE)
        self.events.let_send(due.role, self.events.queue)
        self._every(Duration.minutes(1), due)

        count = self._function(
            "count_people",
            "EVENT_QUEUE_URL",
            memory=HEAVY,
            timeout=Duration.minutes(15),
            waited_for=False,
        )
        self.tables.let_read(count.role, PEOPLE)
        self.tables.let_write(count.role, CATALOGUE)
        self.events.let_send(count.role, self.events.queue)  # have those looked at who turn
        # Once a day there is something to do; in the other hours it goes on where it had no time.
        self._every(Duration.hours(1), count)

        learn = self._function(
            "learn_products", memory=HEAVY, timeout=Duration.minutes(15), waited_for=False
        )
        self.tables.let_read(learn.role, PEOPLE, TIMELINE)
        self.tables.let_write(learn.role, CATALOGUE)
        self._every(Duration.hours(1), learn)

    def _every(self, period: Duration, function: PythonFunction) -> None:
        """Call a Lambda again and again, by the stage's clock, at most once a minute."""
        minutes = max(1, round(period.to_minutes() / self.stage_of.clock_speed))
        rules.Rule(
            self,
            f"{function.node.id}Schedule",
            description=f"Calls {function.name} of {self.stage_of.prefix}",
            schedule=rules.Schedule.rate(Duration.minutes(minutes)),
            targets=[call(function, self.events.failed_calls)],
        )

    def _publisher(self) -> None:
        publisher = self._function(
            "publish_journey",
            "START_QUEUE_URL",
            "EVENT_QUEUE_URL",
            "STATE_MACHINE_ARNS",
            "RUN_STEP",
            memory=HEAVY,
            timeout=Duration.minutes(4),
            bundle=self._bundle(journeys=True),
            waited_for=False,
        )
        self.tables.let_write(publisher.role, CATALOGUE)
        self.tables.let_read(publisher.role, PEOPLE)  # who is under way
        self.events.let_send(publisher.role, self.events.starts)
        self.events.let_send(publisher.role, self.events.queue)  # have everybody looked at
        self.journeys.let_publish(publisher.role)
        self.journeys.let_find(publisher.role)
        self._let_order(publisher)
        self.journeys.publish(publisher, self.folder)

    def _forecaster(self) -> None:
        """What is tried out in its memory with the code of nearly all the others: it reads people,
        and writes what came of it."""
        forecaster = self._function(
            "forecast_journey",
            "IDENTITY_SECRET",
            memory=HEAVIEST,
            timeout=Duration.minutes(15),
            waited_for=False,
        )
        self.tables.let_read(forecaster.role, PEOPLE, TIMELINE, CATALOGUE)
        self.tables.let_write_only(forecaster.role, CATALOGUE, FORECASTS)
        self.secrets.let_read(forecaster.role, IDENTITY)
        self._let_order(forecaster)

    def _let_order(self, ordered: PythonFunction) -> None:
        """The admin API hands all that changes journeys to the publisher, and waits; and forecasts
        to theirs, without waiting."""
        self._admin.role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[ordered.function.function_arn]
            )
        )

    def _bundle(self, only: frozenset[str] | None = None, journeys: bool = False) -> Bundle:
        folder = ROOT / self.stage_of.journeys if journeys else None
        return Bundle(HOST if self.stage_of.host else LAMBDA, only, folder)

    def _function(
        self,
        name: str,
        *settings: str,
        memory: int,
        timeout: Duration,
        bundle: Bundle | None = None,
        waited_for: bool = True,
    ) -> PythonFunction:
        """A Lambda that is told these settings and those that every one needs."""
        values = self._settings()
        always = ("STAGE", "TABLE_PREFIX", "CLOCK_START", "CLOCK_ZERO", "CLOCK_SPEED")
        made = PythonFunction(
            self,
            name,
            stage=self.stage_of,
            bundle=bundle or self._bundle(),
            settings={key: values[key] for key in (*always, *settings) if values[key]},
            memory=memory,
            timeout=timeout,
            failed_calls=None if waited_for else self.events.failed_calls,
        )
        self.functions.append(made)
        return made

    def _settings(self) -> dict[str, str]:
        """All that functions/settings.py can read, empty where the stage says nothing."""
        stage = self.stage_of
        return {
            "STAGE": stage.name,
            "TABLE_PREFIX": f"{stage.prefix}-",
            "EVENT_QUEUE_URL": self.events.queue.queue_url,
            "DEAD_LETTER_QUEUE_URL": self.events.dead_letters.queue_url,
            "START_QUEUE_URL": self.events.starts.queue_url,
            "TELL_QUEUE_URL": self.events.tells.queue_url,
            "RECEIPT_TOPIC": self.delivery.topic.topic_arn,
            "STATE_MACHINE_ARNS": arns(stage),
            "RUN_STEP": self._run_step_arn,
            "PUBLISHER": f"{stage.prefix}-publish_journey",
            "FORECASTER": f"{stage.prefix}-forecast_journey",
            "PUBLIC_URL": self.api.url,
            "CONFIGURATION_SET": self.delivery.configuration_set,
            "SMS_SENDER_ID": stage.sms_sender_id,
            "SMS_ORIGINATION": stage.sms_origination,
            "SMS_CONFIGURATION_SET": self.delivery.sms_configuration_set,
            "ALLOW_LIST": ",".join(stage.allow_list),
            "IDENTITY_SECRET": self.secrets.arn(IDENTITY),
            "LINK_SECRET": self.secrets.arn(LINKS),
            "ADMIN_SECRET": self.secrets.arn(ADMIN),
            "CLOCK_START": stage.clock_start,
            "CLOCK_ZERO": stage.clock_zero,
            "CLOCK_SPEED": "" if stage.clock_speed == 1 else str(stage.clock_speed),
        }

    def _outputs(self) -> None:
        """What one needs to know after deploying."""
        stage = self.stage_of
        secret = "aws secretsmanager get-secret-value --query SecretString --output text"
        dashboard = "console.aws.amazon.com/cloudwatch/home"
        values = {
            "ApiUrl": self.api.url,
            "ApiId": self.api.api.api_id,
            "AdminKeyCommand": (
                f"{secret} --region {stage.region} --secret-id {self.secrets.arn(ADMIN)}"
            ),
            "WriteKeyCommand": (
                f".venv/bin/tante keys add website --stage {stage.name} --region {stage.region}"
            ),
            "DashboardUrl": (
                f"https://{stage.region}.{dashboard}?region={stage.region}"
                f"#dashboards/dashboard/{stage.prefix}"
            ),
            "EventQueueUrl": self.events.queue.queue_url,
            "EventDeadLettersUrl": self.events.dead_letters.queue_url,
            "StartQueueUrl": self.events.starts.queue_url,
            "TellQueueUrl": self.events.tells.queue_url,
            "StartDeadLettersUrl": self.events.start_dead_letters.queue_url,
            "FailedCallsUrl": self.events.failed_calls.queue_url,
            "EventTopicArn": self.delivery.topic.topic_arn,
            "AlarmTopicArn": self.monitoring.topic.topic_arn,
            "TableNames": ",".join(one.table_name for one in self.tables.tables.values()),
            "StateMachines": ",".join(sorted(self.journeys.machines)),
            "IdentitySecretArn": self.secrets.arn(IDENTITY),
            "LinkSecretArn": self.secrets.arn(LINKS),
            "AdminSecretArn": self.secrets.arn(ADMIN),
        }
        for name, value in values.items():
            CfnOutput(self, name, value=value)
