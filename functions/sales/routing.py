"""Routing: who takes a person on, by rules that give the same answer to the same question."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from functions.sales.rules import Colleague, Sales
from functions.segments.condition import Facts
from functions.segments.operators import find
from functions.segments.person import fields
from functions.tracking.event import Event
from functions.tracking.fold import open_carts
from functions.tracking.profile import Profile


@dataclass(frozen=True)
class Customer:
    """What a colleague's lists are compared with: country and language ("" where unknown), and
    the products that the person shows an interest in."""

    region: str = ""
    language: str = ""
    products: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Routed:
    """Who takes the person on, and why. `stays`: they are the person's owner from now on, not
    only for this once."""

    owner: str
    why: str
    stays: bool = False


def customer(profile: Profile, entry: Event | None, now: datetime) -> Customer:
    """The person as routing sees them; `entry` is the event that began the run."""
    person = fields(profile, now)
    region = person.get("country") or next(iter(find(person, "address.country")), "")
    language = str(person.get("locale") or "").replace("_", "-").partition("-")[0]
    wanted = [item for cart in open_carts(profile).values() for item in cart.items]
    for path in ("products.sku", "products.product_id", "sku", "product_id", "product"):
        wanted += find(entry.properties, path) if entry else []
    products = frozenset(str(item) for item in wanted if isinstance(item, str | int))
    return Customer(_text(region).upper(), language.lower(), products)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def route(
    sales: Sales,
    whom: Customer,
    facts: Facts,
    own: str,
    today: date,
    open_tasks: Callable[[str], int],
    team: str,
) -> Routed:
    """Who takes the person on.

    The person's own colleague (`own`, "" for none) does, unless away; who is not in sales.yaml is
    believed to be there. Else the first line of the routing that fits and has somebody who is
    there, covers the person, and has room; of several the one with the fewest `open_tasks(name)`,
    then the first in the file. A team takes what none of its line's colleagues can. `team` is
    brand.yaml's own, which takes what is left.
    """
    theirs = sales.colleague(own)
    if own and not theirs:
        return Routed(own, f"{own} is the person's owner")
    away = sales.absence(theirs, today) if theirs else None
    if theirs and not away:
        return Routed(theirs, f"{theirs} is the person's owner")
    stays, before = not theirs, ""
    if away:
        stays = not away.to  # who has gone for good is replaced for good
        before = f"{theirs} is away{f' until {away.to}' if away.to else ''}; "
    choice = _Choice(sales, whom, today, open_tasks)
    for where, names in _lines(sales, facts):
        found = choice.among(names)
        if found:
            is_colleague = found in sales.people
            why = f"{before}{where}{choice.load(found) if is_colleague else ''}"
            return Routed(found, why, stays and is_colleague)
    return Routed(team, f"{before}nobody else has room", False)


def _lines(sales: Sales, facts: Facts) -> Iterable[tuple[str, Iterable[str]]]:
    for number, (holds, names) in enumerate(sales.routing, 1):
        if holds(facts):
            yield f"line {number} of the routing", names
    yield "the routing's otherwise", sales.otherwise


class _Choice:
    """Chooses among names, and asks for each colleague's load once."""

    def __init__(
        self, sales: Sales, whom: Customer, today: date, open_tasks: Callable[[str], int]
    ) -> None:
        self._sales, self._whom, self._today = sales, whom, today
        self._ask = open_tasks
        self._loads: dict[str, int] = {}

    def among(self, names: Iterable[str]) -> str:
        """The one who takes the person, "" if nobody of these can."""
        found = list(names)
        order = list(self._sales.people)
        free = [name for name in found if self._is_free(name)]
        if free:
            return min(free, key=lambda name: (self._load(name), order.index(name)))
        return next((name for name in found if name not in self._sales.people), "")

    def load(self, name: str) -> str:
        """The reason in words."""
        return f", {self._load(name)} open tasks"

    def _load(self, name: str) -> int:
        if name not in self._loads:
            self._loads[name] = self._ask(name)
        return self._loads[name]

    def _is_free(self, name: str) -> bool:
        one = self._sales.people.get(name)
        if one is None or self._sales.absence(name, self._today):
            return False
        return covers(one, self._whom) and (one.most is None or self._load(name) < one.most)


def covers(one: Colleague, whom: Customer) -> bool:
    """Whether the colleague takes such people: what is not known of a person excludes nobody."""
    regions = {region.upper() for region in one.regions}
    languages = {language.lower() for language in one.languages}
    return (
        (not regions or not whom.region or whom.region in regions)
        and (not languages or not whom.language or whom.language in languages)
        and (not one.products or not whom.products or not whom.products.isdisjoint(one.products))
    )
