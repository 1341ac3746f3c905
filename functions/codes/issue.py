"""Giving codes: to each person one of their own, never the same to two, whatever is retried.

What decides are two conditional writes of one item each: first the code is taken from its part,
then it is written down as the person's. A crash between them leaves a code that nobody has; the
other way round it would leave two people with one code.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from functions.codes.records import (
    FREE,
    ISSUED,
    PARTS,
    PASSED_ON,
    REDEEMED,
    CodePart,
    IssuedCode,
    State,
    codes_key,
    normal,
    part_of,
)
from functions.codes.rules import CodeRule
from functions.storage.store import Conflict, Contended, Store, change
from functions.tracking.identity import short_hash
from functions.tracking.profile import Profile

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nobody takes an O for a 0 or an I for a 1
TRIED = 4  # parts, before we look at all of them
DRAWN = 5  # codes, before we give up: the first is new unless a quintillion is not enough
Draw = Callable[[str], str]  # one of these letters, by chance


def issue(
    store: Store,
    profile: Profile,
    rule: CodeRule,
    wanted: IssuedCode,
    zone: ZoneInfo,
    draw: Draw,
) -> IssuedCode | None:
    """The person's code of `wanted.name` for its occasion: the one they have, else a new one, as
    `wanted` says but for code and end. None if none is left. Raises Contended."""
    there = _has(store, profile, wanted)
    if there:
        return there
    if rule.kind == "made":
        wanted.code = _make(store, wanted.name, rule, draw)
    else:
        wanted.code = _take(store, wanted.name, short_hash(wanted.person, wanted.key))
    if not wanted.code:
        return None
    wanted.ends = rule.ends(wanted.issued, zone)
    try:
        store.put(wanted)
    except Conflict:  # another try was faster, or it was our own whose answer was lost
        return store.get(IssuedCode, wanted.person, wanted.key)
    return wanted


def _has(store: Store, profile: Profile, wanted: IssuedCode) -> IssuedCode | None:
    """Of two people who turned out to be one, a code that is still good goes first."""
    found = [store.get(IssuedCode, key, wanted.key) for key in profile.keys]
    there = [one for one in found if one]
    still = (one for one in there if one.state(wanted.issued) == "open")
    return next(still, there[0] if there else None)


def _make(store: Store, name: str, rule: CodeRule, draw: Draw) -> str:
    for _ in range(DRAWN):
        code = rule.prefix + "".join(draw(ALPHABET) for _ in range(rule.length))
        if add(store, name, [code], ISSUED):
            return code
    raise Contended(f"no new code of {name} was found")


def _take(store: Store, name: str, whose: str) -> str:
    """A free code of the list, "" if there is none. Each person looks first in another place."""
    first = int(whose[:8], 16) % PARTS
    near = (store.get(CodePart, codes_key(name), part_key(first + n)) for n in range(TRIED))
    code = _take_from(store, filter(None, near))
    if code:
        return code
    every = list(store.query(CodePart, codes_key(name)))
    return _take_from(store, sorted(every, key=lambda part: (part.number - first) % PARTS))


def _take_from(store: Store, parts: Iterable[CodePart]) -> str:
    for part in parts:
        taken: list[str] = []

        def take(found: CodePart, taken: list[str] = taken) -> bool:
            taken[:] = [code for code, state in found.codes.items() if state == FREE][:1]
            found.codes.update(dict.fromkeys(taken, ISSUED))
            return bool(taken)

        if FREE in part.codes.values():
            _change_part(store, part.name, part.number, take, part)
        if taken:
            return taken[0]
    return ""


def part_key(number: int) -> str:
    """The sort key of a part; after the last comes the first."""
    return f"{number % PARTS:04}"


def _change_part(
    store: Store,
    name: str,
    number: int,
    alter: Callable[[CodePart], bool],
    known: CodePart | None = None,
) -> None:
    def read() -> CodePart:
        found = store.get(CodePart, codes_key(name), part_key(number))
        return found or CodePart(name=name, number=number)

    change(store, read, alter, known)


def add(store: Store, name: str, codes: Iterable[str], state: State = FREE) -> int:
    """Add codes to those of a name; returns how many are new. Safe to repeat: one that is there
    keeps its state, so that nobody gets it again. Raises Contended."""
    by_part: dict[int, list[str]] = {}
    for code in codes:
        by_part.setdefault(part_of(code), []).append(code)
    return sum(_add(store, name, number, some, state) for number, some in by_part.items())


def _add(store: Store, name: str, number: int, codes: list[str], state: State) -> int:
    new: list[str] = []

    def put_in(part: CodePart) -> bool:
        there = {normal(code) for code in part.codes}
        new[:] = list({normal(code): code for code in codes if normal(code) not in there}.values())
        part.codes.update(dict.fromkeys(new, state))
        return bool(new)

    _change_part(store, name, number, put_in)
    return len(new)


def count(store: Store, name: str) -> Mapping[State, int]:
    """How many codes of a name are in which state. Reads all of them."""
    found: dict[State, int] = dict.fromkeys((FREE, ISSUED, REDEEMED, PASSED_ON), 0)
    for part in store.query(CodePart, codes_key(name)):
        for state in part.codes.values():
            found[state] += 1
    return found


def issued_to(store: Store, profile: Profile) -> list[IssuedCode]:
    """All codes that a person got, merges followed, the latest first."""
    found = [one for key in profile.keys for one in store.query(IssuedCode, key)]
    return sorted(found, key=lambda one: one.issued, reverse=True)


def redeem(
    store: Store, profile: Profile, coupon: str, order_id: str, when: datetime
) -> IssuedCode | None:
    """Note that the person ordered with this code; None if it is none of theirs. It is redeemed
    once: the first order that we hear of holds. Raises Contended."""
    mine = (one for one in issued_to(store, profile) if normal(one.code) == normal(coupon))
    own = next(mine, None)
    if own is None:
        return None

    def note(found: IssuedCode) -> bool:
        is_first = found.redeemed is None
        if is_first:
            found.redeemed, found.order_id = when, order_id
        return is_first

    found = change(store, lambda: store.get(IssuedCode, own.person, own.key) or own, note, own)
    mark(store, found.name, found.code, REDEEMED)
    return found


def mark(store: Store, name: str, coupon: str, state: State) -> bool:
    """Note what became of a code that was given to somebody; False if that is none of this name.
    What its owner redeemed is not passed on. Raises Contended."""
    found: list[str] = []

    def note(part: CodePart) -> bool:
        code = part.find(coupon)
        before = part.codes.get(code, FREE)
        found[:] = [code] if before != FREE else []
        is_new = before == ISSUED or (before == PASSED_ON and state == REDEEMED)
        if is_new:
            part.codes[code] = state
        return is_new

    _change_part(store, name, part_of(coupon), note)
    return bool(found)
