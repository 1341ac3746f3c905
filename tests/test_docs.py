"""What the README, the manual and the decisions say is so, and nothing in the repository betrays
the machine on which it was made."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import msgspec
import pytest
import typer

from functions.handlers import answer_admin, openapi, orders
from functions.journeys import journey as journeys
from functions.journeys import steps
from functions.segments import condition, operators, person
from functions.settings import Settings
from local import command_line

ROOT = Path(__file__).parents[1]
MANUAL = ROOT / "statemachines" / "README.md"
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")


@cache
def tracked() -> tuple[Path, ...]:
    """The files that git knows, and those that it would take."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = (ROOT / name for name in found.stdout.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def pages() -> list[Path]:
    """Everything that is written for readers."""
    return [path for path in tracked() if path.suffix == ".md"]


def text_of(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""


README = text_of(ROOT / "README.md")
NAMES = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in pages()]


# --- what can be typed


def make_targets() -> set[str]:
    named = r"^([a-z][a-z0-9-]*)(?=[a-z0-9 -]*:(?!=))"
    found = set(re.findall(named, text_of(ROOT / "Makefile"), re.M))
    return found | {f"bench-{path.stem[6:]}" for path in (ROOT / "bench").glob("bench_*.py")}


def typed(text: str) -> Iterator[str]:
    """The commands that a page shows: its code, in lines and in words."""
    for block in FENCE.findall(text):
        yield from (line.strip() for line in block.splitlines())
    yield from CODE.findall(FENCE.sub("", text))


@pytest.mark.parametrize("path", NAMES)
def test_every_make_target_that_is_mentioned_exists(path: Path) -> None:
    for line in typed(text_of(path)):
        for arguments in re.findall(r"(?:^|[;&|] *)make((?: +[\w=.-]+)+)", line):
            said = [word for word in arguments.split() if "=" not in word]
            for target in said if not line.startswith(("bench-NAME", "#")) else []:
                assert target in make_targets() or target == "bench-NAME", f"{path}: {line}"


def test_every_make_target_that_is_declared_does_something_and_says_what() -> None:
    """`make check` without a rule says "nothing to be done" and succeeds."""
    phony = re.search(r"^\.PHONY:(.*)$", text_of(ROOT / "Makefile"), re.M)
    assert phony
    for target in phony[1].split():
        assert re.search(rf"^{target}:.*## \S", text_of(ROOT / "Makefile"), re.M), target


def commands() -> dict[str, set[str]]:
    """Every command of `tante` with its options."""
    found: dict[str, set[str]] = {}

    def walk(command: typer.core.TyperGroup | typer.core.TyperCommand, name: str) -> None:
        found[name] = {option for each in command.params for option in each.opts}
        for word, below in getattr(command, "commands", {}).items():
            walk(below, f"{name} {word}".strip())

    walk(typer.main.get_command(command_line.app), "")  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("path", NAMES)
def test_every_tante_command_that_is_mentioned_exists(path: Path) -> None:
    known = commands()
    for line in typed(text_of(path)):
        for words in re.findall(r"(?:^|[/;&|] *)tante((?: +[\w\"./=<>-]+)*)", line):
            name = ""
            for word in words.split():
                if f"{name} {word}".strip() in known:
                    name = f"{name} {word}".strip()
                elif word.startswith("--"):
                    assert word.split("=")[0] in known[name] | {"--help"}, f"{path}: {line}"
                else:
                    assert not any(other.startswith(f"{name} ".lstrip()) for other in known), (
                        f"{path}: tante{words}: there are {sorted(known)}"
                    )


@pytest.mark.parametrize("path", NAMES)
def test_every_address_of_the_api_that_is_mentioned_exists(path: Path) -> None:
    operations = (*answer_admin.OPERATIONS, *orders.ORDERS.values(), *openapi.COLLECTING)
    known = {operation.path for operation in operations}
    for said in re.findall(r"(?<![\w.])(/(?:api|v1)/[a-z_{}/]+)", text_of(path)):
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(said.rstrip("/"))))
        assert any(
            pattern.fullmatch(re.sub(r"\{\w+\}", "x", one)) or one == said for one in known
        ), f"{path}: {said}"


# --- what it links to


