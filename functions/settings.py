"""The only reader of the environment: every setting, its default, and what it means."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Settings:
    """What differs between stages. `from_environment` reads the TANTE_* variables."""

    stage: str = "dev"
    region: str = "eu-central-1"
    table_prefix: str = "tante-dev-"
    event_queue_url: str = ""
    dead_letter_queue_url: str = ""
    state_machine_arns: str = ""  # the part before the journey's name
    public_url: str = "http://127.0.0.1:8000"
    sender: str = ""
    configuration_set: str = ""
    sms_sender_id: str = ""
    allow_list: frozenset[str] = frozenset()
    identity_key: bytes = b""  # keys the hashes of people and addresses; never change it
    link_keys: dict[str, bytes] = field(default_factory=dict)  # by key id, the last one signs
    admin_key_hash: str = ""
    clock_start: datetime | None = None  # virtual time at `clock_zero`, for fast stages
    clock_zero: datetime | None = None
    clock_speed: float = 1.0

    @property
    def is_prod(self) -> bool:
        """Whether messages may reach anybody."""
        return self.stage == "prod"

    def now(self) -> datetime:
        """The stage's time (UTC): real, unless the stage's clock runs fast."""
        real = datetime.now(UTC)
        if self.clock_start is None or self.clock_zero is None:
            return real
        return self.clock_start + (real - self.clock_zero) * self.clock_speed


RETENTION = timedelta(days=400)  # of timeline rows; never less than 35 days (invariant 1)


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
        state_machine_arns=text("STATE_MACHINE_ARNS"),
        public_url=text("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/"),
        sender=text("SENDER"),
        configuration_set=text("CONFIGURATION_SET"),
        sms_sender_id=text("SMS_SENDER_ID"),
        allow_list=frozenset(filter(None, text("ALLOW_LIST").split(","))),
        identity_key=bytes.fromhex(text("IDENTITY_KEY")),
        link_keys=_keys(text("LINK_KEYS")),
        admin_key_hash=text("ADMIN_KEY_HASH"),
        clock_start=time("CLOCK_START"),
        clock_zero=time("CLOCK_ZERO"),
        clock_speed=float(text("CLOCK_SPEED", "1")),
    )


def _keys(text: str) -> dict[str, bytes]:
    """Read "id:hex,id:hex"."""
    pairs = (part.split(":", 1) for part in text.split(",") if part)
    return {key_id: bytes.fromhex(raw) for key_id, raw in pairs}
