"""How a session comes to be registered with a broker, and again with its successors.

NEW -> CONNECTING -> REGISTERING -> READY
           ^______________|___________|      the link ended: a new one, with a new identity
any -> CLOSED
"""

from __future__ import annotations

import asyncio
import enum
import itertools
import logging
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from msgq import envelope
from msgq.envelope import WINDOW_BYTES, WINDOW_MESSAGES, Frames, FromBroker, FromMember, MemberEntry
from msgq.errors import BusError, BusLost, ProtocolError, Refused
from msgq.link import Link, LinkFactory
from msgq.outgoing import Outgoing

# A name may be taken for a moment by a predecessor whose death the broker has not heard of yet: a spare takes a place
# within milliseconds.
CONFLICT_PATIENCE: Final = 2.0  # seconds
CONFLICT_RETRY: Final = 0.05
REFUSED_RETRY: Final = 1.0  # seconds, for a session that once was registered and must be so again

_logger = logging.getLogger("msgq.session")
_epochs = itertools.count(1)  # of the process: no identity is used twice


class State(enum.Enum):
    """Where a connection is."""

    NEW = enum.auto()
    CONNECTING = enum.auto()
    REGISTERING = enum.auto()
    READY = enum.auto()
    CLOSED = enum.auto()


class ConnectionOwner(Protocol):
    """Who is told."""

    def registered(self, roster: list[MemberEntry]) -> Iterable[FromMember]:
        """The broker knows us; gives what it must be told before anything else."""

    def received(self, header: FromBroker, payload: bytes) -> None:
        """A message came from the broker."""

    def lost(self) -> None:
        """The broker is gone."""


