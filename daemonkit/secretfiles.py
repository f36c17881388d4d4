"""Secrets stand in files of their own, which the configuration only names: nobody who looks at it sees them."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from daemonkit.links import open_named

MAX_SECRET_FILE = 4096  # octets; a key of 512 bits takes 88
OTHERS = stat.S_IRWXO


class SecretError(Exception):
    """A secret cannot be used; the text says why, without the secret."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret in memory; it does not show itself."""

    octets: bytes = field(repr=False)


def read_secret(path: str) -> Secret:
    """The secret in a file, in base64. Raises SecretError, also where others on the machine may read or write it."""
    try:
        text = _read(path)
    except (OSError, ValueError) as error:
        raise SecretError(getattr(error, "strerror", None) or str(error)) from error
    try:
        octets = base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as error:
        raise SecretError("it is not base64") from error
    if not octets:
        raise SecretError("it is empty")
    return Secret(octets)


def version_of(path: str) -> str:
    """What is another whenever the file is; says nothing about the secret. Empty where there is no file."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return ""
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}"


def _read(path: str) -> bytes:
    descriptor = open_named(Path(path), os.O_RDONLY | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SecretError("it is no file")
        if status.st_mode & OTHERS:
            raise SecretError(f"everybody may use it (mode {stat.S_IMODE(status.st_mode):04o}): chmod o-rwx")
        if status.st_size > MAX_SECRET_FILE:
            raise SecretError(f"it has more than {MAX_SECRET_FILE} octets")
        return file.read()
