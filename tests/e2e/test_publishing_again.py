"""A second `cdk deploy`: a changed journey is a new version, and who is under way keeps the old."""

from typing import Any, NamedTuple

import pytest

from tests.e2e import receipts
from tests.e2e.cloud import Cloud
from tests.e2e.patience import eventually

OLD_WELCOME = "Welcome to Rechnungswerk: your licence is active"
NEW_WELCOME, NEW_HACKS = "Good morning from Rechnungswerk", "Hacks in new words"
CHANGES = {
    "onboarding/journey.yaml": {
        "wait: 9 days": "wait: 8 days",
        "then: [{start journey: upsell}]": "then: [{task: Thank them, for: sales}]",
    },
    "onboarding/welcome.en.mjml": {
        "Welcome to {{ brand.name }}: your licence is active": NEW_WELCOME
    },
    "onboarding/hacks.en.mjml": {"four software hacks that save you typing": NEW_HACKS},
}
OLD_STEPS = ["wait 9 days after send guide", "start journey upsell"]
NEW_STEP = "wait 8 days after send guide"
FRIEDA = "frieda@elsewhere.example"


class Versions(NamedTuple):
    """Of the onboarding journey."""

    old: str
    new: str


@pytest.fixture(scope="module")
def versions(cloud: Cloud) -> Versions:
    """Change steps and texts, as a marketer does, and deploy; Frieda comes in the middle of it."""
    old = _newest(cloud)
    for file, changes in CHANGES.items():
        cloud.edit(file, changes)
    came: list[str] = []

    def seen(line: str) -> None:
        if "Synthesis time" in line:
            _buy(cloud, "frieda")
            came.append(line)

    cloud.cdk.deploy(seen)
    assert came, "CDK does not write its synthesis time any more; mend this test"
    return Versions(old, _newest(cloud))


def _buy(cloud: Cloud, user: str) -> None:
    traits = {"email": f"{user}@elsewhere.example", "firstName": user.title(), "language": "en"}
    order = {"order_id": "1", "revenue": 9, "currency": "EUR", "products": [{"sku": "basic-1y"}]}
    with cloud.shop() as shop:
        shop.identify(user, traits)
        shop.track(user, "Consent Given", {"channel": "email", "purposes": ["product tips"]})
        shop.track(user, "Order Completed", order)


def _newest(cloud: Cloud) -> str:
    journeys = {one["name"]: one["version"] for one in cloud.get("/api/journeys")["journeys"]}
    return str(journeys["onboarding"])


def _machine_versions(cloud: Cloud, journey: str = "onboarding") -> list[dict[str, Any]]:
    """Newest first."""
    found = cloud.client("stepfunctions").list_state_machine_versions(
        stateMachineArn=cloud.machine(journey)
    )
    return list(found["stateMachineVersions"])


def _run(cloud: Cloud, user: str) -> dict[str, Any]:
    (run,) = eventually(f"{user} to be in onboarding", lambda: cloud.runs(user, "onboarding"))
    return run


def _subjects(cloud: Cloud, user: str) -> list[str]:
    return [kept.subject for kept in cloud.kept(f"{user}@elsewhere.example")]


def test_only_the_changed_journey_has_a_new_version(cloud: Cloud, versions: Versions) -> None:
    assert versions.new != versions.old
    assert len(_machine_versions(cloud)) == 2
    assert len(_machine_versions(cloud, "recovery")) == 1


def test_the_alias_points_to_the_newest_version(cloud: Cloud, versions: Versions) -> None:
    alias = cloud.client("stepfunctions").describe_state_machine_alias(
        stateMachineAliasArn=f"{cloud.machine('onboarding')}:newest"
    )
    (route,) = alias["routingConfiguration"]
    assert route["stateMachineVersionArn"] == _machine_versions(cloud)[0]["stateMachineVersionArn"]
    assert route["stateMachineVersionArn"].endswith(":2")


def test_who_comes_now_takes_the_new_version(cloud: Cloud, versions: Versions) -> None:
    def newest_for_lambdas() -> str:
        """A Lambda asks for the newest version every ten seconds."""
        name = f"greta-{next(_numbers)}"
        _buy(cloud, name)
        return name if _run(cloud, name)["version"] == versions.new else ""

    name = eventually("somebody to take the new version", newest_for_lambdas)
    subjects = eventually(f"{name}'s welcome", lambda: _subjects(cloud, name))
    assert subjects == [NEW_WELCOME]
    run = _run(cloud, name)
    eventually("the new step", lambda: cloud.states_of(run), lambda states: NEW_STEP in states)


_numbers = iter(range(1000))


def test_who_was_under_way_goes_on_by_the_old_version(cloud: Cloud, versions: Versions) -> None:
    run = _run(cloud, "frieda")
    assert run["version"] == versions.old
    published = _machine_versions(cloud)[0]["creationDate"]
    assert cloud.execution(run)["startDate"] < published

    eventually("Frieda's run to wait", lambda: _run(cloud, "frieda")["waits_for"])
    guide = cloud.message("frieda", "guide")
    assert guide
    cloud.tell(receipts.click(guide, FRIEDA))
    ended = eventually(
        "Frieda's run to end", lambda: cloud.execution(run), lambda one: one["status"] != "RUNNING"
    )
    assert ended["status"] == "SUCCEEDED"
    assert ended["stopDate"] > published
    states = cloud.states_of(run)
    assert [step for step in OLD_STEPS if step in states] == OLD_STEPS
    assert NEW_STEP not in states
    welcome, _, hacks = _subjects(cloud, "frieda")
    assert (welcome, NEW_HACKS in hacks) == (OLD_WELCOME, False)
    assert _run(cloud, "frieda")["version"] == versions.old
