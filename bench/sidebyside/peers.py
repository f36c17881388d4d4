"""The other name servers, as Debian packages them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bench.sidebyside import configurations
from bench.sidebyside.servers import Server, said


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


PEERS: tuple[type[Peer], ...] = (NSD, Knot, BIND)
