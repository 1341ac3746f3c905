"""Codes in a whole Tante: each person gets one of their own, and it is known when they use it."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from typer.testing import CliRunner

from functions.folder import check, read_folder
from functions.handlers import coding, wiring
from functions.messages import deliver
from functions.problem import Problems
from functions.tracking.permission import Refused
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.support.world import JOURNEYS, World

CODES = """\
welcome: {kind: made, prefix: HI-, valid for: 14 days, worth: 10 %}
shop: {kind: list, low at: 2}
each: {kind: list, once per: run}
"""
JOURNEY = """
title: A code
purpose: transactional
enter when: {event: Wants %s}
once per: occasion
steps:
  - send: one
  - wait: 2 days
  - send: again
"""
TEXTS = {
    "welcome": "{{ code.welcome }} {{ code.welcome.worth }} "
    "{{ code.welcome.expires | date: '%d' }}",
    "shop": "{{ code.shop }}",
    "each": "{{ code.each }}",
    "fallback": '{{ code.shop | default: "EVERYBODY" }}',
    "some": "Hello{% if person.vip %} {{ code.shop }}{% endif %}",
}
SEGMENTS = """\
used: {title: Used it, who: {did: Code Redeemed, where: {code_name: welcome}}}
not-yet:
  title: Has not used it
  who:
    all of:
      - {did: Code Issued, where: {code_name: welcome}, in the last: 14 days}
      - none of: [{did: Code Redeemed, where: {code_name: welcome}}]
"""


def a_folder(folder: Path, codes: str = CODES, **texts: str) -> Path:
    folder.mkdir()
    copy(JOURNEYS / "brand.yaml", folder)
    (folder / "codes.yaml").write_text(codes)
    (folder / "segments.yaml").write_text(SEGMENTS)
    for name, text in (texts or TEXTS).items():
        journey = folder / name
        journey.mkdir()
        (journey / "journey.yaml").write_text(JOURNEY % name)
        for message in ("one", "again"):
            for language in ("de", "en"):
                (journey / f"{message}.{language}.sms").write_text(text)
    return folder


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield World(tmp_path / "data", a_folder(tmp_path / "journeys"))
    wiring.use(None)


def key(world: World) -> dict[str, str]:
    return {"authorization": f"Bearer {world.system.keys.secret_key}"}


def fill(world: World, name: str, *codes: str) -> dict[str, Any]:
    answer = world.request("POST", f"/api/codes/{name}", {"codes": list(codes)}, key(world))
    found: dict[str, Any] = answer["json"]
    return found


def wants(world: World, user: str, name: str, **traits: Any) -> str:
    """What they are sent now."""
    before = len(world.outbox())
    world.identify(user, phone="+4915112345678", locale="en", **traits)
    world.advance("1 minute")
    world.track(user, f"Wants {name}")
    return world.outbox()[-1].text if len(world.outbox()) > before else ""


def stock(world: World, name: str) -> dict[str, Any]:
    [found] = [one for one in world.api("/api/codes")["codes"] if one["name"] == name]
    return dict(found)


def codes_of(world: World, user: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.api(f"/api/people/{world.person(user).person}/codes")[
        "codes"
    ]
    return found


def events_of(world: World, user: str) -> list[str]:
    person = world.person(user).person
    return [one["event"] for one in world.api(f"/api/people/{person}/timeline")["events"]]


def test_everybody_gets_a_code_of_their_own_and_the_same_one_again(world: World) -> None:
    said = {user: wants(world, user, "welcome") for user in ("ada", "bob", "cem")}
    assert len(set(said.values())) == 3
    code, *rest = said["ada"].split()
    assert code.startswith("HI-")
    assert len(code) == 13
    assert not set(code[3:]) & set("0O1I")
    assert rest == ["10", "%", "15"]  # 1 March and 14 days
    world.advance("3 days")
    texts = Counter(kept.text for kept in world.outbox())
    assert texts == Counter(dict.fromkeys(said.values(), 2))  # the reminder has it again
    assert stock(world, "welcome")["issued"] == 3
    assert events_of(world, "ada").count("Code Issued") == 1


def test_codes_of_a_list_are_given_once_each_and_then_no_message_goes(world: World) -> None:
    assert fill(world, "shop", "AAA", "BBB", "AAA") == {"added": 2, "known": 1}
    said = [wants(world, user, "shop") for user in ("ada", "bob", "cem")]
    assert sorted(said[:2]) == ["AAA", "BBB"]
    assert said[2] == ""
    [row] = [message for message in world.messages("cem") if message.message == "one"]
    assert (row.state, row.reason) == ("not sent", "no code is left: shop")
    assert fill(world, "shop", "aaa", "CCC") == {"added": 1, "known": 1}
    world.advance("3 days")  # there is one again by the time of the reminder
    assert [message.message for message in world.messages("cem") if message.claimed] == ["again"]


def test_a_template_may_say_what_it_shows_where_no_code_is_left(world: World) -> None:
    assert wants(world, "ada", "fallback") == "EVERYBODY"
    fill(world, "shop", "AAA")
    assert wants(world, "bob", "fallback") == "AAA"


def test_a_code_is_taken_only_where_the_message_shows_it(world: World) -> None:
    fill(world, "shop", "AAA", "BBB")
    assert wants(world, "ada", "some") == "Hello"
    assert stock(world, "shop")["issued"] == 0
    assert wants(world, "bob", "some", vip=True) in ("Hello AAA", "Hello BBB")
    assert stock(world, "shop")["issued"] == 1


def test_once_per_run_each_run_has_a_code_of_its_own(world: World) -> None:
    fill(world, "each", "AAA", "BBB")
    first = wants(world, "ada", "each")
    world.advance("3 days")
    assert wants(world, "ada", "each") != first
    assert len(codes_of(world, "ada")) == 2


@pytest.mark.parametrize("name", ["shop", "each"])
def test_a_code_whose_message_is_refused_at_the_very_claim_is_the_persons_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Somebody leaves between the words and the claim: no second code is taken for them."""
    fill(world, name, "AAA", "BBB")

    def refuse(*given: Any) -> None:
        raise Refused("consent withdrawn")

    with monkeypatch.context() as patched:
        patched.setattr(deliver, "claim", refuse)
        assert wants(world, "ada", name) == ""
    [refused] = world.messages("ada")
    assert (refused.state, refused.reason) == ("not sent", "consent withdrawn")
    [code] = codes_of(world, "ada")
    world.advance("3 days")  # the reminder comes
    assert [kept.text for kept in world.outbox()] == [code["code"]]
    assert stock(world, name)["issued"] == 1
    assert events_of(world, "ada").count("Code Issued") == 1


