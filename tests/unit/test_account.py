"""Accounts: what calls say of a company in whatever order, and what its members get of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.segments import account as company_of
from functions.segments.account import headcount
from functions.segments.account_summary import sum_up
from functions.storage.kinds import alphabetical
from functions.tracking import account as accounts
from functions.tracking.account import (
    MOST_COPIED,
    MOST_COPIED_BYTES,
    MOST_TRAITS,
    REFRESHED,
    Account,
    Member,
    copy_of,
    hear,
)
from functions.tracking.company import (
    ACCOUNTS,
    CHANGED,
    JOINED,
    LEFT,
    MOST_COPIES,
    companies,
    is_member,
    is_noted,
    membership,
)
from functions.tracking.event import JOURNEYS, SCORE_ADDED, Event
from functions.tracking.fold import fold
from functions.tracking.merge import merge_profiles
from functions.tracking.profile import Profile

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def group(message_id: str, minute: float = 0, account: str = "acme", **traits: Any) -> Event:
    time = NOON + timedelta(minutes=minute)
    return Event(
        type="group",
        message_id=message_id,
        time=time,
        received_at=time,
        user_id="ada",
        group_id=account,
        traits=traits,
        source="crm",
        trusted=True,
    )


def identify(message_id: str, **traits: Any) -> Event:
    event = group(message_id, **traits)
    event.type, event.group_id = "identify", ""
    return event


def said(
    what: str, minute: float, edition: int = 0, account: str = "acme", /, **traits: Any
) -> Event:
    """What an account says to its member."""
    time = NOON + timedelta(minutes=minute)
    return Event(
        type="track",
        event=what,
        message_id=f"{what} {minute} {edition} {account}",
        time=time,
        received_at=time,
        source=ACCOUNTS,
        person="p",
        properties={"account_id": account, "edition": edition, "account": traits},
    )


def heard(calls: Sequence[Event], now: datetime = NOON) -> Account:
    account = Account(account_id="acme")
    hear(account, calls, now)
    account.version = 1
    return account


def folded(*events: Event) -> Profile:
    profile = Profile(person="p")
    for event in events:
        fold(profile, event)
    return profile


# --- what an account knows


def test_only_a_trusted_source_says_what_a_company_is_like() -> None:
    call = group("m1", industry="shoes", role="CTO")
    call.source, call.trusted = "website", False
    account = heard([call])
    assert account.traits == {}
    assert account.notes == ['the source "website" is not trusted to say what it is like']
    assert heard([group("m2", industry="shoes")]).trait("industry") == "shoes"


_names = st.sampled_from(["name", "industry", "plan", "employees", "level"])
_values = st.sampled_from(["software", "shoes", 50, 50.0, True, None, ["a"], {"city": "Ulm"}])
_calls = st.lists(
    st.tuples(st.integers(0, 5), st.dictionaries(_names, _values, max_size=3)), max_size=8
).map(
    lambda found: [
        group(f"m{number}", minute, **traits) for number, (minute, traits) in enumerate(found)
    ]
)


@settings(max_examples=100)
@given(st.data())
def test_any_order_and_any_duplication_of_calls_gives_the_same_account(data: Any) -> None:
    calls = data.draw(_calls)
    again = data.draw(st.lists(st.sampled_from(calls), max_size=4)) if calls else []
    one, other = heard(calls), Account(account_id="acme")
    for call in data.draw(st.permutations(calls + again)):
        hear(other, [call], NOON)
    assert (other.traits, other.created) == (one.traits, one.created)
    assert copy_of(other) == copy_of(one)


@settings(max_examples=100)
@given(_calls, _calls)
def test_an_account_s_edition_rises_just_when_its_copy_changes(
    first: list[Event], then: list[Event]
) -> None:
    account = heard(first)
    assert account.edition == 1
    for call in then:
        call.message_id += "'"
        before = copy_of(account), account.edition
        worth = hear(account, [call], NOON + timedelta(days=1))
        is_other = copy_of(account) != before[0]
        assert account.edition == before[1] + is_other
        assert worth or not is_other
        if is_other:
            assert account.changed == NOON + timedelta(days=1)


def test_what_is_said_again_is_worth_a_write_once_an_hour_and_no_more() -> None:
    account = heard([group("m1", industry="software")])
    minutes = REFRESHED / timedelta(minutes=1)
    assert not hear(account, [group("m2", minutes - 1, industry="software")], NOON)
    account = heard([group("m1", industry="software")])
    assert hear(account, [group("m2", minutes, industry="software")], NOON)


def test_another_value_that_equals_the_first_is_a_change() -> None:
    account = heard([group("m1", paid=1)])
    assert hear(account, [group("m2", 1, paid=True)], NOON)


def test_what_is_the_person_s_there_is_none_of_the_company() -> None:
    account = heard([group("m1", name="Acme", role="CTO", level="executive", title="Chief")])
    assert account.traits.keys() == {"name"}


def test_too_many_and_too_large_traits_are_refused_with_a_note() -> None:
    many = {f"t{number:03}": number for number in range(MOST_TRAITS)}
    account = heard([group("m1", **many), group("m2", 1, large="x" * 2000), group("m3", 2, more=1)])
    assert len(account.traits) == MOST_TRAITS
    assert all("at most" in note for note in account.notes)
    assert len(account.notes) == 2
    assert hear(account, [group("m4", 3, most=1)], NOON)  # the new note
    assert not hear(account, [group("m5", 3, most=1)], NOON)


def test_the_copy_is_small_and_begins_with_what_everybody_asks_for() -> None:
    many = {f"a{number:03}": "x" * 20 for number in range(100)}
    wanted = {"name": "Acme", "industry": "software", "employees": 50, "website": "acme.example"}
    account = heard([group("m1", **many, **wanted, address={"city": "Ulm"})])
    copied = copy_of(account)
    assert len(copied) == MOST_COPIED
    assert len(msgspec.json.encode(copied)) <= MOST_COPIED_BYTES + 100
    assert copied.keys() >= {*wanted, "address"}


def test_a_large_trait_leaves_room_for_the_small_ones() -> None:
    account = heard([group("m1", name="x" * 1000, about="y" * 1000, zip="89073")])
    assert copy_of(account).keys() == {"name"} or "zip" in copy_of(account)
    account = heard([group("m1", about="y" * 1015, zip="89073", name="Acme")])
    assert copy_of(account) == {"name": "Acme", "zip": "89073"}


# --- what a profile knows of its companies


_events = st.lists(
    st.one_of(
        st.builds(
            lambda minute, account, traits, number: group(f"g{number}", minute, account, **traits),
            st.integers(0, 9),
            st.sampled_from(["acme", "bolt", "cato"]),
            st.dictionaries(
                st.sampled_from(["role", "level", "jobTitle"]),
                st.sampled_from(["CTO", "Buyer", "", 7]),
                max_size=2,
            ),
            st.integers(0, 99),
        ),
        st.builds(
            lambda name, minute, edition, account: said(
                name, minute, 0 if name == LEFT else edition, account, name=f"{account} {edition}"
            ),
            st.sampled_from([JOINED, CHANGED, LEFT]),
            st.integers(0, 9),
            st.integers(1, 5),
            st.sampled_from(["acme", "bolt"]),
        ),
    ),
    max_size=10,
    unique_by=lambda event: event.message_id,
)


def known(profile: Profile) -> Any:
    """What is told of the companies that the person belongs to."""
    return [
        (name, company_of.fields_of(profile, name), is_noted(profile, name))
        for name in companies(profile)
        if profile.companies.get(name)
    ]


@settings(max_examples=150)
@given(st.data())
def test_any_order_of_events_gives_the_same_roles_and_the_same_membership(data: Any) -> None:
    events = data.draw(_events)
    other = folded(*data.draw(st.permutations(events)))
    one = folded(*events)
    assert companies(one) == companies(other)
    for name in companies(one):
        assert membership(one, name) == membership(other, name)
        assert is_noted(one, name) == is_noted(other, name)


@settings(max_examples=100)
@given(st.data())
def test_members_have_the_latest_edition_in_whatever_order_they_are_told(data: Any) -> None:
    editions = data.draw(st.permutations(range(1, 6)))
    told = [said(CHANGED, 9, edition, name=f"edition {edition}") for edition in editions]
    profile = folded(group("m1"), *told)
    assert company_of.fields(profile)["name"] == "edition 5"


@settings(max_examples=100)
@given(_events, st.data())
def test_two_names_of_a_person_merged_know_what_one_of_them_would(
    events: list[Event], data: Any
) -> None:
    theirs = data.draw(st.lists(st.booleans(), min_size=len(events), max_size=len(events)))
    apart = [
        folded(
            *(event for event, is_theirs in zip(events, theirs, strict=True) if is_theirs == one)
        )
        for one in (True, False)
    ]
    source, target = apart
    source.person = "q"
    merge_profiles(source, target)
    together = folded(*events)
    assert companies(target) == companies(together)
    for name in companies(target):
        assert membership(target, name) == membership(together, name)


def test_the_main_company_is_the_one_that_was_named_last() -> None:
    for events in (
        [group("m1", 5, "bolt"), group("m2", 1)],
        [group("m2", 1), group("m1", 5, "bolt")],
    ):
        assert companies(folded(*events)) == ["bolt", "acme"]


def test_who_was_taken_out_does_not_belong_until_a_later_call_says_so() -> None:
    profile = folded(group("m1", 1), said(JOINED, 1, 1, name="Acme"), said(LEFT, 5))
    assert not is_member(profile, "acme")
    assert company_of.fields(profile) == {}
    fold(profile, group("m2", 3))  # it was on its way
    assert not is_member(profile, "acme")
    fold(profile, group("m3", 6))
    assert is_member(profile, "acme")
    assert not is_noted(profile, "acme")  # so the account takes them in anew


def test_a_shop_s_event_of_such_a_name_tells_a_profile_nothing() -> None:
    fake = said(CHANGED, 1, 99, name="Evil")
    fake.source, fake.person = "shop", ""
    posing = said(CHANGED, 2, 99, name="Evil")
    posing.person = ""
    profile = folded(group("m1"), fake, posing)
    assert company_of.fields(profile)["name"] == "acme"


def test_only_the_few_companies_named_last_have_a_copy() -> None:
    events = []
    for number in range(MOST_COPIES + 3):
        events += [
            group(f"m{number}", number, f"c{number}", role="Buyer"),
            said(JOINED, number, 1, f"c{number}", name="x"),
        ]
    profile = folded(*events)
    copied = [name for name, company in profile.companies.items() if company.traits]
    assert sorted(copied) == sorted(companies(profile)[:MOST_COPIES])
    assert membership(profile, "c0") == {"role": "Buyer"}


@pytest.mark.parametrize(
    ("of_person", "of_call", "found"),
    [
        ({"jobTitle": "CTO"}, {}, {"role": "CTO"}),
        ({"jobTitle": "CTO"}, {"role": "Advisor"}, {"role": "Advisor"}),
        (
            {"title": " VP ", "level": "executive"},
            {"level": "manager"},
            {"role": "VP", "level": "manager"},
        ),
        ({"department": 7, "level": ""}, {"role": ["x"]}, {}),
        (
            {},
            {"seniority": "director", "buyingRole": "decides"},
            {"level": "director", "buying_role": "decides"},
        ),
        ({}, {"title": "b", "role": "a"}, {"role": "a"}),
    ],
)
def test_a_group_call_s_word_on_the_person_goes_before_their_own_traits(
    of_person: dict[str, Any], of_call: dict[str, Any], found: dict[str, str]
) -> None:
    assert (
        membership(folded(identify("m1", **of_person), group("m2", 1, **of_call)), "acme") == found
    )


# --- what conditions and mails see


@pytest.mark.parametrize(
    ("said", "count"),
    [
        (50, 50),
        ("50", 50),
        ("1,200", 1200),
        ("1.200", 1200),
        ("1 200 people", 1200),
        ("51-200", 51),
        ("10,000+", 10000),
        ("about 50", None),
        ("12.5", None),
        ("", None),
        (None, None),
        (["50"], None),
        (True, None),
    ],
)
def test_a_headcount_is_a_number_however_it_is_written(said: Any, count: Any) -> None:
    assert headcount(said) == count


@pytest.mark.parametrize(
    ("employees", "size"),
    [
        *((1, "micro"), (9, "micro"), (10, "small"), (49, "small"), (50, "medium")),
        *((249, "medium"), (250, "large"), ("1,000+", "large"), (None, None)),
    ],
)
def test_the_size_of_a_company_follows_the_european_commission(employees: Any, size: Any) -> None:
    profile = folded(group("m1"), said(JOINED, 1, 1, employees=employees))
    assert company_of.fields(profile)["size"] == size


def test_the_place_is_a_trait_of_its_own_or_stands_in_the_address() -> None:
    address = {"city": "Ulm", "country": "DE"}
    profile = folded(group("m1"), said(JOINED, 1, 1, address=address, country="AT"))
    known = company_of.fields(profile)
    assert (known["city"], known["country"]) == ("Ulm", "AT")


def test_who_belongs_to_no_company_has_no_field_of_one() -> None:
    assert company_of.fields(folded(identify("m1", industry="software"))) == {}


# --- the events that an account sends


def test_what_an_account_tells_is_the_same_event_however_often_it_is_made() -> None:
    call = group("m1", name="Acme")
    account = heard([call])
    member = Member(account_id="acme", person="p", since=call.time, by="m1")
    later = group("m2", 9)
    one, other = accounts.joined(account, member, call), accounts.joined(account, member, later)
    assert (one.message_id, one.client_time) == (other.message_id, other.client_time)
    hear(account, [group("m3", 5, name="Acme Ltd")], NOON + timedelta(days=1))
    assert accounts.changed(account, member) == accounts.changed(account, member)
    another = Member(account_id="acme", person="p", since=later.time, by="m2")
    assert accounts.joined(account, another, later).message_id != one.message_id


def test_who_joined_long_ago_by_an_import_did_so_then() -> None:
    call = group("m1", -60 * 24 * 300)
    call.received_at = NOON
    member = Member(account_id="acme", person="p", since=call.time, by="m1")
    event = accounts.joined(heard([call]), member, call)
    assert (event.time, event.received_at) == (call.time, NOON)


def test_what_a_quiet_import_changes_is_told_with_its_mark() -> None:
    quiet = {"import": {"name": "crm", "quiet": True}}
    call = group("m1", name="Acme")
    call.context = {**quiet, "ip": "127.0.0.1"}
    account, member = heard([call]), Member(account_id="acme", person="p", since=NOON, by="m1")
    told = accounts.joined(account, member, call), accounts.told_again(account, "p", call)
    assert [event.context for event in (*told, accounts.changed(account, member))] == [quiet] * 3
    hear(account, [group("m2", 1, name="Acme Ltd")], NOON)
    assert accounts.changed(account, member).context == {}


# --- an account as a whole


def scored(person: str, points: float, **traits: Any) -> Profile:
    profile = folded(group(f"m{person}", level="manager"), identify(f"i{person}", **traits))
    profile.person = person
    if points:
        event = said(SCORE_ADDED, 1)
        event.source, event.properties = JOURNEYS, {"points": points}
        fold(profile, event)
    return profile


def test_the_five_highest_scores_are_an_account_s_and_a_thousand_strangers_add_nothing() -> None:
    people = [scored(f"p{points}", points, name=f"P{points}") for points in (7, 1, 40, 5, 3, 2)]
    strangers = [scored(f"s{number}", 0) for number in range(50)]
    found = sum_up("acme", [*people, *strangers], {}, NOON)
    assert found.score == 40 + 7 + 5 + 3 + 2
    assert [one.name for one in found.score_of] == ["P40", "P7", "P5", "P3", "P2"]
    assert found.looked_at == 56
    assert found.levels == {"manager": 56}


def test_who_was_taken_out_counts_no_more() -> None:
    gone = scored("gone", 50)
    fold(gone, said(LEFT, 9))
    found = sum_up("acme", [gone], {}, NOON)
    assert (found.looked_at, found.score, found.levels) == (0, 0, {})


def test_the_stage_of_an_account_is_the_furthest_of_a_member() -> None:
    people = [
        scored("a", 0, stages={"sales": "lead"}),
        scored("b", 0, stages={"sales": "customer", "other": "x"}),
        scored("c", 0, stages="nonsense"),
    ]
    order = {"sales": ["subscriber", "lead", "customer", "evangelist"]}
    found = sum_up("acme", people, order, NOON)
    assert found.stage == {"sales": "customer"}
    assert found.stages == {"sales": {"lead": 1, "customer": 1}, "other": {"x": 1}}


# --- the listing


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=2, max_size=6))
def test_a_listing_newest_first_gives_names_from_a_to_z(names: list[str]) -> None:
    by_listing = sorted(names, key=alphabetical, reverse=True)
    key = [name.casefold().encode() for name in by_listing]
    assert key == sorted(key)
