"""The announcement: the list of images as auth is to see it, in the run directory."""

from __future__ import annotations

from pathlib import Path

import msgspec

from image import manifest
from image.manifest import Manifest


class Announcement:
    """What is told of the images in `place`: nothing until begin()."""

    def __init__(self, path: Path, place: Path, run: str) -> None:
        """`run` is this run of the suite."""
        self._path = path
        self._place = place
        self._run = run
        self._begun = False
        self._untold = False  # whether the list is another than the one that is announced

    @property
    def is_told(self) -> bool:
        """Whether readers can know the list."""
        return self._begun and not self._untold

    def withdraw(self) -> None:
        """Remove what a process before this one announced. Raises OSError."""
        self._path.unlink(missing_ok=True)

    def begin(self, listed: Manifest) -> None:
        """From now on tell the list. Raises OSError; nothing has begun then."""
        self._begun = True
        try:
            self._write(listed)
        except BaseException:
            self._begun = False
            raise

    def tell(self, listed: Manifest) -> None:
        """Tell a new list. Where that fails the list stands all the same, until tell_again().

        Readers leave images that they do not know; a directory in place of theirs, once it has been gone for a while.
        """
        try:
            self._write(listed)
        except OSError:
            self._untold = True

    def tell_again(self, listed: Manifest) -> bool:
        """Tell what could not be told; whether there was anything. Raises OSError."""
        if not self._untold:
            return False
        self._write(listed)
        return True

    def _write(self, listed: Manifest) -> None:
        if self._begun:
            told = msgspec.structs.replace(listed, run=self._run, place=str(self._place))
            manifest.write(self._path, told, durable=False)
        self._untold = False
