"""The only reader of the environment: every setting, its default, and what it means."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Settings:
    """What differs between stages. `from_environment` reads the TANTE_* variables."""

    stage: str = "dev"
    region: str = "eu-central-1"
    table_prefix: str = "tante-dev-"
    event_queue_url: str = ""
    dead_letter_queue_url: str = ""
    start_queue_url: str = ""  # where starts wait that Step Functions was too busy for
    tell_queue_url: str = ""  # what webhooks are to be told
    receipt_topic: str = ""  # the ARN of the one topic from which receipts are taken
    state_machine_arns: str = ""  # the part before the journey's name
    run_step: str = ""  # the ARN that stands for ${RunStep}
    publisher: str = ""  # the Lambda that publishes, by its name
    forecaster: str = ""  # the Lambda that makes forecasts, by its name
    public_url: str = "http://127.0.0.1:8000"
    sender: str = ""
    configuration_set: str = ""
    sms_sender_id: str = ""
    sms_origination: str = ""  # of End User Messaging; without one SNS sends
    sms_configuration_set: str = ""
    allow_list: frozenset[str] = frozenset()
    identity_key: bytes = b""  # keys the hashes of people and addresses; never change it
    link_keys: dict[str, bytes] = field(default_factory=dict)  # by key id, the last one signs
    admin_key_hash: str = ""
    identity_secret: str = ""  # in Secrets Manager: {"key": hex}
    link_secret: str = ""  # {"1": hex, ...}
    admin_secret: str = ""  # {"key": text}
    clock_start: datetime | None = None  # virtual time at `clock_zero`, for fast stages
    clock_zero: datetime | None = None
    clock_speed: float = 1.0

    @property
    def is_prod(self) -> bool:
        """Whether messages may reach anybody."""
        return self.stage == "prod"

    def now(self) -> datetime:
        """The stage's time (UTC): real, unless the stage's clock runs fast."""
        return self.on_stage(datetime.now(UTC))

    def on_stage(self, real: datetime) -> datetime:
        """What the stage's clock showed at a real moment (Step Functions and SES tell those)."""
        if self.clock_start is None or self.clock_zero is None:
            return real
        return self.clock_start + (real - self.clock_zero) * self.clock_speed

    def in_reality(self, moment: datetime) -> datetime:
        """When the stage's clock shows a moment (Step Functions waits until then)."""
        if self.clock_start is None or self.clock_zero is None:
            return moment
        return self.clock_zero + (moment - self.clock_start) / self.clock_speed


RETENTION = timedelta(days=400)  # of timeline rows; never less than 35 days (invariant 1)
ROWS_LIVE = max(RETENTION, timedelta(days=35))


def from_environment(env: dict[str, str] | None = None) -> Settings:
    """The settings of this Lambda. Raises ValueError where one cannot be read."""
    values = os.environ if env is None else env

    def text(name: str, default: str = "") -> str:
        return values.get(f"TANTE_{name}", default)

    def time(name: str) -> datetime | None:
        return datetime.fromisoformat(text(name)) if text(name) else None

    stage = text("STAGE", "dev")
    return Settings(
        stage=stage,
        region=values.get("AWS_REGION", "eu-central-1"),
        table_prefix=text("TABLE_PREFIX", f"tante-{stage}-"),
        event_queue_url=text("EVENT_QUEUE_URL"),
        dead_letter_queue_url=text("DEAD_LETTER_QUEUE_URL"),
        start_queue_url=text("START_QUEUE_URL"),
        tell_queue_url=text("TELL_QUEUE_URL"),
        receipt_topic=text("RECEIPT_TOPIC"),
        state_machine_arns=text("STATE_MACHINE_ARNS"),
        run_step=text("RUN_STEP"),
        publisher=text("PUBLISHER"),
        forecaster=text("FORECASTER"),
        public_url=text("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/"),
        sender=text("SENDER"),
        configuration_set=text("CONFIGURATION_SET"),
        sms_sender_id=text("SMS_SENDER_ID"),
        sms_origination=text("SMS_ORIGINATION"),
        sms_configuration_set=text("SMS_CONFIGURATION_SET"),
        allow_list=frozenset(filter(None, text("ALLOW_LIST").split(","))),
        identity_secret=text("IDENTITY_SECRET"),
        link_secret=text("LINK_SECRET"),
        admin_secret=text("ADMIN_SECRET"),
        clock_start=time("CLOCK_START"),
        clock_zero=time("CLOCK_ZERO"),
        clock_speed=float(text("CLOCK_SPEED", "1")),
    )


def with_secrets(settings: Settings, read: Callable[[str], str]) -> Settings:
    """The settings with their keys; `read` gives the text of a secret by its ARN or name.

    Only the secrets that this Lambda is told of are read. Raises ValueError.
    """

    def found(name: str) -> dict[str, str]:
        try:
            return dict(json.loads(read(name)))
        except (TypeError, json.JSONDecodeError):
            raise ValueError(f"the secret {name} is not a JSON object") from None

    keys: dict[str, Any] = {}
    if settings.identity_secret:
        keys["identity_key"] = bytes.fromhex(found(settings.identity_secret)["key"])
    if settings.link_secret:
        links = found(settings.link_secret)
        keys["link_keys"] = {key_id: bytes.fromhex(key) for key_id, key in links.items()}
    if settings.admin_secret:
        admin = found(settings.admin_secret)["key"]
        keys["admin_key_hash"] = hashlib.sha256(admin.encode()).hexdigest()
    return replace(settings, **keys)
