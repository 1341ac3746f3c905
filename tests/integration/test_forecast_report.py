"""The report of a real forecast of the shipped journeys, in every form, against its own ledger."""

import io
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from random import Random
from typing import Any

import msgspec
import pytest
from rich.console import Console

from functions.channels.channel import Outgoing
from functions.folder import read_folder
from functions.forecast.log import Log
from functions.forecast.page import page
from functions.forecast.report import About, Cost, CostLine, Range, Report, as_json
from functions.forecast.reporting import report
from functions.forecast.shape import Shape, shape
from functions.forecast.tally import Tally, tally
from functions.journeys.run import Run
from functions.tracking.event import Event
from functions.tracking.identity import person_key
from functions.tracking.message import RECEIPTS
from functions.virtual.plan import Plan, Someone
from functions.virtual.stage import Stage, catalogue_of
from local.forecast_told import show
from tests.support.journeys import SHIPPED

BEGIN = datetime(2027, 1, 1, 9, tzinfo=UTC)
UNTIL = BEGIN + timedelta(days=100)
PEOPLE = 12


def an_event(number: int, name: str, time: datetime, **properties: Any) -> Event:
    return Event(
        type="track",
        event=name,
        message_id=f"{number} {name} {time}",
        time=time,
        received_at=time,
        user_id=f"u{number}",
        source="shop",
        trusted=True,
        properties=properties,
    )


def someone(number: int) -> Someone:
    """Buys the basic licence; two of three permit tips, every third buys premium after a while."""
    came = BEGIN + timedelta(hours=7 * number)
    known = msgspec.structs.replace(
        an_event(number, "", came), type="identify", traits={"email": f"u{number}@example.com"}
    )
    consent = {"channel": "email", "purposes": ["product tips"]}
    basic = {"products": [{"sku": "basic-1y"}], "revenue": 120, "currency": "EUR"}
    premium = {"products": [{"sku": "premium-1y"}], "revenue": 290, "currency": "EUR"}
    minute = timedelta(minutes=1)
    events = [known, an_event(number, "Order Completed", came + 2 * minute, order_id="1", **basic)]
    if number % 3:
        events.append(an_event(number, "Consent Given", came + minute, **consent))
    else:
        later = came + timedelta(days=6)
        events.append(an_event(number, "Order Completed", later, order_id="2", **premium))
    key = person_key(b"forecast", "user_id", f"u{number}")
    return Someone(key, (), sorted(events, key=lambda event: event.time))


def clicks(message: Outgoing, at: datetime) -> Iterable[Event]:
    """A person of two clicks whatever comes, five hours later."""
    time = at + timedelta(hours=5)
    properties = {"email_id": message.send_id, "run_id": message.tags["run"], "link_id": "guide"}
    if Random(message.person).random() < 0.5:
        yield Event(
            type="track",
            event="Email Link Clicked",
            message_id=f"click {message.send_id}",
            time=time,
            received_at=time,
            source=RECEIPTS,
            trusted=True,
            person=message.person,
            properties=properties,
        )


@cache
def forecast() -> tuple[Log, Shape]:
    catalogue = catalogue_of(read_folder(SHIPPED), BEGIN)
    plan = Plan(catalogue, BEGIN, UNTIL, answers=clicks)
    log = Stage(plan).run(map(someone, range(PEOPLE)))
    return log, shape(catalogue, "Europe/Berlin")


def the_report(*draws: Tally, matching: int | None = None) -> Report:
    log, known = forecast()
    about = About(journeys=["onboarding"], begin=BEGIN, until=UNTIL, matching=matching)
    return report(draws or [tally(log, known)], known, about)


def test_a_report_agrees_with_the_ledger_counted_directly() -> None:
    log, _ = forecast()
    found = the_report()
    messages = [one for journey in found.journeys for one in journey.messages]
    told = {(one.journey, one.message): one for one in messages}
    wanted = Counter((row.journey, row.message) for row in log.messages)
    sent = Counter((row.journey, row.message) for row in log.messages if row.state == "sent")
    clicked = Counter((row.journey, row.message) for row in log.messages if row.clicked)
    assert {key: one.wanted.likely for key, one in told.items()} == wanted
    assert {key: one.sent.likely for key, one in told.items() if one.sent.likely} == sent
    assert {key: one.clicked.likely for key, one in told.items() if one.clicked.likely} == clicked
    assert clicked  # otherwise this shows nothing
    held = Counter(row.reason for row in log.messages if row.state == "not sent")
    assert {one.reason: one.messages.likely for one in found.held_back} == held
    assert held["no consent"]
    runs = Counter(run.journey for run in log.runs)
    assert {one.journey: one.runs.likely for one in found.journeys} == runs
    assert sum(sum(n.values()) for one in found.journeys for n in one.tasks.values()) == len(
        log.tasks
    )
    orders = [event for event in log.events if event.event == "Order Completed"]
    assert found.all_orders.likely == len(orders)


