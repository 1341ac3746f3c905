"""Every way into a journey in a whole Tante: conditions, dates, schedules, limits, groups."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from functions.handlers import find_due, process_event, wiring
from functions.handlers.desk import journey_desk
from functions.journeys.look import look
from functions.journeys.run import Run
from functions.journeys.standing import Standing, Sweep, Taken
from functions.storage.store import Unavailable
from functions.tracking.profile import Profile
from tests.support.world import JOURNEYS, World

Begin = Callable[..., World]
STAY = "steps: [{wait: 100 days}]\n"
LEAVE = "steps: [{end: done}]\n"


def way(enter: str, steps: str = STAY, once: str = "occasion", more: str = "") -> str:
    """A journey's file with this way in."""
    entry = f"enter when: {enter}\n" if enter else ""
    return f"title: A\npurpose: offers\nonce per: {once}\n{entry}{more}{steps}"


def write(folder: Path, journeys: dict[str, str]) -> None:
    for name, text in journeys.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "journey.yaml").write_text(text, "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    shutil.copytree(JOURNEYS / "parts", folder / "parts")
    shutil.copy(JOURNEYS / "brand.yaml", folder)
    return folder


@pytest.fixture
def begin(tmp_path: Path, folder: Path) -> Iterator[Begin]:
    """Makes a Tante with these journeys; what time it is at the beginning may be said."""

    def begin(start: datetime = datetime(2027, 3, 1, 8, tzinfo=UTC), **journeys: str) -> World:
        write(folder, journeys)
        world = World(tmp_path / "data", folder, start)
        world.settle()
        return world

    yield begin
    wiring.use(None)


def publish(world: World, folder: Path, **journeys: str) -> None:
    write(folder, journeys)
    world.system.publish()
    world.settle()


def message(body: Any) -> dict[str, Any]:
    """An SQS batch of one message."""
    return {"Records": [{"messageId": "1", "body": json.dumps(body, separators=(",", ":"))}]}


def runs(world: World, user: str, journey: str = "") -> list[Run]:
    keys = world.person(user).keys
    found = [run for key in keys for run in world.store.query(Run, key, prefix=f"{journey}")]
    return sorted(found, key=lambda run: run.entered)


def entries(world: World, user: str, journey: str = "") -> list[str]:
    return [f"{run.entered:%m-%d %H:%M}" for run in runs(world, user, journey)]


def outcomes(world: World, user: str, journey: str) -> list[str]:
    return [run.outcome or run.status for run in runs(world, user, f"{journey}/")]


def standing(world: World, user: str) -> Standing | None:
    found: Standing | None = world.store.get(Standing, world.person(user).person)
    return found


# --- conditions


def test_who_comes_to_meet_a_condition_enters_and_who_still_meets_it_does_not_enter_again(
    begin: Begin,
) -> None:
    world = begin(fans=way("{person: {plan: pro}}", LEAVE))
    world.identify("ada", plan="free")
    assert runs(world, "ada") == []
    world.identify("ada", plan="pro")
    world.identify("ada", plan="pro", city="Bonn")
    world.track("ada", "Anything")
    assert outcomes(world, "ada", "fans") == ["done"]


def test_each_time_that_a_condition_becomes_true_is_an_occasion_of_its_own(begin: Begin) -> None:
    world = begin(fans=way("{person: {plan: pro}}", LEAVE))
    for plan in ("pro", "free", "pro", "free", "pro"):
        world.identify("ada", plan=plan)
        world.advance("1 hour")
    assert outcomes(world, "ada", "fans") == ["done"] * 3


def test_a_new_person_whose_first_event_makes_it_true_enters(begin: Begin) -> None:
    world = begin(fans=way("{person: {plan: pro}}"))
    world.identify("ada", plan="pro")
    [run] = runs(world, "ada")
    assert (run.entry.name, run.entry.source) == ("Entered", "journeys")
    assert run.entry.properties == {"journey": "fans"}


def test_a_condition_becomes_true_through_the_passing_of_time_alone(begin: Begin) -> None:
    quiet = "{all of: [{did: Visit}, {none of: [{did: Visit, in the last: 30 days}]}]}"
    world = begin(quiet=way(quiet))
    world.track("ada", "Visit")
    world.advance("10 days")
    world.track("ada", "Visit")
    world.advance("29 days")
    assert runs(world, "ada") == []
    world.advance("2 days")
    assert entries(world, "ada") == ["04-10 08:00"]


def test_what_ceases_to_be_true_by_time_may_become_true_again(begin: Begin) -> None:
    world = begin(busy=way("{did: Visit, times: {at least: 2}, in the last: 2 days}", LEAVE))
    for _ in range(3):
        world.track("ada", "Visit")
        world.track("ada", "Visit")
        world.advance("3 days")
    assert entries(world, "ada") == ["03-01 08:00", "03-04 08:00", "03-07 08:00"]


def test_the_event_that_makes_it_true_neither_ends_the_run_nor_releases_its_wait(
    begin: Begin,
) -> None:
    leaves = "leave when: [{event: Visit, as: gone}]\n"
    waits = "steps: [{wait for: {event: Visit}, at most: 5 days}]\n"
    world = begin(out=way("{did: Visit}", more=leaves), waits=way("{did: Visit}", waits))
    world.track("ada", "Visit")
    assert outcomes(world, "ada", "out") == outcomes(world, "ada", "waits") == ["open"]
    world.advance("1 hour")
    world.track("ada", "Visit")
    assert outcomes(world, "ada", "out") == ["gone"]
    assert outcomes(world, "ada", "waits") == ["finished"]


# --- a publish


def test_who_meets_a_condition_at_the_publish_does_not_enter_unless_the_file_says_so(
    begin: Begin, folder: Path
) -> None:
    world = begin(other=way("{event: X}"))
    world.identify("ada", plan="pro")
    world.identify("bob", plan="free")
    world.advance("1 day")
    publish(
        world,
        folder,
        later=way("{person: {plan: pro}}"),
        now=way("{person: {plan: pro}, including those already: true}"),
    )
    assert runs(world, "ada", "later") == []
    assert outcomes(world, "ada", "now") == ["open"]
    assert runs(world, "bob") == []
    world.track("ada", "Anything")
    assert runs(world, "ada", "later") == []
    world.identify("bob", plan="pro")
    assert outcomes(world, "bob", "later") == outcomes(world, "bob", "now") == ["open"]


def test_an_event_before_everybody_was_looked_at_lets_nobody_in_who_met_it_all_along(
    begin: Begin, folder: Path
) -> None:
    world = begin(other=way("{event: X}"))
    world.identify("ada", plan="pro")
    world.advance("1 day")
    write(folder, {"fans": way("{person: {plan: pro}}")})
    world.system.publish()
    found = world.system.queue.receive(10)
    world.system.queue.delete([message["messageId"] for message in found])
    world.track("ada", "Anything")
    world.identify("new", plan="pro")
    assert runs(world, "ada") == []
    assert outcomes(world, "new", "fans") == ["open"]


def test_publishing_the_same_way_in_again_looks_at_nobody(begin: Begin, folder: Path) -> None:
    world = begin(fans=way("{person: {plan: pro}}"))
    write(folder, {"fans": way("{person: {plan: pro}}", LEAVE)})
    world.system.publish()
    assert world.system.queue.size() == 0


def test_everybody_is_looked_at_page_by_page(
    begin: Begin, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.handlers.looking.PAGE", 2)
    world = begin(other=way("{event: X}"))
    for number in range(5):
        world.identify(f"u{number}", plan="pro")
        world.advance("1 minute")
    publish(world, folder, fans=way("{person: {plan: pro}, including those already: true}"))
    assert [len(runs(world, f"u{number}")) for number in range(5)] == [1] * 5


# --- dates


def test_a_date_of_the_person_lets_in_once_when_it_comes_where_the_person_is(
    begin: Begin,
) -> None:
    world = begin(ends=way("{date: 3 days before person.trial_ends 9:00}", LEAVE))
    world.identify("ada", trial_ends="2027-03-10", timezone="America/New_York")
    world.advance("30 days")
    assert entries(world, "ada") == ["03-07 14:00"]
    found = standing(world, "ada")
    assert found
    assert found.due is None


def test_a_date_that_moved_is_read_again_and_a_new_date_is_a_new_occasion(begin: Begin) -> None:
    world = begin(ends=way("{date: person.trial_ends 9:00}", LEAVE))
    world.identify("ada", trial_ends="2027-03-10")
    world.advance("1 day")
    world.identify("ada", trial_ends="2027-03-15")
    world.advance("10 days")
    assert runs(world, "ada") == []
    world.advance("10 days")
    world.identify("ada", trial_ends="2027-04-15")
    world.advance("30 days")
    assert entries(world, "ada") == ["03-15 08:00", "04-15 07:00"]


def test_a_date_that_had_passed_when_it_became_known_lets_nobody_in(begin: Begin) -> None:
    world = begin(ends=way("{date: person.trial_ends 9:00}", LEAVE))
    world.identify("ada", trial_ends="2027-03-20")
    world.advance("2 hours")
    world.identify("ada", trial_ends="2027-03-01")
    world.identify("bob", trial_ends="2027-03-01")
    world.advance("30 days")
    assert runs(world, "ada") == runs(world, "bob") == []


def test_an_outage_of_hours_lets_people_in_late_and_one_of_days_does_not(begin: Begin) -> None:
    world = begin(ends=way("{date: person.trial_ends 9:00}"))
    world.identify("ada", trial_ends="2027-03-10")
    world.identify("bob", trial_ends="2027-03-08")
    world.system.clock.move_to(datetime(2027, 3, 10, 20, tzinfo=UTC))
    for user in ("ada", "bob"):
        process_event.handler(message({"look": [world.person(user).person]}), None)
    assert entries(world, "ada") == ["03-10 20:00"]
    assert runs(world, "bob") == []


# --- schedules


def test_a_schedule_lets_everybody_in_again_and_again_who_passes_only_if(begin: Begin) -> None:
    only = "only if: {person: {plan: pro}}\n"
    world = begin(news=way("{every: 'Monday 9:00'}", LEAVE, more=only))
    world.identify("ada", plan="pro")
    world.identify("bob", plan="free")
    world.advance("15 days")
    world.identify("bob", plan="pro")
    world.advance("7 days")
    assert entries(world, "ada") == ["03-08 08:00", "03-15 08:00", "03-22 08:00"]
    assert entries(world, "bob") == ["03-22 08:00"]


def test_a_schedule_that_is_published_at_noon_lets_nobody_in_for_this_morning(
    begin: Begin, folder: Path
) -> None:
    world = begin(datetime(2027, 3, 1, 11, tzinfo=UTC), first=way("{every: 'day 10:00'}", LEAVE))
    world.identify("ada")
    publish(world, folder, second=way("{every: 'day 9:00'}", LEAVE))
    world.track("ada", "X")
    assert runs(world, "ada") == []
    world.advance("1 day")
    assert entries(world, "ada") == ["03-02 08:00", "03-02 09:00"]


def test_a_birthday_comes_each_year(begin: Begin) -> None:
    world = begin(birthday=way("{every: 3 days before person.birthday 9:00}", LEAVE))
    world.identify("ada", birthday="1815-12-10")
    world.advance("1 year")
    world.advance("1 year")
    assert entries(world, "ada") == ["12-07 08:00", "12-07 08:00"]


# --- limits


def test_a_limited_share_keeps_out_the_others_and_a_larger_one_keeps_those_it_had(
    begin: Begin, folder: Path
) -> None:
    users = [f"u{number}" for number in range(40)]
    journey = way("{event: X}", LEAVE, more="limit: {share: 40 percent}\n")
    world = begin(some=journey)
    for user in users:
        world.track(user, "X")
    first = {user for user in users if runs(world, user)}
    for user in users:
        world.track(user, "X")
    assert {user for user in users if len(runs(world, user)) == 2} == first
    assert 3 <= len(first) <= 32  # outside of it once in two million times
    publish(world, folder, some=journey.replace("40", "70"))
    world.advance("1 hour")
    for user in users:
        world.track(user, "X")
    now = {user for user in users if entries(world, user)[-1:] == ["03-01 09:00"]}
    assert first < now


def test_no_more_than_the_limit_enter_within_an_hour(begin: Begin) -> None:
    world = begin(some=way("{event: X}", LEAVE, more="limit: {per hour: 3}\n"))
    for number in range(5):
        world.track(f"u{number}", "X")
    assert [len(runs(world, f"u{number}")) for number in range(5)] == [1, 1, 1, 0, 0]
    world.advance("1 hour")
    for number in range(5):
        world.track(f"u{number}", "X")
    assert [len(runs(world, f"u{number}")) for number in range(5)] == [2, 2, 2, 0, 0]


def test_whom_only_if_keeps_out_takes_nobody_s_place(begin: Begin) -> None:
    more = "only if: {person: {plan: pro}}\nlimit: {per hour: 1}\n"
    world = begin(some=way("{event: X}", LEAVE, more=more))
    world.track("ada", "X")
    world.identify("bob", plan="pro")
    world.track("bob", "X")
    assert (len(runs(world, "ada")), len(runs(world, "bob"))) == (0, 1)


# --- groups


def grouped(event: str, priority: int = 0, steps: str = STAY) -> str:
    return way(f"{{event: {event}}}", steps, more=f"group: offers\npriority: {priority}\n")


def test_a_person_is_in_one_journey_of_a_group_at_a_time(begin: Begin) -> None:
    world = begin(one=grouped("A"), two=grouped("B"), other=way("{event: B}"))
    world.track("ada", "A")
    world.track("ada", "B")
    assert outcomes(world, "ada", "one") == outcomes(world, "ada", "other") == ["open"]
    assert outcomes(world, "ada", "two") == []


def test_a_journey_of_higher_priority_takes_the_person_out_of_the_lower_one(begin: Begin) -> None:
    world = begin(low=grouped("A", 1), high=grouped("B", 2))
    world.track("ada", "A")
    world.track("ada", "B")
    world.track("ada", "A")
    assert outcomes(world, "ada", "low") == ["outranked"]
    assert outcomes(world, "ada", "high") == ["open"]
    live = world.permission("ada").live.values()
    assert [one.journey for one in live] == ["high"]


def test_of_two_that_one_event_starts_only_the_higher_begins(begin: Begin) -> None:
    world = begin(a=grouped("A", 1), b=grouped("A", 5))
    world.track("ada", "A")
    assert (outcomes(world, "ada", "a"), outcomes(world, "ada", "b")) == ([], ["open"])


def test_when_the_one_has_ended_another_of_the_group_may_begin(begin: Begin) -> None:
    world = begin(one=grouped("A", 9, "steps: [{wait: 1 day}]\n"), two=grouped("B"))
    world.track("ada", "A")
    world.advance("2 days")
    world.track("ada", "B")
    assert outcomes(world, "ada", "one") == ["finished"]
    assert outcomes(world, "ada", "two") == ["open"]


def test_an_outranked_run_whose_end_was_lost_is_ended_by_the_next_event(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin(low=grouped("A", 1), high=grouped("B", 2))
    world.track("ada", "A")
    with monkeypatch.context() as lost:
        lost.setattr("functions.journeys.enter.end_outranked", lambda desk, permission: None)
        world.track("ada", "B")
    assert outcomes(world, "ada", "low") == ["open"]
    world.track("ada", "Anything")
    assert outcomes(world, "ada", "low") == ["outranked"]


# --- the API


def ask(world: World, journey: str, **body: Any) -> dict[str, Any]:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    answer = world.request("POST", f"/api/journeys/{journey}/enter", body, key)
    world.settle()
    return answer


def test_the_api_lets_a_person_in_with_properties_that_the_journey_finds(begin: Begin) -> None:
    steps = "steps: [{if: {entry: {plan: pro}}, then: [{end: pro}]}]\n"
    world = begin(call=way("", steps))
    world.customer("ada")
    for who in ({"user_id": "ada"}, {"email": "Ada@example.com"}):
        answer = ask(world, "call", **who, properties={"plan": "pro"})
        assert answer["statusCode"] == 200
        assert (answer["json"]["entered"], answer["json"]["why_not"]) == (True, "")
    assert outcomes(world, "ada", "call") == ["pro", "pro"]
    assert {run.entry.name for run in runs(world, "ada")} == {"Entered by API"}


def test_the_same_occasion_lets_in_once_and_gets_the_same_answer(begin: Begin) -> None:
    world = begin(call=way("", LEAVE))
    world.identify("ada")
    answers = [ask(world, "call", user_id="ada", occasion="ticket 7")["json"] for _ in range(3)]
    assert answers[0]["entered"]
    assert answers == [answers[0]] * 3
    assert ask(world, "call", user_id="ada", occasion="ticket 8")["json"]["entered"]
    assert len(runs(world, "ada")) == 2


def test_the_api_says_why_somebody_did_not_enter(begin: Begin) -> None:
    world = begin(
        once=way("", once="person"),
        pros=way("", more="only if: {person: {plan: pro}}\n"),
        order=way("", once="order_id"),
        few=way("", more="limit: {per hour: 1}\n"),
        low=way("", more="group: offers\n"),
        high=way("", more="group: offers\n"),
    )
    world.identify("ada")
    world.identify("bob")
    person = world.person("ada").person
    assert ask(world, "once", person=person)["json"]["entered"]
    said = ask(world, "once", person=person, occasion="x")["json"]
    assert (said["entered"], said["why_not"]) == (False, "the person has entered for this already")
    assert "only if" in ask(world, "pros", person=person)["json"]["why_not"]
    assert '"properties" lacks "order_id"' in ask(world, "order", person=person)["json"]["why_not"]
    assert ask(world, "few", user_id="bob")["json"]["entered"]
    said = ask(world, "few", user_id="ada")["json"]
    assert said["why_not"] == "1 have entered within this hour already"
    assert ask(world, "low", user_id="ada")["json"]["entered"]
    said = ask(world, "high", user_id="ada")["json"]
    assert said["why_not"] == 'the person is in "low" of the same group'


@pytest.mark.parametrize(
    ("journey", "body", "status"),
    [
        ("nothing", {"user_id": "ada"}, 404),
        ("call", {"user_id": "nobody"}, 404),
        ("call", {"person": "nobody"}, 404),
        ("call", {}, 400),
        ("call", {"user_id": "ada", "email": "ada@example.com"}, 400),
        ("call", {"user_id": 5}, 400),
        ("call", {"user_id": "ada", "other": 1}, 400),
        ("call", {"user_id": "ada", "properties": {"x": "y" * 40_000}}, 400),
    ],
)
def test_a_wrong_order_to_enter_is_refused_with_a_sentence(
    begin: Begin, journey: str, body: Any, status: int
) -> None:
    world = begin(call=way(""))
    world.identify("ada")
    answer = ask(world, journey, **body)
    assert answer["statusCode"] == status
    assert answer["json"]["message"]
    assert runs(world, "ada") == []


def test_nobody_enters_by_the_api_without_the_key(begin: Begin) -> None:
    world = begin(call=way(""))
    world.identify("ada")
    assert (
        world.request("POST", "/api/journeys/call/enter", {"user_id": "ada"})["statusCode"] == 401
    )
    assert runs(world, "ada") == []


# --- crashes, and what it costs


@pytest.mark.parametrize("journey", ["{person: {plan: pro}}", "{date: person.trial_ends}"])
def test_a_crash_between_entering_and_noting_it_lets_nobody_in_twice(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, journey: str
) -> None:
    world = begin(fans=way(journey, LEAVE))
    world.identify("ada", trial_ends="2027-03-03")
    put = type(world.store).put
    crashes = iter([True, True])

    def crash(store: Any, record: Any) -> None:
        if isinstance(record, Standing) and next(crashes, False):
            raise RuntimeError("the power went")
        put(store, record)

    monkeypatch.setattr(type(world.store), "put", crash)
    world.identify("ada", plan="pro")
    world.advance("10 days")
    assert outcomes(world, "ada", "fans") == ["done"]


def test_a_person_whom_no_such_journey_concerns_has_no_standing(begin: Begin) -> None:
    world = begin(fans=way("{person: {plan: pro}}"), ends=way("{date: person.trial_ends}"))
    world.identify("ada", plan="free")
    assert standing(world, "ada") is None


def test_without_such_journeys_no_event_costs_one_call_more(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_look(*args: Any) -> None:
        raise AssertionError("nobody needs to be looked at")

    monkeypatch.setattr("functions.handlers.process_event.look", no_look)
    world = begin(other=way("{event: X}"))
    asked: list[type] = []
    for verb in ("get", "put"):
        call = getattr(type(world.store), verb)

        def noted(store: Any, what: Any, *more: Any, call: Any = call) -> Any:
            asked.append(what if isinstance(what, type) else type(what))
            return call(store, what, *more)

        monkeypatch.setattr(type(world.store), verb, noted)
    world.track("ada", "X")
    assert len(runs(world, "ada")) == 1
    assert not {Standing, Sweep, Taken} & set(asked)


def test_who_met_a_condition_on_a_device_does_not_meet_it_again_when_they_are_known(
    begin: Begin,
) -> None:
    world = begin(fans=way("{did: X}", LEAVE))
    world.post("track", {"anonymousId": "device", "event": "X"})
    world.identify("ada", plan="pro")
    world.advance("1 hour")
    world.post("identify", {"userId": "ada", "anonymousId": "device", "traits": {"plan": "pro"}})
    world.advance("1 hour")
    assert outcomes(world, "ada", "fans") == ["done"]
    assert not list(world.store.query(Standing, world.person("ada").merged[0]))


def test_the_standing_of_somebody_who_was_merged_away_goes_with_the_merge(begin: Begin) -> None:
    world = begin(ends=way("{every: 'day 12:00'}", LEAVE))
    world.post("track", {"anonymousId": "device", "event": "X"})
    world.identify("ada")
    world.post("identify", {"userId": "ada", "anonymousId": "device", "traits": {}})
    [device] = world.person("ada").merged
    assert world.store.get(Standing, device) is None
    world.advance("1 day")
    assert entries(world, "ada") == ["03-01 11:00"]


def test_a_look_that_fails_is_tried_again_and_buried_in_the_end(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin(ends=way("{every: 'day 12:00'}", LEAVE))
    world.identify("ada")

    def fail(*args: Any, **more: Any) -> None:
        raise RuntimeError("poison")

    with monkeypatch.context() as broken:
        broken.setattr("functions.handlers.looking.look", fail)
        world.advance("6 hours")
    [(_, reason, body)] = world.system.queue.dead()
    assert reason == "RuntimeError: poison"
    assert json.loads(body)["attempt"] == 5
    assert runs(world, "ada") == []
    process_event.handler(message(json.loads(body)), None)
    assert len(runs(world, "ada")) == 1


def test_an_event_that_comes_while_a_failed_look_is_put_off_does_not_lose_the_date(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin(ends=way("{every: 'day 12:00'}", LEAVE))
    world.identify("ada")

    def fail(*args: Any, **more: Any) -> None:
        raise RuntimeError("poison")

    with monkeypatch.context() as broken:
        broken.setattr("functions.handlers.looking.look", fail)
        world.advance("6 hours")
    assert runs(world, "ada") == []
    world.track("ada", "Anything")
    assert [run.entry.time.hour for run in runs(world, "ada")] == [11]
    world.track("ada", "Anything")
    assert len(runs(world, "ada")) == 1


def unavailable(monkeypatch: pytest.MonkeyPatch, world: World, verb: str, kind: type) -> None:
    """The store takes no such call about this kind of record."""
    call = getattr(type(world.store), verb)

    def busy(store: Any, what: Any, *more: Any, **options: Any) -> Any:
        if kind in (what, type(what)):
            raise Unavailable("too busy")
        return call(store, what, *more, **options)

    monkeypatch.setattr(type(world.store), verb, busy)


def test_a_busy_store_delays_a_look_at_everybody_and_loses_nobody(
    begin: Begin, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin(other=way("{event: X}"))
    world.identify("ada", plan="pro")
    write(folder, {"fans": way("{person: {plan: pro}, including those already: true}")})
    world.system.publish()
    for verb, kind in (("listing", Profile), ("put", Standing)):
        with monkeypatch.context() as busy:
            unavailable(busy, world, verb, kind)
            records = world.system.queue.receive(10)
            assert process_event.handler({"Records": records}, None) == {"batchItemFailures": []}
            world.system.queue.delete([one["messageId"] for one in records])
    world.settle()
    assert len(runs(world, "ada")) == 1
    assert world.system.queue.dead() == []
    found = standing(world, "ada")
    assert found
    assert found.holds == {"fans": True}


def test_who_is_due_and_was_not_looked_at_for_a_busy_store_is_found_again(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin(news=way("{every: 'day 12:00'}"))
    world.identify("ada")
    world.system.clock.move_to(datetime(2027, 3, 1, 11, 0, 30, tzinfo=UTC))
    with monkeypatch.context() as busy:
        unavailable(busy, world, "put", Standing)
        process_event.handler(message({"look": [world.person("ada").person]}), None)
    assert find_due.handler({}, None) == {"due": 1}
    world.settle()
    assert entries(world, "ada") == ["03-01 11:00"]
    assert find_due.handler({}, None) == {"due": 0}


def test_a_message_that_is_no_look_is_set_aside_with_the_reason(begin: Begin) -> None:
    world = begin(news=way("{every: 'day 12:00'}"))
    assert process_event.handler(message({"look": 5}), None) == {"batchItemFailures": []}
    [(_, reason, _)] = world.system.queue.dead()
    assert reason.startswith("a look at people that cannot be read: ")


def test_a_journey_that_nobody_enters_any_more_leaves_nobody_due(
    begin: Begin, folder: Path
) -> None:
    world = begin(news=way("{every: 'day 12:00'}"))
    world.identify("ada")
    shutil.rmtree(folder / "news")
    publish(world, folder, other=way("{event: X}"))
    world.advance("2 days")
    found = standing(world, "ada")
    assert found
    assert (found.due, found.holds) == (None, {})
    assert runs(world, "ada") == []


def test_two_looks_at_once_let_in_once(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    world = begin(fans=way("{person: {plan: pro}}", LEAVE))
    world.identify("ada", plan="free")
    put = type(world.store).put
    other = iter([True])

    def meanwhile(store: Any, record: Any) -> None:
        if isinstance(record, Standing) and next(other, False):
            desk, person = journey_desk(world.system.parts), world.person("ada")
            look(desk, person, desk.permission(person.person))
        put(store, record)

    world.identify("bob", plan="pro")
    monkeypatch.setattr(type(world.store), "put", meanwhile)
    world.identify("ada", plan="pro")
    assert outcomes(world, "ada", "fans") == ["done"]
    found = standing(world, "ada")
    assert found
    assert found.version == 1
