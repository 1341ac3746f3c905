"""The whole system on one machine: its clock, page, outbox, keys, commands, and a sudden end."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from functions.handlers import wiring
from functions.messages.link import Tracked, sign
from local import command_line
from local.app import App
from local.clock import FASTEST, Clock
from local.http_server import application, serving
from local.keys import FIRST_SOURCE, open_keys
from local.system import InUse, System
from tests.integration.test_segment_sdks import Site, python_client, run_node
from tests.support.world import JOURNEYS, World

TANTE = Path(sys.executable).with_name("tante")
PATIENCE = 90  # seconds for another process or thread, whatever else the machine does
START = datetime(2027, 3, 1, 9, tzinfo=UTC)


class Said(NamedTuple):
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Said]


@pytest.fixture
def tante(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, in this process."""

    def run(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["tante", *map(str, arguments)])
        capsys.readouterr()
        try:
            command_line.main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        return Said(status, *capsys.readouterr())

    return run


def tante_run(*arguments: str | Path) -> Said:
    """`tante run` in a process of its own."""
    found = subprocess.run(
        [TANTE, "run", *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return Said(found.returncode, found.stdout, found.stderr)


# --- the clock


class Bench:
    """A running system with its server, as the page speaks to it."""

    def __init__(self, system: System, url: str) -> None:
        self.system, self.url = system, url
        self.http = httpx.Client(base_url=url, timeout=PATIENCE)

    def clock(self, body: Any = None) -> httpx.Response:
        if body is None:
            return self.http.get("/local/clock")
        return self.http.post(
            "/local/clock",
            content=body if isinstance(body, bytes) else None,
            json=None if isinstance(body, bytes) else body,
        )

    def now(self) -> datetime:
        return datetime.fromisoformat(self.clock().json()["now"])

    def api(self, path: str, **query: str) -> Any:
        key = {"authorization": f"Bearer {self.system.keys.secret_key}"}
        answer = self.http.get(path, params=query, headers=key)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def events(self, user: str) -> list[dict[str, Any]]:
        """The person's timeline, oldest first."""
        found = self.api("/api/people", user_id=user)["people"]
        if not found:
            return []
        return list(self.api(f"/api/people/{found[0]['id']}/timeline", limit="500")["events"])[::-1]


@contextmanager
def bench(data: Path, start: datetime | None = START) -> Iterator[Bench]:
    system = System(data, JOURNEYS, "http://127.0.0.1:8000", start)
    system.publish()
    with system.running(), serving(application(App(system).route)) as url:
        yield Bench(system, url)
    wiring.use(None)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as found:
        yield found


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait for something that another thread or process does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def test_a_clock_that_starts_in_another_year_stands_still(running: Bench) -> None:
    first = running.clock().json()
    assert first == {
        "now": "2027-03-01T09:00:00+00:00",
        "speed": 0.0,
        "waiting": 0,
        "set_aside": 0,
        "next_due": None,
    }
    assert running.clock().json() == first


def test_the_clock_runs_fast_pauses_and_goes_on(running: Bench) -> None:
    assert running.clock({"speed": 86400}).json()["speed"] == 86400
    until(lambda: running.now() > START + timedelta(hours=1))
    running.clock({"speed": 0})
    paused = running.now()
    time.sleep(0.05)
    assert running.now() == paused
    running.clock({"speed": 1})
    assert timedelta(0) <= running.now() - paused < timedelta(minutes=10)


def test_a_jump_does_all_that_falls_due_on_the_way_before_it_answers(running: Bench) -> None:
    """The mails have the times at which they were due, not the time of arrival."""
    client = running.http
    write_key = running.system.keys.write_key
    products = [{"sku": "basic-1y"}]
    calls: list[dict[str, Any]] = [
        {"type": "identify", "traits": {"email": "ada@example.com"}},
        {
            "type": "track",
            "event": "Consent Given",
            "properties": {"channel": "email", "purposes": ["product tips"]},
        },
        {
            "type": "track",
            "event": "Order Completed",
            "properties": {"order_id": "o1", "products": products},
        },
    ]
    batch = [{"userId": "ada", "messageId": f"m{n}", **call} for n, call in enumerate(calls)]
    answer = client.post("/v1/batch", json={"writeKey": write_key, "batch": batch})
    assert answer.json() == {"success": True}
    status = running.clock({"advance": "15 days"}).json()
    assert status["now"] == "2027-03-16T09:00:00+00:00"
    assert status["waiting"] == 0
    messages = client.get("/local/outbox").json()["messages"]
    assert [message["time"][:10] for message in messages] == [
        "2027-03-15",
        "2027-03-06",
        "2027-03-01",
    ]
    assert status["next_due"] > status["now"]


@pytest.mark.parametrize("speed", [-1, FASTEST + 1, "fast", None, True, [], 10**400, -(10**400)])
def test_a_speed_that_is_none_is_refused_with_what_is_right(running: Bench, speed: Any) -> None:
    answer = running.clock({"speed": speed})
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"
    assert "number" in answer.json()["message"]
    assert running.clock().json()["speed"] == 0


@pytest.mark.parametrize("speed", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_a_speed_that_is_not_finite_is_refused(running: Bench, speed: bytes) -> None:
    assert running.clock(b'{"speed": ' + speed + b"}").status_code == 400


@pytest.mark.parametrize(
    "length", ["soon", "-3 days", "0 days", 3, None, "1.5 days", "99999 years"]
)
def test_a_jump_that_is_none_is_refused_with_an_example(running: Bench, length: Any) -> None:
    answer = running.clock({"advance": length})
    assert answer.status_code == 400
    assert re.search(r'like "30 minutes"|longer than 30 years', answer.json()["message"])
    assert running.now() == START


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{",
        b"[]",
        b"{}",
        b'"x"',
        b"\xff",
        b"[" * 5000,
        b'{"speed": 1, "advance": "1 day"}',
        b'{"sped": 1}',
    ],
)
def test_anything_else_is_refused_with_both_examples(running: Bench, body: bytes) -> None:
    answer = running.http.post("/local/clock", content=body)
    assert answer.status_code == 400
    message = answer.json()["message"]
    assert '{"speed": 86400}' in message
    assert '{"advance": "3 days"}' in message


def test_no_number_of_jumps_breaks_the_clock(tmp_path: Path) -> None:
    """Beyond the year 9999 no calendar goes."""
    with bench(tmp_path, datetime(9990, 1, 1, tzinfo=UTC)) as running:
        for unit in ("20 years", "300 months", "1000 weeks"):
            answer = running.clock({"advance": unit})
            assert answer.status_code == 400, unit
            assert answer.json()["code"] == "bad_request"


def test_the_clock_goes_on_after_a_restart_where_it_was(tmp_path: Path) -> None:
    with bench(tmp_path) as running:
        running.clock({"advance": "3 days"})
    with bench(tmp_path, datetime(2040, 1, 1, tzinfo=UTC)) as running:
        assert running.now() == START + timedelta(days=3)
        assert running.clock().json()["speed"] == 0


def test_a_running_clock_goes_on_running_while_the_machine_is_off(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    clock = Clock(file)
    clock.run(86400)
    shown = clock.now()
    time.sleep(0.05)
    again = Clock(file, START)
    assert again.speed == 86400
    assert again.now() >= shown + timedelta(minutes=60)


def test_the_clock_never_goes_back(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.json", START)
    clock.move_to(START - timedelta(days=1))
    assert clock.now() == START
    clock.move_to(START + timedelta(days=1))
    assert clock.now() == START + timedelta(days=1)


# --- the page and who may use /local

PAGE = Path(__file__).parents[2] / "local" / "page"


def test_the_page_loads_nothing_from_anywhere_else(world: World) -> None:
    for path, kind in (
        ("/", "html"),
        ("/local/page/page.js", "javascript"),
        ("/local/page/page.css", "css"),
    ):
        answer = world.request("GET", path)
        assert answer["statusCode"] == 200
        assert kind in answer["headers"]["content-type"]
        assert answer["headers"]["x-content-type-options"] == "nosniff"
        policy = answer["headers"]["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe-eval" not in policy
        assert not re.search(r"(?:src|href)=[\"']https?://", answer["body"])
    index = world.request("GET", "/")["body"]
    assert "onclick=" not in index
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", index), "no script in the page itself"
    for name in re.findall(r'(?:src|href)="(/[^"]+)"', index):
        assert world.request("GET", name)["statusCode"] == 200


def test_every_module_and_every_text_that_the_page_asks_for_is_there(world: World) -> None:
    index = world.request("GET", "/")["body"]
    templates = set(re.findall(r'<template id="([\w-]+)"', index))
    panes = {
        name: set(re.findall(r'data-pane="([\w-]+)"', text))
        for name, text in re.findall(r'<template id="([\w-]+)">(.*?)</template>', index, re.DOTALL)
    }
    asked, seen, views = ["page.js"], set[str](), set[str]()
    while asked:
        name = asked.pop()
        if name in seen:
            continue
        seen.add(name)
        answer = world.request("GET", f"/local/page/{name}")
        assert answer["statusCode"] == 200, name
        script = answer["body"]
        assert set(re.findall(r'\bhint\("([\w-]+)"\)', script)) <= templates, name
        asked += re.findall(r'^import .* from "\./([\w.]+)";$', script, re.MULTILINE)
        for view, drawn in re.findall(
            r"^export const (\w+) = \[load,\s*\{(.*?)\}\];", script, re.M | re.S
        ):
            views.add(view)
            assert set(re.findall(r"(\w+): show", drawn)) == panes[view], view
    assert views >= {"people", "person", "why", "groups", "runs", "tasks", "outbox"}
    assert len(seen) == len([*PAGE.glob("*.js")]), "a file nobody loads"


@pytest.mark.parametrize(
    "name",
    ["../keys.json", "..%2fkeys.json", "page.py", "", "x.js", "/etc/passwd", "page.js/x", "\0.js"],
)
def test_no_other_file_is_served(world: World, name: str) -> None:
    assert world.request("GET", f"/local/page/{name}")["statusCode"] in (400, 404)


LOCAL = [
    ("GET", "/"),
    ("GET", "/local/clock"),
    ("POST", "/local/clock"),
    ("GET", "/local/outbox"),
    ("GET", "/openapi.json"),
]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "127.0.0.1:8000.evil.example",
        "localhost.evil.example:8000",
        "0.0.0.0:8000",
        "192.168.0.2:8000",
        "",
    ],
)
def test_local_answers_only_who_asks_this_machine_by_its_own_name(world: World, host: str) -> None:
    """Else a web page could rebind its own name to 127.0.0.1 and read the outbox."""
    for method, path in LOCAL:
        answer = world.request(method, path, {"speed": 1}, {"host": host})
        assert answer["statusCode"] == 403, (method, path)
        assert answer["json"]["code"] == "forbidden"
    assert world.system.clock.speed == 0


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "localhost", "127.0.0.1"])
def test_this_machine_s_own_names_are_answered(world: World, host: str) -> None:
    for headers in ({"host": host}, {"host": host, "origin": f"http://{host}"}):
        assert world.request("GET", "/local/clock", None, headers)["statusCode"] == 200


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8000", "x"],
)
def test_no_other_web_page_may_use_local_through_a_browser(world: World, origin: str) -> None:
    """It may have a GET sent, as a mail's pixel does, but reads no answer and changes nothing."""
    answer = world.request("POST", "/local/clock", {"speed": 1}, {"origin": origin})
    assert answer["statusCode"] == 403
    assert answer["json"]["code"] == "forbidden"
    assert world.system.clock.speed == 0
    for method, path in LOCAL:
        answer = world.request(method, path, {"speed": 1}, {"origin": origin})
        assert not [name for name in answer["headers"] if name.lower().startswith("access-control")]


