"""Any journey that a marketer may write, and what a reader of the file expects it to do.

One row for each verb: how it is written, and how it is read. Both speak of the YAML alone, not of
the product's types, so that the reading is a second opinion.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import yaml
from hypothesis import strategies as st

from functions.journeys.steps import types
from tests.support import conditions

Raw = dict[str, Any]
Steps = st.SearchStrategy[list[Raw]]
Place = tuple[str | int, ...]

MESSAGES = {"a.de.mjml": "", "b.de.mjml": "", "c.de.sms": "", "both.de.mjml": "", "both.de.sms": ""}
PURPOSES = {"offers": True, "transactional": False}
WEBHOOKS = ("crm",)

# --- how steps are written

_TAME = st.sampled_from(
    [
        {"person": {"plan": "pro", "age": {"at least": 18}}},
        {"entry": {"products.sku": {"one of": ["a", "b"]}}},
        {"did": ["Login", "Visit"], "since": "entry", "times": {"at least": 2}},
        {"may get": "sms", "purpose": "offers"},
        {"clicked": ["a", "both"], "link": "shop"},
        {"none of": [{"opened": "a"}, {"all of": [{"sent": "b"}, {"person": {"x": {"not": 1}}}]}]},
    ]
)
_CONDITIONS = st.one_of(_TAME, _TAME, _TAME, conditions.conditions)
_EVENTS = st.one_of(
    st.just({"event": "Login"}),
    st.just({"event": ["Login", "Visit"], "where": {"x": {"known": True}}, "same": "id"}),
    conditions.events,
)
_HAPPENINGS = st.one_of(_EVENTS, _CONDITIONS)
_EXACT = st.builds("{} {}".format, st.integers(1, 30), st.sampled_from(["minutes", "hours", "day"]))
_DURATIONS = st.one_of(_EXACT, st.sampled_from(["1 month", "2 working days", "2 weeks"]))
_MOMENTS = st.sampled_from(
    [
        *("9:00", "Monday", "working day 18:30", "2027-01-31 9:00", "entry.x", "person.x 7:15"),
        *("3 days before person.x", "1 hour after entry.x.y", "2 working days before entry.x"),
    ]
)
_WORDS = st.sampled_from(["a", "last call", "Call, please", "ä“ „", "5"])


def _with(must: Raw, may: Raw | None = None) -> st.SearchStrategy[Raw]:
    return st.fixed_dictionaries(must, optional=may or {})


def _send(arm: Steps) -> st.SearchStrategy[Raw]:
    may = {"purpose": st.just("transactional"), "skip after": _EXACT, "if not sent": arm}
    alone = st.sampled_from(["a", "b", "c"])
    both = {"send": st.just("both"), "by": st.sampled_from(["email", "sms"])}
    return st.one_of(_with({"send": alone}, may), _with(both, may))


def _choose(arm: Steps) -> st.SearchStrategy[Raw]:
    cases = st.lists(_with({"if": _CONDITIONS}, {"then": arm}), min_size=2, max_size=4)
    return _with({"choose": cases}, {"otherwise": arm})


def _split(arm: Steps) -> st.SearchStrategy[Raw]:
    @cache
    def arms(shares: tuple[str, ...]) -> st.SearchStrategy[Raw]:
        each = {
            f"arm {number}": _with({"share": st.just(f"{share} percent")}, {"then": arm})
            for number, share in enumerate(shares)
        }
        return _with(
            {"split": st.sampled_from(["coin", "last call"]), "arms": st.fixed_dictionaries(each)}
        )

    return st.sampled_from([("50", "50"), ("45", "45", "10"), ("33.33", "66.67")]).flatmap(arms)


def _update(arm: Steps) -> st.SearchStrategy[Raw]:
    values = st.one_of(st.booleans(), st.integers(-9, 9), _WORDS)
    may = {
        "set": st.dictionaries(st.sampled_from(["plan", "size"]), values, min_size=1),
        "add tag": st.just("fan"),
        "remove tag": st.just("guest"),
        "add to score": st.sampled_from([5, -2.5]),
    }
    return _with({"update": st.fixed_dictionaries({}, optional=may).filter(bool)})


def _wait(arm: Steps) -> st.SearchStrategy[Raw]:
    after = {"after the last": _EVENTS}
    return st.one_of(_with({"wait": _DURATIONS}), _with({"wait": _DURATIONS, **after}))


def _wait_for_first_of(arm: Steps) -> st.SearchStrategy[Raw]:
    way = st.builds(lambda what, then: {**what, **then}, _HAPPENINGS, _with({}, {"then": arm}))
    ways = st.lists(way, min_size=2, max_size=3)
    return _with({"wait for first of": ways, "at most": _EXACT}, {"otherwise": arm})


def _call_webhook(arm: Steps) -> st.SearchStrategy[Raw]:
    may = {"with": st.just({"plan": "{{ person.plan }}", "size": 5}), "if it fails": arm}
    return _with({"call webhook": st.just("crm")}, may)


def _repeat(arm: Steps) -> st.SearchStrategy[Raw]:
    """Steps that surely end the run are no loop: those of an arm stand below a condition."""
    last = {"wait": "1 day"}
    asked = st.builds(lambda ask, then: [{"if": ask, "then": then}, last], _CONDITIONS, arm)
    steps = st.one_of(st.just([{"send": "a"}, last]), asked)
    return _with({"repeat": steps, "times": st.integers(1, 3)}, {"until": _TAME})


# --- how steps are read


class Taken(NamedTuple):
    """What one step comes to: how often it is done, the arm that follows, how it ends the run, and
    how often the arm is gone through, the step being done once more after each time."""

    times: int
    arm: Place = ()
    end: str | None = None
    passes: int | None = None


def _do(raw: Raw, way: int) -> Taken:
    return Taken(1)


def _read_send(raw: Raw, way: int) -> Taken:
    return Taken(2 if way == 1 else 1, ("if not sent",) if way == 2 else ())


def _read_wait(raw: Raw, way: int) -> Taken:
    """A plain wait does nothing. After the last, 0: there was none; 1: one; 2: one more."""
    return Taken(1 + way if "after the last" in raw else 0)


def _read_wait_until(raw: Raw, way: int) -> Taken:
    """0: it comes; 1: it comes, moved once if it is the person's; 2: it has passed."""
    if way == 2:
        return Taken(1, ("otherwise",))
    return Taken(2 + way if "person." in raw["wait until"] else 1)


