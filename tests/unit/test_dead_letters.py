"""Dead letters: listing, explaining and sending them back, on one machine and in AWS."""

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import botocore.client
import msgspec
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import example, given
from hypothesis import strategies as st
from moto import mock_aws
from typer.testing import CliRunner, Result

from functions.handlers import aws, process_event, wiring
from functions.storage.store import Contended, TooLarge, Unavailable
from functions.tracking.consent import BadConsent, hear
from functions.tracking.event import Event, EventBatch
from functions.tracking.permission import Permission
from local import dead_letters
from local.command_line import app
from local.dead_letters import ADVICE, CALLS, EVENTS, STARTS, Letter, advise, read
from local.doctor import Stage
from local.queue import Queue
from local.system import System
from tests.support.aws_session import REGION, session
from tests.support.world import JOURNEYS, World

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
}
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
BROKEN = "ValueError: this cannot be kept"


def track(message_id: str, name: str, user: str = "ada", **more: Any) -> Event:
    fields = {"type": "track", "event": name, "user_id": user, "time": NOON, "received_at": NOON}
    return Event(message_id=message_id, client_time=NOON.isoformat(), **{**fields, **more})


def batch(*events: Event, attempt: int = 0, reason: str = "") -> str:
    return msgspec.json.encode(EventBatch(list(events), attempt, reason)).decode()


FAILED = batch(track("m1", "Order Completed"), attempt=5, reason=BROKEN)
REFUSED = 'Consent Given: "channel" is one of email, sms'
CONSENT = batch(track("m2", "Consent Given", "bob"), reason=REFUSED)
FOREIGN = ("hello", "not an event batch: neither events nor a receipt")


class Place:
    """A machine's folder or a stage in AWS, as the commands and the system see it."""

    options: list[str]

    def bury(self, body: str, reason: str) -> None:
        raise NotImplementedError

    def waiting(self) -> list[str]:
        """What is on the event queue, taken from it."""
        raise NotImplementedError

    def ids(self) -> list[str]:
        """The ids that the list shows."""
        return re.findall(r"^(\S+) +(?:events|starts|failed calls)  ", self.do("list").output, re.M)

    def do(self, command: str, *words: str, says: str | None = None) -> Result:
        asked = ["dead-letters", command, *words, *self.options]
        found = CliRunner().invoke(app, asked, env=ENVIRONMENT, input=says)
        assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
        return found


class Machine(Place):
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tante.db").touch()
        self.queue = Queue(folder / "queue.db")
        self.options = ["--data", str(folder)]

    def bury(self, body: str, reason: str) -> None:
        self.queue.bury(body.encode(), reason)

    def waiting(self) -> list[str]:
        records = self.queue.receive(1000)
        self.queue.delete([record["messageId"] for record in records])
        return [record["body"] for record in records]


