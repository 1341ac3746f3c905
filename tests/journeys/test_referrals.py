"""Customers who win customers, in a whole Tante: codes, first orders, and what is told of them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.folder import check, check_brand, read_folder
from functions.handlers import referring, wiring
from functions.handlers.referring import Wins, tell
from functions.problem import Problems
from functions.storage.referrals import code_for, forget, referrer_of
from functions.tracking.profile import Profile, TimelineRow
from functions.tracking.referral_record import ReferralCode, referral_key
from local.keys import add_source
from tests.support.pack import folder_with
from tests.support.world import JOURNEYS, World

CODES = """title: Codes
purpose: transactional
enter when: {event: Code Wanted}
once per: occasion
steps:
  - send: hello
    by: sms
"""
THANKS = """title: Thanks
purpose: offers
enter when: {event: Referral Won}
once per: occasion
steps:
  - update: {set: {thanked: true}}
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A shop that sends codes by SMS, and lets those into a journey who win somebody."""
    folder = tmp_path / "folder"
    shutil.copytree(JOURNEYS / "parts", folder / "parts")
    for name in ("brand.yaml", "segments.yaml"):
        shutil.copy(JOURNEYS / name, folder)
    for name, text in (("codes", CODES), ("thanks", THANKS)):
        (folder / name).mkdir()
        (folder / name / "journey.yaml").write_text(text, "utf-8")
    for language in ("de", "en"):
        file = folder / "codes" / f"hello.{language}.sms"
        file.write_text("{{ person.referral_code }} {{ person.referral_link }}", "utf-8")
    yield World(tmp_path / "data", folder)
    wiring.use(None)


def code_of(world: World, user: str) -> str:
    """The code that a message shows this person."""
    world.customer(user)
    world.advance("1 minute")
    world.track(user, "Code Wanted")
    code, link = world.outbox()[-1].text.split()
    assert link == f"https://shop.rechnungswerk.example/?ref={code}"
    return code


def comes(world: World, code: str, **who: str) -> None:
    """Somebody opens the link."""
    world.advance("1 minute")
    url = f"https://shop.rechnungswerk.example/?utm_source=x&ref={code}"
    world.post("page", {**who, "context": {"page": {"url": url}}})
    world.advance("1 minute")


def of(world: World, user: str) -> dict[str, Any]:
    """What the admin API says of a person's referrals."""
    found: dict[str, Any] = world.api(f"/api/people/{world.person(user).person}/referral")
    return found


def won(world: World, user: str) -> tuple[int, dict[str, float]]:
    found = of(world, user)
    return found["won"], {name: float(one) for name, one in found["worth"].items()}


def names(profile: Profile) -> dict[str, int]:
    return {n: s.count for n, s in profile.events.items() if n.startswith("Referral")}


def test_whoever_comes_by_a_link_and_orders_wins_once_for_the_one_whose_link_it_is(
    world: World,
) -> None:
    code = code_of(world, "ada")
    comes(world, code, anonymousId="device")
    assert won(world, "ada") == (0, {})
    world.post("identify", {"userId": "bob", "anonymousId": "device"})
    world.order("bob", "o1", revenue=25.5)
    world.advance("1 day")
    world.order("bob", "o2", revenue=99)
    assert won(world, "ada") == (1, {"EUR": 25.5})
    assert world.person("ada").trait("thanked") is True
    assert world.outcomes("thanks") == ["finished"]
    assert of(world, "bob")["referred_by"]["person"] == world.person("ada").person


@pytest.mark.parametrize(
    "call",
    [
        ("track", {"event": "Signed Up", "properties": {"referral_code": "{}"}}),
        ("track", {"event": "Anything", "properties": {"ref": " {} "}}),
        ("identify", {"traits": {"referral_code": "{}"}}),
        ("page", {"properties": {"url": "https://shop.example/?ref={}#top"}}),
        ("track", {"event": "Order Completed", "properties": {"order_id": "o", "ref": "{}"}}),
    ],
)
def test_a_code_counts_wherever_it_is_said(world: World, call: tuple[str, Any]) -> None:
    code = code_of(world, "ada")
    kind, said = call

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: fill(one) for name, one in value.items()}
        return value.replace("{}", f"{code[:4].lower()}-{code[4:]}") if "{}" in value else value

    world.post(kind, {"userId": "bob", **fill(said)})
    world.advance("1 minute")
    world.order("bob", "o", revenue=5)
    assert won(world, "ada")[0] == 1


def test_an_order_given_back_in_full_is_no_customer_won_and_the_next_one_is(world: World) -> None:
    code = code_of(world, "ada")
    comes(world, code, userId="bob")
    world.order("bob", "o1", revenue=25)
    world.advance("1 minute")
    world.track("bob", "Order Refunded", order_id="o1", revenue=10, currency="EUR")
    assert won(world, "ada") == (1, {"EUR": 25})
    world.advance("1 minute")
    world.track("bob", "Order Cancelled", order_id="o1")
    assert won(world, "ada") == (0, {})
    world.advance("1 minute")
    world.order("bob", "o2", revenue=7)
    assert won(world, "ada") == (1, {"EUR": 7})
    assert names(world.person("ada")) == {"Referral Won": 2, "Referral Lost": 1}