# --- the outbox


def test_a_mail_s_view_leads_through_us_but_for_leaving_and_small_print(world: World) -> None:
    world.customer("ada", language="en")
    world.order("ada", "o1", "basic-1y")
    world.advance("5 days")
    kept = world.outbox()[1]
    answer = world.request("GET", f"/local/outbox/{kept.send_id}/view")
    policy = answer["headers"]["content-security-policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    shown, sent = (re.findall(r'href="([^"]*)"', html) for html in (answer["body"], kept.html))
    assert shown == sent, "its links lead through us as they are"
    doors = [url.removeprefix("http://127.0.0.1:8000")[:3] for url in shown]
    assert doors.count("/c/") > 2
    assert any("/leave/" in url for url in shown)
    assert any("impressum" in url for url in shown)
    assert answer["body"].count("/o/") == 1
    assert '<a target="_blank" rel="noopener" href' in answer["body"]


def test_opens_and_clicks_in_the_outbox_count_like_those_in_a_mailbox(world: World) -> None:
    world.customer("ada", language="en")
    world.order("ada", "o1", "basic-1y")
    world.advance("5 days")
    kept = world.outbox()[1]
    opened = world.request("GET", f"/local/open/{kept.send_id}", headers={"user-agent": "me"})
    assert opened["headers"]["content-type"] == "image/gif"
    world.settle()
    world.advance("1 minute")
    clicked = world.click(kept, "guide-video")
    assert clicked["statusCode"] == 302
    video = "https://www.rechnungswerk.example/video/erste-schritte"
    assert clicked["headers"]["location"] == video
    [message] = [message for message in world.messages("ada") if message.message == "guide"]
    assert message.opened == world.now - timedelta(minutes=1)
    assert message.clicked == {"guide-video": world.now}
    events = world.api(f"/api/people/{kept.person}/timeline")["events"][:2]
    assert [event["event"] for event in events] == ["Email Link Clicked", "Email Opened"]
    assert events[0]["properties"]["link_id"] == "guide-video"
    assert events[1]["properties"]["user_agent"] == "me"


@pytest.mark.parametrize("link", ["unsubscribe", "999", "-1", "http:", "imprint", "x/y", ""])
def test_a_click_leads_nowhere_but_to_a_tracked_link_of_the_message(
    world: World, link: str
) -> None:
    world.customer("ada")
    world.order("ada", "o1", "basic-1y")
    kept = world.outbox()[0]
    answer = world.request("GET", f"/local/click/{kept.send_id}/{link}")
    assert answer["statusCode"] == 404
    assert "location" not in answer["headers"]
    for path in ("/local/click/nobody/1", "/local/open/nobody", "/local/outbox/nobody/view"):
        assert world.request("GET", path)["statusCode"] == 404


def test_a_link_with_letters_of_any_language_is_followed(tmp_path: Path) -> None:
    with bench(tmp_path) as running:
        url = "https://x.example/größe/€?q=ä&r=%20#ü"
        said = Tracked("p", "r-1", "s1", "a", "email", "1", "1", url)
        token = sign("click", said, running.system.parts.settings.link_keys)
        answer = running.http.get(f"/c/{token}")
        assert answer.status_code == 302
        target = urlsplit(answer.headers["location"])
        assert (target.scheme, target.netloc) == ("https", "x.example")
        assert answer.headers["location"].isascii()
        assert target.query == "q=%C3%A4&r=%20"


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "0000005000", "9" * 5000])
def test_a_limit_of_the_outbox_is_a_number_up_to_a_thousand(world: World, limit: str) -> None:
    answer = world.request("GET", f"/local/outbox?limit={limit}")
    assert answer["statusCode"] == 400
    assert "1 to 1000" in answer["json"]["message"]


# --- keys


def test_keys_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    keys, are_new = open_keys(file)
    assert are_new
    assert file.stat().st_mode & 0o777 == 0o600
    said = json.loads(file.read_text())
    assert {"write_key", "secret_key"} <= said.keys()
    assert said["write_key"].startswith("wk_")
    assert said["secret_key"].startswith("sk_")
    assert len(set(said.values())) == len(said)
    assert open_keys(file) == (keys, False)


def test_two_folders_have_different_keys(tmp_path: Path) -> None:
    one, _ = open_keys(tmp_path / "one.json")
    other, _ = open_keys(tmp_path / "other.json")
    assert set(vars_of(one)).isdisjoint(vars_of(other))


def vars_of(keys: Any) -> list[str]:
    return [keys.write_key, keys.secret_key, keys.identity_key, keys.link_key]


def test_the_data_folder_keeps_no_write_key_but_as_a_hash(tmp_path: Path, tante: Command) -> None:
    made = World(tmp_path / "data")
    assert tante("keys", "add", "web shop", "--data", tmp_path / "data").returncode == 0
    wiring.use(None)
    key = made.system.keys.write_key.encode()
    for file in (tmp_path / "data").iterdir():
        if file.name != "keys.json":
            assert key not in file.read_bytes(), file.name


def test_a_key_is_added_shown_once_used_listed_and_revoked(tmp_path: Path, tante: Command) -> None:
    data = tmp_path / "data"
    world = World(data)
    added = tante("keys", "add", "web shop", "--trusted", "--data", data)
    assert added.returncode == 0
    key = added.stdout.split()[0]
    assert key.startswith("wk_")
    call = {"userId": "u", "event": "x", "messageId": "m1", "writeKey": key}
    assert world.request("POST", "/v1/track", call)["statusCode"] == 200
    listed = tante("keys", "list", "--data", data).stdout
    assert re.search(r"web shop +trusted .* in use", listed)
    assert key not in listed
    assert tante("keys", "revoke", "web shop", "--data", data).returncode == 0
    assert "revoked" in tante("keys", "list", "--data", data).stdout
    world.advance("2 minutes")
    answer = world.request("POST", "/v1/track", {**call, "messageId": "m2"})
    assert answer["statusCode"] == 401
    assert answer["json"]["code"] == "invalid_write_key"
    first = {**call, "messageId": "m3", "writeKey": world.system.keys.write_key}
    assert world.request("POST", "/v1/track", first)["statusCode"] == 200
    wiring.use(None)


def test_a_source_that_there_is_not_is_told_with_those_that_there_are(
    tmp_path: Path, tante: Command
) -> None:
    World(tmp_path)
    wiring.use(None)
    answer = tante("keys", "revoke", "shop [bold]", "--data", tmp_path)
    assert answer.returncode == 1
    assert 'no source "shop [bold]"' in answer.stderr
    assert "first source" in answer.stderr


def test_a_folder_without_data_is_told_with_what_to_do(tmp_path: Path, tante: Command) -> None:
    for command in (("list",), ("add", "x"), ("revoke", "x")):
        answer = tante("keys", *command, "--data", tmp_path / "none")
        assert answer.returncode == 1
        assert "tante run --data" in answer.stderr
    assert not (tmp_path / "none").exists()


# --- the other commands


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("run",),
        ("check",),
        ("demo",),
        ("schema",),
        ("keys",),
        ("keys", "add"),
        ("keys", "list"),
        ("keys", "revoke"),
    ],
    ids=" ".join,
)
def test_every_command_says_what_it_is_for(command: tuple[str, ...], tante: Command) -> None:
    answer = tante(*command, "--help")
    assert answer.returncode == 0
    assert re.search(rf"Usage: .*tante {' '.join(command)}", answer.stdout)
    assert len(answer.stdout.splitlines()) > 5


