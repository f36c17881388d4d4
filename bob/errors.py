"""What can go wrong in the supervisor.

BobError
├── StartError            the suite cannot be started: what to do about it is in the text
│   ├── AlreadyRunning    another bob holds the directory
│   └── PrivilegeError    the user cannot be changed to, or could not work afterwards
├── SocketError           a listening socket cannot be had
│   └── CreatorGone       sockcreator died with the request in hand
└── SpawnError            a process could not be started
"""

from __future__ import annotations

import enum


class ExitStatus(enum.IntEnum):
    """Exit status of bob (the numbers above 2 are those of sysexits.h). packaging/systemd/bob.service knows them.

    After UNAVAILABLE, NO_PERMISSION and CONFIGURATION another start would fail the same way.
    """

    STOPPED = 0
    FAILED = 1
    UNAVAILABLE = 69
    TEMPORARY = 75
    NO_PERMISSION = 77
    CONFIGURATION = 78
    INTERRUPTED = 130


class BobError(Exception):
    """Root of what the supervisor raises."""


class StartError(BobError):
    """The suite cannot be started."""

    status = ExitStatus.CONFIGURATION


class AlreadyRunning(StartError):
    """Another bob holds the directory."""

    status = ExitStatus.TEMPORARY


class PrivilegeError(StartError):
    """The user cannot be changed to, or could not work afterwards."""

    status = ExitStatus.NO_PERMISSION


class SocketError(BobError):
    """A listening socket cannot be had."""


class CreatorGone(SocketError):
    """sockcreator died with the request in hand."""


class SpawnError(BobError):
    """A process could not be started."""
