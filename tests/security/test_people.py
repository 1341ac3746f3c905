"""Rows "SMS pumping", "races", "data protection" and "Germany": what protects the people."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.folder import check_brand
from functions.handlers import pumping, wiring
from functions.handlers.pumping import confirmed, may_ask
from functions.handlers.throttle import Rate, take
from functions.messages.address import is_in
from functions.messages.allowed import why_not
from functions.messages.deliver import WRONG_COUNTRY
from functions.problem import Problems
from local.sqlite_store import SqliteStore
from tests.support.stores import sqlite_store
from tests.support.world import JOURNEYS, START, World


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return sqlite_store(tmp_path)


# --- SMS pumping


@pytest.mark.security("SMS pumping")
@pytest.mark.parametrize(
    ("number", "is_fine"),
    [
        ("+4915112345678", True),
        ("+436641234567", True),
        ("+447400123456", False),
        ("+882161234567", False),  # satellites
        ("+97798123456789", False),
        ("+499001234567", False),  # premium: of the country, but nobody's phone
    ],
)
def test_text_messages_go_to_the_countries_that_the_brand_names(number: str, is_fine: bool) -> None:
    assert is_in(number, ["DE", "AT"]) is is_fine
    assert is_in(number, [])


@pytest.mark.security("SMS pumping")
def test_a_number_of_another_country_gets_no_text_and_the_ledger_says_why(
    tmp_path: Path,
) -> None:
    folder = shutil.copytree(JOURNEYS, tmp_path / "folder")
    file = folder / "brand.yaml"
    file.write_text(file.read_text("utf-8") + '\nsms countries: ["AT"]\n', "utf-8")
    (folder / "text").mkdir()
    (folder / "text" / "journey.yaml").write_text(
        "title: T\npurpose: offers\nenter when: {event: Asked}\nonce per: person\n"
        "steps: [{send: hello, by: sms}]\n"
    )
    for language in ("de", "en"):
        (folder / "text" / f"hello.{language}.sms").write_text("Hello {{ unsubscribe }}")
    world = World(tmp_path / "data", folder)
    world.customer("ada")
    world.track("ada", "Asked")
    world.customer("eva")
    world.identify("eva", phone="+436641234567")
    world.track("eva", "Asked")
    world.advance("1 day")
    [mail] = [one for one in world.messages("ada") if one.message == "hello"]
    wiring.use(None)
    assert (mail.state, mail.reason) == ("not sent", WRONG_COUNTRY)
    assert "hello" in world.sent("eva")


@pytest.mark.security("SMS pumping")
def test_a_country_that_there_is_not_is_told_at_its_line() -> None:
    text = (JOURNEYS / "brand.yaml").read_text("utf-8")
    with pytest.raises(Problems, match='"UK" is no country'):
        check_brand(f'{text}\nsms countries: ["DE", "UK"]\n')


@pytest.mark.security("SMS pumping")
def test_numbers_of_one_beginning_that_never_confirm_are_asked_no_more(store: SqliteStore) -> None:
    asked = [may_ask(store, f"+88216{number:06}", START) for number in range(40)]
    assert asked == [True] * pumping.ENOUGH + [False] * 20
    assert may_ask(store, "+4915112345678", START), "others still are"
    assert not may_ask(store, "+88216999999", START + timedelta(hours=20))
    assert may_ask(store, "+88216999999", START + timedelta(days=3))


@pytest.mark.security("SMS pumping")
def test_numbers_of_real_people_who_confirm_are_asked_on(store: SqliteStore) -> None:
    for number in range(100):
        assert may_ask(store, f"+49151{number:06}", START)
        if number % 5 == 0:
            confirmed(store, f"+49151{number:06}", START)


@pytest.mark.security("SMS pumping")
def test_nobody_who_did_not_agree_gets_a_text(world: World) -> None:
    world.customer("ada", consents=False)
    world.track("ada", "Consent Given", channel="email", purposes=_purposes(world))
    world.order("ada", "o1", "basic-1y")
    world.advance("60 days")
    assert world.outbox()
    assert not [kept for kept in world.outbox() if kept.channel == "sms"]


def _purposes(world: World) -> list[str]:
    return list(world.system.parts.library.brand().purposes)


# --- races


@pytest.mark.security("races")
@given(seed=st.lists(st.booleans(), min_size=4, max_size=20))
@settings(max_examples=30)
def test_two_at_once_never_take_more_than_one_allowance(
    tmp_path_factory: pytest.TempPathFactory, seed: list[bool]
) -> None:
    """Between one's look and their write comes another's use, wherever chance puts it."""
    inner, turns = sqlite_store(tmp_path_factory.mktemp("race")), iter(seed)
    taken, rate = list[bool](), Rate(3, timedelta(hours=1))

    class Raced:
        get = staticmethod(inner.get)

        def put(self, record: Any) -> None:
            if next(turns, False):
                taken.append(take(inner, "form", "a", START, rate))
            inner.put(record)

    for _ in range(5):
        taken.append(take(Raced(), "form", "a", START, rate))  # type: ignore[arg-type]
    assert sum(taken) == 3


# --- data protection


@pytest.mark.security("data protection")
def test_an_execution_that_waits_for_months_knows_ids_only(world: World) -> None:
    world.customer("ada", firstName="Adalbertine", birthday="1990-05-06")
    world.order("ada", "o1", "basic-1y")
    engine = world.system.workflow.engine
    waiting = json.dumps([engine.dump(one) for one in engine.executions.values()])
    assert world.person("ada").person in waiting
    for told in ("ada@example.com", "4915112345678", "Adalbertine", "1990-05-06"):
        assert told not in waiting


@pytest.mark.security("data protection")
def test_an_address_of_our_api_or_page_names_nobody(world: World) -> None:
    """Addresses stand in logs of others: proxies, browsers, mail programs."""
    world.customer("ada")
    world.order("ada", "o1", "basic-1y")
    world.advance("10 days")
    for kept in world.outbox():
        links = [kept.headers.get("List-Unsubscribe", ""), *(kept.html or "").split('href="')[1:]]
        for link in links:
            assert "ada@" not in link.split('"')[0]
            assert "ada%40" not in link.split('"')[0]


# --- Germany


@pytest.mark.security("Germany")
def test_who_agreed_to_mail_agreed_to_nothing_by_phone(world: World) -> None:
    """BGH I ZR 164/09: what one agreed to by e-mail is no consent to calls or texts."""
    world.customer("ada", consents=False)
    world.track("ada", "Consent Given", channel="email", purposes=_purposes(world))
    brand = world.system.parts.library.brand()
    for purpose in _purposes(world):
        if brand.must_be_allowed(purpose):
            permission = world.permission("ada")
            assert not why_not(permission, "email", purpose, brand, world.now)
            assert why_not(permission, "sms", purpose, brand, world.now)