def test_the_command_without_words_shows_its_help(tante: Command) -> None:
    assert "Usage: " in tante().stdout + tante().stderr


def broken_folder(folder: Path, **files: str) -> Path:
    """`statemachines/` with one journey, some files of which are as given."""
    target = folder / "statemachines"
    (target / "hello").mkdir(parents=True)
    (target / "brand.yaml").write_text((JOURNEYS / "brand.yaml").read_text("utf-8"), "utf-8")
    journey = files.get(
        "journey",
        "title: Hello\npurpose: offers\nonce per: person\n"
        "enter when: {event: Signed Up}\nsteps:\n  - send: hi\n    by: sms\n",
    )
    (target / "hello" / "journey.yaml").write_text(journey, "utf-8")
    for language in ("de", "en"):
        (target / "hello" / f"hi.{language}.sms").write_text(files.get(language, "Hi"), "utf-8")
    return target


def test_check_says_what_is_fine(tmp_path: Path, tante: Command) -> None:
    answer = tante("check", broken_folder(tmp_path))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "hello: 1 step," in answer.stdout
    shipped = tante("check", JOURNEYS)
    assert shipped.returncode == 0, shipped.stderr
    lines = shipped.stdout.splitlines()
    assert [line.split()[1] for line in lines if "states" in line] == [
        "onboarding:",
        "recovery:",
        "upsell:",
    ]


