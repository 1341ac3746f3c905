"""What differs between the stages, in one place; each value can be given as `-c name=value`."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from aws_cdk import RemovalPolicy

PROD = "prod"
# What the CDK CLI itself may put into the context; its other keys have a colon or a slash.
OF_THE_CLI = {"acknowledged-issue-numbers", "cli-telemetry"}
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
LOG_DAYS = (1, 3, 5, 7, 14, 30)  # of CloudWatch's periods those within which erasure ends


class StageError(ValueError):
    """The options make no stage that would do what they seem to say."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One deployment, called `tante-<name>`. The defaults are those of dev."""

    name: str
    region: str = "eu-central-1"
    outside_eu: bool = False  # data about people may leave Europe: somebody has looked at the law
    journeys: str = "statemachines"  # the folder

    # Sizes
    log_days: int = 14
    log_every_call: bool = True  # Lambda's own lines about each call, which cost like ours
    requests_per_second: int = 50  # of all callers together; above it they get 429 and come again
    burst: int = 100
    event_workers: int = 5  # copies of process_event at work at once
    sms_alarm: float = 1.0  # USD for SMS in a month; a new account may spend one

    # Who may be written to, and as whom
    domain: str = ""  # of the sender; without it only brand.yaml's one address is registered
    identity_exists: bool = False  # SES in this region knows the domain or address already
    hosted_zone_id: str = ""  # in Route 53; without it somebody sets the DNS records by hand
    # Outside prod only these get messages: addresses, numbers, webhooks ("@crm.example.com")
    allow_list: tuple[str, ...] = ()
    sms_sender_id: str = ""
    sms_origination: str = ""  # ARN of a number, pool or sender ID; without it SNS sends
    public_url: str = ""  # of the API, when it has a domain of its own

    # Who is told
    alarm_email: str = ""
    monthly_budget: float = 0.0  # USD of the whole account

    # Time: at `clock_zero` the stage's clock shows `clock_start`, and runs `clock_speed` as fast
    clock_speed: float = 1.0
    clock_start: str = ""
    clock_zero: str = ""

    host: bool = False  # build for this machine's Python: for MiniStack, see `make e2e`

    @property
    def is_prod(self) -> bool:
        """Whether messages may reach anybody and data must stay."""
        return self.name == PROD

    @property
    def prefix(self) -> str:
        """What the names of our things in the account begin with."""
        return f"tante-{self.name}"

    @property
    def removal(self) -> RemovalPolicy:
        """What holds data outlives the stack in prod (unless its first deployment fails), and
        goes with it elsewhere."""
        kept = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        return kept if self.is_prod else RemovalPolicy.DESTROY

    @property
    def writes_to_people(self) -> bool:
        """Whether any message can leave the account."""
        return self.is_prod or bool(self.allow_list)


STAGES = {
    "dev": Stage(name="dev"),
    PROD: Stage(
        name=PROD,
        log_days=30,
        log_every_call=False,
        requests_per_second=1000,
        burst=2000,
        event_workers=20,
        sms_alarm=100.0,
    ),
}


def read_stage(context: Mapping[str, Any]) -> Stage:
    """The stage that the context asks for, checked. Raises StageError."""
    asked = {key: value for key, value in context.items() if not _is_of_cdk(key)}
    name = str(asked.pop("stage", "dev"))
    if name not in STAGES:
        raise StageError(f'There is no stage "{name}"; there are: {", ".join(STAGES)}.')
    kinds = {field.name: field.type for field in fields(Stage) if field.name != "name"}
    unknown = sorted(asked.keys() - kinds.keys())
    if unknown:
        raise StageError(
            f'There is no option "{unknown[0]}"; there are: stage, {", ".join(kinds)}.'
        )
    values = {key: _value(key, kinds[key], value) for key, value in asked.items()}
    stage = replace(STAGES[name], **values)
    wrong = list(_mistakes(stage))
    if wrong:
        raise StageError("\n".join(wrong))
    return stage