def test_a_code_that_is_over_or_was_used_is_sent_to_nobody_any_more(world: World) -> None:
    code = wants(world, "ada", "welcome").split()[0]
    world.advance("15 days")
    assert wants(world, "ada", "welcome") == ""
    assert world.messages("ada")[-1].reason == "the code is expired: welcome"
    used = wants(world, "bob", "welcome").split()[0]
    world.order("bob", "o-1", coupon=used)
    world.advance("3 days")
    assert world.messages("bob")[-1].reason == "the code is redeemed: welcome"
    assert code != used


def test_a_list_that_runs_low_is_said_and_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(coding, "LOOKS", 1)
    monkeypatch.setattr(coding.logger, "warning", lambda words, **more: said.append(words))
    monkeypatch.setattr(coding.logger, "error", lambda words, **more: said.append(words))
    fill(world, "shop", "AAA", "BBB", "CCC", "DDD")
    for user in ("ada", "bob"):
        assert not stock(world, "shop")["is_low"]
        assert not said
        wants(world, user, "shop")
    assert said == [coding.LOW]
    assert stock(world, "shop")["is_low"]
    for user in ("cem", "dea", "eve"):
        wants(world, user, "shop")
    assert said == [coding.LOW] * 3 + [coding.NONE_LEFT]


def test_an_order_with_the_persons_own_code_redeems_it_once(world: World) -> None:
    code = wants(world, "ada", "welcome").split()[0]
    assert set(world.person("ada").segments) == {"not-yet"}
    world.order("ada", "o-1", coupon=code.lower())
    world.advance("1 minute")
    world.order("ada", "o-2", coupon=code)
    [one] = codes_of(world, "ada")
    assert (one["state"], one["order_id"]) == ("redeemed", "o-1")
    assert events_of(world, "ada").count("Code Redeemed") == 1
    assert set(world.person("ada").segments) == {"used"}
    found = stock(world, "welcome")
    assert (found["issued"], found["redeemed"], found["passed_on"]) == (1, 1, 0)


