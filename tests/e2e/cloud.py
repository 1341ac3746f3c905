"""A deployed Tante, spoken to as its outside does: shops, readers of mail, and its operators."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import boto3
import requests
from segment.analytics.client import Client

from functions.storage.dynamo import DynamoStore
from functions.storage.people import People
from functions.tracking.message import Kept, Message
from functions.tracking.profile import Profile
from local.keys import add_source, new_key
from tests.e2e import fair
from tests.e2e.deployment import Cdk, Say, copy_app
from tests.e2e.own_cloud import ACCOUNT, REGION, OwnCloud
from tests.e2e.patience import eventually

STAGE = "dev"
PREFIX = f"tante-{STAGE}-"
# A day of the stage takes two seconds. It begins on a Monday morning.
SPEED = 43_200
START = "2027-03-01T08:00:00+00:00"
PATIENCE = 150  # seconds: a Lambda that starts cold unpacks hundreds of megabytes first
# Only these get messages; everybody else's stay in the outbox.
READERS = ("ada@reader.example", "gil@reader.example", "+4915112345678")
# Nobody sits in front of a test for three months; but what a test does has time, however busy the
# machine is.
PACED = {
    "recovery/journey.yaml": {"wait: 90 days": "wait: 4 days"},
    "onboarding/journey.yaml": {"at most: 7 days": "at most: 900 days"},
    "upsell/journey.yaml": {"at most: 10 days": "at most: 900 days"},
}


class Cloud:
    """One stage in MiniStack: `deploy` makes it, the rest looks at it."""

    def __init__(self, folder: Path, own: OwnCloud, say: Say) -> None:
        app = copy_app(folder / "app")
        self.journeys = app / "statemachines"
        for file, changes in PACED.items():
            self.edit(file, changes)
        fair.write(self.journeys / "fair")
        options = {
            "stage": STAGE,
            "host": "true",
            "allow_list": ",".join(READERS),
            "event_workers": "2",  # each copy of a Lambda is a process here
            "clock_speed": str(SPEED),
            "clock_start": START,
            "clock_zero": datetime.now(UTC).isoformat(),
        }
        self._own = own
        self.cdk = Cdk(app, own.environment(), options, say)
        self.outputs: dict[str, str] = {}

    def edit(self, file: str, changes: Mapping[str, str]) -> None:
        """Change words in a file of the journeys, as a marketer does."""
        path = self.journeys / file
        text = path.read_text("utf-8")
        for old, new in changes.items():
            assert old in text, f'{file} has no "{old}" any more; mend tests/e2e'
            text = text.replace(old, new)
        path.write_text(text, "utf-8")

    # --- doors

    @property
    def url(self) -> str:
        """The HTTP API, by the path under which MiniStack serves it (its own name needs DNS)."""
        return f"{self._own.url}/_aws/execute-api/{self.outputs['ApiId']}/$default"

    def here(self, url: str) -> str:
        """An address of the API, as it stands in a mail, as we can reach it."""
        return url.replace(self.outputs["ApiUrl"], self.url)

    @cached_property
    def write_key(self) -> str:
        """A key for a server's events, which may speak for consent (`tante keys add --trusted`)."""
        key = new_key("wk")
        add_source(self.store, key, "e2e shop", True, datetime.now(UTC))
        return key

    @contextmanager
    def shop(self, write_key: str = "") -> Iterator[Client]:
        """Segment's stock client; when the block ends, all that it was given is delivered."""
        failures: list[Any] = []
        client = Client(
            write_key or self.write_key,
            host=self.url,
            on_error=lambda error, batch: failures.append(error),
            upload_interval=0.05,
            max_retries=3,
        )
        yield client
        client.shutdown()
        assert not failures, failures

    def get(self, path: str, **query: str) -> Any:
        """GET from the admin API with the stage's own secret key."""
        return self._ask("GET", path, params=query)

    def post(self, path: str, body: Any) -> Any:
        """POST to the admin API with the stage's own secret key."""
        return self._ask("POST", path, json=body)

    def delete(self, path: str) -> Any:
        """DELETE of the admin API with the stage's own secret key."""
        return self._ask("DELETE", path)

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        key = {"authorization": f"Bearer {self._secret('AdminSecretArn')['key']}"}

        def ask() -> requests.Response:
            return requests.request(method, self.url + path, headers=key, timeout=PATIENCE, **more)

        # On a busy machine the tables may not answer in time; what only reads may come again.
        reads = method == "GET"
        answer = eventually("an answer", ask, lambda a: a.status_code < 500) if reads else ask()
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    # --- what AWS knows

    @cache  # noqa: B019
    def client(self, name: str) -> Any:
        """An AWS client of the account's root."""
        return boto3.client(name)

    @cached_property
    def store(self) -> DynamoStore:
        """The tables, read as the Lambdas read them."""
        return DynamoStore(PREFIX, REGION)

    @cache  # noqa: B019
    def _secret(self, output: str) -> dict[str, str]:
        found = self.client("secretsmanager").get_secret_value(SecretId=self.outputs[output])
        return dict(json.loads(found["SecretString"]))

    def machine(self, journey: str) -> str:
        """The ARN of a journey's state machine."""
        return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{PREFIX}{journey}"

    def execution(self, run: Mapping[str, Any]) -> dict[str, Any]:
        """What Step Functions says of a run."""
        arn = f"{self.machine(run['journey'])}:{run['id']}"
        arn = arn.replace(":stateMachine:", ":execution:")
        return dict(self.client("stepfunctions").describe_execution(executionArn=arn))

    def states_of(self, run: Mapping[str, Any]) -> list[str]:
        """The states that a run has entered, in order."""
        arn = self.execution(run)["executionArn"]
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        return [
            event["stateEnteredEventDetails"]["name"]
            for page in pages.paginate(executionArn=arn)
            for event in page["events"]
            if "stateEnteredEventDetails" in event
        ]

    # --- what is known of a person

    def profile(self, user: str) -> Profile | None:
        """The profile in DynamoDB, found as the Lambdas find it."""
        key = bytes.fromhex(self._secret("IdentitySecretArn")["key"])
        return People(self.store, key).by("user_id", user)

    def runs(self, user: str, journey: str) -> list[dict[str, Any]]:
        """A person's runs of a journey by the admin API; none while nobody knows the person."""
        profile = self.profile(user)
        if profile is None:
            return []
        return list(self.get("/api/runs", person=profile.person, journey=journey)["runs"])

    def timeline(self, user: str) -> list[dict[str, Any]]:
        """A person's events by the admin API, newest first."""
        profile = self.profile(user)
        if profile is None:
            return []
        return list(self.get(f"/api/people/{profile.person}/timeline")["events"])

    def message(self, user: str, name: str) -> Message | None:
        """The ledger's row of a message that was sent or not sent."""
        profile = self.profile(user)
        rows = self.store.query(Message, profile.person) if profile else ()
        return next((row for row in rows if row.message == name), None)

    # --- what arrives

    def mails(self, address: str) -> list[dict[str, Any]]:
        """What SES has handed on to an address, oldest first."""
        answer = requests.get(f"{self._own.url}/_ministack/ses/messages", timeout=10)
        found = answer.json()["messages"].get(ACCOUNT, [])
        return [mail for mail in found if address in mail["To"]]

    def tell(self, receipt: str) -> None:
        """Publish a receipt where SES publishes them."""
        self.client("sns").publish(TopicArn=self.outputs["EventTopicArn"], Message=receipt)

    def texts(self, phone: str) -> list[dict[str, Any]]:
        """What SNS has sent to a phone, oldest first."""
        address = f"{self._own.url}/_ministack/sns/sms-messages"
        found = requests.get(address, params={"phoneNumber": phone}, timeout=10).json()
        return list(found["sms_messages"][phone])

    def kept(self, address: str) -> list[Kept]:
        """What stayed in the outbox, because the address is not on the allow-list."""
        return [one for one in self.store.listing(Kept, limit=500)[0][::-1] if one.to == address]
