"""The commands as one family: where each stands, and what is told when a system cannot be asked."""

import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from local import asking
from local.client import NoAnswer, Refusal
from local.command_line import app
from local.find_person import NoPerson
from local.panels import PANELS, panel_of


def test_every_command_stands_in_one_panel_of_the_help() -> None:
    commands = set(typer.main.get_group(app).commands)
    listed = [name for names in PANELS.values() for name in names]
    assert sorted(listed) == sorted(commands)
    assert len(listed) == len(set(listed))


def test_the_help_shows_the_panels_in_their_order_and_the_commands_below_them() -> None:
    said = CliRunner().invoke(app, ["--help"]).stdout
    places = [said.index(f" {panel} ") for panel in PANELS]
    assert places == sorted(places)
    assert said.index(" Sales ") < said.index("│ deals ") < said.index(" Data ")
    assert panel_of("nothing") is None


EACH = [
    ["accounts", "list"],
    ["brief", "ada"],
    ["deals", "list"],
    ["journeys", "list"],
    ["leads", "list"],
    ["lifecycle"],
    ["people", "show", "ada"],
    ["score", "ada"],
    ["scoring", "report"],
    ["segments", "list"],
    ["segments", "figures"],
    ["stages", "ada"],
    ["tasks", "list"],
    ["why", "ada", "onboarding"],
]


@pytest.mark.parametrize("words", EACH, ids=" ".join)
def test_every_command_says_in_a_sentence_that_no_system_is_there(
    words: list[str], tmp_path: Path
) -> None:
    for elsewhere, said in (
        (["--data", str(tmp_path / "none")], "start with: tante run"),
        (["--at", "http://127.0.0.1:9", "--key", "k"], "is tante run running?"),
    ):
        found = CliRunner().invoke(app, [*words, *elsewhere])
        assert found.exit_code == 1
        assert said in re.sub(r"\s+", " ", found.stderr)
        assert found.stderr.startswith("✗ ")
        assert found.stdout == ""


PLACE = {"file": "a.yaml", "line": 3, "message": "what [is] wrong"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (NoAnswer("nobody [there]"), "✗ nobody [there]\n"),
        (NoPerson("who?"), "✗ who?\n"),
        (Refusal("no", []), "✗ no\n"),
        (Refusal("not yet", [PLACE]), "✗ a.yaml:3: what [is] wrong\nnot yet\n"),
    ],
)
def test_what_is_in_the_way_is_told_and_the_exit_status_is_1(
    wrong: Exception, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, asking.told():
        raise wrong
    assert ended.value.code == 1
    assert capsys.readouterr().err == said
