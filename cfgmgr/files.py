"""Files that are there whole or not at all, and know when they were damaged.

    bobdns <kind> <format> <length of the body> <SHA-256 of "kind format\\n" and the body>
    <body: JSON>

Later formats keep this first line, so that a newer file is told from a damaged one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from pathlib import Path

import msgspec

from cfgmgr.errors import StoreLocked, StoreTooNew

FORMAT = 1
MAX_FILE = 256 * 1024 * 1024  # bytes; a snapshot of 100 000 zones is about 30 MB
FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
TEMPORARY = ".tmp"
DAMAGED = ".damaged"

_HEAD = re.compile(rb"bobdns (?P<kind>[a-z]+) (?P<format>[0-9]{1,9}) (?P<length>[0-9]{1,12}) (?P<sum>[0-9a-f]{64})\n")
_MAX_HEAD = 160


class DamagedFile(Exception):
    """A file is not what was written; the text says what is wrong."""


class NotDurable(Exception):
    """A new file is in its place, but might not survive a power cut."""


def write(path: Path, kind: str, body: object) -> None:
    """Write a file durably: old or new after a crash at any moment, new once this returns.

    Raises OSError where the old file is still there, NotDurable where it is unknown which one a crash would leave.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        _write_synced(temporary, kind, msgspec.json.encode(body))
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    try:
        sync_directory(path.parent)
    except OSError as error:
        raise NotDurable(error.strerror) from error


def read(path: Path, kind: str) -> bytes:
    """The body of a file. Raises DamagedFile, StoreTooNew, OSError."""
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb") as file:
        size = os.fstat(file.fileno()).st_size  # not the limit itself: a read takes memory for all it asks for
        data = file.read(min(size, MAX_FILE + _MAX_HEAD) + 1)
    match = _HEAD.match(data)
    if match is None:
        raise DamagedFile("its first line is not ours")
    body = data[match.end() :]
    if len(body) != int(match["length"]):
        raise DamagedFile(f"it holds {len(body)} bytes where {int(match['length'])} were written")
    if _sum(match["kind"], match["format"], body) != match["sum"]:
        raise DamagedFile("its checksum is wrong")
    if match["kind"] != kind.encode():
        raise DamagedFile(f"it is of kind {match['kind'].decode()}, not {kind}")
    if int(match["format"]) > FORMAT:
        raise StoreTooNew(
            f"{path} has format {int(match['format'])}, and this release reads up to {FORMAT}. Run the newer release "
            "again, or move the directory away to start without its configuration"
        )
    return body


def set_aside(path: Path) -> Path:
    """Rename a damaged file so that it is out of the way and still there; gives its new name. Raises OSError."""
    number = 0
    while True:
        kept = path.with_name(path.name + DAMAGED + (f".{number}" if number else ""))
        if not kept.exists():
            path.rename(kept)
            sync_directory(path.parent)
            return kept
        number += 1


def remove(path: Path) -> None:
    """Remove a file durably; it may be gone already. Raises OSError."""
    path.unlink(missing_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make creations, renames and removals in a directory durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lock(path: Path, what: str) -> int:
    """Have a store alone, through a lock on a file that ends with this process; its descriptor.

    Raises StoreLocked, which names `what` and the process that has it; OSError.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise StoreLocked(f"{what} is in use by another cfgmgr (process {holder})") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def unlock(descriptor: int) -> None:
    """Let it go; -1 is none."""
    if descriptor >= 0:
        os.close(descriptor)


def _write_synced(path: Path, kind: str, body: bytes) -> None:
    version = str(FORMAT).encode()
    head = b"bobdns %s %s %d %s\n" % (kind.encode(), version, len(body), _sum(kind.encode(), version, body))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    with open(descriptor, "wb") as file:
        file.write(head + body)
        file.flush()
        os.fsync(file.fileno())


def _sum(kind: bytes, version: bytes, body: bytes) -> bytes:
    return hashlib.sha256(b"%s %s\n%s" % (kind, version, body)).hexdigest().encode()
