"""Sales in a whole Tante: from the hand-over to the signed offer, each thing told once."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from functions.handlers import sales_desk, wiring
from functions.handlers.answers import deals, leads, notes
from functions.handlers.answers.door import logger as admin_logger
from functions.handlers.run_step import logger as step_logger
from tests.support.pack import folder_with
from tests.support.world import JOURNEYS, World

HAND_OVER = """\
title: Hand-over
purpose: offers
enter when: {event: Demo Requested}
once per: occasion
steps:
  - task: Call about the demo
    for: owner
    due: 1 day
    pause marketing: until done
    hand over: true
"""
ASK = """\
title: Ask
purpose: offers
enter when: {event: Asked}
once per: occasion
steps:
  - task: Answer
    for: owner
"""
RENEWAL = """\
title: Renewal
purpose: offers
enter when: {event: Licence Ending}
once per: licence_id
steps:
  - task: Call about the renewal
    for: owner
    pause marketing: until done
  - task: Write a letter
    for: owner
  - wait for: {event: Licence Renewed}
    at most: 10 days
    then: [{finish task: Call about the renewal}]
"""
CALLED = """\
title: After a call
purpose: offers
enter when: {event: Call Logged}
once per: occasion
steps: [{end: called}]
"""
SALES = """\
people:
  anna: {name: Anna, email: anna@shop.example, languages: [de], at most: 2 open tasks}
  ben: {name: Ben, email: ben@shop.example}
away:
  ben: [{from: 2027-04-01, to: 2027-04-10}]
routing:
  - {when: {person: {country: DE}}, to: [anna, ben]}
otherwise: [sales]
pipeline:
  new: {at most: 2 days}
  qualified: {needs: [budget]}
  offer: {}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    """A Tante with two colleagues, a journey that hands over and one that only asks."""
    folder = tmp_path / "folder"
    shutil.copytree(JOURNEYS / "parts", folder / "parts")
    shutil.copy(JOURNEYS / "brand.yaml", folder)
    (folder / "sales.yaml").write_text(SALES, "utf-8")
    for name, text in (
        ("hand-over", HAND_OVER),
        ("ask", ASK),
        ("renewal", RENEWAL),
        ("called", CALLED),
    ):
        (folder / name).mkdir()
        (folder / name / "journey.yaml").write_text(text, "utf-8")
    yield World(tmp_path / "data", folder)
    wiring.use(None)


def say(world: World, path: str, body: Any = None, method: str = "POST") -> tuple[int, Any]:
    """What a colleague says to the admin API, and all that follows from it now."""
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    answer = world.request(method, path, body or {}, key)
    world.settle()
    return int(answer["statusCode"]), answer["json"]


def said(world: World, path: str, body: Any = None, method: str = "POST") -> Any:
    status, answer = say(world, path, body, method)
    assert status == 200, answer
    return answer


def refused(world: World, path: str, body: Any = None) -> str:
    status, answer = say(world, path, body)
    assert (status, answer["code"]) == (400, "bad_request"), answer
    return str(answer["message"])


def happened(world: World, user: str) -> Counter[str]:
    """How often each event stands in the person's timeline."""
    person = world.person(user).person
    events = world.api(f"/api/people/{person}/timeline", limit="500")["events"]
    return Counter(event["event"] for event in events)


def told(world: World, user: str, name: str) -> dict[str, Any]:
    """The properties of the person's only event of that name."""
    person = world.person(user).person
    events = world.api(f"/api/people/{person}/timeline", limit="500")["events"]
    [found] = [event["properties"] for event in events if event["event"] == name]
    return dict(found)


def handed_over(world: World, user: str = "ada", **traits: Any) -> dict[str, Any]:
    """The task with which somebody was handed over just now."""
    world.customer(user, **{"country": "DE", **traits})
    world.track(user, "Demo Requested")
    person = world.person(user).person
    [task] = [one for one in world.api("/api/tasks")["tasks"] if one["person"] == person]
    return dict(task)