def test_check_names_every_problem_with_file_and_line_and_fails(
    tmp_path: Path, tante: Command
) -> None:
    head = "title: Hello\npurpose: offers\nonce per: person\nenter when: {event: A}\n"
    journey = f"{head}steps:\n  - sned: hi\n"
    folder = broken_folder(tmp_path, journey=journey, de="one\n{{ x | safe }}", en="{% if %}")
    answer = tante("check", folder)
    assert answer.returncode == 1
    assert "hello/journey.yaml:6" in answer.stderr
    assert "hello/hi.de.sms:2" in answer.stderr
    assert "hello/hi.en.sms" in answer.stderr
    assert "nothing was published" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("word", ["[/]", "[/x]", "[bold]", "[red]x[/red]", "[link=x]"])
def test_square_brackets_in_a_problem_are_shown_as_they_are(
    tmp_path: Path, tante: Command, word: str
) -> None:
    journey = f'title: Hello\npurpose: "{word}"\nonce per: person\nsteps:\n  - send: "{word}"\n'
    answer = tante("check", broken_folder(tmp_path, journey=journey))
    assert answer.returncode == 1
    assert word in answer.stderr


def test_check_of_no_folder_or_of_one_without_a_brand_says_so(
    tmp_path: Path, tante: Command
) -> None:
    none = tante("check", tmp_path / "none")
    assert (none.returncode, "there is no folder" in none.stderr) == (2, True)
    empty = tante("check", tmp_path)
    assert (empty.returncode, "brand.yaml" in empty.stderr) == (1, True)
    assert "Traceback" not in none.stderr + empty.stderr


