"""The cookie of a request, and what is made of it (RFC 7873 section 5.2)."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass

from auth.client import Client, Transport
from auth.cookie_format import MALFORMED, NEW, VALID
from auth.cookie_secrets import CookieSecrets
from auth.cookies import CookieJar
from auth.wire import Request


@dataclass(frozen=True, slots=True)
class Cookie:
    """What a client's cookie is (auth.cookie_format), and the content of the option it gets back."""

    outcome: int
    content: bytes = b""  # empty: none

    @property
    def is_malformed(self) -> bool:
        """Whether it has a length that no cookie has."""
        return self.outcome == MALFORMED

    @property
    def is_valid(self) -> bool:
        """Whether the client has shown that it gets what is sent to its address."""
        return self.outcome == VALID


class CookieCheck:
    """Checks the cookies of requests; for one thread."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._jar = CookieJar()
        self._secrets: CookieSecrets | None = None

    def check(self, request: Request, client: Client, secrets: CookieSecrets | None) -> Cookie | None:
        """The cookie of a request; None where it has none, or no secrets are there to make any with."""
        if secrets is None or request.edns is None or request.edns.cookie is None:
            return None
        now = int(self._clock())
        if secrets is not self._secrets or not self._jar.since <= now < self._jar.until:
            secrets.install(self._jar, now)
            self._secrets = secrets
        content, address = request.edns.cookie, ipaddress.ip_address(client.address).packed
        self._jar.attach(memoryview(content), memoryview(address))
        outcome = self._jar.check(0, len(content), 0, len(address), now)
        return Cookie(outcome) if outcome == MALFORMED else Cookie(outcome, bytes(self._jar.cookie))


def has_to_ask_again(cookie: Cookie | None, request: Request, client: Client, *, required: bool) -> bool:
    """Whether the reply is BADCOOKIE: over UDP where a cookie is required of clients that know them (section 5.2.3),
    and anywhere to a wrong one that came instead of a question (section 5.4).
    """
    if cookie is None or cookie.is_valid:
        return False
    if request.question is None:
        return cookie.outcome != NEW
    return required and client.transport is Transport.UDP
