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
from daemonkit.rowmap import rows_of


def _nothing() -> None:
    """Do nothing: the default of a module that has nothing to apply or to give back."""


@dataclass(frozen=True, slots=True)
class RowChanges:
    """How the entries of one top-level map differ."""

    changed: Mapping[str, Any]
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """How a revision differs from another one: `keys` of the top level as a whole, `rows` entry by entry."""

    keys: frozenset[str]
    rows: Mapping[str, RowChanges]


@dataclass(frozen=True, slots=True)
class Config:
    """One revision as a module sees it. Everything in it is validated and complete."""

    revision: int
    values: Mapping[str, Any]  # the module's own options and each root it reads, by name
    own: Mapping[str, Any]  # the module's own options
    difference: Difference | None = None  # from the revision the module is on, where it is known


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


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A revision in hand."""

    config: Config
    prepared: Prepared


class ConfigurationMember:
    """The protocol state of one member. `prepare` is the module's; a raise from it is a refusal."""

    def __init__(self, module: str, prepare: Callable[[Config], Awaitable[Prepared]]) -> None:
        self.module = module
        self.revision = 0
        self.state = MemberState.IDLE
        self._values: Mapping[str, Any] = {}  # of the revision
        self._module_prepare = prepare
        self._candidate: _Candidate | None = None

    @property
    def prepared_revision(self) -> int | None:
        """The revision in hand, if any."""
        return self._candidate.config.revision if self._candidate else None

    async def prepare(self, revision: int, values: Mapping[str, Any]) -> tuple[api.Adjustment, ...]:
        """Get ready for a revision, given as a whole."""
        return await self._prepare(Config(revision, values, values.get(self.module, {})))

    async def prepare_difference(self, request: api.Prepare) -> tuple[api.Adjustment, ...]:
        """Get ready for a revision, given by how it differs from the one the member is on."""
        assert request.base == self.revision, "a difference from another revision says nothing"
        rows = {root: RowChanges(told.entries, tuple(told.removed)) for root, told in request.rows.items()}
        values = {**self._values, **request.values}
        for root, changes in rows.items():
            values[root] = with_changes(values.get(root, {}), changes)
        difference = Difference(frozenset(request.values), rows)
        return await self._prepare(Config(request.revision, values, values.get(self.module, {}), difference))

    async def _prepare(self, config: Config) -> tuple[api.Adjustment, ...]:
        self.abort()
        prepared = await self._module_prepare(config)
        self._candidate = _Candidate(config, prepared)
        self.state = MemberState.PREPARED
        return prepared.adjustments

    def commit(self, revision: int) -> bool:
        """Apply the prepared revision. False: it is not the one in hand, the caller must fetch it."""
        if self.revision == revision and self._candidate is None:
            return True  # repeated
        if self._candidate is None or self.prepared_revision != revision:
            return False
        candidate = self._candidate
        self._candidate, self.state = None, MemberState.IDLE
        candidate.prepared.apply()
        self.revision, self._values = revision, candidate.config.values
        return True

    def abort(self, revision: int | None = None) -> None:
        """Give the prepared revision up; another revision's abort is none of ours."""
        if self._candidate is None or revision not in (None, self.prepared_revision):
            return
        candidate = self._candidate
        self._candidate, self.state = None, MemberState.IDLE
        candidate.prepared.discard()

    async def follow(self, configuration: api.Configuration) -> None:
        """Come to the committed revision, whatever happened before."""
        if configuration.unchanged or configuration.revision == self.revision:
            self.abort()
            self.revision = configuration.revision
            return
        tree = configuration.tree
        # What was prepared under this number may have been only asked about, and another change have got the number.
        if self._candidate is None or (self.prepared_revision, self._candidate.config.values) != (
            configuration.revision,
            tree,
        ):
            await self.prepare(configuration.revision, tree)
        self.commit(configuration.revision)


def with_changes(entries: Mapping[str, Any], changes: RowChanges) -> Mapping[str, Any]:
    """Entries after changes; the entries before stay as they are."""
    return rows_of(entries).changed(changes.changed.items(), changes.removed)
