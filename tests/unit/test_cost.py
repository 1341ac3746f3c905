"""The bill: what usage costs by the table of prices, and that the documentation says the same."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from functions.forecast.budget import expected, state_of
from functions.forecast.cost import Usage, bill, of_journey, plain, together
from functions.forecast.prices import OTHERS, Price, UnknownRegion, prices
from functions.forecast.texts import parts_of
from functions.journeys import journey as journey_files
from functions.journeys.billed import START, after_each
from functions.journeys.bound import DOLLARS_PER_MILLION, transitions
from functions.journeys.flow import GO_ON
from functions.journeys.journey import Journey
from functions.journeys.yaml_file import read
from tests.support.journeys import raw_journeys, shipped
from tests.support.reference_journey import JOURNEY

DOCS = (Path(__file__).parents[2] / "docs" / "costs.md").read_text("utf-8")
FRANKFURT, VIRGINIA = prices("eu-central-1"), prices("us-east-1")
CENT = Decimal("0.01")

counts = some.integers(0, 10**9)
usages = some.builds(
    Usage,
    runs=counts,
    transitions=counts,
    steps=counts,
    mails=counts,
    texts=some.dictionaries(some.sampled_from(["DE", "AT", ""]), counts),
    requests=counts,
    groups=counts,
    receipts=some.decimals(0, 10**9, places=1),
    writes=counts,
    reads=counts,
)


# --- the table


def cells(part: str) -> list[str]:
    """The row of the bill in docs/costs.md."""
    bill = DOCS[DOCS.index("## The bill") :].splitlines()
    [row] = [line for line in bill if line.startswith(f"| {part} |")]
    return [cell.strip() for cell in row.split("|")[1:-1]]


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("SES", [(FRANKFURT.mail, 1000)]),
        ("Step Functions", [(FRANKFURT.transition, 10**6)]),
        ("Lambda", [(FRANKFURT.call, 10**6), (FRANKFURT.gb_second, 1)]),
        ("DynamoDB writes", [(FRANKFURT.write, 10**6)]),
        ("DynamoDB reads", [(FRANKFURT.read, 10**6)]),
        ("DynamoDB storage, month 1", [(FRANKFURT.stored, 1), (FRANKFURT.recoverable, 1)]),
        ("SQS", [(FRANKFURT.queue_request, 10**6)]),
        ("SNS (receipts)", [(FRANKFURT.notification, 10**6)]),
        ("HTTP API", [(FRANKFURT.request, 10**6)]),
        ("KMS", [(FRANKFURT.key, 1)]),
        ("Secrets Manager", [(FRANKFURT.secret, 1)]),
        ("logs", [(FRANKFURT.log_gb, 1)]),
        ("alarms, dashboard", [(FRANKFURT.alarm, 1), (FRANKFURT.dashboard, 1)]),
    ],
)
def test_the_documentation_has_the_prices_of_the_table(
    part: str, found: list[tuple[Price, int]]
) -> None:
    said = cells(part)[1]
    amounts = [Decimal(one) for one in re.findall(r"\$([0-9.]+)", said)]
    assert amounts == [price.dollars * per for price, per in found]
    marks = {"ᴾ": "P", "ˢ": "S", "ᴷ": "K"}
    assert {marks[one] for one in said if one in marks} == {price.sure for price, _ in found}


def test_the_documentation_has_the_dates_of_aws_s_price_list() -> None:
    [said] = re.findall(r"published ¹ (\S+), ² (\S+), ³ (\S+)\. ", DOCS)
    own = (FRANKFURT.transition, FRANKFURT.write, FRANKFURT.log_gb)
    assert list(said) == [one.dated for one in own]


def test_every_price_is_dated_and_says_where_it_is_from() -> None:
    for table in (FRANKFURT, VIRGINIA):
        fields = [getattr(table, name) for name in table.__struct_fields__]
        found = [one for one in fields if isinstance(one, Price)]
        found += [*table.sms.values(), *table.currencies.values()]
        assert len(found) > 20
        assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", one.dated) for one in found)
        assert all(one.source and one.unit and one.dollars > 0 for one in found)


def test_another_region_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnknownRegion, match=r'"mars-1"; there are: eu-central-1, us-east-1'):
        prices("mars-1")


def test_the_bound_of_transitions_and_the_bill_have_one_price() -> None:
    assert Decimal(DOLLARS_PER_MILLION) == FRANKFURT.transition.dollars * 10**6


# --- the bill


@given(usages, usages)
def test_two_usages_together_cost_what_both_cost(one: Usage, other: Usage) -> None:
    both = bill(one + other, FRANKFURT)
    assert both.dollars == bill(one, FRANKFURT).dollars + bill(other, FRANKFURT).dollars
    assert both.dollars == sum(row.dollars for row in both.rows)
    assert together([one, other]) == other + one


def test_the_shop_of_the_documentation_costs_what_it_says() -> None:
    """100,000 people, 10 mails, 100 events and 2 runs of five mails each, a month."""
    people = 100_000
    runs, mails, events = 2 * people, 10 * people, 100 * people
    journeys = of_journey(
        runs=runs, transitions=13 * runs, steps=8 * runs, waits=4 * runs, mails=mails
    )
    assert (journeys.receipts, journeys.writes - 3 * journeys.receipts) == (2_500_000, 22 * runs)
    assert journeys.reads - 9 * journeys.receipts == 65 * runs
    collected = Usage(
        requests=events // 4, groups=events // 2, writes=2 * events, reads=events * 11 // 2
    )
    found = bill(journeys + collected, FRANKFURT)
    for part in (
        *("SES", "Step Functions", "Lambda", "SQS", "SNS (receipts)", "HTTP API", "logs"),
        *("DynamoDB writes", "DynamoDB reads"),
    ):
        said = Decimal(cells(part)[4].replace(",", ""))
        # The page rounds 31.9 M writes to 32 M.
        assert abs(found.of(part) - said) <= CENT * (10 if part == "DynamoDB writes" else 1), part


def test_a_participant_of_the_reference_journey_costs_what_its_steps_cost() -> None:
    """Nobody reacts: twelve transitions, four mails, six calls, two waits."""
    usage = of_journey(runs=1000, transitions=12_000, steps=6000, waits=2000, mails=4000)
    found = bill(usage, FRANKFURT)
    assert found.of("SES") == Decimal("0.4")
    assert found.of("Step Functions") == Decimal("0.3")
    assert found.per_participant is not None
    assert Decimal("0.0007") < found.per_participant < Decimal("0.0010")


def test_text_messages_cost_what_the_company_says_else_what_the_table_says() -> None:
    usage = Usage(texts={"DE": 10, "AT": 10, "": 10})
    found = bill(usage, FRANKFURT, {"AT": Decimal("0.50")})
    assert found.of("SMS AT") == 5
    assert found.of("SMS DE") == 10 * FRANKFURT.sms["DE"].dollars
    assert found.of("SMS elsewhere") == 10 * FRANKFURT.sms[OTHERS].dollars
    assert [row.sure for row in found.rows] == ["K", "own", "K"]


def test_nothing_costs_nothing_and_has_no_rows() -> None:
    found = bill(Usage(), FRANKFURT)
    assert (found.rows, found.dollars, found.per_participant) == ((), 0, None)


# --- the plain design


def test_the_plain_design_of_the_reference_journey_takes_37_transitions() -> None:
    ours = of_journey(runs=1, transitions=12, steps=6, waits=2, mails=4)
    other = plain(ours, 12)
    assert (other.transitions, other.steps, other.mails) == (37, 12, 4)
    assert other.writes - 3 * other.receipts == 24
    assert bill(other, FRANKFURT).dollars > bill(ours, FRANKFURT).dollars


def test_the_plain_design_is_dearer_for_the_shipped_journeys_even_at_their_most() -> None:
    reference = journey_files.build("reference", read("j", JOURNEY).value)
    for journey in (reference, *shipped().values()):
        assert _plain_is_dearer(journey), journey.name


@settings(max_examples=40)
@given(raw_journeys())
def test_the_plain_design_is_dearer_for_any_journey_with_a_wait(raw: dict[str, Any]) -> None:
    raw = {**raw, "steps": [{"wait": "2 days"}, *raw["steps"]]}
    assert _plain_is_dearer(journey_files.build("cart", raw))


def _plain_is_dearer(journey: Journey) -> bool:
    """One person who goes straight on, every step that calls something taken once."""
    after, steps = after_each(journey), list(journey.every_step())
    calls = {name: passed for name, passed in after.items() if name not in (START, GO_ON)}
    mails = sum(step.verb == "send" for step in steps)
    waits = sum(step.verb.startswith("wait for") for step in steps)
    ours = of_journey(
        runs=1,
        transitions=after[START] + sum(calls.values()),
        steps=len(calls),
        waits=waits,
        mails=mails,
    )
    other = plain(ours, len(steps))
    return bill(other, FRANKFURT).dollars > bill(ours, FRANKFURT).dollars


def test_what_follows_each_call_adds_up_to_the_transitions_of_a_run() -> None:
    reference = journey_files.build("reference", read("j", JOURNEY).value)
    after = after_each(reference)
    quiet = ["send one", "send two", "if clicked two", "send three"]
    quiet += ["if did Order Completed", "send four"]
    assert after[START] + sum(after[step] for step in quiet) == 12
    assert transitions(reference, again=0) == 14  # when both events come


# --- text messages and budgets


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("ä" * 306, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ő" * 70, 1),
        ("ő" * 71, 2),
        ("🛒" * 35, 1),
        ("🛒" * 36, 2),
    ],
)
def test_a_text_message_is_billed_by_its_parts(text: str, parts: int) -> None:
    assert parts_of(text) == parts


def test_what_goes_on_as_so_far_is_expected_by_the_end_but_not_from_the_first_days() -> None:
    assert expected(Decimal(30), Decimal("0.5")) == 60
    assert expected(Decimal(30), Decimal("0.05")) == 30


@pytest.mark.parametrize(
    ("budget", "spent", "by_the_end", "state"),
    [
        (None, 5, 9, ""),
        (10, 5, 10, "within"),
        (10, 10, 10, "within"),
        (10, 5, 11, "will be over"),
        (10, 11, 22, "over"),
    ],
)
def test_a_budget_is_exceeded_by_more_than_it_and_foretold_to_be(
    budget: int | None, spent: int, by_the_end: int, state: str
) -> None:
    allowed = None if budget is None else Decimal(budget)
    assert state_of(allowed, Decimal(spent), Decimal(by_the_end)) == state


def test_what_comes_before_the_first_call_is_billed_too() -> None:
    raw = {"title": "A", "purpose": "offers", "once per": "person", "steps": [{"wait": "2 days"}]}
    journey = journey_files.build("cart", raw)
    assert after_each(journey)[START] == transitions(journey) == 3
