"""tante lifecycle and tante stages, as typed."""

from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from functions.handlers import wiring
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.support.world import World

Type = Callable[..., Result]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Type]:
    """Beside a shop with two buyers, of whom one is lost, and a visitor."""
    data = tmp_path_factory.mktemp("shop")
    world = World(data)
    world.identify("ada", email="ada@example.com")
    world.order("ada", "1", "basic", revenue=30)
    world.advance("366 days")
    world.order("bob", "2", "basic", revenue=12.5)
    world.post("page", {"anonymousId": "x", "properties": {"path": "/"}})
    with serving(application(App(world.system).route)) as url:

        def type_(*words: str) -> Result:
            return CliRunner().invoke(app, [*words, "--data", str(data), "--at", url])

        yield type_
    wiring.use(None)


def rows(text: str) -> list[list[str]]:
    """What stands in each line, columns apart by two spaces or more."""
    lines = (line.strip() for line in text.splitlines())
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines if line]


def test_the_weights_of_stages_and_phases_are_told_with_their_sums(
    terminal: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.lifecycle_commands.PAGE", 2)  # so that pages are added up
    found = terminal("lifecycle")
    assert found.exit_code == 0, found.output
    said = rows(found.output)
    assert ["retention", "First-time buyer", "1", "33.3%", "12.50 EUR"] in said
    assert ["recovery", "in all", "1", "33.3%", "30.00 EUR"] in said
    assert ["recruitment", "in all", "1", "33.3%"] in said
    assert ["(none yet)", "1", "33.3%"] in said  # the visitor, whom sales does not know


def test_a_person_s_stages_are_told_with_their_reasons(terminal: Type) -> None:
    found = terminal("stages", "ada@example.com", "--in", "de")
    assert found.exit_code == 0, found.output
    said = " ".join(found.output.replace("│", " ").split())
    assert "customer: Lost customer (lost), recovery, since 2028-02-29 09:00" in said
    assert "First-time buyer: orders der Person ist mindestens 1 (orders ist 1)" in said


def test_nobody_is_told_where_nobody_is_known(terminal: Type) -> None:
    found = terminal("stages", "nobody@example.com")
    assert (found.exit_code, "nobody is known by the email" in found.output) == (1, True)
