"""The admin API and its description: what is asked for, by whom, and how errors look."""

import base64
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi import checks

from functions.doors.records import SecretKey
from functions.forecast.asked import Asked
from functions.forecast.record import Forecast
from functions.handlers import answer_admin, wiring
from functions.handlers.open_doors import OPEN_DOORS
from functions.handlers.orders import ORDERS
from functions.handlers.suppressing import suppress_address
from functions.journeys.run import Task
from functions.sales.records import Lead
from functions.segments.cluster_records import ClusterFigures, ClusterReport
from functions.storage.read_source import key_hash
from functions.tracking.pause import Pause, Stop
from functions.tracking.profile import Profile
from local.app import App
from local.http_server import application, serving
from local.system import System
from tests.support.world import CONTEXT, JOURNEYS, World

OPEN = {one.path for one in OPEN_DOORS}  # tests/integration/test_open_doors.py asks these
SCOPES = {one.called: one.scope for one in [*answer_admin.OPERATIONS, *ORDERS.values()] if one.key}
PATHS = [one.path for one in answer_admin.OPERATIONS if one.method == "get"]


@pytest.fixture
def ada(world: World) -> str:
    """A person with a past: an order, mails, a click, a run of each kind, a task."""
    world.post("page", {"anonymousId": "visitor", "name": "Home", "properties": {"path": "/"}})
    world.post("identify", {"userId": "ada", "anonymousId": "visitor", "traits": {}})
    world.customer("ada", firstName="Ada", language="en")
    world.order("ada", "o1", "basic-1y")
    world.advance("15 days")
    world.click(world.outbox()[1], "guide-video")
    world.click(world.outbox()[-1], "premium")
    world.order("ada", "o2", "basic-1y")
    return world.person("ada").person


def ask(world: World, path: str, key: str = "", method: str = "GET") -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {key or world.system.keys.secret_key}"}
    answer = world.request(method, path, headers=headers)
    return int(answer["statusCode"]), answer["json"]


def have_codes(world: World) -> str:
    """Publish codes; their name."""
    headers = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    files = {"codes.yaml": "shop: {kind: list}"}
    assert world.request("POST", "/api/publish", {"files": files}, headers)["statusCode"] == 200
    world.system.parts.library.forget()  # what was published counts within ten seconds
    return "shop"


def filled(path: str, **values: str) -> str:
    """The path with these values, and where there is none with one that nothing has."""
    if path.startswith("/api/segments/"):
        values["name"] = "customers"
    return path.format_map(defaultdict(lambda: "x", values))


def pages(world: World, path: str, what: str) -> Iterator[list[Any]]:
    """The pages of a listing, by its cursors."""
    query = ""
    while True:
        status, page = ask(world, path + query)
        assert status == 200
        yield page[what]
        if not page["next"]:
            return
        query = f"&after={page['next']}"


def refused(answer: dict[str, Any], status: int, code: str) -> str:
    """Every error has a code for programs and a message for people, and nothing else."""
    assert int(answer["statusCode"]) == status
    assert answer["json"].keys() == {"code", "message"}
    assert answer["json"]["code"] == code
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    assert headers["content-type"] == "application/json"
    return str(answer["json"]["message"])


# --- keys


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer ", "Bearer wrong", "Basic {key}x", "Bearer {write_key}", "Bearer {key}é"],
)
def test_without_the_secret_key_nothing_is_told(world: World, header: str | None) -> None:
    keys = world.system.keys
    said = header and header.format(key=keys.secret_key, write_key=keys.write_key)
    headers = {} if said is None else {"authorization": said}
    for path in PATHS:
        answer = world.request(
            "GET", filled(path, person_id="x", journey="upsell"), headers=headers
        )
        message = refused(answer, 401, "unauthorized")
        assert "Bearer" in message
        assert keys.secret_key not in message


def test_a_stage_without_a_secret_key_lets_nobody_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = world.system.parts
    without = type(parts.settings)(identity_key=parts.settings.identity_key)
    monkeypatch.setattr(wiring, "parts", lambda: replace(parts, settings=without))
    for header in ({}, {"authorization": ""}, {"authorization": "Bearer "}):
        answer = world.request("GET", "/api/people", headers=header)
        refused(answer, 401, "unauthorized")


# --- what is refused


