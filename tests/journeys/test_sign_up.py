"""Signing up: by a form, confirmed on the channel itself, provable, and gone when it was not."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from functions.handlers import wiring
from functions.storage.evidence import chains
from functions.storage.people import People, permission_of
from functions.tracking.evidence import Evidence, verify
from functions.tracking.profile import Profile
from functions.tracking.sign_up import SignUp
from local.pack import copy
from tests.support.pack import folder_with
from tests.support.world import World

FORMS = """
newsletter:
  purposes: [offers]
  fields:
    email: {required: true}
    firstName: {}
  text: {de: Schickt mir Angebote., en: Send me offers.}
  incentive: guide
  origins: ["https://www.shop.example"]
both:
  purposes: [offers, product tips]
  channels: [email, sms]
  fields: {email: {required: true}, phone: {}}
  text: {de: Schreibt mir., en: Write to me.}
  thanks: https://www.shop.example/thanks
  confirmed: https://www.shop.example/done
"""
SEGMENTS = """
unconfirmed:
  title: Has not confirmed
  who: {unconfirmed: email, purpose: offers}
confirmed:
  title: Has
  who: {may get: email, purpose: offers}
"""
ADA = "ada@example.com"
FORM_TYPE = {"content-type": "application/x-www-form-urlencoded"}
Send = Callable[..., dict[str, Any]]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    folder = folder_with("double-opt-in", tmp_path / "journeys")
    copy(folder, "welcome", "welcome")
    (folder / "forms.yaml").write_text(FORMS, "utf-8")
    with (folder / "brand.yaml").open("a", encoding="utf-8") as brand:
        brand.write("\nassets: {guide: 'https://www.shop.example/guide.pdf'}\n")
    (folder / "segments.yaml").write_text(SEGMENTS, "utf-8")
    (folder / "pack").unlink()
    yield World(tmp_path / "data", folder)
    wiring.use(None)


def send(world: World, form: str = "newsletter", **fields: Any) -> dict[str, Any]:
    """Fill in a form and send it as a browser does."""
    headers = {**FORM_TYPE, **fields.pop("headers", {})}
    body = urlencode({"language": "en", **fields}, doseq=True)
    answer = world.request("POST", f"/forms/{form}", body, headers)
    world.settle()
    return answer


def link_in(world: World, number: int = -1) -> str:
    """The path behind the link in one of the messages that were sent, the last by default."""
    kept = world.outbox()[number]
    found = re.search(r"http://127.0.0.1:8000(/confirm/[\w.-]+)", kept.text)
    assert found, kept.text
    return found[1]


def click(world: World, path: str, method: str = "POST") -> dict[str, Any]:
    answer = world.request(method, path, "" if method == "POST" else None, FORM_TYPE)
    world.settle()
    return answer


def known(world: World, value: str = ADA, kind: str = "email") -> Profile | None:
    parts = world.system.parts
    return People(parts.store, parts.settings.identity_key).by(kind, value)


def person(world: World, value: str = ADA, kind: str = "email") -> Profile:
    found = known(world, value, kind)
    assert found
    return found


def chain(world: World, value: str = ADA, kind: str = "email") -> list[Evidence]:
    [found] = chains(world.store, person(world, value, kind))
    return found


def consents(world: World, value: str = ADA, kind: str = "email") -> set[str]:
    permission = permission_of(world.store, person(world, value, kind).person)
    return {name for name, word in permission.consents.items() if word.given}


def sent(world: World) -> list[str]:
    return [kept.subject or kept.text for kept in world.outbox()]


def test_nothing_is_allowed_before_the_confirmation_and_everything_is_proved_after(
    world: World,
) -> None:
    answer = send(world, email="Ada@Example.com ", firstName="Ada")
    assert answer["statusCode"] == 200
    assert sent(world) == ["Please confirm your e-mail address"]
    assert "Send me offers." in world.outbox()[0].text
    assert consents(world) == set()
    world.advance("20 minutes")
    assert "Yes, confirm" in click(world, link_in(world), "GET")["body"]
    assert consents(world) == set()  # scanners open links
    assert "is confirmed" in click(world, link_in(world))["body"]
    assert consents(world) == {"email/offers"}
    assert person(world).trait("firstName") == "Ada"
    assert sent(world)[1:] == ["Welcome! Here is what to expect"]
    asked, confirmed = chain(world)
    assert (asked.said, asked.wording, asked.address) == ("asked", "Send me offers.", ADA)
    assert (confirmed.said, confirmed.ip, confirmed.text) == ("confirmed", "127.0.0.1", asked.text)
    assert (confirmed.time - asked.time).total_seconds() == 1200
    assert verify([asked, confirmed]) == 0
    assert world.store.get(SignUp, asked.person, asked.request) is None


def test_a_name_counts_only_once_its_owner_has_confirmed_it(world: World) -> None:
    world.identify("ada", email=ADA, firstName="Ada")
    world.advance("1 minute")
    send(world, email=ADA, firstName="Win a prize")
    assert person(world).trait("firstName") == "Ada"
    assert "prize" not in world.outbox()[0].text


def test_who_clicks_twice_consents_once(world: World) -> None:
    send(world, email=ADA)
    path = link_in(world)
    world.advance("1 minute")
    for _ in range(2):  # both are in the queue before either is processed
        world.request("POST", path, "", FORM_TYPE)
    world.settle()
    world.advance("1 minute")
    assert "confirmed already" in click(world, path)["body"]
    assert [one.said for one in chain(world)] == ["asked", "confirmed"]
    assert sent(world)[1:] == ["Welcome! Here is what to expect"]


def test_the_link_of_an_old_mail_brings_back_nothing_that_was_withdrawn(world: World) -> None:
    send(world, email=ADA)
    path, who = link_in(world), person(world).person
    world.advance("1 minute")
    click(world, path)
    world.advance("1 minute")
    world.identify("ada", email=ADA)
    world.track("ada", "Consent Withdrawn", channel="email", purposes=["offers"])
    world.advance("1 minute")
    assert click(world, path)["statusCode"] == 410
    assert consents(world) == set()
    said = [one.said for found in chains(world.store, person(world)) for one in found]
    assert sorted(said) == ["asked", "confirmed", "withdrawn"], who


def test_a_form_that_is_sent_twice_asks_once_and_a_mailbox_is_never_filled(world: World) -> None:
    for _ in range(2):
        assert send(world, email=ADA)["statusCode"] == 200
    assert len(sent(world)) == 1
    answers = []
    for _ in range(5):
        world.advance("11 minutes")
        answers.append(send(world, email=ADA))
    assert {one["body"] for one in answers} == {answers[0]["body"]}
    assert len(sent(world)) == 2
    world.advance("1 day")
    send(world, email=ADA)
    assert len(sent(world)) == 3


def test_one_place_cannot_sign_up_the_whole_world(world: World) -> None:
    codes = [send(world, email=f"u{n}@example.com")["statusCode"] for n in range(22)]
    assert codes == [200] * 20 + [429] * 2
    world.advance("1 hour")
    assert send(world, email="late@example.com")["statusCode"] == 200


def test_after_seven_days_the_link_is_over_and_a_new_one_can_be_had(world: World) -> None:
    send(world, email=ADA)
    path = link_in(world)
    world.advance("8 days")
    late = click(world, path, "GET")
    assert late["statusCode"] == 410
    assert "Send a new link" in late["body"]
    assert consents(world) == set()
    click(world, path)
    assert len(sent(world)) == 2
    world.advance("1 minute")
    click(world, link_in(world))
    assert consents(world) == {"email/offers"}
    assert verify(chain(world)) == 0


def test_each_channel_is_confirmed_by_itself_and_on_itself(world: World) -> None:
    answer = send(world, "both", email=ADA, phone="0151 12345678", purpose=["offers"])
    assert (answer["statusCode"], answer["headers"]["location"]) == (
        303,
        "https://www.shop.example/thanks",
    )
    by_channel = {kept.channel: kept for kept in world.outbox()}
    assert by_channel["sms"].to == "+4915112345678"
    path = re.search(r"/confirm/[\w.-]+", by_channel["sms"].text)
    assert path
    world.advance("1 minute")
    done = click(world, path[0])
    assert done["headers"]["location"] == "https://www.shop.example/done"
    assert consents(world, "+4915112345678", "phone") == {"sms/offers"}
    assert consents(world) == set()


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"email": "ada"}, 422, "This is no e-mail address"),
        ({"email": ""}, 422, "Please fill in this field: E-mail address"),
        ({"email": ADA, "firstName": "x" * 201}, 422, "This is too long: First name"),
    ],
)
def test_what_is_wrong_is_told_with_its_field_and_nothing_is_lost(
    world: World, fields: dict[str, str], status: int, words: str
) -> None:
    answer = send(world, **fields)
    assert answer["statusCode"] == status
    assert words in answer["body"]
    assert all(f'value="{value}"' in answer["body"] for value in fields.values())
    told = send(world, **fields, headers={"accept": "application/json"})
    assert (told["json"]["code"], told["json"]["field"] in fields) == ("bad_field", True)
    assert sent(world) == []


def test_robots_are_thanked_and_sign_nobody_up(world: World) -> None:
    assert send(world, email=ADA, website="https://spam.example")["statusCode"] == 200
    page = world.request("GET", "/forms/newsletter?in=en")["body"]
    opened = re.search(r'name="opened" value="([^"]+)"', page)
    assert opened
    quick = send(world, email=ADA, opened=opened[1])
    assert quick["statusCode"] == 429
    assert f'value="{ADA}"' in quick["body"]
    assert sent(world) == []
    world.advance("3 minutes")
    send(world, email=ADA, opened=opened[1])
    assert len(sent(world)) == 1


def test_only_pages_of_the_named_websites_may_send_a_form(world: World) -> None:
    shop, other = {"origin": "https://www.shop.example"}, {"origin": "https://evil.example"}
    assert send(world, email=ADA, headers=other)["statusCode"] == 403
    assert sent(world) == []
    taken = send(world, email=ADA, headers={**shop, "accept": "application/json"})
    assert taken["json"]["code"] == "asked"
    assert taken["headers"]["access-control-allow-origin"] == "https://www.shop.example"
    assert world.request("OPTIONS", "/forms/newsletter", headers=other)["statusCode"] == 403
    assert world.request("OPTIONS", "/forms/newsletter", headers=shop)["statusCode"] == 204
    assert send(world, "nothing", email=ADA)["statusCode"] == 404


def test_json_signs_up_as_well(world: World) -> None:
    headers = {"content-type": "application/json", "origin": "https://www.shop.example"}
    answer = world.request("POST", "/forms/newsletter", {"email": ADA}, headers)
    world.settle()
    assert (answer["statusCode"], len(sent(world))) == (200, 1)
    assert world.request("POST", "/forms/newsletter", "[1", headers)["statusCode"] == 422


def test_nobody_can_confirm_with_a_link_that_was_changed(world: World) -> None:
    send(world, email=ADA)
    path = link_in(world)
    assert click(world, path[:-1] + ("a" if path[-1] != "a" else "b"))["statusCode"] == 404
    assert click(world, "/confirm/" + "x" * 50)["statusCode"] == 404
    assert consents(world) == set()


def test_who_has_another_address_by_now_cannot_confirm_the_old_one(world: World) -> None:
    send(world, email=ADA)
    path = link_in(world)
    world.advance("1 minute")
    who = person(world).person
    world.identify("ada", email=ADA)
    world.advance("1 minute")
    world.identify("ada", email="ada@new.example")
    assert click(world, path)["statusCode"] == 410
    assert not permission_of(world.store, who).consents


def test_a_sign_up_that_nobody_confirms_is_forgotten_after_two_weeks(world: World) -> None:
    world.identify("ada", email=ADA)  # a customer, of whom we know from elsewhere
    world.advance("1 day")
    send(world, email=ADA)
    path = link_in(world)
    world.advance("16 days")
    assert permission_of(world.store, person(world).person).asked == {}
    assert [one.said for one in chain(world)] == ["asked", "expired"]
    assert click(world, path)["statusCode"] == 410
    assert not list(world.store.query(SignUp, person(world).person))


def test_of_whom_there_is_nothing_but_a_sign_up_nothing_is_left_after_two_weeks(
    world: World,
) -> None:
    send(world, email=ADA)
    who = person(world).person
    world.advance("16 days")
    profile = world.store.get(Profile, who)
    assert profile is not None
    assert profile.erased
    assert not profile.traits
    assert not list(world.store.query(Evidence, who))
    assert not [one for one in world.outbox() if one.to == ADA]


def test_a_person_and_a_segment_show_who_has_not_confirmed(world: World) -> None:
    send(world, email=ADA)
    who = person(world).person
    said = world.api(f"/api/people/{who}")
    assert said["consents"] == []
    assert [one["purposes"] for one in said["unconfirmed"]] == [["offers"]]
    assert set(said["segments"]) == {"unconfirmed"}
    world.advance("1 minute")
    click(world, link_in(world))
    said = world.api(f"/api/people/{who}")
    assert (said["unconfirmed"], set(said["segments"])) == ([], {"confirmed"})


def test_what_is_agreed_to_has_a_name_that_we_know(world: World) -> None:
    world.identify("ada", email=ADA)
    world.advance("1 minute")
    world.track("ada", "Consent Given", channel="email", purposes=["ofers"])
    world.advance("1 minute")
    assert consents(world) == set()
    [(_, reason, _)] = world.system.queue.dead()
    assert 'there is no purpose "ofers"; there are: transactional, product tips' in reason
    world.track("ada", "Consent Given", channel="email", purposes=["tracking"])
    assert consents(world) == {"email/tracking"}


def test_consent_that_an_import_brings_is_marked_as_not_confirmed_by_us(world: World) -> None:
    world.identify("ada", email=ADA)
    world.advance("1 minute")
    proof = {"ip": "10.1.2.3", "text": "v7", "confirmed": "2024-05-06T07:08:09+00:00"}
    world.track("ada", "Consent Given", channel="email", purposes=["offers"], **proof)
    found = world.api(f"/api/people/{person(world).person}/consent")
    assert found["intact"]
    [one] = found["chains"][0]["records"]
    assert (one["said"], one["ip"], one["text"]) == ("given", "10.1.2.3", "v7")
    assert one["time"].startswith("2024-05-06T07:08:09")
    assert "We did not ask for a confirmation ourselves" in "".join(found["paragraphs"])


def test_the_proof_can_be_printed_and_shows_when_somebody_changed_it(world: World) -> None:
    send(world, email=ADA)
    who = person(world).person
    assert world.api(f"/api/people/{who}/consent", **{"in": "de"})["intact"]
    [first] = chain(world)
    first.ip = "10.9.9.9"
    world.store.put(first)
    found = world.api(f"/api/people/{who}/consent", **{"in": "de"})
    assert (found["intact"], found["chains"][0]["broken_at"]) == (False, 1)
    assert "GEBROCHEN bei Eintrag 1" in found["html"]


def test_both_chains_are_kept_when_two_people_turn_out_to_be_one(world: World) -> None:
    send(world, "both", email=ADA, phone="0151 12345678", purpose=["offers"])
    world.advance("1 minute")
    for number in (0, 1):
        click(world, link_in(world, number))
    world.advance("1 minute")
    world.identify("ada", email=ADA, phone="+4915112345678")
    found = world.api(f"/api/people/{person(world).person}/consent")
    assert found["intact"]
    said = [[one["said"] for one in chain["records"]] for chain in found["chains"]]
    assert said == [["asked", "confirmed"]] * 2
    assert consents(world) == {"email/offers", "sms/offers"}
