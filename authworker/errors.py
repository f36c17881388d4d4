"""What can go wrong in the worker of auth."""

from __future__ import annotations

from daemonkit.errors import DaemonError


class AuthworkerError(DaemonError):
    """Any error of the worker."""


class AnswerStalled(AuthworkerError):
    """A query hangs in a data source. The process ends, and its successor begins afresh."""


class SourceSilent(AuthworkerError):
    """Too many threads wait for data sources that do not answer. The process ends, and its successor begins afresh."""


class HookStalled(AuthworkerError):
    """The answer hook cannot be interrupted. The process ends, and its successor begins afresh."""


class HookUnusable(AuthworkerError):
    """The answer hook cannot be loaded; the text says where and why."""


class CannotListen(AuthworkerError):
    """The socket that auth instances come to cannot be had."""