def test_what_is_billed_by_journey_is_all_that_the_machines_did() -> None:
    log, _ = forecast()
    found = the_report()
    assert sum(one.calls.likely for one in found.journeys) == log.calls
    # The log knows the transitions of runs that have ended; those under way have theirs too.
    under_way = {run.run_id for run in log.runs if run.status == "open"}
    more = len(under_way) + sum(one.run_id in under_way for one in log.seen)
    assert sum(one.transitions.likely for one in found.journeys) == log.transitions + more


def test_the_map_of_the_onboarding_says_where_everybody_went() -> None:
    journey = the_report().journeys[0]
    steps = {step.step: step for step in journey.steps}
    assert steps["send welcome"].came.likely == PEOPLE
    upgraded = sum(step.left.get("upgraded", 0) for step in journey.steps)
    assert upgraded == journey.outcomes["upgraded"].likely == 4
    assert steps["wait 5 days after send welcome"].median == 5 * 86400
    for step in journey.steps:
        assert step.came.likely == step.on + sum(step.left.values()) + step.there


def test_the_same_forecast_gives_the_same_bytes() -> None:
    assert as_json(the_report()) == as_json(the_report())
    assert msgspec.json.decode(as_json(the_report()), type=Report) == the_report()


def test_the_likely_figure_lies_within_its_interval() -> None:
    log, known = forecast()
    fewer = msgspec.structs.replace(log, messages=log.messages[::2], runs=log.runs[:20])
    draws = [tally(fewer, known), tally(log, known), tally(Log(people=PEOPLE), known)]
    for found in ranges(the_report(*draws)):
        assert found.low <= found.likely <= found.high
    assert the_report(*draws).journeys[0].runs.low == 0
    for found in ranges(the_report()):
        assert found.low == found.likely == found.high


def ranges(found: Any) -> Iterable[Range]:
    if isinstance(found, Range):
        yield found
    elif isinstance(found, msgspec.Struct):
        for name in found.__struct_fields__:
            yield from ranges(getattr(found, name))
    elif isinstance(found, dict | list):
        for one in found.values() if isinstance(found, dict) else found:
            yield from ranges(one)


def test_the_figures_of_a_sample_are_scaled_to_all_who_match_and_say_so() -> None:
    found, whole = the_report(matching=10 * PEOPLE), the_report()
    assert found.journeys[0].runs.likely == 10 * whole.journeys[0].runs.likely
    assert found.days["email"] == {day: 10 * n for day, n in whole.days["email"].items()}
    assert "sample of 12" in found.says[0]
    assert "sample" not in whole.says[0]


def test_messages_by_day_are_all_messages() -> None:
    found = the_report()
    for channel, days in found.days.items():
        assert sum(days.values()) == found.sent[channel].likely


# --- in the terminal


def printed(found: Report, whole: bool = False) -> str:
    console = Console(width=80, file=io.StringIO(), force_terminal=False)
    show(found, console, whole)
    said = console.file
    assert isinstance(said, io.StringIO)
    return said.getvalue()


def test_the_terminal_tells_the_map_messages_and_what_was_held_back_in_80_columns() -> None:
    said = printed(the_report())
    assert "12 people enter “Onboarding of a new basic licence”" in said
    assert re.search(r"when it happens:\s+start the journey “upsell”", said)
    assert re.search(r"\d+ +not sent +no consent", said)
    assert max(map(len, said.splitlines())) <= 80


def test_only_the_whole_report_has_tables_by_day() -> None:
    assert "2027-01-02" not in printed(the_report()).partition("Most messages")[0]
    assert re.search(r"2027-01-02 +\d+ +█", printed(the_report(), whole=True))


# --- as a page

EVIL = '<script>alert("1")</script>\'"&<!-- [bold]'