def test_a_parameter_that_there_is_not_is_refused_with_those_that_there_are(world: World) -> None:
    headers = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    for path in PATHS:
        where = filled(path, person_id="x", journey="upsell") + "?emial=a@b.c"
        message = refused(world.request("GET", where, headers=headers), 400, "bad_request")
        assert '"emial" is not a parameter here; there are: ' in message


@pytest.mark.parametrize("path", ["/api/people?", "/api/tasks?", "/api/runs?journey=onboarding&"])
def test_a_limit_is_a_number_from_1_to_500(world: World, path: str) -> None:
    headers = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    for limit in ("0", "-1", "501", "ten", "1.5", "²", "000000100999", "9" * 400):
        answer = world.request("GET", f"{path}limit={limit}", headers=headers)
        assert "1 to 500" in refused(answer, 400, "bad_request")
    for limit in ("1", "500"):
        assert world.request("GET", f"{path}limit={limit}", headers=headers)["statusCode"] == 200


REFUSALS = [
    ("/api/people?email=a@b.c&user_id=x", 400, "one of email, phone, user_id, anonymous_id"),
    ("/api/runs", 400, '"journey" or "person"'),
    ("/api/messages", 400, '"person" is missing'),
    ("/api/people/nobody", 404, '"nobody"'),
    ("/api/people/nobody/timeline", 404, '"nobody"'),
    ("/api/runs?person=nobody", 404, '"nobody"'),
    ("/api/messages?person=nobody", 404, '"nobody"'),
    ("/api/people/" + "x" * 5000, 404, "no person has the id"),
    ("/api/messages?person=" + "x" * 5000, 400, "at most 500 letters"),
    ("/api/runs?journey=" + "x" * 5000, 400, "at most 500 letters"),
    ("/api/people?after=" + "x" * 5000, 400, "at most 500 letters"),
    ("/api/nothing", 404, "/openapi.json"),
    ("/api/", 404, "/openapi.json"),
    ("/api/people/x/y/z", 404, "/openapi.json"),
]


def test_what_cannot_be_answered_is_told_in_words(world: World) -> None:
    headers = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    for path, status, words in REFUSALS:
        answer = world.request("GET", path, headers=headers)
        message = refused(answer, status, {400: "bad_request", 404: "not_found"}[status])
        assert words in message
        assert len(message) < 300


def test_only_get_is_answered(world: World) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
        status, body = ask(world, "/api/people", method=method)
        assert (status, body["code"]) == (404, "not_found")


def test_a_failure_of_ours_has_code_and_message_and_keeps_its_cause_to_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setattr(world.store, "listing", broken)
    headers = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    answer = world.request("GET", "/api/people", headers=headers)
    assert "secret" not in refused(answer, 500, "internal_error")


# --- people


def test_a_person_is_found_by_each_identifier(world: World, ada: str) -> None:
    for asked in (
        "email=ada@example.com",
        "email= ADA@example.com ",
        "user_id=ada",
        "anonymous_id=visitor",
    ):
        _, found = ask(world, f"/api/people?{asked}")
        assert [person["id"] for person in found["people"]] == [ada]
        assert found["next"] == ""


def test_nobody_is_an_empty_list(world: World, ada: str) -> None:
    for query in ("email=b@c.de", "email=none", "user_id=bob", "anonymous_id=x"):
        assert ask(world, f"/api/people?{query}") == (200, {"people": [], "next": ""})


def test_a_person_is_told_whole(world: World, ada: str) -> None:
    person = world.api(f"/api/people/{ada}")
    assert person["user_id"] == "ada"
    assert person["anonymous_ids"] == ["visitor"]
    assert person["email"] == "ada@example.com"
    assert person["traits"]["firstName"] == "Ada"
    assert person["orders"] == 2
    assert person["revenue"] == {"EUR": 20}
    assert [order["order_id"] for order in person["last_orders"]] == ["o2", "o1"]
    assert person["last_pages"][0]["what"] == "/"
    assert {consent["channel"] for consent in person["consents"]} == {"email", "sms"}
    assert person["events"]["Order Completed"]["count"] == 2
    assert person["suppressed"] == {}
    assert set(person["journeys"]) == {"onboarding", "recovery"}


def test_all_people_come_page_by_page_newest_first_each_once(world: World) -> None:
    for number in range(7):
        world.identify(f"u{number}")
        world.advance("1 minute")
    found = list(pages(world, "/api/people?limit=3", "people"))
    assert [len(page) for page in found] == [3, 3, 1]
    names = [person["user_id"] for page in found for person in page]
    assert names == [f"u{number}" for number in reversed(range(7))]


