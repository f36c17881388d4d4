"""The other name servers, as Debian packages them."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from bench.sidebyside import configurations
from bench.sidebyside.contents import TTL
from bench.sidebyside.servers import Server, run, said
from bench.sidebyside.signing import Chain

PDNS_SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
MOST_BY_TOOL = 100  # zones that are loaded by a process each


class Peer(Server):
    """A program that reads zone files as they are."""

    program: str
    version_option: str

    @classmethod
    def version(cls) -> str | None:
        words = said([cls.program, cls.version_option])
        found = re.search(r"\d+\.\d+(\.\d+)?", words) if words else None
        return found[0] if found else None

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.home / "config"


class NSD(Peer):
    """NSD, one server process."""

    key, title, program, version_option = "nsd", "NSD", "nsd", "-v"

    def prepare(self) -> None:
        self.config.write_text(configurations.nsd(self.home, self.port, self.files.zone_files()))

    def command(self) -> Sequence[str]:
        return ["nsd", "-d", "-c", str(self.config)]


class Knot(Peer):
    """Knot DNS, one worker of a kind."""

    key, title, program, version_option = "knot", "Knot", "knotd", "--version"

    def prepare(self) -> None:
        self.config.write_text(configurations.knot(self.home, self.port, self.files.zone_files()))

    def command(self) -> Sequence[str]:
        return ["knotd", "-c", str(self.config)]


class BIND(Peer):
    """BIND 9, one thread."""

    key, title, program, version_option = "bind", "BIND", "named", "-v"

    def prepare(self) -> None:
        self.config.write_text(configurations.bind(self.home, self.port, self.files.zone_files()))

    def command(self) -> Sequence[str]:
        return ["named", "-f", "-n", "1", "-c", str(self.config)]


class PowerDNS(Server):
    """PowerDNS with its SQLite backend and every cache."""

    key, title = "powerdns", "PowerDNS"

    @property
    def imports(self) -> bool:
        return True

    @classmethod
    def version(cls) -> str | None:
        words = said(["pdns_server", "--version"]) if PDNS_SCHEMA.exists() and shutil.which("pdnsutil") else None
        found = re.search(r"Server (\d+\.\d+\.\d+)", words) if words else None
        return found[1] if found else None

    def prepare(self) -> None:
        data = self.files.data
        (self.home / "pdns.conf").write_text(
            configurations.powerdns(self.home, self.port, signed=data.chain is not None)
        )
        with closing(sqlite3.connect(self.home / "zones.sqlite")) as connection:
            connection.executescript(PDNS_SCHEMA.read_text())
            if data.zones > MOST_BY_TOOL:
                insert_zones(connection, self.files.zone_files())
                return
        for origin, file in self.files.zone_files().items():
            self._tool("create-zone", origin)
            if data.chain is None:
                self._tool("load-zone", origin, str(file))
            else:
                self._load_signed(origin, file, data.chain)

    def _load_signed(self, origin: str, file: Path, chain: Chain) -> None:
        """With the signatures of the file. Only zones with a key get their names put in order: it has one meanwhile."""
        if chain == "nsec3":
            self._tool("set-nsec3", origin, "1 0 0 -")
        self._tool("secure-zone", origin)
        self._tool("load-zone", origin, str(file))
        self._tool("rectify-zone", origin)
        self._tool("remove-zone-key", origin, "1")
        with closing(sqlite3.connect(self.home / "zones.sqlite")) as connection, connection:
            # Owners of NSEC3 are no names of the chain (a zone that is transferred gets there without them, too).
            connection.execute(
                "UPDATE records SET ordername = NULL WHERE type = 'NSEC3' OR type = 'RRSIG' AND content LIKE 'NSEC3 %'"
            )
        self._tool("set-presigned", origin)

    def command(self) -> Sequence[str]:
        return ["pdns_server", f"--config-dir={self.home}"]

    def _tool(self, *words: str) -> None:
        run(["pdnsutil", f"--config-dir={self.home}", *words], self.core)


def insert_zones(connection: sqlite3.Connection, zones: Mapping[str, Path]) -> None:
    """What `pdnsutil load-zone` would write, in one transaction: it takes one zone a process."""
    with connection:
        for number, (origin, file) in enumerate(zones.items(), 1):
            connection.execute("INSERT INTO domains (id, name, type) VALUES (?, ?, 'NATIVE')", (number, origin))
            rows = ((number, *entry, TTL) for entry in _entries(origin, file))
            connection.executemany(
                "INSERT INTO records (domain_id, name, type, content, ttl, auth) VALUES (?, ?, ?, ?, ?, 1)", rows
            )


def _entries(origin: str, file: Path) -> Iterator[tuple[str, str, str]]:
    """Owner, type and content of each record of one of our plain zone files."""
    for line in file.read_text().splitlines():
        owner, rdtype, *words = line.split()
        if owner == "$TTL":
            continue
        names = {"SOA": 2, "NS": 1}.get(rdtype, 0)
        content = [f"{word}.{origin}" for word in words[:names]] + words[names:]
        yield origin if owner == "@" else f"{owner}.{origin}", rdtype, " ".join(content)


PEERS: tuple[type[Server], ...] = (NSD, Knot, BIND, PowerDNS)
