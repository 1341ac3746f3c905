"""When and by which way a message goes, and to whom not: quiet hours, sending hours, holidays, the
best channel, the hold-out group and paused marketing, in a whole Tante."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from functions.channels.channel import Temporary
from functions.folder import check, read_folder
from functions.handlers import run_step, wiring
from functions.journeys.hold_out import is_held_out
from functions.journeys.run import Task
from functions.journeys.steps.split import arms_at
from functions.messages import deliver, holding, wording
from functions.messages.wish import Desk
from functions.problem import Problems
from functions.tracking.message import Kept
from tests.support.world import CONTEXT, JOURNEYS, World

HEAD = "title: Cart\npurpose: {}\nenter when: {{event: Cart Filled}}\nonce per: occasion\n"
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = "quiet hours: 21:00 to 8:00\n"
OFFICE = "send only: Monday to Friday 9:00 to 18:00\n"
TO_THE_NIGHT = "12 hours"  # from START, Monday 2027-03-01, 10:00 in Berlin


def folder_of(path: Path, steps: str, head: str, brand: str, purpose: str) -> Path:
    """Journeys with the messages `a` (mail) and `both` (mail and text message)."""
    shutil.copytree(JOURNEYS / "upsell", path / "cart")
    shutil.copytree(JOURNEYS / "parts", path / "parts")
    text = (JOURNEYS / "brand.yaml").read_text("utf-8")
    (path / "brand.yaml").write_text(text + brand, "utf-8")
    for file in (path / "cart").glob("five-reasons.*.mjml"):
        shutil.copy(file, path / "cart" / file.name.replace("five-reasons", "a"))
        file.rename(path / "cart" / file.name.replace("five-reasons", "both"))
    for language in ("de", "en"):
        (path / "cart" / f"both.{language}.sms").write_text("Hello", "utf-8")
    journey = f"{HEAD.format(purpose)}{head}steps:\n{steps}"
    (path / "cart" / "journey.yaml").write_text(journey, "utf-8")
    return path


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes a Tante with a journey of these steps, which `Cart Filled` starts, and with Ada."""

    def begin(
        steps: str = "  - send: a\n", head: str = "", brand: str = "", purpose: str = "offers"
    ) -> World:
        folder = folder_of(tmp_path / "folder", steps, head, brand, purpose)
        world = World(tmp_path / "data", folder)
        world.customer("ada", timezone="Europe/Berlin")
        return world

    yield begin
    wiring.use(None)


def sent(world: World, user: str = "ada", zone: ZoneInfo = BERLIN) -> list[str]:
    """What went and in which minute, where the person is."""
    return [
        f"{one.message} {one.claimed.astimezone(zone):%a %H:%M}"
        for one in world.messages(user)
        if one.claimed
    ]


def reasons(world: World, user: str = "ada") -> list[str]:
    return [one.reason for one in world.messages(user)]


def fill_carts(world: World, after: str = TO_THE_NIGHT, *users: str) -> None:
    world.advance(after)
    for user in users or ("ada",):
        world.track(user, "Cart Filled")


# --- hours


def test_a_message_of_the_night_goes_in_the_first_minutes_of_the_morning_and_costs_no_write(
    begin: Any,
) -> None:
    world = begin(brand=NIGHT)
    fill_carts(world)
    assert world.messages("ada") == []
    world.advance("9 hours")
    assert world.messages("ada") == []  # 7:00
    world.advance("2 hours")
    [went] = world.messages("ada")
    assert went.claimed
    morning = went.claimed.astimezone(BERLIN)
    assert (morning.weekday(), morning.hour) == (1, 8)
    assert morning.minute < 10


def test_it_is_the_night_where_the_person_is(begin: Any) -> None:
    world = begin(brand=NIGHT)
    world.customer("bob", timezone="America/New_York")
    fill_carts(world, TO_THE_NIGHT, "ada", "bob")
    assert sent(world, "bob", ZoneInfo("America/New_York")) == ["a Mon 16:00"]
    assert sent(world) == []


def test_who_has_no_zone_goes_by_the_brands(begin: Any) -> None:
    world = begin(brand=NIGHT)
    world.customer("bob", timezone="nowhere")
    fill_carts(world, TO_THE_NIGHT, "bob")
    assert sent(world, "bob") == []
    world.advance("11 hours")
    assert len(sent(world, "bob")) == 1