def of(task: dict[str, Any], what: str = "") -> str:
    return f"/api/tasks/{task['person']}/{task['id']}{what}"


def lead_of(task: dict[str, Any]) -> str:
    return f"/api/people/{task['person']}/leads/{task['id']}"


# --- the hand-over


def test_a_hand_over_makes_a_lead_and_a_task_of_one_owner_and_marketing_pauses(
    shop: World,
) -> None:
    task = handed_over(shop)
    [lead] = shop.api("/api/leads")["leads"]
    assert (lead["id"], lead["owner"], lead["status"]) == (task["id"], "anna", "open")
    assert lead["why_owner"] == task["why_owner"] == "line 1 of the routing, 0 open tasks"
    assert lead["journey"] == "hand-over"
    assert shop.person("ada").trait("owner") == "anna"
    assert shop.permission("ada").paused.keys() == {task["id"]}
    counts = happened(shop, "ada")
    assert counts["Task Created"] == counts["Lead Handed Over"] == 1
    assert told(shop, "ada", "Lead Handed Over")["score"] == 0


def test_a_task_without_hand_over_makes_no_lead(shop: World) -> None:
    shop.customer("ada", country="DE")
    shop.track("ada", "Asked")
    assert shop.api("/api/tasks")["tasks"][0]["handed_over"] is False
    assert shop.api("/api/leads")["leads"] == []


@pytest.mark.parametrize("status", ["rejected", "won", "lost"])
def test_who_rejects_wins_or_loses_a_lead_has_done_its_task_and_marketing_goes_again(
    shop: World, status: str
) -> None:
    task = handed_over(shop)
    shop.advance("2 hours")
    body = {"status": status, "reason": "so it is", "by": "anna"}
    for _ in "12":
        lead = said(shop, lead_of(task), body)
    assert (lead["status"], lead["reason"]) == (status, "so it is")
    [done] = shop.api("/api/tasks")["tasks"]
    assert (done["status"], done["outcome"]) == ("done", status)
    assert shop.permission("ada").paused == {}
    counts = happened(shop, "ada")
    assert counts[f"Lead {status.title()}"] == counts["Task Completed"] == 1


def test_an_accepted_lead_keeps_its_task_and_its_time_to_owner_is_told(shop: World) -> None:
    task = handed_over(shop)
    shop.advance("90 minutes")
    lead = said(shop, lead_of(task), {"status": "accepted", "by": "anna"})
    assert lead["hours_to_owner"] == 1.5
    assert shop.api("/api/tasks")["tasks"][0]["status"] == "open"
    assert shop.permission("ada").paused
    assert shop.api("/api/leads", status="accepted")["leads"] == [lead]
    assert shop.api("/api/leads", status="open")["leads"] == []
    assert shop.api("/api/leads/report")["median_hours"] == 1.5


def test_a_lead_that_is_lost_without_a_reason_is_refused(shop: World) -> None:
    task = handed_over(shop)
    assert "why it is lost" in refused(shop, lead_of(task), {"status": "lost"})
    status, _ = say(shop, f"/api/people/{task['person']}/leads/none", {"status": "won"})
    assert status == 404


# --- who takes whom


def test_the_next_task_goes_to_whom_the_person_was_given_to(shop: World) -> None:
    handed_over(shop)
    shop.track("ada", "Asked")
    assert {task["owner"] for task in shop.api("/api/tasks")["tasks"]} == {"anna"}


def test_two_tasks_at_once_have_one_owner_though_the_profile_knows_of_none_yet(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sales_desk, "owner_event", lambda *_: None)
    handed_over(shop)
    assert shop.person("ada").trait("owner") is None
    shop.track("bob", "Asked")  # somebody else in between
    shop.track("ada", "Asked")
    owners = {task["owner"] for task in shop.api("/api/tasks")["tasks"]}
    assert owners == {"anna", "sales"}


