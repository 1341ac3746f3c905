"""What customers are worth: the models against published figures, simulation and their rules."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from math import isclose
from pathlib import Path
from statistics import correlation, fmean
from typing import Any

import mpmath
import msgspec
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from functions.segments import buying, person, shopping, spending, value
from functions.segments.buying import Buying, History
from functions.segments.calibration import HELD_OUT, Trial, calibrate
from functions.segments.census import Counting
from functions.segments.census_records import Cuts, ValueModel
from functions.segments.phrases import BadPhrase
from functions.segments.population import check
from functions.segments.spending import Spending, Spent
from functions.segments.value_learning import ENOUGH, Customers
from functions.tracking import orders
from functions.tracking.profile import Order, OrderRow, Profile

NOW = datetime(2027, 6, 1, 9, tzinfo=UTC)
PUBLISHED = Buying(0.243, 4.414, 0.793, 2.426)  # the paper's table 2, in weeks
FIRST = (2, 30.43, 38.86)  # its customer 0001
MODEL = ValueModel(
    customers=2357,
    again=946,
    buying=Buying(0.243, 30.9, 0.793, 2.426),
    spending={"EUR": Spending(6.25, 3.74, 15.44)},  # the note's
)

# --- the published figures, by the published data: the package lifetimes has it (MIT)


def cdnow() -> dict[str, list[tuple[date, float]]]:
    """Customer -> days and amounts of purchases at CDNOW, of the sample that the papers use."""
    spec = find_spec("lifetimes")
    assert spec
    assert spec.origin
    text = (Path(spec.origin).parent / "datasets" / "CDNOW_sample.txt").read_text()
    found: dict[str, list[tuple[date, float]]] = {}
    for line in text.splitlines():
        if line.strip():
            _, customer, day, _, amount = line.split()
            found.setdefault(customer, []).append((date.fromisoformat(day), float(amount)))
    return found


def known(bought: list[tuple[date, float]], until: date) -> tuple[History, Spent]:
    """What was known of a customer: days with a purchase in weeks, and amounts after the first."""
    days = sorted({day for day, _ in bought if day <= until})
    amounts = [amount for day, amount in bought if days[0] < day <= until]
    again = len(days) - 1
    weeks = [(day - days[0]).days / 7 for day in (days[-1], until)]
    return (again, weeks[0], weeks[1]), (again, sum(amounts) / again if again else 0.0)


needs_data = pytest.mark.skipif(find_spec("lifetimes") is None, reason='"make demo" installs it')


@needs_data
def test_the_fit_to_cdnow_is_the_published_one_and_foretells_as_well() -> None:
    until, people = date(1997, 9, 30), cdnow()
    histories = {name: known(bought, until)[0] for name, bought in people.items()}
    model, likelihood = buying.fit(Counter(histories.values()))
    assert len(people) == 2357
    assert [round(one, 3) for one in msgspec.structs.astuple(model)] == [0.243, 4.414, 0.793, 2.426]
    assert round(likelihood, 1) == -9582.4
    foretold = [model.expected(one, 39) for one in histories.values()]
    came = [len({day for day, _ in bought if day > until}) for bought in people.values()]
    assert round(sum(foretold)) == 1653
    assert sum(came) == 1882
    assert round(correlation(foretold, came), 3) == 0.626
    assert round(fmean(abs(a - b) for a, b in zip(foretold, came, strict=True)), 3) == 0.785


@needs_data
def test_the_fit_to_what_they_spent_is_the_published_one() -> None:
    spent = [known(bought, date(1997, 9, 30))[1] for bought in cdnow().values()]
    repeaters = Counter(one for one in spent if one[1] > 0)
    model, _ = spending.fit(repeaters)
    assert sum(repeaters.values()) == 946
    assert [round(one, 2) for one in (model.p, model.q, model.gamma)] == [6.25, 3.74, 15.44]


@needs_data
def test_on_a_held_out_quarter_of_cdnow_the_model_beats_going_on_as_before() -> None:
    split = date(1997, 9, 30)
    cases = []
    for bought in cdnow().values():
        (again, last, since), _ = known(bought, split)
        after = {day for day, _ in bought if 0 < (day - split).days <= 90}
        cases.append(((again, last * 7, since * 7), len(after)))
    found = calibrate(cases, NOW, 90)
    assert found.error is not None
    assert found.error_as_before is not None
    assert found.error < found.error_as_before
    assert (found.correlation or 0) > (found.correlation_as_before or 0)
    assert sum(band.customers for band in found.bands) == found.customers == 2357


# --- without the data


def test_what_the_paper_computes_of_a_customer_is_computed_here() -> None:
    assert round(PUBLISHED.expected(FIRST, 39), 3) == 1.226
    assert round(PUBLISHED.alive(FIRST), 3) == 0.727


parameters = st.builds(
    Buying,
    st.floats(0.1, 5),
    st.floats(1, 200),
    st.floats(0.02, 3).filter(lambda a: abs(a - 1) > 1e-3),
    st.floats(0.5, 30),
)
histories = st.tuples(
    st.integers(0, 60), st.floats(0, 1), st.floats(1, 1500), st.floats(1, 800)
).map(lambda one: ((one[0], one[1] * one[2] if one[0] else 0.0, one[2]), one[3]))


def by_the_paper(model: Buying, history: History, days: float) -> float:
    """Equation (10) as it is printed, to fifty places."""
    again, last, since = history
    with mpmath.workdps(50):
        r, alpha, a, b = map(mpmath.mpf, msgspec.structs.astuple(model))
        x, k = mpmath.mpf(again), alpha + since
        z = days / (k + days)
        inner = mpmath.hyp2f1(r + x, b + x, a + b + x - 1, z)
        above = (a + b + x - 1) / (a - 1) * (1 - (k / (k + days)) ** (r + x) * inner)
        below = 1 + (a / (b + x - 1) * (k / (alpha + last)) ** (r + x) if again else 0)
        return float(above / below)


@given(parameters, histories)
def test_expected_orders_are_those_of_the_published_formula(
    model: Buying, asked: tuple[History, float]
) -> None:
    history, days = asked
    assume(abs(model.a + model.b + history[0] - 1) > 1e-3)  # there only the limit has a value
    wanted = by_the_paper(model, history, days)
    assert isclose(model.expected(history, days), wanted, rel_tol=1e-6, abs_tol=1e-12)


@example(Buying(1.0, 1.0, 0.5, 0.5), ((0, 0.0, 1.0), 1.0))
@example(Buying(1.0, 1.0, 1.0, 2.0), ((3, 2.0, 9.0), 30.0))
@given(parameters, histories)
def test_probabilities_are_between_0_and_1_and_no_greater_than_the_orders_expected(
    model: Buying, asked: tuple[History, float]
) -> None:
    history, days = asked
    chance, expected = model.probability(history, days), model.expected(history, days)
    assert 0 <= chance <= model.alive(history) <= 1
    assert chance <= expected * (1 + 1e-6) + 1e-9
    assert expected <= model.expected(history, days * 2) * (1 + 1e-6) + 1e-9
    assert chance <= model.probability(history, days * 2)


def live(chance: random.Random, model: Buying, days: float) -> list[float]:
    """The orders of one customer after the first, as the model supposes them."""
    rate = chance.gammavariate(model.r, 1 / model.alpha)
    leaves = chance.betavariate(model.a, model.b)
    placed, time = [], 0.0
    while (time := time + chance.expovariate(rate)) <= days:
        placed.append(time)
        if chance.random() < leaves:
            break
    return placed


def test_the_fit_finds_what_invented_customers_were_made_by_and_foretells_them() -> None:
    truth, chance = Buying(0.8, 30.0, 0.5, 3.0), random.Random(4)
    lives = [live(chance, truth, 460) for _ in range(3000)]
    cases = []
    for placed in lives:
        before = [time for time in placed if time <= 400]
        history = (len(before), max(before, default=0.0), 400.0)
        cases.append((history, len(placed) - len(before)))
    model, _ = buying.fit(Counter(history for history, _ in cases))
    assert isclose(model.r / model.alpha, truth.r / truth.alpha, rel_tol=0.1)
    found = calibrate(cases, NOW, 60)
    assert isclose(found.expected, found.came, rel_tol=0.1)
    assert len(found.bands) > 5
    outside = [band for band in found.bands if not band.low <= band.foretold <= band.high]
    assert len(outside) <= 1  # of intervals of 95 %


def test_customers_who_are_all_alike_have_a_model_that_says_so() -> None:
    alike = Counter({(n, 10.0 * n, 10.0 * n + late): 9 for n in range(3, 9) for late in (2, 5, 8)})
    model, _ = buying.fit(alike)
    for history in alike:
        assert isclose(model.expected(history, 30), 3, rel_tol=0.25)


def test_the_more_somebody_ordered_the_more_their_own_amounts_count() -> None:
    model = Spending(6.25, 3.74, 15.44)
    everybody = model.expected((0, 0.0))
    once, often = model.expected((1, 100.0)), model.expected((50, 100.0))
    assert everybody < once < often < 100


def test_where_all_orders_come_to_the_same_nothing_is_fitted() -> None:
    with pytest.raises(ArithmeticError):
        spending.fit(Counter({(n, 10.0): 20 for n in range(1, 5)}))


# --- people


def buyer(name: str, days: list[float], amount: int = 50, currency: str = "EUR") -> Profile:
    """Somebody who ordered so many days ago."""
    placed = {
        f"{name}{n}": Order(f"{name}{n}", NOW - timedelta(days=one), currency, Decimal(amount))
        for n, one in enumerate(days)
    }
    return Profile(person=name, created=NOW, orders=placed)


def a_crowd(people: int, seed: int = 1) -> list[Profile]:
    """Customers of a year by the model, with rows where they ordered often."""
    chance = random.Random(seed)
    found = []
    for number in range(people):
        since = chance.uniform(150, 500)
        again = live(chance, Buying(0.9, 40.0, 0.5, 3.0), since)
        amount = max(1, round(chance.gammavariate(2, 30)))
        one = buyer(f"{number:08x}", [since, *(since - time for time in again)], amount)
        for order in one.orders.values():
            order.amount += chance.randint(0, 9)
        found.append(one)
    return found


def cuts_of(people: list[Profile]) -> Cuts:
    counting = Counting()
    for one in people:
        counting.take(one, NOW)
    return counting.cuts(NOW)


def fields(profile: Profile, cuts: Cuts | None) -> dict[str, Any]:
    return person.fields(profile, NOW, cuts)


def test_the_lifetime_value_is_what_came_in_and_what_is_expected() -> None:
    cuts = Cuts(made=NOW, people=1, value=MODEL)
    found = fields(buyer("a", [200, 100, 3]), cuts)
    assert found["lifetime_value"] == found["revenue"] + found["expected_revenue"]
    assert found["expected_revenue"] > 0
    assert 0 < found["purchase_probability"] <= found["still_customer"] <= 1


def test_a_refund_lowers_what_came_in_and_an_order_given_back_does_not_count() -> None:
    cuts, one = Cuts(made=NOW, people=1, value=MODEL), buyer("a", [200, 100, 3])
    before = fields(one, cuts)
    one.orders["a2"].refunded = Decimal(20)
    less = fields(one, cuts)
    assert less["revenue"] == before["revenue"] - 20
    assert less["lifetime_value"] < before["lifetime_value"]
    one.orders["a2"].refunded = Decimal(50)
    without = fields(one, cuts)
    assert without == {**without, **fields(buyer("a", [200, 100]), cuts)}


def test_without_a_model_the_lifetime_value_is_what_came_in_and_nothing_is_foretold() -> None:
    one = buyer("a", [200, 100])
    few = cuts_of([one] * (ENOUGH - 1))
    for cuts in (None, few):
        found = fields(one, cuts)
        assert found["lifetime_value"] == 100
        assert found.get("expected_orders") is found.get("purchase_probability") is None
    assert few.value
    assert few.value.why == "49 customers have ordered more than once; 50 are needed"
    assert value.why_none(one, few) == few.value.why


def test_of_a_currency_in_which_too_few_paid_no_amounts_are_foretold() -> None:
    swiss = buyer("f" * 8, [100, 20, 5], currency="CHF")
    cuts = cuts_of([*a_crowd(300), swiss])
    found = fields(swiss, cuts)
    assert found["expected_orders"] > 0
    assert found["expected_revenue"] is None
    assert found["lifetime_value"] == 150
    assert value.why_none(swiss, cuts) == "too few orders in CHF to tell amounts by"


def test_who_never_ordered_is_worth_nothing_and_nothing_is_foretold_of_them() -> None:
    found = fields(Profile(person="a"), Cuts(made=NOW, people=1, value=MODEL))
    assert found["lifetime_value"] == 0
    assert found["expected_orders"] is found["still_customer"] is None


def test_what_is_foretold_does_not_change_by_the_passing_of_time_until_the_next_model() -> None:
    one, cuts = buyer("a", [200, 100, 3]), Cuts(made=NOW, people=1, value=MODEL)
    for name in value.COMPUTED:
        later = person.fields(one, NOW + timedelta(days=300), cuts)
        assert later[name] == fields(one, cuts)[name]


CROWD = a_crowd(120)


@settings(max_examples=5)
@given(st.randoms(use_true_random=False), st.integers(0, 120))
def test_the_model_hangs_neither_on_the_order_of_people_nor_on_where_a_pass_was_interrupted(
    chance: random.Random, stop: int
) -> None:
    people = list(CROWD)
    chance.shuffle(people)
    first = Customers({})
    for one in people[:stop]:
        first.take(one)
    second = Customers(msgspec.msgpack.decode(msgspec.msgpack.encode(first.packed())))
    for one in people[stop:]:
        second.take(one)
    assert second.model(NOW) == cuts_of(CROWD).value


@pytest.mark.parametrize("word", ["purchase_probability", "still_customer"])
def test_a_probability_in_percent_is_refused_with_what_would_be_right(word: str) -> None:
    with pytest.raises(BadPhrase, match=f"{word}: 60 is not between 0 and 1; 60 % is 0.6"):
        check({word: {"at least": 60}})


# --- the trial


def stored(one: Profile) -> tuple[Profile, list[OrderRow]]:
    """The same profile once it has moved its older orders out, and the rows written."""
    small, rows = Profile(person=one.person, created=one.created), []
    for order in sorted(one.orders.values(), key=lambda order: str(order.placed)):
        small.orders[order.order_id] = order
        orders.move_out(small)
        rows += small.leaving
        small.version, small.leaving = small.version + 1, []
    return small, rows[::-1]


def test_the_sample_knows_what_came_when_also_where_the_orders_have_left_the_profile() -> None:
    people = a_crowd(200)
    kept = [stored(one) for one in people]
    rows = {one.person: found for one, found in kept}
    plain = Trial(NOW, 0, b"", lambda profile: [])
    read: list[str] = []

    def asked(profile: Profile) -> list[OrderRow]:
        read.append(profile.person)
        return rows[profile.person]

    small = Trial(NOW, 0, b"", asked)
    for one in people:
        plain.take(one)
    for one, _ in kept[:77]:
        small.take(one)
    small = Trial(NOW, 0, small.packed(), asked)
    for one, _ in kept[77:]:
        small.take(one)
    assert small.compared() == plain.compared()
    assert plain.compared().came > 20
    left_lately = [
        one.person
        for one, _ in kept
        if one.older_orders.last and one.older_orders.last >= NOW - timedelta(days=HELD_OUT)
    ]
    assert 0 < len(read) == len(left_lately) < len(people) / 2


def test_of_many_customers_a_sample_is_enough() -> None:
    trial = Trial(NOW, 1_000_000, b"", lambda profile: [])
    for number in range(4000):
        trial.take(buyer(f"{number * 1_000_003:08x}"[-8:], [200]))
    assert trial.compared().customers < 100


def test_a_price_of_nothing_is_an_order_that_brings_nothing() -> None:
    free = buyer("a", [9, 5], amount=0)
    assert value.ordered(free) is not None
    assert value.spent(free, "EUR") is None
    assert shopping.currency(free) is None
