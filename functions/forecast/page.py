"""A forecast's report as one page of HTML that needs nothing else: no script, no font, no network.

Every text that comes from a marketer's files or from people's data is escaped.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from html import escape
from zoneinfo import ZoneInfo

from functions.forecast.charts import Bar, by_day, by_name
from functions.forecast.page_style import STYLE
from functions.forecast.report import Counts, JourneyReport, MessageReport, Range, Report
from functions.forecast.river import river
from functions.forecast.words import CHANNELS, amount, at, between, money, money_between, share
from functions.forecast.words import time as length

# Nothing may be fetched or run, whatever should ever slip into the page.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


class Figure(str):
    """A number in words, which stands on the right of its column, its range below it."""


def page(report: Report, sections: Iterable[str] = ()) -> str:
    """The page. `sections` are more of them, as HTML that is safe already."""
    titles = [journey.title for journey in report.journeys if journey.asked]
    title = escape(f"Forecast: {', '.join(titles) or 'nothing'}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>\n"
        f"<h1>{title}</h1>\n{''.join(_parts(report, sections))}</body></html>\n"
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts and Figures."""
    head = "".join(_cell("th", one, ' scope="col"') for one in heads)
    body = "".join(f"<tr>{''.join(_cell('td', one) for one in row)}</tr>" for row in rows)
    inside = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{inside}</table></div>'


def _cell(tag: str, said: str, more: str = "") -> str:
    if isinstance(said, Figure):
        likely, _, between = said.partition(" (")
        small = f" <small>({escape(between)}</small>" if between else ""
        return f'<{tag}{more} class="n">{escape(likely)}{small}</{tag}>'
    return f"<{tag}{more}>{escape(said)}</{tag}>"


def _parts(report: Report, sections: Iterable[str]) -> Iterator[str]:
    first, *others = report.says
    yield f'<p class="when-and-how">{escape(first)}</p>'
    yield _tiles(report)
    yield f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in others)}</ul>"
    if report.warnings:
        said = "".join(f"<li>{escape(one.says)}</li>" for one in report.warnings)
        yield f'<section class="warnings"><h2>Look at this first</h2><ul>{said}</ul></section>'
    yield from sections
    for journey in report.journeys:
        if journey.asked:
            yield from _journey(report, journey)
    yield from _messages(report)
    yield from _held_back(report)
    yield from _tasks(report)
    yield from _busiest(report)
    yield from _cost(report)
    yield _footer(report)


def _tiles(report: Report) -> str:
    asked = [journey for journey in report.journeys if journey.asked]
    tiles = [(between(journey.people), f"people enter {journey.title}") for journey in asked]
    for channel, found in report.sent.items():
        tiles.append((between(found), f"{CHANNELS.get(channel, ('', channel))[1]} sent"))
    if report.orders.high:
        tiles.append((between(report.orders), "orders follow a message"))
    for currency, found in report.revenue.items():
        tiles.append((f"{money(found.likely)} {currency}", "revenue of these orders"))
    if report.cost:
        tiles.append((f"${money_between(report.cost.dollars)}", "cost in AWS"))
    return f'<ul class="tiles">{"".join(_tile(*one) for one in tiles)}</ul>'


def _tile(figure: str, said: str) -> str:
    likely, _, rest = figure.partition(" (")
    more = f"<span>{escape(rest.removesuffix(')'))}</span>" if rest else ""
    return f"<li><b>{escape(likely)}</b>{more}<span>{escape(said)}</span></li>"


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>\n"