def test_a_file_that_is_not_utf_8_is_told_without_a_traceback(
    tmp_path: Path, tante: Command
) -> None:
    folder = broken_folder(tmp_path)
    (folder / "hello" / "hi.de.sms").write_bytes(b"Gr\xfc\xdfe")
    answer = tante("check", folder)
    assert answer.returncode == 1
    assert "hi.de.sms" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_broken_folder_is_not_run(tmp_path: Path) -> None:
    folder = broken_folder(tmp_path, de="{% if %}")
    answer = tante_run("--port", "8299", "--data", tmp_path / "data", "--journeys", folder)
    assert answer.returncode == 1
    assert "hello/hi.de.sms" in answer.stderr


def test_a_taken_port_is_told_and_ends_the_command(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = tante_run("--port", port, "--data", tmp_path, "--journeys", JOURNEYS)
    assert answer.returncode == 1
    assert f"Port {port}" in answer.stderr
    assert "taken" in answer.stderr
    assert "Traceback" not in answer.stderr


# --- a sudden end


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def process(data: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The real server in a process of its own, ready to answer."""
    command = [TANTE, "run", "--port", str(port), "--data", data, "--journeys", JOURNEYS]
    with open(data.parent / "log", "ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until(lambda: answers(port) or server.poll() is not None)
        assert server.poll() is None, (data.parent / "log").read_text()
        yield server
    finally:
        if server.poll() is None:
            server.kill()
        server.wait()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/local/clock").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.timeout(360)  # three starts, each as patient as `until`
def test_what_was_answered_with_200_is_there_exactly_once_after_a_kill(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    url = f"http://127.0.0.1:{port}"
    sent: list[str] = []
    # Each call on a connection of its own: the server that answered the last may be dead.
    alone = httpx.Limits(max_keepalive_connections=0)
    http = httpx.Client(base_url=url, timeout=PATIENCE, limits=alone)
    for life in range(2):
        with process(data, port) as server:
            keys = json.loads((data / "keys.json").read_text())
            for number in range(5):
                message_id = f"{life}-{number}"
                call = {"userId": "ada", "event": "Bought", "messageId": message_id}
                answer = http.post("/v1/track", json={**call, "writeKey": keys["write_key"]})
                assert answer.status_code == 200
                sent.append(message_id)
            server.send_signal(signal.SIGKILL)
            assert server.wait() == -signal.SIGKILL
    with process(data, port):
        secret = {"authorization": f"Bearer {keys['secret_key']}"}

        def found() -> list[str]:
            people = http.get("/api/people?user_id=ada", headers=secret).json()["people"]
            if not people or people[0]["events"]["Bought"]["count"] < len(sent):
                return []
            path = f"/api/people/{people[0]['id']}/timeline"
            events = http.get(path, headers=secret).json()["events"]
            return [event["message_id"] for event in calls(events)]

        assert sorted(until(found)) == sorted(sent)
        assert http.get("/local/clock").json()["waiting"] == 0


def test_ctrl_c_ends_the_server_at_once_and_cleanly(tmp_path: Path) -> None:
    with process(tmp_path / "data", free_port()) as server:
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=25) in (0, 130, -signal.SIGINT)
    assert "Traceback" not in (tmp_path / "log").read_text()


# --- the stock clients of Segment against the whole system

KINDS = ["identify", "track", "page", "screen", "group", "alias"]


def calls(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that the site sent; the others are of our own: a stage, a segment, an account."""
    assert len({event["message_id"] for event in events}) == len(events)
    return [event for event in events if event["source"] == FIRST_SOURCE]


def kinds_of(running: Bench, *users: str) -> Counter[str]:
    return Counter(event["type"] for user in users for event in calls(running.events(user)))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Bench, Site]]:
    with bench(tmp_path, None) as running:
        yield running, Site(running.url, running.system.keys.write_key, list)


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_every_call_of_the_python_client_is_once_in_the_timeline(
    site: tuple[Bench, Site], gzip: bool
) -> None:
    running, found = site
    client, failures = python_client(found, gzip=gzip)
    client.identify("u-1", {"email": "a@example.org"}, anonymous_id="visitor")
    client.track("u-1", "Order Completed", {"order_id": "o-1"})
    client.page("u-1", "Shop", "Home", {"path": "/"})
    client.screen("u-1", None, "Start")
    client.group("u-1", "acme", {"industry": "shoes"})
    client.alias("visitor", "u-1")
    client.shutdown()
    assert not failures
    until(lambda: kinds_of(running, "u-1").total() >= len(KINDS))
    running.clock({"advance": "1 minute"})
    assert kinds_of(running, "u-1") == Counter(KINDS)
    [person] = running.api("/api/people", anonymous_id="visitor")["people"]
    assert (person["user_id"], person["email"]) == ("u-1", "a@example.org")
    assert not running.system.queue.dead()