def test_paging_goes_on_where_it_stopped_while_people_are_added(world: World) -> None:
    for number in range(4):
        world.identify(f"u{number}")
        world.advance("1 minute")
    found = pages(world, "/api/people?limit=2", "people")
    first = next(found)
    world.identify("late")
    [second] = found
    assert [person["user_id"] for person in first + second] == ["u3", "u2", "u1", "u0"]


# --- timeline, runs, messages, tasks, journeys


def test_the_timeline_comes_page_by_page_newest_first_each_event_once(
    world: World, ada: str
) -> None:
    whole = world.api(f"/api/people/{ada}/timeline")
    assert whole["next"] == ""
    times = [event["time"] for event in whole["events"]]
    assert times == sorted(times, reverse=True)
    path = f"/api/people/{ada}/timeline?limit=4"
    found = [event for page in pages(world, path, "events") for event in page]
    assert found == whole["events"]
    ids = [event["message_id"] for event in found]
    assert len(ids) == len(set(ids))
    assert {"page", "Order Completed", "Email Link Clicked"} <= {
        event["event"] or event["type"] for event in found
    }


def test_a_timeline_s_cursor_is_one_that_we_gave(world: World, ada: str) -> None:
    for after in ("x", "-1", "1.0", "²"):
        status, body = ask(world, f"/api/people/{ada}/timeline?after={after}")
        assert (status, body["code"]) == (400, "bad_request")


def test_beyond_the_end_of_a_timeline_there_is_nothing(world: World, ada: str) -> None:
    found = world.api(f"/api/people/{ada}/timeline", after="999999999999")
    assert found == {"events": [], "next": ""}


def test_runs_of_a_journey_and_of_a_person_are_the_same_runs(world: World, ada: str) -> None:
    of_person = world.api("/api/runs", person=ada)["runs"]
    names = sorted(run["journey"] for run in of_person)
    assert names == ["onboarding", "onboarding", "recovery", "recovery", "upsell"]
    for journey in set(names):
        of_journey = world.api("/api/runs", journey=journey)["runs"]
        assert of_journey == world.api("/api/runs", journey=journey, person=ada)["runs"]
        assert all(run in of_person for run in of_journey)
    entered = [run["entered"] for run in of_person]
    assert entered == sorted(entered, reverse=True)
    done = next(run for run in of_person if run["journey"] == "upsell")
    assert (done["status"], done["outcome"], done["entered_by"]) == (
        "ended",
        "finished",
        "Order Completed",
    )
    assert done["ended"]
    assert world.api("/api/runs", journey="unknown") == {"runs": [], "next": ""}


def test_runs_come_page_by_page(world: World) -> None:
    for number in range(5):
        world.order(f"u{number}", f"o{number}", "x")
        world.advance("1 minute")
    path = "/api/runs?journey=recovery&limit=2"
    found = [run["id"] for page in pages(world, path, "runs") for run in page]
    assert len(found) == len(set(found)) == 5


def test_messages_say_what_was_sent_and_what_not_and_why(world: World, ada: str) -> None:
    messages = world.api("/api/messages", person=ada)["messages"]
    by_name = {message["message"]: message for message in messages}
    assert by_name["guide"]["state"] == "sent"
    assert by_name["guide"]["clicked"].keys() == {"guide-video"}
    assert by_name["five-reasons"]["clicked"].keys() == {"premium"}
    claimed = [message["claimed"] for message in messages if "claimed" in message]
    assert claimed == sorted(claimed, reverse=True)
    world.order("bob", "o9", "basic-1y")
    bob = world.person("bob").person
    [message] = world.api("/api/messages", person=bob)["messages"]
    assert (message["state"], message["reason"]) == ("not sent", "no address")


def test_tasks_say_what_to_do_for_whom_and_until_when(world: World, ada: str) -> None:
    [task] = world.api("/api/tasks")["tasks"]
    assert task["text"].startswith("High interest in premium")
    assert (task["owner"], task["journey"], task["person"]) == ("sales", "upsell", ada)
    assert task["due"] > task["created"]
    assert task["status"] == "open"


def test_a_task_is_done_once_and_may_be_said_to_be_again(world: World, ada: str) -> None:
    [task] = world.api("/api/tasks")["tasks"]
    answers = [ask(world, f"/api/tasks/{ada}/{task['id']}/done", method="POST") for _ in "12"]
    status, body = answers[0]
    assert answers == [(200, body)] * 2
    assert (status, body["status"], body["outcome"]) == (200, "done", "done")
    assert [one["what"] for one in body["history"]] == ["Task Created", "Task Completed"]
    assert world.api("/api/tasks")["tasks"] == [body]


