"""What tells whether a file was written: what the file system says of it, without a look at what is in it."""

from __future__ import annotations

import os

Signature = tuple[int, int, int, int, int]
"""Device, inode, size and times (ns, of the data and of the inode) of a file: together they change when it does."""

SIZE, _WRITTEN = 2, 3  # places in a signature

LookedAt = tuple[tuple[str, Signature | None], ...]
"""Files by their paths, as they were when they were looked at; None: there was none, or it could not be looked at."""


def signature_of(status: os.stat_result) -> Signature:
    """What the file system says."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def written_at(signature: Signature) -> float:
    """When the data was written, in POSIX seconds."""
    return signature[_WRITTEN] / 1e9


def look_again(files: LookedAt) -> LookedAt:
    """The same files as they are now."""
    return tuple((path, _signature_at(path)) for path, _ in files)


def _signature_at(path: str) -> Signature | None:
    try:
        return signature_of(os.stat(path))  # noqa: PTH116 - of very many
    except (OSError, ValueError):  # ValueError: no path at all; it is as bad as it was
        return None
