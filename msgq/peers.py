"""The broker's view of its members: for each a window and a bounded queue of what waits for it, and all by name.

The window is what the broker has sent and the member has not yet taken; while it is open messages go out at once, else
they wait in the queue. So however slow, stopped or hostile a member is, what it costs is WINDOW_* in the sockets
(and one message more) and QUEUE_* here.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from msgq.envelope import WINDOW_BYTES, WINDOW_MESSAGES, Frames

QUEUE_BYTES: Final = 32 * 1024 * 1024  # for one member; twice the largest payload
ALL_QUEUES_BYTES: Final = 128 * 1024 * 1024  # of all members together


class Kind(enum.Enum):
    """What a message to a member is; each has its rule for a full queue."""

    COMMAND = enum.auto()  # its caller is refused, `unavailable`, at once
    EVENT = enum.auto()  # dropped and counted; the member is told Lost when there is room
    OUTCOME = enum.auto()  # dropped and counted; the caller's own deadline is its outcome
    NOTICE = enum.auto()  # dropped and counted; a member that does not read has no use for it


# How many of each may wait for one member; outcomes are at most the calls it may have in flight.
QUEUE_MESSAGES: Final = {Kind.COMMAND: 256, Kind.EVENT: 256, Kind.OUTCOME: 1024, Kind.NOTICE: 64}


@dataclass(slots=True)
class Budget:
    """Bytes in all queues."""

    used: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message on its way to a member; `number` is that of the call it delivers, 0 for others."""

    kind: Kind
    frames: Frames
    number: int = 0

    @property
    def size(self) -> int:
        """Bytes, as windows and queues count them."""
        return len(self.frames[0]) + len(self.frames[1])


@dataclass(slots=True, eq=False)
class Peer:
    """One registered connection."""

    identity: bytes
    member: str
    pid: int
    token: str
    budget: Budget
    topics: set[str] = field(default_factory=set)
    calls: dict[int, int] = field(default_factory=dict)  # its calls in flight: its serial to our number
    tasks: set[int] = field(default_factory=set)  # the numbers of calls it was given
    lost_topics: dict[str, None] = field(default_factory=dict)  # in order of the first loss
    sent_messages: int = 0
    sent_bytes: int = 0
    consumed_messages: int = 0
    consumed_bytes: int = 0
    queued_bytes: int = 0
    _queue: deque[Waiting] = field(default_factory=deque)
    _queued: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))

    @property
    def queue_length(self) -> int:
        """How many messages wait."""
        return len(self._queue)

    @property
    def window_open(self) -> bool:
        """Whether a message may go out now."""
        return (
            self.sent_messages - self.consumed_messages < WINDOW_MESSAGES
            and self.sent_bytes - self.consumed_bytes < WINDOW_BYTES
        )

    def count_sent(self, message: Waiting) -> None:
        """A message went out."""
        self.sent_messages += 1
        self.sent_bytes += message.size

    def consume(self, messages: int, size: int) -> bool:
        """The member has taken this much in total; False when it cannot be so."""
        if not (self.consumed_messages <= messages <= self.sent_messages):
            return False
        if not (self.consumed_bytes <= size <= self.sent_bytes):
            return False
        self.consumed_messages, self.consumed_bytes = messages, size
        return True

    def push(self, message: Waiting) -> bool:
        """Put a message at the end of the queue; False, and nothing done, when it is full."""
        if self._queued[message.kind] >= QUEUE_MESSAGES[message.kind]:
            return False
        if self.queued_bytes + message.size > QUEUE_BYTES or self.budget.used + message.size > ALL_QUEUES_BYTES:
            return False
        self._queue.append(message)
        self._account(message, 1)
        return True

    def pop(self) -> Waiting | None:
        """Take the first message of the queue."""
        if not self._queue:
            return None
        message = self._queue.popleft()
        self._account(message, -1)
        return message

    def discard(self, dead: AbstractSet[int]) -> None:
        """Take the deliveries with these numbers out of the queue."""
        for message in tuple(self._queue):
            if message.number in dead:
                self._queue.remove(message)
                self._account(message, -1)

    def clear(self) -> None:
        """Drop the queue; the connection is gone."""
        while self.pop() is not None:
            pass

    def _account(self, message: Waiting, sign: int) -> None:
        self._queued[message.kind] += sign
        self.queued_bytes += sign * message.size
        self.budget.used += sign * message.size


class Members:
    """All registered connections, by identity and by name."""

    def __init__(self) -> None:
        self._by_identity: dict[bytes, Peer] = {}
        self._by_name: dict[str, Peer] = {}
        self._lowest: dict[str, Peer | None] = {}  # module to its lowest-numbered member; forgotten with each change

    def __len__(self) -> int:
        return len(self._by_identity)

    def __iter__(self) -> Iterator[Peer]:
        return iter(tuple(self._by_identity.values()))

    def of_identity(self, identity: bytes) -> Peer | None:
        """The connection of this identity."""
        return self._by_identity.get(identity)

    def named(self, member: str) -> Peer | None:
        """The connection that is this member."""
        return self._by_name.get(member)

    def of_pid(self, pid: int) -> list[Peer]:
        """The connections of one process."""
        return [peer for peer in self._by_identity.values() if peer.pid == pid]

    def add(self, peer: Peer) -> None:
        """Register; name and identity are free."""
        self._by_identity[peer.identity] = peer
        self._by_name[peer.member] = peer
        self._lowest.clear()

    def remove(self, peer: Peer) -> None:
        """Forget a connection."""
        del self._by_identity[peer.identity]
        del self._by_name[peer.member]
        self._lowest.clear()

    def rename(self, peer: Peer, member: str) -> None:
        """Give a connection another free name."""
        del self._by_name[peer.member]
        peer.member = member
        self._by_name[member] = peer
        self._lowest.clear()

    def recipient(self, to: str) -> Peer | None:
        """Who gets a command: the member of that name, or the lowest-numbered one of that module."""
        if "/" in to:
            return self._by_name.get(to)
        if to not in self._lowest:
            if len(self._lowest) > len(self._by_name):  # names nobody has: keep no list of them
                self._lowest.clear()
            self._lowest[to] = self._find_lowest(to)
        return self._lowest[to]

    def _find_lowest(self, module: str) -> Peer | None:
        prefix = f"{module}/"
        names = (name for name in self._by_name if name.startswith(prefix))
        numbered = [(int(name[len(prefix) :]), name) for name in names if name[len(prefix) :].isdecimal()]
        return self._by_name[min(numbered)[1]] if numbered else None
