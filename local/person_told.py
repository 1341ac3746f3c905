"""What `tante people show` says beside who somebody is: where they stand, what is next, what
happened, and what they were sent."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from local.address import segment
from local.asking import Client
from local.code_commands import told as codes_told

Line = tuple[str, str]  # what it is about, and the words
CLOSED = ("won", "lost")
# Of an event's properties those that say the most, in this order.
TELLING = (
    *("title", "text", "email_subject", "query", "path", "account_id", "threshold", "points"),
    *("link_id", "order_id", "outcome", "reason", "by", "code"),
)
AMOUNTS = ("total", "revenue", "value", "amount")


def told(ask: Client, person: str, language: str, most: int) -> Iterator[Line]:
    """The lines, with `most` events and messages at the most; `person` is the id, fit for a path.
    Raises what the client raises."""
    path = f"/api/people/{person}"

    def get(ending: str) -> Any:
        return ask.ask("GET", f"{path}/{ending}?{urlencode({'in': language})}")

    yield from _stands(get("stages")["stages"], get("score"))
    yield from (("referral", line) for line in get("referral")["says"])
    brief = get("brief")
    yield "owner", brief["owner"]
    yield from (("next", line) for line in _next(brief))
    deals = ask.ask("GET", f"{path}/deals")["deals"]
    yield from (("deal", _deal(one)) for one in deals if one["stage"] not in CLOSED)
    yield from (("code", line) for line in codes_told(ask, person))
    runs = ask.ask("GET", f"/api/runs?person={person}")["runs"]
    for journey in dict.fromkeys(run["journey"] for run in runs if run["status"] == "open"):
        for run in get(f"journeys/{segment(journey)}/why")["runs"]:
            if not run["ended"]:
                yield "journey", f"{journey}: {_place(run)}"
    events = ask.ask("GET", f"{path}/timeline?limit={most}")["events"]
    yield from (("happened", _event(event)) for event in events)
    messages = ask.ask("GET", f"/api/messages?person={person}")["messages"][:most]
    yield from (("sent", _message(message)) for message in messages)
    for journey in dict.fromkeys(message["journey"] for message in messages):
        yield "why", f"tante why {person} {journey}"


def _stands(stages: list[dict[str, Any]], score: dict[str, Any]) -> Iterator[Line]:
    for one in stages:
        since = f" since {one['since'][:10]}" if one["since"] else ""
        yield f"stage ({one['model']})", f"{one['title'] or one['stage'] or 'none yet'}{since}"
    if score["parts"]:
        reasons = ", ".join(
            f"{one['title']} {one['points']:+g}" for one in score["parts"] if one["points"]
        )
        yield "score", f"{score['score']}" + (f": {reasons}" if reasons else "")


def _next(brief: dict[str, Any]) -> list[str]:
    """The sentences below the brief's first heading, which is what is next."""
    parts: list[dict[str, list[str]]] = brief["parts"]
    return parts[0]["says"] if parts else []


def _deal(deal: dict[str, Any]) -> str:
    words = f"{deal['title']}: {deal['stage']} since {deal['since'][:10]}"
    lacks = f", to find out: {', '.join(deal['missing'])}" if deal["missing"] else ""
    return f"{words}, {deal['value']:,} {deal['currency']}{lacks}"


def _place(run: dict[str, Any]) -> str:
    if not run["stations"]:
        return "is at work"
    station: dict[str, str] = run["stations"][-1]
    return f"{station['says']}: {station['came']}"


def _event(event: dict[str, Any]) -> str:
    known = event["properties"]
    found = (known.get(name) for name in TELLING)
    words = [f"{one:g}" if isinstance(one, float) else str(one) for one in found if _is_said(one)]
    amount = next((known[name] for name in AMOUNTS if name in known), None)
    if isinstance(amount, int | float):
        words.append(f"{amount:,} {known.get('currency', '')}".strip())
    words = words or list(event["traits"])
    name = event["event"] or event["type"]
    return f"{_time(event['time'])}  {name}" + (f": {', '.join(words)}" if words else "")


def _is_said(value: Any) -> bool:
    return isinstance(value, str | int | float) and value != ""


def _message(message: dict[str, Any]) -> str:
    when = message.get("claimed") or message.get("held_out")
    what = f"{message['journey']}/{message['message']}"
    subject = f" “{message['subject']}”" if message.get("subject") else ""
    state = message["state"] + (f" ({message['reason']})" if message.get("reason") else "")
    came = [word for word in ("opened", "clicked", "bounced", "complained") if message.get(word)]
    return f"{_time(when) if when else ' ' * 16}  {what}{subject}: {', '.join([state, *came])}"


def _time(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"
