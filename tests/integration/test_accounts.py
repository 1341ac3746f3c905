"""Companies in a whole Tante: who belongs to them, and what journeys, mails and the API know."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from typer.testing import CliRunner, Result

from functions.folder import check, read_folder
from functions.handlers import process_event, spreading, wiring
from functions.problem import Problems
from functions.segments import account as company_of
from functions.segments.person import fields
from functions.storage import accounts
from functions.storage.store import Conflict, Unavailable
from functions.tracking.account import Account, Member, Spread, account_key
from functions.tracking.event import Event, EventBatch, bodies
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from local.keys import add_source
from tests.support.counted_store import by_kind
from tests.support.counted_world import CountedWorld
from tests.support.world import JOURNEYS, World

Begin = Callable[..., World]
START = datetime(2027, 3, 1, 8, tzinfo=UTC)
B2B = "{account: {industry: software, employees: {more than: 50}, level: manager}}"
STAY = "steps: [{wait: 100 days}]\n"


def way(enter: str, more: str = "", steps: str = STAY, once: str = "occasion") -> str:
    return f"title: A\npurpose: offers\nonce per: {once}\nenter when: {enter}\n{more}{steps}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    shutil.copytree(JOURNEYS / "parts", folder / "parts")
    shutil.copy(JOURNEYS / "brand.yaml", folder)
    return folder


@pytest.fixture
def begin(tmp_path: Path, folder: Path) -> Iterator[Begin]:
    """Makes a Tante with these journeys."""

    def begin(segments: str = "", **journeys: str) -> World:
        for name, text in journeys.items():
            (folder / name).mkdir(exist_ok=True)
            (folder / name / "journey.yaml").write_text(text, "utf-8")
        if segments:
            (folder / "segments.yaml").write_text(segments, "utf-8")
        world = World(tmp_path / "data", folder, START)
        world.settle()
        return world

    yield begin
    wiring.use(None)


def join(world: World, user: str, account: str = "acme", **traits: Any) -> None:
    world.post("group", {"userId": user, "groupId": account, "traits": traits})


def persist(world: World, user: str, account: str, **traits: Any) -> None:
    """The same by a client that tries again until its call is taken."""
    call = {"userId": user, "groupId": account, "traits": traits, "messageId": f"of {user}"}
    while world.post("group", call)["statusCode"] != 200:
        continue


def company(world: World, user: str) -> dict[str, Any]:
    return company_of.fields(world.person(user))


def account(world: World, account_id: str = "acme") -> Account:
    found = accounts.account_of(world.store, account_id)
    assert found
    return found


def members(world: World, account_id: str = "acme") -> list[Member]:
    return list(world.store.query(Member, account_key(account_id)))


def ask(world: World, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    answer = world.request(method, path, body, headers)
    world.settle()
    return int(answer["statusCode"]), answer["json"]


def dead(world: World) -> list[Any]:
    return list(world.system.queue.dead())


# --- journeys


def test_managers_of_software_companies_with_over_50_employees_enter_and_nobody_else(
    begin: Begin,
) -> None:
    world = begin(b2b=way(B2B))
    join(world, "ada", name="Acme", industry="software", employees="51-200", level="manager")
    join(world, "bob", role="Developer", level="specialist")  # of the same company
    join(world, "cleo", level="manager")
    join(world, "dan", "bolt", industry="software", employees=50, level="manager")
    join(world, "eve", "cato", industry="shoes", employees=500, level="manager")
    world.identify("fay", level="manager", industry="software", employees=500)  # of no company
    entered = {run["person"] for run in world.runs("b2b")}
    assert entered == {world.person(user).person for user in ("ada", "cleo")}
    assert dead(world) == []


def test_a_change_of_the_company_lets_those_in_who_did_nothing_themselves(begin: Begin) -> None:
    world = begin(
        b2b=way(B2B, "leave when: [{account: {employees: {at most: 50}}, as: too small}]\n")
    )
    join(world, "ada", industry="software", employees=20, level="manager")
    join(world, "bob", level="manager")
    join(world, "cleo")
    assert world.runs("b2b") == []
    join(world, "cleo", employees=80)
    entered = {run["person"] for run in world.runs("b2b")}
    assert entered == {world.person(user).person for user in ("ada", "bob")}
    world.advance("10 minutes")
    join(world, "cleo", employees=30)
    assert world.outcomes("b2b") == ["too small"] * 2


def test_a_wait_for_a_change_of_the_company_ends_when_the_crm_tells_it(begin: Begin) -> None:
    steps = (
        "steps:\n"
        "  - wait for: {account: {plan: pro}}\n"
        "    at most: 30 days\n"
        "    then: [{end: upgraded}]\n"
        "    otherwise: [{end: stayed}]\n"
    )
    world = begin(upgrade=way("{event: Account Joined}", steps=steps))
    join(world, "ada", plan="basic")
    join(world, "dan", "bolt", plan="basic")
    world.advance("5 days")
    assert world.outcomes("upgrade") == ["open", "open"]
    ask(world, "PUT", "/api/accounts/acme", {"traits": {"plan": "pro"}})
    assert sorted(world.outcomes("upgrade")) == ["open", "upgraded"]
    world.advance("31 days")
    assert sorted(world.outcomes("upgrade")) == ["stayed", "upgraded"]


def test_a_segment_may_speak_of_the_company_and_takes_in_whoever_gets_another_role(
    begin: Begin,
) -> None:
    segments = "software-managers: {title: Managers, who: " + B2B + "}\n"
    world = begin(segments, b2b=way("{in segment: software-managers}"))
    join(world, "ada", industry="software", employees=80)
    world.identify("ada", level="specialist")
    assert world.runs("b2b") == []
    world.identify("ada", level="manager")
    assert len(world.runs("b2b")) == 1


def test_a_segment_is_kept_when_the_company_changes_and_its_members_were_not_there(
    begin: Begin,
) -> None:
    segments = "software-managers: {title: Managers, who: " + B2B + "}\n"
    entered = "{event: Segment Entered, where: {segment: software-managers}}"
    world = begin(segments, b2b=way(entered))
    join(world, "ada", industry="software", employees=20, level="manager")
    last_seen = world.now
    world.advance("3 days")
    assert world.person("ada").segments.keys() == set()
    join(world, "bob", employees=80)
    assert world.person("ada").segments.keys() == {"software-managers"}
    assert [run["person"] for run in world.runs("b2b")] == [world.person("ada").person]
    assert fields(world.person("ada"), world.now)["last_seen"] == last_seen
    world.advance("10 minutes")
    join(world, "bob", employees=30)
    assert world.person("ada").segments.keys() == set()


def test_the_stage_of_an_account_is_the_furthest_of_its_members(begin: Begin, folder: Path) -> None:
    shutil.copy(JOURNEYS / "lifecycle.yaml", folder)
    world = begin()
    for user in ("ada", "bob"):
        world.identify(user, email=f"{user}@example.com")
        join(world, user, name="Acme")
    world.order("bob", "o1", "a")
    stages = {user: world.person(user).stages["customer"].stage for user in ("ada", "bob")}
    summary = ask(world, "GET", "/api/accounts/acme")[1]["summary"]
    assert stages["ada"] != stages["bob"]
    assert summary["stage"]["customer"] == stages["bob"]
    assert summary["stages"]["customer"] == dict.fromkeys(stages.values(), 1)
    [*members] = ask(world, "GET", "/api/accounts/acme/members")[1]["members"]
    assert {one["stages"]["customer"] for one in members} == {*stages.values()}


def test_who_moves_to_another_company_is_asked_about_the_new_one(begin: Begin) -> None:
    world = begin()
    join(world, "ada", "acme", name="Acme", role="CTO")
    world.advance("1 day")
    join(world, "ada", "bolt", name="Bolt")
    assert (company(world, "ada")["name"], company(world, "ada").get("role")) == ("Bolt", None)
    world.advance("1 day")
    join(world, "ada", "acme")
    assert (company(world, "ada")["name"], company(world, "ada")["role"]) == ("Acme", "CTO")


def test_that_somebody_joined_an_account_starts_a_journey_once(begin: Begin) -> None:
    world = begin(
        hello=way("{event: Account Joined}", "only if: {account: {industry: software}}\n")
    )
    for _ in range(3):
        join(world, "ada", industry="software")
        world.advance("2 hours")
    join(world, "bob", "bolt", industry="shoes")
    assert [run["person"] for run in world.runs("hello")] == [world.person("ada").person]


def test_who_joined_long_ago_by_an_import_starts_no_journey(begin: Begin) -> None:
    world = begin(hello=way("{event: Account Joined}"))
    long_ago = (world.now - timedelta(days=300)).isoformat()
    call = {"userId": "ada", "groupId": "acme", "traits": {"name": "Acme"}, "timestamp": long_ago}
    world.post("group", call)
    assert world.runs("hello") == []
    assert company(world, "ada")["since"] == world.now - timedelta(days=300)


def test_a_mail_greets_with_the_name_of_the_company(tmp_path: Path) -> None:
    folder = shutil.copytree(JOURNEYS, tmp_path / "folder")
    for file in (folder / "onboarding").glob("welcome.*"):
        said = "{{ account.name }} of {{ person.company }}, {{ account.size }}: "
        text = file.read_text("utf-8").replace("<mj-title>", f"<mj-title>{said}")
        file.write_text(text, "utf-8")
    world = World(tmp_path / "data", folder, START)
    world.customer("ada")
    join(world, "ada", name="Acme", employees=3)
    world.order("ada", "o1", "basic-1y")
    assert world.outbox()[0].subject.startswith("Acme of Acme, micro: ")
    wiring.use(None)


def test_a_misspelt_account_in_a_mail_is_found_before_it_is_published(tmp_path: Path) -> None:
    folder = shutil.copytree(JOURNEYS, tmp_path / "folder")
    [file, *_] = (folder / "onboarding").glob("welcome.*.mjml")
    file.write_text(file.read_text("utf-8") + "{{ acount.name }}", "utf-8")
    with pytest.raises(Problems) as found:
        check(read_folder(folder))
    assert any('did you mean "account"?' in problem.text for problem in found.value.found)


# --- who belongs to a company


def test_a_website_puts_its_visitor_into_a_company_and_cannot_say_what_it_is_like(
    begin: Begin,
) -> None:
    world = begin()
    join(world, "bob", industry="software")
    add_source(world.store, "wk_web", "website", False, world.now)
    call = {"userId": "eve", "groupId": "acme", "traits": {"industry": "none", "role": "CTO"}}
    world.post("group", {**call, "writeKey": "wk_web"})
    assert company(world, "bob")["industry"] == company(world, "eve")["industry"] == "software"
    assert company(world, "eve")["role"] == "CTO"
    assert "website" in account(world).notes[0]


def test_a_company_of_several_people_knows_what_each_of_them_said_of_it(begin: Begin) -> None:
    world = begin()
    join(world, "ada", name="Acme", industry="software")
    join(world, "bob", employees=80)
    world.advance("10 minutes")
    for user in ("ada", "bob"):
        known = company(world, user)
        assert (known["name"], known["industry"], known["employees"]) == ("Acme", "software", 80)
    assert len(members(world)) == 2


def test_a_visitor_who_turns_out_to_be_somebody_we_know_stands_in_the_company_once(
    begin: Begin,
) -> None:
    world = begin()
    call = {"anonymousId": "v", "groupId": "acme", "traits": {"name": "Acme", "level": "manager"}}
    world.post("group", call)
    join(world, "ada", role="CTO")
    world.post("identify", {"userId": "ada", "anonymousId": "v", "traits": {}})
    assert len(members(world)) == 2  # rows keep the key under which they came
    status, page = ask(world, "GET", "/api/accounts/acme/members")
    [member] = page["members"]
    assert (status, member["person"]) == (200, world.person("ada").person)
    assert (member["role"], member["level"]) == ("CTO", "manager")
    join(world, "ada", employees=10)
    assert company(world, "ada")["employees"] == 10


class Once:
    """An effect that fails once, at this call: before it is done, or after (its answer is lost)."""

    def __init__(self, effect: Callable[..., None], number: int, is_late: bool) -> None:
        self.effect, self.left, self.is_late = effect, number, is_late

    def __call__(self, *said: Any) -> None:
        self.left -= 1
        if self.left == -1 and not self.is_late:
            raise Unavailable("it could not be done")
        self.effect(*said)
        if self.left == -1:
            raise Unavailable("the answer was lost")


@pytest.mark.parametrize("effect", ["put", "send_events"])
@pytest.mark.parametrize("is_late", [False, True], ids=["before", "after"])
def test_whatever_effect_fails_the_account_and_its_members_come_out_the_same(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, effect: str, is_late: bool
) -> None:
    world, number, has_struck = begin(), 0, True
    parts, put = world.system.parts, world.store.put
    while has_struck:
        name = f"c{number}"
        failing = Once(put if effect == "put" else parts.send_events, number, is_late)
        if effect == "put":
            monkeypatch.setattr(world.store, "put", failing)
        else:
            wiring.use(replace(parts, send_events=failing))
        persist(world, f"ada {name}", name, name="Acme", level="manager")
        world.advance("1 minute")
        persist(world, f"bob {name}", name, name="Bolt", employees=9)
        monkeypatch.setattr(world.store, "put", put)
        wiring.use(parts)
        for user in (f"ada {name}", f"bob {name}"):
            known = company(world, user)
            assert (known["name"], known["employees"]) == ("Bolt", 9), (number, user)
            assert world.person(user).events["Account Joined"].count == 1
        assert len(members(world, name)) == 2
        assert account(world, name).ordered is None
        has_struck, number = failing.left < 0, number + 1
    assert number > (10 if effect == "put" else 5)
    assert dead(world) == []


def test_who_changes_an_account_at_the_same_time_loses_nothing(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin()
    join(world, "ada", name="Acme", industry="software")
    put, is_first = world.store.put, True

    def overtaken(record: Any) -> None:
        nonlocal is_first
        if isinstance(record, Account) and is_first:
            is_first = False
            other = account(world)
            accounts.hear(world.store, "acme", [_call("other", plan="pro")], world.now, _no_order)
            assert account(world).version > other.version
            raise Conflict("somebody was faster")
        put(record)

    monkeypatch.setattr(world.store, "put", overtaken)
    join(world, "ada", employees=7)
    traits = {name: trait.value for name, trait in account(world).traits.items()}
    assert traits == {"name": "Acme", "industry": "software", "plan": "pro", "employees": 7}
    assert (company(world, "ada")["plan"], company(world, "ada")["employees"]) == ("pro", 7)


def _call(message_id: str, **traits: Any) -> Any:
    return Event(
        type="group",
        message_id=message_id,
        time=START,
        received_at=START,
        group_id="acme",
        traits=traits,
        trusted=True,
    )


def _no_order(asked: Spread, delay: int) -> None:
    """As if the other's order were still on its way: ours must carry what they said."""


