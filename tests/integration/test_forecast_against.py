"""Two versions on the same people: gained and lost is what was changed, and nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from subprocess import run

import pytest

from functions.folder import Folder, read_folder
from functions.forecast.asked import Asked
from functions.forecast.compared import Compared, compare
from functions.forecast.difference import MessageChange
from functions.storage.store import Store
from functions.tracking.event import Event
from functions.tracking.identity import person_key
from functions.virtual.drawing import Draw
from functions.virtual.plan import Someone, shard_of
from functions.virtual.prepared import Known, NotPossible, People, prepare
from functions.virtual.shards import Read
from functions.virtual.stage import catalogue_of
from functions.virtual.versions import both, otherwise, published, together
from local import compared_told
from local.forecast_against import _of_git
from tests.support.world import JOURNEYS, World

BEGIN = datetime(2027, 3, 1, 9, tzinfo=UTC)
KEY = b"forecast"
NAMES = [f"u{number}" for number in range(6)]
PEOPLE = len(NAMES)
Edit = Callable[[dict[str, str]], None]


def event(user: str, number: int, name: str, **said: object) -> Event:
    time = BEGIN + timedelta(hours=1 + number)
    kind = "track" if name else "identify"
    words = {"properties": said} if name else {"traits": said}
    return Event(
        type=kind,  # type: ignore[arg-type]
        message_id=f"{user}-{number}",
        time=time,
        received_at=time,
        client_time=time.isoformat(),
        event=name,
        user_id=user,
        source="shop",
        trusted=True,
        **words,  # type: ignore[arg-type]
    )


def buyer(user: str) -> Someone:
    """Permits everything by e-mail and buys the basic licence."""
    purposes = ["product tips", "offers"]
    events = [
        event(user, 0, "", email=f"{user}@example.com", language="en"),
        event(user, 1, "Consent Given", channel="email", purposes=purposes),
        event(user, 2, "Order Completed", order_id="1", products=[{"sku": "basic-1y"}]),
    ]
    return Someone(person_key(KEY, "user_id", user), (), events)


class Here(Draw):
    """A draw of these buyers."""

    def read(self, store: Store | None) -> Read:
        return lambda shard: [one for one in map(buyer, NAMES) if shard_of(one.person) == shard]


def edited(edit: Edit, journey: str = "onboarding") -> Folder:
    folder = read_folder(JOURNEYS)
    edit(folder.journeys[journey])
    return folder


def swap(file: str, changes: Mapping[str, str]) -> Edit:
    def edit(files: dict[str, str]) -> None:
        for old, new in changes.items():
            assert old in files[file]
            files[file] = files[file].replace(old, new)

    return edit


def same(files: dict[str, str]) -> None:
    pass


def compared(before: Folder, after: Folder, days: int = 60) -> Compared:
    """The same six buyers with the one and with the other."""
    asked = Asked(journey="onboarding", people=PEOPLE, days=days)
    catalogue = catalogue_of(after, BEGIN)
    prepared = prepare(asked, catalogue, Known([], None), KEY, BEGIN)
    prepared = replace(prepared, people=People(((),) * 64, PEOPLE))
    now, then = otherwise(prepared, catalogue_of(before, BEGIN))
    [versions] = both(then, now, None)
    versions = replace(versions, before=Here(then, versions.before.answers))
    versions = replace(versions, after=Here(now, versions.after.answers))
    shards = {shard_of(buyer(name).person) for name in NAMES}
    pairs = [versions.pair(None, shard) for shard in sorted(shards)]
    return compare([together(pairs)], "onboarding", ("then", "now"))


def changes(found: Compared) -> dict[str, MessageChange]:
    return {
        f"{row.journey}/{row.message}": MessageChange(
            gained=int(row.gained.likely),
            lost=int(row.lost.likely),
            within=int(row.within.likely),
            beyond=int(row.beyond.likely),
            later=int(row.later.likely),
            earlier=int(row.earlier.likely),
            reworded=int(row.reworded.likely),
        )
        for row in found.messages
    }


def test_the_same_files_change_nothing_and_say_so() -> None:
    found = compared(edited(same), edited(same))
    assert found.is_nothing
    assert found.says == ["Nothing changes for 6 people: “onboarding”, from then to now."]


def test_a_longer_wait_moves_what_comes_after_it_and_loses_none() -> None:
    after = edited(swap("journey.yaml", {"wait: 5 days": "wait: 8 days"}))
    found = compared(edited(same), after)
    assert changes(found) == {
        "onboarding/guide": MessageChange(later=PEOPLE),
        "onboarding/hacks": MessageChange(later=PEOPLE),
    }
    assert {row.seconds_later for row in found.messages} == {3 * 86400}
    assert found.concerned.likely == PEOPLE


def test_what_would_go_after_the_last_day_is_told_as_such_not_as_lost() -> None:
    after = edited(swap("journey.yaml", {"wait: 5 days": "wait: 8 days"}))
    found = compared(edited(same), after, days=7)
    assert changes(found) == {"onboarding/guide": MessageChange(beyond=PEOPLE)}


def test_a_step_that_is_taken_away_loses_exactly_its_messages() -> None:
    def shorter(files: dict[str, str]) -> None:
        swap(
            "journey.yaml",
            {"  - wait: 9 days\n  - send: hacks\n": "", "[guide, hacks]": "guide"},
        )(files)
        for name in [name for name in files if name.startswith("hacks.")]:
            del files[name]

    found = compared(edited(same), edited(shorter))
    assert changes(found) == {"onboarding/hacks": MessageChange(lost=PEOPLE)}
    assert changes(compared(edited(shorter), edited(same))) == {
        "onboarding/hacks": MessageChange(gained=PEOPLE)
    }


def test_another_subject_is_told_as_other_words_alone() -> None:
    mail = read_folder(JOURNEYS).journeys["onboarding"]["guide.en.mjml"]
    title = mail[mail.index("<mj-title>") :].partition("</mj-title>")[0]
    after = edited(swap("guide.en.mjml", {title: f"{title} - again"}))
    assert changes(compared(edited(same), after)) == {
        "onboarding/guide": MessageChange(reworded=PEOPLE)
    }


def test_a_message_that_a_change_takes_from_another_journey_is_found_there() -> None:
    limited = {"limits.yaml": "caps: [{at most: 1 in 7 days, channel: email}]\n"}
    before, after = edited(same), edited(same)
    after.live = {**after.live, **limited}
    before.live = {**before.live, **limited}
    swap("journey.yaml", {"wait: 90 days": "wait: 2 days"})(after.journeys["recovery"])
    found = changes(compared(before, after, days=40))
    assert found["recovery/win-back"] == MessageChange(within=PEOPLE)
    guide = found["onboarding/guide"]
    assert guide.later + guide.lost == PEOPLE


def test_an_older_version_is_found_by_name_folder_and_revision(tmp_path: Path) -> None:
    catalogue = catalogue_of(read_folder(JOURNEYS), BEGIN)
    world = World(tmp_path / "data")
    store = world.store
    live = published(catalogue, store, "onboarding", "live")
    version = world.system.parts.library.newest("onboarding")
    assert version
    assert live == published(catalogue, store, "onboarding", version.version)
    with pytest.raises(NotPossible, match=f'no version "v7"; published are: {version.version}'):
        published(catalogue, store, "onboarding", "v7")


def test_a_revision_of_git_is_read_as_it_was_committed(tmp_path: Path) -> None:
    folder = tmp_path / "shop" / "journeys"
    copytree(JOURNEYS, folder)
    who = ["-c", "user.name=Mia", "-c", "user.email=mia@shop.example"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "first"]):
        run(["git", "-C", str(folder.parent), *words], check=True)
    file = folder / "onboarding" / "journey.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("wait: 5 days", "wait: 8 days"), "utf-8")
    found = _of_git("HEAD", folder)
    assert found
    assert found.journeys["onboarding"]["journey.yaml"] == text
    assert _of_git("no-such-revision", folder) is None


def test_names_cannot_write_into_the_comment_of_a_pull_request() -> None:
    after = edited(swap("journey.yaml", {"wait: 5 days": "wait: 8 days"}))
    found = compared(edited(same), after)
    found.before = "<img src=x>|`rm`"
    found.says = [f"from {found.before}"]
    text = compared_told.markdown(found)
    assert "<img" not in text
    assert "\\|\\`rm\\`" in text
