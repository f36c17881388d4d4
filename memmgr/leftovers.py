"""Files in the directory of images that nobody needs: left by who was killed, or replaced by others.

What cannot be removed only takes room: it is told once, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from memmgr.slots import Refused


class Leftovers:
    """Blocks; for one thread at a time."""

    def __init__(self, place: Path, refused: Refused) -> None:
        """What cannot be removed is `refused`."""
        self._place = place
        self._refused = refused
        self._stuck: set[Path] = set()  # what could not be removed

    def sweep(self, kept: Collection[str], being_built: Collection[int]) -> None:
        """Remove all files but those of these names, and those that become the images of these slots."""
        beginnings = tuple(f"{number}.image" for number in being_built)
        for path in self._place.iterdir():
            if path.name not in kept and not path.name.lstrip(".").startswith(beginnings):
                self.remove(path)

    def remove(self, path: Path) -> None:
        """Remove one, if it is there."""
        try:
            if not path.is_dir():
                path.unlink(missing_ok=True)
        except OSError as error:
            if path not in self._stuck:
                self._stuck.add(path)
                self._refused(path, f"it cannot be removed: {error.strerror}")
