"""A message can be read before anybody gets it: as a person, as somebody made up, as nobody."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from local.command_line import app
from tests.support.world import JOURNEYS, World

PATH = "/api/journeys/onboarding/messages/welcome/preview"


def shown(*words: str) -> str:
    result = CliRunner().invoke(app, ["preview", *words, "--journeys", str(JOURNEYS)])
    assert result.exit_code == 0, result.output
    return result.stdout


def asked(world: World, path: str, body: dict[str, Any], status: int) -> Any:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    answer = world.request("POST", path, body, headers=key)
    assert answer["statusCode"] == status, answer
    return answer["json"]


def refused(*words: str) -> str:
    result = CliRunner().invoke(app, ["preview", *words, "--journeys", str(JOURNEYS)])
    assert result.exit_code == 1, result.output
    return result.stderr


def test_a_folder_s_message_is_shown_for_somebody_made_up_in_the_brand_s_language() -> None:
    text = shown("onboarding", "welcome")
    assert "email, de (also in en)" in text
    assert "Willkommen bei Rechnungswerk: Ihre Lizenz ist aktiv" in text
    assert "Guten Tag Erika Mustermann," in text
    assert "Bestellnummer 4711" in text
    assert "has no value" not in text


def test_for_nobody_it_says_what_is_missing() -> None:
    text = shown("onboarding", "welcome", "--nobody", "--locale", "en")
    assert "Hello," in text
    assert "! person.first_name has no value here" in text
    assert "! entry.order_id has no value here" in text
    assert "brand.name has" not in text


def test_somebody_may_be_made_up_in_a_file_and_it_is_written_into_a_folder(tmp_path: Path) -> None:
    who = tmp_path / "ada.json"
    who.write_text(json.dumps({"person": {"first_name": "Ada <b>", "locale": "en"}}))
    text = shown("onboarding", "welcome", "--as", str(who), "--out", str(tmp_path / "made"))
    assert "Hello Ada <b>," in text
    assert "Hello Ada &lt;b&gt;" in (tmp_path / "made" / "welcome.en.html").read_text()
    assert "Hello Ada <b>," in (tmp_path / "made" / "welcome.en.txt").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["onboarding", "welcom"], 'no message "welcom"; there are: guide, hacks, welcome'),
        (["onboarding", "welcome", "--locale", "fr"], 'not written in "fr"; but in: de, en'),
        (["unboarding", "welcome"], 'there is no journey "unboarding"'),
        (["onboarding", "welcome", "--as", "no.json"], '"no.json" cannot be read as JSON'),
    ],
)
def test_what_does_not_exist_is_told_with_what_does(words: list[str], said: str) -> None:
    assert said in " ".join(refused(*words).split())


def test_the_api_shows_a_person_their_own_message_and_sends_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.customer("ada", locale="en", first_name="Ada")
    person = world.person("ada").person
    found = asked(world, PATH, {"person": person, "values": {"entry": {"order_id": "7"}}}, 200)
    assert (found["language"], found["channel"]) == ("en", "email")
    assert "Hello Ada" in found["text"]
    assert "Order number 7" in found["html"]
    assert found["missing"] == ["entry.products"]
    assert not world.outbox()


def test_the_api_names_what_there_is_no_message_of(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert "there are: guide" in asked(world, PATH.replace("welcome", "nix"), {}, 404)["message"]
    assert asked(world, PATH.replace("onboarding", "nix"), {}, 404)["code"] == "not_found"
    assert asked(world, PATH, {"person": "nobody"}, 404)["code"] == "not_found"
    assert asked(world, PATH, {"persons": "x"}, 400)["code"] == "bad_request"
