"""Findings gathered over many servers, said once each with all the servers they hold for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.name

from health.engine.reply import Server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from health.engine.context import Context

_Arguments = tuple[tuple[str, object], ...]


class Findings:
    """Gathers (tag, arguments, server) and emits each (tag, arguments) once.

    `listed` names the argument the servers go into: "ns_list" as name/address, "ns_ip_list" as address alone.
    """

    def __init__(self, context: Context, listed: str = "ns_list") -> None:
        self._context = context
        self._listed = listed
        self._found: dict[str, dict[_Arguments, set[str]]] = {}

    def add(self, tag: str, server: Server | str, **arguments: object) -> None:
        """This holds for that server; text ("-", say) stands for itself."""
        shown = server.address if isinstance(server, Server) and self._listed == "ns_ip_list" else str(server)
        self._found.setdefault(tag, {}).setdefault(tuple(arguments.items()), set()).add(shown)

    def add_all(self, tag: str, servers: Iterable[Server], **arguments: object) -> None:
        """This holds for those servers, perhaps none."""
        for server in servers:
            self.add(tag, server, **arguments)

    def servers(self, tag: str) -> set[str]:
        """The servers a tag was found for, as they will be shown."""
        return set().union(*self._found.get(tag, {}).values())

    def emit(self) -> None:
        """Say it all: tags as they were first found, each in the order of its arguments."""
        for tag, found in self._found.items():
            for arguments, servers in sorted(found.items(), key=lambda item: [_order(v) for _, v in item[0]]):
                self._context.emit(tag, **dict(arguments), **{self._listed: servers})


def _order(value: object) -> tuple[int, str]:
    """Numbers by size, all else as text."""
    if isinstance(value, int):
        return value, ""
    return -1, value.to_text() if isinstance(value, dns.name.Name) else str(value)
