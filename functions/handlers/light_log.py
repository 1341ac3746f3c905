"""A line in the log of a door that stands on the standard library alone."""

from __future__ import annotations

import json
import sys
from time import time


def failed(what: str, error: Exception, metric: str) -> None:
    """Log a failure, with no token, so that CloudWatch also counts it (embedded metric format).
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    counted = {"Namespace": "tante", "Dimensions": [[]], "Metrics": [{"Name": metric}]}
    aws = {"Timestamp": int(time() * 1000), "CloudWatchMetrics": [counted]}
    reason = f"{type(error).__name__}: {error}"[:300]
    said = {"level": "ERROR", "message": what, "reason": reason, metric: 1, "_aws": aws}
    sys.stdout.write(json.dumps(said) + "\n")
