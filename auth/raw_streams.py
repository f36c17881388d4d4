"""System calls and buffers of TCP connections where nothing is compiled; raw_streams.pyx is the same, compiled."""

from __future__ import annotations

import errno
import ipaddress
import socket

from auth.raw import Hatch
from auth.sizes import MAX_IN_FRONT

PREFIX = 2  # octets of the length before each message (RFC 1035 section 4.2.2)
HEADER = 12  # octets of the shortest message
NETWORK_BITS = 64  # of an IPv6 address: what no two hosts share (RFC 4291 section 2.5.1)
OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Streams:
    """Connections by their numbers."""

    def __init__(self, most: int, queries: memoryview, replies: memoryview, address: memoryview) -> None:
        """For numbers from 1 to `most`; `queries` is received into, `replies` sent from; see locate() for `address`."""
        self.most = most
        self.queries = queries
        self.replies = replies
        self.address = address
        self.ended = 0
        self.more = 0
        self.reason = 0
        self._sockets: dict[int, socket.socket] = {}
        self._peers: dict[int, tuple[str, int]] = {}
        self._kept: dict[int, bytes] = {}
        self._unsent: dict[int, bytes] = {}

    def accept(self, listener: int, number: int) -> int:
        """Accept a connection: 1; 0: none waits, -1: no descriptors or memory (`reason`), 2: it is gone."""
        sock = socket.socket(fileno=listener)
        try:
            self._sockets[number], self._peers[number] = sock.accept()
        except BlockingIOError:
            return 0
        except OSError as error:
            self.reason = error.errno or 0
            return -1 if error.errno in OUT_OF_RESOURCES else 2
        finally:
            sock.detach()
        self._sockets[number].setblocking(False)
        return 1

    def descriptor(self, number: int) -> int:
        """Of a connection."""
        return self._sockets[number].fileno()

    def locate(self, number: int) -> int:
        """Put the address of its client into `address`; how many octets it has."""
        packed = ipaddress.ip_address(self._peers[number][0]).packed
        self.address[: len(packed)] = packed
        return len(packed)

    def client(self, number: int) -> int:
        """Who counts as one client: an IPv4 address, or the IPv6 network of a host."""
        address = ipaddress.ip_address(self._peers[number][0].partition("%")[0])
        return int(address) >> NETWORK_BITS if isinstance(address, ipaddress.IPv6Address) else int(address)

    def receive(self, number: int) -> int:
        """Receive behind what is kept; octets of both in `queries`, or -1 where a long message is still not whole.

        `more`: there may be more. `ended`: 1 where the client sends nothing more, 2 where it is gone.
        """
        kept = self._kept.get(number, b"")
        self.more = self.ended = 0
        self.queries[: len(kept)] = kept
        wanted = len(self.queries)
        if len(kept) > MAX_IN_FRONT:
            wanted = PREFIX + int.from_bytes(kept[:PREFIX])
            if len(kept) >= wanted:
                self.more = 1
                return len(kept)
        count = 0
        try:
            count = self._sockets[number].recv_into(self.queries[len(kept) : wanted])
            self.ended = 0 if count else 1
            self.more = len(kept) + count == wanted
        except BlockingIOError:
            pass
        except OSError:
            self.ended = 2
        octets = len(kept) + count
        if len(kept) <= MAX_IN_FRONT:
            return octets
        self._kept[number] = bytes(self.queries[:octets])
        return octets if octets == wanted else -1

    def keep(self, number: int, start: int, end: int) -> int:
        """Keep these octets of `queries`, and only these; 0 for want of memory."""
        self._kept[number] = bytes(self.queries[start:end])
        return 1

    def kept(self, number: int) -> int:
        """Octets that are kept."""
        return len(self._kept.get(number, b""))

    def whole(self, number: int, most: int) -> int:
        """Octets of the whole messages that are kept, of `most` at most; -1: the first has a length that none has."""
        kept, at = self._kept.get(number, b""), 0
        while most > 0 and at + PREFIX <= len(kept):
            octets = int.from_bytes(kept[at : at + PREFIX])
            if octets < HEADER:
                return at or -1
            if at + PREFIX + octets > len(kept):
                break
            at += PREFIX + octets
            most -= 1
        return at

    def put(self, number: int, octets: int, tag: int, hatch: Hatch) -> int:
        """Put the first octets of what is kept into the hatch; 0 where there is no room."""
        return hatch.put((tag, self._kept[number][:octets], self._peers[number], []))

    def forget(self, number: int, octets: int) -> int:
        """Keep all but the first octets."""
        self._kept[number] = self._kept[number][octets:]
        return 0

    def send(self, number: int, octets: int) -> int:
        """Send so many octets of `replies`: 1; 0 where the rest waits to be sent, -1 where the client is gone."""
        self._unsent[number] = bytes(self.replies[:octets])
        return self.send_rest(number)

    def send_rest(self, number: int) -> int:
        """Send what waits to be sent, as send()."""
        try:
            count = self._sockets[number].send(self._unsent[number])
        except BlockingIOError:
            return 0
        except OSError:
            return -1
        self._unsent[number] = self._unsent[number][count:]
        return 0 if self._unsent[number] else 1

    def load(self, octets: bytes) -> None:
        """Put octets at the beginning of `replies`."""
        self.replies[: len(octets)] = octets

    def close(self, number: int) -> int:
        """Close a connection; what is kept and unsent is lost."""
        self._sockets.pop(number).close()
        for each in (self._kept, self._unsent, self._peers):
            each.pop(number, None)
        return 0
