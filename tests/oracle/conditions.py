"""Conditions by chance, of everything that the oracle can say in SQL."""

from random import Random
from typing import Any

SPANS = ("3 days", "1 week", "20 days", "30 days", "2 months", "90 days", "180 days", "300 days")
NAMES = ("Order Completed", "page", "Email Opened", "Email Link Clicked", "Order Refunded")


def some(number: int, seed: int) -> dict[str, dict[str, Any]]:
    """So many conditions as segments: name -> who."""
    chance = Random(seed)
    return {f"generated-{index}": _condition(chance, 2) for index in range(number)}


def _condition(chance: Random, depth: int) -> dict[str, Any]:
    kinds = [_person, _person, _did, _did, _did, _message]
    if depth and chance.random() < 0.45:
        word = chance.choice(["all of", "any of", "none of"])
        parts = [_condition(chance, depth - 1) for _ in range(chance.randint(1, 3))]
        return {word: parts}
    return chance.choice(kinds)(chance)


def _number(chance: Random, most: float, whole: bool) -> Any:
    one = chance.randint(0, int(most)) if whole else round(chance.uniform(0, most), 2)
    word = chance.choice(["at least", "at most", "more than", "less than", "", "not", "between"])
    if word == "between":
        return {"at least": one, "less than": one + (1 + int(most / 5) if whole else most / 5)}
    return {word: one} if word else one


def _share(chance: Random) -> dict[str, Any]:
    word = chance.choice(["at least", "at most", "more than", "less than"])
    return {word: round(chance.uniform(0.05, 0.95), 5)}  # one place more than what is compared


def _date(chance: Random) -> dict[str, Any]:
    day = f"2017-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    return chance.choice(
        [
            {"in the last": chance.choice(SPANS)},
            {"in the last": chance.choice(SPANS)},
            {"before": day},
            {"after": day},
            {"known": chance.random() < 0.5},
        ]
    )


def _person(chance: Random) -> dict[str, Any]:
    tests: dict[str, Any] = {
        "orders": _number(chance, 60, True),
        "revenue": _number(chance, 3000, False),
        "purchase_probability": _share(chance),
        "still_customer": _share(chance),
        "first_order": _date(chance),
        "last_order": _date(chance),
        "last_seen": _date(chance),
        "first_seen": _date(chance),
        "plan": chance.choice(["basic", {"not": "plus"}, {"one of": ["plus", "premium"]}]),
        "country": chance.choice(["DE", {"none of": ["AT", "CH"]}, {"starts with": "F"}]),
    }
    return {
        "person": {name: tests[name] for name in chance.sample(list(tests), chance.randint(1, 2))}
    }


def _did(chance: Random) -> dict[str, Any]:
    name = chance.choice(NAMES)
    found: dict[str, Any] = {"did": name if chance.random() < 0.8 else [name, "identify"]}
    if name == "page" and chance.random() < 0.5:
        found["where"] = {"path": chance.choice(["/premium", {"not": "/home"}, {"contains": "e"}])}
    if name == "Order Completed" and chance.random() < 0.5:
        found["where"] = {
            "revenue": {chance.choice(["at least", "less than"]): chance.randint(5, 90)}
        }
    if chance.random() < 0.6:
        found["in the last"] = chance.choice(SPANS)
    if chance.random() < 0.6:
        found["times"] = _number(chance, 12, True)
    return found


def _message(chance: Random) -> dict[str, Any]:
    word = chance.choice(["opened", "clicked"])
    return {word: f"{chance.choice(['onboarding', 'upsell', 'recovery'])}/letter"}
