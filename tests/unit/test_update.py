"""`update` and `stop journey`: what they say, and that tags do not hang on who came first."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.journeys.desk import Desk
from functions.journeys.journey import build
from functions.journeys.leave import leave_all
from functions.journeys.steps.update import Update
from functions.journeys.yaml_file import read
from functions.segments.person import fields
from functions.tracking.event import Event
from functions.tracking.fold import fold
from functions.tracking.identity import short_hash
from functions.tracking.permission import Live, Permission
from functions.tracking.profile import Profile
from tests.unit.test_journey_files import problems, with_steps

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def step(update: str) -> Update:
    [found] = build("cart", read("j", with_steps(f"  - update: {update}\n")).value).steps
    assert isinstance(found, Update)
    return found


# --- tags

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["add tag", "remove tag"]),
        st.sampled_from(["fan", "vip", "Größe L"]),
        st.integers(0, 5),
    ),
    max_size=8,
)


def event(number: int, word: str, tag: str, hour: int) -> Event:
    return Event(
        type="identify",
        message_id=f"m{number}",
        time=NOON + timedelta(hours=hour),
        received_at=NOON,
        client_time=(NOON + timedelta(hours=hour)).isoformat(),
        traits=step(f"{{{word}: {tag}}}").traits,
        person="p",
    )


def _sent(tags: Any) -> Event:
    return Event(
        type="identify", message_id="m0", time=NOON, received_at=NOON, traits={"tags": tags}
    )


def tags_after(events: list[Event]) -> Any:
    profile = Profile(person="p")
    for one in events:
        fold(profile, one)
    return fields(profile, NOON)["tags"] or []  # None: nobody ever said a tag


@given(CHANGES, st.randoms(use_true_random=False))
def test_tags_are_the_same_in_whatever_order_their_changes_come(
    changes: list[tuple[str, str, int]], chance: Any
) -> None:
    """The last word on each tag, by the time when it was said, is what holds; of two of the same
    time that whose id has the greater hash."""
    events = [event(number, *change) for number, change in enumerate(changes)]
    last = {
        tag: word
        for _, _, word, tag in sorted(
            (hour, short_hash(f"m{number}")[:8], word, tag)
            for number, (word, tag, hour) in enumerate(changes)
        )
    }
    shuffled = list(events)
    chance.shuffle(shuffled)
    assert tags_after(shuffled) == sorted(tag for tag, word in last.items() if word == "add tag")


@pytest.mark.parametrize("sent", [["b", "a", 5], "vip, new", ["a"], {"a": 1}, None])
def test_what_a_shop_sends_as_tags_stays_as_it_is_until_a_journey_says_one(sent: Any) -> None:
    profile = Profile(person="p")
    fold(profile, _sent(sent))
    assert fields(profile, NOON)["tags"] == sent


@pytest.mark.parametrize(
    ("sent", "tags"), [(["b", "a", 5], [5, "a", "fan"]), ("b", ["fan"]), (None, ["fan"])]
)
def test_a_journeys_tags_join_those_that_a_shop_sent(sent: Any, tags: list[Any]) -> None:
    profile = Profile(person="p")
    fold(profile, _sent(sent))
    fold(profile, event(1, "add tag", "fan", 1))
    fold(profile, event(2, "remove tag", "b", 1))
    assert fields(profile, NOON)["tags"] == tags


def test_a_tag_and_traits_can_be_changed_together() -> None:
    found = step("{set: {plan: pro, seats: 2, trial: false}, add tag: a, remove tag: b}")
    assert found.traits == {
        "plan": "pro",
        "seats": 2,
        "trial": False,
        "tag:a": True,
        "tag:b": False,
    }
    assert found.name == "update set plan, set seats, set trial, add tag a, remove tag"


# --- mistakes

MISTAKES = {
    "nothing": (
        "update: {}",
        '5: changes nothing; write "set", "add tag", "remove tag" or "add to score"',
    ),
    "both": ("update: {add tag: a, remove tag: a}", '"a" is added and removed in one step'),
    "an address": ("update: {set: {email: a@b.de}}", '"email" cannot be set: an address comes'),
    "a computed field": ("update: {set: {orders: 3}}", '"orders" cannot be set: it is computed'),
    "a later field": ("update: {set: {score: 3}}", '"score" cannot be set: it is computed'),
    "tags": ("update: {set: {tags: a}}", '"tags" cannot be set: write "add tag" or "remove tag"'),
    "no points": ("update: {add to score: 0}", '"add to score" takes a number that is not 0'),
    "points as a text": (
        "update: {add to score: many}",
        "'many' is not a number",
    ),
    "a list": ("update: {set: {a: [1]}}", '5: "a": [1] is not a text or a number or true or false'),
    "a misspelt word": ("update: {ad tag: a}", '"ad tag" is unknown; did you mean "add tag"?'),
    "a tag that is a number": ("update: {add tag: 5}", '5: "add tag": 5 is not a text'),
    "no outcome": ("stop journey: upsell", '5: "as" is missing beside "stop journey"'),
    "itself": (
        "stop journey: cart\n    as: done",
        '5: a journey does not stop itself; write "end" to end this run',
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_at_its_line(mistake: str) -> None:
    text, said = MISTAKES[mistake]
    found = problems(with_steps(f"  - {text}\n"))
    assert [problem for problem in found if said in problem] == found != []


# --- stopping


class OneRecord:
    """A store that has a person's permission and none of their runs."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    def get(self, kind: type, person: str, key: str) -> None:
        return None

    def put(self, record: Any) -> None:
        self.permission = record


def test_a_run_whose_record_is_still_on_its_way_is_marked_so_that_it_does_nothing() -> None:
    live = {
        "upsell-1": Live("upsell", "p", NOON),
        "upsell-2": Live("upsell", "p", NOON, "x"),
        "cart-1": Live("cart", "p", NOON),
    }
    store: Any = OneRecord(Permission(person="p", live=live))
    none: Any = None
    desk = Desk(store, none, lambda: NOON, none, none, lambda person: store.permission, none, none)
    leave_all(desk, "p", "upsell", "stopped", "upsell-2")
    leaving = {run_id: one.leaving for run_id, one in store.permission.live.items()}
    assert leaving == {"upsell-1": "stopped", "upsell-2": "", "cart-1": ""}
