"""What can go wrong in memmgr."""

from __future__ import annotations

from daemonkit.errors import DaemonError


class MemmgrError(DaemonError):
    """Any error of memmgr."""


class Occupied(MemmgrError):
    """Another process keeps the images of this state directory."""


class BuildFailed(MemmgrError):
    """An image could not be built."""
