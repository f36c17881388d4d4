"""A session's copy of who is on the bus."""

from __future__ import annotations

from collections.abc import Iterable

from msgq.envelope import MemberEntry, MembershipChange


class Roster:
    """The members as the broker last told."""

    def __init__(self) -> None:
        self._pids: dict[str, int] = {}

    def replace(self, entries: Iterable[MemberEntry]) -> None:
        """The whole of it, after registering or after a gap."""
        self._pids = {entry.member: entry.pid for entry in entries}

    def apply(self, change: MembershipChange) -> None:
        """One change."""
        if change.change == "joined":
            self._pids[change.member] = change.pid
        elif self._pids.get(change.member) == change.pid:
            del self._pids[change.member]

    def members(self, module: str | None) -> list[MemberEntry]:
        """All, or those of one module, lowest instance number first."""
        entries = [MemberEntry(member, pid) for member, pid in self._pids.items()]
        wanted = entries if module is None else [entry for entry in entries if entry.module == module]
        return sorted(wanted, key=_order)


def _order(entry: MemberEntry) -> tuple[str, int, str]:
    """By module, then instances that are numbers, then the rest."""
    numbered = entry.instance.isdecimal()
    return entry.module, int(entry.instance) if numbered else 1 << 62, entry.instance
