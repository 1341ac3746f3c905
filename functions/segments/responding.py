"""How people respond to messages: what one person's responses are judged by where few are known.

Counted by the census over a sample of people. Sums are of whole millionths, so that nothing hangs
on the order in which people come.
"""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from functions.segments.census_records import Rate, Responding
from functions.tracking.identity import short_hash
from functions.tracking.response import Response

HOURS = 24
SAMPLE = 2_000  # people whose messages the census reads
MEAN, STRENGTH = 0.05, 20.0  # of a channel of which nothing is known
WEAKEST, STRONGEST = 2.0, 200.0
FEW = 30  # people with messages, below which nobody can say how much people differ
_KEYS = 1 << 32
_WHOLE = 1_000_000


class ChannelSums(msgspec.Struct, array_like=True):
    """Over people with messages on a channel: how many there are, their messages and the squares of
    those, what the messages brought and the square of that by messages, both in millionths."""

    people: int = 0
    sent: int = 0
    squares: int = 0
    brought: int = 0
    spread: int = 0


class ResponseSums(msgspec.Struct):
    """What was counted so far, over so many `people`: by channel, and when they were there by the
    hour of the day where they are."""

    people: int = 0
    channels: dict[str, ChannelSums] = {}
    hours: list[int] = msgspec.field(default_factory=lambda: [0] * HOURS)

    def takes(self, person: str, people: int) -> bool:
        """Whether somebody is in the sample, of about so many `people`: their keys are hashes."""
        bound = _KEYS if people <= SAMPLE else _KEYS * SAMPLE // people
        return self.people < SAMPLE and int(short_hash("responding", person)[:8], 16) < bound

    def take(
        self, responses: Iterable[Response], times: Iterable[datetime], zone: ZoneInfo
    ) -> None:
        """Count one person: their responses, and the times at which they were there."""
        self.people += 1
        by_channel: dict[str, list[float]] = {}
        for one in responses:
            by_channel.setdefault(one.channel, []).append(one.worth)
        for channel, worths in by_channel.items():
            sent, brought = len(worths), round(sum(worths) * _WHOLE)
            sums = self.channels.setdefault(channel, ChannelSums())
            sums.people += 1
            sums.sent += sent
            sums.squares += sent * sent
            sums.brought += brought
            sums.spread += round(sum(worths) ** 2 / sent * _WHOLE)
        for time in times:
            self.hours[time.astimezone(zone).hour] += 1

    def found(self) -> Responding:
        """What is known by it."""
        rates = {channel: rate(sums) for channel, sums in sorted(self.channels.items())}
        return Responding(people=self.people, rates=rates, hours=list(self.hours))


def rate(sums: ChannelSums, towards: Rate | None = None) -> Rate:
    """The Beta distribution of people's rates on a channel, by the method of moments for unequal
    numbers of messages (J. C. Kleinman, Proportions with Extraneous Variance: Single and
    Independent Samples, 1973).

    With n messages and the rate p of a person, N = sum of n and m the rate of all, the expected
    sum of n (p - m)^2 is m (1 - m) ((1 - g)(people - 1) + g (N - sum of n^2 / N)); g = 1/(strength
    + 1) is how much people differ. The mean is drawn `towards` what is assumed (none: MEAN, as by
    STRENGTH messages).
    """
    towards = towards or Rate(MEAN, STRENGTH)
    sent, brought = sums.sent, sums.brought / _WHOLE
    mean = (brought + towards.mean * towards.strength) / (sent + towards.strength)
    if sums.people < FEW or not 0 < brought < sent:
        return Rate(mean, towards.strength, sent)
    plain = brought / sent
    deviation = sums.spread / _WHOLE - brought * plain
    room = sent - sums.squares / sent - (sums.people - 1)
    if room <= 0:
        # One message each says nothing of how people differ.
        return Rate(mean, towards.strength, sent)
    differ = (deviation / (plain * (1 - plain)) - (sums.people - 1)) / room
    strength = 1 / differ - 1 if differ > 0 else STRONGEST
    return Rate(mean, min(max(strength, WEAKEST), STRONGEST), sent)
