"""What can be imported: for each kind of file, what its columns may become."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from functions.journeys.yaml_file import read
from local.imports import values
from local.imports.values import Ways

Read = Callable[[str, Ways], Any]


@dataclass(frozen=True)
class Kind:
    """One kind of file: how the cells are read of what a column may become (`targets`).

    `free` are the prefixes after which any name may follow, such as `trait.`; `one_of` and
    `needs` say which targets a file must have.
    """

    name: str
    targets: Mapping[str, Read]
    free: Mapping[str, Read] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


TEXT, NUMBER, MOMENT, DAY = values.text, values.number, values.moment, values.day
_WHO = {
    "user_id": TEXT,
    "email": values.email,
    "phone": values.phone,
}
ANY_OF_WHO = tuple(_WHO)
_CONTACT = {
    **_WHO,
    "firstName": TEXT,
    "lastName": TEXT,
    "name": TEXT,
    "salutation": TEXT,
    "company": TEXT,
    "company_id": TEXT,
    "jobTitle": TEXT,
    "department": TEXT,
    "language": TEXT,
    "birthday": DAY,
    "street": TEXT,
    "city": TEXT,
    "postal_code": TEXT,
    "state": TEXT,
    "country": TEXT,
    "website": TEXT,
    "tags": values.items,
    "createdAt": MOMENT,
    "changed": MOMENT,
    "unsubscribed": values.yes_or_no,
    "unsubscribed_at": MOMENT,
    "consent.time": MOMENT,
    "consent.text": TEXT,
    "consent.channel": TEXT,
}
_COMPANY = {
    "company_id": TEXT,
    "name": TEXT,
    "industry": TEXT,
    "employees": NUMBER,
    "revenue": NUMBER,
    "website": TEXT,
    "domain": TEXT,
    "phone": values.phone,
    "street": TEXT,
    "city": TEXT,
    "postal_code": TEXT,
    "state": TEXT,
    "country": TEXT,
    "changed": MOMENT,
}
_ORDER = {
    **_WHO,
    "order_id": TEXT,
    "time": MOMENT,
    "revenue": NUMBER,
    "total": NUMBER,
    "subtotal": NUMBER,
    "shipping": NUMBER,
    "tax": NUMBER,
    "discount": NUMBER,
    "currency": TEXT,
    "coupon": TEXT,
    "channel": TEXT,
    "store": TEXT,
    "product.sku": TEXT,
    "product.name": TEXT,
    "product.quantity": NUMBER,
    "product.price": NUMBER,
    "product.total": NUMBER,
    "product.category": TEXT,
    "cancelled": MOMENT,
    "refunded": NUMBER,
    "status": TEXT,
}
_NOTE = {
    **_WHO,
    "time": MOMENT,
    "kind": TEXT,
    "text": TEXT,
    "outcome": TEXT,
    "by": TEXT,
    "note_id": TEXT,
}
_TICKET = {
    **_WHO,
    "ticket_id": TEXT,
    "time": MOMENT,
    "solved": MOMENT,
    "subject": TEXT,
    "category": TEXT,
    "priority": TEXT,
}
_DEAL = {
    **_WHO,
    "deal_id": TEXT,
    "name": TEXT,
    "time": MOMENT,
    "value": NUMBER,
    "currency": TEXT,
    "stage": TEXT,
    "stage_since": MOMENT,
    "pipeline": TEXT,
    "expected_close": DAY,
    "closed": MOMENT,
    "reason": TEXT,
    "changed": MOMENT,
    "owner": TEXT,
    "company": TEXT,
}

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "contacts",
            _CONTACT,
            # `consent.newsletter` is a purpose: the cell says whether it was given.
            {"trait.": TEXT, "consent.": values.yes_or_no, "company.": TEXT},
            one_of=ANY_OF_WHO,
        ),
        Kind("companies", _COMPANY, {"trait.": TEXT}, one_of=("company_id", "name")),
        Kind(
            "orders",
            _ORDER,
            {"property.": TEXT},
            one_of=ANY_OF_WHO,
            needs=("order_id", "time"),
        ),
        Kind("notes", _NOTE, {"property.": TEXT}, one_of=ANY_OF_WHO, needs=("time",)),
        Kind(
            "tickets",
            _TICKET,
            {"property.": TEXT},
            one_of=ANY_OF_WHO,
            needs=("ticket_id", "time"),
        ),
        Kind(
            "deals",
            _DEAL,
            {"property.": TEXT},
            one_of=ANY_OF_WHO,
            needs=("deal_id", "time"),
        ),
    )
}


@cache
def words(kind: str) -> Mapping[str, str]:
    """By which headings a column of this kind is known: plain heading -> target."""
    file = "headings.yaml"
    found = read(file, (files("local.imports") / file).read_text("utf-8")).value
    said = {**({} if kind == "companies" else found["who"]), **found[kind]}
    by_heading = {word: target for target, several in said.items() for word in several}
    return {**{plain(target): target for target in KINDS[kind].targets}, **by_heading}


def plain(heading: str) -> str:
    """A heading in small letters and single spaces, without signs: "E-Mail *" is "e mail"."""
    return " ".join(re.sub(r"[^\w]|_", " ", heading.lower()).split())