def check_sender(stage: Stage, sender: str) -> None:
    """Whether SES will take the sender of brand.yaml. Raises StageError."""
    of_sender = sender.rpartition("@")[2].lower()
    if stage.domain and of_sender != stage.domain and not of_sender.endswith(f".{stage.domain}"):
        raise StageError(
            f"SES would refuse every e-mail: brand.yaml sends as {sender}, which is not in the "
            f"domain {stage.domain}. Change one of the two."
        )


def _is_of_cdk(key: str) -> bool:
    return key in OF_THE_CLI or any(sign in key for sign in ":/@")


def _value(key: str, kind: Any, given: Any) -> Any:
    """A value of cdk.json as it is, or of the command line as its text says."""
    read, words = _KINDS[kind]
    text = ",".join(given) if isinstance(given, list) else str(given)
    try:
        return read(text.strip())
    except (KeyError, ValueError):
        raise StageError(f'The option {key} cannot be "{text}"; it is {words}.') from None


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_TRUTH = {"true": True, "True": True, "false": False, "False": False}
_KINDS: dict[Any, tuple[Callable[[str], Any], str]] = {
    str: (str, "a text"),
    int: (int, "a whole number"),
    float: (float, "a number"),
    bool: (_TRUTH.__getitem__, "true or false"),
    tuple[str, ...]: (_list, "a list with commas"),
}


def _mistakes(stage: Stage) -> Iterator[str]:
    """What would silently go wrong."""
    if stage.is_prod:
        yield from _in_prod(stage)
    if not REGION.fullmatch(stage.region):
        yield f'region cannot be "{stage.region}"; it is called like eu-central-1.'
    elif not stage.region.startswith("eu-") and not stage.outside_eu:
        yield (
            f"{stage.region} is not in Europe: what is known of people would leave it (Art. 44 "
            "GDPR). Take a region like eu-central-1, or add -c outside_eu=true."
        )
    if stage.log_days not in LOG_DAYS:
        yield f"log_days is one of {', '.join(map(str, LOG_DAYS))}: erasure ends within 30 days."
    if stage.hosted_zone_id and not stage.domain:
        yield "hosted_zone_id says where the records of a domain go: add -c domain=example.com."
    if stage.monthly_budget and not stage.alarm_email:
        yield "monthly_budget tells nobody: add -c alarm_email=you@example.com."
    if stage.public_url and not stage.host and not stage.public_url.startswith("https://"):
        yield "public_url begins with https://: links to leave stand in every mail."
    yield from _in_time(stage)


def _in_prod(stage: Stage) -> Iterator[str]:
    fast = stage.clock_speed != 1 or stage.clock_start or stage.clock_zero
    if fast:
        yield "prod lives in real time: clock_speed, clock_start and clock_zero are for dev."
    if stage.host:
        yield "prod runs in Lambda: host=true builds for this machine."
    if stage.allow_list:
        yield "prod writes to everybody who agreed: allow_list is for dev."
    if not stage.alarm_email:
        yield "Nobody would hear prod's alarms: add -c alarm_email=you@example.com."
    if not stage.domain:
        yield (
            "Mail without a signature of your own domain ends as spam: add -c domain=example.com, "
            "the domain of the sender in brand.yaml."
        )


def _in_time(stage: Stage) -> Iterator[str]:
    for name in ("clock_start", "clock_zero"):
        text = getattr(stage, name)
        if text and not _has_zone(text):
            yield f'{name} cannot be "{text}"; it is a time like 2026-01-01T08:00:00+00:00.'
    if bool(stage.clock_start) != bool(stage.clock_zero):
        yield "clock_start and clock_zero belong together: what the clock shows, and when."
    if stage.clock_speed <= 0:
        yield "clock_speed is more than 0."
    if stage.clock_speed != 1 and not stage.clock_start:
        yield "clock_speed needs clock_start and clock_zero, or messages would go by real time."


def _has_zone(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
