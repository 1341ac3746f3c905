"""Scopes: what a key of the admin API may do, decided by what an operation is about.

Looking needs `read`; changing needs the scope of the noun. Keys and the audit log need `keys` for
both, and a whole copy of a person leaves only with `people`. What no line names needs `all`.
"""

import re
from collections.abc import Collection, Iterable

ALL = "all"
SCOPES = {
    "read": "look at everything but keys and the audit log",
    "people": "change people, accounts and consents; take copies of a person away",
    "journeys": "publish, pause and stop journeys, let people in, change products and codes",
    "forecasts": "have journeys forecast, which changes none of them",
    "sales": "work on tasks, leads, deals and notes",
    "keys": "make and revoke keys (with no more scopes than its own), read the audit log",
    ALL: "everything",
}
_NOUNS = {
    "people": (
        *("people", "accounts", "members", "merges", "consents", "suppressions", "forms"),
        "erasures",
    ),
    "journeys": (
        *("journeys", "drafts", "publish", "products", "codes", "clusters", "segments"),
        *("lifecycle", "scoring", "breaker"),
    ),
    "forecasts": ("forecasts",),
    "sales": ("tasks", "leads", "deals", "notes", "score"),
    "keys": ("keys", "acts"),
}
SCOPE_OF = {noun: scope for scope, nouns in _NOUNS.items() for noun in nouns}
COPIES = {"export", "exports"}  # parts of a path under which personal data leaves as a whole
# Parts of a path under which one reads about people; each look is written down.
PERSONAL = {
    *("people", "messages", "runs", "accounts", "referrals", "weights"),
    *("consents", "suppressions", "erasures"),
    *_NOUNS["sales"],
    *_NOUNS["keys"],
    *COPIES,
}


def nouns(path: str) -> list[str]:
    """The fixed parts of an operation's path, from the last to the first."""
    parts = path.removeprefix("/api").strip("/").split("/")
    return [part for part in reversed(parts) if not part.startswith("{")]


def needed(method: str, path: str) -> str:
    """The scope that an operation needs, by its last noun that has one."""
    named = nouns(path)
    scope = next((SCOPE_OF[noun] for noun in named if noun in SCOPE_OF), ALL)
    if method.lower() == "get" and scope != "keys" and not COPIES.intersection(named):
        return "read"
    return scope


def grants(scopes: Collection[str], need: str) -> bool:
    """Whether a key with these scopes may do what needs `need` ("": any key may)."""
    return not need or ALL in scopes or need in scopes


def is_noted(method: str, path: str) -> bool:
    """Whether a request is written down: all that change something, and who looks at people."""
    return method.lower() != "get" or "{person_id}" in path or bool(PERSONAL & {*nouns(path)})


_ID = re.compile(r"(?!\+?\d{7,}$)[\w.:/ -]{1,100}")


def noted_ids(ids: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The ids of a request that may be written down: none that could be an address or a number."""
    return {name: value for name, value in ids if _ID.fullmatch(value)}
