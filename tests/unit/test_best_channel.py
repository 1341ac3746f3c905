"""The best channel: where the person was last seen, as far as we may write there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.messages.best_channel import best_channel
from functions.tracking.message import Message

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
BOTH = ["email", "sms"]


def message(channel: str, **more: Any) -> Message:
    return Message(
        person="p",
        run_id="r",
        step="s",
        send_id="x",
        journey="j",
        message="m",
        channel=channel,
        purpose="offers",
        state="sent",
        **more,
    )


def at(day: int) -> datetime:
    return NOON + timedelta(days=day)


@pytest.mark.parametrize(
    ("messages", "best"),
    [
        ([], "email"),
        ([message("sms"), message("email")], "email"),
        ([message("sms", claimed=NOON, delivered=NOON)], "email"),
        ([message("sms", clicked={"shop": at(1)})], "sms"),
        ([message("sms", clicked={"": at(1)}), message("email", opened=at(2))], "email"),
        ([message("sms", clicked={"a": at(1), "b": at(3)}), message("email", opened=at(2))], "sms"),
        ([message("sms", opened=at(1)), message("email", opened=at(1))], "email"),
        # What a robot did is not the person's doing.
        ([message("sms", robots=["opened", "clicked"])], "email"),
        # A channel that this message does not exist for says nothing.
        ([message("webhook", clicked={"": at(9)})], "email"),
    ],
)
def test_it_is_the_one_on_which_the_person_last_opened_or_clicked(
    messages: list[Message], best: str
) -> None:
    assert best_channel(BOTH, lambda: messages) == best
    assert best_channel(BOTH[::-1], lambda: messages[::-1]) == best


def test_where_there_is_no_choice_nothing_is_read() -> None:
    def read() -> list[Message]:
        raise AssertionError

    assert best_channel(["sms"], read) == "sms"
