"""Logs that tell nobody's address: whatever an error's own words hold is hidden before it is said.

What we log ourselves are ids. But the text of an exception is often not ours: a provider repeats
the address that it refuses, a parser the value that it could not read.
"""

import re
from typing import Any

from aws_lambda_powertools import Logger as _Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

# Each begins where a word begins and is bounded, so that a long text costs no more than its length.
_HIDDEN = (
    (re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}(@|%40)[\w-]{1,63}(\.[\w-]{1,63})+"), "(address)"),
    (re.compile(r"(?<![\w+])\+[1-9][\d ()/-]{6,18}\d"), "(number)"),
    (re.compile(r"(?<!\w)(sk|wk|whsec)_[\w+/=-]{8,}"), "(key)"),
    (re.compile(r"(?i)(?<!\w)(Bearer|Basic) [^\s\"'\\]+"), "(key)"),
    (re.compile(r"(?<![\w.-])[\w-]{1,20}\.[\w-]{12,2000}\.[\w-]{20,44}(?![\w.-])"), "(token)"),
    (re.compile(r"(?<![\w+/=])[\w+/=]{200,}"), "(token)"),
)


def hidden(text: str) -> str:
    """The text without addresses, phone numbers, keys and tokens."""
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return text


class _Formatter(LambdaPowertoolsFormatter):
    def serialize(self, log: Any) -> str:
        """The line as JSON, with every text in it hidden, those of a traceback too."""
        return str(super().serialize(_all_hidden(log)))


def _all_hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {hidden(str(key)): _all_hidden(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_all_hidden(one) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return hidden(str(value))


class Logger(_Logger):
    """Powertools' logger, discreet. Nothing else of ours makes a logger (a test holds it)."""

    def __init__(self, service: str, **more: Any) -> None:
        super().__init__(service=service, logger_formatter=_Formatter(), **more)
