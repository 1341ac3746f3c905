"""Chance by labels: what happens at a place hangs on the seed and the place, on nothing else."""

from collections.abc import Collection, Iterable
from hashlib import blake2b

WHOLE = float(1 << 64)

# How often each kind may strike a call that it can strike, where a seed has it at all.
KINDS = {
    "error": 0.02,  # a service fails before the effect
    "lost answer": 0.02,  # after it
    "own conflict": 0.02,  # the client's own retry finds its own write
    "half": 0.05,  # of several rows only some are written
    "crash before": 0.012,
    "crash after": 0.012,
    "delay": 0.04,  # up to seconds
    "hang": 0.004,  # for so long that the Lambda is killed, or nearly
    "stale": 0.3,  # an index that lags behind
    "outage": 0.01,  # a service refuses everything for minutes
    "skew": 0.5,  # a Lambda's clock is wrong by up to two seconds
    "twice": 0.08,  # a message, a call or a notice comes again
    "late": 0.15,
    "lost": 0.1,  # a notice that nobody promised to bring
    "too busy": 0.1,  # Step Functions takes no more starts
    "answer lost": 0.04,  # of a Lambda, which goes on
    "not invoked": 0.04,
    "refused": 0.04,  # by a provider, for good
    "not now": 0.1,  # by a provider, for a while
    "abandoned": 0.1,  # the client gives up before its event was accepted
    "bounced": 0.06,  # there is no such address, says a receipt
    "complained": 0.1,  # somebody calls a mail spam
}


class Chance:
    """Decides by hashes of seed and label, so that dropping one fault moves no other.

    `allowed`: only these faults (by label) strike; None: as chance has it.
    """

    def __init__(self, seed: int | str, allowed: Collection[str] | None = None) -> None:
        self._seed = f"{seed}|".encode()
        self.allowed = allowed
        self.struck: list[str] = []
        self.off = False
        self.rates = self._rates()

    def number(self, label: str) -> float:
        """From 0 to below 1."""
        digest = blake2b(self._seed + label.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / WHOLE

    def whole(self, label: str, most: int) -> int:
        """From 0 to below `most`."""
        return int(self.number(label) * most)

    def pick(self, label: str, among: Iterable[str]) -> str:
        """One of them."""
        found = list(among)
        return found[self.whole(label, len(found))]

    def _rates(self) -> dict[str, float]:
        """A seed has some kinds, more or less often: all at once would hide one another."""
        force = (0.0, 0.5, 1.0, 2.0)[self.whole("force", 4)]
        return {
            kind: rate * force
            for kind, rate in KINDS.items()
            if self.number(f"has {kind}") < 0.6 or kind == "skew"
        }

    def fault(self, where: str, kinds: Iterable[str]) -> str:
        """The kind of fault that strikes here, "" for none."""
        if self.off:
            return ""
        if self.allowed is not None:
            return next((kind for kind in kinds if self._strikes(kind, where)), "")
        left = self.number(where)
        for kind in kinds:
            left -= self.rates.get(kind, 0.0)
            if left < 0:
                self.struck.append(f"{kind} @ {where}")
                return kind
        return ""

    def _strikes(self, kind: str, where: str) -> bool:
        label = f"{kind} @ {where}"
        if self.allowed is None or label not in self.allowed:
            return False
        self.struck.append(label)
        return True
