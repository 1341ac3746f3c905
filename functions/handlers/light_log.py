"""A line in the log of a door that stands on the standard library alone."""

from __future__ import annotations

import json
import sys


def failed(what: str, error: Exception) -> None:
    """Log a failure, with no token. `what` is what an alarm of infra/monitoring.py listens for."""
    reason = f"{type(error).__name__}: {error}"[:300]
    sys.stdout.write(json.dumps({"level": "ERROR", "message": what, "reason": reason}) + "\n")
