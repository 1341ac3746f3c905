"""What one person did, told of somebody who is made up, at another time."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from functions.tracking.event import Event
from functions.tracking.identity import normal_email, phones, short_hash
from functions.tracking.profile import Profile

_DAY = timedelta(days=1)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ADDRESSES = ("email", "phone")
_KEPT_OF_A_NUMBER = 6  # its country, and more of it where several countries share a code


class Renaming:
    """Gives the events of a person to another one: their identifiers are made up, wherever they
    stand, and all happens `later`; so do the days ahead that an event names."""

    def __init__(
        self,
        name: str,
        key: str,
        records: Iterable[Any],
        events: Sequence[Event],
        later: timedelta,
    ) -> None:
        self._name, self._key, self._later = name, key, later
        self._new: dict[str, str] = {}  # by what it was, in small letters
        # Addresses first: an account may be called by one, and has to be written to by it.
        found = sorted(_identifiers(records, events), key=lambda one: one[0] not in _ADDRESSES)
        for kind, value in found:
            if value:
                self._new.setdefault(value.strip().lower(), self._made_up(kind, value))
        addresses = [re.escape(value) for value in self._new if "@" in value]
        self._addresses = re.compile("|".join(addresses), re.IGNORECASE) if addresses else None

    def of(self, event: Event, number: int) -> Event:
        """The event as the other one's, the so-manieth of theirs."""
        time = event.time + self._later
        return msgspec.structs.replace(
            event,
            message_id=f"{self._name}-{number}",
            time=time,
            received_at=event.received_at + self._later,
            client_time=time.isoformat(),
            user_id=self._id(event.user_id),
            anonymous_id=self._id(event.anonymous_id),
            previous_id=self._id(event.previous_id),
            properties=self._value(event.properties, event.time),
            traits=self._value(event.traits, event.time),
            context=self._value(event.context, event.time),
            person=self._key if event.person else "",
        )

    def _made_up(self, kind: str, value: str) -> str:
        number = len(self._new)
        if kind == "email":
            return f"{self._name}-{number}@example.invalid"
        if kind == "phone":
            kept, rest = value[:_KEPT_OF_A_NUMBER], len(value) - _KEPT_OF_A_NUMBER
            digits = str(int(short_hash(self._name, value), 16)).zfill(20)
            return kept + digits[len(digits) - rest :]
        return f"{self._name}-{number}" if kind == "anonymous_id" else self._name

    def _id(self, value: str) -> str:
        return self._new.get(value.strip().lower(), self._name) if value else ""

    def _value(self, value: Any, told: datetime) -> Any:
        if isinstance(value, dict):
            return {name: self._value(one, told) for name, one in value.items()}
        if isinstance(value, list):
            return [self._value(one, told) for one in value]
        return self._text(value, told) if isinstance(value, str) else value

    def _text(self, text: str, told: datetime) -> str:
        found = self._new.get(text.strip().lower())
        if found:
            return found
        if self._addresses:
            text = self._addresses.sub(lambda one: self._new[one.group().lower()], text)
        return self._moved(text, told) if _DATE.match(text) else text

    def _moved(self, text: str, told: datetime) -> str:
        """A day that was still ahead lies as far ahead again; a birthday stays."""
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return text
        if (found if found.tzinfo else found.replace(tzinfo=UTC)) < told - _DAY:
            return text
        try:
            moved = (found + self._later).isoformat()
        except OverflowError:
            return text
        return moved[: len("2027-03-01")] if len(text) == len("2027-03-01") else moved


def _identifiers(records: Iterable[Any], events: Iterable[Event]) -> Iterator[tuple[str, str]]:
    """All that leads to the person, by kind, as it was written and as it is kept."""
    said: list[dict[str, Any]] = []
    for profile in records:
        if isinstance(profile, Profile):
            yield "user_id", profile.user_id
            yield from (("anonymous_id", one) for one in profile.anonymous_ids)
            said.append({name: one.value for name, one in profile.traits.items()})
    for event in events:
        yield "user_id", event.user_id
        yield from (("anonymous_id", one) for one in (event.anonymous_id, event.previous_id))
        said += [event.traits, event.properties]
        inner = event.context.get("traits")
        said += [inner] if isinstance(inner, dict) else []
    for traits in said:
        yield "email", normal_email(traits.get("email"))
        for number in phones(traits):
            yield "phone", number
        for name in ("phone", "mobile"):
            if isinstance(traits.get(name), str) and phones({name: traits[name]}):
                yield "phone", traits[name]
