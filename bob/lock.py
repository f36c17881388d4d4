"""One suite to a directory: a locked file that says whose it is and where its directories are.

The lock is the kernel's (flock(2)): it goes with the process, however that ends, so nothing stale is ever in the way.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from bob.errors import AlreadyRunning, StartError
from daemonkit.paths import LOCK_NAME, Directories, lock_text


class DirectoryLock:
    """Held from creation to close."""

    def __init__(self, directory: Path, meaning: str, places: Directories) -> None:
        """Take the lock; `meaning` names the directory to the user, `places` is for who looks for the suite.

        Raises AlreadyRunning, StartError.
        """
        self.path = directory / LOCK_NAME
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._descriptor = os.open(self.path, flags, 0o644)
        except OSError as error:
            raise StartError(f"cannot use the {meaning} {directory}: {error.strerror} ({self.path.name})") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").partition("\n")[0] or "unknown"
            os.close(self._descriptor)
            raise AlreadyRunning(f"another bob (process {holder}) uses the {meaning} {directory}") from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, lock_text(os.getpid(), places), 0)

    def close(self) -> None:
        """Release the lock. The file stays: removing it would let two others lock two files of one name."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
