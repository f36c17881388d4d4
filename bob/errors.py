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


class BobError(Exception):
    """Root of what the supervisor raises."""


class StartError(BobError):
    """The suite cannot be started."""


class AlreadyRunning(StartError):
    """Another bob holds the directory."""


class PrivilegeError(StartError):
    """The user cannot be changed to, or could not work afterwards."""


class SocketError(BobError):
    """A listening socket cannot be had."""


class CreatorGone(SocketError):
    """sockcreator died with the request in hand."""


class SpawnError(BobError):
    """A process could not be started."""
