"""The directory of images as one process has it: locked, so that nobody else writes there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from image import manifest
from memmgr.errors import Occupied

MODE = 0o700  # of the directory: zones may be nobody else's business


class Place:
    """Locked from the beginning. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        """The directory is made where there is none. Raises Occupied, OSError."""
        self.path = path
        path.mkdir(MODE, parents=True, exist_ok=True)
        try:
            self._lock = manifest.lock(path)
        except BlockingIOError:
            raise Occupied(f"{path}: another process keeps these images") from None

    @property
    def is_held(self) -> bool:
        """Whether it was not let go."""
        return self._lock >= 0

    @property
    def in_place(self) -> bool:
        """Whether the directory is the one that was locked: else nobody finds what is written. Raises OSError.

        Of one that was let go nothing is said: nothing is written there.
        """
        return not self.is_held or manifest.is_in_place(self._lock, self.path)

    def require(self) -> None:
        """Raise OSError where the directory is another: it may be kept by another process."""
        if not self.in_place:
            raise OSError(errno.ESTALE, f"{self.path} is not the directory any more that was locked")

    def let_go(self) -> None:
        """Let another process have it."""
        if self.is_held:
            os.close(self._lock)
            self._lock = -1
