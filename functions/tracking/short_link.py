"""The record behind a short link."""

import msgspec


class ShortLink(msgspec.Struct, array_like=True):
    """A signed link of a text message under a short code; `path` is "/" and the token.

    The path comes last, and no token has a slash: so it can be read without msgpack.
    """

    person: str
    code: str
    expires: int
    path: str
