"""The paced starter: begins runs that Step Functions was too busy for, and moves runs at a publish.

Its pace is the queue's: ten messages at a time and two calls at once.
"""

from typing import Any

import msgspec
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from functions.handlers import wiring
from functions.handlers.desk import journey_desk
from functions.handlers.discreet import Logger
from functions.handlers.standing import send_moves
from functions.journeys.enter import names_of
from functions.journeys.leave import leave
from functions.journeys.moving import move
from functions.journeys.run import JourneyVersion, Run, run_key
from functions.journeys.workflow import Move, MoveAll, Start
from functions.storage.library import NEWEST
from functions.tracking.merge import EJECTED

logger = Logger(service="start_run")
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def handler(event: dict[str, Any], context: Any) -> Any:
    """An SQS batch in; the messages to redeliver out (ReportBatchItemFailures)."""
    return process_partial_response(event, _take, processor, context)


_changes = msgspec.json.Decoder(Move | MoveAll)


def _take(record: dict[str, Any]) -> None:
    parts, body = wiring.parts(), record["body"]
    if not body.startswith('{"type"'):
        return _start(parts, msgspec.json.decode(body, type=Start))
    asked = _changes.decode(body)
    pointer = parts.store.get(JourneyVersion, asked.journey, NEWEST)
    if pointer is None or not _still_wanted(pointer, asked.version):
        logger.info("not moved: something else was published meanwhile", journey=asked.journey)
    elif isinstance(asked, MoveAll):
        send_moves(parts, asked)
    else:
        _move(parts, asked)


def _still_wanted(pointer: JourneyVersion, version: str) -> bool:
    """Whether nobody has published, rolled back or resumed since the order was given."""
    return pointer.points_to == version if version else pointer.stopped is not None


def _move(parts: wiring.Parts, asked: Move) -> None:
    run = parts.store.get(Run, asked.person, run_key(asked.journey, asked.run))
    if run is None or run.status == "ended":
        return
    desk = journey_desk(parts)
    if not asked.version:
        return leave(desk, run, EJECTED)
    done = move(desk, parts.machines, run, asked)
    logger.info(done, run=asked.run)


def _start(parts: wiring.Parts, asked: Start) -> None:
    """Start the run, unless it has ended before it could begin."""
    run = parts.store.get(Run, asked.person, run_key(asked.journey, asked.run))
    if run is None or run.status == "ended":
        logger.info("not started: the run has ended", run=asked.run)
        return
    # Its present execution: the run may have gone on meanwhile.
    version = run.journey_version
    names = names_of(parts.library.version(run.journey, version).journey, run)
    parts.machines.start_now(run.journey, version, run.execution, names)
