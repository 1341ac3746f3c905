"""What couples people (places in an hour, sales' load) is one for all of them in a forecast."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from functions.folder import Folder, read_folder
from functions.forecast.asked import Asked
from functions.journeys.run import Run
from functions.virtual import prepared as preparing
from functions.virtual.drawing import draws, learned
from functions.virtual.prepared import Known, NotPossible, Prepared, prepare
from functions.virtual.programme import Catalogue
from functions.virtual.shards import forecast
from functions.virtual.stage import catalogue_of
from functions.virtual.versions import both, otherwise
from tests.support.world import JOURNEYS

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
PEOPLE = 300


def limited(per_hour: int) -> Folder:
    """The onboarding lets so many in within an hour."""
    folder = read_folder(JOURNEYS)
    files = folder.journeys["onboarding"]
    files["journey.yaml"] += f"\nlimit: {{per hour: {per_hour}}}\n"
    return folder


def prepared(folder: Folder, people: int = PEOPLE, journey: str = "onboarding") -> Prepared:
    asked = Asked(journey=journey, people=people, days=30)
    return prepare(asked, catalogue_of(folder, NOW), Known([], None), b"k", NOW)


def runs(made: Prepared) -> list[Run]:
    [draw] = draws(made, learned(made, None))
    found = forecast(draw.plan, draw.read(None), lambda log: log.runs)
    return [run for some in found for run in some if run.journey == made.asked.journey]


def by_hour(found: list[Run]) -> Counter[str]:
    return Counter(run.entered.isoformat()[:13] for run in found)


def test_a_limit_per_hour_is_one_for_everybody() -> None:
    free = by_hour(runs(prepared(read_folder(JOURNEYS))))
    assert sum(free.values()) == PEOPLE
    assert max(free.values()) > 1
    kept = by_hour(runs(prepared(limited(1))))
    assert kept == dict.fromkeys(free, 1)


def test_both_versions_of_a_comparison_are_on_everybody_where_one_has_a_limit() -> None:
    made = prepared(limited(1))
    after, before = otherwise(made, catalogue_of(read_folder(JOURNEYS), NOW))
    [one] = both(before, after, None)
    found = [one.pair(None, shard) for shard in range(64)]
    assert [pair.after.people for pair in found] == [PEOPLE] + [0] * 63
    assert [pair.before.people for pair in found] == [PEOPLE] + [0] * 63
    assert sum(pair.difference.people for pair in found) == PEOPLE


def test_a_sample_has_its_share_of_the_places() -> None:
    catalogue = Catalogue(catalogue_of(limited(100), NOW), stands_for=20.0)
    journey = catalogue.programme.newest("onboarding")
    assert journey
    assert journey.journey.limit
    assert journey.journey.limit.per_hour == 5
    few = Catalogue(catalogue_of(limited(3), NOW), stands_for=20.0).programme.newest("onboarding")
    assert few
    assert few.journey.limit
    assert few.journey.limit.per_hour == 1


def test_too_many_people_for_one_pass_are_refused_with_what_would_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preparing, "MOST_TOGETHER", 200)
    with pytest.raises(NotPossible, match=r'"onboarding" lets in only so many an hour.*200'):
        prepared(limited(1))
    assert prepared(read_folder(JOURNEYS)).plan


def test_tasks_are_shared_out_among_all_not_within_each_shard() -> None:
    folder = read_folder(JOURNEYS)
    sales = """
people: {mia: {name: Mia, email: mia@shop.example}, ben: {name: Ben, email: ben@shop.example}}
otherwise: [mia, ben]
pipeline: {new: {title: New}}
"""
    folder.live = {**folder.live, "sales.yaml": sales}
    task = "steps:\n  - task: Call and welcome\n    for: owner\n    due: 1 working day\n"
    files = folder.journeys["onboarding"]
    files["journey.yaml"] = files["journey.yaml"].replace("steps:\n", task, 1)
    made = prepared(folder, 60)
    [draw] = draws(made, learned(made, None))
    found = forecast(draw.plan, draw.read(None), lambda log: log.tasks)
    owners = Counter(task.owner for some in found for task in some)
    assert owners["mia"] + owners["ben"] >= 60
    assert abs(owners["mia"] - owners["ben"]) <= 1
