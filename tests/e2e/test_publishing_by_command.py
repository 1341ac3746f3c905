"""What `tante publish` asks of a deployed stage: new words, without a deployment."""

import json
from typing import Any, NamedTuple

import pytest

from functions.folder import read_folder
from tests.e2e.cloud import PREFIX, Cloud
from tests.e2e.patience import eventually

JOURNEY, FILE = "upsell", "upsell/five-reasons.en.mjml"
OLD_SUBJECT, NEW_SUBJECT = "Five good reasons for premium", "Premium, in five sentences"


class Published(NamedTuple):
    """What was shown beforehand, what was done, and Henri's run before it."""

    shown: dict[str, Any]
    done: dict[str, Any]
    before: dict[str, Any]


@pytest.fixture(scope="module")
def published(cloud: Cloud) -> Published:
    """Henri is let in by the API and waits; then a text is published, with which he goes on."""
    _known(cloud, "henri")
    before = _let_in(cloud, "henri")
    eventually("Henri's run to wait", lambda: _run(cloud, "henri")["waits_for"])
    body = {"files": _files(cloud), "choices": {JOURNEY: {"under_way": "migrate"}}}
    (shown,) = cloud.post("/api/publish", {**body, "dry_run": True})["journeys"]
    (done,) = cloud.post("/api/publish", body)["journeys"]
    return Published(shown, done, before)


def _known(cloud: Cloud, user: str) -> None:
    with cloud.shop() as shop:
        shop.identify(user, {"email": f"{user}@elsewhere.example", "language": "en"})
        said = {"channel": "email", "purposes": ["offers"], "text": "2026-11 form"}
        shop.track(user, "Consent Given", said)

    def may_get_offers() -> bool:
        profile = cloud.profile(user)
        shown = cloud.get(f"/api/people/{profile.person}") if profile else {"consents": []}
        return bool(shown["consents"])

    eventually(f"{user} to be known", may_get_offers)


def _let_in(cloud: Cloud, user: str) -> dict[str, Any]:
    entered = cloud.post(f"/api/journeys/{JOURNEY}/enter", {"user_id": user})
    assert entered["entered"], entered
    return _run(cloud, user)


def _run(cloud: Cloud, user: str) -> dict[str, Any]:
    (run,) = cloud.runs(user, JOURNEY)
    return run


def _files(cloud: Cloud) -> dict[str, str]:
    """As `tante publish --journey upsell` sends them."""
    folder = read_folder(cloud.journeys)
    files = {f"{JOURNEY}/{name}": text for name, text in folder.journeys[JOURNEY].items()}
    assert OLD_SUBJECT in files[FILE], f"{FILE} has another subject; mend this test"
    return {**files, FILE: files[FILE].replace(OLD_SUBJECT, NEW_SUBJECT)}


def test_it_is_shown_beforehand_and_then_done(published: Published) -> None:
    assert published.shown == published.done
    assert published.shown["problems"] == []
    assert published.shown["people"] >= 1
    assert published.done["version"] != published.before["version"]


def test_the_machine_is_brought_up_to_date_and_frozen(cloud: Cloud, published: Published) -> None:
    client, machine = cloud.client("stepfunctions"), cloud.machine(JOURNEY)
    frozen = client.list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"]
    assert len(frozen) == 2
    definition = client.describe_state_machine(stateMachineArn=machine)["definition"]
    assert published.done["version"] in definition
    assert published.before["version"] not in definition
    assert "${RunStep}" not in definition


def test_who_is_under_way_goes_on_where_they_stood(cloud: Cloud, published: Published) -> None:
    new = published.done["version"]
    eventually("Henri to move", lambda: _run(cloud, "henri"), lambda run: run["version"] == new)
    client = cloud.client("stepfunctions")

    def executions() -> dict[str, str]:
        pages = client.get_paginator("list_executions").paginate(
            stateMachineArn=cloud.machine(JOURNEY)
        )
        return {one["name"]: one["status"] for page in pages for one in page["executions"]}

    def of_henri() -> list[str]:
        found = executions()
        return [found[name] for name in sorted(found) if name.startswith(published.before["id"])]

    eventually("his second execution", of_henri, lambda found: found == ["ABORTED", "RUNNING"])
    eventually("him to wait again", lambda: _run(cloud, "henri")["waits_for"])
    assert _run(cloud, "henri")["entered"] == published.before["entered"]
    assert [mail.subject for mail in cloud.kept("henri@elsewhere.example")] == [OLD_SUBJECT]


def test_where_people_stand_is_told(cloud: Cloud, published: Published) -> None:
    def newest() -> list[dict[str, Any]]:
        found = cloud.get(f"/api/journeys/{JOURNEY}")
        assert found["version"] == published.done["version"]
        return [one for one in found["standing"] if one["is_newest"] and one["people"]]

    (standing,) = eventually("people of the new version", newest)
    assert standing["looked_at"] == standing["people"]


def test_who_comes_now_reads_the_new_text(cloud: Cloud, published: Published) -> None:
    numbers = iter(range(1000))

    def with_the_new_version() -> str:
        """A Lambda asks for the newest version every ten seconds."""
        name = f"iris-{next(numbers)}"
        _known(cloud, name)
        return name if _let_in(cloud, name)["version"] == published.done["version"] else ""

    name = eventually("somebody to take the new version", with_the_new_version)
    (mail,) = eventually(f"{name}'s mail", lambda: cloud.kept(f"{name}@elsewhere.example"))
    assert mail.subject == NEW_SUBJECT


def test_the_search_for_who_is_due_runs(cloud: Cloud) -> None:
    answer = cloud.client("lambda").invoke(FunctionName=f"{PREFIX}find_due")
    assert "FunctionError" not in answer
    assert json.load(answer["Payload"]).keys() == {"due"}
