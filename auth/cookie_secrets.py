"""The secrets that server cookies are made with: from files, or our own, which rolls over by itself (RFC 9018).

Our own is one secret in the state directory, shared by all instances and kept over restarts. Never used itself, it
gives the secret of each period of time, by a one-way function: so instances roll over together, at the same moment,
without a word between them, and who guesses the secret of one period learns nothing of the next.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auth.cookie_format import MAX_AGE, MAX_AHEAD, SECRET_OCTETS
from auth.cookies import CookieJar
from auth.errors import CookieSecretError
from daemonkit.secretfiles import SecretError, read_secret

FILE_NAME = "cookies.secret"  # in the state directory
MASTER_OCTETS = 32
HEXADECIMAL_OCTETS = 24  # what base64 makes of 16 octets in hexadecimal, as other servers have them
ALWAYS = 1 << 62  # seconds: later than any time

_PURPOSE = b"bobdns cookies"  # distinguishes this use of BLAKE2 from others (its "person")
_KEY = struct.Struct("<2Q")


@dataclass(frozen=True, slots=True)
class CookieSecrets:
    """What cookies are made with; it does not show itself."""

    fixed: tuple[bytes, ...] = field(default=(), repr=False)  # the first makes, all are accepted
    master: bytes = field(default=b"", repr=False)  # where there are no fixed ones
    rollover: int = 86400  # seconds a secret that the master gives makes cookies
    is_passing: bool = False  # it ends with this process

    @classmethod
    def passing(cls) -> CookieSecrets:
        """Secrets that nobody else has, and that end with this object."""
        return cls(master=os.urandom(MASTER_OCTETS), is_passing=True)

    def install(self, jar: CookieJar, now: int) -> None:
        """Have a jar use the secrets of this time, POSIX seconds."""
        jar.use(*self.at(now))

    def at(self, now: int) -> tuple[list[tuple[int, int]], int, int]:
        """The secrets of a time, as keys of SipHash; and from when to when, POSIX seconds, they are these."""
        if self.fixed:
            return [_key(secret) for secret in self.fixed], -ALWAYS, ALWAYS
        # A cookie may have been made in the period of MAX_AGE ago, or by a clock that is in the next one already.
        shifts = (0, -MAX_AGE, MAX_AHEAD)
        periods = [(now + shift) // self.rollover for shift in shifts]
        since = max(period * self.rollover - shift for period, shift in zip(periods, shifts, strict=True))
        until = min((period + 1) * self.rollover - shift for period, shift in zip(periods, shifts, strict=True))
        return [self._of_period(period) for period in dict.fromkeys(periods)], since, until

    def next_rollover(self, now: int) -> int | None:
        """POSIX seconds when another secret will make cookies; None where they are fixed."""
        return None if self.fixed else (now // self.rollover + 1) * self.rollover

    def _of_period(self, period: int) -> tuple[int, int]:
        text = period.to_bytes(8, signed=True)
        return _key(hashlib.blake2b(text, digest_size=SECRET_OCTETS, key=self.master, person=_PURPOSE).digest())


def _key(secret: bytes) -> tuple[int, int]:
    key0, key1 = _KEY.unpack(secret)
    return key0, key1


def read_secrets(options: Mapping[str, Any], directory: Path) -> CookieSecrets:
    """What the options `auth.cookies` say; `directory` is that of state. Raises CookieSecretError."""
    files = [file["path"] for file in options["secret_files"]]
    if files:
        return CookieSecrets(tuple(_read_fixed(file, index) for index, file in enumerate(files)))
    path = directory / FILE_NAME
    try:
        return CookieSecrets(master=_keep_master(path), rollover=int(options["rollover"]))
    except SecretError as error:
        raise CookieSecretError(str(path), str(error)) from error


def _read_fixed(file: str, index: int) -> bytes:
    try:
        secret = read_secret(file).octets
    except SecretError as error:
        raise CookieSecretError(file, str(error), index) from error
    if len(secret) != SECRET_OCTETS:
        hint = ": is it in hexadecimal? Base64 it must be" if len(secret) == HEXADECIMAL_OCTETS else ""
        raise CookieSecretError(file, f"it has {len(secret)} octets, and not {SECRET_OCTETS}{hint}", index)
    return secret


def _keep_master(path: Path) -> bytes:
    """Our own secret; made by who comes first."""
    try:
        if not path.exists():
            _write_once(path)
    except OSError as error:
        raise SecretError(error.strerror or str(error)) from error
    secret = read_secret(str(path)).octets
    if len(secret) != MASTER_OCTETS:
        raise SecretError(f"it has {len(secret)} octets, and not {MASTER_OCTETS}")
    return secret


def _write_once(path: Path) -> None:
    """Write a new secret: the whole file is there or none, and the first of several writers wins."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(base64.b64encode(os.urandom(MASTER_OCTETS)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