class Aws(Place):
    """What infra/events.py makes, in moto."""

    def __init__(self) -> None:
        self.sqs = session().client("sqs")
        self.options = ["--stage", "dev"]
        self.urls: dict[str, str] = {}
        for name in ("event-dead-letters", "start-dead-letters", "failed-calls"):
            self.urls[name] = self.create(name, {})
        for name, dead, tries in (
            ("events", "event-dead-letters", 5),
            ("starts", "start-dead-letters", 20),
        ):
            arn = f"arn:aws:sqs:{REGION}:123456789012:tante-dev-{dead}"
            policy = {"deadLetterTargetArn": arn, "maxReceiveCount": tries}
            own = {"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "0"}
            self.urls[name] = self.create(name, own)

    def create(self, name: str, attributes: dict[str, str]) -> str:
        made = self.sqs.create_queue(QueueName=f"tante-dev-{name}", Attributes=attributes)
        return str(made["QueueUrl"])

    def bury(self, body: str, reason: str) -> None:
        with patch.object(aws, "client", lambda name: session().client(name)):
            aws.send(self.urls["event-dead-letters"], [body.encode()], reason)

    def put(self, name: str, body: str, **attributes: str) -> None:
        said = {k: {"DataType": "String", "StringValue": v} for k, v in attributes.items()}
        self.sqs.send_message(QueueUrl=self.urls[name], MessageBody=body, MessageAttributes=said)

    def take(self, name: str) -> list[str]:
        """Everything that can be seen there, taken from it."""
        found = []
        url = self.urls[name]
        while messages := self.sqs.receive_message(QueueUrl=url).get("Messages"):
            for message in messages:
                found.append(message["Body"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def waiting(self) -> list[str]:
        return self.take("events")

    def hidden(self, name: str) -> int:
        wanted = "ApproximateNumberOfMessagesNotVisible"
        asked = {"QueueUrl": self.urls[name], "AttributeNames": [wanted]}
        return int(self.sqs.get_queue_attributes(**asked)["Attributes"][wanted])


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    monkeypatch.setattr(dead_letters, "WAIT", 0)
    monkeypatch.setattr("local.doctor.boto3.session.Session", session)
    with patch.dict("os.environ", ENVIRONMENT), mock_aws():
        yield Aws()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture(params=["machine", "cloud"])
def place(request: pytest.FixtureRequest) -> Place:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


# --- the same on one machine and in AWS


def test_where_nothing_lies_the_list_says_so(place: Place) -> None:
    shown = place.do("list")
    assert shown.exit_code == 0
    assert shown.output == "✓ there are no dead letters\n"


def test_the_list_has_a_line_for_each_with_what_it_is_how_often_and_why(place: Place) -> None:
    begun = datetime.now(UTC)
    events = [track("m1", "Order Completed"), track("m2", "Page Viewed")]
    place.bury(batch(*events, attempt=5, reason=BROKEN), BROKEN)
    place.bury(*FOREIGN)
    shown = place.do("list")
    assert shown.exit_code == 0
    header, *lines, hint = shown.output.splitlines()
    assert re.split("  +", header) == ["id", "queue", "since (UTC)", "tries", "what", "reason"]
    found = {tuple(re.split("  +", line)[3:]) for line in lines}
    assert found == {
        ("5", "2 events of 1 person: Order Completed, Page Viewed", BROKEN),
        ("1", "not readable", FOREIGN[1]),
    }
    days = {str(moment.date()) for moment in (begun, datetime.now(UTC))}  # midnight may pass
    assert {line.partition("  events  ")[2][:10] for line in lines} <= days
    assert " ".join(["ID", *place.options]) in hint


def test_the_list_shows_no_address_and_nothing_that_a_terminal_would_obey(place: Place) -> None:
    reason = "ValueError: ada@example.com and +4915112345678\x1b[2J[red]\u202e failed"
    event = track("m1", "Hi ada@example.com\x1b]0;x\x07 :tada:", "bob@example.com")
    place.bury(batch(event, attempt=5, reason=reason), reason)
    shown = place.do("list").output
    assert "@example" not in shown
    assert "4915112345678" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[red]" in shown
    assert ":tada:" in shown


def test_showing_one_prints_it_whole_with_its_reason_and_what_to_do(place: Place) -> None:
    place.bury(FAILED, BROKEN)
    (name,) = place.ids()
    shown = place.do("show", name)
    assert shown.exit_code == 0
    assert BROKEN in shown.output
    assert "Redrive after the fix" in shown.output
    assert "personal data" in shown.output
    assert json.loads(shown.output[shown.output.index("{") :]) == json.loads(FAILED)


def test_what_is_sent_back_is_as_new_and_no_longer_dead(place: Place) -> None:
    place.bury(FAILED, BROKEN)
    (name,) = place.ids()
    shown = place.do("redrive", name)
    assert shown.exit_code == 0, shown.output
    assert "1 sent back" in shown.output
    assert "comes back: tante dead-letters list" in shown.output
    (body,) = place.waiting()
    assert process_event.read(body) == EventBatch([track("m1", "Order Completed")])
    assert place.ids() == []


def test_events_go_back_letter_for_letter(place: Place) -> None:
    odd = FAILED.replace('"Order Completed"', '"Order \\u0043ompleted","from_later":1.50')
    place.bury(odd, BROKEN)
    place.do("redrive", *place.ids())
    (body,) = place.waiting()
    assert body == odd.replace('"attempt":5', '"attempt":0').replace(f'"{BROKEN}"', '""')


def test_sending_all_back_leaves_what_could_not_work_and_says_why(place: Place) -> None:
    place.bury(FAILED, BROKEN)
    place.bury(CONSENT, REFUSED)
    place.bury(*FOREIGN)
    shown = place.do("redrive", "--all")
    assert shown.exit_code == 0
    assert "1 sent back" in shown.output
    assert "2 left" in shown.output
    assert REFUSED in shown.output
    assert FOREIGN[1] in shown.output
    assert len(place.waiting()) == 1
    assert len(place.ids()) == 2


def test_what_could_not_work_goes_back_as_it_is_only_by_its_id_and_by_force(place: Place) -> None:
    place.bury(*FOREIGN)
    (name,) = place.ids()
    shown = place.do("redrive", name)
    assert shown.exit_code == 1
    assert "Nobody can read it" in shown.output
    assert "sent back" not in shown.output
    assert place.waiting() == []
    assert place.do("redrive", name, "--force").exit_code == 0
    assert place.waiting() == [FOREIGN[0]]
    assert place.ids() == []


def test_many_that_are_left_for_the_same_reason_are_one_line(place: Place) -> None:
    for _ in range(12):
        place.bury(*FOREIGN)
    shown = place.do("redrive", "--all").output
    assert shown.count("Nobody can read it") == 1
    assert " and 2 more: not an event batch" in shown
    assert "12 left" in shown


@pytest.mark.parametrize("words", [[], ["1", "--all"], ["--all", "--force"]])
def test_it_must_be_clear_which_are_to_be_sent_back(place: Place, words: list[str]) -> None:
    place.bury(FAILED, BROKEN)
    assert place.do("redrive", *words).exit_code == 2
    assert place.waiting() == []


@pytest.mark.parametrize("command", ["show", "redrive", "drop"])
def test_an_unknown_id_is_answered_with_those_that_there_are(place: Place, command: str) -> None:
    missing = place.do(command, "nothing")
    assert missing.exit_code == 1
    assert 'there is no dead letter "nothing"; there are none' in missing.output
    place.bury(FAILED, BROKEN)
    (name,) = place.ids()
    words = [name] if command != "show" else []
    shown = place.do(command, *words, "nothing")
    assert shown.exit_code == 1
    assert f'there is no dead letter "nothing"; there is: {name}' in shown.output
    assert place.waiting() == [], "none is touched when one is unknown"
    assert place.ids() == [name]


def test_an_id_given_twice_is_one(place: Place) -> None:
    place.bury(FAILED, BROKEN)
    (name,) = place.ids()
    assert "1 sent back" in place.do("redrive", name, name).output
    assert len(place.waiting()) == 1


def test_dropping_asks_first(place: Place) -> None:
    place.bury(*FOREIGN)
    (name,) = place.ids()
    assert place.do("drop", name, says="n\n").exit_code == 1
    assert place.ids() == [name]
    shown = place.do("drop", name, says="y\n")
    assert shown.exit_code == 0
    assert "1 dropped" in shown.output
    assert place.ids() == []
    assert place.waiting() == []


def test_dropping_does_not_ask_who_has_said_yes(place: Place) -> None:
    place.bury(*FOREIGN)
    assert place.do("drop", *place.ids(), "--yes").exit_code == 0
    assert place.ids() == []


def test_of_many_some_are_shown_and_the_others_are_counted(place: Place) -> None:
    for number in range(25):
        place.bury(batch(track(f"m{number}", "Visited"), attempt=5, reason=BROKEN), BROKEN)
    shown = place.do("list", "--most", "7").output
    assert len(re.findall("1 event of 1 person: Visited", shown)) == 7
    assert "7 of about 25 are shown; more with --most 25" in shown
    assert len(place.ids()) == 25
    assert "25 sent back" in place.do("redrive", "--all").output
    assert len(place.waiting()) == 25
    assert place.do("list").output == "✓ there are no dead letters\n"


# --- one machine


def test_the_whole_way_of_an_event_that_failed_and_one_that_was_refused(world: World) -> None:
    """By the real handler: what was sent back counts, what was refused is not looked at twice."""
    parts = world.system.parts

    def broken(*arguments: Any) -> None:
        raise ValueError("this cannot be kept")

    class Broken:
        put = write = staticmethod(broken)

        def __getattr__(self, name: str) -> Any:
            return getattr(world.store, name)

    wiring.use(replace(parts, store=Broken()))  # type: ignore[arg-type]
    world.track("ada", "Signed In")
    wiring.use(parts)
    world.track("bob", "Consent Given", channel="pigeon", purposes=["offers"])
    place = Machine(world.system.data)
    listed = place.do("list").output
    assert BROKEN in listed
    assert REFUSED in listed
    shown = place.do("redrive", "--all").output
    assert "1 sent back" in shown
    assert "1 left" in shown
    world.settle()
    assert world.person("ada").events["Signed In"].count == 1
    place.do("redrive", "--force", *place.ids())
    world.settle()
    assert len(place.ids()) == 1, "what cannot be understood is not understood the second time"
    assert world.person("bob").events["Consent Given"].count == 1
    assert world.permission("bob").consents == {}


def test_a_running_system_takes_what_is_sent_back_at_once(tmp_path: Path) -> None:
    system = System(tmp_path, JOURNEYS, "http://127.0.0.1:8000", None)
    system.publish()
    place = Machine(tmp_path)
    place.bury(FAILED, BROKEN)
    try:
        with system.running():
            assert "1 sent back" in place.do("redrive", "--all").output
            end = time.monotonic() + 90
            while system.queue.size() and time.monotonic() < end:
                time.sleep(0.02)
            assert system.queue.size() == 0
    finally:
        wiring.use(None)
    assert place.ids() == []


def test_sending_back_what_another_has_just_sent_back_sends_nothing(machine: Machine) -> None:
    machine.bury(FAILED, BROKEN)
    (letter,) = dead_letters.OneMachine(machine.queue).letters()
    assert machine.queue.revive(int(letter.id), b"once")
    assert not machine.queue.revive(int(letter.id), b"twice")
    assert machine.waiting() == ["once"]


def test_a_number_does_not_stand_for_a_longer_one(machine: Machine) -> None:
    for _ in range(12):
        machine.bury(FAILED, BROKEN)
    machine.do("drop", "1", "--yes")
    assert machine.ids() == [str(number) for number in range(2, 13)]
    assert machine.do("show", "1").exit_code == 1


def test_a_file_of_an_older_version_can_be_read(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "queue.db") as file:
        file.execute("CREATE TABLE dead (id INTEGER PRIMARY KEY, body BLOB, reason TEXT)")
        file.execute("INSERT INTO dead (body, reason) VALUES (?, ?)", (FAILED.encode(), BROKEN))
    file.close()
    place = Machine(tmp_path)
    assert place.ids() == ["1"]
    assert "unknown" in place.do("show", "1").output
    assert place.do("redrive", "1").exit_code == 0


def test_a_folder_without_anything_is_told(tmp_path: Path) -> None:
    asked = ["dead-letters", "list", "--data", str(tmp_path)]
    shown = CliRunner().invoke(app, asked)
    assert shown.exit_code == 1
    assert "there is nothing in" in shown.output
    assert list(tmp_path.iterdir()) == []


# --- AWS


Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def calls() -> Iterator[Calls]:
    """What is asked of AWS; Lambda takes every call."""
    made: Calls = []
    real = botocore.client.BaseClient._make_api_call

    def call(client: Any, operation: str, asked: dict[str, Any]) -> Any:
        made.append((operation, asked))
        return {"StatusCode": 202} if operation == "Invoke" else real(client, operation, asked)

    with patch("botocore.client.BaseClient._make_api_call", call):
        yield made


def test_looking_gives_every_message_back_at_once(cloud: Aws) -> None:
    for _ in range(23):
        cloud.bury(FAILED, BROKEN)
    for words in (["list"], ["list", "--most", "3"], ["show", "nothing"]):
        cloud.do(*words)
        assert cloud.hidden("event-dead-letters") == 0
    assert len(cloud.take("event-dead-letters")) == 23


def test_looking_hides_for_half_a_minute_only_should_it_be_killed(cloud: Aws, calls: Calls) -> None:
    cloud.bury(FAILED, BROKEN)
    cloud.do("list")
    holds = {asked["VisibilityTimeout"] for name, asked in calls if name == "ReceiveMessage"}
    assert holds == {30}


def test_messages_that_another_looks_at_are_counted(cloud: Aws) -> None:
    cloud.bury(FAILED, BROKEN)
    url = cloud.urls["event-dead-letters"]
    cloud.sqs.receive_message(QueueUrl=url, VisibilityTimeout=60)
    shown = cloud.do("list").output
    assert "1 more are being looked at" in shown
    assert "no dead letters" not in shown


def test_a_message_is_sent_before_it_is_deleted(cloud: Aws, calls: Calls) -> None:
    cloud.bury(FAILED, BROKEN)
    calls.clear()
    cloud.do("redrive", "--all")
    names = [name for name, _ in calls if name in ("SendMessage", "DeleteMessage")]
    assert names == ["SendMessage", "DeleteMessage"]


def test_a_message_that_cannot_be_deleted_stays_and_is_told(cloud: Aws) -> None:
    cloud.bury(FAILED, BROKEN)
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "DeleteMessage")
    real = botocore.client.BaseClient._make_api_call

    def call(client: Any, operation: str, asked: dict[str, Any]) -> Any:
        if operation == "DeleteMessage":
            raise denied
        return real(client, operation, asked)

    with patch("botocore.client.BaseClient._make_api_call", call):
        shown = cloud.do("redrive", "--all")
    assert shown.exit_code == 1
    assert "sqs:DeleteMessage is missing" in shown.output
    assert cloud.hidden("event-dead-letters") == 0
    assert len(cloud.ids()) == 1
    assert len(cloud.waiting()) == 1


def test_what_comes_back_meanwhile_is_not_sent_again_and_again(
    cloud: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that fails at once is buried before the command has ended."""
    cloud.bury(FAILED, BROKEN)
    real = dead_letters.Cloud.redrive

    def fails_again(self: Any, letter: Any, contents: Any) -> None:
        real(self, letter, contents)
        cloud.bury(FAILED, BROKEN)

    monkeypatch.setattr(dead_letters.Cloud, "redrive", fails_again)
    second = timedelta(seconds=1)  # AWS tells its time in whole seconds
    begun = datetime.now(UTC) - second
    with monkeypatch.context() as patched:
        patched.setattr(dead_letters, "parsedate_to_datetime", lambda text: begun)
        assert "1 sent back" in cloud.do("redrive", "--all").output
    assert len(cloud.ids()) == 1


def test_a_message_that_sqs_gave_up_names_the_log_to_read(cloud: Aws) -> None:
    cloud.put("events", batch(track("m1", "Signed In")))
    cloud.put("starts", '{"journey":"welcome","version":"1","run":"welcome-1","person":"p"}')
    for name, tries in (("events", 5), ("starts", 20)):
        for _ in range(tries + 1):
            cloud.sqs.receive_message(QueueUrl=cloud.urls[name])
    shown = cloud.do("list").output
    never = "times and never finished: the Lambda crashed, failed or timed out; see its log at"
    assert f"was received 5 {never} /aws/lambda/tante-dev-process_event" in shown
    assert f"was received 20 {never} /aws/lambda/tante-dev-start_run" in shown
    assert "start of a run of welcome" in shown
    assert "2 sent back" in cloud.do("redrive", "--all").output
    assert [json.loads(body)["run"] for body in cloud.take("starts")] == ["welcome-1"]
    assert len(cloud.take("events")) == 1


def test_what_sqs_gave_up_on_tells_the_earlier_reason_too() -> None:
    body = batch(track("m1", "Signed In"), attempt=2, reason=BROKEN)
    gave_up = "was received 5 times and never finished"
    letter = Letter("1", EVENTS, NOON, body, gave_up=gave_up, moved=True, tries=5)
    contents = read(letter)
    assert contents.reason == f"{gave_up}; before that: {BROKEN}"
    assert contents.tries == 5


def test_an_id_may_be_shortened_as_long_as_it_is_one(cloud: Aws) -> None:
    numbers = iter(["aaaaaaaa-1", "aaaaaaaa-2", "b0000000-3"])
    with patch("moto.sqs.models.random.uuid4", lambda: next(numbers)):
        for _ in range(3):
            cloud.bury(FAILED, BROKEN)
    assert set(cloud.ids()) == {"aaaaaaaa-1", "aaaaaaaa-2", "b0000000-3"}
    assert cloud.do("show", "b0").exit_code == 0
    shown = cloud.do("redrive", "aaaa")
    assert shown.exit_code == 1
    assert '"aaaa" could be any of: aaaaaaaa-1, aaaaaaaa-2' in shown.output
    assert cloud.waiting() == []


def test_a_receipt_that_sns_could_not_deliver_goes_back_as_it_is(cloud: Aws) -> None:
    mail = {"tags": {"person": ["p"], "run": ["r"], "send": ["s"]}}
    said = {"eventType": "Open", "mail": {**mail, "timestamp": NOON.isoformat()}}
    body = json.dumps({"Type": "Notification", "Message": json.dumps(said)})
    cloud.put("event-dead-letters", body, ErrorCode="KMS.Disabled", ErrorMessage="no key")
    shown = cloud.do("list").output
    assert "receipt: Email Opened" in shown
    assert "SNS could not put it on the event queue: KMS.Disabled: no key" in shown
    cloud.do("redrive", "--all")
    assert cloud.waiting() == [body]


# --- failed calls


ENDED = {
    "detail-type": "Step Functions Execution Status Change",
    "detail": {
        "status": "FAILED",
        "name": "welcome-1",
        "stateMachineArn": f"arn:aws:states:{REGION}:1:stateMachine:tante-dev-welcome",
        "input": '{"run": "welcome-1", "person": "p"}',
    },
}


def arn(handler: str) -> str:
    return f"arn:aws:lambda:{REGION}:123456789012:function:tante-dev-{handler}"


def record(handler: str, payload: Any, error: str = "KeyError") -> str:
    """Lambda's own, for an on-failure destination."""
    return json.dumps(
        {
            "version": "1.0",
            "timestamp": "2027-03-01T12:00:00.000Z",
            "requestContext": {
                "requestId": "e4b46cbf",
                "functionArn": f"{arn(handler)}:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": payload,
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": {"errorMessage": "'run'", "errorType": error},
        }
    )


def test_a_call_that_failed_is_made_again_with_what_it_got(cloud: Aws, calls: Calls) -> None:
    cloud.put("failed-calls", record("close_run", ENDED))
    shown = cloud.do("list").output
    assert re.search("failed calls  .*  3  +end of an execution of welcome .FAILED.", shown)
    assert "KeyError: 'run'" in shown
    assert "1 sent back" in cloud.do("redrive", "--all").output
    (asked,) = [asked for name, asked in calls if name == "Invoke"]
    assert asked["FunctionName"] == "tante-dev-close_run"
    assert asked["InvocationType"] == "Event"
    assert json.loads(asked["Payload"]) == ENDED
    assert cloud.ids() == []


RULE = f"arn:aws:events:{REGION}:1:rule/tante-dev-"
TOLD = {"ERROR_CODE": "THROTTLING", "ERROR_MESSAGE": "too fast", "RETRY_ATTEMPTS": "10"}


@pytest.mark.parametrize(
    ("body", "told", "handler"),
    [
        (ENDED, {"TARGET_ARN": arn("close_run")}, "close_run"),
        (ENDED, {"RULE_ARN": f"{RULE}JourneysEnded123-x"}, "close_run"),
        ({"detail-type": "Scheduled Event"}, {"TARGET_ARN": arn("compare_runs")}, "compare_runs"),
        (
            {"detail-type": "Scheduled Event"},
            {"RULE_ARN": f"{RULE}SettleMessagesSchedule9F-x"},
            "settle_messages",
        ),
    ],
)
def test_what_eventbridge_could_not_hand_over_calls_the_lambda_that_was_meant(
    cloud: Aws, calls: Calls, body: Any, told: dict[str, str], handler: str
) -> None:
    cloud.put("failed-calls", json.dumps(body), **TOLD, **told)
    shown = cloud.do("list").output
    assert "  11  " in shown
    assert "THROTTLING: too fast" in shown
    assert cloud.do("redrive", "--all").exit_code == 0
    (asked,) = [asked for name, asked in calls if name == "Invoke"]
    assert asked["FunctionName"] == f"tante-dev-{handler}"
    assert json.loads(asked["Payload"]) == body


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (record("publish_journey", {}), "deploy again"),
        (record("delete_everything", {}), "call by hand"),
        (record("close_run", {}).replace("tante-dev-", "another-"), "call by hand"),
        (json.dumps({"detail-type": "Scheduled Event"}), "call by hand"),
        ("hello", "call by hand"),
        ("[]", "call by hand"),
        ("1", "call by hand"),
    ],
)
def test_no_call_is_made_that_tante_does_not_know_and_what_to_do_instead_is_said(
    cloud: Aws, calls: Calls, body: str, words: str
) -> None:
    """A message cannot choose what runs with an operator's rights."""
    cloud.put("failed-calls", body)
    (name,) = cloud.ids()
    for asked in (["--all"], [name], [name, "--force"]):
        shown = cloud.do("redrive", *asked)
        assert words in shown.output
        assert shown.exit_code == (asked != ["--all"])
    assert words in cloud.do("show", name).output
    assert "Invoke" not in [name for name, _ in calls]
    assert cloud.ids() == [name]


def test_a_call_of_a_lambda_that_is_not_there_leaves_the_message(cloud: Aws) -> None:
    cloud.put("failed-calls", record("close_run", ENDED))
    shown = cloud.do("redrive", "--all")
    assert shown.exit_code == 1
    assert "there is no Lambda tante-dev-close_run" in shown.output
    assert len(cloud.ids()) == 1


# --- no way in


def test_a_stage_that_is_not_there_is_told_in_a_sentence(cloud: Aws) -> None:
    cloud.options = ["--stage", "test", "--region", "eu-west-1"]
    shown = cloud.do("list")
    assert shown.exit_code == 1
    assert "there is no queue tante-test-event-dead-letters in eu-west-1" in shown.output
    assert "make deploy STAGE=test" in shown.output
    assert shown.output.count("\n") == 1


def test_without_credentials_there_is_one_sentence(tmp_path: Path) -> None:
    nobody = {
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with patch.dict("os.environ", clear=True, values=nobody):
        for words in (["list"], ["show", "1"], ["redrive", "--all"], ["drop", "1", "--yes"]):
            shown = CliRunner().invoke(app, ["dead-letters", *words, "--stage", "dev"])
            assert shown.exit_code == 1
            assert "there are no AWS credentials" in shown.output
            assert shown.output.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ReceiveMessage"),
            "sqs:ReceiveMessage is missing",
        ),
        (
            ClientError({"Error": {"Code": "InternalError", "Message": "oh"}}, "ReceiveMessage"),
            "AWS answered InternalError: oh",
        ),
        (EndpointConnectionError(endpoint_url="https://sqs"), "AWS did not answer"),
    ],
)
def test_what_aws_refuses_is_told_in_a_sentence(cloud: Aws, error: Exception, words: str) -> None:
    real = botocore.client.BaseClient._make_api_call

    def call(client: Any, operation: str, asked: dict[str, Any]) -> Any:
        if operation == "ReceiveMessage":
            raise error
        return real(client, operation, asked)

    with patch("botocore.client.BaseClient._make_api_call", call):
        shown = cloud.do("list")
    assert shown.exit_code == 1
    assert words in shown.output
    assert shown.output.count("\n") == 1


