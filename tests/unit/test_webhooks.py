"""Webhooks: where they may go, what an answer means, how they are signed, how a run uses them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from urllib3.exceptions import ReadTimeoutError

from functions.channels.channel import Outgoing, Permanent, Temporary
from functions.channels.outbox import Outbox
from functions.channels.webhook import Place, Webhook
from functions.folder import Folder, check, check_brand
from functions.handlers import wiring
from functions.journeys.check import load
from functions.journeys.run import Run
from functions.messages import signature
from functions.problem import Problems
from local.command_line import app
from tests.support.world import JOURNEYS, World
from tests.unit.test_journey_files import HEAD

URL = "https://crm.example.com/hook?from=tante"
PUBLIC = "93.184.216.34"


class Network:
    """A resolver and a connector without a network: each call of them is written down."""

    def __init__(self, *answers: list[str] | Exception, status: int | Exception = 200) -> None:
        self.answers, self.status = list(answers), status
        self.asked: list[tuple[str, int]] = []
        self.posts: list[tuple[Place, str, bytes, Mapping[str, str]]] = []

    def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def post(self, place: Place, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.posts.append((place, path, body, headers))
        if isinstance(self.status, Exception):
            raise self.status
        return self.status

    def send(self, url: str = URL) -> str:
        message = Outgoing(send_id="id-1", to=url, text='{"a": "ü"}', headers={"x": "y"})
        return Webhook(self.resolve, self.post).send(message)


# --- where it may go

INSIDE = {
    "loopback": "127.0.0.1",
    "loopback, another": "127.8.0.1",
    "private 10": "10.1.2.3",
    "private 172.16": "172.16.0.1",
    "private 192.168": "192.168.1.1",
    "carrier's own": "100.64.0.1",
    "link-local": "169.254.1.1",
    "metadata of AWS": "169.254.169.254",
    "this host": "0.0.0.0",
    "multicast": "224.0.0.1",
    "multicast everywhere": "239.255.255.250",
    "broadcast": "255.255.255.255",
    "reserved": "240.0.0.1",
    "loopback of IPv6": "::1",
    "nowhere in IPv6": "::",
    "link-local of IPv6": "fe80::1",
    "link-local with a scope": "fe80::1%eth0",
    "unique local": "fd00:ec2::254",
    "multicast of IPv6": "ff02::1",
    "global multicast of IPv6": "ff0e::1",
    "IPv4 in IPv6, loopback": "::ffff:127.0.0.1",
    "IPv4 in IPv6, metadata": "::ffff:169.254.169.254",
    "NAT64, metadata": "64:ff9b::a9fe:a9fe",
    "6to4, loopback": "2002:7f00:1::",
    "Teredo": "2001:0:7f00:1::",
    "no address at all": "crm.example.com",
}


@pytest.mark.parametrize("kind", INSIDE)
def test_a_name_that_leads_to_an_address_inside_is_refused_and_never_called(kind: str) -> None:
    network = Network([INSIDE[kind]])
    with pytest.raises(Permanent, match="not public"):
        network.send()
    assert network.posts == []


@pytest.mark.parametrize("kind", INSIDE)
def test_one_address_inside_among_public_ones_is_enough_to_refuse(kind: str) -> None:
    network = Network([PUBLIC, INSIDE[kind]])
    with pytest.raises(Permanent, match="not public"):
        network.send()
    assert network.posts == []


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "[::1]", "2130706433"])
def test_an_address_as_host_is_looked_at_like_any_other(address: str) -> None:
    network = Network([{"[::1]": "::1", "2130706433": "127.0.0.1"}.get(address, address)])
    with pytest.raises(Permanent, match="not public"):
        network.send(f"https://{address}/")
    assert network.posts == []


def test_it_connects_to_the_address_that_was_looked_at_and_asks_for_no_other() -> None:
    """DNS rebinding: the second answer would lead inside."""
    network = Network([PUBLIC], ["127.0.0.1"])
    network.send()
    assert network.asked == [("crm.example.com", 443)]
    [(place, path, body, headers)] = network.posts
    assert place == Place(PUBLIC, "crm.example.com", 443)
    assert (path, body) == ("/hook?from=tante", '{"a": "ü"}'.encode())
    assert headers["host"] == "crm.example.com"
    assert (headers["webhook-id"], headers["x"]) == ("id-1", "y")


def test_public_addresses_are_fine_and_those_of_ipv4_go_first() -> None:
    network = Network(["2606:2800:220:1:248:1893:25c8:1946", PUBLIC])
    network.send("https://crm.example.com:8443")
    [(place, path, _, headers)] = network.posts
    assert place == Place(PUBLIC, "crm.example.com", 8443)
    assert (path, headers["host"]) == ("/", "crm.example.com:8443")


@pytest.mark.parametrize(
    "url",
    [
        *("http://crm.example.com/", "ftp://crm.example.com/", "https:///hook", "crm.example.com"),
        *("https://me:secret@crm.example.com/", "https://crm.example.com:99999/", "https://[::1/"),
    ],
)
def test_only_https_to_a_host_without_a_password_is_called(url: str) -> None:
    network = Network([PUBLIC])
    with pytest.raises(Permanent):
        network.send(url)
    assert network.posts == []


# --- what an answer means


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_an_answer_of_two_hundred_is_done(status: int) -> None:
    assert Network([PUBLIC], status=status).send() == "id-1"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_a_receiver_that_is_busy_or_broken_is_tried_again(status: int) -> None:
    with pytest.raises(Temporary, match=str(status)):
        Network([PUBLIC], status=status).send()


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 400, 401, 403, 404, 410, 422])
def test_any_other_answer_is_a_refusal_and_no_redirect_is_followed(status: int) -> None:
    network = Network([PUBLIC], status=status)
    with pytest.raises(Permanent, match=str(status)):
        network.send()
    assert len(network.posts) == 1


@pytest.mark.parametrize(
    "error",
    [ConnectionResetError(), TimeoutError(), ReadTimeoutError(None, "", "slow")],  # type: ignore[arg-type]
)
def test_no_answer_is_tried_again(error: Exception) -> None:
    with pytest.raises(Temporary, match="no answer"):
        Network([PUBLIC], status=error).send()


@pytest.mark.parametrize("answer", [OSError("no such host"), []])
def test_a_name_without_an_address_is_tried_again(answer: Any) -> None:
    with pytest.raises(Temporary, match="no address"):
        Network(answer).send()


# --- outside production


@pytest.mark.parametrize(
    ("entry", "is_called"),
    [
        (URL, True),
        ("@crm.example.com", True),
        ("crm.example.com", False),
        ("@example.com", False),
        ("https://crm.example.com/", False),
        ("ada@example.com", False),
    ],
)
def test_outside_production_only_the_allow_list_is_called(entry: str, is_called: bool) -> None:
    network, kept = Network([PUBLIC]), []
    real = Webhook(network.resolve, network.post)
    outbox = Outbox(kept.append, real, frozenset([entry]))
    outbox.send(Outgoing(send_id="id-1", to=URL, text="{}"))
    assert (bool(network.posts), bool(kept)) == (is_called, not is_called)


def test_an_entry_of_a_webhooks_host_lets_no_mail_through() -> None:
    kept: list[Outgoing] = []
    outbox = Outbox(kept.append, Network([PUBLIC]), frozenset(["@example.com"]))  # type: ignore[arg-type]
    outbox.send(Outgoing(send_id="m", to="ada@example.com", text="Hello"))
    assert len(kept) == 1


# --- the signature

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def verified(headers: Mapping[str, str], body: str, shown: str) -> bool:
    """As a receiver checks it, by the letter of the specification."""
    key = base64.b64decode(shown.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}"
    wanted = base64.b64encode(hmac.new(key, content.encode(), hashlib.sha256).digest()).decode()
    versions = (one.split(",", 1) for one in headers["webhook-signature"].split(" "))
    return any(version == "v1" and sent == wanted for version, sent in versions)


def test_a_receiver_with_the_secret_of_either_key_can_verify_it_and_no_other() -> None:
    keys = {"1": b"old" * 10, "2": b"new" * 10}
    headers = signature.headers("id-1", NOON, '{"a": "ü"}', "crm", keys)
    for key in keys.values():
        shown = signature.shown(signature.secret(key, "crm"))
        assert verified(headers, '{"a": "ü"}', shown)
        assert not verified(headers, '{"a": "u"}', shown)
        assert not verified({**headers, "webhook-id": "id-2"}, '{"a": "ü"}', shown)
        assert not verified(headers, '{"a": "ü"}', signature.shown(signature.secret(key, "erp")))
    assert headers["webhook-timestamp"] == str(int(NOON.timestamp()))


# --- brand.yaml and journeys


BRAND = (JOURNEYS / "brand.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    "url",
    [
        *("http://crm.example.com", "https://localhost/", "https://127.0.0.1/", "https://[::1]/"),
        *("https://me@crm.example.com/", "https://crm.example.com:port/", "https://crm/", "crm"),
        *("https://crm.example.com/#top", "https://crm.example.com\\\\@evil.com/", "https://1.2/"),
    ],
)
def test_brand_yaml_takes_only_https_and_the_name_of_a_host(url: str) -> None:
    with pytest.raises(Problems, match="is not the address of a webhook") as caught:
        check_brand(f'{BRAND}\nwebhooks:\n  crm:\n    url: "{url}"\n')
    [problem] = caught.value.found
    assert problem.line == BRAND.count("\n") + 4


def test_brand_yaml_may_give_a_webhook_a_title_and_another_port() -> None:
    url = "https://crm.example.com:8443/a"
    text = f"{BRAND}\nwebhooks:\n  crm: {{url: '{url}', title: {{en: CRM}}}}\n"
    assert check_brand(text).webhooks["crm"].url == url


def test_a_webhook_that_brand_yaml_does_not_have_is_refused_at_its_line() -> None:
    text = f"{HEAD}steps:\n  - wait: 1 day\n  - call webhook: crn\n"
    with pytest.raises(Problems) as caught:
        load("cart", {"journey.yaml": text}, {"offers": True}, webhooks=["crm", "erp"])
    said = 'cart/journey.yaml:6: there is no webhook "crn" in brand.yaml; there are: crm, erp'
    assert [str(problem) for problem in caught.value.found] == [said]


def test_liquid_that_a_webhook_is_told_is_checked() -> None:
    steps = "steps:\n  - call webhook: crm\n    with: {a: fine, b: '{{ persn.plan | shout }}'}\n"
    folder = Folder(f"{BRAND}\nwebhooks:\n  crm: {{url: '{URL}'}}\n", {}, {})
    folder.journeys["cart"] = {"journey.yaml": HEAD + steps}
    with pytest.raises(Problems) as caught:
        check(folder)
    assert [str(problem) for problem in caught.value.found] == [
        'cart/journey.yaml: "call webhook crm", "b": messages know no "persn"; '
        'did you mean "person"?',
        'cart/journey.yaml: "call webhook crm", "b": there is no filter "shout"',
    ]


# --- in a run

STEPS = """title: A
purpose: offers
once per: occasion
enter when: {event: buy}
steps:
  - repeat:
      - call webhook: crm
        with: {plan: pro, seats: 3, said: "{{ person.plan }} {{ entry.amount }} {{ pass }} <"}
        if it fails: [{end: failed}]
      - wait: 1 day
    times: 2
