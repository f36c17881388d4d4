"""What a store of revisions is: numbered, attributed changes, of which the newest good one is the truth.

There are two, a directory of files (`directory_store`) and a database (`database_store`); `stores` opens one of them.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cfgmgr.tree import Change, Tree

FILES = "files"  # the store where nothing else is said


@dataclass(frozen=True, slots=True)
class Revision:
    """One committed change of configuration."""

    number: int
    time: datetime  # UTC
    author: str
    reason: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A revision without what it changed, which may be all of 100 000 zones."""

    number: int
    time: datetime  # UTC
    author: str
    reason: str
    count: int  # of changes


class Suffered(enum.Enum):
    """What a damaged file cost."""

    STATE = "state"  # the newest revisions: an older one is in effect
    HISTORY = "history"  # an old revision that nothing builds on
    CANDIDATE = "candidate"  # uncommitted changes


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that could not be used. `kept` is where it is now."""

    file: str
    reason: str
    kept: str
    suffered: Suffered


@dataclass(frozen=True, slots=True)
class Draft:
    """An author's candidate as it is kept: the changes to make to revision `base`."""

    author: str
    base: int
    changes: tuple[Change, ...]


class Store(ABC):
    """Revisions and candidates, durable. All calls block; used from one thread at a time.

    Raises StoreError. After StoreUncertain from `append` it is unknown whether the revision is there for good: whoever
    asked must end, and what is there at the next start is the truth. After any other error nothing has changed.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """Where the store is, for people."""

    @property
    @abstractmethod
    def head(self) -> Revision | None:
        """The newest good revision; None in an empty store."""

    @property
    @abstractmethod
    def state(self) -> Tree:
        """The stored values as of `head`."""

    @property
    @abstractmethod
    def damage(self) -> list[Damage]:
        """What was found damaged, since the store was made."""

    @property
    @abstractmethod
    def next_number(self) -> int:
        """The number of the next revision: greater than any that was ever given out."""

    @abstractmethod
    def append(self, revision: Revision, state: Tree, *, whole: bool = False) -> None:
        """Make a revision the newest: the commit point. `state` is the result of its changes.

        `whole`: it is more than that, and all of it is to be written.
        """

    @abstractmethod
    def revisions(self, before: int = 0) -> Iterator[Revision]:
        """Revisions, newest first; only those before a number, if it is given.

        Damaged ones are left out, and are in `damage` from then on.
        """

    @abstractmethod
    def summaries(self, before: int = 0) -> Iterator[Summary]:
        """As `revisions`, in short."""

    @abstractmethod
    def drafts(self) -> list[Draft]:
        """Every candidate."""

    @abstractmethod
    def keep(self, draft: Draft) -> None:
        """Keep a candidate, in place of the author's former one."""

    @abstractmethod
    def forget(self, author: str) -> None:
        """Forget an author's candidate; there may be none."""

    def maintain(self) -> None:  # noqa: B027 - a store may have nothing to do
        """Do what keeps later starts quick, outside of any commit. May take as long as all of the values take."""

    @abstractmethod
    def close(self) -> None:
        """Let another process have the store."""
