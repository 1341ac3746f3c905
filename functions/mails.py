"""The mails of a checked journey: what the law wants of them, and what could be better."""

from collections.abc import Iterator, Mapping

from functions.journeys.journey import Journey
from functions.journeys.steps.send import Send
from functions.messages.advice import no_way_out, warnings
from functions.messages.brand import Brand
from functions.messages.written import Mail, mail
from functions.problem import Problem


def lawful(
    journey: Journey, files: Mapping[str, str], parts: Mapping[str, str], brand: Brand
) -> list[Problem]:
    """What keeps a journey from being published. `files` are those of its version."""
    return [
        Problem(*found) for one in _mails(journey, files, parts, brand) for found in no_way_out(one)
    ]


def advice(
    journey: Journey, files: Mapping[str, str], parts: Mapping[str, str], brand: Brand
) -> list[Problem]:
    """What does not keep it from that."""
    return [found for one in _mails(journey, files, parts, brand) for found in warnings(one)]


def _mails(
    journey: Journey, files: Mapping[str, str], parts: Mapping[str, str], brand: Brand
) -> Iterator[Mail]:
    asked = {
        step.send
        for step in journey.every_step()
        if isinstance(step, Send) and brand.must_be_allowed(step.purpose or journey.purpose)
    }
    for name in files:
        if name.endswith(".mjml"):
            needs_consent = name.partition(".")[0] in asked
            yield mail(f"{journey.name}/{name}", files, parts, needs_consent)