"""


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., World]]:
    def begin(channel: Any = None, steps: str = STEPS) -> World:
        folder = tmp_path / "folder"
        (folder / "buy").mkdir(parents=True)
        (folder / "brand.yaml").write_text(f"{BRAND}\nwebhooks:\n  crm: {{url: '{URL}'}}\n")
        (folder / "buy" / "journey.yaml").write_text(steps)
        world = World(tmp_path / "data", folder)
        if channel:
            world.system.parts.channels["webhook"] = channel  # type: ignore[index]
        return world

    yield begin
    wiring.use(None)


class Receiver:
    """A channel that answers as it is told, then is content."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.came = list(errors), list[Outgoing]()

    def send(self, message: Outgoing) -> str:
        self.came.append(message)
        if self.errors:
            raise self.errors.pop(0)
        return message.send_id


def test_each_pass_is_a_message_of_its_own_and_falls_into_the_outbox(
    begin: Any, tmp_path: Path
) -> None:
    world = begin()
    world.identify("ada", plan="free")
    world.track("ada", "buy", amount=5)
    world.advance("3 days")
    one, two = world.outbox()
    assert (one.channel, one.to, one.person) == ("webhook", URL, world.person("ada").person)
    assert one.send_id != two.send_id
    said = json.loads(one.text)
    [run] = world.store.query(Run, one.person)
    assert said["type"] == "journey.webhook"
    assert said["timestamp"] == "2027-03-01T09:00:00Z"
    assert said["data"] == {
        "person": one.person,
        "user_id": "ada",
        "journey": "buy",
        "run": run.run_id,
        "step": "call webhook crm",
        "pass": 1,
        "entry": {"event": "buy", "properties": {"amount": 5}},
        "with": {"plan": "pro", "seats": 3, "said": "free 5 1 <"},
    }
    assert json.loads(two.text)["data"]["pass"] == 2
    options = ["--data", str(tmp_path / "data"), "--journeys", str(tmp_path / "folder")]
    shown = CliRunner().invoke(app, ["keys", "webhook", "crm", *options])
    assert verified(one.headers, one.text, shown.output.strip())
    assert one.headers["webhook-id"] == one.send_id
    wrong = CliRunner().invoke(app, ["keys", "webhook", "erp", *options])
    assert wrong.exit_code == 1
    assert 'no webhook "erp"; there are: crm' in wrong.output


