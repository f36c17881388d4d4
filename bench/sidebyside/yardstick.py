"""The bare echo: what a server on this machine costs that does nothing with a query."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.sidebyside.configurations import LOOPBACK
from bench.sidebyside.datasets import Files
from bench.sidebyside.rows import ECHO, Kind
from bench.sidebyside.servers import PROBE_TIMEOUT, Server


class Echo(Server):
    """Sends back what it got and as many octets more as answers are longer than queries."""

    key, title = ECHO, "echo"

    def __init__(self, program: Path, kind: Kind, extra: int, files: Files, core: int) -> None:
        super().__init__(files, core)
        self._program = program
        self._kind = "udp" if kind == "udp" else "tcp"
        self._extra = extra

    @classmethod
    def version(cls) -> str | None:
        return "-"

    def prepare(self) -> None:
        pass

    def command(self) -> Sequence[str]:
        return [str(self._program), "-k", self._kind, "-p", str(self.port), "-x", str(self._extra)]

    def _checks(self) -> list[Callable[[], bool]]:
        return [self._echoes]

    def _echoes(self) -> bool:
        kind = socket.SOCK_DGRAM if self._kind == "udp" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as client:
            client.settimeout(PROBE_TIMEOUT)
            try:
                client.connect((LOOPBACK, self.port))
                if kind == socket.SOCK_DGRAM:
                    client.send(bytes(12))
                    client.recv(65535)
            except (TimeoutError, ConnectionRefusedError):
                return False
        return True
