"""Errors of the skeleton, and the exit codes every daemon uses.

DaemonError
├── ControlError          the control channel carried something it must not
├── InstallationError     our packages do not come from one installation
├── PathError             a directory or socket path cannot be used
├── SpecError             a spec file is wrong (daemonkit.spec)
└── Rejected              a module refuses a configuration: where and why
"""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """Exit status of every daemon (the numbers above 2 are those of sysexits.h)."""

    STOPPED = 0
    USAGE = 2
    INTERNAL = 70
    TEMPORARY = 75
    CONFIGURATION = 78


class DaemonError(Exception):
    """Root of what the skeleton raises."""


class ControlError(DaemonError):
    """The control channel carried something it must not."""


class InstallationError(DaemonError):
    """Our packages do not come from one installation."""


class PathError(DaemonError):
    """A directory or socket path cannot be used."""


class Rejected(DaemonError):
    """A module refuses a configuration."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
