"""Files with secrets that lines of a dry run would have made, for the lines behind.

What stands for one is a file beside its place, of the same owner and mode and with a secret of its own, until the dry
run ends; wherever the configuration would name the file, it names this one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bobctl import secret_files
from bobctl.errors import CommandError
from bobctl.suite import Suite

SUFFIX = ".dry-run"


class StandIns:
    """By the paths that they stand for."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._there: dict[str, Path] = {}

    def make(self, name: str, file: Path | None, octets: int) -> Path:
        """Have one for the secret of a key; where the real one would be. Raises CommandError as that would."""
        place, owner = secret_files.place_of(self._suite, name, file)
        if place.is_symlink() or place.exists() or str(place) in self._there:
            raise CommandError("failed", f"{place}: File exists")
        beside = place.parent if place.parent.exists() or file is not None else place.parent.parent
        made = beside / f".{place.name}{SUFFIX}"
        try:
            made.unlink(missing_ok=True)  # of a dry run that was killed
        except OSError as error:
            raise CommandError("failed", f"{made}: {error.strerror}") from error
        secret_files.write(made, secret_files.secret_of(octets), owner)
        self._there[str(place)] = made
        return place

    def swap(self, value: Any) -> Any:
        """A value of the configuration, with what stands for a file in its place."""
        match value:
            case str():
                return str(self._there.get(value, value))
            case list():
                return [self.swap(one) for one in value]
            case dict():
                return {key: self.swap(one) for key, one in value.items()}
        return value

    def told(self, text: str) -> str:
        """What is said of them, as of the real ones."""
        for place, made in self._there.items():
            text = text.replace(str(made), place)
        return text

    def end(self) -> None:
        """Remove them."""
        while self._there:
            self._there.popitem()[1].unlink(missing_ok=True)