def _read_choose(raw: Raw, way: int) -> Taken:
    is_one = way < len(raw["choose"])
    return Taken(1, ("choose", way, "then") if is_one else ("otherwise",))


def _read_split(raw: Raw, way: int) -> Taken:
    return Taken(0, ("arms", list(raw["arms"])[way % len(raw["arms"])], "then"))


def _read_wait_for_first_of(raw: Raw, way: int) -> Taken:
    """0: the last of them comes; 1: none; 2: the first, unless no message was sent at all."""
    ways = raw["wait for first of"]
    of_messages = all(one.keys() & {"sent", "opened", "clicked"} for one in ways)
    if way == 1 or (way == 2 and of_messages):
        return Taken(1, ("otherwise",))
    return Taken(1, ("wait for first of", 0 if way else len(ways) - 1, "then"))


def _read_repeat(raw: Raw, way: int) -> Taken:
    """It becomes true after as many passes as the way says."""
    passes = min(way, raw["times"]) if "until" in raw else raw["times"]
    return Taken(1, ("repeat",), passes=passes)


@dataclass(frozen=True)
class Verb:
    """How steps of a verb are written, with `arm` for their arms, and read. Which way is taken
    is a number from 0 to 2, as in `tests.support.journeys.decided`."""

    write: Callable[[Steps], st.SearchStrategy[Raw]]
    read: Callable[[Raw, int], Taken] = _do


VERBS: dict[str, Verb] = {
    "call webhook": Verb(
        _call_webhook, lambda raw, way: Taken(1, ("if it fails",) if way == 2 else ())
    ),
    "choose": Verb(_choose, _read_choose),
    "end": Verb(lambda arm: _with({"end": _WORDS}), lambda raw, way: Taken(0, end=str(raw["end"]))),
    "finish task": Verb(lambda arm: _with({"finish task": _WORDS})),
    "if": Verb(
        lambda arm: _with({"if": _CONDITIONS}, {"then": arm, "otherwise": arm}),
        lambda raw, way: Taken(1, ("then",) if way else ("otherwise",)),
    ),
    "repeat": Verb(_repeat, _read_repeat),
    "send": Verb(_send, _read_send),
    "split": Verb(_split, _read_split),
    "start journey": Verb(lambda arm: _with({"start journey": st.just("upsell")})),
    "stop journey": Verb(lambda arm: _with({"stop journey": st.just("upsell"), "as": _WORDS})),
    "task": Verb(lambda arm: _with({"task": _WORDS, "for": st.just("owner")}, {"due": _DURATIONS})),
    "update": Verb(_update),
    "wait": Verb(_wait, _read_wait),
    "wait for": Verb(
        lambda arm: _with(
            {"wait for": _HAPPENINGS, "at most": _EXACT}, {"then": arm, "otherwise": arm}
        ),
        lambda raw, way: Taken(1, ("otherwise",) if way else ("then",)),
    ),
    "wait for first of": Verb(_wait_for_first_of, _read_wait_for_first_of),
    "wait until": Verb(
        lambda arm: _with({"wait until": _MOMENTS}, {"otherwise": arm}), _read_wait_until
    ),
}