def test_those_who_come_out_of_the_night_together_are_spread_over_ten_minutes(begin: Any) -> None:
    world = begin(brand=NIGHT)
    users = [f"user{number}" for number in range(20)]
    for user in users:
        world.customer(user)
    fill_carts(world, TO_THE_NIGHT, *users)
    world.advance("1 day")
    times = [one.claimed for user in users for one in world.messages(user) if one.claimed]
    assert len(times) == len(users)
    assert len(set(times)) > 15
    assert timedelta(minutes=4) < max(times) - min(times) < timedelta(minutes=10)


def test_nobody_is_spread_out_of_short_sending_hours(begin: Any) -> None:
    world = begin(head="send only: 9:00 to 9:04\n")
    users = [f"user{number}" for number in range(20)]
    for user in users:
        world.customer(user)
    fill_carts(world, TO_THE_NIGHT, *users)
    world.advance("1 day")
    minutes = {line.split()[2] for user in users for line in sent(world, user)}
    assert minutes == {"09:00", "09:01"}
    assert all(len(sent(world, user)) == 1 for user in users)


def test_what_needs_no_consent_goes_at_night_and_on_holidays(begin: Any) -> None:
    holidays = "holidays: [2027-03-01, 2027-03-02]\n"
    world = begin(brand=NIGHT + holidays, purpose="transactional")
    fill_carts(world)
    assert sent(world) == ["a Mon 22:00"]


def test_what_needs_no_consent_waits_for_sending_hours_that_the_journey_asks_for(
    begin: Any,
) -> None:
    world = begin(brand=NIGHT, head=OFFICE, purpose="transactional")
    fill_carts(world)
    assert sent(world) == []
    world.advance("12 hours")
    assert [line[:8] for line in sent(world)] == ["a Tue 09"]


def test_a_message_for_another_purpose_goes_by_the_rules_of_that_purpose(begin: Any) -> None:
    steps = "  - send: a\n    purpose: transactional\n  - send: both\n    by: sms\n"
    world = begin(steps, brand=NIGHT)
    fill_carts(world)
    assert sent(world) == ["a Mon 22:00"]
    world.advance("11 hours")
    assert [line[:11] for line in sent(world)] == ["a Mon 22:00", "both Tue 08"]


def test_holidays_and_the_weekend_are_waited_for(begin: Any) -> None:
    world = begin(head=OFFICE, brand="holidays: [2027-03-08, 2027-03-09]\n")
    fill_carts(world, "5 days")  # a Saturday, and Monday and Tuesday are holidays
    world.advance("1 week")
    assert [line[:8] for line in sent(world)] == ["a Wed 09"]


def test_what_follows_counts_from_the_true_sending(begin: Any) -> None:
    world = begin("  - send: a\n  - wait: 1 hour\n  - send: both\n    by: sms\n", brand=NIGHT)
    fill_carts(world)
    world.advance("12 hours")
    first, second = (one.claimed for one in world.messages("ada"))
    assert timedelta(hours=1) <= second - first < timedelta(hours=1, seconds=3)


@pytest.mark.parametrize(("limit", "goes"), [("4 hours", False), ("12 hours", True)])
def test_skip_after_counts_while_it_is_held(begin: Any, limit: str, goes: bool) -> None:
    world = begin(
        f"  - send: a\n    skip after: {limit}\n    if not sent: [{{end: late}}]\n", brand=NIGHT
    )
    fill_carts(world)
    if not goes:  # it is known at once
        assert world.outcomes("cart") == ["late"]
        assert reasons(world) == [holding.TOO_LATE]
    world.advance("11 hours")
    assert world.sent("ada") == (["a"] if goes else [])


def test_skip_after_counts_from_when_the_run_came_there_whatever_it_is_held_for(
    begin: Any, tmp_path: Path
) -> None:
    world = begin("  - send: a\n    skip after: 12 hours\n", brand=NIGHT)
    fill_carts(world)
    world.advance("9 hours")
    file = tmp_path / "folder" / "brand.yaml"
    brand = file.read_text("utf-8").replace("21:00 to 8:00", "21:00 to 11:00")
    file.write_text(brand, "utf-8")
    world.system.publish()
    world.advance("1 day")
    assert reasons(world) == [holding.TOO_LATE]


