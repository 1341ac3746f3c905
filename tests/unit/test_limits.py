"""limits.yaml is read as it is meant, and no order of claims exceeds what it says."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.easter import easter as easter_by_dateutil
from hypothesis import given
from hypothesis import strategies as some

from functions.folder import Folder, check, check_brand, check_live
from functions.journeys.telling import rules
from functions.journeys.yaml_file import read
from functions.messages import limits, room, sunset
from functions.messages.brand import Brand
from functions.messages.country import country_of
from functions.messages.holidays import easter, holidays
from functions.messages.limits import Cap, Limits, build
from functions.messages.room import NoRoom, Wanted
from functions.problem import Problems
from functions.segments.phrases import BadPhrase
from functions.tracking.merge import merge_permissions
from functions.tracking.permission import MOST_COUNTED, Live, Permission
from functions.tracking.profile import Profile, Seen, Trait
from functions.tracking.wishes import Wishes
from tests.support.time_zones import ZONES
from tests.support.world import JOURNEYS

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
BRAND = (JOURNEYS / "brand.yaml").read_text("utf-8")
PURPOSES = ("offers", "tips/of the week")
DAY = timedelta(days=1)


@cache
def checked_brand() -> Brand:
    return check_brand(BRAND)


def wanted(name: str, journey: str = "low", **about: Any) -> Wanted:
    usual = {"channel": "email", "purpose": "offers", "kind": "automation"}
    return Wanted(name, f"run {journey}", journey, journey, **{**usual, **about})


def person(*journeys: str) -> Permission:
    live = {f"run {name}": Live(name, "p", NOW) for name in journeys}
    return Permission(person="p", live=live)


def goes(permission: Permission, one: Wanted, rules: Limits, now: datetime) -> bool:
    try:
        room.take(permission, one, rules, now)
    except NoRoom:
        return False
    return True


# --- counting


caps = some.builds(
    lambda number, hours, channel, purpose: Cap(
        number, timedelta(hours=hours), f"{hours} hours", channel, purpose
    ),
    some.integers(1, 4),
    some.integers(1, 31 * 24),
    some.sampled_from(("", "email", "sms")),
    some.sampled_from(("", *PURPOSES)),
)
tries = some.lists(
    some.tuples(
        some.integers(0, 100 * 3600),
        some.sampled_from(("email", "sms")),
        some.sampled_from(PURPOSES),
        some.booleans(),
    ),
    max_size=40,
)


@given(some.lists(caps, min_size=1, max_size=3), tries)
def test_in_no_time_of_its_length_do_more_go_than_a_limit_allows(
    found: list[Cap], asked: list[tuple[int, str, str, bool]]
) -> None:
    rules, permission, now = Limits(caps=tuple(found)), person("low"), NOW
    gone: list[tuple[datetime, str, str]] = []
    for number, (seconds, channel, purpose, is_split) in enumerate(asked):
        now += timedelta(seconds=seconds)
        one = wanted(str(number), channel=channel, purpose=purpose)
        before = room.full(permission, one, rules, now)
        if goes(permission, one, rules, now):
            gone.append((now, channel, purpose))
            assert before is None
        else:
            assert before
            assert before.until > now
            later = room.full(permission, one, rules, before.until)
            assert later is None or later.until > before.until
        if is_split:  # another half of the person turns up, who got nothing
            merge_permissions(Permission(person="q"), permission)
        for cap in found:
            times = [at for at, *about in gone if cap.counts(about[0], "automation", about[1])]
            assert len([at for at in times if at > now - cap.within]) <= cap.at_most


@given(some.integers(1, MOST_COUNTED), some.integers(0, 200))
def test_what_is_kept_is_enough_for_the_highest_limit(at_most: int, extra: int) -> None:
    rules, permission = Limits(caps=(Cap(at_most, 31 * DAY, "31 days"),)), person()
    done = sum(
        goes(permission, wanted(str(number)), rules, NOW + timedelta(minutes=number))
        for number in range(at_most + extra)
    )
    assert done == at_most
    assert sum(map(len, permission.sent.values())) <= MOST_COUNTED


def test_what_was_given_back_leaves_its_place() -> None:
    rules, permission = Limits(caps=(Cap(1, DAY, "1 day"),)), person()
    assert goes(permission, wanted("a"), rules, NOW)
    room.give_back(permission, wanted("a"), NOW + timedelta(seconds=1))
    assert not goes(permission, wanted("b"), rules, NOW)
    room.give_back(permission, wanted("a"), NOW)
    assert goes(permission, wanted("b"), rules, NOW)


def test_two_who_become_one_have_got_what_both_got() -> None:
    rules = Limits(caps=(Cap(2, DAY, "1 day"),))
    one, other = person(), Permission(person="q", wishes=Wishes("weekly", None, NOW))
    assert goes(one, wanted("a"), rules, NOW)
    assert goes(other, wanted("b"), rules, NOW)
    merge_permissions(one, other)
    assert not goes(other, wanted("c"), rules, NOW)
    assert other.wishes == Wishes("weekly", None, NOW)


# --- ranks


ranked = some.lists(
    some.tuples(
        some.sampled_from(("high", "middle", "low")),
        some.integers(0, 6 * 3600),
        some.sampled_from(("take", "wait", "leave")),
    ),
    max_size=30,
)


@given(some.integers(1, 3), ranked)
def test_nobody_takes_the_last_place_while_somebody_of_a_higher_rank_waits(
    at_most: int, acts: list[tuple[str, int, str]]
) -> None:
    rules = Limits(caps=(Cap(at_most, DAY, "1 day"),), priority=("high", "middle"))
    permission, now = person("high", "middle", "low"), NOW
    waits: dict[str, datetime] = {}
    gone: list[datetime] = []
    for name, seconds, act in acts:
        now += timedelta(seconds=seconds)
        one = wanted(name, name)
        if act == "leave":
            permission.live.pop(one.run_id, None)
            waits.pop(name, None)
        elif act == "wait" and room.has_rank(one, rules, permission):
            room.wait(permission, one, now + 2 * room.TURN, now)
            if one.run_id in permission.live:
                waits[name] = now + 3 * room.TURN
        elif act == "take":
            order = ("high", "middle", "low")
            ahead = [w for w in order[: order.index(name)] if waits.get(w, now) > now]
            free = at_most - len([at for at in gone if at > now - DAY])
            assert goes(permission, one, rules, now) == (free > len(ahead))
            if free > len(ahead):
                gone.append(now)
                waits.pop(name, None)


def test_a_message_has_the_better_rank_of_its_own_name_and_its_journeys() -> None:
    rules = Limits(priority=("urgent", "low", "news"))
    assert [rules.rank("low", one) for one in ("urgent", "news", "other")] == [0, 1, 1]
    assert rules.rank("other", "other") == 3


# --- the sunset


def test_only_what_goes_after_the_last_sign_of_life_is_counted() -> None:
    rules, permission = build({"sunset": {"after": "10 days", "messages": 2}}), person()
    for _ in range(3):
        sunset.count(permission, NOW, rules)
    assert sunset.is_asleep(permission, NOW, "low", rules, NOW + 10 * DAY)
    assert not sunset.is_asleep(permission, NOW, "low", rules, NOW + 9 * DAY)
    assert not sunset.is_asleep(permission, NOW + DAY, "low", rules, NOW + 20 * DAY)
    sunset.count(permission, NOW + DAY, rules)
    assert permission.unanswered == 1


def test_robots_and_we_ourselves_are_no_sign_of_life() -> None:
    late = Seen(1, NOW + DAY, NOW + DAY)
    names = ("Email Delivered", "Message Sent", "Email Opened by Robot", "Segment Entered")
    profile = Profile(person="p", created=NOW, events=dict.fromkeys(names, late))
    assert sunset.last_sign(profile) == NOW
    profile.events["Email Link Clicked"] = late
    assert sunset.last_sign(profile) == NOW + DAY


# --- countries and holidays


@given(some.integers(1583, 4099))
def test_easter_is_when_others_say(year: int) -> None:
    assert easter(year) == easter_by_dateutil(year)


def test_holidays_come_by_date_every_year_or_with_easter() -> None:
    found = holidays(["12-25", "2027-05-07", "Good Friday", "02-29"])
    there = [date(2027, 3, 26), date(2028, 4, 14), date(2030, 12, 25), date(2027, 5, 7)]
    assert all(day in found for day in [*there, date(2028, 2, 29)])
    assert not any(day in found for day in (date(2028, 5, 7), date(2027, 3, 28), "12-25"))
    assert date(2027, 3, 28) in holidays([], sundays=True)
    for wrong in ("13-01", "Easter", 3, "2027-02-30"):
        with pytest.raises(BadPhrase, match="no day"):
            holidays([wrong])


@given(
    some.sampled_from(ZONES).map(ZoneInfo), some.integers(0, 366 * 24 * 60), some.integers(0, 23)
)
def test_nothing_goes_where_a_countrys_clock_or_calendar_forbids_it(
    zone: ZoneInfo, minutes: int, begin: int
) -> None:
    quiet = f"{begin}:00 to {(begin + 10) % 24}:30"
    raw = {"quiet hours": quiet, "holidays": ["Good Friday", "12-25", "12-26"], "sundays": "quiet"}
    rules, brand = build({"countries": {"DE": raw}}), checked_brand()
    times = rules.times(brand, "offers", None, "DE")
    now = NOW + timedelta(minutes=minutes)
    opens = times.next_allowed(now, zone)
    assert opens
    there = opens.astimezone(zone)
    assert times.allow(opens, zone)
    assert there.weekday() != 6
    assert (there.month, there.day) not in ((12, 25), (12, 26))
    clock = there.hour * 60 + there.minute
    assert (clock - begin * 60) % (24 * 60) >= 10 * 60 + 30
    if opens > now:
        assert not times.allow(max(now, opens - timedelta(minutes=1)), zone)
    assert rules.times(brand, "transactional", None, "DE").next_allowed(now, zone) == now


def test_a_country_stands_for_the_brands_quiet_hours_and_adds_to_its_holidays() -> None:
    brand = check_brand(BRAND + "quiet hours: 21:00 to 8:00\nholidays: [2027-05-07]\n")
    rules = build({"countries": {"DE": {"quiet hours": "20:00 to 9:00"}, "FR": {}}})
    german, french = (rules.times(brand, "offers", None, name) for name in ("DE", "FR"))
    assert german.quiet != brand.times("offers", None).quiet == french.quiet
    assert date(2027, 5, 7) in german.holidays
    assert rules.times(brand, "offers", None, "AT") == brand.times("offers", None)


@pytest.mark.parametrize(
    ("traits", "country"),
    [
        ({"country": "at", "phone": "+4915112345678"}, "AT"),
        ({"address": {"country": "CH"}, "country": "Switzerland"}, "CH"),
        ({"phone": "+33612345678"}, "FR"),
        ({"phone": "0151 12345678"}, "DE"),
        ({"country": 49, "address": "Berlin"}, ""),
    ],
)
def test_a_person_is_where_they_say_else_where_their_phone_is(
    traits: dict[str, Any], country: str
) -> None:
    said = {name: Trait(value, NOW, "") for name, value in traits.items()}
    assert country_of(Profile(person="p", traits=said)) == country


# --- the file


GOOD = """caps:
  - at most: 3 in 7 days
  - {at most: 1 in 1 day, channel: sms, class: campaign}
