"""What a report says in a few sentences, the most important first."""

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from functions.forecast.report import NOT_SENT, Cost, JourneyReport, Report
from functions.forecast.words import amount, between, in_channel, many, money, money_between, share
from functions.segments.spoken import day, quoted

_MODES = {
    "replay": "Replayed what people did",
    "expect": "Expected by what people did before",
    "generated": "Played with made-up people",
}


def sentences(report: Report) -> Iterator[str]:
    """The sentences, in English."""
    yield _basis(report)
    for journey in report.journeys:
        if journey.asked:
            yield _entering(report, journey)
    others = [journey.journey for journey in report.journeys if not journey.asked]
    if others:
        said = ", ".join(quoted(name, "en") for name in others)
        yield f"Beside it run the live journeys that somebody entered: {said}."
    yield from _messages(report)
    yield from _answers(report)
    tasks = sum(sum(o.values()) for one in report.journeys for o in one.tasks.values())
    if tasks:
        yield f"Sales gets {amount(tasks)} {'task' if tasks == 1 else 'tasks'}."
    if report.cost:
        yield _cost(report.cost)


def _basis(report: Report) -> str:
    about, zone = report.about, ZoneInfo(report.zone)
    begin, until = (day(one.astimezone(zone), "en") for one in (about.begin, about.until))
    said = f"{_MODES[about.mode]}: {amount(report.people)} people, {begin} to {until}"
    if report.draws > 1:
        said += f", {report.draws} draws; eight of ten lie between the figures in brackets"
    if report.scale != 1:
        sample = round((report.people - report.newcomers.likely) / report.scale)
        said += f". A sample of {amount(sample)} was looked at, and the figures are scaled up"
    if about.mode == "expect":
        said += f". {_newcomers(report)}"
    return f"{said}."


def _newcomers(report: Report) -> str:
    known = report.about.newcomers_of
    if not known:
        return "Who comes for the first time in these days is not among them"
    stretch = "day" if known == 1 else f"{known} days"
    if not report.newcomers.high:
        return f"Nobody came for the first time in the last {stretch}, so nobody does in these"
    are = "is" if report.newcomers.likely == 1 else "are"
    said = f"{between(report.newcomers)} of them {are} still to come"
    if timedelta(days=known) < report.about.until - report.about.begin:
        return f"{said}: nothing older is known than the last {stretch}, which pass again and again"
    return f"{said}, as others came in the last {stretch}"


def _entering(report: Report, journey: JourneyReport) -> str:
    name = quoted(journey.title, "en")
    if not journey.runs.high:
        return f"Nobody enters {name}."
    verb = "enters" if journey.people.likely == 1 else "enter"
    said = f"{many(journey.people, 'person', 'people')} {verb} {name}"
    said += f" ({share(journey.people.likely, report.people)} of all)"
    if journey.newcomers.high:
        verb = "comes" if journey.newcomers.likely == 1 else "come"
        said += f"; {between(journey.newcomers)} of these {verb} new"
    if journey.runs != journey.people:
        said += f", {between(journey.runs)} times"
    if journey.held_out.high:
        said += f"; {between(journey.held_out)} of these in the hold-out group"
    return f"{said}.{_kept_out(journey)}"


def _kept_out(journey: JourneyReport) -> str:
    if not journey.kept_out:
        return ""
    total = sum(journey.kept_out.values())
    why = max(sorted(journey.kept_out), key=lambda one: journey.kept_out[one])
    times = f"{amount(total)} {'time' if total == 1 else 'times'}"
    return f" {times} somebody was not let in, above all because: {why}."


def _messages(report: Report) -> Iterator[str]:
    sent = [in_channel(channel, found) for channel, found in report.sent.items() if found.high]
    if sent:
        yield f"They get {' and '.join(sent)}."
    back = [one for one in report.held_back if one.what == NOT_SENT]
    total = sum(one.messages.likely for one in back)
    if total:
        said = f"{amount(total)} {'message is' if total == 1 else 'messages are'} not sent"
        yield f"{said}, above all because: {back[0].reason}, {between(back[0].messages)}."


def _answers(report: Report) -> Iterator[str]:
    opened = sum(found.likely for found in report.opened.values())
    clicked = sum(found.likely for found in report.clicked.values())
    if opened or clicked:
        yield f"{amount(opened)} of them are opened, {amount(clicked)} clicked."
    if report.orders.high:
        earned = ", ".join(
            f"{money_between(found)} {currency}".strip()
            for currency, found in report.revenue.items()
        )
        verb = "follows" if report.orders.likely == 1 else "follow"
        said = f"{many(report.orders, 'order', 'orders')} {verb} a message"
        yield f"{said}: {earned}." if earned else f"{said}."


def _cost(cost: Cost) -> str:
    said = f"It costs ${money_between(cost.dollars)} in AWS"
    said += f", ${cost.per_participant.likely:.4f} for each who enters"
    if cost.plain:
        said += f"; the plain design would cost ${money(cost.plain.likely)}"
    return f"{said}."
