"""A storm of bounces and complaints, each of them told three times."""

import json
from collections import Counter
from random import Random
from typing import Any

from functions.storage import people
from functions.tracking.message import Message
from tests.faults.operations import address
from tests.faults.overload.load import MINUTE, Found, Load, iso, one_journey, sign_up
from tests.faults.simulation import DAY, HOUR

STORM = 2 * HOUR


def bounce_storm(mails: int = 200) -> Found:
    """Within a minute every mail bounces or is complained of, three times told, in any order."""
    found = Found("a bounce storm")
    with one_journey():
        load = Load()
        load.simulation.provider._tell = lambda channel, message, where: []  # type: ignore[method-assign]
        for number in range(mails):
            sign_up(load, f"u{number}", 10 + number * MINUTE / mails)
        load.run(STORM)
        sent = [one.message for one in load.simulation.provider.accepted]
        found.must(len(sent) == mails, f"{len(sent)} of {mails} mails went")
        _let_bounce(load, sent)
        load.run(STORM + 2 * HOUR)
        found.notes["told"] = 9 * len(sent)
        for number in range(mails):
            _check_bounced(load, found, number)
        load.run(3 * DAY)
        later = Counter(one.message.to for one in load.simulation.provider.accepted[mails:])
        soft = {address(f"u{n}"): 2 for n in range(mails) if _kind_of_storm(n) == "soft"}
        found.must(later == soft, f"{later.total()} later mails, {2 * len(soft)} were allowed")
        load.tell(found)
        found.calls = load.calls["store"]
        found.must(not found.dead, f"dead letters: {dict(found.dead)}")
    return found


def _kind_of_storm(number: int) -> str:
    """Of ten mails five are complained of, four bounce for good, one bounces for a while."""
    return ("hard", "spam")[number % 2] if number % 10 else "soft"


def _let_bounce(load: Load, sent: list[Any]) -> None:
    random = Random(4)
    for message in sent:
        kind = _kind_of_storm(int(message.to.partition("@")[0][1:]))
        told = ["Send", "Delivery", "Complaint" if kind == "spam" else "Bounce"]
        for number, what in enumerate(told * 3):
            detail = {"timestamp": iso(STORM + told.index(what) * 5)}
            if what == "Bounce":
                detail["bounceType"] = "Permanent" if kind == "hard" else "Transient"
            tags = {name: [value] for name, value in message.tags.items()}
            mail = {"timestamp": iso(STORM), "tags": tags}
            said = {"eventType": what, "mail": mail, what.lower(): detail}
            body = json.dumps({"Message": json.dumps(said)}).encode()
            at = STORM + 10 + random.random() * MINUTE
            load.bring(at, body, f"{what} {number} of {message.send_id}")


def _check_bounced(load: Load, found: Found, number: int) -> None:
    user, kind = f"u{number}", _kind_of_storm(number)
    profile = load.person(user)
    name = "Email Marked as Spam" if kind == "spam" else "Email Bounced"
    times = {one: profile.events[one].count for one in profile.events if one.startswith("Email")}
    found.must(times == {"Email Sent": 1, "Email Delivered": 1, name: 1}, f"{user} knows {times}")
    permission = people.permission_of(load.simulation.bare, profile.person)
    reason = {"hard": "hard bounce", "spam": "marked as spam", "soft": None}[kind]
    found.must(permission.suppressed.get("email") == reason, f"{user}: {permission.suppressed}")
    rows = list(load.simulation.bare.query(Message, profile.person))
    known = [row.complained if kind == "spam" else row.bounced for row in rows]
    found.must(len(known) == 1 and known[0] is not None, f"the ledger of {user} says {known}")
