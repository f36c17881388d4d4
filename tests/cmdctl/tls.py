"""A door on TCP as a client sees one: HTTPS with a certificate of its own, and answers from a table."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.server
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TOKEN = "bob_0123456789abcdef"


@dataclass
class TlsDoor:
    """What it got, and where it is."""

    url: str
    certificate: Path
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)


def make_certificate(directory: Path, address: str = "127.0.0.1") -> tuple[Path, Path]:
    """A certificate for an address, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "door")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = directory / "rest.crt", directory / "rest.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


@contextlib.contextmanager
def tls_door(directory: Path, answers: dict[str, Any], address: str = "127.0.0.1") -> Iterator[TlsDoor]:
    """Answers GET by path for who brings the token; its certificate is for `address`."""
    certificate, key = make_certificate(directory, address)
    door = TlsDoor("", certificate)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            authorization = self.headers.get("Authorization")
            door.seen.append(("GET", self.path, authorization))
            if authorization != f"Bearer {TOKEN}":
                self._send(401, {"error": {"code": "unauthenticated", "message": "credentials are needed"}})
            else:
                self._send(200, answers[self.path])

        def _send(self, status: int, document: Any) -> None:
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_arguments: Any) -> None:
            """Nothing: what is checked is in `seen`."""

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_arguments: Any) -> None:
            """A client that does not trust us hangs up: that is what some tests are about."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Server(("127.0.0.1", 0), Handler, bind_and_activate=True) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        door.url = f"https://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield door
        finally:
            server.shutdown()
            thread.join()