def test_load_is_shared_and_nobody_gets_more_than_agreed(shop: World) -> None:
    owners = [handed_over(shop, f"u{number}")["owner"] for number in range(6)]
    assert owners == ["anna", "ben", "anna", "ben", "ben", "ben"]


def test_a_done_task_makes_room_again(shop: World) -> None:
    given = [handed_over(shop, f"u{number}") for number in range(4)]
    said(shop, of(given[0], "/done"))
    assert handed_over(shop, "last")["owner"] == "anna"


def test_an_owner_on_holiday_is_stood_in_for_and_comes_back(shop: World) -> None:
    shop.customer("ada", country="DE", language="en", owner="ben")
    shop.advance("35 days")
    shop.track("ada", "Asked")
    [task] = shop.api("/api/tasks")["tasks"]
    assert task["owner"] == "sales"  # Anna speaks no English
    assert task["why_owner"] == "ben is away until 2027-04-10; the routing's otherwise"
    assert shop.person("ada").trait("owner") == "ben"
    shop.advance("7 days")
    shop.track("ada", "Asked")
    assert shop.api("/api/tasks", owner="ben")["tasks"][0]["status"] == "open"


# --- tasks


def test_tasks_of_an_owner_come_open_first_and_the_one_that_is_due_soonest_first(
    shop: World,
) -> None:
    for user in ("u1", "u2", "u3"):
        handed_over(shop, user, language="en")
        shop.advance("1 hour")
    shop.track("u1", "Asked")  # without a day: last
    found = shop.api("/api/tasks", owner="ben")["tasks"]
    assert [task["due"] is None for task in found] == [False, False, False, True]
    assert [task["due"] for task in found[:3]] == sorted(task["due"] for task in found[:3])
    said(shop, of(found[0], "/done"))
    again = shop.api("/api/tasks", owner="ben")["tasks"]
    assert [task["id"] for task in again] == [task["id"] for task in [*found[1:], found[0]]]
    still = shop.api("/api/tasks", owner="ben", status="open")["tasks"]
    assert [task["id"] for task in still] == [task["id"] for task in found[1:]]
    assert shop.api("/api/tasks", owner="anna")["tasks"] == []
    assert "open or done" in str(ask_refused(shop, "/api/tasks?status=late"))


def ask_refused(world: World, path: str) -> Any:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    answer = world.request("GET", path, headers=key)
    assert int(answer["statusCode"]) == 400
    return answer["json"]["message"]


def test_a_task_is_handed_on_and_the_lead_and_the_person_with_it(shop: World) -> None:
    task = handed_over(shop)
    shop.advance("1 minute")  # two owners of one moment would have no order
    body = {"to": "ben", "by": "anna", "note": "knows them", "owner_too": True}
    for _ in "12":
        assert said(shop, of(task, "/reassign"), body)["owner"] == "ben"
    assert shop.person("ada").trait("owner") == "ben"
    [lead] = shop.api("/api/leads")["leads"]
    assert lead["owner"] == "ben"
    assert shop.api("/api/leads/report")["forwarded"] == 1
    assert told(shop, "ada", "Task Reassigned")["from"] == "anna"
    assert "anna had this task before" in refused(shop, of(task, "/reassign"), {"to": "anna"})
    assert "is nobody here" in refused(shop, of(task, "/reassign"), {"to": "carl"})


def test_a_task_that_is_opened_again_and_done_again_is_told_each_time(shop: World) -> None:
    task = handed_over(shop)
    said(shop, of(task, "/done"), {"outcome": "not reached"})
    said(shop, of(task, "/reopen"), {"note": "try again"})
    done = said(shop, of(task, "/done"), {"outcome": "reached", "note": "at last"})
    assert (done["outcome"], done["history"][-1]["note"]) == ("reached", "at last")
    counts = happened(shop, "ada")
    assert (counts["Task Completed"], counts["Task Reopened"]) == (2, 1)


