"""Reading a short link's record without msgpack, whose import a click would wait for."""

import zlib

from functions.storage.dictionary import DICTIONARY

_SQUEEZED = b"d"  # see packing.py


def token_in(body: bytes) -> str:
    """The token in the body of a packed `ShortLink`: what stands behind its last slash."""
    packed = body[1:]
    if body[:1] == _SQUEEZED:
        packed = zlib.decompressobj(-zlib.MAX_WBITS, DICTIONARY).decompress(packed)
    return packed.rpartition(b"/")[2].decode("ascii", "replace")