def test_who_may_not_get_it_anyway_is_not_held(begin: Any) -> None:
    world = begin("  - send: a\n    if not sent: [{end: refused}]\n", brand=NIGHT)
    world.customer("bob", consents=False)
    fill_carts(world, TO_THE_NIGHT, "bob")
    assert reasons(world, "bob") == ["no consent"]


def test_who_leaves_or_withdraws_while_it_is_held_gets_nothing(begin: Any) -> None:
    world = begin(head="leave when: [{event: Order Completed, as: bought}]\n", brand=NIGHT)
    world.customer("bob")
    fill_carts(world, TO_THE_NIGHT, "ada", "bob")
    world.order("ada", "o1", "x")
    world.track("bob", "Consent Withdrawn", channel="email", purposes=["offers"])
    world.advance("1 day")
    assert (sent(world), sent(world, "bob")) == ([], [])
    assert reasons(world, "bob") == ["consent withdrawn"]


def test_the_moment_of_the_claim_is_allowed_also_when_finding_the_words_took_long(
    begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin(brand=NIGHT)
    world.advance("10 hours")
    world.system.clock.move_to(world.now + timedelta(minutes=59, seconds=59))
    render, desk_of = wording.render, run_step._Steps._delivery_desk
    passed = [timedelta()]

    def slowly(*args: Any) -> Any:
        passed.append(timedelta(seconds=2))
        return render(*args)

    def desk(steps: Any) -> Desk:
        found = desk_of(steps)
        return replace(found, now=lambda: found.now() + passed[-1])

    monkeypatch.setattr(run_step._Steps, "_delivery_desk", desk)
    monkeypatch.setattr(wording, "render", slowly)
    world.track("ada", "Cart Filled")
    assert world.permission("ada").claims == []
    assert passed[1:]
    monkeypatch.setattr(wording, "render", render)
    world.advance("12 hours")
    assert [line[:8] for line in sent(world)] == ["a Tue 08"]


def test_a_provider_that_is_busy_until_the_night_has_its_message_in_the_morning(
    begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin(brand=NIGHT)
    world.advance("10 hours")
    outbox = world.system.parts.channels["email"]
    take = outbox.send

    def busy(outgoing: Any) -> str:
        raise Temporary("slow down", 3600)

    monkeypatch.setattr(outbox, "send", busy)
    fill_carts(world, "30 minutes")
    monkeypatch.setattr(outbox, "send", take)
    world.advance("2 hours")
    assert sent(world) == []
    world.advance("12 hours")
    assert [line[:8] for line in sent(world)] == ["a Tue 08"]


def test_sending_hours_within_the_quiet_hours_are_found_before_anything_is_published(
    tmp_path: Path,
) -> None:
    head = "send only: 22:00 to 23:00\n"
    folder = folder_of(tmp_path, "  - send: a\n", head, NIGHT, "offers")
    with pytest.raises(Problems, match='"send only" lies within the quiet hours'):
        check(read_folder(folder))
    allowed = folder_of(tmp_path / "other", "  - send: a\n", head, NIGHT, "transactional")
    assert check(read_folder(allowed))


# --- best channel

BEST = "  - send: both\n    by: best channel\n"


def channels(world: World, user: str = "ada") -> list[str]:
    return [one.channel for one in world.messages(user) if one.message == "both"]


def test_by_the_channel_that_is_left(begin: Any) -> None:
    world = begin(BEST)
    world.track("ada", "Consent Withdrawn", channel="email", purposes=["offers"])
    world.identify("bob", phone="+4915112345678")
    world.track("bob", "Consent Given", channel="sms", purposes=["offers"])
    fill_carts(world, TO_THE_NIGHT, "ada", "bob")
    assert channels(world) == channels(world, "bob") == ["sms"]
    assert world.sent("ada") == world.sent("bob") == ["both"]


def test_who_may_get_it_by_none_is_told_why(begin: Any) -> None:
    world = begin(BEST + "    if not sent: [{end: refused}]\n")
    world.customer("bob", consents=False)
    fill_carts(world, TO_THE_NIGHT, "bob")
    assert reasons(world, "bob") == ["no consent"]


def test_the_channel_that_was_chosen_is_kept_through_a_hold(begin: Any) -> None:
    world = begin(BEST, brand=NIGHT)
    world.identify("bob", phone="+4915112345678")
    world.track("bob", "Consent Given", channel="sms", purposes=["offers"])
    fill_carts(world, TO_THE_NIGHT, "bob")
    [held] = world.messages("bob")
    assert (held.state, held.channel) == ("held", "sms")
    world.customer("bob")  # now by e-mail, too
    world.advance("1 day")
    assert (channels(world, "bob"), world.sent("bob")) == (["sms"], ["both"])


def test_a_try_after_a_crash_behind_the_claim_speaks_of_the_same_channel(
    begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin(BEST)
    world.identify("ada", preferred_channel="email")
    real = deliver.hand_over

    def crash(*args: Any) -> Any:
        monkeypatch.setattr(deliver, "hand_over", real)
        world.track("ada", "Consent Withdrawn", channel="email", purposes=["offers"])
        raise RuntimeError

    monkeypatch.setattr(deliver, "hand_over", crash)
    fill_carts(world)
    world.advance("1 hour")
    [row] = world.messages("ada")
    assert (row.state, row.channel) == ("unknown", "email")
    assert world.store.listing(Kept)[0] == []


# --- the hold-out group


def test_a_held_out_person_goes_the_way_and_gets_only_what_needs_no_consent(begin: Any) -> None:
    steps = "  - send: a\n    purpose: transactional\n  - send: both\n    by: sms\n"
    world = begin(steps, head="hold out: 50 percent\n")
    users = [f"user{number}" for number in range(30)]
    for user in users:
        world.customer(user)
    fill_carts(world, "1 hour", *users)
    fill_carts(world, "1 day", *users)
    out = {run["person"] for run in world.runs("cart") if run["held_out"]}
    others = {run["person"] for run in world.runs("cart") if not run["held_out"]}
    assert not out & others  # the group lasts
    assert min(len(out), len(others)) > 2  # not so once in a million times
    for user in users:
        if world.person(user).person in out:
            assert world.sent(user) == ["a", "a"]
            assert [one.reason for one in world.messages(user)][2:] == [deliver.HELD_OUT] * 2
        else:
            assert sorted(world.sent(user)) == ["a", "a", "both", "both"]
    assert set(world.outcomes("cart")) == {"finished"}


def test_the_share_is_met_and_has_nothing_to_do_with_a_split_of_the_journeys_name(
    begin: Any,
) -> None:
    split = (
        "  - split: cart\n    arms:\n      left: {share: 20 percent, then: [{end: left}]}\n"
        "      right: {share: 80 percent, then: [{end: right}]}\n"
    )
    world = begin(split, head="hold out: 20 percent\n")
    journey = world.system.parts.library.newest("cart").journey
    people = [f"person{number}" for number in range(10_000)]
    out = [person for person in people if is_held_out(journey, person)]
    assert abs(len(out) - 2000) < 200
    left = [person for person in out if arms_at(journey, person)["cart"] == "left"]
    assert abs(len(left) - len(out) / 5) < 100


def test_a_held_out_person_is_compared_for_as_long_after_the_message_that_did_not_go(
    begin: Any,
) -> None:
    head = "hold out: 100 percent\ngoal: {event: Order Completed, within: 3 days}\n"
    world = begin(head=head)
    world.customer("bob")
    fill_carts(world, TO_THE_NIGHT, "ada", "bob")
    assert world.outcomes("cart") == ["finished", "finished"]
    world.advance("2 days")
    world.order("ada", "o1", "x")
    world.advance("2 days")
    world.order("bob", "o2", "x")
    goals = {run["person"]: run["goal"] for run in world.runs("cart")}
    assert goals[world.person("ada").person]
    assert goals[world.person("bob").person] is None


def test_who_could_not_get_it_anyway_is_not_said_to_be_held_out(begin: Any) -> None:
    world = begin(head="hold out: 100 percent\n")
    world.customer("bob", consents=False)
    fill_carts(world, TO_THE_NIGHT, "ada", "bob")
    assert (reasons(world), reasons(world, "bob")) == ([deliver.HELD_OUT], ["no consent"])


# --- paused marketing


def task_of(world: World, user: str = "ada") -> Task:
    [task] = world.store.query(Task, world.person(user).person)
    return task


def done(world: World, task: Task) -> dict[str, Any]:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    answer = world.request("POST", f"/api/tasks/{task.person}/{task.task_id}/done", headers=key)
    assert answer["statusCode"] == 200
    return dict(answer["json"])


PAUSE = "  - task: Call\n    for: sales\n    pause marketing: {}\n  - wait: 1 hour\n"


def test_marketing_rests_until_the_task_is_done(begin: Any) -> None:
    world = begin(
        PAUSE.format("until done") + "  - send: a\n  - wait: 90 days\n  - send: a\n"
        "    name: again\n"
    )
    fill_carts(world)
    world.advance("1 day")
    assert reasons(world) == ["marketing is paused"]
    assert done(world, task_of(world))["status"] == "done"
    assert world.permission("ada").paused == {}
    world.advance("90 days")
    assert world.sent("ada") == ["a"]


def test_marketing_rests_for_so_long_whether_the_task_is_done_or_not(begin: Any) -> None:
    steps = "  - send: a\n  - wait: 3 days\n  - send: both\n    by: sms\n"
    world = begin(PAUSE.format("2 days") + steps)
    fill_carts(world)
    done(world, task_of(world))
    world.advance("1 day")
    assert reasons(world) == ["marketing is paused"]
    world.advance("4 days")
    assert world.sent("ada") == ["both"]


def test_what_needs_no_consent_goes_while_marketing_rests(begin: Any) -> None:
    world = begin(PAUSE.format("until done") + "  - send: a\n", purpose="transactional")
    fill_carts(world)
    world.advance("1 day")
    assert world.sent("ada") == ["a"]


def test_a_pause_that_begins_while_the_words_are_found_stops_the_claim(
    begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin()
    render = wording.render

    def meanwhile(*args: Any) -> Any:
        permission = world.permission("ada")
        permission.paused = {"task": None}
        world.store.put(permission)
        return render(*args)

    monkeypatch.setattr(wording, "render", meanwhile)
    fill_carts(world)
    assert (sent(world), reasons(world)) == ([], ["marketing is paused"])


def test_the_pause_is_there_before_its_task(begin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = begin(PAUSE.format("until done"))
    seen: list[int] = []
    put = type(world.store).put

    def watch(store: Any, record: Any) -> None:
        if isinstance(record, Task):
            seen.append(len(world.permission("ada").paused))
        put(store, record)

    monkeypatch.setattr(type(world.store), "put", watch)
    fill_carts(world)
    assert seen == [1]


@pytest.mark.parametrize("is_done", [False, True])
def test_a_step_that_is_tried_again_does_not_pause_what_was_ended(
    begin: Any, is_done: bool
) -> None:
    world = begin(PAUSE.format("until done"))
    fill_carts(world)
    task = task_of(world)
    if is_done:
        done(world, task)
    before = world.permission("ada").paused
    run_step.handler(_payload(world, task), CONTEXT)
    assert world.permission("ada").paused == before == ({} if is_done else {task.task_id: None})


def test_a_slow_try_does_not_leave_a_pause_behind_whose_task_is_done(
    begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looked before the task was there, and paused after it was done."""
    world = begin(PAUSE.format("until done"))
    fill_carts(world)
    task = task_of(world)
    done(world, task)
    get, blind = type(world.store).get, [True]

    def look(store: Any, kind: Any, *key: str) -> Any:
        if kind is Task and blind:
            blind.pop()
            return None
        return get(store, kind, *key)

    monkeypatch.setattr(type(world.store), "get", look)
    run_step.handler(_payload(world, task), CONTEXT)
    assert not blind
    assert world.permission("ada").paused == {}


def _payload(world: World, task: Task) -> dict[str, str]:
    [run] = world.runs("cart")
    return {
        "journey": "cart",
        "version": run["version"],
        "run": run["id"],
        "person": run["person"],
        "step": "task Call",
        "entered": world.now.isoformat(),
    }
