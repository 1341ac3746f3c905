"""Dead letters: what could not be done and why, in plain words, and sending it back."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import islice
from typing import Any, NamedTuple, Self

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from functions.handlers import erasing, looking, process_event, spreading, undoing
from functions.journeys.standing import Everybody
from functions.journeys.workflow import Start
from functions.messages.subscription import Tell, is_tell
from functions.tracking.event import Event
from local.doctor import DENIED, NoAccess, Stage
from local.queue import Queue

EVENTS, STARTS, CALLS = "events", "starts", "failed calls"
AT_ONCE = 10  # the most that SQS hands out, and takes back, in one call
WAIT = 1  # seconds; SQS then asks all its servers, and an empty answer means an empty queue
SHORTEST_HOLD, LONGEST_HOLD = 30, 900  # seconds for which others do not see what is looked at
NOBODY_SAID = "no reason is known"


class Unknown(Exception):
    """There is no such dead letter; the text names those that there are."""


@dataclass
class Letter:
    """One dead message. `reason` is that of whoever put it aside; `gave_up` is what to say when
    nobody did but SQS, which moves a message that was taken too often (then `moved`)."""

    id: str
    queue: str
    since: datetime | None
    body: str
    reason: str = ""
    gave_up: str = ""
    moved: bool = False
    tries: int = 0
    attributes: dict[str, str] = field(default_factory=dict)


class Contents(NamedTuple):
    """What a letter is. `body` is what is sent back, None if nobody could read it; `calls` is
    the Lambda that is called with it; `never` says why it cannot be sent back at all."""

    what: str
    reason: str
    tries: int = 1
    body: str | None = None
    calls: str = ""
    never: str = ""


# --- what lies there


def read(letter: Letter) -> Contents:
    """What a letter holds; never raises, whatever that is."""
    return _READERS[letter.queue](letter)


def _read_look(letter: Letter) -> Contents:
    """People who were to be looked at; whoever brings it back means them, due or not."""
    try:
        asked = looking.read(letter.body)
    except msgspec.DecodeError as error:
        return Contents("not readable", letter.reason or f"not a look: {error}")
    if isinstance(asked, Everybody):
        return Contents("look at everybody", _why(letter, ""), max(1, letter.tries), letter.body)
    who = f"{len(asked.look)} {'person' if len(asked.look) == 1 else 'people'}"
    body = msgspec.json.encode(msgspec.structs.replace(asked, attempt=1, reason="")).decode()
    tries = max(1, letter.tries, asked.attempt)
    return Contents(f"look at {who}", _why(letter, asked.reason), tries, body)


def _read_spread(letter: Letter) -> Contents:
    try:
        asked = spreading.read(letter.body)
    except msgspec.DecodeError as error:
        return Contents("not readable", letter.reason or f"not an order: {error}")
    what = f"tell the members of the account {asked.spread[:40]}"
    body = msgspec.json.encode(msgspec.structs.replace(asked, put_off=0)).decode()
    return Contents(what, _why(letter, ""), max(1, letter.tries), body)


def _read_undo(letter: Letter) -> Contents:
    """A merge that was to be undone."""
    try:
        asked = undoing.read(letter.body)
    except msgspec.DecodeError as error:
        return Contents("not readable", letter.reason or f"not an undo: {error}")
    fresh = msgspec.structs.replace(asked, attempt=0, put_off=0, reason="")
    tries = max(1, letter.tries, asked.attempt)
    body = msgspec.json.encode(fresh).decode()
    return Contents("undo a merge", _why(letter, asked.reason), tries, body)


def _read_erase(letter: Letter) -> Contents:
    """An erasure that was to go on."""
    try:
        asked = erasing.read(letter.body)
    except msgspec.DecodeError as error:
        return Contents("not readable", letter.reason or f"not an erasure: {error}")
    fresh = msgspec.structs.replace(asked, attempt=0, put_off=0, reason="")
    tries = max(1, letter.tries, asked.attempt)
    body = msgspec.json.encode(fresh).decode()
    return Contents("erase a person", _why(letter, asked.reason), tries, body)


def _read_tell(letter: Letter) -> Contents:
    """What a webhook was to be told; sent back, it is tried for another day."""
    try:
        asked = msgspec.json.decode(letter.body, type=Tell)
    except msgspec.DecodeError as error:
        return Contents("not readable", letter.reason or f"not to be told: {error}")
    body = msgspec.json.encode(msgspec.structs.replace(asked, attempt=0, reason="")).decode()
    what, tries = f"news for the webhook {asked.tell}", max(1, letter.tries, asked.attempt)
    return Contents(what, _why(letter, asked.reason), tries, body)


def _read_events(letter: Letter) -> Contents:
    if looking.is_look(letter.body):
        return _read_look(letter)
    if spreading.is_spread(letter.body):
        return _read_spread(letter)
    if erasing.is_erase(letter.body):
        return _read_erase(letter)
    if undoing.is_undo(letter.body):
        return _read_undo(letter)
    if is_tell(letter.body):
        return _read_tell(letter)
    try:
        batch = process_event.read(letter.body)
    except msgspec.DecodeError as error:
        return Contents("not readable", letter.reason or f"not an event batch: {error}")
    reason = _why(letter, batch.reason)
    if reason.startswith("not an event batch"):
        reason = f"an older Tante could not read it, this one can ({reason})"
    by_sqs = letter.moved or not (letter.reason or batch.reason)
    tries = letter.tries if by_sqs else batch.attempt
    is_batch = letter.body.startswith('{"events"')
    body = _as_new(letter.body) if is_batch else letter.body
    return Contents(_events_in_words(batch.events, is_batch), reason, max(1, tries), body)


def _as_new(body: str) -> str:
    """The same events, as if nobody had tried yet; their own text stays as it is."""
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    none, nothing = msgspec.Raw(b"0"), msgspec.Raw(b'""')
    return msgspec.json.encode({**fields, "attempt": none, "reason": nothing}).decode()


def _events_in_words(events: list[Event], is_batch: bool) -> str:
    names = list(dict.fromkeys(event.name[:40] for event in events))
    if not is_batch:
        return f"receipt: {names[0]}" if names else "receipt of no message of ours"
    people = {event.person or event.user_id or event.anonymous_id for event in events}
    who = f"{len(people)} {'person' if len(people) == 1 else 'people'}"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    count = f"{len(events)} event{'' if len(events) == 1 else 's'} of {who}"
    return f"{count}: {', '.join(names[:3])}{more}"


def _why(letter: Letter, earlier: str) -> str:
    """The reason: of whoever buried it, else of SQS, which knows none of its own."""
    earlier = letter.reason or earlier
    if letter.moved and earlier:
        return f"{letter.gave_up}; before that: {earlier}"
    return earlier or letter.gave_up or NOBODY_SAID


def _read_start(letter: Letter) -> Contents:
    try:
        asked = msgspec.json.decode(letter.body, type=Start)
    except (msgspec.DecodeError, RecursionError) as error:
        return Contents("not readable", letter.reason or f"not the start of a run: {error}")
    what = f"start of a run of {asked.journey}"
    return Contents(what, _why(letter, ""), max(1, letter.tries), letter.body)


# What may be called again; nothing else, whatever a message says.
CALLED_AGAIN = {
    "close_run": "end of an execution",
    "compare_runs": "the daily comparison",
    "settle_messages": "the hourly settling of messages",
    "find_due": "the minutely search for people who are due",
    "count_people": "the daily count of everybody",
    "learn_products": "the daily learning of what is bought together",
}
BY_HAND = (
    "It does not say which Lambda failed. Look into it with `show`; if it is the end of an "
    "execution, the daily comparison closes that run anyway. Else call by hand: aws lambda invoke "
    "--invocation-type Event --function-name NAME --payload file://FILE out. Then drop it."
)
TOO_LATE = (
    "The deployment that asked for it has had its answer: deploy again (make deploy), then drop it."
)


def _read_call(letter: Letter) -> Contents:
    try:
        said = json.loads(letter.body)
        record = _of_lambda(said) if "requestContext" in said else _of_eventbridge(said, letter)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        words = f"not a failed call: {type(error).__name__}"
        return Contents("not readable", letter.reason or words, never=BY_HAND)
    name, payload, reason, tries = record
    if name not in CALLED_AGAIN:
        never = TOO_LATE if name == "publish_journey" else BY_HAND
        what = f"a call of {name}" if name else "a call of an unknown Lambda"
        return Contents(what, reason, tries, never=never)
    return Contents(_call_in_words(name, payload), reason, tries, json.dumps(payload), name)


# The Lambda's name without "tante-<stage>-", what it was called with, why it failed, how often
Call = tuple[str, Any, str, int]


def _of_lambda(said: dict[str, Any]) -> Call:
    """Lambda's record for an on-failure destination.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    context, answer = said["requestContext"], said.get("responsePayload") or {}
    reason = ": ".join(str(answer[k]) for k in ("errorType", "errorMessage") if answer.get(k))
    tries = int(context.get("approximateInvokeCount") or 1)
    name = _lambda_of(context["functionArn"])
    return name, said["requestPayload"], reason or str(context.get("condition", "")), tries