def test_a_code_that_somebody_else_ordered_with_counts_as_passed_on(world: World) -> None:
    code = wants(world, "ada", "welcome").split()[0]
    world.track(
        "bob", "Order Completed", order_id="o-1", revenue=9, products=[{"sku": "a", "coupon": code}]
    )
    world.order("bob", "o-2", coupon="EVERYBODY")
    assert "Code Redeemed" not in events_of(world, "bob")
    assert stock(world, "welcome")["passed_on"] == 1
    assert codes_of(world, "ada")[0]["state"] == "open"
    world.order("ada", "o-3", coupon=code)
    found = stock(world, "welcome")
    assert (found["passed_on"], found["redeemed"]) == (0, 1)


def test_after_a_merge_the_code_stays_the_same(world: World) -> None:
    traits = {"phone": "+4915112345678", "locale": "en"}
    world.identify("ada", name="Ada")
    world.post("identify", {"anonymousId": "device", "traits": traits})
    world.advance("1 minute")
    world.post("track", {"anonymousId": "device", "event": "Wants welcome"})
    [given] = world.outbox()
    world.advance("3 days")  # the run is over
    assert wants(world, "ada", "welcome") == given.text  # with the same number: they are one
    assert world.person("ada").merged
    assert [one["code"] for one in codes_of(world, "ada")] == [given.text.split()[0]]


def test_what_the_shop_sends_is_checked_and_a_name_must_be_known(world: World) -> None:
    for code, words in (("=1+1", "formula"), ("A B", "no space"), ("x" * 65, "64")):
        assert words in fill(world, "shop", code)["message"]
    assert "makes" in fill(world, "welcome", "AAA")["message"]
    assert 'no code "shup"' in fill(world, "shup", "AAA")["message"]
    assert stock(world, "shop")["left"] == 0


@pytest.fixture
def address(world: World) -> Iterator[str]:
    with serving(application(App(world.system).route)) as url:
        yield url


def tante(world: World, address: str, *words: str) -> str:
    asked = ["codes", *words, "--at", address, "--key", world.system.keys.secret_key]
    done = CliRunner().invoke(app, asked)
    return " ".join(done.output.split())


def test_codes_are_imported_counted_and_exported_on_the_command_line(
    world: World, address: str, tmp_path: Path
) -> None:
    file, back = tmp_path / "codes.csv", tmp_path / "back.csv"
    file.write_text("Code;Value\n" + "".join(f"C{n:04};10\n" for n in range(3000)) + "c0001;10\n")
    told = tante(world, address, "import", "shop", str(file))
    assert told == "3000 codes added; 0 were there already, 1 stand twice in the file"
    assert "0 codes added; 3000 were there" in tante(world, address, "import", "shop", str(file))
    given = wants(world, "ada", "shop")
    assert "2999 1" in tante(world, address)
    assert tante(world, address, "of", "ada") == f"shop: {given}, given 2027-03-01, open"
    tante(world, address, "export", "shop", str(back))
    rows = list(csv.DictReader(back.open()))
    assert {row["code"]: row["state"] for row in rows}[given] == "issued"
    assert len(rows) == 3000
    file.write_text("Name\nx\n")
    assert 'a column "code" is missing' in tante(world, address, "import", "shop", str(file))


def wrong(tmp_path: Path, codes: str = CODES, **texts: str) -> list[str]:
    try:
        check(read_folder(a_folder(tmp_path / "wrong", codes, **texts)))
    except Problems as problems:
        return [str(one) for one in problems.found]
    return []


def test_a_message_that_names_no_known_code_is_refused_at_its_line(tmp_path: Path) -> None:
    found = wrong(tmp_path, hi="Hi\n{{ code.welcom }}{{ code }}{{ code.shop.end }}")
    assert 'hi/one.en.sms:2: codes.yaml has no code "welcom"; did you mean "welcome"?' in found
    assert 'hi/one.en.sms:2: a code is named as in codes.yaml, like "code.welcome"' in found
    assert any('"code.shop.expires"' in one for one in found)


def test_without_codes_yaml_no_message_may_name_a_code(tmp_path: Path) -> None:
    assert (
        'codes.yaml has no code "welcome"; there are: none'
        in wrong(tmp_path, "", hi="{{ code.welcome }}")[0]
    )


def test_a_published_message_keeps_its_code_from_being_taken_away(tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "now", "shop: {kind: list}\n", hi="hello")
    there = {"old": {"one.en.sms": "{{ code.welcome }} {{ entry.code.x }}"}}
    with pytest.raises(Problems) as raised:
        check(read_folder(folder), there)
    assert [str(one) for one in raised.value.found] == [
        'codes.yaml: "welcome" is missing: messages of "old" give it'
    ]
