"""The connector of webhooks against a real server: the certificate must be the host's."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from urllib3.exceptions import HTTPError

from functions.channels.webhook import Place, post
from tests.e2e import certificate


class Hook(BaseHTTPRequestHandler):
    """Says what it was sent; what is asked at /moved leads elsewhere."""

    came: list[tuple[str, str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        type(self).came.append((self.path, self.headers["host"], body))
        self.send_response(302 if self.path == "/moved" else 202)
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", str(1 << 30))  # which nobody waits for
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """The port of a server with a certificate for localhost that only it trusts itself."""
    Hook.came = []
    certificate_file, key_file = certificate.make(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    server = HTTPServer(("127.0.0.1", 0), Hook)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def test_only_a_certificate_of_the_host_that_is_trusted_gets_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as port:
        headers = {"host": "localhost"}
        with pytest.raises(HTTPError, match="CERTIFICATE_VERIFY_FAILED"):
            post(Place("127.0.0.1", "localhost", port), "/a", b"{}", headers)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        assert post(Place("127.0.0.1", "localhost", port), "/a?b=c", b"{}", headers) == 202
        assert post(Place("127.0.0.1", "localhost", port), "/moved", b"{}", headers) == 302
        for wrong in ("crm.example.com", "127.0.0.2"):
            with pytest.raises(HTTPError, match=r"CERTIFICATE_VERIFY_FAILED|doesn't match"):
                post(Place("127.0.0.1", wrong, port), "/a", b"{}", headers)
    assert Hook.came == [("/a?b=c", "localhost", b"{}"), ("/moved", "localhost", b"{}")]