def _of_eventbridge(said: dict[str, Any], letter: Letter) -> Call:
    """What EventBridge could not hand over: the event as it is, the rest in attributes.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    told = letter.attributes
    name = _lambda_of(told.get("TARGET_ARN", "")) or _by_rule(told.get("RULE_ARN", ""))
    if not name and said["detail-type"] == "Step Functions Execution Status Change":
        name = "close_run"
    reason = ": ".join(told[k] for k in ("ERROR_CODE", "ERROR_MESSAGE") if told.get(k))
    return name, said, reason or NOBODY_SAID, int(told.get("RETRY_ATTEMPTS", 0)) + 1


def _lambda_of(arn: str) -> str:
    found = re.search(r":function:tante-[\w-]+-(\w+)", arn)
    return found[1] if found else ""


def _by_rule(arn: str) -> str:
    """CDK calls a schedule's rule by its Lambda: tante-dev-CompareRunsSchedule..."""
    for name in CALLED_AGAIN:
        if name.replace("_", "") in arn.lower():
            return name
    return ""


def _call_in_words(name: str, payload: Any) -> str:
    words = CALLED_AGAIN[name]
    detail = payload.get("detail") if isinstance(payload, dict) else None
    if name != "close_run" or not isinstance(detail, dict):
        return words
    machine = str(detail.get("stateMachineArn", "")).rpartition(":")[2]
    return f"{words} of {re.sub('^tante-[a-z0-9]+-', '', machine)} ({detail.get('status')})"