def test_a_task_that_there_is_not_is_not_done_and_nobody_without_the_key_does_one(
    world: World, ada: str
) -> None:
    [task] = world.api("/api/tasks")["tasks"]
    for person, task_id in ((ada, "none"), ("nobody", task["id"]), (ada, "x" * 600)):
        status, body = ask(world, f"/api/tasks/{person}/{task_id}/done", method="POST")
        assert (status, body["code"]) == (404, "not_found")
    answer = world.request("POST", f"/api/tasks/{ada}/{task['id']}/done")
    refused(answer, 401, "unauthorized")
    assert ask(world, f"/api/tasks/{ada}/{task['id']}/done")[0] == 404  # a GET changes nothing
    assert world.api("/api/tasks")["tasks"] == [task]


def test_a_task_of_somebody_who_became_one_with_another_is_found_under_both(
    world: World,
) -> None:
    world.post("page", {"anonymousId": "visitor", "name": "Home"})
    before = world.system.parts.store.listing(Profile)[0][0].person
    task = Task(
        person=before,
        task_id="t1",
        run_id="r1",
        journey="upsell",
        text="Call",
        owner="sales",
        created=world.now,
    )
    world.store.put(task)
    world.post("identify", {"userId": "ada", "anonymousId": "visitor", "traits": {}})
    assert world.person("ada").person != before
    for person in (before, world.person("ada").person):
        assert ask(world, f"/api/tasks/{person}/t1/done", method="POST")[0] == 200


def test_journeys_are_those_of_the_folder_with_their_versions(world: World) -> None:
    journeys = world.api("/api/journeys")["journeys"]
    folders = {path.parent.name for path in JOURNEYS.glob("*/journey.yaml")}
    assert {journey["name"] for journey in journeys} == folders
    assert all(journey["title"] and journey["version"] for journey in journeys)


def erased(world: World) -> str:
    """The id of somebody who was erased."""
    world.customer("gone")
    person = world.person("gone").person
    headers = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    assert world.request("DELETE", f"/api/people/{person}", headers=headers)["statusCode"] == 200
    world.settle()
    return person


def forecast(world: World) -> str:
    """The id of a forecast."""
    record = Forecast(forecast_id="f1", asked=Asked(journey="onboarding"), made=world.now)
    record.finish({})
    world.store.put(record)
    return record.forecast_id


def test_no_answer_shows_a_secret_of_the_machine(world: World, ada: str) -> None:
    keys = world.system.keys
    world.post("group", {"userId": "ada", "groupId": "acme", "traits": {"name": "Acme"}})
    values = {"person_id": ada, "journey": "onboarding", "account_id": "acme"}
    values |= {"segment": "customers", "code_name": have_codes(world)}
    values["forecast_id"] = forecast(world)
    gone = erased(world)
    for path in PATHS:
        values["person_id"] = gone if path.startswith("/api/erasures") else ada
        query = {"/api/runs": "?journey=onboarding", "/api/messages": f"?person={ada}"}.get(
            path, ""
        )
        status, body = ask(world, filled(path, **values) + query)
        assert status == 200
        text = json.dumps(body)
        for secret in (keys.secret_key, keys.write_key, keys.identity_key, keys.link_key):
            assert secret not in text


# --- the description


