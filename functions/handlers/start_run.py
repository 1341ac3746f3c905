"""The paced starter: begins the runs that Step Functions was too busy for, a few at a time.

Its pace is the queue's: ten messages at a time and two calls at once.
"""

from typing import Any

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from functions.handlers import wiring
from functions.journeys.enter import names_of
from functions.journeys.run import Run, run_key
from functions.journeys.workflow import Start

logger = Logger(service="start_run")
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def handler(event: dict[str, Any], context: Any) -> Any:
    """An SQS batch in; the messages to redeliver out (ReportBatchItemFailures)."""
    return process_partial_response(event, _start, processor, context)


def _start(record: dict[str, Any]) -> None:
    """Start the run, unless it has ended before it could begin."""
    parts = wiring.parts()
    asked = msgspec.json.decode(record["body"], type=Start)
    run = parts.store.get(Run, asked.person, run_key(asked.journey, asked.run))
    if run is None or run.status == "ended":
        logger.info("not started: the run has ended", run=asked.run)
        return
    # Its present execution: the run may have gone on meanwhile.
    version = run.journey_version
    names = names_of(parts.library.version(run.journey, version).journey, run)
    parts.machines.start_now(run.journey, version, run.execution, names)