def test_a_busy_receiver_gets_the_same_message_again(begin: Any) -> None:
    receiver = Receiver(*[Temporary("answered 503") for _ in range(5)])
    world = begin(receiver)
    world.track("ada", "buy")
    world.advance("1 day")
    assert len(receiver.came) == 6
    assert len({(message.send_id, message.text) for message in receiver.came}) == 1
    assert len({message.headers["webhook-signature"] for message in receiver.came}) > 1
    world.advance("3 days")
    assert world.outcomes("buy") == ["finished"]


def test_a_refusal_takes_if_it_fails_at_once(begin: Any) -> None:
    receiver = Receiver(Permanent("answered 400"))
    world = begin(receiver)
    world.track("ada", "buy")
    assert world.outcomes("buy") == ["failed"]
    assert len(receiver.came) == 1


def test_a_receiver_that_stays_busy_fails_after_about_a_day(begin: Any) -> None:
    receiver = Receiver(*[Temporary("answered 503") for _ in range(99)])
    world = begin(receiver)
    world.track("ada", "buy")
    world.advance("6 hours")
    assert world.outcomes("buy") == ["open"]
    world.advance("2 days")
    assert world.outcomes("buy") == ["failed"]
    assert len(receiver.came) == 21
    [run] = world.runs("buy")
    took = datetime.fromisoformat(run["ended"]) - datetime.fromisoformat(run["entered"])
    assert timedelta(hours=8) < took < timedelta(hours=40)


THEN_WAIT = "wait for: {event: reply}\n    at most: 1 day\n    then: [{end: replied}]\n"
ANSWERED = [
    "  - call webhook: crm\n  - " + THEN_WAIT,
    "  - call webhook: crm\n    if it fails:\n      - " + THEN_WAIT.replace("    ", "        "),
]


@pytest.mark.parametrize("steps", ANSWERED)
@pytest.mark.parametrize("does_reply", [True, False])
def test_a_wait_behind_a_call_that_failed_looks_back_to_its_first_try(
    begin: Any, steps: str, does_reply: bool
) -> None:
    receiver = Receiver(*[Temporary("answered 503") for _ in range(5)], Permanent("answered 400"))
    world = begin(receiver, STEPS[: STEPS.index("  - repeat")] + steps)
    world.track("ada", "reply")
    world.advance("1 minute")
    world.track("ada", "buy")
    world.advance("1 minute")
    if does_reply:
        assert len(receiver.came) < 6
        world.track("ada", "reply")
    world.advance("3 days")
    assert len(receiver.came) == 6
    assert world.outcomes("buy") == ["replied" if does_reply else "finished"]
