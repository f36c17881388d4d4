"""Who asks, and what they may. Roles are ordered: who may configure may also operate and read."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from cmdctl.errors import RequestError


class Role(enum.IntEnum):
    """What somebody may do; the names are those of specs and of the configuration."""

    READ = 1  # look at everything but users, tokens, the audit log and the lines that cmdctl logs
    OPERATE = 2  # start, stop, reload: nothing that outlives a restart
    CONFIGURE = 3  # change configuration and zones, but not which programs run and who may give orders
    ADMIN = 4  # that, users, tokens, the audit log, what cmdctl logs, the end of the suite

    @property
    def word(self) -> str:
        """The name as people write it."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Role:
        """The role of a name; raises KeyError."""
        return cls[word.upper()]


ROLES = tuple(role.word for role in Role)


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a request is made. `name` is the author of what it changes."""

    name: str
    role: Role
    user: str = ""  # the account of REST; empty: a user of this machine, as the kernel told
    token: str = ""  # its id, where the request came with one
    zones: frozenset[str] | None = None  # the only ones a token is for, without the final dot; None: all

    def require(self, role: Role, zone: str | None = None) -> None:
        """Raise RequestError unless this caller may; `zone` is the one zone a request is about, if it is."""
        if self.role < role:
            raise RequestError("refused", f"{self.name} may {self.role.word}; this takes the role {role.word}")
        if self.zones is not None and (zone is None or zone not in self.zones):
            names = ", ".join(sorted(self.zones))
            raise RequestError("refused", f"this token is for requests about these zones only: {names}")
