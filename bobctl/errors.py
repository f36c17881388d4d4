"""Errors of bobctl and the exit codes (design section 9).

CommandError(code, message)    says what went wrong and ends with the exit code of `code`

What is wrong with the command line itself is click's UsageError, exit code 2 as well.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

import click

from bobctl.output import printable
from cmdctl.errors import DoorClosed, ErrorAnswer, NoAnswer, NotPermitted, NotRunning, NotTrusted, TokenUnusable


class ExitCode(enum.IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    REFUSED = 5


# The error codes of the REST interface (cmdctl.errors); what is not here is a failure.
_EXIT_OF_CODE = {
    "usage": ExitCode.USAGE,
    "not-found": ExitCode.NOT_FOUND,
    "conflict": ExitCode.CONFLICT,
    "refused": ExitCode.REFUSED,
    "unauthenticated": ExitCode.REFUSED,
}


class CommandError(Exception):
    """What a command could not do, and why."""

    def __init__(self, code: str, message: str, details: Sequence[Mapping[str, object]] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = _EXIT_OF_CODE.get(code, ExitCode.FAILED)
        self.details = list(details)

    def show(self) -> None:
        """Write the message to stderr, and below it each detail with its path and reason."""
        click.echo(f"bobctl: {printable(self.message)}", err=True)
        for detail in self.details:
            where = detail.get("place") or detail.get("path", "")
            text = f"{where}: {detail.get('reason', '')}" if where else str(detail.get("reason", ""))
            if text not in self.message:
                click.echo(f"  {printable(text)}", err=True)


def understood(error: Exception) -> CommandError:
    """What went wrong between us and the suite, and what to do about it."""
    match error:
        case ErrorAnswer(code="unauthenticated"):
            return CommandError(
                error.code, f"{error.message}; name a file with a token with --token-file", error.details
            )
        case ErrorAnswer():
            return CommandError(error.code, error.message, error.details)
        case NotRunning() if "://" in str(error):
            return CommandError("failed", str(error))
        case TokenUnusable():
            return CommandError("refused", str(error))
        case NotRunning():
            return CommandError(
                "failed", f"{error}: start the suite with `bob run`, or name it with --run-dir or --state-dir"
            )
        case DoorClosed():
            return CommandError("failed", f"{error}: see what the suite logs of cmdctl")
        case NotPermitted():
            return CommandError("refused", f"{error}: only root, the suite's own user and members of the group bob may")
        case NotTrusted():
            return CommandError("refused", f"{error}: name the certificate to trust with --ca-file")
        case NoAnswer():
            return CommandError("failed", f"{error}; see `bobctl status`")
        case _:
            return CommandError("failed", str(error))