# --- what it costs


@pytest.fixture
def counted(folder: Path) -> Iterator[CountedWorld]:
    yield CountedWorld(read_folder(folder), START)
    wiring.use(None)


def call(message_id: str, user: str = "ada", **traits: Any) -> dict[str, Any]:
    when = (START + timedelta(seconds=len(message_id))).isoformat()
    return {
        "type": "group",
        "userId": user,
        "groupId": "acme",
        "traits": traits,
        "messageId": message_id,
        "timestamp": when,
        "sentAt": when,
    }


def test_a_group_call_that_says_nothing_new_costs_a_read_and_one_without_traits_nothing(
    counted: CountedWorld,
) -> None:
    counted.say(call("m1", name="Acme", industry="software", role="CTO"))
    counted.store.take()
    for said, reads in (({"name": "Acme", "industry": "software"}, 1), ({}, 0), ({"role": "x"}, 0)):
        counted.store.read_units.clear()
        counted.say(call(f"again {said}"[:90], **said))
        spent = by_kind(counted.store.take())
        assert set(spent) <= {"profile", "event", "permission"}, spent
        assert counted.store.read_units["account"] == reads
        assert counted.store.read_units["member"] == 0


def test_other_events_cost_nothing_of_an_account(counted: CountedWorld) -> None:
    counted.say(call("m1", name="Acme"))
    counted.store.take()
    counted.store.read_units.clear()
    counted.say({**call("m2"), "type": "track", "event": "Signed In", "properties": {}})
    assert not {"account", "member"} & {*by_kind(counted.store.take()), *counted.store.read_units}


