"""A member's side of the commit protocol (docs/internals.md section 5).

    IDLE --prepare(N)--> PREPARED(N) --commit(N)--> IDLE at N
                              |------abort(N)-----> IDLE, unchanged
                              |--nothing heard----> asks cfgmgr which revision is committed, and follows

A prepare for another revision replaces the one before: cfgmgr has one commit in hand at a time.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from daemonkit import api


def _nothing() -> None:
    """Do nothing: the default of a module that has nothing to apply or to give back."""


@dataclass(frozen=True, slots=True)
class Config:
    """One revision as a module sees it. Everything in it is validated and complete."""

    revision: int
    values: Mapping[str, Any]  # the module's own options and each root it reads, by name
    own: Mapping[str, Any]  # the module's own options


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a module holds between prepare and commit: one of the two is called, once, and must not raise."""

    apply: Callable[[], None] = _nothing
    discard: Callable[[], None] = _nothing
    adjustments: tuple[api.Adjustment, ...] = field(default=())


class MemberState(enum.Enum):
    """Where a member stands in the protocol."""

    IDLE = "idle"
    PREPARED = "prepared"


class ConfigurationMember:
    """The protocol state of one member. `prepare` is the module's; a raise from it is a refusal."""

    def __init__(self, module: str, prepare: Callable[[Config], Awaitable[Prepared]]) -> None:
        self.module = module
        self.revision = 0
        self.state = MemberState.IDLE
        self._module_prepare = prepare
        self._candidate: tuple[int, Prepared] | None = None

    @property
    def prepared_revision(self) -> int | None:
        """The revision in hand, if any."""
        return self._candidate[0] if self._candidate else None

    async def prepare(self, revision: int, values: Mapping[str, Any]) -> tuple[api.Adjustment, ...]:
        """Get ready for a revision."""
        self.abort()
        prepared = await self._module_prepare(Config(revision, values, values.get(self.module, {})))
        self._candidate = (revision, prepared)
        self.state = MemberState.PREPARED
        return prepared.adjustments

    def commit(self, revision: int) -> bool:
        """Apply the prepared revision. False: it is not the one in hand, the caller must fetch it."""
        if self.revision == revision and self._candidate is None:
            return True  # repeated
        if self._candidate is None or self._candidate[0] != revision:
            return False
        prepared = self._candidate[1]
        self._candidate, self.state = None, MemberState.IDLE
        prepared.apply()
        self.revision = revision
        return True

    def abort(self, revision: int | None = None) -> None:
        """Give the prepared revision up; another revision's abort is none of ours."""
        if self._candidate is None or revision not in (None, self._candidate[0]):
            return
        prepared = self._candidate[1]
        self._candidate, self.state = None, MemberState.IDLE
        prepared.discard()

    async def follow(self, configuration: api.Configuration) -> None:
        """Come to the committed revision, whatever happened before."""
        if configuration.revision == self.revision:
            self.abort()
        elif configuration.revision != self.prepared_revision:
            await self.prepare(configuration.revision, configuration.tree)
        self.commit(configuration.revision)
