"""Service over UDP: one reader a socket, answering what has arrived in batches.

While a batch is being answered the socket is not read: what comes meanwhile waits in the kernel, which counts what it
has to drop. Replies leave from the address that was asked (RFC 2181 section 4.1).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from concurrent.futures import Executor
from dataclasses import dataclass

from auth.client import Client, Transport
from auth.engine import Engine
from auth.writer import MAX_MESSAGE
from daemonkit.counters import Counters

# linux/in.h, linux/in6.h; not all of them are in the socket module of Python 3.11.
IP_PKTINFO = 8
IP_MTU_DISCOVER = 10
IPV6_MTU_DISCOVER = 23
PMTUDISC_OMIT = 5  # ignore what strangers say about the path MTU: no fragments by forged ICMP (RFC 9715)

MAX_LAST_BATCHES = 64  # of a socket that is closed: more keep coming where another process has it too

WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
ANCILLARY_SIZE = socket.CMSG_SPACE(20)  # struct in6_pktinfo, the larger one

_IN_PKTINFO = struct.Struct("=I4s4s")  # interface, local address, destination address
_IN6_PKTINFO = struct.Struct("=16sI")  # destination address, interface

Ancillary = list[tuple[int, int, bytes]]


@dataclass(frozen=True, slots=True)
class Datagram:
    """A request and where its reply goes: to `peer`, from the address in `control`."""

    message: bytes
    peer: tuple[str, int] | tuple[str, int, int, int]
    control: Ancillary


class UdpListener:
    """One UDP socket at work."""

    def __init__(self, sock: socket.socket, engine: Engine, executor: Executor, counters: Counters) -> None:
        self._socket = sock
        self._engine = engine
        self._executor = executor
        self._counters = counters
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray(MAX_MESSAGE)
        self._in_hand: asyncio.Future[None] | None = None
        self._closed = False

    def start(self) -> None:
        """Serve from now on."""
        self._socket.setblocking(False)
        prepare_socket(self._socket)
        self._loop.add_reader(self._socket, self._readable)

    async def close(self) -> None:
        """Answer what is in hand and what waits in the socket, and close it: with the last descriptor that goes too."""
        self._closed = True
        self._loop.remove_reader(self._socket)
        if self._in_hand is not None:
            await asyncio.wait({self._in_hand})
        for _ in range(MAX_LAST_BATCHES):
            batch = self._drain()
            if not batch:
                break
            await self._loop.run_in_executor(self._executor, self._answer, batch)
        self._socket.close()

    def _readable(self) -> None:
        batch = self._drain()
        if not batch:
            return
        self._loop.remove_reader(self._socket)
        self._in_hand = self._loop.run_in_executor(self._executor, self._answer, batch)
        self._in_hand.add_done_callback(self._answered)

    def _answered(self, future: asyncio.Future[None]) -> None:
        self._in_hand = None
        if not self._closed:
            self._loop.add_reader(self._socket, self._readable)
        if not future.cancelled():
            future.result()  # a defect in the lines below is told by the loop's exception handler; service goes on

    def _drain(self) -> list[Datagram]:
        """What has arrived, up to a bound, so that heart-beats and TCP get their turn."""
        batch: list[Datagram] = []
        for _ in range(self._engine.serving.settings.udp_batch):
            try:
                size, control, _, peer = self._socket.recvmsg_into([self._buffer], ANCILLARY_SIZE)
            except BlockingIOError:
                break
            except OSError:  # an ICMP error about an earlier reply
                self._counters.add("udp.receive_errors")
                continue
            batch.append(Datagram(bytes(self._buffer[:size]), peer, control))
        return batch

    def _answer(self, batch: list[Datagram]) -> None:
        """In the answering thread."""
        for datagram in batch:
            address, port = datagram.peer[:2]
            if port == 0:  # nobody can hear at port 0; such packets are forged
                self._counters.add("dropped")
                continue
            reply = self._engine.respond(datagram.message, Client(address, port, Transport.UDP))
            if reply is not None:
                self._send(reply, datagram)

    def _send(self, reply: bytes, datagram: Datagram) -> None:
        try:
            self._socket.sendmsg([reply], reply_control(datagram.control), 0, datagram.peer)
        except OSError:  # buffer full, no route, firewall: the client asks again
            self._counters.add("udp.send_errors")


def prepare_socket(sock: socket.socket) -> None:
    """Ask the kernel for the destination address of requests where it is not known, and for unfragmented replies."""
    wildcard = sock.getsockname()[0] in WILDCARDS
    if sock.family == socket.AF_INET:
        if wildcard:
            sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        _try_option(sock, socket.IPPROTO_IP, IP_MTU_DISCOVER)
    else:
        if wildcard:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        _try_option(sock, socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER)


def _try_option(sock: socket.socket, level: int, option: int) -> None:
    try:
        sock.setsockopt(level, option, PMTUDISC_OMIT)
    except OSError:  # an older kernel: replies go out all the same
        pass


def reply_control(control: Ancillary) -> Ancillary:
    """What makes a reply leave from the address the request came to; the route is the kernel's choice."""
    for level, kind, data in control:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO:
            _, local, _ = _IN_PKTINFO.unpack(data[: _IN_PKTINFO.size])
            return [(level, kind, _IN_PKTINFO.pack(0, local, bytes(4)))]
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            destination, interface = _IN6_PKTINFO.unpack(data[: _IN6_PKTINFO.size])
            link_local = ipaddress.IPv6Address(destination).is_link_local
            return [(level, kind, _IN6_PKTINFO.pack(destination, interface if link_local else 0))]
    return []
