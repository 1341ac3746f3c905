"""As much of HTTP/1.1 as AWS's JSON services speak: one POST, one answer, the connection kept.

`http.client` would do, but its import (it brings the parser of e-mails) costs 45 ms of a cold
start, more than all the rest of the door behind a click.
"""

from collections.abc import Mapping

PATIENCE = 5  # seconds, for connecting and for each part of an answer
MOST_HEAD = 64 * 1024


class Answer:
    """Status, body, and whether the connection may be used again."""

    def __init__(self, status: int, body: bytes, stays: bool) -> None:
        self.status, self.body, self.stays = status, body, stays


class Lost(OSError):
    """The connection broke before the whole answer was there."""


class Connection:
    """To one host. Not for several threads at a time."""

    def __init__(self, host: str, port: int, secure: bool) -> None:
        import socket  # here as well as `ssl`, which brings it: only who connects needs either

        raw = socket.create_connection((host, port), PATIENCE)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if secure:
            import ssl

            raw = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
        self._socket, self._file = raw, raw.makefile("rb")

    def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Raises OSError (Lost) when no whole answer came."""
        head = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        lines = "\r\n".join([*head, f"content-length: {len(body)}", "", ""])
        self._socket.sendall(lines.encode("latin-1") + body)
        return self._answer()

    def close(self) -> None:
        """Let go of it, whatever state it is in."""
        self._file.close()
        self._socket.close()

    def _answer(self) -> Answer:
        status = self._line()
        if not status.startswith(b"HTTP/1."):
            raise Lost("no answer of HTTP")
        said, size = {}, len(status)
        while line := self._line():
            size += len(line)
            if size > MOST_HEAD:
                raise Lost("an answer that does not begin")
            name, _, value = line.partition(b":")
            said[name.strip().lower()] = value.strip().lower()
        stays = status.startswith(b"HTTP/1.1") and said.get(b"connection") != b"close"
        if said.get(b"transfer-encoding") == b"chunked":
            return Answer(int(status[9:12]), self._chunks(), stays)
        if b"content-length" in said:
            return Answer(int(status[9:12]), self._exactly(int(said[b"content-length"])), stays)
        return Answer(int(status[9:12]), self._file.read(), False)

    def _line(self) -> bytes:
        line = self._file.readline(MOST_HEAD)
        if not line.endswith(b"\n"):
            raise Lost("the connection was closed")
        return line.rstrip(b"\r\n")

    def _exactly(self, size: int) -> bytes:
        body = self._file.read(size)
        if len(body) != size:
            raise Lost("the connection was closed")
        return body

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self._line().partition(b";")[0], 16):
            parts.append(self._exactly(size))
            self._line()
        while self._line():
            pass  # what may follow the last chunk
        return b"".join(parts)