_READERS = {EVENTS: _read_events, STARTS: _read_start, CALLS: _read_call}


# --- what to do about it


class Advice(NamedTuple):
    """Whether sending it back as it is can help, and what to do."""

    helps: bool
    words: str


_COUNTED = (
    "The event itself has counted and would not be looked at twice, so sending this one back "
    "changes nothing: have the consent sent once more with a new messageId, then drop this one."
)
# The first pattern that is found in the reason speaks.
ADVICE: tuple[tuple[str, Advice], ...] = (
    (
        "^not an event batch|^not the start of a run|^not to be told",
        Advice(
            False,
            "Nobody can read it: it is nothing that Tante, SES or End User Messaging writes. "
            "Something else may write to the queue (who has sqs:SendMessage for it?): drop it. "
            "Or a provider has changed what it says: update Tante, then redrive it with --force.",
        ),
    ),
    (
        "^an older Tante could not read it",
        Advice(True, "Redrive it, once the same version is deployed."),
    ),
    (
        r'^(Consent Withdrawn|Unsubscribed): "',
        Advice(
            False,
            "Somebody wants no more messages and this withdrawal is NOT in force: send Consent "
            'Withdrawn for them now, with "channel": "email" or "sms" and "purposes" a list of '
            f"names or none. Mend what sent this one. {_COUNTED}",
        ),
    ),
    (
        "^Consent Given came from the source",
        Advice(
            False,
            "What runs in a browser may not speak for anybody's consent. Send Consent Given from "
            f"a server, with a key of its own: tante keys add NAME --trusted. {_COUNTED}",
        ),
    ),
    (
        '^Consent Given(:| needs) "',
        Advice(
            False,
            'Mend what sends it: "channel" is "email" or "sms", "purposes" a list of the names '
            f"in brand.yaml. {_COUNTED}",
        ),
    ),
    (
        '^the webhook "',
        Advice(
            True,
            "The receiver refused it or did not answer for a day. Look at its log for the "
            "webhook-id, mend it (or its address in brand.yaml), then redrive.",
        ),
    ),
    (
        "^was received ",
        Advice(
            True,
            "Look into that log at the time of the message. If it ran out of time or memory, or "
            "something it needs was busy: redrive. If it always fails at this message: mend it "
            "first.",
        ),
    ),
    (
        "^TooLarge",
        Advice(
            True,
            "What is kept of this person no longer fits into 400 KB. Redriving fails again until "
            "less is kept: look at who sends so many different things about one person.",
        ),
    ),
    (
        "AccessDenied|not authorized|NO_PERMISSIONS|UnrecognizedClient",
        Advice(
            True,
            "A Lambda, or what calls it, lacks a permission. Deploy the stage again (make "
            "deploy); then redrive.",
        ),
    ),
    (
        "ResourceNotFound|StateMachineDoesNotExist|NonExistentQueue|NO_RESOURCE|NO_SUCH",
        Advice(
            True,
            "A table, state machine, queue or Lambda is not there: half a deployment, or deleted "
            "by hand. Deploy the stage again (make deploy); then redrive.",
        ),
    ),
    (
        "(?i)throttl|busy|contended|conflict|unavailable|timed? ?out|timeout|too ?many ?requests"
        "|limit ?exceeded|throughput|connection|internal.?(server)?.?(error|failure)|ageexceeded",
        Advice(
            True,
            "Something was busy or away for a while: redrive. If it comes back with the same "
            "reason, look at quotas (tante doctor) and at the log.",
        ),
    ),
    (
        r"^[A-Za-z_.]+: |^[A-Z]\w*(Error|Exception)$|^RetriesExhausted$",
        Advice(
            True,
            "A fault of Tante's, or something it does not expect. The log has the place where it "
            "happened. Redrive after the fix is deployed; before that it comes back.",
        ),
    ),
)
UNKNOWN_CAUSE = Advice(
    True, "Nothing says why it is here. Look into the log of that time; redriving it is harmless."
)


