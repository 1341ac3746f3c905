"""Text messages that people send to our number, by End User Messaging and SNS."""

import json
import re
from datetime import datetime
from typing import Any, NamedTuple

MOST_LETTERS = 500


class NotAText(ValueError):
    """A notification that says it was a text and has not what each of them has."""


class ReceivedText(NamedTuple):
    """A text: from which number (+49...), in which words, under which id of AWS, when by their
    clock, and the id of the text of ours that it answers ("": none)."""

    number: str
    text: str
    id: str
    time: datetime
    answers: str


def read(body: str) -> ReceivedText | None:
    """A notification of SNS about a received text; None of anything else. Raises NotAText.

    https://docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-payload.html
    """
    if body.startswith('{"events"') or "inboundMessageId" not in body:
        return None
    try:
        outer = json.loads(body)
        said: dict[str, Any] = json.loads(outer["Message"])
        if "inboundMessageId" not in said:
            return None  # the word stands somewhere in another notification
        time = datetime.fromisoformat(outer["Timestamp"])
        names = ("originationNumber", "messageBody", "inboundMessageId")
        found = [str(said[name]) for name in names]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise NotAText(f"not a text that somebody sent: {error}") from None
    if time.tzinfo is None or not re.fullmatch(r"\+[0-9]{7,15}", found[0]):
        raise NotAText("not a text that somebody sent: no time, or no number")
    answers = str(said.get("previousPublishedMessageId") or "")
    return ReceivedText(found[0], found[1][:MOST_LETTERS], found[2], time, answers)
