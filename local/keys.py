"""The keys of a data folder: made on the first start and kept beside the data."""

import os
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from functions.storage.read_source import key_hash
from functions.storage.store import Conflict, Store
from functions.tracking.source import Source

FIRST_SOURCE = "first source"


class Keys(msgspec.Struct, kw_only=True):
    """keys.json: the write key for websites, the secret key for the admin API, and two secrets
    that never leave this machine."""

    write_key: str
    secret_key: str
    identity_key: str
    link_key: str

    @property
    def admin_key_hash(self) -> str:
        """What the admin API compares with."""
        return key_hash(self.secret_key)


def open_keys(file: Path) -> tuple[Keys, bool]:
    """The keys in the file, made if it is not there; and whether they are new."""
    if file.exists():
        return msgspec.json.decode(file.read_bytes(), type=Keys), False
    keys = Keys(
        write_key=new_key("wk"),
        secret_key=new_key("sk"),
        identity_key=secrets.token_hex(32),
        link_key=secrets.token_hex(32),
    )
    whole = file.with_suffix(".new")  # half a file of keys would stop every start after it
    with open(os.open(whole, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(keys)) + b"\n")
    whole.replace(file)
    return keys, True


def new_key(kind: str) -> str:
    """A key that tells what it is: wk_..., sk_..."""
    return f"{kind}_{secrets.token_urlsafe(24)}"


def add_source(
    store: Store,
    write_key: str,
    name: str,
    trusted: bool,
    now: datetime,
    origins: Sequence[str] = (),
    events: Sequence[str] = (),
) -> None:
    """Let events in with this write key, from these origins and of these names only (where there
    are any); a key that is there already stays as it is."""
    source = Source(
        key_hash=key_hash(write_key),
        name=name,
        trusted=trusted,
        created=now,
        origins=list(origins),
        events=list(events),
    )
    try:
        store.put(source)
    except Conflict:
        return
