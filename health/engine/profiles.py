"""Profiles: what a run does and how severe its findings are; an overlay on the default, as Zonemaster has it."""

from __future__ import annotations


class Profile:
    """A complete profile: the default with what a file changes."""

    ipv4: bool
    ipv6: bool

    def variable(self, case: str, name: str) -> int:
        """A limit of a case, `test_cases_vars` in the file: variable("dnssec04", "REMAINING_SHORT")."""
        raise NotImplementedError

    def get(self, path: str) -> object:
        """The value at a dotted path: "asn_db.style"."""
        raise NotImplementedError