def test_joining_costs_a_member_s_row_and_one_event_more(counted: CountedWorld) -> None:
    counted.say(call("m1", name="Acme"))
    counted.store.take()
    counted.say(call("m2", "bob", name="Acme"))
    spent = by_kind(counted.store.take())
    assert (spent["account"], spent["member"], spent["event"]) == (0, 1, 2)
    assert spent["profile"] <= 5  # the listing of people is in it


def test_a_profile_with_a_company_is_at_most_one_and_a_half_kilobytes_larger(
    counted: CountedWorld,
) -> None:
    many = {f"trait {number}": "x" * 60 for number in range(100)}
    counted.say(call("m1", name="Acme", **many))
    sizes = [one.size for one in counted.store.take() if one.kind == "profile"]
    assert max(sizes) - min(sizes) <= 1536


class Crowd:
    """An account with so many members, and a queue that keeps what is sent."""

    def __init__(self, world: World, count: int) -> None:
        self.world, self.sent, self.read = world, list[bytes](), 0
        join(world, "first", name="Acme")
        for number in range(count - 1):
            world.store.put(
                Member(account_id="acme", person=f"p{number:05}", since=START, by=f"m{number}")
            )
        parts = world.system.parts
        self.parts = replace(parts, store=self, send_events=self._send)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world.store, name)

    def get(self, kind: type, *place: str) -> Any:
        self.read += kind is Member
        return self.world.store.get(kind, *place)

    def query(self, kind: type, *place: str, **more: Any) -> Iterator[Any]:
        for one in self.world.store.query(kind, *place, **more):
            self.read += kind is Member
            yield one

    def _send(self, found: list[bytes], delay: int) -> None:
        self.sent += found

    def take(self) -> list[bytes]:
        sent, self.sent, self.read = self.sent, [], 0
        return sent

    def work(self, body: bytes) -> None:
        record = {"messageId": "1", "body": body.decode()}
        wiring.use(self.parts)
        assert process_event.handler({"Records": [record]}, None) == {"batchItemFailures": []}
        wiring.use(self.world.system.parts)


