"""Errors of cmdctl, on both sides of the door. Standard library only: clients import this.

CmdctlError
├── RequestError(code, message)      a request cannot be done; becomes the HTTP answer
├── AnswerCut                        an answer that has begun cannot be completed
└── ClientError                      what a client of the door sees
    ├── NotRunning                   nothing answers at the socket
    ├── DoorClosed                   the same, although the suite runs
    ├── NotPermitted                 the socket is there, but this user may not open it
    ├── NoAnswer                     the connection broke or the deadline passed: the outcome is unknown
    ├── NotTrusted                   the server's certificate is not one that the caller trusts
    ├── TokenUnusable                the token file is readable for others, or holds none
    ├── BadAnswer                    what answered does not speak this interface
    └── ErrorAnswer(code, message)   the suite answered with an error
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# The refusal codes of the bus (docs/internals.md section 3) and what only HTTP knows, with their HTTP status.
STATUS_OF_CODE = {
    "usage": 400,
    "unauthenticated": 401,
    "refused": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "timeout": 408,
    "conflict": 409,
    "too-large": 413,
    "unsupported-media-type": 415,
    "throttled": 429,
    "failed": 500,
    "unavailable": 503,
}


class CmdctlError(Exception):
    """Root of what cmdctl and its client raise."""


class RequestError(CmdctlError):
    """A request cannot be done. `code` is one of STATUS_OF_CODE; `details` are findings with path and reason."""

    def __init__(self, code: str, message: str, details: Sequence[Mapping[str, object]] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = list(details)

    @property
    def status(self) -> int:
        """The HTTP status of this error."""
        return STATUS_OF_CODE[self.code]


class AnswerCut(CmdctlError):
    """An answer has begun and cannot be completed: the connection is broken off. Why is in the log already."""


class ClientError(CmdctlError):
    """Root of what the client raises."""


class NotRunning(ClientError):
    """Nothing answers at the socket: the suite (or only its cmdctl) is not running."""


class DoorClosed(ClientError):
    """The suite runs, but nothing answers at the socket: its cmdctl is down, or only just coming up."""


class NotPermitted(ClientError):
    """The socket is there, but the system does not let this user open it."""


class NoAnswer(ClientError):
    """The connection broke or the deadline passed before the answer came: the outcome is unknown."""


class NotTrusted(ClientError):
    """The certificate of the server is not one that the caller trusts, or is for another name."""


class TokenUnusable(ClientError):
    """The token file cannot be used; the text says why and what to do."""


class BadAnswer(ClientError):
    """What answered does not speak this interface."""


class ErrorAnswer(ClientError):
    """The suite answered with an error; `code` as in STATUS_OF_CODE."""

    def __init__(self, code: str, message: str, details: Sequence[Mapping[str, object]] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = list(details)
