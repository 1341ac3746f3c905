"""Step Functions on one machine: the engine, and its executions kept beside the records."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from functions.engine.engine import Engine
from functions.engine.execution import Execution
from functions.engine.machine import Machine, TaskFailed, load
from functions.handlers import close_run, run_step
from functions.journeys.flow import compile_journey
from functions.journeys.step import Exit, Resume, Temporary, WebhookBusy, WebhookRefused
from functions.journeys.workflow import Execution as Described
from functions.journeys.workflow import Machines, Position, Workflow
from functions.storage.library import Library
from local.sqlite_store import SqliteStore

_TABLE = "CREATE TABLE IF NOT EXISTS execution (name TEXT PRIMARY KEY, saved TEXT NOT NULL)"


class LocalWorkflow:
    """Runs executions in the worker's thread; `save` writes those that have changed."""

    def __init__(
        self, store: SqliteStore, library: Library, now: Callable[[], datetime], seed: str
    ) -> None:
        self._store, self._now = store, now
        self._changed: dict[str, Execution] = {}
        self._ended: list[str] = []
        self.engine: Engine

        @cache
        def machine(key: str) -> Machine:
            journey, _, version = key.rpartition("@")
            return load(compile_journey(library.version(journey, version).journey, version))

        self._machine, self._seed, self._lives = machine, seed, 0
        store.connection.execute(_TABLE)
        self.reload()
        self.functions = Workflow(self._start, self._stop, self._succeed, self._fail)
        self.machines = Machines(
            lambda journey, version, definition: f"{journey}@{version}",
            self._start,
            self._under_way,
            self._describe,
            self._position,
        )

    def reload(self) -> None:
        """Begin again from what was saved: after a start, or a round that was undone."""
        self._changed, self._ended, self._lives = {}, [], self._lives + 1
        self.engine = Engine(
            _invoke,
            self._machine,
            saved=self._note,
            ended=self._close,
            seed=f"{self._seed}{self._lives}",  # a dead engine's tokens must not come again
        )
        saved = self._store.connection.execute("SELECT saved FROM execution ORDER BY rowid")
        self.engine.restore([json.loads(text) for (text,) in saved])

    def save(self) -> None:
        """Write what has changed since the last time; to be committed with the records."""
        rows = [
            (execution.name, json.dumps(self.engine.dump(execution)))
            for execution in self._changed.values()
            if execution.status == "RUNNING"
        ]
        execute = self._store.connection.executemany
        execute("INSERT OR REPLACE INTO execution (name, saved) VALUES (?, ?)", rows)
        execute("DELETE FROM execution WHERE name = ?", [(name,) for name in self._ended])
        for name in self._ended:
            self.engine.forget(name)  # the run record guards entry, not the name
        self._changed, self._ended = {}, []

    def _note(self, execution: Execution) -> None:
        self._changed[execution.name] = execution

    def _close(self, execution: Execution) -> None:
        self._ended.append(execution.name)
        names = {key: execution.data[key] for key in ("run", "person")}
        detail = {
            "name": execution.name,
            "status": execution.status,
            "input": json.dumps(names),
            "output": json.dumps(execution.output) if execution.output is not None else None,
        }
        close_run.handler({"detail": detail}, None)

    def _start(self, journey: str, version: str, name: str, names: dict[str, Any]) -> None:
        self.engine.start(f"{journey}@{version}", name, names, self._now())

    def _under_way(self, journey: str) -> list[str]:
        return [
            execution.name
            for execution in self.engine.executions.values()
            if execution.status == "RUNNING" and execution.machine.rpartition("@")[0] == journey
        ]

    def _describe(self, journey: str, name: str) -> Described | None:
        found = self.engine.executions.get(name)
        if found is None:
            return None
        return Described(found.status, found.data["person"], run=found.data["run"])

    def _position(self, journey: str, name: str) -> Position | None:
        found = self.engine.executions.get(name)
        if found is None or found.status != "RUNNING":
            return None
        return Position(found.state, found.entered, found.data)

    def _stop(self, journey: str, name: str, outcome: str) -> None:
        self.engine.stop(name, self._now(), "Exit", outcome)

    def _succeed(self, token: str, output: dict[str, Any]) -> bool:
        return self.engine.succeed(token, output, self._now())

    def _fail(self, token: str, error: str, cause: str) -> bool:
        return self.engine.fail(token, error, cause, self._now())


def _invoke(function: str, payload: dict[str, Any]) -> Any:
    """Call the Lambda as Step Functions would: its exceptions become named errors."""
    try:
        return run_step.handler(payload, None)
    except (Exit, Resume, Temporary, WebhookBusy, WebhookRefused) as error:
        raise TaskFailed(type(error).__name__, str(error)) from None