def test_the_members_of_a_large_company_are_told_by_pages_and_never_read_in_one_event(
    begin: Begin,
) -> None:
    crowd = Crowd(begin(), 250)
    crowd.take()
    crowd.work(bodies(_batch(crowd.world, "m9", name="Acme Ltd"))[0])
    [order] = [body for body in crowd.sent if body.startswith(b'{"spread"')]
    assert json.loads(order)["version"] == account(crowd.world).version  # for it is sent before
    assert crowd.read <= 1  # the one who says it
    told: list[str] = []
    pages = 0
    while order:
        crowd.take()
        crowd.work(order)
        assert crowd.read <= spreading.PAGE + 1
        sent, order, pages = crowd.take(), b"", pages + 1
        for body in sent:
            if body.startswith(b'{"spread"'):
                order = body
            else:
                told += [event["person"] for event in json.loads(body)["events"]]
    assert pages == 3
    assert sorted(told) == sorted(one.person for one in members(crowd.world))


_a_moment_later = count(1)  # what is said in one moment has no order


def _batch(world: World, message_id: str, **traits: Any) -> Any:
    event = _call(message_id, **traits)
    now = world.now + next(_a_moment_later) * timedelta(microseconds=1)
    event.user_id, event.time = "first", now
    event.client_time, event.received_at = now.isoformat(), now
    return EventBatch([event])