# --- reasons and what to do about them


def refusal(name: str, trusted: bool = True, **properties: Any) -> str:
    """What the permission says to such an event."""
    event = track("m1", name, trusted=trusted, properties=properties, source="web shop")
    with pytest.raises(BadConsent) as refused:
        hear(Permission(person="p"), event)
    return str(refused.value)


def unreadable(body: str) -> str:
    with pytest.raises(msgspec.DecodeError) as refused:
        process_event.read(body)
    return f"not an event batch: {refused.value}"


def failed(error: Exception) -> str:
    """As process_event writes it."""
    return f"{type(error).__name__}: {error}"


REASONS: dict[str, tuple[Callable[[], str], bool, str]] = {
    "text": (lambda: unreadable("hello"), False, "Nobody can read it"),
    "half a batch": (lambda: unreadable('{"events": 1}'), False, "Nobody can read it"),
    "a browser's consent": (lambda: refusal("Consent Given", trusted=False), False, "--trusted"),
    "no purposes": (lambda: refusal("Consent Given"), False, "brand.yaml"),
    "purposes as text": (lambda: refusal("Consent Given", purposes="x"), False, "brand.yaml"),
    "a channel of none": (
        lambda: refusal("Consent Given", purposes=["x"], channel="fax"),
        False,
        "brand.yaml",
    ),
    "a withdrawal": (lambda: refusal("Consent Withdrawn", channel="fax"), False, "NOT in force"),
    "unsubscribed": (lambda: refusal("Unsubscribed", purposes=1), False, "NOT in force"),
    "too large": (lambda: failed(TooLarge("a profile of 500000 bytes")), True, "400 KB"),
    "contended": (lambda: failed(Contended("the profile is busy")), True, "was busy"),
    "unavailable": (lambda: failed(Unavailable("DynamoDB: x")), True, "was busy"),
    "busy": (lambda: failed(wiring.Busy()), True, "was busy"),
    "throttled": (
        lambda: failed(ClientError({"Error": {"Code": "ThrottlingException"}}, "SendMessage")),
        True,
        "was busy",
    ),
    "timed out": (lambda: "Sandbox.Timedout: Task timed out after 30.00 s", True, "was busy"),
    "too old": (lambda: "EventAgeExceeded", True, "was busy"),
    "denied": (
        lambda: failed(ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutItem")),
        True,
        "permission",
    ),
    "of EventBridge": (lambda: "NO_PERMISSIONS: x", True, "permission"),
    "missing": (
        lambda: failed(ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "PutItem")),
        True,
        "half a deployment",
    ),
    "a bug": (lambda: failed(KeyError("sku")), True, "after the fix"),
    "no memory": (lambda: "Runtime.OutOfMemory: Error", True, "after the fix"),
    "a receiver that refuses": (
        lambda: 'the webhook "crm" refused: answered 410',
        True,
        "Look at its log",
    ),
    "by SQS": (lambda: "was received 5 times and never finished: ...", True, "that log"),
    "an older version": (
        lambda: "an older Tante could not read it, this one can",
        True,
        "deployed",
    ),
    "a start of none": (
        lambda: read(Letter("1", STARTS, None, "{}")).reason,
        False,
        "Nobody can read it",
    ),
    "none": (lambda: read(Letter("1", EVENTS, None, batch())).reason, True, "Nothing says why"),
}


