"""The bus messages between the skeleton of every daemon and cfgmgr (docs/internals.md section 5).

A request is a frozen struct with class variables: `module` (who answers; empty where the caller names the member),
`command` (its name in the spec) and `reply` (the struct of the answer, None for none).
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class Nothing(msgspec.Struct, frozen=True):
    """The answer of a command that only succeeds."""


class Shared(msgspec.Struct, frozen=True):
    """A map in which many keys have the same value, as 100 000 zones of one template do."""

    values: list[Any]
    keys: dict[str, int]  # index of each key's value


def unfold(values: dict[str, Any], shared: dict[str, Shared]) -> dict[str, Any]:
    """The configuration with shared maps written out; equal values are one object, not to be changed."""
    written_out = {name: {key: part.values[i] for key, i in part.keys.items()} for name, part in shared.items()}
    return {**values, **written_out}


class Configuration(msgspec.Struct, frozen=True):
    """A committed revision, as far as it concerns one module."""

    revision: int
    values: dict[str, Any]
    shared: dict[str, Shared] = {}  # more of the values

    @property
    def tree(self) -> dict[str, Any]:
        """All values."""
        return unfold(self.values, self.shared)


class GetConfiguration(msgspec.Struct, frozen=True):
    """To cfgmgr: the effective configuration of a module."""

    module: ClassVar[str] = "cfgmgr"
    command: ClassVar[str] = "get"
    reply: ClassVar[type[Configuration]] = Configuration

    name: str  # the module asking


class Adjustment(msgspec.Struct, frozen=True):
    """A value a module accepts in a form of its own."""

    path: str
    value: Any
    reason: str


class Prepared(msgspec.Struct, frozen=True):
    """The member can apply the revision; `adjustments` are shown with the difference."""

    adjustments: tuple[Adjustment, ...] = ()


class Prepare(msgspec.Struct, frozen=True):
    """To a member: get ready for this revision, change nothing visible."""

    module: ClassVar[str] = ""
    command: ClassVar[str] = "prepare"
    reply: ClassVar[type[Prepared]] = Prepared

    revision: int
    values: dict[str, Any]
    shared: dict[str, Shared] = {}  # more of the values

    @property
    def tree(self) -> dict[str, Any]:
        """All values."""
        return unfold(self.values, self.shared)


class Commit(msgspec.Struct, frozen=True):
    """To a member: the revision is committed, apply it. It cannot be refused."""

    module: ClassVar[str] = ""
    command: ClassVar[str] = "commit"
    reply: ClassVar[type[Nothing]] = Nothing

    revision: int


class Abort(msgspec.Struct, frozen=True):
    """To a member: the revision will not come."""

    module: ClassVar[str] = ""
    command: ClassVar[str] = "abort"
    reply: ClassVar[type[Nothing]] = Nothing

    revision: int


class RevisionCommitted(msgspec.Struct, frozen=True):
    """Event `configuration` from cfgmgr: whoever is behind asks for it."""

    topic: ClassVar[str] = "configuration"

    revision: int
