"""A door in the test's own loop, and raw connections to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from cmdctl.door import open_door
from cmdctl.server import DoorServer
from daemonkit.counters import Counters
from daemonkit.log import MessageLog
from daemonkit.spec import Spec


@contextlib.asynccontextmanager
async def door_of(app: ASGIApp, counters: Counters | None = None) -> AsyncIterator[Path]:
    """Serve an application at a socket of its own."""
    counters = counters or Counters(tuple(Spec.load("cmdctl").statistics))
    with tempfile.TemporaryDirectory(prefix="door-", dir="/tmp") as directory:
        path = Path(directory) / "control.sock"
        server = DoorServer(app, open_door(path, None), counters)
        await server.start()
        try:
            yield path
        finally:
            await server.stop()


Answer = tuple[int, dict[str, str], Any]


class Connection:
    """A blocking client that reads what came before the connection was reset."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(path))
        self._buffer = b""

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def answer(self) -> Answer:
        """One answer with a content-length: status, headers, decoded body."""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", 0))
        self._buffer = rest
        while len(self._buffer) < length:
            self._more()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return int(first.split()[1]), headers, json.loads(body) if body else None

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        with contextlib.suppress(EOFError):
            while True:
                self._more()
        return self._buffer

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self._buffer += data

    def ask(self, data: bytes) -> Answer:
        self.send(data)
        return self.answer()


async def exchange(path: Path, data: bytes) -> Answer:
    """Send raw bytes on a connection of their own and read the answer."""

    def run() -> Answer:
        with contextlib.closing(Connection(path)) as connection:
            return connection.ask(data)

    return await asyncio.to_thread(run)


def get(path: str, *headers: str, method: str = "GET", host: str = "localhost", body: bytes = b"") -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
    if body:
        lines += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Log(MessageLog):
    """Remembers what was logged, and insists on the fields of the spec."""

    def __init__(self) -> None:
        super().__init__("cmdctl", Spec.load("cmdctl").messages)
        self.lines: list[str] = []

    def _write(self, level: int, message_id: str, fields: Mapping[str, object], error: Any = None) -> None:
        self.lines.append(message_id + " " + self._messages[message_id].text.format_map(dict(fields)))

    def ids(self) -> list[str]:
        return [line.split()[0] for line in self.lines]
