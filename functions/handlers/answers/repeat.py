"""Answers about what leads from the first order to a second."""

from aws_lambda_powertools.event_handler.exceptions import BadRequestError

from functions.handlers import wiring
from functions.handlers.answers.door import LANGUAGE, chosen_language, operation, query
from functions.handlers.openapi import Parameter
from functions.sales.repeat_words import RepeatReport, report
from functions.storage import clusters

USUAL, MOST = 90, 730  # days


@operation(
    "/api/repeat",
    "What leads from the first order to a second, by a sample that is drawn once a week",
    RepeatReport,
    Parameter("within", "query", f"days from the first order to the second, {USUAL} by default"),
    LANGUAGE,
)
def _repeat() -> RepeatReport:
    asked = query("within") or str(USUAL)
    if not asked.isdecimal() or not 1 <= int(asked) <= MOST:
        raise BadRequestError(f'"within" is a number of days from 1 to {MOST}')
    made, firsts = clusters.first_orders(wiring.parts().store)
    return report(made, firsts, int(asked), chosen_language())