def test_while_an_order_has_not_begun_there_is_no_other_and_then_there_is(begin: Begin) -> None:
    crowd = Crowd(begin(), 2)
    crowd.take()
    for number in range(5):
        crowd.work(bodies(_batch(crowd.world, f"n{number}", plan=f"p{number}"))[0])
    orders = [body for body in crowd.sent if body.startswith(b'{"spread"')]
    assert len(orders) == 1
    crowd.work(orders[0])
    assert account(crowd.world).ordered is None
    crowd.take()
    crowd.work(bodies(_batch(crowd.world, "o1", plan="other"))[0])
    assert [body for body in crowd.sent if body.startswith(b'{"spread"')]
    assert account(crowd.world).ordered == crowd.world.now + accounts.PACE


def test_an_order_that_got_lost_is_given_again_an_hour_later(begin: Begin) -> None:
    crowd = Crowd(begin(), 2)
    crowd.work(bodies(_batch(crowd.world, "n1", plan="a"))[0])
    crowd.take()  # and nobody ever does it
    crowd.world.advance("2 hours")
    crowd.work(bodies(_batch(crowd.world, "n2", plan="b"))[0])
    assert [body for body in crowd.sent if body.startswith(b'{"spread"')]


def test_an_order_waits_for_the_account_that_is_being_written_and_gives_up_in_the_end(
    begin: Begin,
) -> None:
    crowd = Crowd(begin(), 2)
    crowd.take()
    body, times = json.dumps({"spread": "acme", "version": 99}, separators=(",", ":")).encode(), 0
    while body.startswith(b'{"spread"'):
        crowd.work(body)
        [body], times = crowd.take() or [b""], times + 1
    assert times == spreading.MOST_WAITS + 1
    crowd.work(b'{"spread":"nobody"}')
    assert all(b"nobody" in sent for sent in crowd.take())


