"""What can go wrong in memmgr."""

from __future__ import annotations

from daemonkit.errors import DaemonError


class MemmgrError(DaemonError):
    """Any error of memmgr."""


class Occupied(MemmgrError):
    """Another process keeps the images of this state directory."""


class Displaced(MemmgrError):
    """The directory of images was removed, or another is in its place."""


class BuildFailed(MemmgrError):
    """An image could not be built."""


class SourceSilent(BuildFailed):
    """A data source does not answer, and whoever waits for it waits for ever."""

    def __init__(self, source: str, seconds: float) -> None:
        super().__init__(f"the data source {source} has not answered for {seconds:.0f} s")
        self.source = source
        self.seconds = seconds