def test_a_journey_takes_back_its_own_task_and_no_other(shop: World) -> None:
    shop.customer("ada", country="DE")
    for licence in ("l1", "l2"):
        shop.track("ada", "Licence Ending", licence_id=licence)
    first, second = sorted(
        (task for task in shop.api("/api/tasks")["tasks"] if task["text"].startswith("Call")),
        key=lambda task: str(task["id"]),
    )
    said(shop, of(first, "/done"), {"outcome": "reached"})
    shop.track("ada", "Licence Renewed")
    found = {task["id"]: task for task in shop.api("/api/tasks")["tasks"]}
    assert (found[first["id"]]["outcome"], found[second["id"]]["outcome"]) == (
        "reached",
        "no longer needed",
    )
    letters = [task for task in found.values() if task["text"] == "Write a letter"]
    assert [task["status"] for task in letters] == ["open", "open"]
    assert shop.permission("ada").paused == {}
    assert happened(shop, "ada")["Task Completed"] == 2


# --- conversations


def note(world: World, user: str, **body: Any) -> Any:
    return said(world, f"/api/people/{world.person(user).person}/notes", {"kind": "call", **body})


def test_a_conversation_is_an_event_and_the_last_contact_and_a_try_is_neither(
    shop: World,
) -> None:
    shop.customer("ada")
    person = shop.person("ada").person
    note(shop, "ada", outcome="not reached")
    assert happened(shop, "ada")["Contact Attempted"] == 1
    assert "nobody has spoken" in str(shop.api(f"/api/people/{person}/brief"))
    for kind in ("call", "meeting", "visit", "email"):
        note(shop, "ada", kind=kind, text="confidential", by="anna", outcome="interested")
    counts = happened(shop, "ada")
    names = ("Call Logged", "Meeting Held", "Visit Held", "Email Answered")
    assert [counts[name] for name in names] == [1, 1, 1, 1]
    assert told(shop, "ada", "Call Logged")["outcome"] == "interested"
    assert "confidential" not in str(shop.api(f"/api/people/{person}/timeline"))
    assert len(shop.api(f"/api/people/{person}/notes")["notes"]) == 5
    assert "the last conversation was on 1 March 2027" in str(
        shop.api(f"/api/people/{person}/brief")
    )


def test_the_same_note_is_kept_once_however_often_it_is_sent(shop: World) -> None:
    shop.customer("ada")
    first = note(shop, "ada", id="n1", text="first")
    shop.advance("1 hour")
    assert note(shop, "ada", id="n1", text="second") == first
    assert happened(shop, "ada")["Call Logged"] == 1


def test_a_note_that_was_kept_is_not_refused_when_it_comes_again_after_the_deal_went_on(
    shop: World,
) -> None:
    shop.customer("ada")
    path = deal(shop, "ada")
    first = note(shop, "ada", id="n1")
    said(shop, f"{path}/stage", {"to": "qualified"})
    assert note(shop, "ada", id="n1") == first
    call = {"kind": "call", "id": "n2"}
    assert "budget" in refused(shop, f"/api/people/{shop.person('ada').person}/notes", call)


def test_a_note_belongs_to_the_deal_that_it_names_which_has_to_be_there(shop: World) -> None:
    shop.customer("ada")
    first, _ = deal(shop, "ada"), deal(shop, "ada")
    of_first = first.rpartition("/")[2]
    assert note(shop, "ada", deal=of_first)["deal"] == of_first
    path = f"/api/people/{shop.person('ada').person}/notes"
    said_of = {"kind": "call", "outcome": "reached", "text": "x", "deal": "nothing"}
    status, answer = say(shop, path, said_of)
    assert (status, answer["code"]) == (404, "not_found")
    assert 'no deal with the id "nothing"' in answer["message"]