@pytest.fixture
def described(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.request("GET", "/openapi.json")["json"]
    return found


def test_the_description_is_valid_openapi(described: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(described).validate()


def test_every_path_parameter_is_described_and_every_reference_leads_somewhere(
    described: dict[str, Any],
) -> None:
    for path, methods in described["paths"].items():
        for operation in methods.values():
            places = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert places == set(re.findall(r"\{(\w+)\}", path)), path
            assert operation["summary"]
    known = described["components"]["schemas"]
    for name in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(described)):
        assert name in known
    for operation in (o for methods in described["paths"].values() for o in methods.values()):
        for scheme in (name for one in operation.get("security", []) for name in one):
            assert scheme in described["components"]["securitySchemes"]


def test_every_route_of_the_description_answers(
    world: World, described: dict[str, Any], ada: str
) -> None:
    kept = world.outbox()[1]
    values = {"person_id": ada, "send_id": kept.send_id, "link": "guide-video"}
    values["task_id"] = world.api("/api/tasks")["tasks"][0]["id"]
    values["merge_id"] = world.api(f"/api/people/{ada}/merges")["merges"][0]["id"]
    values["name"], values["segment"] = "onboarding", "customers"
    world.post("group", {"userId": "ada", "groupId": "acme", "traits": {"name": "Acme"}})
    values["account_id"] = "acme"
    published = world.system.parts.library.journeys()
    [version] = [one.version for one in published if one.journey.name == "onboarding"]
    bodies: dict[str, Any] = {
        "/api/accounts/{account_id}": {"traits": {"plan": "pro"}},
        "/api/journeys/{name}/draft": {"files": {}},
        "/api/journeys/{journey}/enter": {"person": ada},
        "/api/journeys/{name}/rollback": {"version": version, "dry_run": True},
        "/api/tasks/{person_id}/{task_id}/reassign": {"to": "ben"},
        "/api/people/{person_id}/leads/{lead_id}": {"status": "accepted"},
        "/api/people/{person_id}/score": {"points": 5},
        "/api/people/{person_id}/notes": {"kind": "call", "outcome": "not reached"},
        "/api/codes/{code_name}": {"codes": ["A-1"]},
        "/api/clusters/{cluster}": {"name": "Gold"},
        "/api/products": {"products": [{"sku": "ink", "name": "Ink"}]},
        "/api/people/{person_id}/deals": {"title": "Premium", "id": "d1"},
        "/api/keys": {"name": "mia", "scopes": ["read"]},
        "/api/session": {"key": world.system.keys.secret_key},
        "/api/deals/{deal_id}": {"user_id": "ada", "created": "2027-01-01T09:00:00Z"},
        "/api/people/{person_id}/deals/{deal_id}/stage": {"to": "qualified"},
        "/api/people/{person_id}/deals/{deal_id}/offers": {"id": "of1"},
        "/api/forecasts": {"journey": "onboarding"},
        "/api/breaker/resume": {"name": "x.example", "because": "why"},
        "/api/suppressions": {"addresses": [{"address": "x@example.com"}]},
        "/api/suppressions/find": {"address": "y@example.com"},
        "/api/suppressions/lift": {"address": "y@example.com", "because": "why"},
    }
    suppress_address(world.system.parts, "email", "y@example.com", "why", "test")
    stopped = Pause(channel="email", stops={"x.example": Stop(world.now, "why", None)})
    world.store.put(stopped)
    values |= {
        "message": "guide",
        "lead_id": "l1",
        "deal_id": "d1",
        "offer_id": "of1",
        "sku": "ink",
    }
    values["code_name"], values["key_name"] = have_codes(world), "mia"
    gone = erased(world)
    world.store.put(Lead(person=ada, lead_id="l1", owner="ben", handed=world.now))
    cluster = ClusterFigures(cluster="c1", share=1, people=1, sample=[ada], apart=[], segments=[])
    told = ClusterReport(made=world.now, customers=1, sampled=1, clusters=[cluster])
    world.store.write([told])
    values["cluster"], values["forecast_id"] = "c1", forecast(world)
    values["journey"] = "upsell"
    call = {"userId": "ada", "event": "x", "name": "x", "groupId": "g", "previousId": "p"}
    query = {"/api/runs": "?journey=onboarding", "/api/messages": f"?person={ada}"}
    headers = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    world.request("PUT", "/api/journeys/onboarding/draft", {"files": {}}, headers)
    every = [(path, *one) for path, found in described["paths"].items() for one in found.items()]
    every = [one for one in every if one[0] not in OPEN]
    for path, method, operation in every:
        body: Any = bodies.get(path) if method == "post" or method == "put" else None
        if path.startswith("/v1/"):
            body = {"writeKey": world.system.keys.write_key, **call}
            if path == "/v1/batch":
                body = {"writeKey": world.system.keys.write_key, "batch": []}
        elif path == "/local/clock" and method == "post":
            body = {"speed": 0}
        erases = method == "delete" and path == "/api/people/{person_id}"
        values["person_id"] = gone if erases or path.startswith("/api/erasures") else ada
        where = filled(path, **values) + query.get(path, "")
        answer = world.request(method.upper(), where, body, headers)
        assert f"{int(answer['statusCode'])}" in operation["responses"], (
            method,
            path,
            answer["body"],
        )


def test_every_route_of_the_app_is_in_the_description(
    world: World, described: dict[str, Any]
) -> None:
    described_routes = {
        (method.upper(), re.sub(r"\{\w+\}", "_", path))
        for path, methods in described["paths"].items()
        for method in methods
    }
    admin = {
        (method, re.sub(r"<\w+>", "_", route.path))
        for route in answer_admin.app._static_routes + answer_admin.app._dynamic_routes
        for method in ([route.method] if isinstance(route.method, str) else route.method)
    }
    assert admin <= described_routes
    # The page itself is for people.
    local = {
        key for key in world.app._answers() if key not in {("GET", ""), ("GET", "local", "page")}
    }
    starts = {(method, *path.strip("/").split("/")[:2]) for method, path in described_routes}
    assert local <= starts
    for kind in ("identify", "track", "page", "screen", "group", "alias", "batch"):
        assert ("POST", f"/v1/{kind}") in described_routes


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, System]]:
    """A whole server with one customer, asked by strangers."""
    folder: Path = tmp_path_factory.mktemp("running")
    world = World(folder)
    world.customer("ada", firstName="Ada", language="en")
    world.order("ada", "o1", "basic-1y")
    world.advance("5 days")
    with serving(application(App(world.system).route)) as url:
        yield url, world.system
    wiring.use(None)


