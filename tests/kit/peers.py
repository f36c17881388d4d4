"""Other name servers, as Debian packages them, serving zone files on loopback: NSD, Knot DNS and BIND.

with NSD(directory, {"example.": file}) as port: ...
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import dns.exception
import dns.message
import dns.query
import dns.rcode

from tests.kit import evidence
from tests.kit.ports import free_port

START_DEADLINE = 90.0  # seconds until all zones are answered
STOP_DEADLINE = 30.0  # seconds
LOOPBACK = "127.0.0.1"


class Peer:
    """One server of another suite; a context manager that gives its port once it answers for every zone."""

    program = ""

    def __init__(
        self, directory: Path, zones: Mapping[str, Path], keys: Mapping[str, tuple[str, str]] | None = None
    ) -> None:
        self._directory = directory / self.program
        self._directory.mkdir()
        self._zones = zones
        self._keys = keys or {}  # TSIG: algorithm and secret in base64, by name
        self._port = free_port()

    @classmethod
    def is_installed(cls) -> bool:
        return shutil.which(cls.program) is not None

    def command(self, config: Path) -> list[str]:
        """How it is started in the foreground."""
        raise NotImplementedError

    def config(self, port: int) -> str:
        """Its configuration file."""
        raise NotImplementedError

    def __enter__(self) -> int:
        config = self._directory / "config"
        config.write_text(self.config(self._port))
        with (self._directory / "words").open("wb") as words:
            self._process = subprocess.Popen(self.command(config), stdin=subprocess.DEVNULL, stdout=words, stderr=words)
        evidence.remember(self, f"words of {self.program}", self._words)
        try:
            for origin in self._zones:
                self._await(origin)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self._port

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        evidence.forget(self)
        self._process.terminate()
        try:
            self._process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _await(self, origin: str) -> None:
        query = dns.message.make_query(origin, "SOA")
        deadline = time.monotonic() + START_DEADLINE
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                reply = dns.query.udp(query, LOOPBACK, 0.2, self._port)
            except (dns.exception.Timeout, OSError):
                continue
            if reply.answer:
                return
        raise AssertionError(f"{self.program} does not serve {origin}:\n{self._words()}")

    def _words(self) -> str:
        return (self._directory / "words").read_text(errors="replace")


class NSD(Peer):
    program = "nsd"

    def command(self, config: Path) -> list[str]:
        return ["nsd", "-d", "-c", str(config)]

    def config(self, port: int) -> str:
        home = self._directory
        keys = "".join(
            f'key:\n  name: "{name}"\n  algorithm: {algorithm}\n  secret: "{secret}"\n'
            for name, (algorithm, secret) in self._keys.items()
        )
        zones = "".join(f'zone:\n  name: "{origin}"\n  zonefile: "{file}"\n' for origin, file in self._zones.items())
        return (
            f'server:\n  ip-address: {LOOPBACK}@{port}\n  server-count: 1\n  username: ""\n  database: ""\n'
            f'  pidfile: ""\n  xfrdfile: "{home}/xfrd.state"\n  zonelistfile: "{home}/zones.list"\n'
            f'  xfrdir: "{home}"\n  zonesdir: "{home}"\n  minimal-responses: yes\n'
            f"remote-control:\n  control-enable: no\n{keys}{zones}"
        )


class Knot(Peer):
    program = "knotd"

    def command(self, config: Path) -> list[str]:
        return ["knotd", "-c", str(config)]

    def config(self, port: int) -> str:
        home = self._directory
        keys = "".join(
            f"  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\n"
            for name, (algorithm, secret) in self._keys.items()
        )
        # Knot says BADKEY to queries signed with a key that no ACL of the zone names.
        acls = "".join(f"  - id: {name}\n    key: {name}\n    action: [query, transfer]\n" for name in self._keys)
        acl = f"    acl: [{', '.join(self._keys)}]\n" if self._keys else ""
        zones = "".join(f'  - domain: "{origin}"\n    file: "{file}"\n{acl}' for origin, file in self._zones.items())
        return (
            f"server:\n  rundir: {home}\n  listen: {LOOPBACK}@{port}\n  udp-workers: 1\n  tcp-workers: 1\n"
            f"database:\n  storage: {home}\n"
            + (f"key:\n{keys}acl:\n{acls}" if keys else "")
            + f"template:\n  - id: default\n    storage: {home}\n    zonefile-sync: -1\n"
            f"    journal-content: none\nzone:\n{zones}"
        )


class BIND(Peer):
    program = "named"

    def command(self, config: Path) -> list[str]:
        return ["named", "-f", "-g", "-n", "1", "-c", str(config)]

    def config(self, port: int) -> str:
        home = self._directory
        options = {
            "directory": f'"{home}"',
            "managed-keys-directory": f'"{home}"',
            "pid-file": "none",
            "session-keyfile": "none",
            "listen-on": f"port {port} {{ {LOOPBACK}; }}",
            "listen-on-v6": "{ none; }",
            "recursion": "no",
            "dnssec-validation": "no",
            "notify": "no",
            "minimal-responses": "yes",
            "zero-no-soa-ttl": "no",
        }
        return (
            "".join(
                f'key "{name}" {{ algorithm {algorithm}; secret "{secret}"; }};\n'
                for name, (algorithm, secret) in self._keys.items()
            )
            + f"options {{ {' '.join(f'{name} {value};' for name, value in options.items())} }};\ncontrols {{ }};\n"
            + "".join(
                f'zone "{origin}" {{ type primary; file "{file}"; check-names ignore; }};\n'
                for origin, file in self._zones.items()
            )
        )


PEERS = (NSD, Knot, BIND)
