"""The examples of the manual: each YAML block becomes a journey of its own that can be run."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.journeys.yaml_file import read
from tests.support.world import JOURNEYS

MANUAL = JOURNEYS / "README.md"
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
OTHER_FILE = re.compile(r"# (\S+\.yaml)\b")  # its first line says that it is none of a journey
NAME = "example"
HEAD: dict[str, Any] = {
    "title": "An example of the manual",
    "purpose": "offers",
    "once per": "occasion",
    "enter when": {"event": "Example"},
    "steps": [{"end": "done"}],
}
MAIL = (JOURNEYS / "upsell" / "five-reasons.en.mjml").read_text("utf-8")
WEBHOOKS = """
webhooks:
  crm: {url: "https://crm.example.com/hooks/tante", title: {en: Our CRM, de: Unser CRM}}
"""  # a shipped one would be called by whoever tries Tante


@dataclass(frozen=True)
class Example:
    """A block of the manual: its line there, and the journey that it is a part of."""

    line: int
    journey: dict[str, Any]

    @property
    def verbs(self) -> set[str]:
        """Every word that begins a mapping in its steps."""
        return set(_keys(self.journey["steps"]))

    @property
    def event(self) -> str:
        """The event by which anybody enters; "" where it takes more than one event."""
        named = self.journey["enter when"].get("event", "")
        first = named[0] if isinstance(named, list) else str(named)
        return "" if "only if" in self.journey else first


def examples(manual: Path = MANUAL) -> list[Example]:
    """All examples that are of a journey: steps (a list), or words of a journey (a mapping)."""
    text = manual.read_text("utf-8")
    found = []
    for block in BLOCK.finditer(text):
        if OTHER_FILE.match(block[1]):
            continue
        value = read("README.md", block[1]).value
        own = {"steps": value} if isinstance(value, list) else value
        found.append(Example(text[: block.start()].count("\n") + 2, {**HEAD, **own}))
    return found


def other_files(manual: Path = MANUAL) -> dict[str, str]:
    """Examples of files beside the journeys, by their names; blocks of one file stand together."""
    found: dict[str, str] = {}
    for block in BLOCK.finditer(manual.read_text("utf-8")):
        if named := OTHER_FILE.match(block[1]):
            found[named[1]] = found.get(named[1], "") + block[1]
    return found


def write(example: Example, folder: Path) -> Path:
    """A folder of journeys with the example in it, its messages, and the journeys it names."""
    shutil.copytree(JOURNEYS / "parts", folder / "parts")
    for shared in JOURNEYS.glob("*.yaml"):
        shutil.copy(shared, folder)
    with (folder / "brand.yaml").open("a", encoding="utf-8") as brand:
        brand.write(WEBHOOKS)
    named = _named(example.journey, ("send", "sent", "opened", "clicked", "bounced"))
    messages = {name for name in named if "/" not in name}
    links = _named(example.journey, ("link",))
    _write_journey(folder / NAME, example.journey, messages, links)
    journeys = ("start journey", "stop journey", "in journey", "left journey")
    elsewhere = {name for name in named if "/" in name}
    for other in _named(example.journey, journeys) | {name.split("/")[0] for name in elsewhere}:
        messages = {name.split("/")[1] for name in elsewhere if name.startswith(f"{other}/")}
        started = {word: one for word, one in HEAD.items() if word != "enter when"}
        sends: list[Any] = [{"send": message} for message in sorted(messages)]
        started["steps"] = sends + HEAD["steps"]
        _write_journey(folder / other, started, messages, links)
    return folder


def _write_journey(
    folder: Path, journey: dict[str, Any], messages: set[str], links: set[str]
) -> None:
    folder.mkdir()
    (folder / "journey.yaml").write_text(json.dumps(journey), "utf-8")
    more = "".join(f'<mj-button href="{{{{ links.{link} }}}}">See</mj-button>' for link in links)
    mail = MAIL.replace("<mj-button href", f"{more}<mj-button href", 1)
    for message in messages:
        for name in (f"{message}.de", f"{message}.en"):
            (folder / f"{name}.mjml").write_text(mail, "utf-8")
            if _has_text_message(journey, message):
                (folder / f"{name}.sms").write_text("Hello {{ unsubscribe }}", "utf-8")


def _keys(raw: Any) -> Iterator[str]:
    if isinstance(raw, dict):
        yield from raw
        for below in raw.values():
            yield from _keys(below)
    elif isinstance(raw, list):
        for below in raw:
            yield from _keys(below)


def _mappings(raw: Any) -> Iterator[dict[str, Any]]:
    if isinstance(raw, dict):
        yield raw
    for below in raw.values() if isinstance(raw, dict) else raw if isinstance(raw, list) else ():
        yield from _mappings(below)


def _named(raw: Any, words: tuple[str, ...]) -> set[str]:
    found = (one[word] for one in _mappings(raw) for word in words if word in one)
    names = (name if isinstance(name, list) else [name] for name in found)
    return {name for some in names for name in some}


def _has_text_message(raw: Any, message: str) -> bool:
    sends = [one for one in _mappings(raw) if one.get("send") == message]
    return any(one.get("by") in ("sms", "best channel") for one in sends)
