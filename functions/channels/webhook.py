"""Webhooks: a signed POST to an address of brand.yaml, and to no address inside our own network."""

import ipaddress
import re
import socket
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from urllib3 import HTTPSConnectionPool, Timeout
from urllib3.exceptions import HTTPError

from functions.channels.channel import Outgoing, Permanent, Temporary

_HOST = re.compile(r"[a-z0-9._:-]+")  # of a header: nothing in it can end one

SECONDS = 10.0  # to connect, and then to answer
TRY_AGAIN = (408, 425, 429)  # and every 5xx
RETRY_AFTER = 60
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits


class Place(NamedTuple):
    """Where to connect: an address that was looked at, and the name that it must prove to be."""

    address: str
    host: str
    port: int


Resolve = Callable[[str, int], list[str]]  # host, port -> its addresses; raises OSError
Post = Callable[[Place, str, bytes, Mapping[str, str]], int]  # -> the status of the answer


def addresses_of(host: str, port: int) -> list[str]:
    """All addresses of a host by the system's resolver. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def post(place: Place, path: str, body: bytes, headers: Mapping[str, str]) -> int:
    """One POST over TLS to the very address, whose certificate must be the host's.

    Follows no redirect; of the answer no more is read than its head. Raises urllib3's HTTPError.
    """
    pool = HTTPSConnectionPool(
        place.address,
        place.port,
        timeout=Timeout(connect=SECONDS, read=SECONDS),
        retries=False,
        cert_reqs="CERT_REQUIRED",
        server_hostname=place.host,
        assert_hostname=place.host,
    )
    try:
        answer = pool.urlopen(
            "POST", path, body=body, headers=headers, redirect=False, preload_content=False
        )
        answer.close()
        return answer.status
    finally:
        pool.close()


class Webhook:
    """Posts to the URL in `to`: a JSON text, with the id as `webhook-id`.

    The receiver knows a message that comes twice by this id, so an answer that was lost counts
    as Temporary here: it may come at least once, not exactly once.
    """

    def __init__(self, resolve: Resolve = addresses_of, post: Post = post) -> None:
        self._resolve, self._post = resolve, post

    def send(self, message: Outgoing) -> str:
        """See Channel. Resolves the host once and connects to what it has looked at."""
        try:
            parts = urlsplit(message.to)
            host, port = parts.hostname or "", parts.port or 443
        except ValueError:
            raise Permanent("the URL cannot be read") from None
        if parts.scheme != "https" or not _HOST.fullmatch(host) or parts.username is not None:
            raise Permanent("the URL is not https://, a host and a path")
        place = Place(self._address(host, port), host, port)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        named = host if port == 443 else f"{host}:{port}"
        headers = {
            "host": named,
            "content-type": "application/json",
            "user-agent": "Tante",
            "webhook-id": message.send_id,
            **message.headers,
        }
        try:
            status = self._post(place, path, message.text.encode(), headers)
        except (HTTPError, OSError) as error:
            raise Temporary(f"no answer: {type(error).__name__}", RETRY_AFTER) from None
        if status in TRY_AGAIN or status >= 500:
            raise Temporary(f"answered {status}", RETRY_AFTER)
        if not 200 <= status < 300:
            raise Permanent(f"answered {status}")
        return message.send_id

    def _address(self, host: str, port: int) -> str:
        """The address to connect to, IPv4 before IPv6; all of the host's must be public."""
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise Temporary("the host's name has no address now", RETRY_AFTER) from None
        if not found:
            raise Temporary("the host's name has no address now", RETRY_AFTER)
        if not all(is_public(address) for address in found):
            raise Permanent("the host's name leads to an address that is not public")
        return min(found, key=lambda address: ":" in address)


def is_public(address: str) -> bool:
    """Whether it is an address of the open Internet, and no way round into another network:
    addresses of IPv4 that are written into one of IPv6 count as what they are."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inside = found.ipv4_mapped or found.sixtofour or (found.teredo or (None,))[0]
        if found in _NAT64:
            inside = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
    return found.is_global and not found.is_multicast and not found.is_reserved
