"""The bus messages between the skeleton of every daemon and cfgmgr (docs/internals.md section 5).

A request is a frozen struct with class variables: `module` (who answers; empty where the caller names the member),
`command` (its name in the spec) and `reply` (the struct of the answer, None for none).
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class Nothing(msgspec.Struct, frozen=True):
    """The answer of a command that only succeeds."""


class Rows(msgspec.Struct, frozen=True):
    """Entries of a map that may have 100 000, as zones: those that say the same are told once."""

    values: list[Any]
    keys: dict[str, int]  # index of each key's value
    removed: list[str] = []  # in a difference: keys that are gone

    @property
    def entries(self) -> dict[str, Any]:
        """Written out; equal values are one object, not to be changed."""
        return {key: self.values[index] for key, index in self.keys.items()}


class Configuration(msgspec.Struct, frozen=True):
    """A revision, as far as it concerns one module, or a page of it."""

    revision: int
    values: dict[str, Any]
    rows: dict[str, Rows] = {}  # more of the values
    following: int = 0  # ask again for what begins here; 0: that is all
    edition: str = ""  # in which that is a place: asked for it, who has another one refuses
    unchanged: bool = False  # nothing of it differs from the revision the module has; there are no values here

    @property
    def tree(self) -> dict[str, Any]:
        """All values, of one page."""
        return {**self.values, **{root: rows.entries for root, rows in self.rows.items()}}


class GetConfiguration(msgspec.Struct, frozen=True):
    """To cfgmgr: the effective configuration of a module. `conflict`: `revision` or `edition` is gone."""

    module: ClassVar[str] = "cfgmgr"
    command: ClassVar[str] = "get"
    reply: ClassVar[type[Configuration]] = Configuration
    changes: ClassVar[bool] = False  # asked again, it is answered as things are then

    name: str  # the module asking
    have: int = 0  # the revision it has; 0: none
    revision: int = 0  # the one it wants, committed or being prepared; 0: the committed one
    start: int = 0  # from which row
    edition: str = ""  # of the page that said so


class Adjustment(msgspec.Struct, frozen=True):
    """A value a module accepts in a form of its own."""

    path: str
    value: Any
    reason: str


class Prepared(msgspec.Struct, frozen=True):
    """The member can apply the revision; `adjustments` are shown with the difference."""

    adjustments: tuple[Adjustment, ...] = ()


class Prepare(msgspec.Struct, frozen=True):
    """To a member: get ready for this revision, change nothing visible.

    What is told is how the revision differs from `base`: top-level keys, whole, and rows. A `large` difference is not
    told; the member asks for the revision.
    """

    module: ClassVar[str] = ""
    command: ClassVar[str] = "prepare"
    reply: ClassVar[type[Prepared]] = Prepared

    revision: int
    base: int
    values: dict[str, Any] = {}
    rows: dict[str, Rows] = {}
    large: bool = False


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
