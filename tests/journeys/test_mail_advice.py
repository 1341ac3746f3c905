"""What could be better in a mail is told by check and publish; what the law forbids is refused."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from functions.folder import check, read_folder, warnings
from functions.problem import Problems
from local.command_line import app
from tests.support.world import JOURNEYS, World

MAIL = "onboarding/guide.de.mjml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(JOURNEYS, tmp_path / "statemachines"))


def changed(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_check_tells_what_could_be_better_and_is_content(folder: Path) -> None:
    changed(folder, MAIL, '<mjml lang="de">', "<mjml>")
    result = CliRunner().invoke(app, ["check", str(folder)])
    assert result.exit_code == 0, result.output
    assert f"! {MAIL}:1: a screen reader" in result.stdout


def test_a_mail_by_consent_without_a_way_out_is_refused(folder: Path) -> None:
    changed(folder, MAIL, '<mj-include path="../parts/footer.de.mjml" />', "{{ brand.imprint }}")
    with pytest.raises(Problems) as told:
        check(read_folder(folder))
    [(found)] = told.value.found
    assert (found.file, found.line) == (MAIL, 1)
    assert "{{ unsubscribe }}" in found.text


def test_one_that_needs_no_consent_is_not(folder: Path) -> None:
    welcome = "onboarding/welcome.de.mjml"  # sent as "transactional"
    changed(folder, welcome, '<mj-include path="../parts/footer.de.mjml" />', "")
    found = read_folder(folder)
    assert [(one.file, one.line) for one in warnings(found, check(found))] == [(welcome, 1)]


def test_publishing_tells_it_before_it_is_done(folder: Path, tmp_path: Path) -> None:
    world = World(tmp_path / "data")
    changed(folder, MAIL, '<mjml lang="de">', "<mjml>")
    files = {
        str(path.relative_to(folder)): path.read_text()
        for name in ("onboarding", "parts")
        for path in (folder / name).iterdir()
        if not path.name.endswith(".scenario.yaml")
    }
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    body: Any = {"files": files, "dry_run": True}
    answer = world.request("POST", "/api/publish", body, headers=key)
    assert answer["statusCode"] == 200, answer
    assert [(one["file"], one["line"]) for one in answer["json"]["warnings"]] == [(MAIL, 1)]