# The same few of each operation each time: what is asked must be quick.
FEW = settings(
    max_examples=3,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.response_schema_conformance,
    checks.status_code_conformance,
    checks.content_type_conformance,
]


def test_whatever_is_asked_by_whomever_answers_are_as_described_and_never_a_500(
    running: tuple[str, System],
) -> None:
    url, system = running
    system.store.put(SecretKey(key_hash=key_hash("sk_reader"), name="reader", scopes=["read"]))
    write_key = base64.b64encode(f"{system.keys.write_key}:".encode()).decode()
    session = requests.Session()
    described = session.get(f"{url}/openapi.json").json()
    asked: Counter[str] = Counter()

    def ask_as(authorization: str, case: Any) -> int:
        headers = {"authorization": authorization} if authorization else {}
        response = case.call(base_url=url, headers=headers, session=session, allow_redirects=False)
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= 400:
            assert response.json().keys() - {"problems"} == {"code", "message"}
        return int(response.status_code)

    def ask(case: Any) -> None:
        """Each thing once by nobody and by one who may only read, before one who may do all."""
        called = f"{case.method} {case.path}"
        if called in SCOPES and not asked[called]:
            assert ask_as("", case) >= 400
            status = ask_as("Bearer sk_reader", case)
            assert status >= 400 or SCOPES[called] in ("read", "")
        asked[called] += 1
        is_admin = case.path.startswith("/api")
        ask_as(f"Bearer {system.keys.secret_key}" if is_admin else f"Basic {write_key}", case)

    # Jumping ahead by years belongs to the clock's own tests.
    del described["paths"]["/local/clock"]["post"]
    paths = {path: found for path, found in described["paths"].items() if path not in OPEN}
    schema = schemathesis.openapi.from_dict({**described, "paths": paths})
    for operation in schema.get_all_operations():
        FEW(given(operation.ok().as_strategy())(ask))()
    assert asked.keys() == {f"{m.upper()} {path}" for path, found in paths.items() for m in found}


@given(st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=60)
def test_no_made_up_path_or_query_breaks_the_admin_api(
    running: tuple[str, System], path: str, value: str
) -> None:
    _, system = running
    app = App(system)
    for where, query in ((f"/api/{path}", {}), ("/api/people", {path: value, "after": value})):
        event = {
            "rawPath": where,
            "headers": {"authorization": f"Bearer {system.keys.secret_key}"},
            "queryStringParameters": query,
            "requestContext": {"http": {"method": "GET", "path": where}, "stage": "$default"},
        }
        answer = app.route("GET", where)(event, CONTEXT)
        assert int(answer["statusCode"]) in (200, 400, 404)


def test_the_cloud_s_openapi_document_needs_no_key_and_names_nothing_of_one_machine(
    world: World,
) -> None:
    event = {
        "version": "2.0",
        "rawPath": "/openapi.json",
        "headers": {},
        "requestContext": {
            "http": {"method": "GET", "path": "/openapi.json"},
            "stage": "$default",
        },
    }
    answer = answer_admin.handler(event, CONTEXT)
    paths = json.loads(answer["body"])["paths"]
    assert {"/v1/track", "/api/people", "/leave/{token}"} <= paths.keys()
    assert not [path for path in paths if path.startswith("/local")]
