"""What may come in, what is refused, and which time an event has."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.channels import email
from functions.sales import deals, notes, work
from functions.tracking import client_time, collect, company
from functions.tracking.collect import BadRequest, Collected
from functions.tracking.event import SCORE_ADDED, Event
from functions.tracking.own_event import OURS
from functions.tracking.source import Source

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHOP = Source(key_hash="k", name="shop", trusted=True)
TRACK = {"type": "track", "userId": "u1", "event": "Order Completed", "messageId": "m1"}


def read(body: Any, kind: str = "batch", **more: str) -> Collected:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return collect.read(raw, kind, SHOP, NOW, **more)


def batch(*events: Any, **envelope: Any) -> Collected:
    return read({"batch": list(events), **envelope})


def one(event: dict[str, Any], kind: str = "track", **more: str) -> Event:
    found = read(event, kind, **more)
    assert not found.errors
    return found.events[0]


def refusal(event: dict[str, Any], kind: str = "track") -> tuple[str, str]:
    found = read(event, kind)
    assert not found.events
    return found.errors[0].code, found.errors[0].message


def refused(body: bytes, kind: str = "batch") -> tuple[str, int]:
    with pytest.raises(BadRequest) as caught:
        read(body, kind)
    assert caught.value.message
    return caught.value.code, caught.value.status


# What arrives


def test_a_track_call_becomes_an_event_with_everything_it_said() -> None:
    event = one(
        TRACK
        | {
            "anonymousId": "a1",
            "properties": {"order_id": "o1", "total": 12.5},
            "context": {"locale": "de-DE"},
            "timestamp": "2026-03-01T11:59:00.000Z",
            "sentAt": "2026-03-01T12:00:00.000Z",
            "integrations": {"All": True},
        }
    )
    assert event == Event(
        type="track",
        message_id="m1",
        time=NOW - timedelta(minutes=1),
        received_at=NOW,
        client_time="2026-03-01T11:59:00.000Z",
        event="Order Completed",
        user_id="u1",
        anonymous_id="a1",
        properties={"order_id": "o1", "total": 12.5},
        context={"locale": "de-DE"},
        source="shop",
        trusted=True,
    )


def test_each_kind_of_call_keeps_what_belongs_to_it() -> None:
    found = batch(
        {"type": "identify", "userId": "u", "traits": {"email": "a@b.de"}},
        {"type": "group", "userId": "u", "groupId": 7, "traits": {"name": "Acme"}},
        {"type": "alias", "userId": "u", "previousId": "old"},
        {"type": "page", "anonymousId": "a", "name": "Home", "category": "Shop"},
        {"type": "screen", "anonymousId": "a", "properties": {"name": "Start"}, "name": "Other"},
    )
    identify, group, alias, page, screen = found.events
    assert identify.traits == {"email": "a@b.de"}
    assert (group.group_id, group.traits) == ("7", {"name": "Acme"})
    assert (alias.previous_id, alias.user_id) == ("old", "u")
    assert page.properties == {"name": "Home", "category": "Shop"}
    assert screen.properties == {"name": "Start"}
    assert page.event == "", "only a track call names an event"


def test_an_alias_without_previous_id_means_the_anonymous_visitor() -> None:
    assert one({"userId": "u", "anonymousId": "a"}, "alias").previous_id == "a"


def test_the_path_decides_the_kind_of_a_single_call() -> None:
    assert one({"userId": "u", "type": "page"}, "identify").type == "identify"


@pytest.mark.parametrize(("sent", "kept"), [(42, "42"), (42.0, "42"), (1.5, "1.5"), ("ä", "ä")])
def test_an_id_that_is_a_number_is_kept_as_text(sent: Any, kept: str) -> None:
    assert one(TRACK | {"userId": sent}).user_id == kept


def test_a_batch_s_context_reaches_every_event_and_the_event_s_own_wins() -> None:
    events = batch(
        TRACK | {"context": {"locale": "de"}}, TRACK, context={"locale": "en", "ip": "::1"}
    ).events
    assert events[0].context == {"locale": "de", "ip": "::1"}
    assert events[1].context == {"locale": "en", "ip": "::1"}


def test_php_s_empty_list_is_an_empty_object() -> None:
    event = one(TRACK | {"properties": [], "context": [], "traits": None})
    assert (event.properties, event.context) == ({}, {})


def test_a_browser_s_event_gets_the_caller_s_address_and_a_server_s_does_not() -> None:
    caller = {"client_ip": "192.0.2.7", "user_agent": "Firefox"}
    filled = {"ip": "192.0.2.7", "userAgent": "Firefox"}
    browser = {"library": {"name": "analytics.js", "version": "npm:next-1.84"}}
    assert one(TRACK | {"context": browser}, **caller).context == browser | filled
    assert one(TRACK | {"context": {"direct": True}}, **caller).context == {"direct": True} | filled
    assert one(
        TRACK | {"context": {"library": {"name": "analytics-python"}}}, **caller
    ).context == {"library": {"name": "analytics-python"}}
    named = {"direct": True, "ip": "0.0.0.0", "userAgent": "mine"}
    assert one(TRACK | {"context": named}, **caller).context == named


def test_a_missing_message_id_is_the_same_for_the_same_bytes_and_another_for_others() -> None:
    event = {"userId": "u", "event": "Ping"}
    first, again = one(event).message_id, one(event).message_id
    assert first == again
    assert 0 < len(first) < 100
    assert one(event | {"n": 1}).message_id != first
    assert read(event, "page").events[0].message_id != first


# What is refused


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"userId": None}, "no_user_anon_id"),
        ({"userId": ""}, "no_user_anon_id"),
        ({"userId": "  "}, "no_user_anon_id"),
        ({"userId": True}, "bad_field"),
        ({"userId": {"id": 1}}, "bad_field"),
        ({"userId": "x" * 256}, "bad_field"),
        ({"userId": "a\u0000b"}, "bad_field"),
        ({"event": None}, "missing_event"),
        ({"event": "x" * 201}, "bad_field"),
        ({"event": "Order\nCompleted"}, "bad_field"),
        ({"messageId": "x" * 100}, "bad_field"),
        ({"properties": "none"}, "bad_field"),
        ({"properties": [1]}, "bad_field"),
        ({"properties": {"x" * 201: 1}}, "bad_field"),
        ({"properties": {"a\u0007": 1}}, "bad_field"),
        ({"properties": {"n": 2**64}}, "bad_number"),
        ({"properties": {"n": {"deep": [-(2**63) - 1]}}}, "bad_number"),
        ({"context": 1}, "bad_field"),
        ({"timestamp": "yesterday"}, "bad_timestamp"),
        ({"timestamp": 10**30}, "bad_timestamp"),
        ({"timestamp": True}, "bad_field"),
        ({"properties": {"text": "x" * 33_000}}, "too_large"),
    ],
)
def test_a_bad_event_is_refused_with_a_code(change: dict[str, Any], code: str) -> None:
    assert refusal(TRACK | change)[0] == code


@pytest.mark.parametrize(
    ("kind", "event", "code"),
    [
        ("group", {"userId": "u"}, "missing_group_id"),
        ("alias", {"userId": "u"}, "missing_previous_id"),
        ("alias", {"anonymousId": "a", "previousId": "b"}, "missing_user_id"),
        ("batch", {"batch": [{"userId": "u"}]}, "missing_type"),
        ("batch", {"batch": [{"userId": "u", "type": "Track"}]}, "unknown_type"),
        ("batch", {"batch": ["track"]}, "bad_field"),
    ],
)
def test_what_a_call_lacks_is_named(kind: str, event: dict[str, Any], code: str) -> None:
    assert refusal(event, kind)[0] == code


def test_one_bad_event_is_reported_and_the_rest_are_taken() -> None:
    found = batch(TRACK | {"messageId": "a"}, {"type": "track", "messageId": "b"}, TRACK)
    assert [event.message_id for event in found.events] == ["a", "m1"]
    assert [(error.index, error.code, error.message_id) for error in found.errors] == [
        (1, "no_user_anon_id", "b")
    ]


def test_an_error_names_the_field() -> None:
    assert "$.userId" in refusal(TRACK | {"userId": []})[1]
    assert "originalTimestamp" in refusal(TRACK | {"originalTimestamp": "?"})[1]
    assert "properties" in refusal(TRACK | {"properties": [1]})[1]


def test_an_event_of_exactly_32_kb_is_taken_and_one_byte_more_is_not() -> None:
    empty = len(json.dumps(TRACK | {"properties": {"t": ""}}))
    full = TRACK | {"properties": {"t": "x" * (collect.MAX_EVENT - empty)}}
    assert batch(full).events
    more = TRACK | {"properties": {"t": "x" * (collect.MAX_EVENT - empty + 1)}}
    assert batch(more, TRACK).errors[0].code == "too_large"


def nested(levels: int, opening: str = "[", closing: str = "]") -> bytes:
    inner = opening * levels + "1" + closing * levels
    return f'{{"userId": "u", "event": "e", "properties": {{"x": {inner}}}}}'.encode()


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_values_nest_32_levels_and_no_deeper(opening: str, closing: str) -> None:
    assert read(nested(30, opening, closing), "track").events
    assert read(nested(31, opening, closing), "track").errors[0].code == "too_deep"
    assert read(nested(900), "track").errors[0].code == "too_deep"


def test_a_wide_event_is_not_deep() -> None:
    products = [{"sku": f"{number}", "tags": ["a"]} for number in range(200)]
    assert len(one(TRACK | {"properties": {"products": products}}).properties["products"]) == 200


def test_a_bottomless_body_is_refused_as_a_whole() -> None:
    assert refused(nested(100_000), "track") == ("too_deep", 400)
    assert refused(b'{"batch": [' + b"[" * 100_000, "batch") == ("too_deep", 400)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b'{"batch": [{]}', "invalid_json"),
        (b"[]", "bad_request"),
        (b"{}", "missing_batch"),
        (b'{"batch": null}', "missing_batch"),
        (b'{"batch": {}}', "bad_request"),
        (b'{"batch": [], "context": 3}', "bad_request"),
    ],
)
def test_a_body_that_is_no_batch_is_refused_as_a_whole(body: bytes, code: str) -> None:
    assert refused(body) == (code, 400)


def test_too_large_a_body_and_too_long_a_list_are_refused_as_a_whole() -> None:
    assert refused(b" " * (collect.MAX_BODY + 1)) == ("too_large", 413)
    assert refused(b'{"batch": [' + b"1," * 2500 + b"1]}") == ("too_large", 413)
    assert len(read(b'{"batch": [' + b"1," * 2499 + b"1]}").errors) == 2500


def test_a_batch_s_context_cannot_be_blown_up_by_a_long_list() -> None:
    events = ",".join(["1"] * 2500)
    body = f'{{"batch": [{events}], "context": {{"x": "{"y" * 1000}"}}}}'
    assert refused(body.encode()) == ("too_large", 413)


def test_numbers_that_are_none_spoil_only_their_own_event() -> None:
    for number in (float("nan"), float("inf"), float("-inf")):
        spoilt = TRACK | {"properties": {"total": number, "text": 'NaN "Infinity" \\'}}
        found = batch(TRACK, spoilt, TRACK | {"event": "NaN"})
        assert [event.event for event in found.events] == ["Order Completed", "NaN"]
        assert [(error.index, error.code) for error in found.errors] == [(1, "bad_number")]
    found = read(b'{"batch": [{"userId": "u", "type": "page", "properties": {"n": 1e400}}]}')
    assert found.errors[0].code == "bad_number"


def test_half_an_emoji_becomes_a_replacement_character() -> None:
    body = rb'{"userId": "u", "event": "e", "properties": {"t": "a\ud83d", "u": "\ud83d\ude00"}}'
    assert read(body, "track").events[0].properties == {"t": "a�", "u": "😀"}
    kept = rb'{"batch": [{"userId": "u", "type": "page", "name": "\\ud83d \udE00"}]}'
    assert read(kept).events[0].properties == {"name": "\\ud83d �"}


def test_text_that_is_not_utf_8_spoils_only_its_own_event() -> None:
    good = json.dumps(TRACK).encode()
    found = read(b'{"batch": [' + good.replace(b"Order", b"\xfc") + b"," + good + b"]}")
    assert [error.code for error in found.errors] == ["invalid_json"]
    assert len(found.events) == 1


def test_mending_a_broken_body_takes_no_longer_than_its_length_asks_for() -> None:
    assert refused(b'{"a": NaN, "' + b'\\"' * 250_000) == ("invalid_json", 400)
    assert refused(b'{"a": NaN, ' + b'"\\"' * 160_000) == ("invalid_json", 400)


# Time


@pytest.mark.parametrize(
    ("sent", "utc"),
    [
        ("2026-02-28T10:00:00Z", "2026-02-28T10:00:00+00:00"),
        ("2026-02-28T10:00:00.123Z", "2026-02-28T10:00:00.123000+00:00"),
        ("2026-02-28T10:00:00.123456+02:00", "2026-02-28T08:00:00.123456+00:00"),
        ("2026-02-28T10:00:00.123456789Z", "2026-02-28T10:00:00.123456+00:00"),
        ("2026-02-28T10:00:00-0730", "2026-02-28T17:30:00+00:00"),
        ("2026-02-28T10:00:00", "2026-02-28T10:00:00+00:00"),
        ("2026-02-28 10:00:00", "2026-02-28T10:00:00+00:00"),
        ("2026-02-28t10:00:00z", "2026-02-28T10:00:00+00:00"),
        (" 2026-02-28T10:00:00Z ", "2026-02-28T10:00:00+00:00"),
        ("2026-02-28", "2026-02-28T00:00:00+00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59+00:00"),
        ("1890-05-01T00:00:00Z", "1970-01-01T00:00:00+00:00"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123000+00:00"),
        (1_700_000_000_123.5, "2023-11-14T22:13:20.123500+00:00"),
        (1_700_000_000, "2023-11-14T22:13:20+00:00"),
    ],
)
def test_every_spelling_of_a_time_that_clients_use_is_read(sent: Any, utc: str) -> None:
    event = one(TRACK | {"timestamp": sent})
    assert event.time == datetime.fromisoformat(utc)
    assert event.time.tzinfo is UTC
    assert event.client_time == str(sent), "exactly as sent"


NO_TIMES = [
    "",
    "now",
    "2026-02-30",
    "2026-01-01#10:00",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+10:00",
    "2026-01-01T10:00:61Z",
    f"2026-01-01T10:00:00.{1:0<60}",
]


@pytest.mark.parametrize("sent", NO_TIMES)
def test_a_time_that_is_none_is_refused_as_timestamp_and_ignored_as_sent_at(sent: str) -> None:
    if sent:
        assert refusal(TRACK | {"timestamp": sent})[0] == "bad_timestamp"
    early = "2026-01-01T00:00:00Z"
    assert one(TRACK | {"timestamp": early, "sentAt": sent}).time.isoformat()[:10] == early[:10]


def test_a_missing_timestamp_is_the_moment_of_receipt() -> None:
    for sent in ({}, {"timestamp": None}, {"timestamp": ""}):
        event = one(TRACK | sent | {"sentAt": "2020-01-01T00:00:00Z"})
        assert (event.time, event.client_time) == (NOW, "")


def test_original_timestamp_comes_before_a_timestamp_that_somebody_corrected() -> None:
    times = {"originalTimestamp": "2026-01-02T00:00:00Z", "timestamp": "2026-01-03T00:00:00Z"}
    assert one(TRACK | times).client_time == times["originalTimestamp"]


def test_the_batch_s_sent_at_counts_and_an_event_s_own_only_without_it() -> None:
    event = TRACK | {"timestamp": "2026-03-01T10:00:00Z", "sentAt": "2026-03-01T10:30:00Z"}
    assert batch(event).events[0].time == NOW - timedelta(minutes=30)
    assert batch(event, sentAt="2026-03-01T10:05:00Z").events[0].time == NOW - timedelta(minutes=5)


def test_an_old_event_that_is_imported_keeps_its_age() -> None:
    old = TRACK | {"timestamp": "2014-06-01T08:00:00+02:00", "sentAt": NOW.isoformat()}
    assert one(old).time == datetime(2014, 6, 1, 6, 0, tzinfo=UTC)


MOMENTS = st.datetimes(timezones=st.timezones())
SKEWS = st.timedeltas(min_value=timedelta(days=-3650), max_value=timedelta(days=3650))
AGES = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3650))


@given(skew=SKEWS, age=AGES)
def test_a_client_s_wrong_clock_does_not_matter(skew: timedelta, age: timedelta) -> None:
    sent = NOW + skew
    times = {"timestamp": (sent - age).isoformat(), "sentAt": sent.isoformat()}
    assert one(TRACK | times).time == NOW - age


@given(skew=SKEWS, ahead=AGES)
def test_no_event_is_in_the_future(skew: timedelta, ahead: timedelta) -> None:
    sent = NOW + skew
    times = {"timestamp": (sent + ahead).isoformat(), "sentAt": sent.isoformat()}
    assert one(TRACK | times).time == NOW


@given(timestamp=MOMENTS, sent_at=st.one_of(st.none(), MOMENTS))
def test_any_two_times_give_one_between_1970_and_now(
    timestamp: datetime, sent_at: datetime | None
) -> None:
    text = timestamp.isoformat()
    sent = sent_at.isoformat() if sent_at else None
    found = read(TRACK | {"timestamp": text, "sentAt": sent}, "track")
    for event in found.events:
        assert client_time.EPOCH <= event.time <= NOW
        assert event.client_time == text
    assert {error.code for error in found.errors} <= {"bad_timestamp"}


@given(first=SKEWS, second=SKEWS, age=AGES)
def test_a_retry_has_the_same_client_time_and_id(
    first: timedelta, second: timedelta, age: timedelta
) -> None:
    event = TRACK | {"timestamp": (NOW - age).isoformat()}
    tries = [one(event | {"sentAt": (NOW + late).isoformat()}) for late in (first, second)]
    assert tries[0].client_time == tries[1].client_time
    assert tries[0].message_id == tries[1].message_id


# Anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
FIELDS = ["type", "userId", "anonymousId", "event", "timestamp", "sentAt", "messageId", "name"]
FIELDS += ["groupId", "previousId", "properties", "traits", "context", "originalTimestamp"]
EVENTS = st.dictionaries(st.sampled_from(FIELDS), JSON).map(lambda more: TRACK | more)


@given(events=st.lists(st.one_of(EVENTS, JSON), max_size=5), context=JSON)
def test_every_event_is_either_taken_or_refused_and_what_is_taken_can_be_kept(
    events: list[Any], context: Any
) -> None:
    body = json.dumps({"batch": events, "context": context}).encode()
    try:
        found = read(body)
    except BadRequest:
        return
    assert len(found.events) + len(found.errors) == len(events)
    for event in found.events:
        packed = msgspec.msgpack.encode(event)
        assert msgspec.msgpack.decode(packed, type=Event) == event
        assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event


@given(body=st.binary(max_size=200), kind=st.sampled_from(["batch", "track", "alias"]))
def test_any_bytes_are_read_or_refused(body: bytes, kind: str) -> None:
    for whole in (body, b'{"batch": [' + body + b"]}", b'{"userId": "u", "x": ' + body + b"}"):
        with suppress(BadRequest):
            read(whole, kind)


# --- events of our own


WEBSITE = Source(key_hash="w", name="website")


def test_a_website_tells_no_event_of_ours_and_the_rest_of_its_batch_is_taken() -> None:
    names = ["Lead Accepted", "Product Viewed", "Segment Entered", "Unsubscribed"]
    events = [{**TRACK, "event": name, "messageId": name} for name in names]
    raw = json.dumps({"batch": events}).encode()
    found = collect.read(raw, "batch", WEBSITE, NOW)
    assert [event.event for event in found.events] == ["Product Viewed", "Unsubscribed"]
    assert [(error.index, error.code) for error in found.errors] == [
        (0, "own_event"),
        (2, "own_event"),
    ]
    assert 'the source "website" is not trusted' in found.errors[0].message
    assert len(collect.read(raw, "batch", SHOP, NOW).events) == 4


def test_every_name_under_which_we_tell_something_is_known_as_ours() -> None:
    sales = {work.CREATED, work.COMPLETED, work.REOPENED, work.REASSIGNED, work.HANDED_OVER}
    sales |= {*work.LEAD_EVENTS.values(), *notes.NAMES.values(), notes.ATTEMPTED}
    sales |= {deals.CREATED, deals.MOVED, deals.OFFER_SENT, deals.OFFER_SIGNED}
    sales |= {*deals.CLOSING.values()}
    found_out = {company.JOINED, company.CHANGED, company.LEFT, SCORE_ADDED}
    sent = {*email.NAMES.values(), *(f"SMS {what}" for what in ("Sent", "Delivered", "Bounced"))}
    assert (sales | found_out | sent) - OURS == set()
