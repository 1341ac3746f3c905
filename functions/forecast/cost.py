"""What so much usage costs in AWS, and what the plain design of a journey would cost beside it.

Money is Decimal: prices have up to ten places, and sums of them must neither depend on the order of
adding nor lose what is small. Nothing is rounded here; whoever shows it does.

How much of what a thing takes stands in docs/costs.md and is written here once. Writes and reads
are counted by tests (`tests/integration/test_units.py`, decision 13); times of Lambdas are not
measured in AWS.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import reduce

import msgspec

from functions.forecast.prices import Price, Prices

Number = int | Decimal
OWN = "own"  # how sure a price is that the company states itself

# Lambda, in GB-seconds of one: 10 ms at 512 MB, 50 ms at 1 GB, 150 ms at 1 GB, 30 ms at 512 MB.
REQUEST, GROUP, STEP, END = Decimal("0.005"), Decimal("0.05"), Decimal("0.15"), Decimal("0.015")
CALLS = Decimal("0.2")  # of process_event for a message of its queue: five are taken together
QUEUE_REQUESTS = Decimal("1.5")  # of a message: sent alone, taken and deleted with others
LOG_GB = Decimal("0.0000005")  # 0.5 KB of each request, receipt and step
RECEIPTS = Decimal("2.5")  # of a mail: sent, delivered, some opened, few clicked

# Write units: an entry takes 3 and an end 4 (decision 13), and 1 is for what not every run has:
# a hold, a goal, being counted. A message has a claim and a row, a wait its token.
WRITES_OF_RUN, WRITES_OF_MESSAGE, WRITES_OF_WAIT, WRITES_OF_RECEIPT = 8, 2, 1, 3
# Read units, strongly consistent: a step looks at run, profile, permission and ledger.
READS_OF_RUN, READS_OF_STEP, READS_OF_RECEIPT = 1, 8, 9

# The plain design, as docs/costs.md tells it: a read, a Lambda and a Choice for
# each of the journey's steps, and the start; two writes (an idempotency record) and one read.
PLAIN_TRANSITIONS, PLAIN_START, PLAIN_WRITES, PLAIN_READS = 3, 1, 2, 1


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """How much was used. Two are added with `+`.

    `runs` of journeys that began and ended, `transitions` of Step Functions with the start, `steps`
    that called a Lambda. `texts` are parts of text messages by country (ISO 3166, "" where nobody
    knows). `requests` to collect events (opens and clicks that our own links count are such, too),
    `groups` of a person's events that were taken together, receipts included. `writes` and `reads`
    are DynamoDB's units.
    """

    runs: Number = 0
    transitions: Number = 0
    steps: Number = 0
    mails: Number = 0
    texts: Mapping[str, Number] = {}
    requests: Number = 0
    groups: Number = 0
    receipts: Number = 0
    writes: Number = 0
    reads: Number = 0

    def __add__(self, other: "Usage") -> "Usage":
        texts = {
            country: self.texts.get(country, 0) + other.texts.get(country, 0)
            for country in {*self.texts, *other.texts}
        }
        own = {name: getattr(self, name) + getattr(other, name) for name in _NUMBERS}
        return Usage(texts=texts, **own)


_NUMBERS = tuple(name for name in Usage.__struct_fields__ if name != "texts")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the bill: an `amount` of a `unit` at `price` dollars each; `sure` as in prices, or
    OWN."""

    part: str
    amount: Decimal
    unit: str
    price: Decimal
    sure: str

    @property
    def dollars(self) -> Decimal:
        """What it comes to."""
        return self.amount * self.price


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What usage costs, by parts; rows that are nothing are left out."""

    rows: tuple[Row, ...]
    participants: Number

    @property
    def dollars(self) -> Decimal:
        """All parts together."""
        return sum((row.dollars for row in self.rows), Decimal())

    @property
    def per_participant(self) -> Decimal | None:
        """Dollars of one who went through; None where nobody did."""
        return self.dollars / self.participants if self.participants else None

    def of(self, part: str) -> Decimal:
        """The dollars of all rows of a part."""
        return sum((row.dollars for row in self.rows if row.part == part), Decimal())


def of_journey(
    *,
    runs: Number,
    transitions: Number,
    steps: Number,
    waits: Number,
    mails: Number,
    texts: Mapping[str, Number] | None = None,
    sent: Number | None = None,
) -> Usage:
    """What a journey uses by itself, with the receipts of its mails (RECEIPTS of each).

    `waits` are those that were registered for an event; `texts` parts of text messages by country;
    `sent` how many messages went of all kinds, by default the mails and the parts of texts.
    """
    parts = dict(texts or {})
    messages = mails + sum(parts.values()) if sent is None else sent
    receipts = mails * RECEIPTS
    return Usage(
        runs=runs,
        transitions=transitions,
        steps=steps,
        mails=mails,
        texts=parts,
        groups=receipts,
        receipts=receipts,
        writes=runs * WRITES_OF_RUN
        + messages * WRITES_OF_MESSAGE
        + waits * WRITES_OF_WAIT
        + receipts * WRITES_OF_RECEIPT,
        reads=runs * READS_OF_RUN + steps * READS_OF_STEP + receipts * READS_OF_RECEIPT,
    )


def plain(usage: Usage, passed: Number) -> Usage:
    """The same messages to the same people by the plain design. `passed` is how many steps of the
    file all its runs have passed, waits and branches included, each time in a loop."""
    kept = usage.receipts
    return msgspec.structs.replace(
        usage,
        transitions=passed * PLAIN_TRANSITIONS + usage.runs * PLAIN_START,
        steps=passed,
        writes=passed * PLAIN_WRITES + kept * WRITES_OF_RECEIPT,
        reads=passed * PLAIN_READS + kept * READS_OF_RECEIPT,
    )


def together(usages: Iterable[Usage]) -> Usage:
    """All of them as one."""
    return reduce(Usage.__add__, usages, Usage())


def bill(usage: Usage, prices: Prices, texts: Mapping[str, Decimal] | None = None) -> Bill:
    """What the usage costs. `texts` has, by country, what a part of a text message costs where the
    company says so itself, in dollars; for others the table's price holds."""
    queued = usage.requests + usage.receipts
    calls = usage.requests + queued * CALLS + usage.steps + usage.runs
    gb_seconds = (
        usage.requests * REQUEST + usage.groups * GROUP + usage.steps * STEP + usage.runs * END
    )
    rows = [
        _row("SES", usage.mails, prices.mail),
        *(_text(country, n, prices, texts or {}) for country, n in sorted(usage.texts.items())),
        _row("Step Functions", usage.transitions, prices.transition),
        _row("Lambda", calls, prices.call),
        _row("Lambda", gb_seconds, prices.gb_second),
        _row("DynamoDB writes", usage.writes, prices.write),
        _row("DynamoDB reads", usage.reads, prices.read),
        _row("SQS", queued * QUEUE_REQUESTS, prices.queue_request),
        _row("SNS (receipts)", usage.receipts, prices.notification),
        _row("HTTP API", usage.requests, prices.request),
        _row("logs", (queued + usage.steps) * LOG_GB, prices.log_gb),
    ]
    return Bill(rows=tuple(row for row in rows if row.amount), participants=usage.runs)


def _row(part: str, amount: Number, price: Price) -> Row:
    return Row(
        part=part,
        amount=Decimal(amount),
        unit=price.unit,
        price=price.dollars,
        sure=price.sure,
    )


def _text(country: str, amount: Number, prices: Prices, said: Mapping[str, Decimal]) -> Row:
    row = _row(f"SMS {country or 'elsewhere'}", amount, prices.text(country))
    if country not in said:
        return row
    return msgspec.structs.replace(row, price=said[country], sure=OWN)
