"""The certificate of REST: made at the first start, read again when its files change, without a restart."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from daemonkit.process import interpreter

CERTIFICATE = "rest.crt"
KEY = "rest.key"
MAKING_SECONDS = 60.0  # it takes a fifth of one
MAX_REASON = 500  # characters of what the process that makes it says


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
        """Whether the files changed and can be used: `take` them then. What is in use stays where they are not good."""
        if self._looks() == self._seen:
            return False
        self._load(_context())  # a context that failed to load might be half changed
        return True

    def take(self) -> None:
        """Use the files again: on the loop, where no handshake meets a new certificate with the old key."""
        self._load(self.context)

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
    """The files of the suite's own certificate in a directory, made if they are not there. Blocks.

    Raises OSError, CertificateUnusable. They are made in a process of their own: what that needs takes 8 MiB.
    """
    certificate, key = directory / CERTIFICATE, directory / KEY
    if not (certificate.exists() and key.exists()):
        command = [*interpreter(), "-m", "cmdctl.own_certificate", str(certificate), str(key)]
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=MAKING_SECONDS, check=True)
        except subprocess.CalledProcessError as error:
            reason = error.stderr.decode(errors="replace").strip()[-MAX_REASON:]
            raise CertificateUnusable(f"{certificate} cannot be made: {reason}") from error
        except subprocess.TimeoutExpired as error:
            raise CertificateUnusable(f"{certificate} cannot be made within {MAKING_SECONDS:g} seconds") from error
    return certificate, key


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
