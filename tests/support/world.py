"""A whole Tante in a test: the real handlers on SQLite, virtual time, no server and no thread."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from functions.folder import Checked, Folder, check
from functions.handlers import publish_journey
from functions.segments.phrases import duration
from functions.storage.people import People, permission_of
from functions.tracking.message import Kept, Message
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile
from local.app import App
from local.system import System

BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
START = datetime(2027, 3, 1, 9, tzinfo=UTC)
JOURNEYS = Path(__file__).parents[2] / "statemachines"
CONTEXT = SimpleNamespace(aws_request_id="test", function_name="test")


_checked: dict[bytes, list[Checked]] = {}


def _check_once(folder: Folder) -> list[Checked]:
    """The check of a folder, remembered by its text: tests publish the same files a thousand times,
    and what is found about them never differs."""
    key = msgspec.json.encode(folder)
    if key not in _checked:
        _checked[key] = check(folder)
    return _checked[key]


publish_journey.check = _check_once  # type: ignore[attr-defined]


class World:
    """Speaks to the system as the outside does: HTTP calls, clicks, and the passing of time."""

    def __init__(self, data: Path, journeys: Path = JOURNEYS, start: datetime = START) -> None:
        self.system = System(data, journeys, "http://127.0.0.1:8000", start)
        # Each would be made in a process of its own, for whose end nobody waits here.
        object.__setattr__(self.system.parts, "forecast", lambda forecast_id: None)
        self.system.publish()
        self.app = App(self.system)
        self._ids = count(1)

    @property
    def now(self) -> datetime:
        return self.system.clock.now()

    @property
    def store(self) -> Any:
        return self.system.store

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """One HTTP request as API Gateway hands it over; the answer with `json` parsed."""
        path, _, query = path.partition("?")
        pairs = dict(pair.split("=", 1) for pair in query.split("&")) if query else {}
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"host": "127.0.0.1:8000", **(headers or {})},
            "requestContext": {
                "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
                "stage": "$default",
            },
            "isBase64Encoded": False,
        }
        cookie = event["headers"].pop("cookie", "")
        if cookie:
            event["cookies"] = cookie.split("; ")
        if pairs:
            event["queryStringParameters"] = pairs
        if body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        answer = self.app.route(method, path)(event, CONTEXT)
        with suppress(json.JSONDecodeError, TypeError):
            answer = {**answer, "json": json.loads(answer.get("body"))}
        return answer

    def api(self, path: str, **query: str) -> Any:
        """GET from the admin API."""
        key = {"authorization": f"Bearer {self.system.keys.secret_key}"}
        asked = f"?{urlencode(query, safe='@#:+/')}" if query else ""
        answer = self.request("GET", path + asked, headers=key)
        assert answer["statusCode"] == 200, answer
        return answer["json"]

    # --- what a shop sends

    def post(self, kind: str, call: dict[str, Any]) -> dict[str, Any]:
        """A call of Segment's API with the write key, and everything that follows from it now."""
        call = {"writeKey": self.system.keys.write_key, **call}
        call.setdefault("messageId", f"m{next(self._ids)}")
        call.setdefault("timestamp", self.now.isoformat())
        call.setdefault("sentAt", self.now.isoformat())
        answer = self.request("POST", f"/v1/{kind}", call)
        self.settle()
        return answer

    def track(self, user: str, event: str, **properties: Any) -> dict[str, Any]:
        return self.post("track", {"userId": user, "event": event, "properties": properties})

    def identify(self, user: str, **traits: Any) -> dict[str, Any]:
        return self.post("identify", {"userId": user, "traits": traits})

    def customer(self, user: str, *, consents: bool = True, **traits: Any) -> None:
        """Someone with an address who permits everything by e-mail and SMS."""
        self.identify(user, email=f"{user}@example.com", phone="+4915112345678", **traits)
        purposes = [*self.system.parts.library.brand().purposes, "tracking"]
        for channel in ("email", "sms") if consents else ():
            self.track(user, "Consent Given", channel=channel, purposes=purposes)

    def order(self, user: str, order_id: str, *skus: str, **more: Any) -> None:
        products = [{"sku": sku} for sku in skus]
        properties = {"order_id": order_id, "revenue": 10, "currency": "EUR", "products": products}
        self.track(user, "Order Completed", **{**properties, **more})

    # --- time

    def settle(self) -> None:
        """Do all that is due now."""
        self.system.catch_up(self.now)

    def advance(self, length: str) -> None:
        """Let time pass; what falls due on the way is done at its own time."""
        moment = duration(length).after(self.now, ZoneInfo("UTC"))
        self.system.catch_up(moment)
        self.system.clock.move_to(moment)

    # --- what people do with their messages

    def outbox(self) -> list[Kept]:
        """All messages, oldest first."""
        return self.system.store.listing(Kept, limit=500)[0][::-1]

    def open(self, kept: Kept) -> None:
        self.request("GET", f"/local/open/{kept.send_id}", headers=BROWSER)
        self.settle()

    def click(self, kept: Kept, link: str) -> dict[str, Any]:
        answer = self.request("GET", f"/local/click/{kept.send_id}/{link}", headers=BROWSER)
        self.settle()
        return answer

    # --- what is known

    def person(self, user: str) -> Profile:
        parts = self.system.parts
        found = People(parts.store, parts.settings.identity_key).by("user_id", user)
        assert found, f"nobody is known as {user}"
        return found

    def permission(self, user: str) -> Permission:
        return permission_of(self.store, self.person(user).person)

    def messages(self, user: str) -> list[Message]:
        """The ledger's rows, in the order of their claims; those never claimed last."""
        keys = self.person(user).keys
        found = [message for key in keys for message in self.store.query(Message, key)]
        last = datetime.max.replace(tzinfo=UTC)
        return sorted(found, key=lambda message: (message.claimed or last, message.step))

    def sent(self, user: str) -> list[str]:
        """The names of the messages that went to this person, oldest first."""
        return [message.message for message in self.messages(user) if message.state == "sent"]

    def runs(self, journey: str) -> list[dict[str, Any]]:
        """The runs of a journey as the admin API shows them, newest first."""
        found: list[dict[str, Any]] = self.api("/api/runs", journey=journey)["runs"]
        return found

    def outcomes(self, journey: str) -> list[str]:
        """The outcomes of a journey's runs, "open" for those under way, newest first."""
        runs = sorted(self.runs(journey), key=lambda run: run["entered"], reverse=True)
        return [run["outcome"] or run["status"] for run in runs]

    def days(self, number: float) -> timedelta:
        return timedelta(days=number)
