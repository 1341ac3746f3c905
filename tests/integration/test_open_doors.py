"""What strangers may ask: pages, forms and links answer as described, whatever the link."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi import checks

from functions.handlers import answer_admin, answer_page, wiring
from functions.handlers.open_doors import OPEN_DOORS
from functions.handlers.openapi import FORM
from functions.handlers.pages.door import PAGES
from functions.messages.link import sign
from local.app import App
from local.http_server import application, serving
from tests.support.pack import copy, folder_with
from tests.support.world import World

FORMS = """
newsletter:
  purposes: [offers]
  fields: {email: {required: true}, firstName: {}}
  text: {de: Schickt mir Angebote., en: Send me offers.}
  origins: ["https://www.shop.example"]
"""
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.response_schema_conformance,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
]
FEW = settings(
    max_examples=4,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def open_world(folder: Path) -> World:
    """A company with one form, whose one person has signed up, and was welcomed."""
    journeys = folder_with("double-opt-in", folder / "journeys")
    copy(journeys, "welcome", "welcome")
    (journeys / "forms.yaml").write_text(FORMS, "utf-8")
    world = World(folder / "data", journeys)
    sent = "email=ada@example.com&language=en"
    world.request("POST", "/forms/newsletter", sent, {"content-type": FORM})
    world.settle()
    return world


def links(world: World) -> dict[str, str]:
    """What stands in the place of each path's token, in links that we made."""
    [asked, *_] = world.outbox()
    [token] = re.findall(r"/confirm/([\w.-]+)", asked.text)
    keys, person = world.system.parts.settings.link_keys, asked.person
    touched = ("welcome-1", "send", "hello", "email", "guide", "1", "https://shop.example/")
    found = {
        "/confirm/{token}": token,
        "/leave/{token}": sign("leave", (person, "email", "offers", "en", ""), keys),
        "/preferences/{token}": sign("preferences", (person, "email", ""), keys),
        "/forms/{form}": "newsletter",
    }
    for door, purpose in (("c", "click"), ("d", "download"), ("o", "open")):
        found[f"/{door}/{{token}}"] = sign(purpose, (person, *touched), keys)
    return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, World]]:
    world = open_world(tmp_path_factory.mktemp("open"))
    with serving(application(App(world.system).route)) as url:
        yield url, world
    wiring.use(None)


def test_every_page_and_link_is_described_and_nothing_else() -> None:
    assert answer_page.handler
    described = {(one.method.upper(), one.path.split("/")[1]) for one in OPEN_DOORS}
    light = {("POST", "leave"), *(("GET", door) for door in "cdos")}
    assert described == PAGES.keys() | light
    paths = answer_admin.document()["paths"]
    for one in OPEN_DOORS:
        assert one.method in paths[one.path]


def test_whatever_a_stranger_sends_answers_are_as_described_and_never_a_500(
    running: tuple[str, World],
) -> None:
    """By links that nobody made, and by those that stand in messages."""
    url, world = running
    made, session = links(world), requests.Session()
    statuses: dict[str, set[int]] = {}

    def ask(case: Any) -> None:
        for token in (None, made.get(case.path)):
            if token:
                case.path_parameters = dict.fromkeys(case.path_parameters, token)
            response = case.call(base_url=url, session=session, allow_redirects=False)
            case.validate_response(response, checks=CHECKS)
            statuses.setdefault(f"{case.method} {case.path}", set()).add(response.status_code)

    described = session.get(f"{url}/openapi.json").json()
    paths = {one.path: described["paths"][one.path] for one in OPEN_DOORS}
    schema = schemathesis.openapi.from_dict({**described, "paths": paths})
    for operation in schema.get_all_operations():
        FEW(given(operation.ok().as_strategy())(ask))()
    done = {called for called, seen in statuses.items() if min(seen) < 400}
    assert done == statuses.keys() - {"GET /s/{token}"}
    assert all(404 in seen for seen in statuses.values()), statuses
