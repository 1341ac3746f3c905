"""How often people hear from us: limits, ranks, wishes, countries, the sunset and shorter mails,
in a whole Tante."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.channels.channel import Temporary
from functions.handlers import wiring
from functions.journeys.yaml_file import read
from functions.messages import limits, room, wording
from functions.messages.holding import TOO_LATE
from functions.messages.room import Wanted
from functions.segments.explain import reason
from functions.storage.library import Library
from functions.storage.packing import item_size, pack
from functions.storage.store import change
from functions.tracking.permission import Permission
from functions.tracking.wishes import Wishes
from tests.support.world import JOURNEYS, World

BERLIN = ZoneInfo("Europe/Berlin")
SUNSET = "sunset: {after: 30 days, messages: 3, ask: high}\n"
JOURNEY = """
title: {name}
purpose: {purpose}
enter when: {{event: Go, where: {{journey: {name}}}}}
once per: occasion
steps:
  - send: {name}
"""


def put(folder: Path, name: str, purpose: str = "offers", more: str = "") -> None:
    """A journey with one mail, both of this name."""
    (folder / name).mkdir(parents=True)
    for language in ("de", "en"):
        mail = JOURNEYS / "upsell" / f"five-reasons.{language}.mjml"
        shutil.copy(mail, folder / name / f"{name}.{language}.mjml")
    text = JOURNEY.format(name=name, purpose=purpose) + more
    (folder / name / "journey.yaml").write_text(text, "utf-8")


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    """Makes a Tante with these limits, the journeys low, high, tips and order, and Ada."""

    def begin(said: str, segments: str = "", **more: str) -> World:
        folder = tmp_path / "folder"
        shutil.copytree(JOURNEYS / "parts", folder / "parts")
        shutil.copy(JOURNEYS / "brand.yaml", folder / "brand.yaml")
        purposes = {"tips": "product tips", "order": "transactional"}
        for name in ("low", "high", "tips", "order"):
            put(folder, name, purposes.get(name, "offers"), more.get(name, ""))
        if segments:
            (folder / "segments.yaml").write_text(segments, "utf-8")
        # Not in the folder: to check all of it anew for each test would take seconds.
        found = limits.build(read("limits.yaml", said).value)
        monkeypatch.setattr(Library, "limits", lambda library: found)
        world = World(tmp_path / "data", folder)
        world.customer("ada", timezone="Europe/Berlin")
        return world

    yield begin
    wiring.use(None)


def go(world: World, *journeys: str, user: str = "ada") -> None:
    for journey in journeys:
        world.track(user, "Go", journey=journey)
        world.advance("1 minute")


def gone(world: World, user: str = "ada") -> list[str]:
    """What went and when, where Ada is."""
    return [
        f"{one.message} {one.claimed.astimezone(BERLIN):%a %d %H:%M}"
        for one in world.messages(user)
        if one.claimed
    ]


def reasons(world: World) -> list[str]:
    return [one.reason for one in world.messages("ada") if one.reason]


# --- limits


def test_a_message_over_the_limit_waits_for_the_first_moment_at_which_it_may_go(
    begin: Any,
) -> None:
    world = begin("caps: [{at most: 2 in 2 days}]")
    go(world, "low", "high", "tips")
    assert gone(world) == ["low Mon 01 10:00", "high Mon 01 10:01"]
    assert reasons(world) == ["limit reached: 2 of 2 in 2 days; next 2027-03-03 10:00"]
    world.advance("3 days")
    assert gone(world)[2:] == ["tips Wed 03 10:00"]


def test_a_limit_counts_a_channel_a_purpose_or_a_class_alone(begin: Any) -> None:
    world = begin(
        "caps:\n"
        "  - {at most: 1 in 7 days, purpose: product tips}\n"
        "  - {at most: 1 in 7 days, channel: sms}\n"
        "  - {at most: 1 in 7 days, class: campaign}\n",
        high="class: campaign\n",
    )
    go(world, "low", "low", "high", "tips", "high", "tips")
    assert [line.split()[0] for line in gone(world)] == ["low", "low", "high", "tips"]
    assert {one.message for one in world.messages("ada") if one.kind == "campaign"} == {"high"}
    assert {reason.partition(";")[0] for reason in reasons(world)} <= {
        "limit reached: 1 of 1 in 7 days, campaign",
        "limit reached: 1 of 1 in 7 days, product tips",
    }


def test_what_is_part_of_a_contract_goes_and_is_never_counted(begin: Any) -> None:
    world = begin("caps: [{at most: 1 in 7 days}]")
    go(world, "order", "order", "low", "order", "low")
    assert [line.split()[0] for line in gone(world)] == ["order", "order", "low", "order"]
    assert list(world.permission("ada").sent) == ["email/automation/offers"]


def test_what_would_wait_too_long_is_not_sent(begin: Any) -> None:
    world = begin("caps: [{at most: 1 in 7 days}]\nhold at most: 6 days")
    go(world, "low", "high")
    assert [one.state for one in world.messages("ada")] == ["sent", "not sent"]
    assert reasons(world) == ["limit reached: 1 of 1 in 7 days"]


def test_when_full_drop_lets_nothing_wait(begin: Any) -> None:
    world = begin("caps: [{at most: 1 in 1 hour}]\nwhen full: drop")
    go(world, "low", "high")
    assert [one.state for one in world.messages("ada")] == ["sent", "not sent"]


def test_skip_after_ends_the_waiting_too(begin: Any) -> None:
    world = begin("caps: [{at most: 1 in 2 days}]", high="    skip after: 1 day\n")
    go(world, "low", "high")
    assert reasons(world) == [TOO_LATE]


def test_a_held_message_goes_in_an_hour_in_which_it_may(begin: Any) -> None:
    world = begin("caps: [{at most: 1 in 12 hours}]\ncountries: {DE: {quiet hours: 20:00 to 8:00}}")
    go(world, "low", "high")
    [held] = reasons(world)
    assert "next 2027-03-02 08:0" in held
    world.advance("1 day")
    assert gone(world)[1].startswith("high Tue 02 08:0")


def test_the_reason_is_told_in_german_too() -> None:
    said = "limit reached: 1 of 2 in 7 days, sms, 1 of a higher rank waiting; next 2027-03-03 10:00"
    assert reason(said, "en") == said
    assert reason(said, "de") == (
        "Grenze erreicht: 1 von 2 je 7 Tage, sms, 1 mit höherem Rang warten; wieder "
        "2027-03-03 10:00"
    )


def test_two_journeys_at_the_same_instant_do_not_both_take_the_last_place(
    begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one goes between the look at the limit and the claim."""
    world = begin("caps: [{at most: 1 in 7 days}]\nhold at most: 8 days")
    render, person = wording.render, world.person("ada").person
    other = Wanted("other", "", "low", "low", "email", "offers", "automation")
    in_force = world.system.parts.library.limits()

    def meanwhile(*args: Any) -> Any:
        def claim(permission: Permission) -> bool:
            room.take(permission, other, in_force, world.now)
            return True

        monkeypatch.setattr(wording, "render", render)
        change(world.store, lambda: world.store.get(Permission, person), claim)
        return render(*args)

    monkeypatch.setattr(wording, "render", meanwhile)
    go(world, "high")
    assert gone(world) == []
    world.advance("8 days")
    assert gone(world) == ["high Mon 08 10:00"]


