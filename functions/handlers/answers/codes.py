"""Answers about codes: how many are left, which a person got, and codes that a shop sends."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Annotated

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError

from functions.codes import issue
from functions.codes.records import (
    FREE,
    ISSUED,
    PASSED_ON,
    REDEEMED,
    CodePart,
    IssuedCode,
    State,
    codes_key,
)
from functions.codes.rules import CodeRule
from functions.handlers import wiring
from functions.handlers.answers.door import PERSON, operation, profile_of_id, query, read_as
from functions.handlers.coding import MOST_LETTERS
from functions.handlers.openapi import Parameter

MOST_SENT = 2000
PAGE = 64  # parts
NAME = Parameter("code_name", "path", "the codes' name in codes.yaml")
AFTER = Parameter("after", "query", "the cursor `next` of the page before")
FORMULA = ("=", "+", "-", "@")  # a spreadsheet would reckon with it


class CodesView(msgspec.Struct, kw_only=True):
    """Codes of a name: how many are left to give (none of those that are made when they are
    needed), how many were given, and of these how many somebody ordered with: who got it
    (`redeemed`), or somebody else (`passed_on`). `is_low`: a list that should be filled up."""

    name: str
    kind: str
    worth: str
    left: int
    issued: int
    redeemed: int
    passed_on: int
    low_at: int
    is_low: bool


class CodesPage(msgspec.Struct):
    """All codes of codes.yaml, by name."""

    codes: list[CodesView]


class CodesBody(msgspec.Struct, forbid_unknown_fields=True):
    """Up to 2,000 codes of a shop."""

    codes: Annotated[list[str], msgspec.Meta(min_length=1, max_length=MOST_SENT)]


class CodesTaken(msgspec.Struct):
    """How many codes are new, and how many were there already (and stay as they are)."""

    added: int
    known: int


class CodeView(msgspec.Struct):
    """A code and its state: free, issued, redeemed, passed on."""

    code: str
    state: State


class CodeList(msgspec.Struct):
    """Some codes of a name."""

    codes: list[CodeView]
    next: str = ""


class PersonCodeView(msgspec.Struct, kw_only=True):
    """A code that a person got, and its state: open, redeemed, expired."""

    name: str
    code: str
    state: str
    issued: datetime
    expires: datetime | None
    redeemed: datetime | None
    order_id: str
    journey: str


class PersonCodes(msgspec.Struct):
    """Codes of a person, the latest first."""

    codes: list[PersonCodeView]


@operation("/api/codes", "Codes by name: how many are left, given and redeemed", CodesPage)
def _codes() -> CodesPage:
    parts = wiring.parts()
    return CodesPage([_view(name, rule) for name, rule in sorted(parts.library.codes().items())])


@operation("/api/codes/{code_name}", "Codes of a name with their states", CodeList, NAME, AFTER)
def _code_list(code_name: str) -> CodeList:
    _rule(code_name)
    every = wiring.parts().store.query(CodePart, codes_key(code_name), after=query("after"))
    found = list(islice(every, PAGE))
    codes = [CodeView(code, state) for part in found for code, state in part.codes.items()]
    return CodeList(codes, f"{found[-1].number:04}" if len(found) == PAGE else "")


@operation(
    "/api/codes/{code_name}",
    "Add up to 2,000 codes to a list; one that is there stays as it is",
    CodesTaken,
    NAME,
    method="post",
    body=CodesBody,
)
def _add_codes(code_name: str) -> CodesTaken:
    rule, sent = _rule(code_name), read_as(CodesBody).codes
    if rule.kind != "list":
        raise BadRequestError(f'"{code_name}" are codes that Tante makes; only a list takes codes')
    for code in sent:
        _check(code)
    added = issue.add(wiring.parts().store, code_name, sent)
    return CodesTaken(added, len(sent) - added)


@operation("/api/people/{person_id}/codes", "Codes that a person got", PersonCodes, PERSON)
def _codes_of_person(person_id: str) -> PersonCodes:
    parts = wiring.parts()
    found = issue.issued_to(parts.store, profile_of_id(person_id))
    return PersonCodes(list(_person_codes(found, parts.now())))


def _person_codes(found: Iterable[IssuedCode], now: datetime) -> Iterable[PersonCodeView]:
    return (
        PersonCodeView(
            name=one.name,
            code=one.code,
            state=one.state(now),
            issued=one.issued,
            expires=one.ends,
            redeemed=one.redeemed,
            order_id=one.order_id,
            journey=one.journey,
        )
        for one in found
    )


def _rule(name: str) -> CodeRule:
    rules = wiring.parts().library.codes()
    if name not in rules:
        there = ", ".join(sorted(rules)) or "none"
        raise NotFoundError(f'codes.yaml has no code "{name[:50]}"; there are: {there}')
    return rules[name]


def _check(code: str) -> None:
    """Raises BadRequestError for what is no code, or harms in a spreadsheet."""
    if not 0 < len(code) <= MOST_LETTERS or not code.isprintable() or " " in code:
        words = f"a code has 1 to {MOST_LETTERS} letters, digits and signs, and no space"
        raise BadRequestError(f'"{code[:50]}" is none: {words}')
    if code.startswith(FORMULA):
        raise BadRequestError(f'"{code[:50]}" would be a formula in a spreadsheet')


def _view(name: str, rule: CodeRule) -> CodesView:
    found = issue.count(wiring.parts().store, name)
    given = sum(found[state] for state in (ISSUED, REDEEMED, PASSED_ON))
    return CodesView(
        name=name,
        kind=rule.kind,
        worth=rule.worth,
        left=found[FREE],
        issued=given,
        redeemed=found[REDEEMED],
        passed_on=found[PASSED_ON],
        low_at=rule.low_at,
        is_low=rule.kind == "list" and found[FREE] <= rule.low_at,
    )
