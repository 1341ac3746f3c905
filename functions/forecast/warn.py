"""What somebody should look at before they publish, in plain words."""

from collections.abc import Iterator

from functions.forecast.log import KNOWN_FOR
from functions.forecast.report import NOT_SENT, Caution, JourneyReport, MessageReport, Peak, Report
from functions.forecast.words import CHANNELS, amount, at, between, on_day, share
from functions.segments.spoken import quoted

MOSTLY = 0.5  # of the messages wanted
HOUR_S_SHARE, FEW = 0.25, 500  # of a channel's messages in one hour; fewer than FEW pile up nowhere
MAGNITUDE = 10
FEWEST = 20  # people of whom something can be said
SEEN = 10  # messages at one time, in a sample, that say something of everybody


def warnings(report: Report) -> Iterator[Caution]:
    """All of them, the most important first."""
    asked = [journey for journey in report.journeys if journey.asked]
    for journey in asked:
        yield from _entering(report, journey)
    yield from _too_many(report)
    for peak in report.peaks:
        yield from _rates(report, peak)
        yield from _pile_up(report, peak)
    for journey in asked:
        yield from _map(journey)
        for message in journey.messages:
            yield from _not_sent(message)


def _entering(report: Report, journey: JourneyReport) -> Iterator[Caution]:
    name = quoted(journey.journey, "en")
    if not journey.runs.high:
        yield Caution(kind="nobody enters", says=f"Nobody enters {name}.")
    days = (report.about.until - report.about.begin).days
    before = journey.before
    if before and max(before, journey.runs.likely) >= FEWEST:
        expected, found = before * days / KNOWN_FOR.days, journey.runs.likely
        if found >= MAGNITUDE * expected or found * MAGNITUDE <= expected:
            how = "more" if found > expected else "fewer"
            yield Caution(
                kind=f"many {how}",
                says=f"Far {how} enter {name} than before: {between(journey.runs)} in {days} days; "
                f"in the last {KNOWN_FOR.days} days it was {amount(before)}.",
            )
    under_way = journey.outcomes.get("")
    if under_way and under_way.likely > MOSTLY * journey.runs.likely:
        yield Caution(
            kind="too short",
            says=f"{between(under_way)} of {between(journey.runs)} are still in {name} at the end "
            "of the forecast: look at more days to see what becomes of them.",
        )


def _too_many(report: Report) -> Iterator[Caution]:
    if report.too_many.high:
        most, people = max(report.busiest, default=0), report.people
        yield Caution(
            kind="many messages",
            says=f"{between(report.too_many)} people ({share(report.too_many.likely, people)}) get "
            f"more than {report.limits.a_week} messages in seven days; the most is {most}.",
        )


def _rates(report: Report, peak: Peak) -> Iterator[Caution]:
    limits, plural = report.limits, CHANNELS.get(peak.channel, ("", peak.channel))[1]
    is_mail = peak.channel == "email"
    if is_mail and limits.mails_a_day and peak.in_day > limits.mails_a_day:
        yield Caution(
            kind="quota",
            says=f"{amount(peak.in_day)} {plural} go on {on_day(peak.day)}; the quota of SES is "
            f"{amount(limits.mails_a_day)} a day.",
        )
    rate = limits.mails_a_second if is_mail else limits.texts_a_second
    if rate and peak.in_minute > rate * 60 and peak.in_minute >= SEEN * report.scale:
        yield Caution(
            kind="sending rate",
            says=f"{amount(peak.in_minute)} {plural} are due in one minute "
            f"({at(peak.minute, report.zone)}); at {amount(rate)} a second they take "
            f"{amount(round(peak.in_minute / rate / 60, 1))} minutes.",
        )


def _pile_up(report: Report, peak: Peak) -> Iterator[Caution]:
    sent, plural = report.sent[peak.channel].likely, CHANNELS.get(peak.channel, ("", "messages"))[1]
    if peak.in_hour >= max(FEW, HOUR_S_SHARE * sent, SEEN * report.scale):
        yield Caution(
            kind="pile-up",
            says=f"{amount(peak.in_hour)} {plural} ({share(peak.in_hour, sent)} of all) go within "
            f"one hour, on {at(peak.hour, report.zone)}. A limit per hour, or a wait of different "
            "length, spreads them.",
        )


def _map(journey: JourneyReport) -> Iterator[Caution]:
    """Of steps that nobody reaches the first alone: those behind and below it say no more."""
    failed = journey.outcomes.get("failed")
    if failed and failed.high:
        name = quoted(journey.journey, "en")
        yield Caution(kind="failed", says=f"{between(failed)} runs of {name} fail.")
    missed: int | None = None  # the depth of the last one that nobody reached
    for step in journey.steps:
        if step.came.high or not journey.runs.high:
            missed = None
        elif missed is None or step.depth < missed:
            missed = step.depth
            where = f" ({step.when})" if step.when else ""
            says = f"Nobody comes to the step {quoted(step.step, 'en')}{where}."
            yield Caution(kind="arm never taken" if step.when else "step not reached", says=says)


def _not_sent(message: MessageReport) -> Iterator[Caution]:
    reasons = message.why.get(NOT_SENT, {})
    total = sum(reasons.values())
    if message.wanted.likely >= FEWEST and total > MOSTLY * message.wanted.likely:
        why = max(sorted(reasons), key=lambda one: reasons[one])
        yield Caution(
            kind="mostly not sent",
            says=f"The message {quoted(message.message, 'en')} ({message.channel}) is mostly not "
            f"sent: {amount(total)} of {amount(message.wanted.likely)}, above all because: {why} "
            f"({amount(reasons[why])}).",
        )
