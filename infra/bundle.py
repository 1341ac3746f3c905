"""What a Lambda is made of: libraries of the lock file for its platform, and our own code."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

from functions.folder import is_published

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.txt"
CODE = ROOT / "functions"
IN_LAMBDA = "/var/task"  # where Lambda puts a zip's content
JOURNEYS = "statemachines"  # where the publisher looks for the folder
KEPT = ROOT / "build" / "libraries"  # installed libraries, by what they were made of

# Lambda brings these, already compiled, and they are the larger half of a zip: leaving them out
# is worth more at each cold start than having the very version of the lock file.
IN_THE_RUNTIME = frozenset({"boto3", "botocore", "s3transfer"})
# All that collecting an event imports; its zip is a tenth of the others'.
FOR_COLLECTING = frozenset({"aws-lambda-powertools", "jmespath", "msgspec", "typing-extensions"})

# Taking a click needs none: whoever clicked waits for the start.
FOR_CLICKS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Platform:
    """Where the code will run. `tag` is what uv calls it, "" for this machine."""

    python: str
    tag: str = ""


LAMBDA = Platform("3.13", "aarch64-manylinux2014")
HOST = Platform(f"{sys.version_info.major}.{sys.version_info.minor}")


@dataclass(frozen=True)
class Bundle:
    """The content of one zip: `only` these libraries (None: all), and a folder of journeys."""

    platform: Platform
    only: frozenset[str] | None = None
    journeys: Path | None = None

    def code(self) -> lambda_.Code:
        """The zip, made again only when something that goes into it has changed."""
        local: Any = _Local(self)  # jsii hands the options over as one object
        return lambda_.Code.from_asset(
            str(CODE),
            asset_hash=content_hash(self.parts()),
            asset_hash_type=AssetHashType.CUSTOM,
            bundling=BundlingOptions(image=DockerImage.from_registry("none"), local=local),
        )

    def requirements(self) -> str:
        """The part of the lock file that goes in."""
        blocks = locked()
        if not self.platform.tag:  # this machine has nothing of its own
            return "\n".join(blocks.values())
        everything = blocks.keys() - IN_THE_RUNTIME
        names = sorted(everything if self.only is None else self.only)
        return "\n".join(blocks[name] for name in names)

    def parts(self) -> Iterator[bytes]:
        """All that the zip depends on."""
        yield f"{self.platform} {bool(compiler(self.platform))}".encode()
        yield self.requirements().encode()
        for folder in (CODE, self.journeys):
            for path in _files(folder) if folder else ():
                yield str(path.relative_to(folder or "")).encode()
                yield path.read_bytes()

    def write(self, target: Path) -> None:
        """Fill a folder with it."""
        libraries = self._libraries()
        shutil.copytree(libraries, target, dirs_exist_ok=True)
        for path in _files(CODE):
            _copy(path, target / CODE.name / path.relative_to(CODE))
        for path in _files(self.journeys) if self.journeys else ():
            _copy(path, target / JOURNEYS / path.relative_to(self.journeys or ""))
        _compile(target, target / CODE.name, self.platform)

    def _libraries(self) -> Path:
        """The installed libraries, kept for the next time."""
        wanted = self.requirements()
        parts = [f"{self.platform} {bool(compiler(self.platform))}".encode(), wanted.encode()]
        kept = KEPT / content_hash(parts)[:16]
        if not kept.is_dir():
            KEPT.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=KEPT) as made:
                libraries = Path(made) / "libraries"
                libraries.mkdir()
                if wanted:
                    _install(wanted, Path(made), libraries, self.platform)
                _compile(libraries, libraries, self.platform)
                libraries.rename(kept)
        return kept


@jsii.implements(ILocalBundling)
class _Local:
    """Bundles on this machine: no Docker."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def try_bundle(self, output_dir: str, _options: Any) -> bool:
        """See ILocalBundling."""
        self._bundle.write(Path(output_dir))
        return True


@cache
def locked() -> dict[str, str]:
    """The lock file's entry of each library, by name."""
    blocks: dict[str, str] = {}
    name = ""
    for line in LOCK.read_text("utf-8").splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            name = line.partition("==")[0]
        if name:
            blocks[name] = f"{blocks[name]}\n{line}" if name in blocks else line
    return blocks


def _install(requirements: str, work: Path, target: Path, platform: Platform) -> None:
    """Raises CalledProcessError, after uv has said why."""
    wanted = work / "requirements.txt"
    wanted.write_text(requirements, "utf-8")
    elsewhere = ["--python-platform", platform.tag] if platform.tag else []
    command = [
        *("uv", "pip", "install", "--quiet", "--target", str(target)),
        *("--python-version", platform.python, *elsewhere, "--only-binary", ":all:"),
        *("--no-deps", "--require-hashes", "-r", str(wanted)),
    ]
    subprocess.run(command, check=True)
    shutil.rmtree(target / "bin", ignore_errors=True)
    (target / ".lock").unlink(missing_ok=True)


@cache
def compiler(platform: Platform) -> str:
    """The Python that can compile for Lambda, "" when this machine has none.

    Lambda's disk is read-only: what is not compiled is compiled anew at each cold start.
    """
    if not platform.tag:
        return ""  # this machine's Python keeps what it has compiled
    command = ["uv", "python", "find", "--no-python-downloads", platform.python]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else ""


def _compile(root: Path, folder: Path, platform: Platform) -> None:
    """Compile what is in a folder of the zip that has this root."""
    python = compiler(platform)
    if python:
        # Valid whatever a file's time is, because a zip does not keep it.
        how = ("-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash")
        paths = ("-s", str(root), "-p", IN_LAMBDA, str(folder))
        subprocess.run([python, "-I", *how, *paths], check=False)  # some files are for others


def _files(folder: Path) -> list[Path]:
    """What goes into a zip of a folder of code or of a folder of journeys."""

    def goes_in(path: Path) -> bool:
        of_a_journey = folder != CODE and is_published(path.relative_to(folder))
        return of_a_journey or (folder == CODE and path.suffix == ".py")

    return sorted(path for path in folder.rglob("*") if goes_in(path) and path.is_file())


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def content_hash(parts: Collection[bytes] | Iterator[bytes]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()