def test_what_a_later_note_put_right_stays_right_when_the_first_comes_again(shop: World) -> None:
    shop.customer("ada")
    deal(shop, "ada")
    for number, budget in ((1, 900), (2, 1200), (1, 900)):
        note(shop, "ada", id=f"n{number}", fields={"budget": budget})
    [found] = shop.api("/api/deals")["deals"]
    assert found["known"] == {"budget": 1200}


def test_a_call_of_last_week_counts_by_its_own_time_and_starts_nothing(shop: World) -> None:
    shop.customer("ada")
    shop.advance("10 days")
    long_ago = (shop.now - shop.days(7)).isoformat()
    assert note(shop, "ada", at=long_ago)["at"] == long_ago.replace("+00:00", "Z")
    assert shop.person("ada").events["Call Logged"].last == shop.now - shop.days(7)
    assert shop.outcomes("called") == []
    note(shop, "ada")
    assert shop.outcomes("called") == ["called"]
    person = shop.person("ada").person
    tomorrow = (shop.now + shop.days(1)).isoformat()
    for wrong in (tomorrow, "2027-03-01T09:00:00"):
        body = {"kind": "call", "at": wrong}
        assert "not in the future" in refused(shop, f"/api/people/{person}/notes", body)


# --- deals


def deal(world: World, user: str, **body: Any) -> str:
    """The path of a new deal."""
    person = world.person(user).person
    found = said(world, f"/api/people/{person}/deals", {"title": "Premium", "value": 900, **body})
    return f"/api/people/{person}/deals/{found['id']}"


def test_a_deal_goes_its_way_and_every_step_is_told_once(shop: World) -> None:
    shop.customer("ada", owner="anna")
    path = deal(shop, "ada", id="d1", expected="2027-06-30")
    assert deal(shop, "ada", id="d1", title="Another") == path
    for to in ("qualified", "qualified"):
        said(shop, f"{path}/stage", {"to": to})
    assert "needs, from a note: budget" in refused(shop, f"{path}/stage", {"to": "offer"})
    person = shop.person("ada").person
    call = {"kind": "call", "text": "nice talk"}
    assert 'has to tell, in "fields": budget' in refused(shop, f"/api/people/{person}/notes", call)
    note(shop, "ada", outcome="not reached")
    note(shop, "ada", fields={"budget": 900})
    note(shop, "ada", text="once said, it is known")
    shop.advance("3 days")
    said(shop, f"{path}/stage", {"to": "offer"})
    for _ in "12":
        said(shop, f"{path}/offers", {"id": "o1", "value": 850})
        said(shop, f"{path}/offers/o1/signed")
        said(shop, f"{path}/stage", {"to": "won"})
    counts = happened(shop, "ada")
    once = ("Deal Created", "Offer Sent", "Offer Signed", "Deal Won")
    assert {name: counts[name] for name in once} == dict.fromkeys(once, 1)
    assert counts["Deal Stage Changed"] == 2
    assert told(shop, "ada", "Offer Signed")["value"] == 850
    [found] = shop.api(f"/api/people/{person}/deals")["deals"]
    assert (found["title"], found["owner"], found["currency"]) == ("Premium", "anna", "EUR")
    assert [stay["stage"] for stay in found["stays"]] == ["new", "qualified", "offer", "won"]
    assert len(found["notes"]) == 3
    report = shop.api("/api/deals/report")
    assert report["won_value"] == {"EUR": 900}
    assert [stage["median_days"] for stage in report["stages"]] == [0, 3, 0]


def test_deals_are_listed_by_stage(shop: World) -> None:
    shop.customer("ada")
    first, second = deal(shop, "ada", title="A"), deal(shop, "ada", title="B")
    said(shop, f"{second}/stage", {"to": "lost", "reason": "no money"})
    titles = {
        stage: [one["title"] for one in shop.api("/api/deals", stage=stage)["deals"]]
        for stage in ("new", "lost", "offer")
    }
    assert titles == {"new": ["A"], "lost": ["B"], "offer": []}
    said(shop, first, {"title": "C", "value": 5}, "PUT")
    assert shop.api("/api/deals", stage="new")["deals"][0]["title"] == "C"
    assert 'did you mean "offer"' in ask_refused(shop, "/api/deals?stage=ofer")
    with_words = {"title": "D", "expected": "in June"}
    person = shop.person("ada").person
    assert 'like "2027-12-31"' in refused(shop, f"/api/people/{person}/deals", with_words)