def verbs() -> dict[str, Verb]:
    """One for each step type. A verb without a row here would be tested by nobody."""
    missing = types().keys() - VERBS.keys()
    assert not missing, f"say in tests/support/any_journey.py how these are written: {missing}"
    return VERBS


# --- whole journeys


@cache  # what is drawn from again and again is built and checked once
def _steps(depth: int) -> Steps:
    arm = _steps(depth - 1) if depth else st.just([{"end": "deep enough"}])
    return st.lists(
        st.one_of([verb.write(arm) for verb in verbs().values()]), min_size=1, max_size=4
    )


@st.composite
def any_journey(draw: st.DrawFn) -> str:
    """journey.yaml as text. Many pass the checker; in the others two steps have one name, steps
    are never reached, a message does not exist, arms of one split differ..."""
    steps = draw(_steps(draw(st.integers(0, 2))))
    if draw(st.integers(0, 4)):
        steps = _without_dead(_plain(steps))
        _give_names(steps)
    raw: Raw = {"title": draw(_WORDS), "purpose": "offers", "once per": "person", "steps": steps}
    return yaml.dump(_plain(raw), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _plain(raw: Any) -> Any:
    """A copy whose parts are all its own."""
    if isinstance(raw, dict):
        return {key: _plain(part) for key, part in raw.items()}
    return [_plain(part) for part in raw] if isinstance(raw, list) else raw


def _without_dead(steps: list[Raw]) -> list[Raw]:
    """The steps as far as a run may get."""
    for index, one in enumerate(steps):
        for _, arm in _arms(one):
            arm[:] = _without_dead(arm)
        if _ends(one):
            return steps[: index + 1]
    return steps


def _ends(one: Raw) -> bool:
    arms = [arm for place, arm in _arms(one) if _may_be_taken(one, place)]
    return "end" in one or (len(arms) > 1 and all(any(map(_ends, arm)) for arm in arms))


def _may_be_taken(one: Raw, place: Place) -> bool:
    if place == ("then",):
        return "if" in one or "wait for" in one
    if place == ("otherwise",):
        return not one.keys().isdisjoint({"if", "wait for", "choose", "wait for first of"})
    return len(place) > 1


def _give_names(steps: list[Raw]) -> None:
    """A name of its own for each step and split."""
    tasks = [one["task"] for _, one in _every(steps, ()) if "task" in one]
    for number, (_, one) in enumerate(_every(steps, ())):
        one["name"] = f"step {number}"
        if "split" in one:
            one["split"] = f"coin {number}"
        if "finish task" in one:  # of one that there is
            del one["finish task"]
            one.update({"finish task": tasks[0]} if tasks else {"start journey": "upsell"})


def _every(steps: list[Raw], path: Place) -> Iterator[tuple[Place, Raw]]:
    for index, one in enumerate(steps):
        yield (*path, index), one
        for below, arm in _arms(one):
            yield from _every(arm, (*path, index, *below))


def _arms(one: Raw) -> Iterator[tuple[Place, list[Raw]]]:
    for word in ("then", "otherwise", "if not sent", "if it fails", "repeat"):
        yield (word,), one.get(word, [])
    for word in ("choose", "wait for first of"):
        for index, case in enumerate(one.get(word, ())):
            yield (word, index, "then"), case.get("then", [])
    for name, arm in one.get("arms", {}).items():
        yield ("arms", name, "then"), arm.get("then", [])


# --- the reading


@dataclass
class Reading:
    """What a reader expects of one run: the steps done, by name, and the outcome where the file
    names one."""

    names: Mapping[Place, str]
    ways: Mapping[str, int]
    done: list[str] = field(default_factory=list)
    outcome: str | None = None

    def follow(self, steps: list[Raw], path: Place = ("steps",)) -> bool:
        """Read these steps aloud; False when the run ended in them."""
        for index, raw in enumerate(steps):
            name = self.names[(*path, index)]
            [verb] = [verbs()[word] for word in verbs() if word in raw]
            taken = verb.read(raw, self.ways[name])
            self.done += [name] * taken.times
            if taken.end is not None:
                self.outcome = taken.end
                return False
            arm: Any = raw
            for key in taken.arm:
                arm = arm.get(key, []) if isinstance(arm, dict) else arm[key]
            place = (*path, index, *taken.arm)
            if taken.passes is None and taken.arm and not self.follow(arm, place):
                return False
            for _ in range(taken.passes or 0):
                if not self.follow(arm, place):
                    return False
                self.done.append(name)
        return True