class _Elements(HTMLParser):
    """The page as a browser would read it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.names: Counter[str] = Counter()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.names.update(name for name, _ in attrs)
        if tag not in ("meta", "path", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def with_cost(found: Report) -> Report:
    dollars = Range(1.5, 2, 2.5)
    line = CostLine(part="SES", amount=20, unit="mails", dollars=dollars)
    found.cost = Cost(
        region="eu-central-1",
        dated="2026-11-01",
        lines=[line],
        dollars=dollars,
        per_participant=dollars,
        plain=Range(3, 4, 5),
    )
    return found


def is_a_date(said: str) -> bool:
    try:
        date.fromisoformat(said[:10])
    except ValueError:
        return False
    return True


def poisoned(found: Any) -> Any:
    """The same with evil texts wherever a text stands that is no date."""
    if isinstance(found, dict):
        return {poisoned(key): poisoned(one) for key, one in found.items()}
    if isinstance(found, msgspec.Struct):
        kept = {"zone", "mode", "begin", "until"}
        fields = {name: getattr(found, name) for name in found.__struct_fields__}
        made = {name: one if name in kept else poisoned(one) for name, one in fields.items()}
        return type(found)(**made)
    if isinstance(found, list):
        return [poisoned(one) for one in found]
    if isinstance(found, str):
        return found if is_a_date(found) else EVIL + found
    return found


def test_nothing_that_a_marketer_or_a_person_wrote_is_taken_for_html() -> None:
    found = poisoned(with_cost(the_report()))
    plain = _Elements(page(with_cost(the_report())))
    read = _Elements(page(found))
    assert read.tags["script"] == plain.tags["script"] == 0
    assert read.tags.keys() == plain.tags.keys()
    assert read.names.keys() == plain.names.keys()
    assert EVIL in "".join(read.texts)


def test_what_a_marketer_wrote_is_no_markup_in_the_terminal() -> None:
    assert "[bold]" in printed(poisoned(with_cost(the_report())), whole=True)


def test_the_page_needs_nothing_from_anywhere() -> None:
    said = page(with_cost(the_report()))
    read = _Elements(said)
    assert not read.open  # all that was opened is closed
    assert not read.tags.keys() & {"script", "link", "img", "iframe", "object", "base", "form"}
    assert not read.names.keys() & {"src", "href", "srcset", "action", "onload", "onclick"}
    assert not re.search(r"https?:|//|url\(|@import|@font-face", said)
    assert "default-src 'none'" in said


def test_each_chart_is_named_and_has_its_figures_as_a_table() -> None:
    said = page(with_cost(the_report()))
    charts = said.split("<figure>")[1:]
    assert len(charts) >= 6
    for chart in charts:
        assert re.match(r'<svg role="img" aria-label="[^"]+"', chart)
    read = _Elements(said)
    assert read.tags["details"] == len(charts)


def test_a_page_takes_more_sections_as_they_are() -> None:
    assert "<section><h2>What changes</h2></section>" in page(
        the_report(), ["<section><h2>What changes</h2></section>"]
    )


@pytest.mark.parametrize("form", [page, printed, as_json])
def test_a_forecast_of_nobody_can_be_told(form: Any) -> None:
    found = the_report(Tally())
    assert "Nobody enters" in found.says[1]
    assert form(found)


def test_text_messages_are_told_by_country_as_their_price_is() -> None:
    catalogue = catalogue_of(read_folder(SHIPPED), BEGIN)
    one = someone(1)
    traits = {"email": "u1@example.com", "phone": "+436641234567"}
    known = msgspec.structs.replace(one.events[0], traits=traits)
    consent = {"channel": "sms", "purposes": ["offers"]}
    asked = an_event(1, "Consent Given", known.time + timedelta(minutes=3), **consent)
    plan = Plan(catalogue, BEGIN, UNTIL)
    log = Stage(plan).run([Someone(one.person, (), [known, *one.events[1:], asked])])
    assert [row.message for row in log.messages if row.channel == "sms"] == ["come-back"]
    assert tally(log, shape(catalogue)).journeys["recovery"].texts == {"AT": 1}


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("1 in 10 days", ("went later", "room under a limit")),
        ("1 in 20 days", ("not sent", "limit reached: 1 in 20 days")),
    ],
)
def test_what_a_limit_held_back_is_told_without_what_is_one_person_s(
    limit: str, told: tuple[str, str]
) -> None:
    """The guide goes after five days, the hacks nine days later."""
    folder = read_folder(SHIPPED)
    folder.live["limits.yaml"] = f"caps: [{{at most: {limit}}}]\nhold at most: 3 days\n"
    catalogue = catalogue_of(folder, BEGIN)
    log = Stage(Plan(catalogue, BEGIN, UNTIL)).run(map(someone, (1, 2)))
    known = shape(catalogue)
    about = About(journeys=["onboarding"], begin=BEGIN, until=UNTIL)
    found = report([tally(log, known)], known, about).held_back
    back = {(one.what, one.reason): one.messages.likely for one in found}
    assert back.pop(told) == 2
    assert not {what for what, reason in back if "limit" in reason}


def test_those_who_entered_in_the_90_days_before_are_known_from_people_s_own_runs() -> None:
    catalogue = catalogue_of(read_folder(SHIPPED), BEGIN)
    one = someone(1)
    runs = [
        Run(
            person=one.person,
            run_id=f"onboarding-{days}",
            journey="onboarding",
            journey_version="1",
            entered=BEGIN - timedelta(days=days),
            entry=one.events[-1],
            status="ended",
        )
        for days in (1, 89, 91)
    ]
    log = Stage(Plan(catalogue, BEGIN, BEGIN + timedelta(days=2))).run([Someone(one.person, runs)])
    assert tally(log, shape(catalogue)).journeys["onboarding"].before == 2
