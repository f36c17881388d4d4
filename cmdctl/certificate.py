"""The certificate of REST: made at the first start, read again when its files change, without a restart."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import os
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CERTIFICATE = "rest.crt"
KEY = "rest.key"
MODE = 0o600
VALID_DAYS = 3650  # nobody but our own clients trusts it, and they are told which it is
LOOPBACK = ("127.0.0.1", "::1")


class CertificateUnusable(Exception):
    """The text says which file and why."""


@dataclass(slots=True)
class Certificate:
    """Two files and the TLS context that uses them. Blocks; raises CertificateUnusable."""

    certificate: Path
    key: Path
    context: ssl.SSLContext = field(init=False)
    _seen: tuple[object, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        self.context = _context()
        self._load(self.context)

    def refresh(self) -> bool:
        """Use the files again if they changed; whether they did. What was in use stays where they are not good."""
        if self._looks() == self._seen:
            return False
        self._load(_context())  # a context that failed to load might be half changed
        self._load(self.context)
        return True

    def _load(self, context: ssl.SSLContext) -> None:
        self._seen = self._looks()
        try:
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise CertificateUnusable(f"{self.certificate} and {self.key}: {error}") from error

    def _looks(self) -> tuple[object, ...]:
        found: list[object] = []
        for path in (self.certificate, self.key):
            try:
                status = path.stat()
            except OSError as error:
                found.append(error.errno)
            else:
                found.append((status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))
        return tuple(found)


def own_certificate(directory: Path) -> tuple[Path, Path]:
    """The files of the suite's own certificate in a directory, made if they are not there. Blocks; raises OSError."""
    certificate, key = directory / CERTIFICATE, directory / KEY
    if not (certificate.exists() and key.exists()):
        private = ec.generate_private_key(ec.SECP256R1())
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        _write(key, private.private_bytes(*form))
        _write(certificate, _self_signed(private).public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    host = socket.gethostname()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    now = dt.datetime.now(dt.UTC)
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    with contextlib.suppress(ValueError):  # a host name that is no ASCII
        names.append(x509.DNSName(host))
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in LOOPBACK]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, and for its owner only."""
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
    with open(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(descriptor)
    new.rename(path)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
