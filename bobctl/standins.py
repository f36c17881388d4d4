"""Files with secrets that lines of a dry run would have made, for the lines behind.

What stands for one is a file beside its place, of the same owner and mode and with a secret of its own, until the dry
run ends; wherever the configuration would name the file, it names this one.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, NamedTuple

from bobctl import secret_files
from bobctl.errors import CommandError
from bobctl.suite import Suite

SUFFIX = ".dry-run"


class _StandIn(NamedTuple):
    path: Path
    directory: int  # open, until it is removed there


class StandIns:
    """By the paths that they stand for."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._there: dict[str, _StandIn] = {}

    def make(self, name: str, file: Path | None, octets: int) -> Path:
        """Have one for the secret of a key; where the real one would be. Raises CommandError as that would."""
        place, owner = secret_files.place_of(self._suite, name, file)
        with secret_files.explained(place):
            beside, directory = _beside(place, named=file is not None)
            made = _StandIn(beside / f".{place.name}{SUFFIX}", directory)
            try:
                if str(place) in self._there or (beside == place.parent and _is_there(place.name, directory)):
                    raise CommandError("failed", f"{place}: File exists")
                _remove(made)  # of a dry run that was killed
                secret_files.write(directory, made.path.name, secret_files.secret_of(octets), owner)
            except BaseException:
                os.close(directory)
                raise
        self._there[str(place)] = made
        return place

    def swap(self, value: Any) -> Any:
        """A value of the configuration, with what stands for a file in its place."""
        match value:
            case str():
                return str(self._there[value].path) if value in self._there else value
            case list():
                return [self.swap(one) for one in value]
            case dict():
                return {key: self.swap(one) for key, one in value.items()}
        return value

    def told(self, text: str) -> str:
        """What is said of them, as of the real ones."""
        for place, made in self._there.items():
            text = text.replace(str(made.path), place)
        return text

    def end(self) -> None:
        """Remove them."""
        while self._there:
            made = self._there.popitem()[1]
            try:
                _remove(made)
            finally:
                os.close(made.directory)


def _beside(place: Path, *, named: bool) -> tuple[Path, int]:
    """The directory of a place, open; that above it where the real file would come with its directory.

    Raises OSError as the real one would, for a link to a directory, too.
    """
    if named:
        return place.parent, secret_files.open_directory(place.parent)
    try:
        return place.parent, secret_files.open_directory(place.parent, ours=True)
    except FileNotFoundError:
        return place.parent.parent, secret_files.open_directory(place.parent.parent)


def _is_there(name: str, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _remove(made: _StandIn) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(made.path.name, dir_fd=made.directory)
