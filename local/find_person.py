"""Who is meant on the command line: an e-mail address, a phone number, an id."""

from typing import Any
from urllib.parse import urlencode

from local.address import segment
from local.client import Client, Refusal


class NoPerson(Exception):
    """Nobody is known by what was given; the text says what was tried."""


def find_person(client: Client, who: str) -> dict[str, Any]:
    """The person, as the admin API shows them: by an e-mail address, a phone number (with "+"), a
    user id, an anonymous id or the person's own id. Raises NoPerson, and what the client raises.
    """
    kinds = ["email"] if "@" in who else ["user_id", "anonymous_id"]
    kinds += ["phone"] if who.startswith("+") else []
    for kind in kinds:
        people = client.ask("GET", f"/api/people?{urlencode({kind: who})}")["people"]
        if people:
            found: dict[str, Any] = people[0]
            return found
    try:
        one: dict[str, Any] = client.ask("GET", f"/api/people/{segment(who)}")
    except Refusal:
        words = " or ".join(kinds).replace("_", " ")
        raise NoPerson(f'nobody is known by the {words} "{who}"') from None
    return one


def person_segment(client: Client, who: str) -> str:
    """The id of the same person as a part of a path."""
    return segment(str(find_person(client, who)["id"]))
