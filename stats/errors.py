"""What can go wrong in stats."""

from __future__ import annotations

from daemonkit.errors import DaemonError


class StatsError(DaemonError):
    """Any error of stats."""


class CannotListen(StatsError):
    """The address of the metrics cannot be had."""
