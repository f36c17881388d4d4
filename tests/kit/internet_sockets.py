"""The simulated Internet on real loopback sockets.

    async with served(internet, port):
        await SocketNetwork(port=port).query(...)

Only addresses of 127.0.0.0/8 are served: give root servers and zones such addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

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
async def served(internet: Internet, port: int) -> AsyncIterator[None]:
    """All hosts of an Internet on loopback sockets at a port, UDP and TCP."""
    async with contextlib.AsyncExitStack() as stack:
        for address in list(internet.hosts):
            if address.startswith("127."):
                await stack.enter_async_context(_host(internet, address, port))
        yield


@contextlib.asynccontextmanager
async def _host(internet: Internet, address: str, port: int) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    udp, _ = await loop.create_datagram_endpoint(
        lambda: _Datagrams(internet, address), local_addr=(address, port), family=socket.AF_INET
    )

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            said = await answered(internet, address, await reader.readexactly(length), Transport.TCP)
            if said is not None:
                writer.write(struct.pack("!H", len(said)) + said)
                await writer.drain()

    server = await asyncio.start_server(connection, address, port)
    try:
        yield
    finally:
        udp.close()
        server.close()
        await server.wait_closed()


class _Datagrams(asyncio.DatagramProtocol):
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


def free_port() -> int:
    """A port that is free for UDP and TCP on loopback now."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        port: int = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        return port
