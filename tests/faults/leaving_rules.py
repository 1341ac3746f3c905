"""What must be true of who was erased, of addresses ruled out, and of those who said STOP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from functions.storage.kinds import KINDS
from functions.storage.packing import unpack
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile
from local.sqlite_store import SqliteStore
from tests.faults.lives import device_key, owner
from tests.faults.operations import address, phone
from tests.faults.provider import Accepted

if TYPE_CHECKING:
    from tests.faults.oracle import Facts

TABLES = ("people", "timeline", "catalogue")
STAY = (Profile, Permission)


def every_erasure_is_carried_out(facts: Facts) -> Iterator[str]:
    for user in facts.seen.erased:
        if user not in facts.lives.erasures:
            yield f"{user} was erased, and there is no proof"
    for user, found in facts.lives.erasures.items():
        for one in found:
            if one.done is None:
                yield f"erasing {user} does not come to an end"
        known = {device_key(one.device) for one in _identified(facts, user)}
        for key in sorted(known - facts.lives.keys(user)):
            yield f"erasing {user} overlooked the device {key}"


def _identified(facts: Facts, user: str) -> Iterator[Any]:
    """The devices that surely were the user's when an admin asked."""
    for one in facts.lives.past.values():
        done = facts.seen.done.get(one.id)
        if one.user == user and one.device and done and done < facts.seen.erasing[user]:
            yield one


def nothing_is_claimed_after_an_erasure(facts: Facts) -> Iterator[str]:
    for send_id, times in facts.seen.claims.items():
        run_id = facts.seen.sends.get(send_id, "")
        if run_id not in facts.lives.runs:
            continue
        user = owner(facts.lives.past[facts.seen.runs[run_id]])
        for at, _ in times:
            if user in facts.seen.erased and at > facts.seen.erased[user][0]:
                yield f"a message of {run_id} was let go after {user} was erased"


def nothing_of_an_erased_life_is_left(facts: Facts) -> Iterator[str]:
    if not facts.lives.erasures:
        return
    rows = [*everything(facts.store), *_queued(facts)]
    for user in facts.lives.erasures:
        wanted = re.compile("|".join(map(re.escape, _traces(facts, user))))
        for where, text in rows:
            for found in {*wanted.findall(text)}:
                yield f"{found} of {user}, who was erased, is in {where}"
        keys = {key for key in facts.lives.keys(user) if _is_nobodys(facts, key)}
        for kind, where in KINDS.items():
            for key in sorted(keys) if where.is_of_person and kind not in STAY else ():
                for _ in facts.store.query(kind, key):
                    yield f"a {where.prefix} of {user}, who was erased, is left at {key}"


def _traces(facts: Facts, user: str) -> list[str]:
    """Words, as they stand in JSON, that only an erased life of the user brought in."""
    past = {one.id for one in facts.lives.past.values() if owner(one) == user}
    runs = {run for run in facts.lives.runs if facts.seen.runs[run] in past}
    sends = {send for send, run in facts.seen.sends.items() if run in runs}
    words = [*past, *runs, *sends, f"First {user}"]
    now = [one for one in facts.said.values() if owner(one) == user]
    if not any(one.user for one in now):
        words += [user, address(user), phone(user)]
    devices = {one.device for one in facts.lives.past.values() if owner(one) == user and one.device}
    words += devices - {one.device for one in now}
    return [f'"{word}"' for word in words]


def _is_nobodys(facts: Facts, key: str) -> bool:
    found = facts.store.get(Profile, key)
    return found is None or found.is_gone


def everything(store: Any) -> Iterator[tuple[str, str]]:
    """Every record of every table, with its place, as JSON."""
    assert isinstance(store, SqliteStore)
    for table in TABLES:
        kinds = [kind for kind, where in KINDS.items() if where.table == table]
        rows = store.connection.execute(f"SELECT pk, sk, version, body FROM {table}")
        for pk, sk, version, body in rows.fetchall():
            kind = next(kind for kind in kinds if f"{sk}#".startswith(f"{KINDS[kind].prefix}#"))
            text = msgspec.json.encode(unpack(kind, pk, body, version)).decode()
            yield f"{table} {pk} {sk}", text


def _queued(facts: Facts) -> Iterator[tuple[str, str]]:
    queue = facts.simulation.events
    yield from ((f"the letter {one.name}", one.body.decode()) for one in queue.letters)
    yield from (("the dead letters", one.body.decode()) for one in queue.dead)


def no_run_outlives_an_erasure(facts: Facts) -> Iterator[str]:
    for name in facts.seen.survivors:
        yield f"{name} went on when erasing was said to be done"


def nothing_goes_where_a_receipt_forbids_it(facts: Facts) -> Iterator[str]:
    """An address that bounced or complained is ruled out as soon as the receipt is done, and for
    whoever has it later."""
    ruled_out = {
        (one.channel, one.message.to): facts.seen.done[one.verdict]
        for one in reversed(facts.simulation.provider.accepted)
        if one.verdict in facts.seen.done
    }
    for one in facts.simulation.provider.accepted:
        since = ruled_out.get((one.channel, one.message.to))
        if since is not None and _let_go(facts, one) > since:
            name = one.message.tags["message"]
            yield f"{name} was let go to {one.message.to}, which is ruled out"


def _let_go(facts: Facts, one: Accepted) -> int:
    claims = facts.seen.claims.get(one.message.send_id, [])
    return max((at for at, _ in claims if at < one.at), default=0)
