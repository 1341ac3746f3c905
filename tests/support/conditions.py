"""Conditions for tests: a strategy for any valid one, and for the facts they are asked of."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from functions.segments.condition import READERS, Facts, Segment, condition
from functions.segments.operators import OF_NUMBERS, OF_TEXTS, test
from functions.segments.phrases import BadPhrase
from functions.segments.turning import turning
from functions.tracking.event import Event
from functions.tracking.message import Message
from functions.tracking.permission import Consent, Live, Permission
from functions.tracking.profile import Cart, Company, Profile, Trait

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)

# Few names and values, so that facts often meet them; some that look like the sentences' own words.
TEXTS = ("basic", "a” or “b", "is known", "5", "2027-01-31", "", "C:\\", "ä“ und „ö", "line\nbreak")
FIELD_NAMES = ("plan", "products.sku", "is", "und", "first name", "age", "”")
NAMES = ("Order Completed", "Login", "guide", "onboarding/guide", "” or “", "and")
UNITS = ("minutes", "hours", "days", "weeks", "months", "years", "working days", "day")
DATES = ("2027-01-31", "2027-01-31T10:00:00Z", "2026-12-24T18:30:15+02:00")
PURPOSES = ("offers", "transactional")

_texts = st.sampled_from(TEXTS) | st.text(max_size=4)
_numbers = st.integers(-3000, 3000) | st.floats(-3000, 3000, allow_nan=False).map(
    lambda found: round(found, 3)
)
_values = st.one_of(_texts, _numbers, st.booleans())
_names = st.one_of(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), min_size=1, max_size=3))
_durations = st.builds("{} {}".format, st.integers(1, 300), st.sampled_from(UNITS)).filter(
    lambda said: "year" not in said or int(said.split()[0]) <= 29
)
_lists = st.lists(_values, min_size=1, max_size=3)
_TESTS: dict[str, st.SearchStrategy[Any]] = {
    "not": _values,
    "one of": _lists,
    "none of": _lists,
    "at least": _numbers,
    "at most": _numbers,
    "more than": _numbers,
    "less than": _numbers,
    "contains": _texts | _numbers,
    "starts with": _texts,
    "before": st.sampled_from(DATES),
    "after": st.sampled_from(DATES),
    "in the last": _durations,
    "in the next": _durations,
    "known": st.booleans(),
}


def _possible(raw: dict[str, Any]) -> dict[str, Any]:
    """The same without the tests that the others rule out."""
    kept: dict[str, Any] = {}
    for word, wanted in raw.items():
        try:
            test({**kept, word: wanted})
        except BadPhrase:
            continue
        kept[word] = wanted
    return kept


def _several(*without: str) -> st.SearchStrategy[dict[str, Any]]:
    """Several tests of one field."""
    tests = {word: wanted for word, wanted in _TESTS.items() if word not in without}
    return st.fixed_dictionaries({}, optional=tests).map(_possible).filter(bool)


def _either(*words: str) -> list[st.SearchStrategy[dict[str, Any]]]:
    return [st.fixed_dictionaries({word: _TESTS[word]}) for word in words]


tests = st.one_of(_values, *_either(*_TESTS), _several(*OF_NUMBERS), _several(*OF_TEXTS))
_of_numbers = st.one_of(
    _numbers,
    *_either(*OF_NUMBERS, "known"),
    st.fixed_dictionaries({"one of": st.lists(_numbers, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"at least": st.integers(0, 5), "less than": st.integers(6, 9)}),
)
_of_dates = st.one_of(*_either("before", "after", "in the last", "in the next", "known"))
_of_truth = st.one_of(st.booleans(), st.fixed_dictionaries({"not": st.booleans()}))
_carts = st.fixed_dictionaries(
    {},
    optional={
        "items": _of_numbers,
        "products": _of_numbers,
        "last": _of_dates,
        "closed": _of_truth,
    },
).filter(bool)
_accounts = st.fixed_dictionaries(
    {}, optional={"employees": _of_numbers, "since": _of_dates}
).filter(bool)
fields = st.dictionaries(
    st.one_of(st.sampled_from(FIELD_NAMES), st.text(min_size=1, max_size=3)),
    tests,
    min_size=1,
    max_size=3,
)
_same = st.one_of(
    st.sampled_from(FIELD_NAMES),
    st.dictionaries(
        st.sampled_from(FIELD_NAMES), st.sampled_from(FIELD_NAMES), min_size=1, max_size=2
    ),
)
events = st.fixed_dictionaries({"event": _names}, optional={"where": fields, "same": _same})
_asked = {"where": fields, "same": _same, "times": _of_numbers}
_robots = {"robots": st.just("counted")}
_simple = st.one_of(
    st.fixed_dictionaries({"person": fields}),
    st.fixed_dictionaries({"account": fields | _accounts}),
    st.fixed_dictionaries({"entry": fields}),
    st.fixed_dictionaries({"cart": _carts}),
    st.fixed_dictionaries({"did": _names}, optional={**_asked, "in the last": _durations}),
    st.fixed_dictionaries({"did": _names}, optional={**_asked, "since": st.just("entry")}),
    st.fixed_dictionaries({"sent": _names}),
    st.fixed_dictionaries({"opened": _names}, optional=_robots),
    st.fixed_dictionaries({"clicked": _names}, optional=_robots),
    st.fixed_dictionaries({"bounced": _names}),
    st.fixed_dictionaries({"in segment": st.sampled_from(NAMES)}),
    st.fixed_dictionaries({"in journey": st.sampled_from(NAMES)}),
    st.fixed_dictionaries(
        {"left journey": st.sampled_from(NAMES)}, optional={"as": st.sampled_from(NAMES)}
    ),
    st.fixed_dictionaries({"clicked": _names}, optional={"link": st.sampled_from(("", *NAMES))}),
    st.fixed_dictionaries(
        {"may get": st.sampled_from(["email", "sms"])},
        optional={"purpose": st.sampled_from((*PURPOSES, "”"))},
    ),
)
conditions = st.recursive(
    _simple,
    lambda inner: st.one_of(
        *(
            st.fixed_dictionaries({word: st.lists(inner, min_size=1, max_size=3)})
            for word in ("all of", "any of", "none of")
        )
    ),
    max_leaves=5,
)

# --- the facts

_times = st.integers(-60, 400 * 24).map(lambda hours: NOW - timedelta(hours=hours))
_properties = st.dictionaries(
    st.sampled_from(("plan", "is", "und", "age", "first name")),
    st.one_of(_values, st.sampled_from(DATES), st.lists(_values, max_size=2)),
    max_size=3,
)
_of_a_cart = st.sampled_from(({}, {"cart_id": "c1"}, {"cart_id": "gone"}))


def _happened(name: str, time: datetime, properties: dict[str, Any], number: int) -> Event:
    return Event(
        type="track",
        event=name,
        message_id=f"m{number}",
        time=time,
        received_at=time,
        properties=properties,
    )


_happenings = st.builds(
    lambda name, time, properties, cart, number: _happened(
        name, time, {**properties, **cart}, number
    ),
    st.sampled_from(NAMES),
    _times,
    _properties,
    _of_a_cart,
    st.integers(0, 1_000_000),
)
_maybe = st.none() | _times
_messages = st.builds(
    lambda name, run, state, opened, clicked, bounced, robots, number: Message(
        person="p",
        run_id=run,
        step="send",
        send_id=str(number),
        journey="onboarding",
        message=name,
        channel="email",
        purpose="offers",
        state=state,
        reason="no consent" if state == "not sent" else "",
        opened=opened,
        clicked=clicked,
        bounced=bounced,
        robots=robots,
    ),
    st.sampled_from(NAMES),
    st.sampled_from(("run", "other")),
    st.sampled_from(("sent", "unknown", "failed", "not sent", "held")),
    _maybe,
    st.dictionaries(st.sampled_from(("", *NAMES)), _times, max_size=2),
    _maybe,
    st.lists(st.sampled_from(("opened", "clicked")), unique=True),
    st.integers(0, 1_000_000),
)
_consents = st.dictionaries(
    st.sampled_from(("email/offers", "sms/offers", "email/*")),
    st.builds(Consent, st.booleans(), _times),
)
_permissions = st.builds(
    lambda consents, addresses, suppressed, erased, live: Permission(
        person="p",
        consents=consents,
        addresses=addresses,
        suppressed=suppressed,
        erased=erased,
        live=live,
    ),
    _consents,
    st.dictionaries(st.sampled_from(("email", "sms")), st.just("h")),
    st.dictionaries(st.sampled_from(("email", "sms")), st.just("hard bounce")),
    st.sampled_from((False, False, False, True)),
    st.dictionaries(
        st.sampled_from(("run", "other")),
        st.builds(
            Live,
            st.sampled_from(NAMES),
            st.just("p"),
            _times,
            leaving=st.sampled_from(("", "bought", "merged")),
        ),
    ),
)
_SEGMENTS = [
    {"person": {"plan": "basic"}},
    {"person": {"plan": {"known": True}, "age": {"at least": 18}}},
    {"none of": [{"sent": "onboarding/guide"}]},
    {"any of": [{"in segment": "and"}, {"did": "Login"}]},
]
_segments = st.dictionaries(
    st.sampled_from(("guide", "Login", "” or “")), st.sampled_from(_SEGMENTS), max_size=2
).map(
    lambda found: {
        name: Segment(name, who, condition(who), turning(who))
        for name, who in {**found, "and": _SEGMENTS[0]}.items()
    }
)


def _facts(
    traits: dict[str, Any],
    permission: Permission,
    entry: Event,
    events: list[Event],
    messages: list[Message],
    items: dict[str, float],
    segments: dict[str, Segment],
    left: dict[str, list[str]],
    company: Company | None,
) -> Facts:
    kept = {name: Trait(value, NOW, "m") for name, value in traits.items()}

    def happened(wanted: Iterable[str], since: datetime | None) -> list[Event]:
        known = set(wanted)
        return [one for one in events if one.name in known and (since is None or one.time >= since)]

    return Facts(
        profile=Profile(
            person="p",
            traits=kept,
            created=NOW,
            carts={"c1": Cart(NOW, items)},
            groups={"g": NOW} if company else {},
            companies={"g": company} if company else {},
        ),
        permission=permission,
        now=NOW,
        journey="onboarding",
        run_id="run",
        entry=entry,
        entered=entry.time,
        purpose="offers",
        needs_consent={"offers": True, "transactional": False},
        messages=lambda: messages,
        events=happened,
        segments=segments,
        runs=lambda journey: left.get(journey, []),
    )


facts = st.builds(
    _facts,
    _properties,
    _permissions,
    _happenings,
    st.lists(_happenings, max_size=4),
    st.lists(_messages, max_size=3),
    st.dictionaries(st.sampled_from(("a", "b")), st.integers(-2, 5), max_size=2),
    _segments,
    st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from((*NAMES, "merged")))),
    st.none() | st.builds(Company, joined=_times, edition=st.just(1), traits=_properties),
)

# --- what a condition means, written in one way

_BESIDE = ("where", "same", "in the last", "since", "times", "link", "purpose", "robots", "as")
_OF_NAMES = ("did", "event", "sent", "opened", "clicked", "bounced")


def meaning(raw: dict[str, Any]) -> str:
    """Equal for conditions that are written differently and mean the same."""
    return json.dumps(_meant(raw), ensure_ascii=False)


def _meant(raw: dict[str, Any]) -> Any:
    first = next(word for word in (*READERS, "event") if word in raw)
    about = raw[first]
    if first in ("all of", "any of") and len(about) == 1:
        return _meant(about[0])
    if first in ("all of", "any of", "none of"):
        return [first, [_meant(part) for part in about]]
    if first in _OF_NAMES and isinstance(about, str):
        about = [about]
    beside = [[word, _plain(word, raw[word])] for word in _BESIDE if raw.get(word, "") != ""]
    return [first, _plain("", about), beside]


def _plain(word: str, value: Any) -> Any:
    if word == "same" and isinstance(value, str):
        value = {value: value}
    if word in ("in the last", "in the next"):
        return value.removesuffix("s")
    if isinstance(value, dict):  # as pairs: fields and tests are said in their order
        return [[word, _plain(word, inner)] for word, inner in value.items()]
    if isinstance(value, list):
        return [_plain("", item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
