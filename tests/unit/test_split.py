"""`split`: shares that are met, an arm that stays, and nothing to remember for it."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.journeys.journey import Journey, build
from functions.journeys.step import ends
from functions.journeys.steps.split import arm_of, arms_at
from functions.journeys.yaml_file import read
from functions.segments.phrases import WHOLE, BadPhrase, share
from functions.tracking.identity import person_key
from tests.support.journeys import INPUT, compiled, handler
from tests.support.moto_interpreter import run_ours
from tests.unit.test_journey_files import problems, with_steps

PEOPLE = [person_key(b"secret", "user_id", str(number)) for number in range(10_000)]
LAST_CALL = """\
  - split: last call
    arms:
      plain: {share: 45 percent, then: [{send: guide}]}
      voucher: {share: 45 percent, then: [{send: hacks}]}
      nothing: {share: 10 percent}
"""
WAIT = "  - wait for: {event: Login}\n    at most: 3 days\n"


def journey(steps: str, name: str = "cart") -> Journey:
    return build(name, read("j", with_steps(steps)).value)


@st.composite
def all_shares(draw: st.DrawFn) -> dict[str, int]:
    """Shares of two to five arms, which make a whole."""
    cuts = draw(st.sets(st.integers(1, WHOLE - 1), min_size=1, max_size=4))
    edges = [0, *sorted(cuts), WHOLE]
    return {f"arm {n}": edges[n + 1] - edges[n] for n in range(len(edges) - 1)}


# --- chance


@pytest.mark.parametrize("name", ["last call", "x", "colour of the button", "price 2"])
@pytest.mark.parametrize(
    "shares", [[4500, 4500, 1000], [5000, 5000], [1, 9999], [3333, 3333, 3334]]
)
def test_shares_are_met_over_ten_thousand_people_within_binomial_bounds(
    name: str, shares: list[int]
) -> None:
    """Five standard deviations: by chance one of a million would be outside."""
    wanted = {f"arm {n}": size for n, size in enumerate(shares)}
    arms = [arm_of(person, name, wanted) for person in PEOPLE]
    for arm, size in wanted.items():
        mean, odds = len(PEOPLE) * size / WHOLE, size / WHOLE
        assert abs(arms.count(arm) - mean) <= 5 * sqrt(len(PEOPLE) * odds * (1 - odds)) + 1


def test_two_splits_of_other_names_have_nothing_to_do_with_each_other() -> None:
    halves = {"a": 5000, "b": 5000}
    both = sum(
        arm_of(person, "one", halves) == arm_of(person, "other", halves) for person in PEOPLE
    )
    assert abs(both - 5000) <= 5 * 50


@given(st.sampled_from(PEOPLE), st.text(max_size=20), all_shares())
def test_everybody_has_an_arm_and_always_the_same(
    person: str, name: str, shares: dict[str, int]
) -> None:
    arm = arm_of(person, name, shares)
    assert arm in shares
    assert arm_of(person, name, dict(shares)) == arm


@given(st.sampled_from(PEOPLE))
def test_a_person_has_the_same_arm_at_a_split_of_this_name_in_every_journey(person: str) -> None:
    before = "  - send: welcome\n  - split: other\n    arms:\n      a: {share: 50 percent}\n"
    other = journey(f"{before}      b: {{share: 50 percent}}\n{LAST_CALL}", "other")
    again = f"{LAST_CALL}  - wait: 5 days\n{LAST_CALL}    name: once more\n"
    own = arms_at(journey(again), person)
    assert own.keys() == {"last_call"}
    assert arms_at(other, person)["last_call"] == own["last_call"]


@given(st.sampled_from(PEOPLE), all_shares())
def test_who_is_in_the_first_arm_stays_there_when_its_share_grows(
    person: str, shares: dict[str, int]
) -> None:
    first, *others = shares
    if arm_of(person, "x", shares) == first and others and shares[others[0]] > 1:
        more = {**shares, first: shares[first] + 1, others[0]: shares[others[0]] - 1}
        assert arm_of(person, "x", more) == first


def test_shares_that_are_no_whole_are_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="less than a whole"):
        [arm_of(person, "x", {"a": 1000}) for person in PEOPLE[:100]]


# --- the phrase


@given(st.integers(1, WHOLE))
def test_a_share_is_read_as_it_is_written(size: int) -> None:
    assert share(f"{size / 100:g} percent") == size
    if size < WHOLE:
        assert share(f"{size / 100:.2f} percent") == size


@pytest.mark.parametrize(
    "text",
    [
        *("45", "45%", "45  percent", "0 percent", "0.00 percent", "101 percent", "45 percent\n"),
        *("-1 percent", "33.333 percent", "045 percent", "100.5 percent", "٤٥ percent"),
        *(45, 0.45, None),
    ],
)
def test_what_is_no_share_is_refused_with_one_that_is(text: object) -> None:
    with pytest.raises(BadPhrase, match='a share is written like "45 percent"'):
        share(text)


# --- the machine


def path(steps: str, arm: str) -> list[str]:
    found = journey(steps)
    decisions = {step.name: 0 for step in found.every_step()}
    told = {**INPUT, "arms": {"last_call": arm}}
    outcome = run_ours(compiled(found), told, handler(found, decisions, []))
    assert outcome.status == "SUCCEEDED"
    return list(outcome.path)


@pytest.mark.parametrize(
    ("arm", "done"), [("plain", ["send guide"]), ("voucher", ["send hacks"]), ("nothing", [])]
)
def test_a_split_costs_the_choice_alone(arm: str, done: list[str]) -> None:
    assert path(LAST_CALL + "  - send: welcome\n", arm) == [
        "split last call",
        *done,
        "send welcome",
    ]


def test_a_split_at_the_end_of_the_file_lets_the_run_end() -> None:
    assert path(LAST_CALL, "plain") == ["split last call", "send guide"]
    assert path(LAST_CALL, "nothing") == ["split last call", "finished"]


def test_only_a_wait_right_behind_it_makes_it_tell_when_it_began() -> None:
    assert path(LAST_CALL + WAIT, "nothing") == [
        "split last call",
        "one of 3: split last call",
        "wait for Login",
    ]
    found = compiled(journey(LAST_CALL + WAIT))["States"]
    place = found["split last call"]["ResultPath"]
    since = found["wait for Login"]["Parameters"]["Payload"]["since"]
    assert since == {"at.$": f"{place}.Payload.at"}


def test_a_run_gets_past_it_unless_every_arm_ends() -> None:
    arms = "  - split: x\n    arms:\n      a: {share: 50 percent, then: [{end: a}]}\n"
    assert ends(journey(arms + "      b: {share: 50 percent, then: [{end: b}]}\n").steps)
    assert not ends(journey(arms + "      b: {share: 50 percent}\n").steps)


# --- mistakes

ARM = "      {0}: {{share: {1} percent}}\n"
X = "  - split: x\n    arms:\n"
MISTAKES = {
    "too little": (
        X + ARM.format("a", 45) + ARM.format("b", 45),
        "6: the shares add up to 90 percent; they must make 100",
    ),
    "too much": (
        X + ARM.format("a", 33.34) + ARM.format("b", 66.67),
        "6: the shares add up to 100.01 percent; they must make 100",
    ),
    "one arm": (X + ARM.format("a", 100), "6: has one arm only; a split has two or more"),
    "no arms": ("  - split: x\n", '5: "arms" is missing beside "split"'),
    "no share": (
        X + ARM.format("a", 50) + "      b: {then: [{end: b}]}\n",
        '8: "share" is missing',
    ),
    "a number": (
        X + ARM.format("a", 50) + "      b: {share: 50}\n",
        '8: "share": 50 is not a text',
    ),
    "a sign": (
        X + ARM.format("a", 50) + "      b: {share: 50%}\n",
        "8: '50%' does not fit: a share is written like \"45 percent\"",
    ),
    "a large letter": (
        "  - split: Last call\n    arms:\n" + ARM.format("a", 50) + ARM.format("b", 50),
        "5: 'Last call' does not fit: it is called in small letters, digits and spaces",
    ),
    "an arm with a large letter": (
        X + ARM.format("a", 50) + ARM.format("B", 50),
        "'B' does not fit: it is called in small letters, digits and spaces",
    ),
    "a misspelt word": (
        X + ARM.format("a", 50) + "      b: {share: 50 percent, than: [{end: b}]}\n",
        '8: "than" is unknown; did you mean "then"?',
    ),
    "a mistake in an arm": (
        X + ARM.format("a", 50) + "      b: {share: 50 percent, then: [{send: welcom}]}\n",
        '8: there is no message "welcom" in this folder',
    ),
    "two of one name with other arms": (
        X + ARM.format("a", 50) + ARM.format("b", 50)
        + "  - split: x\n    name: again\n    arms:\n" + ARM.format("a", 40) + ARM.format("b", 60),
        '11: the split "x" has other arms than on line 5; give one of them another name',
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_at_its_line(mistake: str) -> None:
    text, said = MISTAKES[mistake]
    found = problems(with_steps(text))
    assert any(said in problem for problem in found), found


def test_it_is_written_as_the_grammar_has_it() -> None:
    assert problems(with_steps(LAST_CALL)) == []