when full: drop
hold at most: 2 days
priority: [upsell, five-reasons]
country: DE
countries:
  DE: {quiet hours: "20:00 to 8:00", holidays: [Good Friday, 12-25], sundays: quiet}
sunset: {after: 180 days, messages: 20, ask: upsell}
calm: {segment: customers, at most: 1 in 14 days, short: true}
"""


def wrong(text: str) -> Iterator[str]:
    segments = "customers:\n  title: All\n  who: {person: {orders: {at least: 1}}}\n"
    upsell = {"five-reasons.de.mjml": ""}
    folder = Folder(BRAND, {}, {"upsell": upsell}, {"limits.yaml": text, "segments.yaml": segments})
    return (str(problem) for problem in check_live(folder, check_brand(BRAND)))


def test_a_file_without_mistakes_is_read_as_it_is_meant() -> None:
    assert list(wrong(GOOD)) == []
    found = build(read("limits.yaml", GOOD).value)
    assert found.caps[1] == Cap(1, DAY, "1 day", "sms", "", "campaign")
    assert (found.when_full, found.hold_at_most, found.rank("", "five-reasons")) == (
        limits.DROP,
        2 * DAY,
        1,
    )
    assert build(None) == Limits()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("caps:\n  - at most: 3 a week\n", 2, "is no limit"),
        ("caps:\n  - at most: 31 in 7 days\n", 2, "more than we count"),
        ("caps:\n  - at most: 3 in 32 days\n", 2, "more than we count"),
        ("caps:\n  - at most: 3 in 1 month\n", 2, "is no limit"),
        ("caps:\n  - at most: 3 in 7 days\n    chanel: sms\n", 3, 'did you mean "channel"?'),
        ("caps:\n  - channel: sms\n", 2, '"at most" is missing'),
        ("caps:\n  - at most: 3 in 7 days\n    channel: fax\n", 3, "is no channel"),
        ("caps:\n  - at most: 3 in 7 days\n    purpose: transactional\n", 3, "needs no consent"),
        ("caps:\n  - at most: 3 in 7 days\n    class: mail\n", 3, "is no class"),
        ("caps: 3 in 7 days\n", 1, "is a list"),
        ("when full: wait\n", 1, "is no way"),
        ("hold at most: long\n", 1, "is not a duration"),
        ("caps: [{at most: 3 in 7 days}]\npriority: [upsel]\n", 2, 'did you mean "upsell"?'),
        ("priority: [upsell]\n", 1, "there are none"),
        ("countries:\n  Germany: {sundays: quiet}\n", 2, "two capital letters"),
        ("countries:\n  DE: {sundays: loud}\n", 2, '"sundays: quiet"'),
        ("countries:\n  DE: {holidays: [Boxing Day]}\n", 2, "is no day"),
        ("countries:\n  DE: {quiet hours: at night}\n", 2, "are no hours"),
        ("sunset: {after: 180 days}\n", 1, '"messages" is missing'),
        ("sunset: {after: 180 days, messages: many}\n", 1, "is a number"),
        ("sunset: {after: 1 day, messages: 3, ask: bye}\n", 1, "is no journey"),
        ("calm: {segment: nobody, short: true}\n", 1, "is no segment"),
        ("calm: {segment: customers}\n", 1, "says nothing"),
        ("soft bounces: 5 over 3 days\n", 1, "is written like"),
        ("soft bounces:\n  mail: 5 over 3 days\n", 2, 'did you mean "email"?'),
        ("soft bounces: {email: 5 in 3 days}\n", 1, "says not how many failures"),
        ("soft bounces: {email: 5 over 1 month}\n", 1, "says not how many failures"),
        ("soft bounces: {sms: 1 over 3 days}\n", 1, "out of bounds"),
        ("soft bounces: {sms: 3 over 91 days}\n", 1, "out of bounds"),
        ("cap: []\n", 1, 'did you mean "caps"?'),
        ("- 3\n", 1, "limits are named"),
    ],
)
def test_a_mistake_is_told_at_its_line_with_what_would_be_right(
    text: str, line: int, words: str
) -> None:
    [problem] = wrong(text)
    assert problem.startswith(f"limits.yaml:{line}: ")
    assert words in problem


def test_the_class_of_a_journey_is_told_in_both_languages() -> None:
    raw = {"title": "News", "class": "newsletter", "steps": []}
    assert [rules(raw, "en")["class"], rules(raw, "de")["class"]] == [
        ["newsletter"],
        ["Newsletter"],
    ]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("hello.short.de.mjml", "hello.de.mjml, which is missing"),
        ("hello.short.de.sms", "only mails have one"),
        ("hello.shorter.de.mjml", "is not named like"),
    ],
)
def test_a_shorter_form_stands_beside_a_mail(file: str, words: str) -> None:
    folder = Folder(BRAND, {}, {"news": {"journey.yaml": "", file: "Hello"}})
    with pytest.raises(Problems) as found:
        check(folder)
    assert [one for one in found.value.found if one.file == f"news/{file}" and words in one.text]


def test_sending_hours_within_a_countrys_quiet_hours_are_refused() -> None:
    journey = (JOURNEYS / "upsell" / "journey.yaml").read_text("utf-8")
    mails = {path.name: path.read_text("utf-8") for path in JOURNEYS.glob("upsell/*.mjml")}
    files = {**mails, "journey.yaml": "send only: 21:00 to 22:00\n" + journey}
    parts = {f"../parts/{path.name}": path.read_text("utf-8") for path in JOURNEYS.glob("parts/*")}
    said = "countries: {AT: {quiet hours: 22:00 to 8:00}, DE: {quiet hours: 20:00 to 8:00}}"
    with pytest.raises(Problems) as found:
        check(Folder(BRAND, parts, {"upsell": files}, {"limits.yaml": said}))
    told = [one.text for one in found.value.found if "could ever go" in one.text]
    assert told == [
        '"send only" lies within the quiet hours of DE in limits.yaml: no message could ever go'
    ]