@pytest.mark.parametrize("path", NAMES)
def test_every_relative_link_leads_to_a_file(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text_of(path))):
        if re.match(r"[a-z]+:", link) or link.startswith("#"):
            continue
        target, _, anchor = link.partition("#")
        found = path.parent / target
        assert found.exists(), f"{path}: {link}"
        if anchor and found.suffix == ".md":
            titles = re.findall(r"^#+ +(.*)$", text_of(found), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in anchors, f"{path}: {link}"


@pytest.mark.parametrize("path", NAMES)
def test_every_file_of_ours_that_is_named_exists(path: Path) -> None:
    if path.parent.name == "decisions":
        pytest.skip("a decision may speak of what comes")
    tops = "functions|local|tests|docs|bench|infra|statemachines"
    for name in re.findall(rf"`((?:{tops})/[\w./-]+)`", FENCE.sub("", text_of(path))):
        assert (ROOT / name).exists(), f"{path}: {name}"


def test_the_decisions_are_numbered_without_gaps() -> None:
    found = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(name[:4]) for name in found] == list(range(1, len(found) + 1))


def tree(page: str) -> Iterator[tuple[str, str]]:
    """The lines of a page's drawing of folders: the path and what is said of it."""
    for block in FENCE.findall(page):
        if not re.search(r"^functions/ ", block, re.M):
            continue
        parents: list[str] = []
        for line in block.splitlines()[1:-1]:
            match = re.match(r"( *)([\w.-]+(?:/[\w-]+)*/)(?: +(.*))?$", line)
            if match:
                depth = len(match[1]) // 2
                parents[depth:] = [match[2]]
                yield "".join(parents), match[3] or ""


def test_the_readme_s_tree_lists_only_folders_that_there_are() -> None:
    listed = dict(tree(README))
    for folder in listed:
        assert (ROOT / folder).is_dir(), folder


def test_the_readme_s_tree_lists_every_package_of_functions() -> None:
    listed = dict(tree(README))
    if not listed:
        pytest.skip("the README has no tree yet")
    for package in sorted((ROOT / "functions").glob("*/__init__.py")):
        assert f"functions/{package.parent.name}/" in listed, package.parent.name


def test_the_tests_that_the_tree_names_are_folders() -> None:
    said = dict(tree(README)).get("tests/", "")
    for name in re.findall(r"[a-z0-9_]+", said.split(":")[0]):
        assert (ROOT / "tests" / name).is_dir(), name


# --- the language


def rows(page: str, title: str) -> Iterator[list[str]]:
    """The rows of the table whose first column has this title."""
    for table in re.findall(rf"^\| *{title} *\|.*\n\|[-| ]+\|\n((?:\|.*\n?)+)", page, re.M):
        for line in table.splitlines():
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]


def words_of(cell: str) -> list[str]:
    """`send: MESSAGE`, `sent:`: the words before the colons."""
    return [word.split(":")[0].strip() for word in CODE.findall(cell)]


def test_the_manual_lists_every_step_that_is_built_and_no_other() -> None:
    listed = [word for row in rows(text_of(MANUAL), "verb") for word in words_of(row[0])]
    assert sorted(listed) == sorted(steps.types())


def test_the_manual_s_steps_have_the_words_beside_them_that_the_code_knows() -> None:
    for row in rows(text_of(MANUAL), "verb"):
        [verb] = words_of(row[0])
        known = {field.encode_name for field in msgspec.structs.fields(steps.types()[verb])}
        said = {word for word in words_of(row[1]) if word not in ("email", "sms", "owner")}
        assert said <= known, (verb, said - known)
        assert known - {verb, "name"} <= said, (verb, known - {verb, "name"} - said)


def test_the_manual_lists_every_first_word_of_a_condition_and_no_other() -> None:
    listed = [word for row in rows(text_of(MANUAL), "first word") for word in words_of(row[0])]
    assert sorted(listed) == sorted(condition.READERS)


def test_the_manual_s_conditions_have_the_words_beside_them_that_the_code_knows() -> None:
    for row in rows(text_of(MANUAL), "first word"):
        firsts = words_of(row[0])
        known = {word for first in firsts for word in condition.READERS[first][1]}
        said = {word for word in words_of(row[1]) if word not in firsts}
        assert said == known, (firsts, said, known)


def test_the_manual_lists_every_test_of_a_field_and_every_computed_field() -> None:
    page = text_of(MANUAL)
    for word in (*operators.OPERATORS, *person.COMPUTED):
        assert re.search(rf"[`  ]{re.escape(word)}[`: ]", page), word


def test_nothing_that_the_manual_calls_not_built_yet_is_built() -> None:
    [section] = re.findall(r"^## Not built yet\n(.*?)(?=^## |\Z)", text_of(MANUAL), re.S | re.M)
    said = set(CODE.findall(section))
    assert set(steps.NOT_YET) <= said
    built = {*steps.types(), *condition.READERS, *operators.OPERATORS, *person.COMPUTED}
    assert not said & built