def _figures(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The table behind a chart, for whoever wants the figures or does not see charts."""
    return f"<details><summary>The figures as a table</summary>{table(heads, rows)}</details>"


def _chart(drawing: str, *more: str) -> str:
    return f"<figure>{drawing}</figure>{''.join(more)}"


def _days(report: Report) -> list[str]:
    zone, about = ZoneInfo(report.zone), report.about
    first, last = (one.astimezone(zone).date() for one in (about.begin, about.until))
    return [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]


def _by_day(report: Report, title: str, series: dict[str, Counts]) -> str:
    days = _days(report)
    rows = (
        [day, *(Figure(amount(counts.get(day, 0))) for counts in series.values())]
        for day in days
        if any(counts.get(day) for counts in series.values())
    )
    heads: list[str] = ["day", *(Figure(name) for name in series)]
    return _chart(by_day(title, days, series), _figures(heads, rows))


def _journey(report: Report, journey: JourneyReport) -> Iterator[str]:
    if not journey.runs.high:
        return
    keys = (
        '<ul class="legend"><li><i class="key c0"></i>came to the step</li>'
        '<li><i class="key left"></i>left the journey there</li>'
        '<li><i class="key there"></i>still there at the end</li></ul>'
    )
    yield _section(
        f"The map of {journey.title}",
        _chart(river(journey) + keys),
        _steps(journey),
        _outcomes(journey),
    )
    title = f"Entering {journey.title} by day"
    yield _section(title, _by_day(report, title, {"people": journey.entered}))


def _steps(journey: JourneyReport) -> str:
    heads: list[str] = ["step", Figure("came"), Figure("went on"), Figure("left"), Figure("there")]
    heads += [Figure("half within"), Figure("nine of ten within")]
    rows = (
        [
            f"{'– ' * step.depth}{step.when + ': ' if step.when else ''}{step.says}",
            Figure(between(step.came)),
            Figure(amount(step.on)),
            Figure(amount(sum(step.left.values()))),
            Figure(amount(step.there)),
            Figure(length(step.median)),
            Figure(length(step.ninth)),
        ]
        for step in journey.steps
    )
    return _figures(heads, rows)


def _outcomes(journey: JourneyReport) -> str:
    rows = [
        [outcome or "under way at the end", Figure(between(found))]
        for outcome, found in sorted(journey.outcomes.items(), key=lambda one: -one[1].likely)
    ]
    rows += [[f"not let in: {why}", Figure(amount(n))] for why, n in journey.kept_out.items()]
    return table(["how it ended", Figure("runs")], rows)


def _messages(report: Report) -> Iterator[str]:
    every = [message for journey in report.journeys for message in journey.messages]
    if not every:
        return
    heads: list[str] = [
        "message",
        *(Figure(one) for one in ("sent", "not sent", "opened", "clicked")),
    ]
    heads += [Figure("orders"), Figure("revenue")]
    named = {CHANNELS.get(name, ("", name))[1]: days for name, days in report.days.items()}
    yield _section(
        "Messages",
        _by_day(report, "Messages sent by day and channel", named),
        table(heads, map(_message, every)),
        f'<p class="rule">{escape(report.rule)} In brackets: eight of ten draws.</p>',
    )


def _message(one: MessageReport) -> list[str]:
    sent, channel = one.sent.likely, CHANNELS.get(one.channel, (one.channel,))[0]
    earned = ", ".join(
        f"{name} {money_between(found)}".strip() for name, found in one.revenue.items()
    )
    rates = [
        Figure(share(found.likely, sent) if sent else "") for found in (one.opened, one.clicked)
    ]
    return [
        f"{one.journey}: {one.message} ({channel})",
        Figure(between(one.sent)),
        Figure(amount(one.wanted.likely - sent)),
        *rates,
        Figure(between(one.orders) if one.orders.high else ""),
        Figure(earned),
    ]


def _held_back(report: Report) -> Iterator[str]:
    if not report.held_back:
        return
    title = "What was held back, and why"
    bars = [
        Bar(f"{one.what}: {one.reason}", one.messages, between(one.messages))
        for one in report.held_back
    ]
    rows = ([one.what, one.reason, Figure(between(one.messages))] for one in report.held_back)
    yield _section(
        title, _chart(by_name(title, bars), _figures(["", "why", Figure("messages")], rows))
    )


def _tasks(report: Report) -> Iterator[str]:
    owners: dict[str, Counts] = {}
    for journey in report.journeys:
        for day, found in journey.tasks.items():
            for owner, count in found.items():
                days = owners.setdefault(owner, {})
                days[day] = days.get(day, 0) + count
    if owners:
        title = "Sales tasks by day and owner"
        yield _section(title, _by_day(report, title, dict(sorted(owners.items()))))


def _busiest(report: Report) -> Iterator[str]:
    if not report.busiest:
        return
    title = "The most messages that one person gets in seven days"
    bars = [Bar(_times(n), _sure(people), amount(people)) for n, people in report.busiest.items()]
    rows = ([Figure(str(n)), Figure(amount(people))] for n, people in report.busiest.items())
    peaks = table(
        ["", Figure("a day at most"), "on", Figure("an hour at most"), "from"],
        (
            [
                CHANNELS.get(peak.channel, ("", peak.channel))[1],
                Figure(amount(peak.in_day)),
                peak.day,
                Figure(amount(peak.in_hour)),
                at(peak.hour, report.zone),
            ]
            for peak in report.peaks
        ),
    )
    chart = _chart(by_name(title, bars), _figures([Figure("messages"), Figure("people")], rows))
    yield _section(title, chart, "<h3>When most goes at once</h3>", peaks)


def _times(messages: int) -> str:
    return f"{messages} message{'' if messages == 1 else 's'}"


def _cost(report: Report) -> Iterator[str]:
    cost = report.cost
    if cost is None:
        return
    bars = [Bar(one.part, one.dollars, f"${money_between(one.dollars)}") for one in cost.lines]
    bars.append(Bar("all", cost.dollars, f"${money_between(cost.dollars)}"))
    if cost.plain:
        bars.append(Bar("the plain design", cost.plain, f"${money_between(cost.plain)}"))
    rows = (
        [one.part, Figure(amount(one.amount)), one.unit, Figure(money_between(one.dollars))]
        for one in cost.lines
    )
    title = f"Cost by AWS's list prices in {cost.region} ({cost.dated})"
    figures = _figures(["part", Figure("amount"), "unit", Figure("dollars")], rows)
    yield _section(title, _chart(by_name(title, bars), figures))


def _footer(report: Report) -> str:
    about = report.about
    said = (
        f"From {at(about.begin, report.zone)} to {at(about.until, report.zone)} ({report.zone}); "
        f"draws: {report.draws}; seed: {about.seed or 'none'}. The same seed gives the same."
    )
    return f"<footer><p>{escape(said)}</p></footer>"


def _sure(figure: int) -> Range:
    return Range(figure, figure, figure)
