"""The draws of a forecast: chance tried again and again on the same people."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from functions.forecast.answers import Drawn
from functions.forecast.log import Log
from functions.forecast.population import Population, Sample, takes
from functions.forecast.tally import Tally, tally
from functions.storage.store import Store
from functions.virtual.expecting import DAY, about, answering, expecting, known_of, sample_of
from functions.virtual.newcomers import Newcomers, newcomers, with_newcomers
from functions.virtual.people import as_they_are
from functions.virtual.plan import Plan, Someone
from functions.virtual.prepared import Prepared
from functions.virtual.shards import Read


@dataclass(frozen=True)
class Draw:
    """One draw: the plan, in which everybody answers by it, and whom it is about; `newcomers` come
    beside those who are there."""

    prepared: Prepared
    answers: Drawn
    newcomers: Newcomers = ()

    @property
    def plan(self) -> Plan:
        """The plan."""
        plan = self.prepared.plan
        seed = f"{plan.seed}/{self.answers.draw}"
        return replace(plan, seed=seed, answers=self.answers)

    def read(self, store: Store | None) -> Read:
        """What reads the people of a shard. What they do of their own accord is drawn where that
        is not known: who is made up has all they do, and a replay's people have done it."""
        prepared, plan = self.prepared, self.prepared.plan

        def people(shard: int) -> Iterator[Someone]:
            return prepared.people.read(store, shard)

        if prepared.people.makers:
            return answering(people, self.answers, plan.begin)
        if prepared.people.window:
            return self._as_they_answered(people, store)
        found = expecting(people, self.answers, plan.begin, plan.until)
        if store is None or not self.newcomers:
            return found
        more = self.newcomers
        return with_newcomers(found, more, store, self.answers, plan.begin, plan.until)

    def _as_they_answered(self, read: Read, store: Store | None) -> Read:
        """The people of a replay, who answer by what they had answered when it begins."""

        def people(shard: int) -> Iterator[Someone]:
            for one in read(shard):
                today = as_they_are(store, one.person) if store else None
                if today:
                    self.answers.meet(known_of(today, self.prepared.plan.begin))
                yield one

        return people

    def tally(self, log: Log) -> Tally:
        """What a log of this draw comes to."""
        return tally(log, self.prepared.shape)


def learned(prepared: Prepared, store: Store | None) -> Sample:
    """The people from whom it is learned how all of them answer and buy."""
    plan, people = prepared.plan, prepared.people
    # How people answer is known best from all that is known today, also for a replay.
    known_by = prepared.now
    keys = (key for shard in people.shards for key in shard if takes(key, people.chosen))
    there = (as_they_are(store, key) for key in keys) if store and not people.makers else ()
    found = (one for one in there if one)
    return sample_of(found, known_by, (plan.until - plan.begin) / DAY, plan.catalogue)


def draws(prepared: Prepared, sample: Sample) -> Iterator[Draw]:
    """All draws; what is common to all people is drawn anew for each."""
    asked = prepared.asked
    told = about(prepared.plan.catalogue)
    learn: Callable[[str], Population] = sample.population
    for number in range(asked.draws):
        population = learn(f"{asked.seed}/{number}" if asked.draws > 1 else "")
        if prepared.people.window:
            population.uplifts = {}  # what people bought in these days is known
        answers = Drawn(population, seed=asked.seed, draw=number, about=told)
        lately, is_only = prepared.people.lately, asked.draws == 1
        more = newcomers(lately, prepared.plan, number, is_only) if lately.days else ()
        yield Draw(prepared, answers, more)
