"""Credentials of a request over TCP: a token (`Authorization: Bearer`) or a user's password (`Basic`).

Whoever is wrong too often is not listened to for a while; that is counted by address, and by user name for addresses
from where that user was never right: strangers cannot keep users out of where they work.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections import OrderedDict

from cmdctl.accounts import Accounts
from cmdctl.errors import RequestError
from cmdctl.limits import FAILURE_SECONDS, MAX_FAILURES, MAX_ORIGINS_REMEMBERED, PASSWORDS_AT_ONCE
from cmdctl.peer import neighbourhood
from cmdctl.pools import Work
from cmdctl.roles import Caller

_WANTED = "credentials are needed: Authorization: Bearer TOKEN, or Basic with user and password"
_WRONG = "these credentials are not valid"


class Authentication:
    """Finds out who asks."""

    def __init__(self, accounts: Accounts, work: Work) -> None:
        self._accounts = accounts
        self._work = work
        self._throttle = Throttle()
        self._familiar = Familiar()
        self._passwords = asyncio.Semaphore(PASSWORDS_AT_ONCE)

    async def caller(self, authorization: str | None, address: str) -> Caller:
        """Who the header says; raises RequestError unauthenticated or throttled."""
        if not authorization:
            raise RequestError("unauthenticated", _WANTED)
        address = neighbourhood(address)
        scheme, _, value = authorization.partition(" ")
        match scheme.lower():
            case "bearer":
                sources: tuple[str, ...] = (address,)
                self._throttle.check(sources)
                caller = await self._work(self._accounts.by_token, value.strip())
            case "basic":
                name, password = _name_and_password(value.strip())
                sources = (address,) if self._familiar.knows(name, address) else (address, f"user {name}")
                self._throttle.check(sources)
                async with self._passwords:
                    self._throttle.check(sources)  # again: others may have failed while this one waited
                    caller = await self._work(self._accounts.by_password, name, password)
            case _:
                raise RequestError("unauthenticated", _WANTED)
        if caller is None:
            self._throttle.failed(sources)
            raise RequestError("unauthenticated", _WRONG)
        self._throttle.succeeded(sources)
        if not caller.token:
            self._familiar.note(caller.user, address)
        return caller


class Familiar:
    """From where users showed the right password. Bounded: the pairs longest without it are forgotten first."""

    def __init__(self) -> None:
        self._pairs: OrderedDict[tuple[str, str], None] = OrderedDict()

    def knows(self, user: str, address: str) -> bool:
        """Whether this user came from there before."""
        return (user, address) in self._pairs

    def note(self, user: str, address: str) -> None:
        """This user came from there."""
        self._pairs[user, address] = None
        self._pairs.move_to_end((user, address))
        if len(self._pairs) > MAX_ORIGINS_REMEMBERED:
            self._pairs.popitem(last=False)


class Throttle:
    """Counts failures by source. Bounded: the sources longest without one are forgotten first."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def check(self, sources: tuple[str, ...]) -> None:
        """Raise RequestError throttled for a source that failed too often."""
        now = time.monotonic()
        for source in sources:
            since, count = self._failures.get(source, (now, 0))
            if count >= MAX_FAILURES and now - since < FAILURE_SECONDS:
                wait = FAILURE_SECONDS - (now - since)
                raise RequestError("throttled", f"too many wrong credentials; try again in {wait:.0f} s")

    def failed(self, sources: tuple[str, ...]) -> None:
        """Count one failure."""
        now = time.monotonic()
        for source in sources:
            since, count = self._failures.pop(source, (now, 0))
            if now - since >= FAILURE_SECONDS:
                since, count = now, 0
            self._failures[source] = (since, count + 1)
            if len(self._failures) > MAX_ORIGINS_REMEMBERED:
                self._failures.popitem(last=False)

    def succeeded(self, sources: tuple[str, ...]) -> None:
        """Forget the failures of a user; those of an address stay: it may have several."""
        for source in sources[1:]:
            self._failures.pop(source, None)


def _name_and_password(value: str) -> tuple[str, str]:
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise RequestError("unauthenticated", _WRONG) from None
    if not colon:
        raise RequestError("unauthenticated", _WRONG)
    return name, password
