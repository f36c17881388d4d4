"""Runs auth alone, as a process: python -m tests.kit.auth_runner '{"database": URL, "listen": [...], ...}'.

Prints the port it serves, then its counters for each line it reads, and ends when its standard input does: nothing is
left behind when its parent dies.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import json
import socket
import sys
from typing import Any, TextIO

import dns.name

import datasrc
from auth.acl import compile_acl
from auth.cookie_secrets import CookieSecrets
from auth.engine import Serving
from auth.keys import ALGORITHMS, Key, KeyRing
from auth.server import CompiledCounts, Server
from auth.settings import AnyAnswer, CookieSettings, RateLimitSettings, Settings, TcpSettings
from auth.zones import ZonePolicy, ZoneTable
from daemonkit.counters import Counters
from daemonkit.log import own_log
from daemonkit.secretfiles import Secret
from daemonkit.spec import Spec

BACKLOG = 128
PORT_TRIES = 20


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
    return ZoneTable({dns.name.from_text(origin): ZonePolicy(compile_acl(acl)) for origin, acl in listed.items()})


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
    source = datasrc.open(config["database"], read_only=True)
    spec = Spec.load("auth")
    secrets = tuple(map(bytes.fromhex, config.get("cookie_secrets", ())))
    serving = Serving(
        source,
        settings_of(config.get("settings", {})),
        zones_of(config.get("zones", {})),
        CookieSecrets(secrets) if secrets else CookieSecrets.passing(),
        keys_of(config.get("keys", {})),
    )
    counters = Counters(spec.statistics)
    server = Server(serving, counters, own_log("auth", spec.messages), CompiledCounts.declare(counters))
    await server.serve(sockets)
    say(sockets[0].getsockname()[1])
    async for _ in await lines_of(sys.stdin):
        say(counters.statistics())
    await server.close()
    source.close()


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