def test_a_batch_sent_twice_is_once_in_the_timeline(site: tuple[Bench, Site]) -> None:
    running, found = site
    batch = [
        {
            "type": "track",
            "userId": "u-2",
            "event": "Counted",
            "messageId": f"b{number}",
            "timestamp": "2026-05-04T03:02:01.000Z",
        }
        for number in range(50)
    ]
    for sent_at in ("2026-05-04T03:02:02.000Z", "2026-05-04T03:02:09.000Z"):
        body = {"batch": batch, "sentAt": sent_at, "writeKey": found.write_key}
        assert httpx.post(f"{found.url}/v1/batch", json=body).json() == {"success": True}
    until(lambda: len(calls(running.events("u-2"))) >= len(batch))
    running.clock({"advance": "1 minute"})
    assert Counter(event["message_id"] for event in calls(running.events("u-2"))) == Counter(
        call["messageId"] for call in batch
    )


def test_every_call_of_the_node_client_is_once_in_the_timeline(site: tuple[Bench, Site]) -> None:
    running, found = site
    told = run_node(found)
    assert not told["errors"]
    until(lambda: kinds_of(running, "node-user").total() >= 4)

    def events() -> list[dict[str, Any]]:
        people = running.api("/api/people")["people"]
        timelines = (running.api(f"/api/people/{person['id']}/timeline") for person in people)
        return calls([event for timeline in timelines for event in timeline["events"]])

    until(lambda: len(events()) >= len(KINDS))
    running.clock({"advance": "1 minute"})
    assert Counter(event["message_id"] for event in events()) == Counter(told["ids"].values())
    assert Counter(event["type"] for event in events()) == Counter(KINDS)


def test_one_data_folder_belongs_to_one_worker_at_a_time(tmp_path: Path) -> None:
    first, second = (System(tmp_path, JOURNEYS, "http://127.0.0.1:8000") for _ in range(2))
    with first.running(), pytest.raises(InUse, match="in use by another tante"), second.running():
        pass
    with second.running():
        pass


@pytest.mark.parametrize("port", ["-1", "0", "99999"])
def test_a_port_that_cannot_be_is_refused_in_words(
    tante: Command, port: str, tmp_path: Path
) -> None:
    answer = tante("run", "--port", port, "--data", tmp_path / "data")
    assert answer.returncode == 2
    assert "--port" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "data").exists()


def test_a_data_folder_that_is_a_file_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    answer = tante_run("--port", "8299", "--data", tmp_path / "data")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
