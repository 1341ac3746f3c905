"""From the body of a request to accepted events, and a clear word on each one refused.

What a body may hold, and what becomes of it, is Segment's HTTP Tracking API
(https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ and
https://segment.com/docs/connections/spec/common/); where the specification is silent, what the
stock clients send decides.
"""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

import msgspec

from functions.tracking.client_time import corrected, correction, moment_of
from functions.tracking.event import Event, EventType
from functions.tracking.own_event import OURS
from functions.tracking.refusing import as_needed, refuses
from functions.tracking.source import Source

MAX_BODY = 500 * 1024  # bytes of a request; the clients cut their batches at 464 to 480 KB
MAX_EVENT = 32 * 1024  # bytes of one event's JSON, as the clients measure it before they send
MAX_EVENTS = 2500
MAX_DEPTH = 32
MAX_NAME = 200  # characters of an event's, a property's or a trait's name
MAX_ID = 255
MAX_MESSAGE_ID = 99
_TOO_DEEP = ("too_deep", f"Values may nest {MAX_DEPTH} levels deep.")
_UNTRUSTED = 'The source "{}" is not trusted to speak for consent; import it with a trusted key.'
_OURS = (
    '"{}" is an event that Tante itself tells, and the source "{}" is not trusted to; send it from '
    "a server with a trusted key (tante keys add NAME --trusted), or give it another name."
)
_NO_CORRECTION = timedelta(0)
_NOTHING: dict[str, Any] = {}  # shared, so never changed
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_KINDS = frozenset(EventType.__args__)  # type: ignore[attr-defined]


class BadRequest(Exception):
    """The request as a whole cannot be read; `status` is the HTTP status that says so."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class EventError(msgspec.Struct, rename="camel"):
    """Why the event at `index` of the request (0 for a single call) was refused."""

    index: int
    code: str
    message: str
    message_id: str = ""


class Collected(NamedTuple):
    """What became of a request's events; each is in exactly one of the two lists."""

    events: list[Event]
    errors: list[EventError]


class Request(NamedTuple):
    """A body of which only the outermost level was read: enough to learn whose it is."""

    kind: str
    write_key: str
    items: list[bytes]
    sent_at: Any = None
    context: dict[str, Any] = _NOTHING


