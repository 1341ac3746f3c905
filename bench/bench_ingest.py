"""Events per second from HTTP to the stored profile on SQLite, beside an empty handler.

The floor is the same HTTP server and the same requests with a handler that only answers 200.
"""

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import urllib3

PEOPLE = 1_000
BATCHES, BATCH = 100, 100
SINGLES = 2_000
ROOT = Path(__file__).parents[1]
FLOOR = """
import sys
from local.http_server import application, fast, serve
answer = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{}"}
app = application(lambda method, path: fast(lambda event, context: answer))
serve(app, int(sys.argv[1]), lambda: None)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(command: list[str], port: int) -> Iterator[str]:
    """A server process, once it answers."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    url, http = f"http://127.0.0.1:{port}", urllib3.PoolManager(retries=False)
    try:
        for _ in range(200):
            try:
                http.request("GET", url + "/local/clock")
                break
            except urllib3.exceptions.HTTPError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def call(random: Random, number: int) -> dict[str, object]:
    """A product view of about 600 bytes, as a shop sends it."""
    return {
        "type": "track",
        "event": "Product Viewed",
        "userId": f"u{random.randrange(PEOPLE)}",
        "messageId": f"m{number}",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "properties": {
            "product_id": str(random.randrange(5_000)),
            "sku": f"sku-{random.randrange(5_000)}",
            "name": "Espresso machine with a grinder",
            "category": "kitchen",
            "price": 249.0,
            "currency": "EUR",
            "url": "https://shop.example.com/kitchen/espresso-machine-with-a-grinder",
        },
        "context": {
            "library": {"name": "analytics-python", "version": "2.4.0"},
            "locale": "de-DE",
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140 Safari",
        },
    }


def bodies(key: str, batch: int, batches: int) -> list[bytes]:
    random = Random(batch)
    made = []
    for number in range(batches):
        calls = [call(random, (batch * 1_000_000) + number * batch + i) for i in range(batch)]
        single = batch == 1
        body = {**calls[0], "writeKey": key} if single else {"batch": calls, "writeKey": key}
        made.append(json.dumps(body).encode())
    return made


def send(url: str, requests: list[bytes], drained: Callable[[], bool]) -> float:
    """Seconds from the first request to the last stored profile."""
    http = urllib3.PoolManager(maxsize=1)
    path = "/v1/batch" if b'"batch"' in requests[0] else "/v1/track"
    started = time.perf_counter()
    for body in requests:
        answer = http.request(
            "POST", url + path, body=body, headers={"content-type": "application/json"}
        )
        assert answer.status == 200, answer.data
    while not drained():
        time.sleep(0.01)
    return time.perf_counter() - started


def main() -> None:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        tante = [sys.executable, "-m", "local", "run", "--port", str(port), "--data", folder]
        with server(tante, port) as url:
            key = json.loads((Path(folder) / "keys.json").read_bytes())["write_key"]
            http = urllib3.PoolManager()

            def drained() -> bool:
                answer = http.request("GET", url + "/local/clock").json()
                return bool(answer["waiting"] == 0)

            many, one = bodies(key, BATCH, BATCHES), bodies(key, 1, SINGLES)
            ours = send(url, many, drained), send(url, one, drained)
    port = free_port()
    with server([sys.executable, "-c", FLOOR, str(port)], port) as url:
        floor = send(url, many, lambda: True), send(url, one, lambda: True)
    print("HTTP to stored profile on SQLite, one client beside it on the same cores")
    print(f"{'':28}{'Tante':>12}{'empty handler':>16}{'ratio':>8}")
    for name, events, mine, other in (
        (f"batches of {BATCH}", BATCHES * BATCH, ours[0], floor[0]),
        ("one event a request", SINGLES, ours[1], floor[1]),
    ):
        row = f"{events / mine:>8,.0f} e/s{events / other:>12,.0f} e/s{other / mine:>8.2f}"
        print(f"{name:28}{row}")


if __name__ == "__main__":
    main()
