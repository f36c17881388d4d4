"""The suite a command line means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from cmdctl.api import Client
from daemonkit.paths import find_running

UNIX = "unix:"


@dataclass
class Suite:
    """Where the suite is, and how its answers are to be shown."""

    server: str | None = None  # unix:PATH or https://HOST[:PORT]
    token_file: Path | None = None
    ca_file: Path | None = None
    state_dir: Path | None = None
    run_dir: Path | None = None
    json: bool = False
    rehearsal: Callable[[click.Context], None] | None = None  # what a dry run does instead of a command

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Suite:
        """The one the program's own options mean."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in options.items() if name in known and value is not None})

    def for_a_line(self, *, rehearsal: Callable[[click.Context], None] | None = None) -> Suite:
        """This suite for one of several command lines: what a line says of its answer holds for that line."""
        return replace(self, rehearsal=rehearsal)

    @cached_property
    def client(self) -> Client:
        """A client of it; raises PathError where there can be no control socket, TokenUnusable, NotTrusted."""
        if self.server is not None and not self.server.startswith(UNIX):
            from cmdctl.remote_client import RemoteClient, read_token  # TLS: only here

            token = None if self.token_file is None else read_token(self.token_file)
            return RemoteClient(self.server, token=token, trusted=self.ca_file)
        if self.server is not None:
            return Client(Path(self.server.removeprefix(UNIX)))
        found = find_running(self.state_dir, self.run_dir)
        found.check()
        return Client(found.control_socket)

    @property
    def run_directory(self) -> Path | None:
        """Its run directory, where it is on this machine and was not named by its socket."""
        return None if self.server is not None else find_running(self.state_dir, self.run_dir).run

    @property
    def where(self) -> str:
        """Where it is, for people."""
        return self.client.where if self.server is None else self.server