class _Refused(Exception):
    """This event cannot be taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class _Call(msgspec.Struct, rename="camel"):
    write_key: Any = None
    sent_at: Any = None


class _Batch(_Call, rename="camel"):
    batch: list[msgspec.Raw] | None = None
    context: msgspec.Raw = msgspec.Raw(b"null")


_Text = str | int | float | None
_Object = dict[str, Any] | list[Any] | None  # PHP writes an empty object as []


class _Item(msgspec.Struct, rename="camel", gc=False):
    type: str | None = None
    message_id: _Text = None
    user_id: _Text = None
    anonymous_id: _Text = None
    previous_id: _Text = None
    group_id: _Text = None
    event: _Text = None
    name: _Text = None
    category: _Text = None
    timestamp: _Text = None
    original_timestamp: _Text = None
    sent_at: Any = None
    properties: _Object = None
    traits: _Object = None
    context: _Object = None


class _Label(msgspec.Struct, rename="camel"):
    message_id: Any = None


_CALL = msgspec.json.Decoder(_Call)
_BATCH = msgspec.json.Decoder(_Batch)
_ITEM = msgspec.json.Decoder(_Item)
_LABEL = msgspec.json.Decoder(_Label)
_CONTEXT = msgspec.json.Decoder(dict[str, Any] | None)
_PACK = msgspec.msgpack.Encoder()


def read(
    body: bytes,
    kind: str,
    source: Source,
    received_at: datetime,
    client_ip: str = "",
    user_agent: str = "",
) -> Collected:
    """The events of a body posted to /v1/<kind>: `parse` and `accept` in one."""
    return accept(parse(body, kind), source, received_at, client_ip, user_agent)


def parse(body: bytes, kind: str) -> Request:
    """The outermost level of a body of kind identify, track, page, screen, group, alias or batch.

    Raises BadRequest when it is not JSON or larger than a request may be.
    """
    if len(body) > MAX_BODY:
        raise BadRequest("too_large", f"A request may have {MAX_BODY // 1024} KB.", 413)
    if kind == "batch":
        return _parse_batch(body)
    call, body = _outermost(_CALL, body)
    return Request(kind, _string(call.write_key), [body], call.sent_at)


def accept(
    request: Request,
    source: Source,
    received_at: datetime,
    client_ip: str = "",
    user_agent: str = "",
) -> Collected:
    """The request's events as `source` may send them, received at `received_at` (UTC).

    One bad event is reported and the rest are taken; of a visitor who refuses to be tracked only
    what is needed. `client_ip` and `user_agent` are the caller's, for events that come from a
    browser and do not name their own.
    """
    reader = _Reader(request, source, received_at, client_ip, user_agent)
    found = Collected([], [])
    for index, raw in enumerate(request.items):
        try:
            event: Event | None = reader.event(raw)
            if event and not source.takes(event):
                raise _Refused("event_not_allowed", "This write key may not send such events.")
            if event and refuses(event.context):
                event = as_needed(event)
            if event:
                found.events.append(event)
        except _Refused as refusal:
            error = EventError(index, refusal.code, refusal.message, _label(raw))
            found.errors.append(error)
    return found


def _parse_batch(body: bytes) -> Request:
    envelope, _ = _outermost(_BATCH, body)
    if envelope.batch is None:
        raise BadRequest("missing_batch", "batch must be a list of events.")
    if len(envelope.batch) > MAX_EVENTS:
        raise BadRequest("too_large", f"A batch may have {MAX_EVENTS} events.", 413)
    context = bytes(envelope.context)
    # Merged into every event, so a small body could otherwise become gigabytes of events.
    if len(context) * len(envelope.batch) > MAX_BODY:
        raise BadRequest("too_large", "The batch's context is too large for so many events.", 413)
    return Request(
        "batch",
        _string(envelope.write_key),
        [bytes(raw) for raw in envelope.batch],
        envelope.sent_at,
        _outermost(_CONTEXT, context)[0] or _NOTHING,
    )


def _outermost(decoder: msgspec.json.Decoder[Any], body: bytes) -> tuple[Any, bytes]:
    """The decoded outermost level and the body it was read from, mended if it had to be."""
    try:
        return _decode_outermost(decoder, body), body
    except BadRequest as refusal:
        mended = _mend(body) if refusal.code == "invalid_json" else body
        if mended == body:
            raise
        return _decode_outermost(decoder, mended), mended


def _decode_outermost(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except RecursionError:
        raise BadRequest(*_TOO_DEEP) from None
    except msgspec.ValidationError as error:
        raise BadRequest("bad_request", f"{error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest("invalid_json", f"The body is not JSON: {error}.") from None


# A text's closing quote is optional so that no start is tried twice: linear in a broken body too.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|-?\b(?:NaN|Infinity)\b', re.DOTALL)
_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


def _mend(body: bytes) -> bytes:
    """The body without the two things that JSON forbids and stock clients send all the same.

    JavaScript cuts an emoji in half: the half becomes U+FFFD. Python writes NaN: it becomes a
    number that is out of range, so that only the event which has it is refused, not its batch.
    """

    def whole(half: re.Match[bytes]) -> bytes:
        return b"\\ufffd" if half[1] else half[0]

    def fine(token: re.Match[bytes]) -> bytes:
        text = token[0]
        if text[:1] != b'"':
            return b"1e999"
        return _SURROGATE.sub(whole, text) if b"\\u" in text else text

    return _TOKEN.sub(fine, body)


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _label(raw: bytes) -> str:
    """The messageId of an event that was refused, if it can be told at all."""
    try:
        return _string(_LABEL.decode(raw).message_id)[:MAX_MESSAGE_ID]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


class _Reader:
    """Reads one request's events: what they share is worked out once."""

    def __init__(
        self,
        request: Request,
        source: Source,
        received_at: datetime,
        client_ip: str,
        user_agent: str,
    ) -> None:
        self.kind = "" if request.kind == "batch" else request.kind
        self.context = request.context
        self.correction = correction(request.sent_at, received_at)
        self.source = source.name
        self.trusted = source.trusted
        self.received_at = received_at
        self.client = {"ip": client_ip, "userAgent": user_agent}

    def event(self, raw: bytes) -> Event:
        item = _decode(raw)
        kind = self.kind or _kind(item.type)
        user_id = _id(item.user_id, "userId")
        anonymous_id = _id(item.anonymous_id, "anonymousId")
        if not (user_id or anonymous_id):
            raise _Refused("no_user_anon_id", "An event needs a userId or an anonymousId.")
        properties: dict[str, Any] = {}
        traits: dict[str, Any] = {}
        event = group_id = previous_id = ""
        if kind == "track":
            event = _required(_text(item.event, "event", MAX_NAME), "event")
            if event in OURS and not self.trusted:
                raise _Refused("own_event", _OURS.format(event, self.source))
            properties = _named(item.properties, "properties")
        elif kind in ("page", "screen"):
            properties = _page(item)
        else:
            traits = {} if kind == "alias" else _named(item.traits, "traits")
            group_id, previous_id = _references(kind, item, user_id, anonymous_id)
        context = self._context(item)
        if event == "Consent Given" and "import" in context and not self.trusted:
            # A website's mistake is set aside for somebody to look at; who imports is told at once.
            raise _Refused("untrusted_consent", _UNTRUSTED.format(self.source))
        _check_numbers(properties, traits, context)
        time, client_time = self._time(item)
        return Event(
            type=cast(EventType, kind),
            message_id=self._message_id(item.message_id, client_time, kind, raw),
            time=time,
            received_at=self.received_at,
            client_time=client_time,
            event=event,
            user_id=user_id,
            anonymous_id=anonymous_id,
            previous_id=previous_id,
            group_id=group_id,
            properties=properties,
            traits=traits,
            context=context,
            source=self.source,
            trusted=self.trusted,
        )

    def _message_id(self, value: _Text, client_time: str, kind: str, raw: bytes) -> str:
        """The client's own id. Without one the same bytes get the same id, so a retry is known;
        without a time either, two equal calls are two events, as they are for Segment."""
        given = _text(value, "messageId", MAX_MESSAGE_ID)
        if given:
            return given
        when = client_time or self.received_at.isoformat()
        return hashlib.blake2b(f"{kind} {when}".encode() + raw, digest_size=16).hexdigest()

    def _context(self, item: _Item) -> dict[str, Any]:
        """The event's own context over the batch's; the caller's address where one is asked for."""
        own = _object(item.context, "context")
        context = {**self.context, **own} if self.context else own
        if _from_browser(context):
            for name, value in self.client.items():
                if value and not context.get(name):
                    context[name] = value
        return context

    def _time(self, item: _Item) -> tuple[datetime, str]:
        """The event's time by our clock, and the client's own words for it."""
        name, value = "originalTimestamp", item.original_timestamp
        if value is None:
            name, value = "timestamp", item.timestamp
        if value is None or value == "":
            return self.received_at, ""
        try:
            moment = moment_of(value)
        except (ValueError, OverflowError):
            raise _Refused("bad_timestamp", f"{name} must be a time in ISO 8601.") from None
        late = self.correction
        if late is None:
            late = correction(item.sent_at, self.received_at) or _NO_CORRECTION
        return corrected(moment, late, self.received_at), str(value)


