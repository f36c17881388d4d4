"""System calls for the loop where nothing is compiled; raw.pyx is the same for the compiler."""

from __future__ import annotations

import collections
import mmap
import os
import select
import struct
import time
from typing import Literal

from auth.ancillary import Ancillary, Peer
from auth.sizes import HATCH_OCTETS, MAX_DATAGRAM, MAX_EVENTS, QUERY_OCTETS


class Reactor:
    """A thread's epoll with a bell. A subclass has `turn()`."""

    def __init__(self) -> None:
        self._epoll: select.epoll | None = None
        self._bell = -1
        self._tags: dict[int, int] = {}
        self._events: list[tuple[int, int]] = []

    def open(self) -> None:
        """Get the descriptors."""
        self._epoll = select.epoll()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.watch(self._bell, 0)

    def close(self) -> None:
        """Give the descriptors back."""
        if self._epoll is not None:
            self._epoll.close()
            os.close(self._bell)
        self._epoll = None

    def run(self) -> None:
        """Take turns until one says 0; raises what a turn raises."""
        while self.turn() != 0:
            pass

    def wake(self) -> None:
        """From any thread: the turn in hand is the last before `run` returns, if it looks at tag 0."""
        os.eventfd_write(self._bell, 1)

    def watch(self, descriptor: int, tag: int) -> None:
        """Tell `tag` when there is something to read."""
        assert self._epoll is not None
        self._epoll.register(descriptor, select.EPOLLIN)
        self._tags[descriptor] = tag

    def unwatch(self, descriptor: int) -> None:
        """Tell nothing more of it."""
        assert self._epoll is not None
        self._epoll.unregister(descriptor)

    def listen(self, descriptor: int, tag: int) -> int:
        """As watch(); 0 where the system has no room for it."""
        return self._control(descriptor, tag, select.EPOLLIN)

    def follow(self, descriptor: int, tag: int) -> int:
        """Tell `tag` once when more came; 0 where the system has no room for it."""
        return self._control(descriptor, tag, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)

    def follow_both(self, descriptor: int, tag: int) -> int:
        """Tell `tag` also once when there is room for more to be sent; 0 where this descriptor is not followed."""
        assert self._epoll is not None
        try:
            self._epoll.modify(descriptor, select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET)
        except OSError:
            return 0
        self._tags[descriptor] = tag
        return 1

    def unlisten(self, descriptor: int) -> int:
        """As unwatch()."""
        try:
            self.unwatch(descriptor)
        except OSError:
            return 0
        return 1

    def _control(self, descriptor: int, tag: int, events: int) -> int:
        assert self._epoll is not None
        try:
            self._epoll.register(descriptor, events)
        except OSError:
            return 0
        self._tags[descriptor] = tag
        return 1

    def turn(self) -> int:
        """One turn; 0 ends `run`."""
        return 0

    def wait(self, milliseconds: int) -> int:
        """Wait for events; how many there are."""
        assert self._epoll is not None
        self._events = self._epoll.poll(milliseconds / 1000 if milliseconds >= 0 else None, MAX_EVENTS)
        return len(self._events)

    def doze(self) -> int:
        """Wait for nothing but the bell."""
        select.select([self._bell], [], [])
        return 0

    def tag(self, index: int) -> int:
        """Of an event."""
        return self._tags[self._events[index][0]]

    def is_over(self, index: int) -> int:
        """Whether an event says, too, that nothing comes behind what there is to read."""
        return self._events[index][1] & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR) != 0

    def silence(self) -> int:
        """The bell was heard."""
        try:
            os.eventfd_read(self._bell)
        except BlockingIOError:  # a signal woke us
            pass
        return 0

    def now(self) -> int:
        """Milliseconds of the monotonic clock."""
        return int(time.monotonic() * 1000)

    def nanoseconds(self) -> int:
        """Of the monotonic clock."""
        return time.monotonic_ns()

    def seconds(self) -> int:
        """POSIX seconds."""
        return int(time.time())


class Hatch:
    """Where the loop's thread puts what another has to answer: a bounded queue, one writer, one reader."""

    def __init__(self, most: int) -> None:
        """`most` messages wait at once."""
        self.most = most
        self.passed = 0  # messages that were put in, ever
        self.taken = 0  # messages that were taken out, ever
        self._bell = -1
        self._octets = 0
        self._messages: collections.deque[tuple[int, bytes, Peer, Ancillary]] = collections.deque()

    def open(self) -> int:
        """Get the descriptor of the bell, which rings when something was put in."""
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        return self._bell

    def close(self) -> None:
        """Give it back."""
        if self._bell >= 0:
            os.close(self._bell)
        self._bell = -1

    def silence(self) -> None:
        """The bell was heard."""
        try:
            os.eventfd_read(self._bell)
        except BlockingIOError:  # another heard it
            pass

    def take(self) -> tuple[int, bytes, Peer, Ancillary] | None:
        """The oldest message: (tag, octets, peer, control), or None where none waits."""
        if not self._messages:
            return None
        found = self._messages.popleft()
        self.taken += 1
        return found

    def waiting(self) -> int:
        """Messages that wait; in the thread of the loop."""
        return self.passed - self.taken

    def put(self, message: tuple[int, bytes, Peer, Ancillary]) -> int:
        """Put a message in; 0 where there is no room."""
        most = HATCH_OCTETS // MAX_DATAGRAM if len(message[1]) > QUERY_OCTETS else self.most
        if self.waiting() >= most:
            return 0
        self._messages.append(message)
        self.passed += 1
        return 1

    def ring(self) -> int:
        """Tell the reader."""
        os.eventfd_write(self._bell, 1)
        return 0


def zeros(count: int, kind: Literal["B", "i", "I", "q", "Q"]) -> memoryview:
    """So many numbers of this kind (as of `array`), in pages that cost nothing until they are written to."""
    return memoryview(mmap.mmap(-1, count * struct.calcsize(kind), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)).cast(kind)
