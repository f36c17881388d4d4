"""The suite a command line means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

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
    dry_run: bool = False  # commands are parsed, and not done

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Suite:
        """The one the program's own options mean."""
        return cls(options.get("server"), options.get("state_dir"), options.get("run_dir"), bool(options.get("json")))

    def for_a_line(self, *, dry_run: bool = False) -> Suite:
        """This suite for one of several command lines: what a line says of its answer holds for that line."""
        return replace(self, dry_run=dry_run)

    @cached_property
    def client(self) -> Client:
        """A client of its control socket; raises PathError where there can be none."""
        if self.server is not None:
            return Client(Path(self.server.removeprefix(UNIX)))
        found = find_running(self.state_dir, self.run_dir)
        found.check()
        return Client(found.control_socket)

    @property
    def where(self) -> str:
        """Where it is, for people."""
        return str(self.client.path.parent) if self.server is None else self.server
