"""The client of a suite elsewhere: HTTPS, with a token. Standard library only; imported when it is needed.

RemoteClient("https://ns1.example.org:8053", token=read_token(path), trusted=Path("rest.crt")).get("status")
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import stat
from pathlib import Path
from urllib.parse import urlsplit

from cmdctl.api import DEFAULT_TIMEOUT, Client
from cmdctl.errors import NoAnswer, NotRunning, NotTrusted, TokenUnusable

SCHEME = "https"
DEFAULT_PORT = 8053  # as in the example of the guide; `cmdctl.rest` says which
MAX_TOKEN = 1024  # characters
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def split_url(url: str) -> tuple[str, int]:
    """Host and port of `https://HOST[:PORT]`; raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme != SCHEME:
        raise ValueError(f"it must begin with {SCHEME}://: credentials never travel in the clear")
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise ValueError(f"it must be {SCHEME}://HOST[:PORT] and nothing else")
    return parts.hostname, parts.port or DEFAULT_PORT


def read_token(path: Path) -> str:
    """The token in a file that only its owner can read; raises TokenUnusable."""
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            data = file.read(MAX_TOKEN + 1)
    except OSError as error:
        raise TokenUnusable(f"{path}: {error.strerror or error}") from error
    if not stat.S_ISREG(state.st_mode) or state.st_mode & _OTHERS:
        raise TokenUnusable(
            f"{path} is not for its owner alone (mode {stat.S_IMODE(state.st_mode):04o}): chmod 600 {path}"
        )
    if state.st_uid not in (os.geteuid(), 0):
        raise TokenUnusable(f"{path} belongs to another user: whoever that is knows the token")
    try:
        token = data.decode("ascii").strip()
    except UnicodeDecodeError:
        token = ""
    if not token or len(data) > MAX_TOKEN or not token.isprintable() or " " in token:
        raise TokenUnusable(f"{path} does not hold a token, which is one word as `bobctl token add` shows it")
    return token


class RemoteClient(Client):
    """Requests to a suite over HTTPS; one connection each. Blocking.

    Raises what Client raises, and NotTrusted. `trusted` is a file of certificates to trust instead of the system's.
    """

    def __init__(
        self, url: str, *, token: str | None = None, trusted: Path | None = None, timeout: float = DEFAULT_TIMEOUT
    ) -> None:
        super().__init__(Path(), timeout=timeout)
        self._url = url
        self._host, self._port = split_url(url)
        try:
            self._context = ssl.create_default_context(cafile=trusted)
        except (OSError, ssl.SSLError) as error:
            raise NotTrusted(f"{trusted}: {error.strerror or error}") from error
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        if token is not None:
            self.headers["Authorization"] = f"Bearer {token}"

    @property
    def where(self) -> str:
        """What it talks to."""
        return self._url

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._context)

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            raise NotTrusted(f"{self._url}: {error.verify_message}") from error
        except ssl.SSLError as error:
            raise NoAnswer(f"{self._url} does not speak TLS as we do: {error.reason or error}") from error
        except TimeoutError as error:
            raise NoAnswer(f"{self._url} does not accept connections") from error
        except socket.gaierror as error:
            raise NotRunning(f"{self._host} has no address: {error.strerror}") from error
        except OSError as error:
            raise NotRunning(f"no suite answers at {self._url}: {error.strerror or error}") from error
