"""What can go wrong in memmgr."""

from __future__ import annotations

from pathlib import Path

from daemonkit.errors import DaemonError


class MemmgrError(DaemonError):
    """Any error of memmgr."""


class Occupied(MemmgrError):
    """Another process keeps the images of this state directory."""


class Displaced(MemmgrError):
    """The directory of images was removed, or another is in its place."""


class ListUnreadable(OSError):
    """The list of images cannot be read, and the reason lies with it: another try may be well, but need not."""

    def __init__(self, path: Path, error: OSError, aside: Path | None) -> None:
        """`aside` is where it was put, if it was; then the next try finds no list."""
        super().__init__(error.errno, error.strerror, str(path))
        self.aside = aside


class BuildFailed(MemmgrError):
    """An image could not be built."""


class SourceSilent(BuildFailed):
    """A data source does not answer, and whoever waits for it waits for ever."""

    def __init__(self, source: str, seconds: float) -> None:
        super().__init__(f"the data source {source} has not answered for {seconds:.0f} s")
        self.source = source
        self.seconds = seconds
