"""A wait for a condition registers first and then looks at the person as they are: what becomes
true meanwhile is found by one or the other."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.handlers import process_event, run_step, wiring
from functions.tracking.event import Event
from tests.support.world import JOURNEYS, World

HEAD = "title: A\npurpose: transactional\nonce per: person\nenter when: {event: one}\nsteps:\n"
SEND = "  - send: news\n"
WAIT = "  - wait for: {CONDITION}\n    at most: 1 day\n    then: [{end: came}]\n"
PLAN = WAIT.replace("CONDITION", "person: {plan: pro}")
ONE_OF = WAIT.replace("CONDITION", "any of: [{clicked: news}, {person: {plan: pro}}]")
MAY_GET = WAIT.replace("CONDITION", "may get: email, purpose: product tips")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """One journey, whose steps are still to come, with a text message `news`."""
    folder = tmp_path / "folder"
    shutil.copytree(JOURNEYS / "parts", folder / "parts")
    shutil.copy(JOURNEYS / "brand.yaml", folder)
    (folder / "one").mkdir()
    for language in ("de", "en"):
        (folder / "one" / f"news.{language}.sms").write_text("news", "utf-8")
    yield folder
    wiring.use(None)


@pytest.mark.parametrize("steps", [PLAN, SEND + PLAN, SEND + ONE_OF, MAY_GET, SEND + MAY_GET])
def test_what_becomes_true_while_the_wait_begins_is_not_lost(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: str
) -> None:
    (folder / "one" / "journey.yaml").write_text(HEAD + steps, "utf-8")
    world = World(tmp_path / "data", folder)
    world.identify("ada", email="ada@example.com", phone="+4915112345678")
    world.advance("1 minute")
    wait = run_step._Steps.wait

    def late(step: Any, *moments: Any) -> None:
        consent = {"channel": "email", "purposes": ["product tips"]}
        said = (
            {"type": "identify", "traits": {"plan": "pro"}},
            {"type": "track", "event": "Consent Given", "properties": consent},
        )
        events = [_event(world, step.run.person, **one) for one in said]
        process_event.process_person(step.parts, step.desk, step.run.person, events)
        wait(step, *moments)

    monkeypatch.setattr(run_step._Steps, "wait", late)
    world.track("ada", "one")
    assert [run["outcome"] for run in world.runs("one")] == ["came"]


def _event(world: World, person: str, **said: Any) -> Event:
    return Event(
        **said,
        message_id=f"meanwhile {said['type']}",
        time=world.now,
        received_at=world.now,
        client_time=world.now.isoformat(),
        user_id="ada",
        source="shop",
        trusted=True,
        person=person,
    )