def test_an_order_given_back_after_years_takes_back_the_one_customer(world: World) -> None:
    code = code_of(world, "ada")
    comes(world, code, userId="bob")
    world.order("bob", "o1", revenue=25)
    for _ in range(5):
        world.advance("1 month")
        world.track("ada", "Signed In")
    world.advance("2 years")
    for row in list(world.store.query(TimelineRow, world.person("ada").person)):
        if row.event.event == "Referral Won":
            world.store.delete(row)  # by its age
    world.track("bob", "Order Cancelled", order_id="o1")
    assert won(world, "ada") == (0, {})


def test_a_message_shows_the_reader_s_own_code_also_if_they_typed_that_of_a_friend(
    world: World,
) -> None:
    code = code_of(world, "ada")
    world.identify("bob", referral_code=code)
    assert code_of(world, "bob") != code
    assert of(world, "bob")["referred_by"]["code"] == code


def test_nobody_wins_who_had_bought_before_and_both_sides_say_why(world: World) -> None:
    code = code_of(world, "ada")
    world.order("bob", "o1")
    comes(world, code, userId="bob")
    world.order("bob", "o2")
    assert won(world, "ada")[0] == 0
    assert of(world, "bob")["referred_by"]["why_not"] == "bought"
    assert of(world, "bob")["says"] == [
        f"Came by the referral code {code}; it does not count: they had bought before."
    ]


def test_nobody_wins_themselves_not_even_as_a_guest_who_turns_out_to_be_them(world: World) -> None:
    code = code_of(world, "ada")
    comes(world, code, userId="ada")
    world.order("ada", "o1")
    assert won(world, "ada")[0] == 0
    assert any("own code" in note for note in world.person("ada").refused)


def test_a_guest_who_turns_out_to_be_the_one_whose_code_it_is_is_lost_again(world: World) -> None:
    code = code_of(world, "ada")
    comes(world, code, anonymousId="guest")
    order = {"order_id": "o1", "revenue": 30, "currency": "EUR"}
    world.post("track", {"anonymousId": "guest", "event": "Order Completed", "properties": order})
    assert won(world, "ada") == (1, {"EUR": 30})
    world.advance("1 minute")
    world.post("identify", {"userId": "ada", "anonymousId": "guest"})
    assert won(world, "ada") == (0, {})


def test_the_first_code_wins_in_whatever_order_the_calls_come(world: World) -> None:
    codes = {user: code_of(world, user) for user in ("ada", "eve")}
    early, late = world.now.isoformat(), None
    world.advance("1 day")
    late = world.now.isoformat()
    for user, time in (("eve", late), ("ada", early)):
        said = {"event": "Signed Up", "properties": {"referral_code": codes[user]}}
        world.post("track", {"userId": "bob", "timestamp": time, **said})
        world.advance("1 minute")
    world.order("bob", "o1")
    assert (won(world, "ada")[0], won(world, "eve")[0]) == (1, 0)


def test_what_is_imported_lets_nobody_into_a_journey_and_counts_all_the_same(world: World) -> None:
    code = code_of(world, "ada")
    comes(world, code, userId="bob")
    order = {"order_id": "o1", "revenue": 30, "currency": "EUR"}
    quiet = {"context": {"import": {"quiet": True}}}
    world.post("track", {"userId": "bob", "event": "Order Completed", "properties": order, **quiet})
    assert won(world, "ada")[0] == 1
    assert world.outcomes("thanks") == []


def test_what_is_told_twice_counts_once_also_after_the_one_told_became_part_of_another(
    world: World,
) -> None:
    world.post("page", {"anonymousId": "visitor"})
    [visitor] = world.api("/api/people", anonymous_id="visitor")["people"]
    code = world.api(f"/api/people/{visitor['id']}/referral")["code"]
    comes(world, code, userId="bob")
    world.order("bob", "o1", revenue=30)
    world.advance("1 minute")
    world.customer("ada")
    world.post("identify", {"userId": "ada", "anonymousId": "visitor"})
    assert won(world, "ada") == (1, {"EUR": 30})
    assert of(world, "ada")["code"] != code
    referral = world.person("bob").referral
    assert referral
    told = Wins(referral=world.person("bob").person, wins=referral.wins)
    tell(world.system.parts, told, lambda times, whom: None)
    world.advance("1 minute")
    assert won(world, "ada") == (1, {"EUR": 30})
    comes(world, code, userId="cy")
    world.order("cy", "o2", revenue=5)
    assert won(world, "ada") == (2, {"EUR": 35})