def test_what_is_no_order_is_buried_with_its_reason(begin: Begin) -> None:
    world = begin()
    world.system.queue.send([b'{"spread":7}'])
    world.settle()
    [(_, reason, _)] = dead(world)
    assert reason.startswith("news for an account's members that cannot be read: ")


# --- the admin API and the command line


@pytest.fixture
def shop(begin: Begin) -> World:
    """Two companies; in one of them people at three levels."""
    world = begin()
    world.customer("ada", firstName="Ada", lastName="Lovelace")
    join(
        world, "ada", name="Zeta", industry="software", employees=80, level="executive", role="CTO"
    )
    join(world, "bob", level="manager", department="IT", buying_role="decides")
    join(world, "cleo", level="manager", buying_role="uses")
    join(world, "dan")
    join(world, "eve", "bolt", name="Bolt", address={"city": "Ulm", "country": "DE"})
    world.order("ada", "o1", "a", revenue=100)
    world.order("bob", "o2", "a", revenue=50)
    world.advance("10 minutes")
    return world


def test_accounts_are_listed_by_their_names_page_by_page(shop: World) -> None:
    for name in ("acme", "Älter", "acme gmbh", "Mitte"):
        join(shop, "ada", f"id-{name}", name=name)
    names, after = [], ""
    while True:
        status, page = ask(shop, "GET", f"/api/accounts?limit=2&after={quote(after)}")
        assert status == 200
        names += [one["name"] for one in page["accounts"]]
        after = page["next"]
        if not after:
            break
    assert names == ["acme", "acme gmbh", "Bolt", "Mitte", "Zeta", "Älter"]


def test_an_account_says_who_decides_and_who_uses_and_what_they_come_to(shop: World) -> None:
    status, found = ask(shop, "GET", "/api/accounts/acme")
    assert status == 200
    assert (found["account"]["size"], found["account"]["employees"]) == ("medium", 80)
    summary = found["summary"]
    assert summary["looked_at"] == 4
    assert not found["more"]
    assert summary["levels"] == {"manager": 2, "executive": 1, "": 1}
    assert summary["buying_roles"] == {"": 2, "decides": 1, "uses": 1}
    assert (summary["orders"], summary["revenue"]) == (2, {"EUR": 150})
    [member] = [
        one
        for one in ask(shop, "GET", "/api/accounts/acme/members")[1]["members"]
        if one["role"] == "CTO"
    ]
    assert (member["name"], member["level"]) == ("Ada Lovelace", "executive")


def test_a_person_s_companies_come_with_what_they_are_there_the_main_one_first(
    shop: World,
) -> None:
    join(shop, "ada", "bolt", role="Advisor")
    found = shop.api(f"/api/people/{shop.person('ada').person}")["companies"]
    assert [(one["id"], one["name"], one["role"]) for one in found] == [
        ("bolt", "Bolt", "Advisor"),
        ("acme", "Zeta", "CTO"),
    ]


def test_what_an_import_says_of_an_account_reaches_its_members(shop: World) -> None:
    status, found = ask(shop, "PUT", "/api/accounts/acme", {"traits": {"employees": 300}})
    assert (status, found["size"]) == (200, "large")
    for user in ("ada", "dan"):
        assert company(shop, user)["size"] == "large"
    old = {"traits": {"employees": 1}, "time": "2020-01-01T00:00:00Z"}
    assert ask(shop, "PUT", "/api/accounts/acme", old)[1]["employees"] == 300  # the last word wins
    status, found = ask(shop, "PUT", "/api/accounts/new", {"traits": {"name": "New"}})
    assert (status, found["name"]) == (200, "New")
    join(shop, "dan", "new")
    assert company(shop, "dan")["name"] == "New"