def test_a_changed_pipeline_counts_at_once_and_leaves_deals_where_they_are(
    shop: World, tmp_path: Path
) -> None:
    shop.customer("ada")
    path = deal(shop, "ada")
    file = tmp_path / "folder" / "sales.yaml"
    file.write_text(SALES.replace("  new: {at most: 2 days}\n", ""), "utf-8")
    shop.system.publish()
    [found] = shop.api("/api/deals")["deals"]
    assert found["stage"] == "new"
    assert "new" in [stage["stage"] for stage in shop.api("/api/deals/report")["stages"]]
    said(shop, f"{path}/stage", {"to": "offer"})


def test_without_a_pipeline_there_are_no_deals_and_without_the_file_teams_have_the_tasks(
    shop: World, tmp_path: Path
) -> None:
    (tmp_path / "folder" / "sales.yaml").unlink()
    shop.system.publish()
    assert handed_over(shop)["owner"] == "sales"
    person = shop.person("ada").person
    words = refused(shop, f"/api/people/{person}/deals", {"title": "Premium"})
    assert "sales.yaml has no pipeline" in words


# --- what crashes on the way


CALLS: dict[str, Callable[[World, dict[str, Any], str], tuple[str, Any, Any]]] = {
    "Task Completed": lambda world, task, path: (of(task, "/done"), {}, sales_desk),
    "Task Reassigned": lambda world, task, path: (of(task, "/reassign"), {"to": "ben"}, sales_desk),
    "Lead Won": lambda world, task, path: (lead_of(task), {"status": "won"}, leads),
    "Deal Stage Changed": lambda world, task, path: (f"{path}/stage", {"to": "qualified"}, deals),
    "Offer Sent": lambda world, task, path: (f"{path}/offers", {"id": "o1"}, deals),
    "Call Logged": lambda world, task, path: (
        f"/api/people/{task['person']}/notes",
        {"kind": "call", "id": "n1"},
        notes,
    ),
}


