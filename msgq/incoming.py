"""What a session hands to its owner: calls to answer, events, gaps; and the shape of a request to make."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, overload

from msgq.envelope import decode_payload

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


class Request(Protocol[R_co]):
    """A request struct: its fields are the arguments, its class variables say where it goes and what comes back.

    A class variable `changes = False` marks a command that only reads; the recipient need not remember its outcome.
    """

    @property
    def module(self) -> str:
        """Who answers; may be empty where the caller names the member."""

    @property
    def command(self) -> str:
        """The command's name in the spec."""

    @property
    def reply(self) -> type[R_co]:
        """The type of the answer."""


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """A command to carry out."""

    command: str
    arguments: dict[str, Any]  # the JSON object, not yet checked against the request struct
    caller: str  # member name
    deadline: float  # seconds of time.monotonic(); an answer after it is dropped
    id: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened."""

    topic: str
    publisher: str  # member name
    sequence: int  # of this publisher on this topic
    payload: bytes

    @overload
    def decode(self, type: type[T]) -> T: ...
    @overload
    def decode(self, type: Any = ...) -> Any: ...
    def decode(self, type: Any = Any) -> Any:  # noqa: A002 - the word msgspec uses
        """The content as `type`; raises ProtocolError."""
        return decode_payload(self.payload, type)


@dataclass(frozen=True, slots=True)
class Gap:
    """Events of a topic did not come through: re-read what they would have told."""

    topic: str
    publisher: str  # empty where it is not known whose they were
    lost: int  # how many; 0 where it is not known


CommandHandler = Callable[[IncomingCall], Awaitable[Any]]
EventHandler = Callable[[Event], Awaitable[None]]
GapHandler = Callable[[Gap], Awaitable[None]]
EpochHandler = Callable[[], None]
