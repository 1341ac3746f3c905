"""The alarms, the budget and the dashboard."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Aws, Duration
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.accepted import accept
from infra.api import Api
from infra.delivery import let_publish
from infra.encryption import Encryption
from infra.events import Events
from infra.journeys import Journeys
from infra.python_function import PythonFunction
from infra.stages import Stage
from infra.tables import Tables

CLOUDWATCH = "cloudwatch.amazonaws.com"
FIVE_MINUTES = Duration.minutes(5)
HOUR = Duration.hours(1)
WAITED_LONG = Duration.minutes(15)  # for an event; journeys may react late from then on
BOUNCES, COMPLAINTS = 0.05, 0.001  # shares; SES reviews an account from here on
NO_COPY = "What no mailbox takes would lie unread in a queue too; the alarm itself stays in alarm."
SENDING_STOPPED = "sending was stopped"  # what functions/handlers/breaking.py logs
CODES_LOW = ("codes run low", "no code is left")  # what functions/handlers/coding.py logs
PUMPING = "numbers of one beginning are asked and do not confirm"  # functions/handlers/pumping.py
# What functions/handlers/costing.py logs.
BUDGETS = (
    "a budget is exceeded",
    "a budget will be exceeded by the end of the month",
    "budgets cannot be checked",
)
NOT_LEFT = ("somebody could not leave",)  # what functions/handlers/take_leave.py logs
NOT_TOLD = ("an event is lost", "a link could not be read")  # functions/handlers/take_click.py
SIGN_UPS = ("answer_page", "process_event")  # where people are asked to confirm their number
RUN_TROUBLE = {
    "failed": "ExecutionsFailed",
    "timed-out": "ExecutionsTimedOut",
    "throttled": "ExecutionThrottled",
}


class Monitoring(Construct):
    """Every alarm goes to one topic. Metrics are AWS's own: none of ours has a journey or a
    person as a dimension, because each value of one costs like a metric."""

    def __init__(
        self,
        scope: Construct,
        stage: Stage,
        encryption: Encryption,
        *,
        api: Api,
        events: Events,
        tables: Tables,
        journeys: Journeys,
        functions: Sequence[PythonFunction],
    ) -> None:
        super().__init__(scope, "Monitoring")
        self._stage = stage
        self.alarms: list[cloudwatch.Alarm] = []
        self.topic = sns.Topic(
            self,
            "Alarms",
            topic_name=f"{stage.prefix}-alarms",
            display_name=f"Tante {stage.name}",
            master_key=encryption.key,
            enforce_ssl=True,
        )
        # A topic with a policy of its own no longer lets the account's alarms in by itself.
        own = f"arn:{Aws.PARTITION}:cloudwatch:{stage.region}:{Aws.ACCOUNT_ID}"
        let_publish(self.topic, CLOUDWATCH, f"{own}:alarm:{stage.prefix}-*")
        encryption.let_publish(CLOUDWATCH)
        if stage.alarm_email:
            subscribed = self.topic.add_subscription(
                subscriptions.EmailSubscription(stage.alarm_email)
            )
            accept(subscribed, NO_COPY, "Serverless-SNSRedrivePolicy")
        self._queues(events)
        self._functions(functions)
        self._journeys(journeys)
        self._tables(tables)
        self._doors(api)
        self._codes(functions)
        self._pumping(functions)
        self._breaker(functions)
        self._budgets(functions)
        self._light_doors(functions)
        self._money()
        self.dashboard = self._dashboard(api, events, journeys, functions)

    def _alarm(self, name: str, means: str, metric: cloudwatch.Metric, limit: float) -> None:
        """Rings when the metric reaches the limit; no data is good news."""
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{self._stage.prefix}-{name}",
            alarm_description=means,
            metric=metric,
            threshold=limit,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
        self.alarms.append(alarm)

    def _queues(self, events: Events) -> None:
        for name, queue in events.all_dead_letters.items():
            means = "Something could not be done and waits here; look at its reason, then redrive."
            self._alarm(name, means, _visible(queue), 1)
        worked_on = (("events", events.queue), ("starts", events.starts), ("tells", events.tells))
        for name, queue in worked_on:
            age = queue.metric_approximate_age_of_oldest_message(
                period=FIVE_MINUTES, statistic="Maximum"
            )
            means = f"The oldest of the {name} waits for a quarter of an hour: too slow, or stuck."
            self._alarm(f"{name}-wait", means, age, WAITED_LONG.to_seconds())

    def _functions(self, functions: Sequence[PythonFunction]) -> None:
        for one in functions:
            errors = one.function.metric_errors(period=FIVE_MINUTES)
            self._alarm(f"{one.name}-errors", f"{one.name} failed; see its log.", errors, 1)
            throttles = one.function.metric_throttles(period=FIVE_MINUTES)
            means = f"{one.name} was held back by the account's limit of concurrent Lambdas."
            self._alarm(f"{one.name}-throttles", means, throttles, 1)

    def _journeys(self, journeys: Journeys) -> None:
        for journey, machine in journeys.machines.items():
            for trouble, metric_name in RUN_TROUBLE.items():
                metric = machine.metric(metric_name, statistic="Sum", period=FIVE_MINUTES)
                means = f"Runs of {journey} were {trouble.replace('-', ' ')}; see the console."
                self._alarm(f"{journey}-{trouble}", means, metric, 1)

    def _tables(self, tables: Tables) -> None:
        for name, table in tables.tables.items():
            for side in ("Read", "Write"):
                metric = table.metric(f"{side}ThrottleEvents", statistic="Sum", period=FIVE_MINUTES)
                means = f"DynamoDB holds back {side.lower()}s of {name}: a hot person or a burst."
                self._alarm(f"{name}-{side.lower()}-throttles", means, metric, 1)

    def _lines(
        self,
        one: PythonFunction,
        metric_name: str,
        said: Sequence[str],
        period: Duration = HOUR,
        name: str = "",
    ) -> cloudwatch.Metric:
        """How often a function's log says one of these: where it never does, there is no cost."""
        words = [logs.FilterPattern.string_value("$.message", "=", line) for line in said]
        found = logs.MetricFilter(
            self,
            name or metric_name,
            log_group=one.log,
            filter_pattern=words[0] if len(words) == 1 else logs.FilterPattern.any(*words),
            metric_namespace=self._stage.prefix,
            metric_name=metric_name,
        )
        return found.metric(statistic="Sum", period=period)

    def _breaker(self, functions: Sequence[PythonFunction]) -> None:
        """The same for mails that too few receive."""
        said = self._lines(_named("process_event", functions), "SendingStopped", [SENDING_STOPPED])
        means = "Too many mails bounced or were marked as spam, so some go no more: tante breaker."
        self._alarm("sending-stopped", means, said, 1)

    def _budgets(self, functions: Sequence[PythonFunction]) -> None:
        """One for all journeys: the log says which."""
        said = self._lines(_named("compare_runs", functions), "BudgetExceeded", BUDGETS)
        means = "A journey's budget is exceeded, or will be by the end of the month: tante cost."
        self._alarm("budget-exceeded", means, said, 1)

    def _codes(self, functions: Sequence[PythonFunction]) -> None:
        said = self._lines(_named("run_step", functions), "CodesLow", CODES_LOW)
        means = "A list of codes runs low or is empty: see `tante codes`, then tante codes import."
        self._alarm("codes-low", means, said, 1)

    def _pumping(self, functions: Sequence[PythonFunction]) -> None:
        """All who sign people up count into one metric."""
        said = [
            self._lines(one, "SmsPumping", [PUMPING], name=f"SmsPumping-{one.name}")
            for one in functions
            if one.name in SIGN_UPS
        ]
        means = "Many numbers of one beginning are asked and do not confirm; no more are asked."
        self._alarm("sms-pumping", means, said[0], 1)

    def _light_doors(self, functions: Sequence[PythonFunction]) -> None:
        """A click fails nobody, so no 5xx tells of it."""
        for name, alarm, metric_name, lines, means in (
            ("take_leave", "leaves-failed", "LeavesFailed", NOT_LEFT, "Somebody could not leave."),
            ("take_click", "touches-lost", "TouchesLost", NOT_TOLD, "Clicks or opens are lost."),
        ):
            said = self._lines(_named(name, functions), metric_name, lines, FIVE_MINUTES)
            self._alarm(alarm, means, said, 1)

    def _doors(self, api: Api) -> None:
        failed = api.api.metric_server_error(period=FIVE_MINUTES, statistic="Sum")
        means = "The API answered 5xx; clients send those events again, for a while."
        self._alarm("api-5xx", means, failed, 1)
        for name, limit in (("Bounce", BOUNCES), ("Complaint", COMPLAINTS)):
            metric = cloudwatch.Metric(
                namespace="AWS/SES",
                metric_name=f"Reputation.{name}Rate",
                statistic="Maximum",
                period=HOUR,
            )
            means = f"{limit:.1%} {name.lower()}s: above this SES may stop the account's mail."
            self._alarm(f"{name.lower()}-rate", means, metric, limit)

    def _money(self) -> None:
        spent = cloudwatch.Metric(
            namespace="AWS/SNS",
            metric_name="SMSMonthToDateSpentUSD",
            statistic="Maximum",
            period=HOUR,
        )
        means = "SMS of this month cost more than planned: sms_alarm in infra/stages.py."
        self._alarm("sms-spend", means, spent, self._stage.sms_alarm)
        if not self._stage.monthly_budget:
            return
        # Of the whole account: a filter by tag shows nothing until an administrator of the
        # organisation has activated the tag for cost allocation, and that is easily forgotten.
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=self._stage.prefix,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(
                    amount=self._stage.monthly_budget, unit="USD"
                ),
            ),
            notifications_with_subscribers=[
                _notice("ACTUAL", 80, self._stage.alarm_email),
                _notice("FORECASTED", 100, self._stage.alarm_email),
            ],
        )

    def _dashboard(
        self, api: Api, events: Events, journeys: Journeys, functions: Sequence[PythonFunction]
    ) -> cloudwatch.Dashboard:
        lambdas = [one.function for one in functions]
        queues = [events.queue, events.starts, events.tells]
        machines = list(journeys.machines.values())
        return cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=self._stage.prefix,
            default_interval=Duration.days(1),
            widgets=[
                [
                    cloudwatch.AlarmStatusWidget(title="Alarms", alarms=self.alarms, width=24),
                ],
                [
                    _graph(
                        "Requests",
                        api.api.metric_count(),
                        api.api.metric_client_error(),
                        api.api.metric_server_error(),
                    ),
                    _graph(
                        "Milliseconds to an answer",
                        api.api.metric_latency(statistic="p50"),
                        api.api.metric_latency(statistic="p99"),
                    ),
                    _graph(
                        "Seconds that the oldest waits",
                        *(queue.metric_approximate_age_of_oldest_message() for queue in queues),
                    ),
                ],
                [
                    _graph("Runs begun", *(one.metric_started() for one in machines)),
                    _graph("Runs ended well", *(one.metric_succeeded() for one in machines)),
                    _graph("Runs failed", *(one.metric_failed() for one in machines)),
                ],
                [
                    _graph("E-mail", *map(_ses, ("Send", "Delivery"))),
                    _graph("E-mail refused", *map(_ses, ("Bounce", "Complaint", "Reject"))),
                    _graph("In dead letters", *map(_visible, events.all_dead_letters.values())),
                ],
                [
                    _graph("Calls", *(one.metric_invocations() for one in lambdas)),
                    _graph("Errors", *(one.metric_errors() for one in lambdas)),
                    _graph("Milliseconds", *(one.metric_duration() for one in lambdas)),
                ],
            ],
        )


def _named(name: str, functions: Sequence[PythonFunction]) -> PythonFunction:
    [one] = [one for one in functions if one.name == name]
    return one


def _visible(queue: sqs.IQueue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(
        period=FIVE_MINUTES, statistic="Maximum"
    )


def _ses(metric_name: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/SES", metric_name=metric_name, statistic="Sum", period=FIVE_MINUTES
    )


def _graph(title: str, *metrics: cloudwatch.Metric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8)


def _notice(kind: str, percent: int, email: str) -> Any:
    return budgets.CfnBudget.NotificationWithSubscribersProperty(
        notification=budgets.CfnBudget.NotificationProperty(
            comparison_operator="GREATER_THAN",
            notification_type=kind,
            threshold=percent,
            threshold_type="PERCENTAGE",
        ),
        subscribers=[
            budgets.CfnBudget.SubscriberProperty(address=email, subscription_type="EMAIL")
        ],
    )