@pytest.mark.parametrize(("reason", "helps", "words"), REASONS.values(), ids=REASONS.keys())
def test_every_reason_has_words_of_what_to_do(
    reason: Callable[[], str], helps: bool, words: str
) -> None:
    found = advise(dead_letters.Contents("", reason()))
    assert found.helps == helps
    assert words in found.words


def test_no_row_of_the_table_is_dead() -> None:
    said = {advise(dead_letters.Contents("", reason())).words for reason, _, _ in REASONS.values()}
    assert {advice.words for _, advice in ADVICE} <= said


def test_what_an_older_version_could_not_read_goes_back_when_this_one_can(machine: Machine) -> None:
    machine.bury(batch(track("m1", "Signed In")), "not an event batch: an unknown field")
    assert "1 sent back" in machine.do("redrive", "--all").output


@given(st.text(), st.sampled_from([EVENTS, STARTS, CALLS]), st.text())
@example("[" * 100_000, EVENTS, "")
@example("[" * 100_000, CALLS, "")
@example('{"requestContext": 1}', CALLS, "")
@example('{"requestContext": {"functionArn": 1}, "requestPayload": {}}', CALLS, "")
@example('{"events": [], "attempt": "x"}', EVENTS, "")
def test_whatever_lies_there_can_be_listed_and_shown(body: str, queue: str, reason: str) -> None:
    letter = Letter("1", queue, None, body, reason, attributes={"RETRY_ATTEMPTS": reason})
    contents = read(letter)
    assert advise(contents).words
    line = dead_letters.in_one_line(contents.what) + dead_letters.in_one_line(contents.reason)
    assert line.isprintable()
    assert dead_letters.pretty(body).replace("\n", "").isprintable()