@pytest.mark.parametrize("event", CALLS)
def test_what_failed_half_way_may_be_said_again_and_is_told_once(
    shop: World, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    task = handed_over(shop)
    path, body, module = CALLS[event](shop, task, deal(shop, "ada"))

    def fail(*_: Any) -> None:
        raise RuntimeError("the queue is away")

    monkeypatch.setattr(admin_logger, "exception", lambda *_, **__: None)
    with monkeypatch.context() as broken:
        broken.setattr(module, "tell", fail)
        assert say(shop, path, body)[0] == 500
    assert happened(shop, "ada")[event] == 0
    shop.advance("1 hour")
    for _ in "12":
        said(shop, path, body)
    assert happened(shop, "ada")[event] == 1


def test_a_lead_whose_task_could_not_be_closed_is_closed_by_saying_it_again(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = handed_over(shop)

    def fail(*_: Any) -> None:
        raise RuntimeError("the store is away")

    monkeypatch.setattr(admin_logger, "exception", lambda *_, **__: None)
    with monkeypatch.context() as broken:
        broken.setattr(leads, "alter_task", fail)
        assert say(shop, lead_of(task), {"status": "won"})[0] == 500
    assert shop.permission("ada").paused
    said(shop, lead_of(task), {"status": "won"})
    assert shop.permission("ada").paused == {}
    counts = happened(shop, "ada")
    assert counts["Lead Won"] == counts["Task Completed"] == 1


def test_a_step_that_crashed_half_way_gives_one_task_and_one_lead_to_one_owner(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = sales_desk.tell, ["put", "told"]

    def fail(parts: Any, events: Any) -> None:
        if not left:
            return real(parts, events)
        if left.pop() == "told":
            real(parts, events)
        raise RuntimeError("the Lambda is gone")

    monkeypatch.setattr(step_logger, "exception", lambda *_, **__: None)
    monkeypatch.setattr(sales_desk, "tell", fail)
    shop.customer("ada", country="DE")
    shop.track("ada", "Demo Requested")
    shop.advance("1 hour")
    assert left == []
    [task] = shop.api("/api/tasks")["tasks"]
    assert [lead["id"] for lead in shop.api("/api/leads")["leads"]] == [task["id"]]
    counts = happened(shop, "ada")
    assert counts["Task Created"] == counts["Lead Handed Over"] == 1
    assert shop.person("ada").trait("owner") == task["owner"] == "anna"


# --- ready journeys


def packed(name: str, tmp_path: Path) -> World:
    return World(tmp_path / "data", folder_with(name, tmp_path / "folder"))


def test_a_reminder_comes_three_months_after_the_last_conversation_and_each_sets_it_anew(
    tmp_path: Path,
) -> None:
    world = packed("quiet-customer", tmp_path)
    world.customer("ada")
    world.order("ada", "o1", "basic-1y")
    note(world, "ada")
    world.advance("60 days")
    note(world, "ada", kind="visit")
    world.advance("60 days")
    note(world, "ada", outcome="not reached")  # a try sets nothing anew
    assert world.api("/api/tasks")["tasks"] == []
    world.advance("33 days")
    [task] = world.api("/api/tasks")["tasks"]
    assert task["text"].startswith("Call, the last conversation was three months ago")
    note(world, "ada", kind="email")
    world.advance("30 days")
    assert world.outcomes("quiet-customer") == ["spoke again"]
    assert world.sent("ada") == []
    wiring.use(None)


def test_a_signed_offer_begins_the_onboarding(tmp_path: Path) -> None:
    folder = folder_with("signed-offer", tmp_path / "folder")
    (folder / "sales.yaml").write_text(SALES, "utf-8")
    world = World(tmp_path / "data", folder)
    world.customer("ada", owner="anna")
    path = deal(world, "ada")
    said(world, f"{path}/offers", {"id": "o1"})
    assert world.runs("signed-offer") == []
    for _ in "12":
        said(world, f"{path}/offers/o1/signed")
    assert world.sent("ada") == ["next-steps"]
    world.advance("10 days")
    found = {task["text"]: task["owner"] for task in world.api("/api/tasks")["tasks"]}
    assert found == {
        "Set up the access and tell the customer": "care",
        "Call and ask whether everything works": "anna",
    }
    assert world.outcomes("signed-offer") == ["finished"]
    wiring.use(None)


# --- merges


def test_what_sales_knows_of_a_visitor_follows_them_to_who_they_are(shop: World) -> None:
    post = partial(shop.post, "track")
    post({"anonymousId": "visitor", "event": "Demo Requested"})
    [lead] = shop.api("/api/leads")["leads"]
    visitor = lead["person"]
    said(shop, f"/api/people/{visitor}/deals", {"title": "Premium", "id": "d1"})
    shop.post("identify", {"userId": "ada", "anonymousId": "visitor", "traits": {}})
    ada = shop.person("ada").person
    assert ada != visitor
    said(shop, f"/api/people/{ada}/leads/{lead['id']}", {"status": "won"})
    said(shop, f"/api/people/{ada}/deals/d1/stage", {"to": "qualified"})
    said(shop, f"/api/people/{ada}/notes", {"kind": "call", "fields": {"budget": 1}})
    [found] = shop.api(f"/api/people/{ada}/deals")["deals"]
    assert (found["stage"], found["known"], len(found["notes"])) == ("qualified", {"budget": 1}, 1)
    assert happened(shop, "ada")["Lead Won"] == 1
    assert "Premium" in str(shop.api(f"/api/people/{ada}/brief"))