def advise(contents: Contents) -> Advice:
    """What to do with a letter."""
    if contents.never:
        return Advice(False, contents.never)
    found = (advice for pattern, advice in ADVICE if re.search(pattern, contents.reason))
    return next(found, UNKNOWN_CAUSE)


# --- for the screen


def in_one_line(text: str, most: int = 160) -> str:
    """Without addresses, numbers of telephones and anything that a terminal would obey."""
    text = re.sub(r"[^\s@<>\"',;:]+@[^\s@<>\"',;:]+", "…@…", " ".join(text.split()))
    text = printable(re.sub(r"\+\d[\d /()-]{5,}\d|(?<![\w-])\d{9,}(?![\w-])", "…", text))
    return text if len(text) <= most else text[: most - 1] + "…"


def printable(text: str) -> str:
    """What a terminal would obey is escaped, so that a message cannot steer it."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode()
        for sign in text
    )


def pretty(body: str) -> str:
    """The whole body, as JSON with indents if it is JSON."""
    with suppress(ValueError, RecursionError):
        body = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    return printable(body)


def shortened(ids: Iterable[str]) -> dict[str, str]:
    """By id as few letters as tell them apart, eight at least; numbers stay."""
    ids = set(ids)
    length = 8
    while len({one[:length] for one in ids if "-" in one}) < sum("-" in one for one in ids):
        length += 1
    return {one: one[:length] if "-" in one else one for one in ids}


# --- choosing and sending back


def find(letters: Iterable[Letter], wanted: list[str]) -> list[Letter]:
    """The letters with these ids, whole or (UUIDs) begun. Raises Unknown before any is touched."""
    ids: list[str] = []
    found: dict[str, list[Letter]] = {one: [] for one in wanted}
    for letter in letters:
        ids.append(letter.id)
        for one in found:
            if letter.id == one or ("-" in letter.id and letter.id.startswith(one)):
                found[one].append(letter)
    for one, matching in found.items():
        if len(matching) > 1:
            names = ", ".join(sorted(letter.id for letter in matching))
            raise Unknown(f'"{one}" could be any of: {names}')
        if not matching:
            raise Unknown(f'there is no dead letter "{one}"; there {_listed(ids)}')
    return list({letter.id: letter for (letter,) in found.values()}.values())


def _listed(ids: list[str]) -> str:
    if not ids:
        return "are none"
    short = sorted(shortened(ids).values())
    more = f" and {len(ids) - 20} more" if len(ids) > 20 else ""
    return f"{'is' if len(ids) == 1 else 'are'}: {', '.join(short[:20])}{more}"


def send_back(place: "OneMachine | Cloud", letter: Letter, force: bool = False) -> str:
    """Send a letter back to where it came from; returns why not, "" when it was done.

    What would certainly come back, or do nothing, is left unless `force`.
    """
    contents = read(letter)
    if contents.never:
        return contents.never
    if not force and (contents.body is None or not advise(contents).helps):
        return f"{in_one_line(contents.reason)} → {advise(contents).words}"
    place.redrive(letter, contents)
    return ""


class OneMachine:
    """The dead letters in a data folder, also while `tante run` works on it."""

    hidden = 0

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def count(self) -> int:
        """How many there are."""
        return self._queue.dead_size()

    def letters(self, most: int = 0) -> Iterator[Letter]:
        """Those that there are by now, `most` of them if given."""
        for number, reason, body, buried in self._queue.letters(most):
            since = datetime.fromisoformat(buried) if buried else None
            text = body.decode("utf-8", "replace")
            yield Letter(str(number), EVENTS, since, text, reason)

    def redrive(self, letter: Letter, contents: Contents) -> None:
        """Back onto the event queue."""
        self._queue.revive(int(letter.id), (contents.body or letter.body).encode())

    def drop(self, letter: Letter) -> None:
        """Gone for good."""
        self._queue.drop(int(letter.id))


# Which queue holds the dead of which; whose log tells of them.
DEAD = {EVENTS: "event-dead-letters", STARTS: "start-dead-letters", CALLS: "failed-calls"}
LAMBDAS = {EVENTS: "process_event", STARTS: "start_run"}


class Cloud:
    """The dead letters of a stage in AWS, seen with the operator's credentials.

    A context: what was received inside is held back from others for that long only. Every
    method raises NoAccess, with a sentence, when AWS does not answer as it should.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._held: dict[str, tuple[str, str]] = {}  # id -> queue's address, receipt handle
        self._counts: dict[str, int] = {}
        self.hidden = 0
        self._opened = datetime.max.replace(tzinfo=UTC)
        self._source = cache(self._ask_source)

    def __enter__(self) -> Self:
        self._stage.caller()
        self._urls = {queue: self._url(name) for queue, name in DEAD.items()}
        visible, taken = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
        for queue, url in self._urls.items():
            asked = {"QueueUrl": url, "AttributeNames": [visible, taken]}
            said = self._ask("sqs", "get_queue_attributes", **asked)
            self._counts[queue] = int(said["Attributes"][visible])
            self.hidden += int(said["Attributes"][taken])
            # By AWS's clock: what arrives later may be what was just sent back.
            date = said["ResponseMetadata"]["HTTPHeaders"]["date"]
            self._opened = parsedate_to_datetime(date) + timedelta(seconds=1)
        return self

    def __exit__(self, *error: object) -> None:
        """Give back what was only looked at. What cannot be given back returns by itself."""
        by_queue: dict[str, list[str]] = {}
        for url, handle in self._held.values():
            by_queue.setdefault(url, []).extend([handle] if handle else [])
        for url, handles in by_queue.items():
            for start in range(0, len(handles), AT_ONCE):
                entries = [
                    {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for number, handle in enumerate(handles[start : start + AT_ONCE])
                ]
                with suppress(NoAccess):
                    asked = {"QueueUrl": url, "Entries": entries}
                    self._ask("sqs", "change_message_visibility_batch", **asked)
        self._held.clear()

    def count(self) -> int:
        """About how many there are, as SQS counts."""
        return sum(self._counts.values())

    def letters(self, most: int = 0) -> Iterator[Letter]:
        """Those that were there when the context began; `most` of each queue if given."""
        for queue in DEAD:
            yield from islice(self._of(queue), most or None)

    def _of(self, queue: str) -> Iterator[Letter]:
        url = self._urls[queue]
        hold = min(LONGEST_HOLD, SHORTEST_HOLD + self._counts[queue] // 20)
        known = 0  # answers in a row with nothing new: a very long look meets the first again
        while known < 3:
            received = self._receive(url, hold)
            if not received:
                return
            new = [message for message in received if message["MessageId"] not in self._held]
            known = 0 if new else known + 1
            for message in received:
                self._held[message["MessageId"]] = url, message["ReceiptHandle"]
            for message in new:
                letter = self._letter(queue, message)
                if letter.since and letter.since <= self._opened:
                    yield letter

    def _receive(self, url: str, hold: int) -> list[dict[str, Any]]:
        said = self._ask(
            "sqs",
            "receive_message",
            QueueUrl=url,
            MaxNumberOfMessages=AT_ONCE,
            VisibilityTimeout=hold,
            WaitTimeSeconds=WAIT,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(said.get("Messages", []))

    def _letter(self, queue: str, message: dict[str, Any]) -> Letter:
        given = message.get("MessageAttributes", {})
        attributes = {name: str(value.get("StringValue", "")) for name, value in given.items()}
        system = message["Attributes"]
        letter = Letter(
            message["MessageId"],
            queue,
            datetime.fromtimestamp(int(system["SentTimestamp"]) / 1000, UTC),
            message["Body"],
            attributes.get("reason", "") or _of_sns(attributes),
            moved="DeadLetterQueueSourceArn" in system,
            attributes=attributes,
        )
        if queue in LAMBDAS:
            _, letter.tries = self._source(queue)
            letter.gave_up = (
                f"was received {letter.tries} times and never finished: the Lambda crashed, failed "
                f"or timed out; see its log at /aws/lambda/{self._stage.stack}-{LAMBDAS[queue]}"
            )
        return letter

    def _ask_source(self, queue: str) -> tuple[str, int]:
        """Address of the queue that the dead came from, and how often SQS hands out there."""
        url = self._url(queue)
        asked = {"QueueUrl": url, "AttributeNames": ["RedrivePolicy"]}
        said = self._ask("sqs", "get_queue_attributes", **asked).get("Attributes", {})
        return url, int(json.loads(said.get("RedrivePolicy", "{}")).get("maxReceiveCount", 1))

    def redrive(self, letter: Letter, contents: Contents) -> None:
        """Send first, then delete: what happens in between makes two, which is harmless."""
        body = contents.body or letter.body
        if letter.queue == CALLS:
            function = f"{self._stage.stack}-{contents.calls}"
            asked = {"FunctionName": function, "InvocationType": "Event", "Payload": body.encode()}
            self._ask("lambda", "invoke", **asked)
        else:
            url, _ = self._source(letter.queue)
            self._ask("sqs", "send_message", QueueUrl=url, MessageBody=body)
        self.drop(letter)

    def drop(self, letter: Letter) -> None:
        """Gone for good."""
        url, handle = self._held[letter.id]
        self._ask("sqs", "delete_message", QueueUrl=url, ReceiptHandle=handle)
        self._held[letter.id] = url, ""

    def _url(self, name: str) -> str:
        asked = {"QueueName": f"{self._stage.stack}-{name}"}
        return str(self._ask("sqs", "get_queue_url", **asked)["QueueUrl"])

    def _ask(self, service: str, operation: str, **asked: Any) -> dict[str, Any]:
        try:
            call: Callable[..., Any] = getattr(self._stage.client(service), operation)
            return dict(call(**asked))
        except ClientError as error:
            raise NoAccess(self._in_words(service, asked, error)) from None
        except BotoCoreError as error:
            raise NoAccess(f"AWS did not answer: {error}") from None

    def _in_words(self, service: str, asked: dict[str, Any], error: ClientError) -> str:
        code, words = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        name = asked.get("QueueName") or asked.get("FunctionName") or asked.get("QueueUrl", "")
        missing = ("NonExistentQueue", "QueueDoesNotExist", "ResourceNotFound")
        if any(one in code for one in missing):
            kind = "Lambda" if service == "lambda" else "queue"
            first = f"make deploy STAGE={self._stage.name}"
            return f"there is no {kind} {name} in {self._stage.region}; first: {first}"
        if code in DENIED:
            action = "InvokeFunction" if service == "lambda" else error.operation_name
            return f"{name}: {service}:{action} is missing; have it allowed for your role"
        return f"AWS answered {code}: {words}"


def _of_sns(attributes: dict[str, str]) -> str:
    """SNS, when it could not deliver a receipt, says why in attributes of its own."""
    said = ": ".join(attributes[k] for k in ("ErrorCode", "ErrorMessage") if attributes.get(k))
    return f"SNS could not put it on the event queue: {said}" if said else ""
