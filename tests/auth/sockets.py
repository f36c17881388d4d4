"""A server on loopback sockets, in the loop of the test, and clients that speak to it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import datasrc
from auth.engine import Engine
from auth.framing import frame
from auth.server import Server, start_server
from auth.settings import Settings, TcpSettings
from tests.auth.world import load
from tests.kit.dnsreply import Reply

DEADLINE = 30.0  # seconds; things here take milliseconds
ZONE = (
    "@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.3\n"
    + "".join(f'big TXT "{index:04}{"x" * 240}"\n' for index in range(200))  # 50 KB
)


def bound(kind: socket.SocketKind, address: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A bound socket, listening where that makes sense."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    if kind == socket.SOCK_STREAM:
        sock.listen(64)
    return sock


@asynccontextmanager
async def serving(
    *sockets: socket.socket, source=None, settings: Settings | None = None, **tcp
) -> AsyncIterator[Server]:
    """A server of the zone example. on these sockets; `tcp` are TCP settings."""
    if source is None:
        source = datasrc.open("memory:", create=True)
        load(source, {"example.": ZONE})
    server = await start_server(sockets, source, settings or Settings(tcp=TcpSettings(**tcp)))
    try:
        yield server
    finally:
        await server.close()


class HeldSource:
    """A data source that can be held: whoever asks waits until it is released."""

    def __init__(self) -> None:
        self.source = datasrc.open("memory:", create=True)
        load(self.source, {"example.": ZONE})
        self.released = threading.Event()
        self.released.set()
        self.waiting = threading.Event()

    def hold(self) -> None:
        self.waiting.clear()
        self.released.clear()

    @contextlib.contextmanager
    def snapshot(self):
        self.waiting.set()
        assert self.released.wait(DEADLINE)
        with self.source.snapshot() as snapshot:
            yield snapshot


def fail_for(ident: int, engine: Engine, monkeypatch) -> None:
    """Have the engine raise what is nobody's concern at the message of that ID."""
    respond = engine._respond

    def raising(message, client):
        if int.from_bytes(message[:2]) == ident:
            raise OSError(errno.EMFILE, "no descriptors")
        return respond(message, client)

    monkeypatch.setattr(engine, "_respond", raising)


async def until(condition) -> None:
    """Wait for a condition that the loop brings about."""
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.001)


class Talk:
    """A TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, sock: socket.socket) -> Talk:
        return cls(*await asyncio.open_connection(*sock.getsockname()[:2]))

    def send(self, *messages: bytes) -> None:
        """Frame and send in one write."""
        self.writer.write(b"".join(map(frame, messages)))

    async def read(self) -> Reply:
        async with asyncio.timeout(DEADLINE):
            length = int.from_bytes(await self.reader.readexactly(2))
            return Reply.read(await self.reader.readexactly(length))

    async def closed(self) -> bool:
        """Whether the server closes, sending nothing more."""
        async with asyncio.timeout(DEADLINE):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@asynccontextmanager
async def talking(sock: socket.socket) -> AsyncIterator[Talk]:
    talk = await Talk.to(sock)
    try:
        yield talk
    finally:
        await talk.close()
