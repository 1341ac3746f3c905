"""What goes into the zips (making them needs the network and is not done here)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.bundle import (
    CODE,
    FOR_COLLECTING,
    HOST,
    IN_THE_RUNTIME,
    LAMBDA,
    ROOT,
    Bundle,
    content_hash,
    locked,
)

JOURNEYS = ROOT / "statemachines"


def names(bundle: Bundle) -> set[str]:
    lines = bundle.requirements().splitlines()
    return {line.partition("==")[0] for line in lines if not line.startswith(" ")}


def test_every_library_is_pinned_with_its_hashes() -> None:
    assert len(locked()) > 15
    for name, entry in locked().items():
        assert entry.startswith(f"{name}=="), entry
        assert "--hash=sha256:" in entry


def test_what_lambda_brings_is_left_out_there_and_packed_for_this_machine() -> None:
    assert locked().keys() >= IN_THE_RUNTIME
    assert names(Bundle(LAMBDA)) == locked().keys() - IN_THE_RUNTIME
    assert names(Bundle(HOST)) == locked().keys()
    assert names(Bundle(HOST, FOR_COLLECTING)) == locked().keys()


def test_collecting_has_a_zip_of_its_own_with_four_libraries() -> None:
    assert names(Bundle(LAMBDA, FOR_COLLECTING)) == FOR_COLLECTING


# certifi only where it is installed anyway.
OF_BOTOCORE = {"botocore", "certifi", "dateutil", "jmespath", "six", "urllib3"}
COLLECT = """
import sys
from functions.handlers import aws, collect_event
parts = aws.aws_parts()
parts.settings, parts.source, parts.send_events, parts.now
aws.client("sqs")
from aws_lambda_powertools import Logger
Logger(service="x").info("refused", codes={})
places = {name.partition(".")[0]: getattr(module, "__file__", None) or ""
          for name, module in sys.modules.items()}
print(*(name for name, place in places.items() if "site-packages" in place))
"""


def test_collecting_imports_nothing_that_its_zip_lacks() -> None:
    """What Lambda brings may be used as well: botocore and what it stands on."""
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", COLLECT]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    used = {name for name in ran.stdout.splitlines()[-1].split() if not name.startswith("_")}
    ours = {name.replace("-", "_") for name in FOR_COLLECTING}
    # What an editable installation of ourselves leaves behind.
    assert used - {"sitecustomize", "distutils"} <= ours | OF_BOTOCORE


def test_a_zip_is_made_again_when_a_file_a_library_or_a_platform_is_another(
    tmp_path: Path,
) -> None:
    journey = tmp_path / "welcome" / "journey.yaml"
    journey.parent.mkdir()
    journey.write_text("title: Welcome", "utf-8")

    def hash_of(bundle: Bundle) -> str:
        return content_hash(bundle.parts())

    whole = Bundle(LAMBDA, journeys=tmp_path)
    found = {
        hash_of(whole),
        hash_of(Bundle(LAMBDA)),
        hash_of(Bundle(LAMBDA, FOR_COLLECTING)),
        hash_of(Bundle(HOST)),
    }
    assert len(found) == 4
    assert hash_of(whole) in found
    (tmp_path / "welcome" / "README.md").write_text("for people", "utf-8")
    (tmp_path / "welcome" / "__pycache__").mkdir()
    (tmp_path / "welcome" / "first.scenario.yaml").write_text("- scenario: a test", "utf-8")
    (tmp_path / "pack" / "birthday").mkdir(parents=True)
    (tmp_path / "pack" / "birthday" / "journey.yaml").write_text("title: Ready", "utf-8")
    assert hash_of(whole) in found
    journey.write_text("title: Hello", "utf-8")
    assert hash_of(whole) not in found


def test_everything_in_functions_is_code() -> None:
    """Only .py files are packed."""
    other = [
        path
        for path in CODE.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and path.name != ".DS_Store"
    ]
    assert not other


@pytest.mark.parametrize("name", sorted(FOR_COLLECTING))
def test_what_collecting_needs_is_in_the_lock_file(name: str) -> None:
    assert name in locked()