def _decode(raw: bytes) -> _Item:
    if len(raw) > MAX_EVENT:
        raise _Refused("too_large", f"An event may have {MAX_EVENT // 1024} KB.")
    try:
        item = _ITEM.decode(raw)
    except RecursionError:
        raise _Refused(*_TOO_DEEP) from None
    except msgspec.ValidationError as error:
        code = "bad_number" if "out of range" in str(error) else "bad_field"
        raise _Refused(code, f"{error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Refused("invalid_json", f"The event is not JSON: {error}.") from None
    # Few brackets cannot nest deep, and counting them costs a tenth of walking the values.
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        _check_depth([item.properties or {}, item.traits or {}, item.context or {}])
    return item


def _check_depth(level: list[Any]) -> None:
    """Refuse values that nest deeper than MAX_DEPTH, the event itself being the first level."""
    for _ in range(MAX_DEPTH - 1):
        level = [
            value
            for outer in level
            for value in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(value, (dict, list))
        ]
        if not level:
            return
    raise _Refused(*_TOO_DEEP)


def _kind(kind: str | None) -> str:
    if kind is None:
        raise _Refused("missing_type", "An event of a batch needs its type.")
    if kind not in _KINDS:
        raise _Refused("unknown_type", f"type must be one of {', '.join(sorted(_KINDS))}.")
    return kind


def _text(value: str | int | float | None, name: str, limit: int) -> str:
    """The value as text of at most `limit` characters; blank is the same as missing."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else _number(value, name)
    if len(text) > limit:
        raise _Refused("bad_field", f"{name} may have {limit} characters.")
    if not text.isprintable() and _CONTROL.search(text):
        raise _Refused("bad_field", f"{name} may not contain control characters.")
    return "" if text.isspace() else text


def _number(value: int | float, name: str) -> str:
    """A number as JavaScript would write it: 12 for 12.0, so that an id stays the same."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return str(value)
    except ValueError:  # Python writes no more than 4,300 digits
        raise _Refused("bad_number", f"{name} is out of range.") from None


def _id(value: str | int | float | None, name: str) -> str:
    text = _text(value, name, MAX_ID)
    if text.lower() in _NOBODY:
        raise _Refused("bad_field", f'{name} is "{text}": the page sent it before it knew the id.')
    return text


# What a page's mistakes send for an id; taken, they would make one person of many strangers.
_NOBODY = frozenset({"undefined", "null", "none", "nan", "[object object]", "true", "false"})


def _required(text: str, name: str) -> str:
    if not text:
        raise _Refused(f"missing_{_SNAKE.sub('_', name).lower()}", f"{name} is missing.")
    return text


_SNAKE = re.compile("(?=[A-Z])")


def _object(value: _Object, name: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if value:
        raise _Refused("bad_field", f"{name} must be an object.")
    return {}


def _named(value: _Object, name: str) -> dict[str, Any]:
    """An object whose own names are fit to be kept."""
    found = _object(value, name)
    together = "".join(found)
    if len(together) > MAX_NAME or not together.isprintable():
        for key in found:
            _text(key, f"A name in {name}", MAX_NAME)
    return found


def _page(item: _Item) -> dict[str, Any]:
    """A page's or screen's properties, with the name and category that stand beside them.

    The browser's client writes them in both places, the servers' only beside.
    """
    properties = _named(item.properties, "properties")
    for name, value in (("name", item.name), ("category", item.category)):
        text = _text(value, name, MAX_NAME)
        if text:
            properties.setdefault(name, text)
    return properties


def _references(kind: str, item: _Item, user_id: str, anonymous_id: str) -> tuple[str, str]:
    """Group id and previous id. An alias without previousId means the anonymous visitor."""
    if kind == "group":
        return _required(_id(item.group_id, "groupId"), "groupId"), ""
    if kind == "alias":
        _required(user_id, "userId")
        previous_id = _id(item.previous_id, "previousId") or anonymous_id
        return "", _required(previous_id, "previousId")
    return "", ""


def _from_browser(context: dict[str, Any]) -> bool:
    library = context.get("library")
    if isinstance(library, dict) and library.get("name") == "analytics.js":
        return True
    return context.get("direct") is True


def _check_numbers(*values: dict[str, Any]) -> None:
    """Refuse whole numbers that no queue or table of ours can keep (beyond 64 bits)."""
    try:
        _PACK.encode(values)
    except OverflowError:
        message = "A number is beyond 64 bits; send it as text."
        raise _Refused("bad_number", message) from None
