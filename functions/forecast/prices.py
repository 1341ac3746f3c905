"""List prices of AWS in dollars, by region, each with its date, its source and how sure it is.

Without free tiers, discounts by amount, taxes and transfer of data. `docs/costs.md` says the same;
a test compares them. A price that is not of the region is Virginia's, and says so.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

# As facts and docs/costs.md mark them: AWS's own price list, second sources that agree, general
# knowledge that has to be looked up before it is promised.
Sure = Literal["P", "S", "K"]
LIST, AGREED, KNOWN = "AWS price list", "second sources that agree", "general knowledge: look it up"
OTHERS = "others"  # countries that the table does not name


class UnknownRegion(ValueError):
    """There are no prices of this region; the text says of which there are."""


class Price(msgspec.Struct, frozen=True):
    """What one `unit` costs, in dollars; `dated` is when it was published or looked at."""

    dollars: Decimal
    unit: str
    sure: Sure
    dated: str
    source: str


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """The prices of a region. `sms` are by country (ISO 3166) and for OTHERS, `currencies` what one
    of a company's own currency is in dollars. A GB-second is of memory and time together."""

    region: str
    mail: Price
    transition: Price
    call: Price
    gb_second: Price
    write: Price
    read: Price
    stored: Price
    recoverable: Price
    queue_request: Price
    notification: Price
    request: Price
    log_gb: Price
    key: Price
    secret: Price
    alarm: Price
    dashboard: Price
    sms: Mapping[str, Price]
    currencies: Mapping[str, Price]

    @property
    def dated(self) -> str:
        """The youngest date in the table: until when it was looked after."""
        own = (getattr(self, name) for name in self.__struct_fields__)
        return max(one.dated for one in own if isinstance(one, Price))

    def text(self, country: str) -> Price:
        """What a part of a text message to this country costs."""
        return self.sms.get(country) or self.sms[OTHERS]


def prices(region: str) -> Prices:
    """The prices of a region. Raises UnknownRegion."""
    found = _REGIONS.get(region)
    if found is None:
        known = ", ".join(sorted(_REGIONS))
        raise UnknownRegion(f'there are no prices of the region "{region}"; there are: {known}')
    return found


def _of_million(dollars: str, unit: str, sure: Sure, dated: str, source: str) -> Price:
    return Price(Decimal(dollars).scaleb(-6), unit, sure, dated, source)


_CHECKED = "2026-11-22"
_SFN, _DYNAMO, _LOGS = "2025-08-28", "2026-08-15", "2026-08-06"

_EVERYWHERE = {
    "mail": Price(Decimal("0.0001"), "mail (SES)", "K", _CHECKED, KNOWN),
    "transition": _of_million("25", "transition (Step Functions Standard)", "P", _SFN, LIST),
    "call": _of_million("0.20", "call (Lambda)", "S", _CHECKED, AGREED),
    "gb_second": Price(Decimal("0.0000133334"), "GB-second (Lambda, arm64)", "S", _CHECKED, AGREED),
    "recoverable": Price(Decimal("0.20"), "GB-month of recovery", "K", _CHECKED, KNOWN),
    "queue_request": _of_million("0.40", "request (SQS)", "P", _SFN, LIST),
    "notification": _of_million("0.50", "notification (SNS)", "K", _CHECKED, KNOWN),
    "request": _of_million("1.00", "request (HTTP API)", "S", _CHECKED, AGREED + ", Virginia"),
    "key": Price(Decimal("1"), "key and month (KMS)", "K", _CHECKED, KNOWN),
    "secret": Price(Decimal("0.40"), "secret and month", "K", _CHECKED, KNOWN),
    "alarm": Price(Decimal("0.10"), "alarm and month", "K", _CHECKED, KNOWN),
    "dashboard": Price(Decimal("3"), "dashboard and month", "K", _CHECKED, KNOWN),
}


def _text(dollars: str, sure: Sure = "K", dated: str = _CHECKED, source: str = KNOWN) -> Price:
    return Price(Decimal(dollars), "part of a text message", sure, dated, source)


# To the cent where nobody has published more: they change by the month and by carrier.
_SMS = {
    "AT": _text("0.10"),
    "CH": _text("0.07"),
    "DE": _text("0.11"),
    "FR": _text("0.07"),
    "GB": _text("0.05"),
    "JP": _text("0.07451", "S", "2026-05-18", "dev.classmethod.jp, from AWS's pricing page"),
    "US": _text("0.01"),
    OTHERS: _text("0.11"),
}


def _currency(dollars: str) -> Price:
    return Price(Decimal(dollars), "of a company's own currency", "K", _CHECKED, KNOWN)


_CURRENCIES = {
    "USD": Price(Decimal(1), "of a company's own currency", "P", _CHECKED, "by definition"),
    "EUR": _currency("1.15"),
    "GBP": _currency("1.32"),
    "CHF": _currency("1.25"),
}

_REGIONS = {
    "eu-central-1": Prices(
        region="eu-central-1",
        write=_of_million("0.7625", "write unit (DynamoDB)", "P", _DYNAMO, LIST),
        read=_of_million("0.1525", "read unit (DynamoDB)", "P", _DYNAMO, LIST),
        stored=Price(Decimal("0.306"), "GB-month (DynamoDB)", "P", _DYNAMO, LIST),
        log_gb=Price(Decimal("0.63"), "GB of logs", "P", _LOGS, LIST),
        sms=_SMS,
        currencies=_CURRENCIES,
        **_EVERYWHERE,
    ),
    "us-east-1": Prices(
        region="us-east-1",
        write=_of_million("0.625", "write unit (DynamoDB)", "P", _DYNAMO, LIST),
        read=_of_million("0.125", "read unit (DynamoDB)", "P", _DYNAMO, LIST),
        stored=Price(Decimal("0.25"), "GB-month (DynamoDB)", "P", _DYNAMO, LIST),
        log_gb=Price(Decimal("0.50"), "GB of logs", "P", _LOGS, LIST),
        sms=_SMS,
        currencies=_CURRENCIES,
        **_EVERYWHERE,
    ),
}
