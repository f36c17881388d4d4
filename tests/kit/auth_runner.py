"""Runs auth alone, as a process: python -m tests.kit.auth_runner '{"data_sources": {...}, "listen": [...], ...}'.

Prints the port it serves, and ends when its standard input does: nothing is left behind when its parent dies. With
`images` it answers from those that tests.kit.image_keeper, of the same parent, keeps in that directory. It is asked by
lines: for its counters by "counters", by "left" for the messages that came to the plain implementation since then.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import json
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO, cast

import dns.name

from auth.acl import compile_acl
from auth.client import Client
from auth.cookie_secrets import CookieSecrets
from auth.engine import Serving
from auth.images import Images
from auth.keys import ALGORITHMS, Key, KeyRing
from auth.server import CompiledCounts, Server
from auth.settings import AnyAnswer, CookieSettings, RateLimitSettings, Settings, TcpSettings
from auth.zones import ZonePolicy, ZoneTable
from daemonkit.counters import Counters
from daemonkit.log import MessageLog, own_log
from daemonkit.module import Context
from daemonkit.paths import Directories
from daemonkit.secretfiles import Secret
from daemonkit.spec import Spec
from datasrc.keys import name_key
from datasrc.sources import open_sources, source_url
from image.directory import fingerprint
from tests.kit.vouching import announced_header, is_vouched

BACKLOG = 128
PORT_TRIES = 20

# A message, its reply, the transport, the client's address and port, and whether names of no zone were vouched for.
Noted = tuple[str, str | None, str, str, int, bool]


def bind(addresses: list[str], port: int) -> list[socket.socket]:
    """A UDP and a listening TCP socket for each address, all at one port; the kernel chooses it where it is 0."""
    for _ in range(PORT_TRIES):
        sockets: list[socket.socket] = []
        try:
            for address in addresses:
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    sockets.append(_bound(address, sockets[0].getsockname()[1] if sockets else port, kind))
            return sockets
        except OSError as error:
            for sock in sockets:
                sock.close()
            if error.errno != errno.EADDRINUSE or port:
                raise
    raise OSError(errno.EADDRINUSE, "no port is free for UDP and TCP at all addresses")


def _bound(address: str, port: int, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, kind)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        if kind == socket.SOCK_STREAM:
            sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def settings_of(values: dict[str, Any]) -> Settings:
    """Settings as JSON has them."""
    tcp = TcpSettings(**values.pop("tcp", {}))
    cookies = CookieSettings(**values.pop("cookies", {}))
    if "any_answer" in values:
        values["any_answer"] = AnyAnswer(values["any_answer"])
    if "nsid" in values:
        values["nsid"] = values["nsid"].encode()
    limits = RateLimitSettings(**values.pop("rate_limit", {}))
    return Settings(**values, tcp=tcp, cookies=cookies, rate_limit=limits)


def zones_of(listed: dict[str, list[Any]]) -> ZoneTable:
    """Zones that the configuration lists, each with its query ACL."""
    keys = {name_key(dns.name.from_text(origin)): acl for origin, acl in listed.items()}
    return ZoneTable({key: ZonePolicy(compile_acl(acl)) for key, acl in keys.items()})


def keys_of(configured: dict[str, dict[str, Any]]) -> KeyRing:
    """TSIG keys, each with its secret in base64."""
    keys = []
    for name, key in configured.items():
        algorithm = ALGORITHMS[key["algorithm"]]
        secret = Secret(base64.b64decode(key["secret"]))
        keys.append(Key(dns.name.from_text(name), algorithm, secret, key.get("shortest_mac", algorithm.full)))
    return KeyRing(keys)


async def serve(config: dict[str, Any]) -> None:
    """Serve until standard input ends."""
    sockets = bind(config["listen"], config.get("port", 0))
    sources = open_sources(config["data_sources"])
    spec = Spec.load("auth")
    secrets = tuple(map(bytes.fromhex, config.get("cookie_secrets", ())))
    serving = Serving(
        sources,
        settings_of(config.get("settings", {})),
        zones_of(config.get("zones", {})),
        CookieSecrets(secrets) if secrets else CookieSecrets.passing(),
        keys_of(config.get("keys", {})),
        sources=fingerprint((name, source_url(entry)) for name, entry in sources.configured.items()),
    )
    counters, log = Counters(spec.statistics), own_log("auth", spec.messages)
    server = Server(serving, counters, log, CompiledCounts.declare(counters))
    left = Left(server, config.get("images"))
    async with supplied(server, config.get("images"), counters, log):
        await server.serve(sockets)
        say(sockets[0].getsockname()[1])
        async for line in await lines_of(sys.stdin):
            say(left.take() if line == b"left\n" else counters.statistics())
        await server.close()
    sources.close()


@asynccontextmanager
async def supplied(server: Server, directory: str | None, counters: Counters, log: MessageLog) -> AsyncIterator[None]:
    """A server that is given what is announced there, as the daemon gives it."""
    async with asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[None]] = []

        def spawn(task: Coroutine[Any, Any, None], name: str) -> None:
            tasks.append(group.create_task(task, name=name))

        if directory is not None:
            directories = Directories(Path(directory), Path(directory))
            context = SimpleNamespace(directories=directories, counters=counters, log=log, spawn=spawn)
            await Images(cast("Context", context), server).begin()
            if not server.answers_from_images:
                raise RuntimeError(f"nothing is announced in {directory}")
        yield
        for task in tasks:
            task.cancel()


class Left:
    """What came to the plain implementation of a server, and what it replied: without images that is everything."""

    def __init__(self, server: Server, directory: str | None) -> None:
        """Images are announced in that directory, if there are any."""
        self._serving = server.engine.serving
        self._respond = server.engine.respond
        self._directory = None if directory is None else Path(directory)
        self._noted: deque[Noted] = deque()  # filled by the answering thread
        server.engine.respond = self._noting  # type: ignore[method-assign]

    def _noting(self, message: bytes, client: Client) -> bytes | None:
        vouched = self._directory is not None and is_vouched(announced_header(self._directory), self._serving.sources)
        reply = self._respond(message, client)
        written = None if reply is None else reply.hex()
        self._noted.append((message.hex(), written, client.transport.name, client.address, client.port, vouched))
        return reply

    def take(self) -> list[Noted]:
        """What came since the last time."""
        return [self._noted.popleft() for _ in range(len(self._noted))]


def say(value: object) -> None:
    """One line that the parent reads."""
    print(json.dumps(value), flush=True)  # noqa: T201


async def lines_of(stream: TextIO) -> asyncio.StreamReader:
    """The lines of standard input, without blocking."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stream)
    return reader


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
