"""Batches of datagrams where nothing is compiled; raw_datagrams.pyx is the same for the compiler."""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import Any

from auth.ancillary import ANCILLARY_SIZE, Ancillary, reply_control
from auth.raw import Hatch, zeros
from auth.sizes import MAX_DATAGRAM, MAX_UDP_SIZE, QUERY_OCTETS
from image.layout import IPV6_OCTETS


class Datagrams:
    """A batch of datagrams and the replies to them. A query of more than QUERY_OCTETS is only good for being left."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.queries = zeros(slots * QUERY_OCTETS, "B")
        self.replies = zeros(slots * MAX_UDP_SIZE, "B")
        self.addresses = memoryview(bytearray(slots * IPV6_OCTETS))  # of the clients
        self.spacing = IPV6_OCTETS  # from one of them to the next
        self._incoming: list[tuple[bytes, Ancillary, Any]] = []
        self._outgoing: list[tuple[int, int, int]] = []
        self._buffer = bytearray(MAX_DATAGRAM)

    def receive(self, descriptor: int, with_control: int) -> int:
        """Receive what there is; how many datagrams, -1 where it failed (0: nothing there)."""
        self._incoming.clear()
        self._outgoing.clear()
        sock = socket.socket(fileno=descriptor)
        try:
            while len(self._incoming) < self.slots:
                size, control, _, peer = sock.recvmsg_into([self._buffer], ANCILLARY_SIZE if with_control else 0)
                start, head = len(self._incoming) * QUERY_OCTETS, min(size, QUERY_OCTETS)
                self.queries[start : start + head] = self._buffer[:head]
                if peer:
                    packed = ipaddress.ip_address(peer[0]).packed
                    place = len(self._incoming) * IPV6_OCTETS
                    self.addresses[place : place + len(packed)] = packed
                self._incoming.append((bytes(self._buffer[:size]), control, peer))
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            return len(self._incoming) or -1
        finally:
            sock.detach()
        return len(self._incoming)

    def size(self, slot: int) -> int:
        """Octets of a query; it begins at slot * QUERY_OCTETS."""
        return len(self._incoming[slot][0])

    def port(self, slot: int) -> int:
        """Of the client; 0 too where it has no address."""
        peer = self._incoming[slot][2]
        return int(peer[1]) if peer else 0

    def is_v6(self, slot: int) -> int:
        """The family of the client."""
        peer = self._incoming[slot][2]
        return int(bool(peer) and ":" in peer[0])

    def address(self, slot: int) -> int:
        """Where the client's address is, in `addresses`: 4 or 16 octets."""
        return slot * IPV6_OCTETS

    def reply(self, slot: int, at: int, octets: int) -> int:
        """Send the reply at `at` with the others."""
        self._outgoing.append((slot, at, octets))
        return 0

    def send(self, descriptor: int) -> int:
        """Send the replies; how many the system did not take."""
        failed = 0
        sock = socket.socket(fileno=descriptor)
        try:
            for index, (slot, at, octets) in enumerate(self._outgoing):
                _, control, peer = self._incoming[slot]
                try:
                    sock.sendmsg([self.replies[at : at + octets]], reply_control(control), 0, peer)
                except OSError as error:
                    if error.errno == errno.EAGAIN:  # its buffer is full: the clients ask again
                        failed += len(self._outgoing) - index
                        break
                    failed += 1
        finally:
            sock.detach()
            self._outgoing.clear()
        return failed

    def leave(self, slot: int, tag: int, hatch: Hatch) -> int:
        """Put a query into the hatch; 0 where there is no room."""
        message, control, peer = self._incoming[slot]
        return hatch.put((tag, message, peer, reply_control(control)))