def test_what_the_provider_did_not_take_is_not_counted(
    begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin("caps: [{at most: 1 in 7 days}]\nsunset: {after: 30 days, messages: 5}")
    channel = world.system.parts.channels["email"]
    send, refused = type(channel).send, []

    def once(self: Any, outgoing: Any) -> str:
        if not refused:
            refused.append(True)
            raise Temporary("busy", 60)
        return str(send(self, outgoing))

    monkeypatch.setattr(type(channel), "send", once)
    world.track("ada", "Go", journey="low")
    assert world.permission("ada").sent == {"email/automation/offers": []}
    assert world.permission("ada").unanswered == 0
    world.advance("1 hour")
    assert len(gone(world)) == 1


def test_without_a_file_nothing_is_counted(begin: Any) -> None:
    world = begin("")
    go(world, "low", "high")
    permission = world.permission("ada")
    assert (permission.sent, permission.waiting, permission.sign) == ({}, {}, None)


def test_a_message_under_a_limit_costs_no_read_and_no_write_more(
    begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = begin("")
    costs = []
    for said in ("caps: [{at most: 9 in 7 days}]\npriority: [high]\n" + SUNSET, ""):
        found = limits.build(read("limits.yaml", said).value)
        monkeypatch.setattr(Library, "limits", lambda library, found=found: found)
        calls: list[str] = []
        with monkeypatch.context() as patch:
            for name in ("get", "query", "put", "listing"):
                patch.setattr(type(world.store), name, counting(name, world.store, calls))
            go(world, "low")
        # What is published, and who may speak, is read anew every few seconds of real time.
        about_people = [one for one in calls if one.split()[1] not in ("JourneyVersion", "Source")]
        costs.append(Counter(about_people))
    assert costs[0] == costs[1]
    assert costs[0]["get Permission"] > 0


def counting(name: str, store: Any, calls: list[str]) -> Callable[..., Any]:
    """The store's method, which notes what it is called for."""
    method = getattr(type(store), name)

    def counted(self: Any, about: Any, *rest: Any, **more: Any) -> Any:
        kind = about if isinstance(about, type) else type(about)
        calls.append(f"{name} {kind.__name__}")
        return method(self, about, *rest, **more)

    return counted


def test_counting_keeps_the_permission_item_below_a_kilobyte(begin: Any) -> None:
    world = begin("caps: [{at most: 3 in 7 days}]\nsunset: {after: 180 days, messages: 20}")
    for _ in range(12):
        go(world, "low", "high", "tips")
        world.advance("3 days")
    permission = world.permission("ada")
    assert sum(map(len, permission.sent.values())) == 15
    assert item_size(pack(permission, squeeze_from=0)) < 1024


# --- the person's own wish


def wish(world: World, how_often: str) -> None:
    def say(permission: Permission) -> bool:
        permission.wishes = Wishes(how_often, None, world.now)
        return True

    person = world.person("ada").person
    change(world.store, lambda: world.store.get(Permission, person), say)


def test_who_wishes_to_hear_from_us_once_a_week_does(begin: Any) -> None:
    world = begin("caps: [{at most: 3 in 7 days}]\nhold at most: 8 days")
    wish(world, "weekly")
    go(world, "low", "high")
    assert gone(world) == ["low Mon 01 10:00"]
    assert reasons(world) == [
        "limit reached: 1 of 1 in 7 days, as the person wished; next 2027-03-08 10:00"
    ]
    world.advance("8 days")
    assert gone(world)[1:] == ["high Mon 08 10:00"]


def test_a_wish_counts_without_a_file_too(begin: Any) -> None:
    world = begin("")
    wish(world, "monthly")
    go(world, "low", "high")
    assert [one.state for one in world.messages("ada")] == ["sent", "not sent"]


# --- ranks


RANKS = "caps: [{at most: 1 in 2 days}]\npriority: [high]\n"


@pytest.mark.parametrize("order", [("low", "high"), ("high", "low")])
def test_of_two_that_wait_for_the_same_place_the_one_of_higher_rank_goes_first(
    begin: Any, order: tuple[str, str]
) -> None:
    world = begin(RANKS + "hold at most: 6 days\n")
    go(world, "tips", *order)
    world.advance("6 days")
    assert gone(world) == ["tips Mon 01 10:00", "high Wed 03 10:00", "low Fri 05 10:00"]


def test_the_last_place_is_kept_for_what_waits_for_the_morning(begin: Any) -> None:
    hours = "countries: {DE: {quiet hours: 20:00 to 8:00}}\nhold at most: 6 days\n"
    world = begin(
        RANKS + hours, low="send only: 8:00 to 20:00\n", high="send only: 9:00 to 20:00\n"
    )
    world.advance("12 hours")
    go(world, "high", "low")
    world.advance("6 days")
    assert [line[:11] for line in gone(world)] == ["high Tue 02", "low Thu 04 "]


def test_a_place_is_kept_no_longer_than_the_run_is_under_way(begin: Any) -> None:
    more = "leave when: [{event: Enough, as: enough}]\n"
    world = begin(RANKS + "hold at most: 6 days\n", high=more)
    go(world, "tips", "high", "low")
    world.track("ada", "Enough")
    world.advance("3 days")
    assert gone(world)[1:] == ["low Wed 03 10:00"]


# --- the sunset


def test_who_shows_no_sign_of_life_is_written_no_more_and_asked_once(begin: Any) -> None:
    world = begin(SUNSET)
    go(world, "low", "low", "low", "low")
    world.advance("29 days")
    go(world, "low")
    assert len(gone(world)) == 5
    world.advance("1 day")
    go(world, "low", "order", "high", "low")
    assert [line.split()[0] for line in gone(world)[5:]] == ["order", "high"]
    assert set(reasons(world)) == {"asleep: no sign of life for a long time"}
    assert world.person("ada").events["Fell Asleep"].count == 1


def test_a_sign_of_life_ends_the_sleep(begin: Any) -> None:
    world = begin(SUNSET)
    go(world, "low", "low", "low")
    world.advance("31 days")
    go(world, "low")
    assert len(gone(world)) == 3
    world.open(world.outbox()[0])
    go(world, "low")
    assert len(gone(world)) == 4


def test_who_was_hardly_written_to_does_not_fall_asleep(begin: Any) -> None:
    world = begin(SUNSET)
    go(world, "low", "low")
    world.advance("300 days")
    go(world, "low")
    assert len(gone(world)) == 3


# --- fewer and shorter


CALM = "vip:\n  title: VIP\n  who: {person: {vip: true}}\n"


def test_people_of_the_calm_segment_get_fewer_mails(begin: Any) -> None:
    world = begin("calm: {segment: vip, at most: 1 in 2 days}", CALM)
    world.customer("bob")
    world.identify("ada", vip=True)
    for user in ("ada", "bob"):
        for journey in ("low", "high"):
            world.track(user, "Go", journey=journey)
            world.advance("1 minute")
    assert (len(gone(world)), len(gone(world, "bob"))) == (1, 2)


def test_they_get_the_shorter_form_of_a_mail_where_there_is_one(begin: Any, tmp_path: Path) -> None:
    put(tmp_path / "folder", "news")
    for language in ("de", "en"):
        mail = tmp_path / "folder" / "news" / f"news.{language}.mjml"
        text = mail.read_text("utf-8")
        title = text[text.index("<mj-title>") : text.index("</mj-title>")]
        short = mail.with_name(f"news.short.{language}.mjml")
        short.write_text(text.replace(title, "<mj-title>In short"), "utf-8")
    world = begin("calm: {segment: vip, short: true}", CALM)
    world.customer("bob")
    world.identify("ada", vip=True)
    go(world, "news", "low")
    go(world, "news", user="bob")
    subjects = [kept.subject for kept in world.outbox()]
    assert subjects[0] == "In short"
    assert "In short" not in subjects[1:]


# --- countries


def test_sundays_and_holidays_are_those_of_the_persons_country(begin: Any) -> None:
    world = begin(
        "country: FR\n"
        "countries:\n"
        "  DE: {holidays: [Good Friday, Easter Monday], sundays: quiet}\n"
        "  FR: {holidays: [Easter Monday]}\n"
    )
    for user, country in (("dieter", "DE"), ("fleur", "fr"), ("nobody", None)):
        world.identify(user, email=f"{user}@example.com", timezone="Europe/Berlin", country=country)
        world.track(user, "Consent Given", channel="email", purposes=["offers"])
    world.advance("25 days")  # Good Friday 2027-03-26
    for user in ("dieter", "fleur", "nobody"):
        world.track(user, "Go", journey="low")
    world.advance("2 days")
    for user in ("fleur", "nobody"):
        assert gone(world, user) == ["low Fri 26 10:00"]
    assert gone(world, "dieter")[0].startswith("low Sat 27 00:0")