def test_the_stage_is_asked_with_the_permissions_that_the_runbook_names(
    cloud: Aws, calls: Calls
) -> None:
    cloud.bury(FAILED, BROKEN)
    cloud.put("failed-calls", record("close_run", ENDED))
    calls.clear()
    cloud.do("list")
    cloud.do("redrive", "--all")
    text = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text("utf-8")
    (section,) = re.findall("^## Redrive dead letters$(.*?)^## ", text, re.M | re.S)
    allowed = {"ChangeMessageVisibilityBatch": "ChangeMessageVisibility"}
    for name in {name for name, _ in calls} - {"GetCallerIdentity"}:
        asked = "lambda:InvokeFunction" if name == "Invoke" else allowed.get(name, name)
        assert asked in section, asked


def test_the_queues_are_those_that_are_deployed() -> None:
    snapshot = (Path(__file__).parents[1] / "infra" / "snapshot-dev.txt").read_text("utf-8")
    for name in (*dead_letters.DEAD.values(), EVENTS, STARTS):
        assert f"tante-dev-{name}" in snapshot
    for name in (*dead_letters.LAMBDAS.values(), *dead_letters.CALLED_AGAIN):
        assert f"tante-dev-{name}" in snapshot


def test_a_stage_is_looked_at_with_clients_that_soon_say_so_when_nobody_answers() -> None:
    with patch.dict("os.environ", ENVIRONMENT):
        config = Stage("dev", REGION, "", lambda name, kind: []).client("sqs").meta.config
    assert config.read_timeout > dead_letters.WAIT + 5


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ('{"look":["a","b"],"attempt":5,"reason":"x"}', "look at 2 people"),
        ('{"everybody":"","journeys":{"news":"1"}}', "look at everybody"),
        ('{"look":5}', "not readable"),
        ('{"undo":"m1","person":"p","attempt":5,"reason":"x"}', "undo a merge"),
        ('{"undo":5}', "not readable"),
    ],
)
def test_a_look_is_told_and_comes_back_as_one_that_is_meant(body: str, what: str) -> None:
    found = read(Letter("1", EVENTS, None, body))
    assert found.what == what
    if "people" in what:
        assert json.loads(found.body)["attempt"] == 1
        assert found.reason == "x"
