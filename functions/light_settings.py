"""The few settings of the doors that must open within milliseconds: no dataclass, no secret read."""

import os
from collections import namedtuple
from collections.abc import Mapping
from datetime import UTC, datetime

LightSettings = namedtuple(  # noqa: PYI024 typing and dataclasses cost more than all the rest
    "LightSettings",
    ("table_prefix", "event_queue_url", "link_secret", "clock_start", "clock_zero", "clock_speed"),
)
# Who we are to AWS: what Lambda puts into the environment of every function.
Account = namedtuple(  # noqa: PYI024
    "Account", ("region", "key_id", "secret_key", "session_token", "endpoint_url")
)


def light_settings(env: Mapping[str, str] | None = None) -> LightSettings:
    """What `settings.from_environment` reads under the same names."""
    values = os.environ if env is None else env

    def time(name: str) -> datetime | None:
        said = values.get(f"TANTE_{name}", "")
        return datetime.fromisoformat(said) if said else None

    return LightSettings(
        values.get("TANTE_TABLE_PREFIX", f"tante-{values.get('TANTE_STAGE', 'dev')}-"),
        values.get("TANTE_EVENT_QUEUE_URL", ""),
        values.get("TANTE_LINK_SECRET", ""),
        time("CLOCK_START"),
        time("CLOCK_ZERO"),
        float(values.get("TANTE_CLOCK_SPEED", "1")),
    )


def account(env: Mapping[str, str] | None = None) -> Account:
    """The region, the role's credentials, and another endpoint where the environment names one."""
    values = os.environ if env is None else env
    return Account(
        values.get("AWS_REGION") or values.get("AWS_DEFAULT_REGION", "eu-central-1"),
        values.get("AWS_ACCESS_KEY_ID", ""),
        values.get("AWS_SECRET_ACCESS_KEY", ""),
        values.get("AWS_SESSION_TOKEN", ""),
        values.get("AWS_ENDPOINT_URL", ""),
    )


def stage_time(settings: LightSettings) -> datetime:
    """The stage's time (UTC), as `Settings.now` tells it."""
    real = datetime.now(UTC)
    if settings.clock_start is None or settings.clock_zero is None:
        return real
    shown: datetime = settings.clock_start + (real - settings.clock_zero) * settings.clock_speed
    return shown