def test_who_is_parted_again_takes_with_them_whom_their_own_code_won(world: World) -> None:
    world.post("page", {"anonymousId": "visitor"})
    world.customer("ada")
    [visitor] = world.api("/api/people", anonymous_id="visitor")["people"]
    codes = {
        "visitor": world.api(f"/api/people/{visitor['id']}/referral")["code"],
        "ada": code_of(world, "ada"),
    }
    world.post("identify", {"userId": "ada", "anonymousId": "visitor"})
    for number, code in enumerate(codes.values()):
        comes(world, code, userId=f"friend{number}")
        world.order(f"friend{number}", f"o{number}", revenue=10)
        world.advance("1 minute")
    assert won(world, "ada")[0] == 2
    ada = world.person("ada").person
    [merge] = world.api(f"/api/people/{ada}/merges")["merges"]
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    path = f"/api/people/{ada}/merges/{merge['id']}/undo"
    assert world.request("POST", path, {}, key)["statusCode"] == 200
    world.advance("1 hour")
    assert won(world, "ada")[0] == 1
    assert world.api(f"/api/people/{visitor['id']}/referral")["won"] == 1


def test_a_crash_before_the_other_is_told_loses_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = code_of(world, "ada")
    comes(world, code, userId="bob")
    whole, crashes = referring.ask, iter([True])

    def crash(*asked: Any) -> None:
        if next(crashes, False):
            raise RuntimeError("the power went")
        whole(*asked)

    monkeypatch.setattr(referring, "ask", crash)
    world.order("bob", "o1", revenue=30)
    assert next(crashes, "crashed") == "crashed"
    assert won(world, "ada") == (1, {"EUR": 30})


def test_a_code_is_never_that_of_two_people(world: World) -> None:
    secret, store = world.system.parts.settings.identity_key, world.store
    for user in ("ada", "bob"):
        world.identify(user)
    ada, bob = world.person("ada"), world.person("bob")
    hers = code_for(store, secret, ada, world.now)
    store.delete(store.get(ReferralCode, referral_key(hers)))
    store.put(ReferralCode(code=hers, person=bob.person, made=world.now))  # by chance
    other = code_for(store, secret, ada, world.now)
    assert other != hers
    assert other == code_for(store, secret, ada, world.now)
    assert referrer_of(store, other) == ada
    assert referrer_of(store, hers) == bob


def test_nothing_leads_to_somebody_whose_codes_are_forgotten(world: World) -> None:
    secret, store = world.system.parts.settings.identity_key, world.store
    code = code_of(world, "ada")
    for _ in range(2):
        forget(store, secret, world.person("ada").keys)
    assert referrer_of(store, code) is None
    comes(world, code, userId="bob")
    world.order("bob", "o1")
    assert of(world, "bob")["referred_by"]["person"] == ""


def test_a_link_without_a_page_in_the_brand_is_a_mistake_at_its_line(tmp_path: Path) -> None:
    folder = folder_with("referral", tmp_path / "folder")
    brand = (folder / "brand.yaml").read_text("utf-8")
    without = "\n".join(line for line in brand.splitlines() if "referral page" not in line)
    (folder / "brand.yaml").write_text(without, "utf-8")
    with pytest.raises(Problems) as found:
        check(read_folder(folder))
    places = [(one.file, one.line) for one in found.value.found]
    assert places == [("referral/thank-you.de.mjml", 25), ("referral/thank-you.en.mjml", 25)]
    assert 'brand.yaml has no "referral page"' in found.value.found[0].text


@pytest.mark.parametrize("page", ["http://a.example/?ref=", "https://a.example/", "a?ref="])
def test_a_page_to_which_no_code_can_be_added_is_a_mistake(tmp_path: Path, page: str) -> None:
    brand = (JOURNEYS / "brand.yaml").read_text("utf-8")
    with pytest.raises(Problems, match="is no page to which a code can be added"):
        check_brand(brand.replace("https://shop.rechnungswerk.example/?ref=", page))


def test_the_friend_is_not_to_be_read_from_what_is_told(world: World) -> None:
    code = code_of(world, "ada")
    comes(world, code, userId="bob")
    world.order("bob", "o1", revenue=30)
    path = f"/api/people/{world.person('ada').person}/timeline"
    [event] = [one for one in world.api(path)["events"] if one["event"] == "Referral Won"]
    assert event["properties"] == {"amount": 30, "currency": "EUR"}
    assert world.person("bob").person not in str(event)


def test_a_server_may_tell_of_customers_won_elsewhere_and_a_browser_may_not(world: World) -> None:
    code_of(world, "ada")
    add_source(world.store, "any-browser", "website", False, world.now)
    said = {"userId": "ada", "event": "Referral Won", "properties": {"amount": 9}}
    world.post("track", {**said, "writeKey": "any-browser"})
    assert won(world, "ada") == (0, {})
    world.advance("1 minute")
    world.post("track", said)
    assert won(world, "ada") == (1, {"": 9})


def test_a_code_that_nobody_was_shown_belongs_to_nobody(world: World) -> None:
    code = code_of(world, "ada")
    comes(world, code[:-1] + ("A" if code[-1] != "A" else "B"), userId="bob")  # mistyped
    world.order("bob", "o1")
    assert world.person("bob").referral is None
    assert won(world, "ada")[0] == 0