def test_who_is_taken_out_leaves_the_list_and_comes_back_by_a_later_call(shop: World) -> None:
    person = shop.person("bob").person
    path = f"/api/accounts/acme/members/{person}"
    assert ask(shop, "DELETE", path)[0] == 200
    assert company(shop, "bob") == {}
    assert shop.person("bob").events["Account Left"].count == 1
    assert ask(shop, "GET", "/api/accounts/acme")[1]["summary"]["looked_at"] == 3
    assert ask(shop, "DELETE", path)[0] == 404
    shop.advance("1 hour")
    join(shop, "bob", level="executive")
    assert company(shop, "bob")["since"] == shop.now
    assert shop.person("bob").events["Account Joined"].count == 2
    assert ask(shop, "GET", "/api/accounts/acme")[1]["summary"]["looked_at"] == 4


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/api/accounts/none", None, 404, 'no account has the id "none"'),
        ("GET", "/api/accounts/none/members", None, 404, 'no account has the id "none"'),
        ("GET", "/api/accounts/" + "x" * 3000, None, 404, "no account has the id"),
        ("DELETE", "/api/accounts/acme/members/nobody", None, 404, "no person has the id"),
        ("PUT", "/api/accounts/acme", {}, 400, "traits"),
        ("PUT", "/api/accounts/acme", {"traits": {"role": "CTO"}}, 400, "send a group call"),
        ("PUT", "/api/accounts/acme", {"traits": {"": 1}}, 400, "printable"),
        ("PUT", "/api/accounts/acme", {"traits": {"n": 2**70}}, 400, "64 bits"),
        ("PUT", "/api/accounts/acme", {"traits": {"n": "x" * 40_000}}, 400, "32 KB"),
        ("PUT", "/api/accounts/" + "x" * 300, {"traits": {}}, 400, "1 to 255"),
        ("PUT", "/api/accounts/a", {"traits": {}, "time": "2099-01-01T00:00:00Z"}, 400, '"time"'),
        ("PUT", "/api/accounts/a", {"traits": {}, "time": "2026-01-01T00:00:00"}, 400, "time"),
    ],
)
def test_what_cannot_be_done_is_told_in_words(
    shop: World, method: str, path: str, body: Any, status: int, words: str
) -> None:
    found, said = ask(shop, method, path, body)
    assert (found, words in said["message"]) == (status, True), said


@pytest.mark.parametrize(
    "account_id",
    ["Müller & Söhne GmbH", "50%", "%2F", "acme.example", 'A/S "North" #1', "a/members/b/"],
)
def test_an_account_may_be_called_whatever_a_crm_calls_it(shop: World, account_id: str) -> None:
    key = {"authorization": f"Bearer {shop.system.keys.secret_key}"}
    with serving(application(App(shop.system).route)) as url:
        where = f"{url}/api/accounts/{quote(account_id, safe='')}"
        said = httpx.put(where, json={"traits": {"industry": "shoes"}}, headers=key)
        assert (said.status_code, said.json()["id"]) == (200, account_id)
        assert httpx.get(where, headers=key).json()["account"]["traits"] == {"industry": "shoes"}
        assert httpx.get(f"{where}/members", headers=key).json() == {"members": [], "next": ""}
        join(shop, "ada", account_id)
        key_and_place = ["--at", url, "--key", shop.system.keys.secret_key]
        shown = CliRunner().invoke(app, ["accounts", "show", account_id, *key_and_place])
        assert "industry: shoes" in shown.output
        person = shop.person("ada").person
        gone = CliRunner().invoke(app, ["accounts", "remove", account_id, person, *key_and_place])
        assert "does not belong" in gone.output


def test_accounts_at_the_command_line(shop: World) -> None:
    def typed(*words: str) -> Result:
        where = ["--at", url, "--key", shop.system.keys.secret_key]
        return CliRunner().invoke(app, ["accounts", *words, *where])

    with serving(application(App(shop.system).route)) as url:
        listed = typed("list").output
        assert listed.index("Bolt") < listed.index("Zeta")
        assert "Ulm, DE" in listed
        shown = typed("show", "acme")
        assert shown.exit_code == 0
        for words in ("acme: Zeta", "industry: software", "2 manager", "1 decides", "150"):
            assert words in shown.output
        assert "Ada Lovelace" in shown.output
        removed = typed("remove", "acme", shop.person("dan").person)
        assert "does not belong to acme any more" in removed.output
        refused = typed("show", "none")
    assert refused.exit_code == 1
    assert 'no account has the id "none"' in refused.output
