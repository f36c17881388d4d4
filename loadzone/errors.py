"""What ends a load, and the exit codes of the program (design section 9).

LoadError                  nothing was written
├── UsageFault      2      the command line or the configuration does not say what to do
├── NotFound        3      no such file, directory or data source
├── BadZone         1      the text has errors (they were reported one by one)
├── Refused         5      the serial, or a data source that is only read
└── Failed          1      anything else: the reason says what

Interrupted                SIGINT or SIGTERM came; nothing was written since
"""

from __future__ import annotations

import enum
import signal

from datasrc.errors import (
    Conflict,
    DataSourceError,
    Missing,
    NoSuchZone,
    ReadOnly,
    UnknownBackend,
)


class ExitCode(enum.IntEnum):
    """How the program ended."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    REFUSED = 5


class LoadError(Exception):
    """A zone was not loaded; what was there before still is."""

    exit_code = ExitCode.FAILED


class UsageFault(LoadError):
    """The command line or the configuration file does not say what to do."""

    exit_code = ExitCode.USAGE


class NotFound(LoadError):
    """A file, directory or data source is not there."""

    exit_code = ExitCode.NOT_FOUND


class BadZone(LoadError):
    """The text has errors."""


class Refused(LoadError):
    """It could be done, but must not."""

    exit_code = ExitCode.REFUSED


class Failed(LoadError):
    """It was tried and failed."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM. Not an Exception: nothing on the way may take it for a fault of the text."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)


def exit_code_of(error: LoadError | DataSourceError) -> ExitCode:
    """How the program ends after this error."""
    match error:
        case LoadError():
            return error.exit_code
        case Conflict():
            return ExitCode.CONFLICT
        case ReadOnly():
            return ExitCode.REFUSED
        case Missing() | NoSuchZone():
            return ExitCode.NOT_FOUND
        case UnknownBackend():
            return ExitCode.USAGE
        case _:
            return ExitCode.FAILED