class Connection:
    """The session's side of one link after the other."""

    def __init__(self, connect: LinkFactory, owner: ConnectionOwner, *, member: str, pid: int, token: str) -> None:
        self.outgoing = Outgoing()
        self.member = member  # as last registered
        self.junk = 0
        self._connect = connect
        self._owner = owner
        self._pid = pid
        self._token = token
        self._state = State.NEW
        self._link: Link | None = None
        self._first: asyncio.Future[None] | None = None  # the first registration, or why there is none
        self._asking_for = member  # in the registration under way
        self._conflict_since: float | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._wish = ""  # another name, wanted until we have it or it is refused
        self._renamed: asyncio.Future[None] | None = None
        self._taken = [0, 0]  # messages and bytes from this broker
        self._told = [0, 0]  # ... of which it knows

    @property
    def ready(self) -> bool:
        """Whether it is registered now."""
        return self._state is State.READY

    async def start(self) -> None:
        """Connect and wait for the first registration; raises Refused."""
        self._first = asyncio.get_running_loop().create_future()
        self._open_link()
        await asyncio.shield(self._first)

    async def rename(self, member: str) -> None:
        """Have another name. The wish stands, also over the broker's death, until it is granted or refused."""
        self._settle_rename(Refused("conflict", f"renamed to {member} in the meantime"))
        if member == self.member:
            return
        self._wish, self._renamed = member, asyncio.get_running_loop().create_future()
        self._conflict_since = None
        self._post(envelope.Rename(member=member))
        await asyncio.shield(self._renamed)

    def close(self, linger: float = 0.0) -> None:
        """End it; `linger` in seconds lets the last messages go out."""
        self._post(envelope.Leave())
        self._move_to(State.CLOSED)
        self.outgoing.detach()
        self._drop_link(linger)
        error = BusLost("the session is closed", maybe_done=False)
        if self._first is not None:
            _fail(self._first, error)
        self._settle_rename(error)

    # What happens on the link.

    def link_opened(self) -> None:
        """The connection stands: register."""
        self._move_to(State.REGISTERING)
        self._register()

    def link_received(self, frames: list[bytes]) -> None:
        """A message came."""
        try:
            if len(frames) != envelope.FRAMES:
                raise ProtocolError(f"{len(frames)} frames are not a message")
            header = envelope.decode_from_broker(frames[0])
            if self._state is State.READY:
                self._received(header, (frames[0], frames[1]))
            else:
                self._registration_answered(header, (frames[0], frames[1]))
        except ProtocolError as error:
            self.junk += 1
            _logger.warning("the broker sent what is no message: %s", error)

    def link_writable(self) -> None:
        """There may be room."""
        self.outgoing.flush()

    def link_ended(self) -> None:
        """The broker is gone, or does not know this connection: begin again."""
        self.outgoing.detach()
        self._drop_link()
        if self._state is State.READY:
            self._move_to(State.CONNECTING)
            self._owner.lost()
        if self._state is not State.CLOSED:
            self._open_link()

    # Registering.

    def _open_link(self) -> None:
        self._move_to(State.CONNECTING)
        self._taken, self._told = [0, 0], [0, 0]
        self._asking_for = self._wish or self.member
        self._link = self._connect(f"{self._asking_for}.{self._pid}.{next(_epochs)}".encode(), self)

    def _register(self) -> None:
        self._retry = None
        header = envelope.Register(member=self._asking_for, pid=self._pid, token=self._token)
        if self._link is not None and not self._link.send((envelope.encode_header(header), b"")):
            self._retry = _later(CONFLICT_RETRY, self._register)

    def _registration_answered(self, header: FromBroker, frames: Frames) -> None:
        if isinstance(header, envelope.Welcome):
            roster = envelope.decode_payload(frames[1], list[MemberEntry])
            self._welcomed(roster)
            self._count_taken(frames)
        elif isinstance(header, envelope.Rejected):
            self._rejected(header)
        else:
            self.junk += 1

    def _welcomed(self, roster: list[MemberEntry]) -> None:
        assert self._link is not None
        self._conflict_since = None
        self._move_to(State.READY)
        self._has_name(self._asking_for)
        first = list(self._owner.registered(roster))
        if self._wish:
            first.append(envelope.Rename(member=self._wish))
        self.outgoing.attach(self._link, [(envelope.encode_header(header), b"") for header in first])
        if self._first is not None and not self._first.done():
            self._first.set_result(None)

    def _rejected(self, header: envelope.Rejected) -> None:
        if self._conflict_since is None:
            _logger.info("%s is not registered: %s", self._asking_for, header.text)
        if self._may_pass(header):
            self._retry = _later(CONFLICT_RETRY, self._register)
        elif self._asking_for == self._wish != self.member:  # the old name may still be had
            self._conflict_since = None
            self._settle_rename(Refused(header.code, header.text))
            self.link_ended()
        elif self._first is not None and not self._first.done():
            _fail(self._first, Refused(header.code, header.text))
        else:
            self._retry = _later(REFUSED_RETRY, self._register)

    def _may_pass(self, header: envelope.Rejected) -> bool:
        """Whether the name may be free in a moment."""
        now = asyncio.get_running_loop().time()
        if self._conflict_since is None:
            self._conflict_since = now
        return header.code == "conflict" and now - self._conflict_since < CONFLICT_PATIENCE

    def _drop_link(self, linger: float = 0.0) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._link is not None:
            self._link.close(linger)
            self._link = None

    # Registered.

    def _received(self, header: FromBroker, frames: Frames) -> None:
        if isinstance(header, envelope.Stranger):
            self.link_ended()
            return
        self._count_taken(frames)
        if isinstance(header, envelope.Renamed):
            self._has_name(header.member)
        elif isinstance(header, envelope.Rejected):
            self._rename_rejected(header)
        else:
            self._owner.received(header, frames[1])

    def _rename_rejected(self, header: envelope.Rejected) -> None:
        if self._may_pass(header):
            self._retry = _later(CONFLICT_RETRY, self._wish_again)
        else:
            self._settle_rename(Refused(header.code, header.text))

    def _wish_again(self) -> None:
        self._retry = None
        if self._wish:
            self._post(envelope.Rename(member=self._wish))

    def _has_name(self, member: str) -> None:
        self.member = member
        if member == self._wish:
            self._settle_rename(None)

    def _settle_rename(self, error: BusError | None) -> None:
        self._wish = ""
        if self._renamed is not None and not self._renamed.done():
            if error is None:
                self._renamed.set_result(None)
            else:
                _fail(self._renamed, error)

    def _count_taken(self, frames: Frames) -> None:
        """Tell the broker what was taken when it is half of the window it keeps for us."""
        self._taken[0] += 1
        self._taken[1] += len(frames[0]) + len(frames[1])
        messages, size = self._taken[0] - self._told[0], self._taken[1] - self._told[1]
        if messages >= WINDOW_MESSAGES // 2 or size >= WINDOW_BYTES // 2:
            self._told = list(self._taken)
            self._post(envelope.Consumed(messages=self._taken[0], bytes=self._taken[1]))

    def _post(self, header: FromMember) -> None:
        self.outgoing.post((envelope.encode_header(header), b""))

    def _move_to(self, state: State) -> None:
        if self._state is not State.CLOSED:
            self._state = state


def _later(seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, callback)


def _fail(future: asyncio.Future[None], error: BusError) -> None:
    """Set the exception, unless it is done; it counts as seen where nobody waits."""
    if not future.done():
        future.set_exception(error)
        future.exception()
