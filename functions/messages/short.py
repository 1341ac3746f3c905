"""The short form of a signed link, for texts: a code that leads to the record of the whole one."""

from hashlib import sha256

from functions.messages.link import decode, encode

CODE = 6  # letters of a link's own, made of its signature: nobody can guess one
PERSON = 22  # letters of the person's key, so that what is about a person stands with them


def short(person: str, token: str) -> tuple[str, str]:
    """The short form and the code under which the token is kept. Raises ValueError for a key of
    a person that is not 128 bits in hexadecimal."""
    key = bytes.fromhex(person)
    if len(key) != 16:
        raise ValueError("not the key of a person")
    code = encode(sha256(token.encode()).digest())[:CODE]
    return encode(key) + code, code


def key_of(text: str) -> tuple[str, str]:
    """The person's key and the code of a short form. Raises ValueError."""
    if len(text) != PERSON + CODE or not text.isascii():
        raise ValueError("not a short link")
    return decode(text[:PERSON]).hex(), text[PERSON:]
