"""A journey under way is never broken by a publish, at whatever step of ours a person stands."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from functions.folder import is_published
from functions.handlers import wiring
from functions.tracking.message import Message
from tests.support.world import JOURNEYS, World

SHIPPED = ("onboarding", "recovery", "upsell")
# The day of the publish, and the steps at which people stand then.
DAYS = {
    0.25: {"wait 5 days after send welcome", "wait 90 days"},
    5.25: {"wait 9 days after send guide", "wait 90 days"},
    14.25: {"send hacks", "wait 90 days"},
    16.25: {"send five-reasons", "send hacks", "wait 90 days"},
    60: {"wait 90 days"},
    91: {"send win-back"},
}
WAITS = (("wait: 5 days", "wait: 8 days"), ("wait: 9 days", "wait: 7 days"), ("90 days", "80 days"))
ONE_MORE = "  - task: One more\n    for: owner\n"


class Life:
    """Ada clicks everything, Bob nothing; both have a licence, and nobody buys again."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "statemachines"
        shutil.copytree(JOURNEYS, self.folder, ignore=shutil.ignore_patterns("pack"))
        self.world = World(data / "data", self.folder)
        self.day = 0.0

    def live(self, publish_on: float, under_way: str) -> None:
        world = self.world
        for user in ("ada", "bob"):
            world.customer(user, language="en")
            world.order(user, f"o-{user}", "basic-1y")
        plan = [(15, self._click_the_hacks), (17, self._click_premium), (120, lambda: None)]
        if under_way:
            plan.append((publish_on, lambda: self._publish(under_way)))
        for day, act in sorted(plan, key=lambda one: one[0]):
            world.advance(f"{round((day - self.day) * 24)} hours")
            self.day = day
            act()

    def _mail(self, name: str) -> Any:
        person = self.world.person("ada").person
        [found] = [m for m in self.world.messages("ada") if m.message == name]
        return next(k for k in self.world.outbox() if k.send_id == found.send_id and person)

    def _click_the_hacks(self) -> None:
        self.world.click(self._mail("hacks"), "hacks")

    def _click_premium(self) -> None:
        self.world.click(self._mail("five-reasons"), "premium")

    def _publish(self, under_way: str) -> None:
        where = {place["step"] for name in SHIPPED for place in self._places(name)}
        assert where == DAYS[self.day]
        for name in SHIPPED:
            file = self.folder / name / "journey.yaml"
            file.write_text(changed(file.read_text(), under_way))
        files = {
            str(path.relative_to(self.folder)): path.read_text()
            for path in self.folder.rglob("*")
            if is_published(path.relative_to(self.folder))
        }
        choices = {name: {"under_way": under_way} for name in SHIPPED}
        answer = self._ask("POST", "/api/publish", {"files": files, "choices": choices})
        assert answer["done"]
        assert all(one["is_new"] for one in answer["journeys"])
        self.world.settle()

    def _places(self, name: str) -> list[dict[str, Any]]:
        found = self._ask("GET", f"/api/journeys/{name}")["standing"]
        return [place for one in found for place in one["places"]]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self.world.system.keys.secret_key}"}
        answer = self.world.request(method, path, body, headers)
        assert answer["statusCode"] == 200, answer["body"]
        return answer["json"]

    def story(self) -> dict[str, Any]:
        """All that reached anybody, and how every run ended."""
        world = self.world
        sent = [said(user, m) for user in ("ada", "bob") for m in world.messages(user)]
        tasks = [(task["text"], task["created"]) for task in world.api("/api/tasks")["tasks"]]
        ends = {name: sorted(world.outcomes(name)) for name in SHIPPED}
        return {"sent": sorted(sent), "tasks": sorted(tasks), "ends": ends}


def said(user: str, message: Message) -> tuple[str, ...]:
    return user, message.journey, message.message, message.state, str(message.claimed)


def changed(text: str, under_way: str) -> str:
    """A new version: of waits where people keep theirs, of words where they follow, of one task
    more at the end where they move."""
    if under_way == "pin":
        for old, new in WAITS:
            text = text.replace(old, new)
        return text.replace("title: ", "title: New ")
    return text.replace("title: ", "title: New ") + (ONE_MORE if under_way == "migrate" else "")


def life(data: Path, publish_on: float = 0.0, under_way: str = "") -> dict[str, Any]:
    data.mkdir(exist_ok=True)
    one = Life(data)
    try:
        one.live(publish_on, under_way)
        return one.story()
    finally:
        wiring.use(None)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found = life(tmp_path_factory.mktemp("undisturbed"))
    assert len(found["sent"]) > 8
    assert "open" not in {end for ends in found["ends"].values() for end in ends}
    return found


EVERY = [("migrate", day) for day in DAYS]
SOME = [("pin", 5.25), ("pin", 16.25), ("pin", 91), ("follow", 0.25), ("follow", 14.25)]


@pytest.mark.parametrize(("under_way", "day"), [*EVERY, *SOME])
def test_a_publish_changes_no_message_no_time_and_no_end_and_sends_nothing_twice(
    tmp_path: Path, undisturbed: dict[str, Any], day: float, under_way: str
) -> None:
    found = life(tmp_path, day, under_way)
    own = [task for task in found["tasks"] if task[0] != "One more"]
    assert {**found, "tasks": own} == undisturbed
    if under_way == "migrate":
        assert len(found["tasks"]) > len(own)  # the new version's own end was reached
