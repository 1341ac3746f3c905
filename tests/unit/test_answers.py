"""What people are expected to do: between their own past and everybody's, with honest intervals."""

import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from math import ceil, exp, floor
from random import Random
from statistics import fmean
from typing import Any

import pytest

from functions.channels.channel import Outgoing
from functions.forecast import purchases, rates
from functions.forecast.answers import About, Drawn
from functions.forecast.known import Entered, Known, Met, Reply, known
from functions.forecast.population import DAY, Population, Sample, history, off
from functions.forecast.rates import Pace
from functions.forecast.uplift import Uplift, Went, uplifts
from functions.segments.buying import Buying
from functions.segments.census_records import Rate
from functions.segments.responding import MEAN, STRENGTH, ChannelSums, rate
from functions.segments.spending import Spending
from functions.tracking.event import Event
from functions.tracking.message import Message
from functions.tracking.profile import Profile

NOW = datetime(2027, 6, 1, 9, tzinfo=UTC)
DAYS = 60.0
CUSTOMERS = Buying(0.8, 20.0, 1.0, 6.0)
READ, CLICKED = Rate(0.4, 10.0), Rate(0.1, 10.0)
MESSAGES = {"a": 0.3, "b": -0.3, "c": 0.0, "d": 0.1}  # how they move log odds


def replies(chance: Random, messages: dict[str, float], channel: str = "email") -> list[Reply]:
    """What one person of a population with known rates makes of messages, each with an effect."""
    read, clicked = (
        chance.betavariate(of.mean * of.strength, (1 - of.mean) * of.strength)
        for of in (READ, CLICKED)
    )
    found = []
    for name, effect in messages.items():
        seen = chance.random() < rates.moved(read, effect)
        did = seen and chance.random() < clicked
        after = chance.expovariate(1 / 3600)
        found.append(Reply(channel, f"j/{name}", after if seen else None, 20.0 if did else None))
    return found


def orders(chance: Random, person: Known, model: Buying = CUSTOMERS) -> Known:
    """Orders of one customer since they came, as BG/NBD tells the story."""
    own, leaves = (
        chance.gammavariate(model.r, 1 / model.alpha),
        chance.betavariate(model.a, model.b),
    )
    at = person.since
    while at and at < NOW:
        person.placed.append(at)
        if len(person.placed) > 1 and chance.random() < leaves:
            break
        at += min(chance.expovariate(own), 9999.0) * DAY
    return placed(person, person.placed)


def placed(person: Known, times: list[datetime]) -> Known:
    person.placed, person.count = times, len(times)
    person.first, person.last = (times[0], times[-1]) if times else (None, None)
    return person


def someone(number: int, chance: Random, messages: dict[str, float] = MESSAGES) -> Known:
    since = NOW - chance.uniform(50, 400) * DAY
    return Known(person=f"p{number:05}", since=since, replies=replies(chance, messages))


@cache
def readers() -> Sample:
    chance = Random("readers")
    many = {f"{name}{number}": by for name, by in MESSAGES.items() for number in range(3)}
    return Sample(NOW, DAYS, [someone(n, chance, many) for n in range(500)])


@cache
def customers() -> Sample:
    chance = Random("customers")
    people = [orders(chance, someone(n, chance, {})) for n in range(500)]
    return Sample(NOW, DAYS, people)


def mail(person: str, number: int = 0, message: str = "new") -> Outgoing:
    run = f"j-{person}"
    tags = {"person": person, "run": run, "send": f"{run}-{number}", "message": message}
    to = f"{person}@example.com"
    return Outgoing(send_id=tags["send"], to=to, text="", subject="s", tags=tags, person=person)


def named(events: list[Event], name: str) -> int:
    return sum(one.event == name for one in events)


# --- rates


@pytest.mark.parametrize(("tries", "got"), [(1, 1), (5, 0), (10, 9), (40, 2), (200, 180)])
def test_own_rate_lies_between_own_past_and_everybody_s(tries: int, got: int) -> None:
    drawn = [rates.own_proportion(READ, tries, got, Random(n)) for n in range(2000)]
    low, high = sorted((got / tries, READ.mean))
    assert low < fmean(drawn) < high


