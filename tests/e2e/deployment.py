"""The stock CDK command line, as `make deploy` calls it."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.e2e.own_cloud import ACCOUNT, REGION, ROOT, without_aws

SHOWN = 60  # lines of its output when it fails
Say = Callable[[str], None]


APP = ("app.py", "cdk.json", "requirements.txt", "infra", "functions", "statemachines")
SHARED = ("node_modules", "build")  # what was installed, and what was bundled before


def copy_app(target: Path) -> Path:
    """The app in a folder where a test may edit journeys, and nobody else edits anything."""
    target.mkdir()
    for name in APP:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, target / name)
    for name in SHARED:
        (ROOT / name).mkdir(exist_ok=True)
        (target / name).symlink_to(ROOT / name)
    return target


class Cdk:
    """`npx --no-install cdk` with the options of this deployment."""

    def __init__(
        self, app: Path, environment: Mapping[str, str], options: Mapping[str, str], say: Say
    ) -> None:
        self._app, self._say = app, say
        own = Path(sys.executable).parent  # where python, uv, node and npx of this project are
        path = f"{own}{os.pathsep}{os.environ['PATH']}"
        quiet = {
            "CDK_DISABLE_CLI_TELEMETRY": "1",
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        }
        self._environment = {**without_aws(), **environment, **quiet, "PATH": path}
        self._options = [part for item in options.items() for part in ("-c", "=".join(item))]

    def bootstrap(self) -> None:
        """What an account needs once, before the first deployment."""
        self._run("bootstrapping", ["bootstrap", f"aws://{ACCOUNT}/{REGION}"])

    def deploy(self, seen: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
        """Deploy; the stack's outputs. `seen` hears every line that CDK writes meanwhile."""
        outputs = self._app / "outputs.json"
        how = ["--require-approval", "never", "--outputs-file", str(outputs), *self._options]
        self._run("deploying", ["deploy", *how], seen)
        (found,) = json.loads(outputs.read_text()).values()
        return dict(found)

    def _run(
        self, what: str, words: list[str], seen: Callable[[str], None] = lambda line: None
    ) -> None:
        self._say(f"{what} ...")
        started = time.monotonic()
        general = ["--no-color", "--progress", "events"]
        process = subprocess.Popen(
            ["npx", "--no-install", "cdk", *words, *general],
            cwd=self._app,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            seen(line)
        if process.wait() != 0:
            raise AssertionError(f"{what} failed:\n" + "".join(lines[-SHOWN:]))
        self._say(f"{what} took {time.monotonic() - started:.0f} s")