def test_the_manual_lists_every_key_of_a_journey_and_no_other() -> None:
    listed = [word for row in rows(text_of(MANUAL), "key") for word in words_of(row[0])]
    known = {field.encode_name for field in msgspec.structs.fields(journeys.JourneyFile)}
    assert set(listed) <= known
    assert known - set(listed) <= set(journeys.NOT_YET)


@pytest.mark.parametrize("path", NAMES)
def test_every_tante_variable_that_is_mentioned_is_a_setting(path: Path) -> None:
    known = {f"TANTE_{field.name.upper()}" for field in fields(Settings)}
    for name in re.findall(r"TANTE_[A-Z_]*[A-Z]", text_of(path)):
        assert name in known, f"{path}: {name}"


def test_every_tante_variable_that_settings_reads_is_a_field() -> None:
    source = text_of(ROOT / "functions" / "settings.py")
    read = set(re.findall(r'\b(?:text|time)\("([A-Z_]+)"', source))
    assert {name.lower() for name in read} <= {field.name for field in fields(Settings)}
    assert len(read) > 10


# --- nothing betrays the machine

REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|index-url|extra-index|find-links"
    r"|artifactory|nexus|simple/$",
    re.IGNORECASE,
)
HOMES = re.compile(r"(?<![\w.~}/-])/(?:work|root|home|Users)/[\w.-]+")


def readable() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        try:
            yield path, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_path_of_the_machine_on_which_it_was_made() -> None:
    for path, text in readable():
        if path != Path(__file__):
            assert not HOMES.search(text), f"{path}: {HOMES.search(text)}"


LOCKS = ("requirements", "package-lock.json", ".npmrc", "package.json", "pyproject.toml")


def test_lock_files_name_no_registry() -> None:
    for path, text in readable():
        if path.name.startswith(LOCKS):
            found = REGISTRIES.search(text)
            assert not found, f"{path}: {found and found.group()}"


def test_the_makefile_names_no_registry() -> None:
    said = text_of(ROOT / "Makefile").replace("--no-emit-index-url", "")
    said = said.replace("--no-emit-find-links", "")
    assert not REGISTRIES.search(said)


def test_npm_s_lock_file_has_hashes_and_no_addresses_of_downloads() -> None:
    lock = json.loads(text_of(ROOT / "package-lock.json"))
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        if name:
            assert package.get("integrity", "").startswith("sha512-"), name
    assert "omit-lockfile-registry-resolved=true" in text_of(ROOT / ".npmrc")


def test_python_s_lock_files_have_a_hash_for_every_package() -> None:
    found = list(ROOT.glob("requirements*.txt"))
    assert len(found) >= 4
    for path in found:
        text = text_of(path)
        assert not re.search(r"^-{1,2}(?:index|extra|find|trusted|i )", text, re.M), path
        for package in re.split(r"\n(?=\S)", text.replace("\\\n", " ").strip()):
            if not package.startswith("#"):
                assert "--hash=sha256:" in package, f"{path}: {package[:60]}"
                assert re.match(r"[\w.\[\],-]+==", package), package[:60]


def test_every_lock_file_has_every_package_that_was_asked_for() -> None:
    for asked in ROOT.glob("requirements*.in"):
        locked = text_of(asked.with_suffix(".txt")).lower().replace("_", "-")
        for line in text_of(asked).splitlines():
            name = re.match(r"[A-Za-z][\w.-]*", line.split("#")[0].strip())
            if name:
                wanted = name.group().lower().replace("_", "-")
                assert re.search(rf"^{re.escape(wanted)}(\[[\w,-]+\])?==", locked, re.M), (
                    asked,
                    wanted,
                )


SECRETS = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|\b[sw]k_[\w-]{32}\b")


def test_no_file_holds_a_key() -> None:
    for path, text in readable():
        found = SECRETS.search(text)
        assert not found, f"{path}: {found and found.group()[:12]}"


def test_the_package_needs_nothing_that_the_readme_does_not_say() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    version = project["requires-python"].removeprefix(">=")
    assert f"Python {version}" in README
    assert project["license"] in README


def test_the_changelog_has_the_version_or_says_unreleased() -> None:
    version = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["version"]
    text = text_of(ROOT / "CHANGELOG.md")
    assert f"## {version}" in text or f"[{version}]" in text or "## Unreleased" in text
