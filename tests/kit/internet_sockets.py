"""The simulated Internet on real loopback sockets.

    async with served(internet, port):
        await SocketNetwork(port=port).query(...)

Addresses outside 127.0.0.0/8 must be those of this machine, as in a network namespace where they were added to `lo`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Iterable

import dns.edns
import dns.flags
import dns.message

from health.engine.network import Edns, NoResponse, Query, Transport
from tests.kit.internet import Internet


def read_query(address: str, octets: bytes, transport: Transport) -> Query:
    """The query that a message asks."""
    message = dns.message.from_wire(octets)
    question = message.question[0]
    edns = None
    if message.opt is not None:
        options = tuple((int(option.otype), option.to_wire() or b"") for option in message.options)
        flags = message.ednsflags
        edns = Edns(message.edns, message.payload, bool(flags & dns.flags.DO), flags & 0x7FFF, options)
    return Query(
        address,
        question.name,
        question.rdtype,
        question.rdclass,
        transport,
        recursion_desired=bool(message.flags & dns.flags.RD),
        edns=edns,
        timeout=3600,
    )


async def answered(internet: Internet, address: str, octets: bytes, transport: Transport) -> bytes | None:
    """What the host at an address says to a message, with its id; None where it says nothing."""
    reaction = await internet.query(read_query(address, octets, transport))
    if isinstance(reaction, NoResponse):
        return None
    wire = reaction.wire or reaction.to_wire(max_size=65535)
    return octets[:2] + wire[2:]


@contextlib.asynccontextmanager
async def served(internet: Internet, port: int, addresses: Iterable[str] | None = None) -> AsyncIterator[None]:
    """The hosts of an Internet, all or those at these addresses, on sockets at a port, UDP and TCP."""
    async with contextlib.AsyncExitStack() as stack:
        for address in list(internet.hosts) if addresses is None else addresses:
            await stack.enter_async_context(_host(internet, address, port))
        yield


@contextlib.asynccontextmanager
async def _host(internet: Internet, address: str, port: int) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    udp, _ = await loop.create_datagram_endpoint(
        lambda: Datagrams(internet, address), sock=_bound(address, port, socket.SOCK_DGRAM)
    )

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            said = await answered(internet, address, await reader.readexactly(length), Transport.TCP)
            if said is not None:
                writer.write(struct.pack("!H", len(said)) + said)
                await writer.drain()

    server = await asyncio.start_server(connection, sock=_bound(address, port, socket.SOCK_STREAM))
    try:
        yield
    finally:
        udp.close()
        server.close()
        await server.wait_closed()


def _bound(address: str, port: int, kind: socket.SocketKind) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    return sock


class Datagrams(asyncio.DatagramProtocol):
    """Answers datagrams as one host."""

    def __init__(self, internet: Internet, address: str) -> None:
        self._internet = internet
        self._address = address
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, addr):
        task = asyncio.get_running_loop().create_task(self._answer(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, data, addr):
        said = await answered(self._internet, self._address, data, Transport.UDP)
        if said is not None and not self._transport.is_closing():
            self._transport.sendto(said, addr)

    def connection_lost(self, exc):
        for task in self._tasks:
            task.cancel()
