"""tante publish and tante journeys, as typed; and what a deployment may not take back."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from functions.folder import is_published, read_folder
from functions.handlers import publish_journey, wiring
from functions.problem import Problems
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.support.world import JOURNEYS, World


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Shop"]:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    with (
        pytest.MonkeyPatch.context() as patch,
        serving(application(App(shop.world.system).route)) as url,
    ):
        patch.setattr("local.publish_commands.PATIENCE", 1.0)  # here time passes only when asked
        shop.url = url
        yield shop
    wiring.use(None)


class Shop:
    """A running system with one customer in onboarding, and a terminal beside it."""

    def __init__(self, place: Path) -> None:
        self.folder, self.data, self.url = place / "statemachines", place / "data", ""
        shutil.copytree(JOURNEYS, self.folder, ignore=shutil.ignore_patterns("pack"))
        self.world = World(self.data, self.folder)
        self.world.customer("ada")
        self.world.order("ada", "o1", "basic-1y")

    def type(self, *words: str) -> Result:
        where = ["--data", str(self.data), "--at", self.url]
        return CliRunner().invoke(app, [*words, *where])

    def edit(self, old: str, new: str) -> None:
        file = self.folder / "onboarding" / "journey.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    @property
    def newest(self) -> str:
        found = self.world.system.parts.library.newest("onboarding")
        assert found
        return found.version


STEP = "wait 5 days after send welcome"


def test_a_change_is_shown_with_figures_refused_without_a_yes_and_done_with_one(
    shop: Shop,
) -> None:
    before = shop.newest
    assert "nothing has changed" in shop.type("publish", str(shop.folder)).output
    shop.edit("wait: 5 days", "wait: 6 days")
    asked = ("publish", str(shop.folder), "--journey", "onboarding", "--under-way", "migrate")
    refused = shop.type(*asked, "--yes")
    assert refused.exit_code == 1
    assert f"1 at {STEP} → this step is gone: map it" in refused.output
    mapped = (*asked, "--map", f"{STEP}=wait 6 days after send welcome")
    unanswered = shop.type(*mapped)
    assert (unanswered.exit_code, shop.newest) == (2, before)
    assert "--yes" in unanswered.output
    done = shop.type(*mapped, "--yes")
    assert done.exit_code == 0
    assert shop.newest != before
    assert f"1 at {STEP} → go on at wait 6 days after send welcome" in done.output


def test_the_journeys_are_listed_paused_resumed_and_rolled_back(shop: Shop) -> None:
    now = shop.newest
    assert "paused" in shop.type("journeys", "pause", "onboarding").output
    assert "paused" in shop.type("journeys", "list").output
    assert "open" in shop.type("journeys", "resume", "onboarding").output
    shop.edit("title: ", "title: Another ")
    assert shop.type("publish", str(shop.folder), "--yes").exit_code == 0
    assert shop.newest != now
    assert shop.type("journeys", "rollback", "onboarding", now, "--yes").exit_code == 0
    assert shop.newest == now
    shown = shop.type("journeys", "show", "onboarding").output
    assert f"{now}, the newest" in shown or "1 under way" in shown


def test_a_draft_is_saved_checked_and_dropped(shop: Shop) -> None:
    assert shop.type("journeys", "drafts", "save", "upsell", str(shop.folder)).exit_code == 0
    assert "nothing is wrong" in shop.type("journeys", "drafts", "check", "upsell").output
    assert "upsell" in shop.type("journeys", "drafts", "list").output
    assert "nothing has changed" in shop.type("journeys", "drafts", "publish", "upsell").output
    assert shop.type("journeys", "drafts", "drop", "upsell").exit_code == 0
    assert "no drafts" in shop.type("journeys", "drafts", "list").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("journeys", "show", "nothing"), 'no journey "nothing" was published'),
        (("publish", "{folder}", "--journey", "nothing"), 'there is no journey "nothing"'),
        (("publish", "{folder}", "--map", "a=b"), "say which with --journey"),
        (("publish", "{folder}", "--journey", "upsell", "--map", "a"), "old step=new step"),
    ],
)
def test_what_is_asked_wrongly_is_told_in_one_sentence(
    shop: Shop, words: tuple[str, ...], said: str
) -> None:
    found = shop.type(*(word.format(folder=shop.folder) for word in words))
    assert found.exit_code in (1, 2)
    assert said in found.output
    assert "Traceback" not in found.output


def test_where_nothing_runs_and_without_a_key_it_says_what_to_do(tmp_path: Path) -> None:
    for options, said in (
        (("--data", str(tmp_path)), "start with: tante run"),
        (("--at", "http://127.0.0.1:9"), "TANTE_KEY"),
        (("--at", "http://127.0.0.1:9", "--key", "k"), "is tante run running?"),
    ):
        found = CliRunner().invoke(app, ["journeys", "list", *options])
        assert found.exit_code == 1
        assert said in " ".join(found.output.split())


# --- deployments


def by_command(world: World, folder: Path) -> Any:
    headers = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    files = {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and is_published(path.relative_to(folder))
    }
    answer = world.request("POST", "/api/publish", {"files": files}, headers)
    assert answer["statusCode"] == 200, answer["body"]
    return answer["json"]


def test_a_deployment_does_not_take_back_what_a_command_published_but_may_publish_the_same(
    tmp_path: Path,
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    shutil.copytree(JOURNEYS, old)
    shutil.copytree(JOURNEYS, new)
    file = new / "upsell" / "journey.yaml"
    file.write_text(file.read_text().replace("10 days", "12 days"))
    world = World(tmp_path / "data", old)
    try:
        parts = world.system.parts
        by_command(world, new)
        [version] = [p.version for p in parts.library.journeys() if p.journey.name == "upsell"]
        with pytest.raises(Problems, match=f"version {version} was published by a command"):
            publish_journey.publish(parts, read_folder(old), deployed=True)
        publish_journey.publish(parts, read_folder(new), deployed=True)
        publish_journey.publish(parts, read_folder(old), deployed=True)  # now it is the folder's
    finally:
        wiring.use(None)
