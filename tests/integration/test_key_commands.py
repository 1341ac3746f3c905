"""`tante keys` and `tante audit`, as typed: who may do what, and who did what."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from functions.handlers import wiring
from functions.tracking.source import Source
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.support.world import World


@pytest.fixture
def url(world: World) -> Iterator[str]:
    world.customer("ada")
    with serving(application(App(world.system).route)) as found:
        yield found
    wiring.use(None)


def typed(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def test_a_key_is_made_used_shown_rotated_and_revoked(world: World, url: str) -> None:
    def asked(*words: str, key: str = world.system.keys.secret_key) -> Result:
        return typed(*words, "--at", url, "--key", key)

    made = asked("keys", "secret", "add", "mia", "--may", "read", "--may", "keys")
    assert made.exit_code == 0, made.output
    key = made.stdout.split()[0]
    assert key.startswith("sk_")
    assert asked("people", "show", "ada", key=key).exit_code == 0
    refused = asked("people", "note", "ada", "call", key=key)
    assert refused.exit_code != 0
    listed = asked("keys", "secret", "list").stdout
    assert "mia" in listed
    assert "read, keys" in listed
    assert "in force" in listed
    of_mia = asked("audit", "--who", "mia").stdout
    assert "GET /api/people/{person_id}" in of_mia
    about = asked("audit", "--about", "ada@example.com").stdout
    assert world.person("ada").person in about
    assert "ada@example.com" not in about
    newer = asked("keys", "secret", "rotate", "mia").stdout.split()[0]
    assert asked("audit", key=key).exit_code == 1
    assert asked("audit", key=newer).exit_code == 0
    assert asked("keys", "secret", "revoke", "mia").exit_code == 0
    assert asked("audit", key=newer).exit_code == 1


def test_a_write_key_is_limited_and_rotated_with_its_limits(tmp_path: Path, world: World) -> None:
    data = ("--data", str(world.system.data))
    limits = ("--origin", "https://shop.example", "--event", "page")
    first = typed("keys", "add", "shop", *limits, *data)
    assert first.exit_code == 0, first.output
    assert typed("keys", "rotate", "shop", "--keep", "3", *data).exit_code == 0
    found = [one for one in world.store.listing(Source)[0] if one.name == "shop"]
    assert len({one.key_hash for one in found}) == 2
    assert {(*one.origins, *one.events) for one in found} == {("https://shop.example", "page")}
    assert sorted(bool(one.ends) for one in found) == [False, True]
    shown = typed("keys", "list", *data).stdout
    assert "https://shop.example, page" in shown
    assert "ends " in shown


@pytest.mark.parametrize("origin", ["shop.example", "https://shop.example/", "*", "ftp://x.de"])
def test_what_is_no_origin_is_refused_with_an_example(world: World, origin: str) -> None:
    answer = typed("keys", "add", "shop", "--origin", origin, "--data", str(world.system.data))
    assert answer.exit_code == 2
    assert "https://shop.example" in answer.output