def test_the_more_is_known_of_somebody_the_less_everybody_else_counts() -> None:
    def away(times: int) -> float:
        drawn = [rates.own_proportion(READ, 5 * times, 4 * times, Random(n)) for n in range(2000)]
        return abs(fmean(drawn) - 0.8)

    assert away(1) > away(4) > away(16)
    paces = [
        fmean(rates.own_pace(Pace(2.0, 100.0), n, n * 10.0, Random(s)) for s in range(500))
        for n in (1, 10, 100)
    ]
    assert 0.02 < paces[0] < paces[1] < paces[2] < 0.1


def test_rates_of_a_population_are_found_again_within_their_intervals() -> None:
    sample = readers()
    habits = [sample.population(f"draw {n}").channels["email"] for n in range(20)]
    for truth, drawn, room in (
        (READ.mean, [one.read.mean for one in habits], 0.03),
        (READ.strength, [one.read.strength for one in habits], 0.2),
        (CLICKED.mean, [one.clicked.mean for one in habits], 0.03),
    ):
        assert min(drawn) * (1 - room) < truth < max(drawn) * (1 + room)
    found = sample.population()
    middle = found.channels["email"].read_after
    assert middle[len(middle) // 2] == pytest.approx(3600 * 0.693, rel=0.1)
    assert 0.1 < found.channels["email"].differ[0].messages < 0.4


def test_of_few_messages_it_is_assumed_what_is_usual() -> None:
    habits = Sample(NOW, DAYS, [someone(1, Random(1))]).population().channels
    assert 0.2 < habits["email"].read.mean < 0.5
    assert habits["sms"].clicked.mean == pytest.approx(0.08)
    assert habits["sms"].read.mean == pytest.approx(1)


def test_the_best_channel_s_rates_stay_as_they_were() -> None:
    sums = ChannelSums(40, 100, 400, 9_000_000, 2_000_000)
    assert rate(sums) == rate(sums, Rate(MEAN, STRENGTH))
    assert rate(ChannelSums()) == Rate(MEAN, STRENGTH)


def test_of_messages_that_went_often_it_is_known_how_they_do() -> None:
    went = {"a": {1: (5000, 2500)}, "b": {1: (5000, 1000)}, "c": {1: (10, 9)}}
    differ, believed = rates.effects(went, 0.35)
    assert differ.messages > 0.4
    assert believed["a"].mean == pytest.approx(0.62, abs=0.1)
    assert believed["b"].mean == pytest.approx(-0.77, abs=0.1)
    assert believed["c"].deviation > 2 * believed["a"].deviation


def test_a_message_that_does_differently_from_month_to_month_is_less_sure() -> None:
    even = dict.fromkeys(range(12), (4000, 1200))
    uneven = {month: (4000, 600 if month % 2 else 1800) for month in range(12)}
    assert rates.effects({"a": even}, 0.3)[0].months < 0.12
    differ, believed = rates.effects({"a": uneven}, 0.3)
    assert differ.months > 0.5
    assert believed["a"].deviation > 1.5 * rates.effects({"a": even}, 0.3)[1]["a"].deviation


def test_equal_messages_are_not_taken_to_differ() -> None:
    chance = Random(3)
    same = {str(n): {1: (400, sum(chance.random() < 0.3 for _ in range(400)))} for n in range(40)}
    assert rates.effects(same, 0.3)[0].messages < 0.2


def test_how_often_things_are_done_is_found_again() -> None:
    chance = Random(4)
    people = []
    for _ in range(3000):
        days, own = chance.uniform(50, 200), chance.gammavariate(2.0, 1 / 50)
        people.append((1, sum(1 for _ in islice(_arrivals(own, days, chance), 999)), days))
    found = rates.pace(people)
    assert found
    assert found.shape == pytest.approx(2, rel=0.2)
    assert found.days == pytest.approx(50, rel=0.2)
    assert not found.once


def _arrivals(per_day: float, days: float, chance: Random) -> Iterator[float]:
    at = 0.0
    while (at := at + chance.expovariate(per_day)) < days:
        yield at


def test_what_nobody_does_twice_nobody_does_again() -> None:
    people = [Known(person=f"p{n}", since=NOW - 90 * DAY) for n in range(60)]
    for one in people[:30]:
        one.events = {"Signed Up": 1}
    population = Sample(NOW, DAYS, people).population()
    drawn = Drawn(population)
    until = NOW + 3000 * DAY
    assert not any(drawn.happenings(one, NOW, until) for one in people[:30])
    again = [named(drawn.happenings(one, NOW, until), "Signed Up") for one in people[30:]]
    assert max(again) == 1


# --- draws


def test_the_same_seed_draws_the_same_in_whatever_order_and_process() -> None:
    population = readers().population("x/1")
    one = Drawn(population, "x", 1)
    other = pickle.loads(pickle.dumps(Drawn(population, "x", 1)))
    people = readers().people[:50]
    for person in people:
        one.meet(person)
    for person in reversed(people):
        other.meet(person)
    mails = [mail(person.person, number) for person in people for number in range(3)]
    forwards = {sent.send_id: one(sent, NOW) for sent in mails}
    assert forwards == {sent.send_id: other(sent, NOW) for sent in reversed(mails)}
    until = NOW + 30 * DAY
    happened = [one.happenings(person, NOW, until) for person in people]
    assert happened == [other.happenings(person, NOW, until) for person in people]


def test_another_draw_or_seed_draws_something_else() -> None:
    population = readers().population()
    mails = [mail(f"p{number}") for number in range(40)]
    found = [
        [Drawn(population, seed, draw)(sent, NOW) for sent in mails]
        for seed, draw in (("x", 0), ("x", 1), ("y", 0))
    ]
    assert found[0] != found[1] != found[2] != found[0]


def test_who_reads_everything_goes_on_to_read_more_than_who_reads_nothing() -> None:
    drawn = Drawn(readers().population())
    keen = Known(person="keen", replies=[Reply("email", "j/a", 60.0, 5.0)] * 30)
    cold = Known(person="cold", replies=[Reply("email", "j/a")] * 30)
    for person in (keen, cold):
        drawn.meet(person)
    read = {
        name: sum(
            named(list(drawn(mail(name, number, f"m{number}"), NOW)), "Email Opened")
            for number in range(60)
        )
        for name in ("keen", "cold")
    }
    assert read["keen"] > 40
    assert read["cold"] < 15


def test_events_come_in_their_order_and_say_whose_message_it_is() -> None:
    drawn = Drawn(readers().population(), about={"j/new": About("tips", ["shop", "guide"])})
    links = set()
    for number in range(400):
        times = [NOW]
        for event in drawn(mail(f"p{number}"), NOW):
            times.append(event.time)
            assert event.person == f"p{number}"
            links.add(event.properties.get("link_id"))
        assert times == sorted(times)
    assert links == {"shop", "guide", None}


def test_a_webhook_answers_nothing() -> None:
    drawn = Drawn(readers().population())
    assert drawn(Outgoing(send_id="w", to="https://crm.example/in", text="{}"), NOW) == []


def test_leaving_and_complaining_are_as_frequent_as_they_were() -> None:
    chance = Random(5)
    people = [someone(n, chance) for n in range(400)]
    for one in people[:80]:
        one.left = ["email"]
    for one in people[:40]:
        one.replies[0].complained = True
    population = Sample(NOW, DAYS, people).population()
    drawn = Drawn(population, about={"j/a": About("tips")})
    events = [e for n in range(4000) for e in drawn(mail(f"q{n}", 0, "a"), NOW)]
    left = [one for one in events if one.event == "Consent Withdrawn"]
    assert len(left) == pytest.approx(4000 * 80 / 1600, rel=0.25)
    assert left[0].properties == {"channel": "email", "purposes": ["tips"]}
    assert named(events, "Email Marked as Spam") == pytest.approx(4000 * 40 / 1600, rel=0.3)


# --- purchases


def test_customers_are_drawn_as_the_model_expects_of_them() -> None:
    population = customers().population()
    model = population.buying
    assert model
    cases = ((0, 0.0, 10.0), (3, 80.0, 100.0), (12, 300.0, 320.0), (6, 60.0, 300.0))
    for again, last, whole in cases:
        first = NOW - whole * DAY
        one = Known(person="one", since=first, count=again + 1, first=first)
        one.last = first + last * DAY
        numbers = [
            sum(1 for _ in purchases.placed(one, population, DAYS, 1.0, Random(n)))
            for n in range(3000)
        ]
        expected = model.expected((again, last, whole), DAYS)
        assert fmean(numbers) == pytest.approx(expected, rel=0.12, abs=0.01)


def test_who_has_long_not_ordered_is_expected_to_order_later() -> None:
    population = Population(made=NOW, people=1, first=Pace(0.5, 20.0))

    def share(days: float) -> float:
        one = Known(person="one", since=NOW - days * DAY)
        return fmean(
            bool(list(purchases.placed(one, population, DAYS, 1.0, Random(n)))) for n in range(2000)
        )

    assert share(0) == pytest.approx(1 - (20 / 80) ** 0.5, abs=0.04)
    assert share(300) == pytest.approx(1 - (320 / 380) ** 0.5, abs=0.03)


def test_what_orders_come_to_lies_around_the_customer_s_own_mean() -> None:
    model = Spending(5.0, 4.0, 30.0)
    population = Population(made=NOW, people=1, spending={"EUR": model})
    one = Known(person="one", spent={"EUR": (20, 200.0)})
    drawn = [next(purchases.amounts(one, population, Random(n))) for n in range(3000)]
    assert fmean(drawn) == pytest.approx(model.expected((20, 200.0)), rel=0.05)


def test_orders_have_products_and_the_currency_that_people_pay_in() -> None:
    one = orders(Random(6), Known(person="one", since=NOW - 300 * DAY), Buying(5, 20, 1, 99))
    one.amounts, one.spent, one.baskets = {"CHF": [10.0]}, {"CHF": (1, 10.0)}, [["hat", "coat"]]
    population = Sample(NOW, DAYS, [one]).population()
    found = Drawn(population).happenings(one, NOW, NOW + 90 * DAY)
    assert found
    for event in found:
        assert event.properties["currency"] == "CHF"
        assert event.properties["revenue"] == pytest.approx(10)
        assert event.properties["products"] == [{"product_id": "hat"}, {"product_id": "coat"}]


def test_periods_that_were_foretold_badly_make_the_next_one_less_sure() -> None:
    calm, _ = off(customers().people, NOW, DAYS)
    chance = Random("customers")
    people = []
    for n in range(500):
        one = orders(chance, someone(n, chance, {}))
        kept = [t for t in one.placed if t < NOW - DAYS * DAY or chance.random() < 0.4]
        people.append(placed(one, kept))
    stormy, periods = off(people, NOW, DAYS)
    assert periods >= 2
    assert stormy > 2 * calm
    assert stormy > 0.2


def test_customers_who_change_their_ways_are_less_sure() -> None:
    def wander(changing: bool) -> float:
        chance, people = Random("ways"), []
        for n in range(600):
            one, own = Known(person=f"p{n}", since=NOW - 200 * DAY), chance.gammavariate(3, 1 / 30)
            times = [NOW - 200 * DAY]
            for half in (200, 100):
                rate_ = own * (chance.gammavariate(2, 1 / 2) if changing else 1)
                times += [NOW + (day - half) * DAY for day in _arrivals(rate_, 100, chance)]
            people.append(placed(one, times))
        return Sample(NOW, DAYS, people).population().wander

    assert wander(False) < 0.05
    assert 0.3 < wander(True) < 0.7


# --- calibration


def interval(drawn: list[int]) -> tuple[int, int]:
    """80 %, as a report tells it."""
    found, last = sorted(drawn), len(drawn) - 1
    return found[floor(0.1 * last)], found[ceil(0.9 * last)]


def test_eight_of_ten_clicks_and_reads_lie_within_their_intervals() -> None:
    worlds, inside = 32, {"Email Opened": 0, "Email Link Clicked": 0}
    for number in range(worlds):
        chance = Random(f"world {number}")
        before = {f"m{n}": chance.gauss(0, 0.3) for n in range(6)}
        known_, then = [], dict.fromkeys(inside, 0)
        coming = {"new": chance.gauss(0, 0.3)}
        for n in range(60):
            both = replies(chance, before | coming)
            known_.append(Known(person=f"p{n}", since=NOW - 90 * DAY, replies=both[:-1]))
            then["Email Opened"] += both[-1].read is not None
            then["Email Link Clicked"] += both[-1].clicked is not None
        sample = Sample(NOW, DAYS, known_)
        drawn: dict[str, list[int]] = {name: [] for name in inside}
        for draw in range(10):
            answers = Drawn(sample.population(f"s/{draw}"), "s", draw)
            events: list[Event] = []
            for one in known_:
                answers.meet(one)
                events += answers(mail(one.person), NOW)
            for name in inside:
                drawn[name].append(named(events, name))
        for name, came in then.items():
            low, high = interval(drawn[name])
            inside[name] += low <= came <= high
    assert all(0.66 <= number / worlds <= 0.96 for number in inside.values()), inside


def test_eight_of_ten_sums_of_orders_lie_within_their_intervals() -> None:
    worlds, inside = 30, 0
    for number in range(worlds):
        chance = Random(f"shop {number}")
        people, came = [], 0
        period = exp(chance.gauss(0, 0.05))
        for n in range(40):  # too few for the model of customers: by their pace
            one, rate_ = (
                Known(person=f"p{n}", since=NOW - 100 * DAY),
                chance.gammavariate(1, 1 / 50),
            )
            times = [one.since + day * DAY for day in _arrivals(rate_, 100, chance) if one.since]
            people.append(placed(one, times))
            came += sum(1 for _ in _arrivals(rate_ * period, DAYS, chance))
        sample = Sample(NOW, DAYS, people)
        drawn = []
        for draw in range(10):
            answers = Drawn(sample.population(f"s/{draw}"), "s", draw)
            until = NOW + DAYS * DAY
            drawn.append(sum(len(answers.happenings(one, NOW, until)) for one in people))
        low, high = interval(drawn)
        inside += low <= came <= high
    assert 0.62 <= inside / worlds <= 0.97, inside


# --- what is known


def test_the_ledger_tells_what_came_of_messages() -> None:
    sent = NOW - 5 * DAY

    def row(send: str, **more: Any) -> Message:
        said: dict[str, Any] = {
            "person": "p",
            "run_id": "r",
            "step": "s",
            "journey": "j",
            "purpose": "tips",
        }
        return Message(
            **{**said, "send_id": send, "message": send, "channel": "email", "state": "sent"}
            | {"claimed": sent}
            | more
        )

    rows = [
        row("read", opened=sent + timedelta(hours=1)),
        row("clicked", clicked={"shop": sent + timedelta(hours=2)}),
        row("came back", bounced=sent),
        row("waits", state="held", claimed=None),
        row("nothing"),
        row("too soon to tell", claimed=NOW - timedelta(hours=1)),
        row("not yet", claimed=NOW + DAY),
    ]
    found = known(Profile(person="p"), rows, NOW)
    assert found.met() == {"email": Met(3, 2, 1)}
    assert found.bounced == {"email": 1}
    assert [one.read for one in found.replies] == [3600.0, 7200.0, None]
    assert history(found, NOW) is None


# --- what messages bring about


def went(runs: int, reached: int, held: int, held_reached: int) -> list[Went]:
    def group(number: int, good: int, held_out: bool) -> list[Went]:
        return [Went("j", held_out, 3600.0 if n < good else None) for n in range(number)]

    return group(runs, reached, False) + group(held, held_reached, True)


def bought(found: dict[str, Uplift]) -> float:
    """Orders that follow the two messages of each of 1,000 runs, by run and draw."""
    population = readers().population()
    population.uplifts = found
    population.amounts = {"EUR": [20.0, 30.0]}
    orders_ = set()
    for draw in range(10):
        drawn = Drawn(population, "s", draw)
        for number in range(200):
            for event in [*drawn(mail(f"p{number}"), NOW), *drawn(mail(f"p{number}", 1), NOW)]:
                if event.event == "Order Completed":
                    orders_.add((draw, event.message_id))
                    assert event.properties["revenue"] >= 20
                    assert event.time == NOW + timedelta(hours=1)
    return len(orders_) / 2000


def test_messages_bring_no_orders_about_as_long_as_nobody_has_measured_it() -> None:
    assert bought({}) == 0
    assert uplifts(went(500, 100, 20, 0)) == {}  # too few were held out
    assert uplifts(went(500, 100, 100, 19)) == {}  # no difference that is sure
    assert uplifts(went(500, 50, 100, 30)) == {}  # and none is taken away


def test_what_a_hold_out_group_has_measured_comes_once_for_each_run() -> None:
    found = uplifts(went(1000, 300, 300, 30))
    low, high = found["j"].interval
    assert low < 0.2 < high
    assert bought(found) == pytest.approx(0.2, abs=0.04)


def test_only_runs_that_had_time_to_reach_the_goal_are_measured() -> None:
    def person(number: int, days: float) -> Known:
        entered = NOW - days * DAY
        reached = 60.0 if number % 2 else None
        runs = [Entered("j", entered, number % 4 == 0, reached)]
        return Known(person=f"p{number}", runs=runs)

    old = Sample(NOW, DAYS, [person(n, 8) for n in range(400)], {"j": 7.0})
    assert old.population().uplifts["j"].reached == 200
    young = Sample(NOW, DAYS, [person(n, 6) for n in range(400)], {"j": 7.0})
    assert young.population().uplifts == {}
    assert Sample(NOW, DAYS, old.people).population().uplifts == {}
