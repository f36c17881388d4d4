"""The suite a command line means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cmdctl.api import Client
from daemonkit.paths import find_running

UNIX = "unix:"


@dataclass
class Suite:
    """Where the suite is, and how its answers are to be shown."""

    server: str | None = None
    state_dir: Path | None = None
    run_dir: Path | None = None
    json: bool = False

    @cached_property
    def client(self) -> Client:
        """A client of its control socket; raises PathError where there can be none."""
        if self.server is not None:
            return Client(Path(self.server.removeprefix(UNIX)))
        found = find_running(self.state_dir, self.run_dir)
        found.check()
        return Client(found.control_socket)
