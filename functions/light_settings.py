"""The few settings of the doors that must open within milliseconds."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime


class LightSettings:
    """What `settings.from_environment` reads under the same names."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        values = os.environ if env is None else env
        self.table_prefix = values.get(
            "TANTE_TABLE_PREFIX", f"tante-{values.get('TANTE_STAGE', 'dev')}-"
        )
        self.event_queue_url = values.get("TANTE_EVENT_QUEUE_URL", "")
        self.link_secret = values.get("TANTE_LINK_SECRET", "")
        self._start = _time(values.get("TANTE_CLOCK_START", ""))
        self._zero = _time(values.get("TANTE_CLOCK_ZERO", ""))
        self._speed = float(values.get("TANTE_CLOCK_SPEED", "1"))

    def now(self) -> datetime:
        """The stage's time (UTC), as `Settings.now` tells it."""
        real = datetime.now(UTC)
        if self._start is None or self._zero is None:
            return real
        return self._start + (real - self._zero) * self._speed


class Account:
    """Who we are to AWS: what Lambda puts into the environment of every function."""

    def __init__(
        self, region: str, key_id: str, secret_key: str, session_token: str, endpoint_url: str
    ) -> None:
        self.region, self.endpoint_url = region, endpoint_url
        self.key_id, self.secret_key, self.session_token = key_id, secret_key, session_token


def _time(said: str) -> datetime | None:
    return datetime.fromisoformat(said) if said else None


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
