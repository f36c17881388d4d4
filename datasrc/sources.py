"""The ordered list of data sources as one: the longest match over all of them wins, then the first source.

A source that fails does not take the others down. It is tried again, ever more rarely; until then its zones, as far as
they were ever seen, are `Unavailable`, which is answered with SERVFAIL: a name of theirs must not get the wrong answer
of a zone above it in another source.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from dns.name import Name

import datasrc
from datasrc.asked import AskedSnapshot
from datasrc.backends import is_remote
from datasrc.errors import StorageError, Unavailable, UnknownBackend
from datasrc.keys import name_key, path
from datasrc.member import PASS_LIMIT, Failure, LocalMember, Member, OnChange, SourceStatus
from datasrc.remote import RemoteMember
from datasrc.silence import Asking
from datasrc.source import DataSource, Finder, Snapshot

__all__ = [
    "MASTER_FILES",
    "ZONE_PATIENCE",
    "Failure",
    "SourceStatus",
    "Sources",
    "SourcesSnapshot",
    "is_master_files",
    "open_sources",
    "source_url",
]

MASTER_FILES = "master-files"  # the type of a directory of zone files
ZONE_PATIENCE = 1.0  # s that who answers questions gives a zone to be read


class Sources:
    """Data sources by name, in order. May be shared between threads."""

    def __init__(
        self,
        openers: Mapping[str, Callable[[], DataSource]],
        *,
        clock: Callable[[], float] = time.monotonic,
        shared: Mapping[str, Sources] | None = None,
        remote: Collection[str] = (),
        apart: Collection[str] = (),
        changed: OnChange | None = None,
        asking: Asking | None = None,
    ) -> None:
        """Opens what can be opened. Raises UnknownBackend, which no waiting mends; other failures show in status().

        `shared` are open ones to share a source with, by its name, instead of opening it again: the last to close
        closes it. `remote` are the names of those behind a network, `apart` of others that a thread looks after all the
        same; `changed` hears when one fails or works again. `asking` is where answers note what they ask.
        """
        others = shared or {}
        self.configured: Mapping[str, Mapping[str, Any]] = {}  # what open_sources() made them of
        self._closed = False
        self._asking = asking
        tell = changed or (lambda _name, _failure: None)

        def member_of(name: str, opener: Callable[[], DataSource]) -> Member:
            if name in others:
                return others[name].share(name)
            if name in remote or name in apart:
                return RemoteMember(name, opener, tell, hears=name in remote)
            return LocalMember(name, opener, tell, clock)

        self._members = [member_of(name, opener) for name, opener in openers.items()]
        try:
            limit = time.monotonic() + PASS_LIMIT  # for all together: who waits for them has a deadline
            for member in self._members:
                member.look(max(0.0, limit - time.monotonic()))
        except UnknownBackend:
            self.close()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """One state of each source, taken when it is first asked."""
        with ExitStack() as stack:
            yield SourcesSnapshot(self._members, stack, self._asking)

    def status(self) -> list[SourceStatus]:
        """How each source does, in order, looked at now. Blocks."""
        return [self._status(member) for member in self._members]

    def _status(self, member: Member) -> SourceStatus:
        if self._asking is None or not isinstance(member, LocalMember):  # the thread of another is waited for, not long
            return member.status()
        with self._asking.of(member.name):
            return member.status()

    def refresh(self, only: str | None = None) -> None:
        """Let every source, or the one of this name, take notice of what changed, and try failing ones, now."""
        for member in self._members:
            if only in (None, member.name):
                member.refresh()

    def each(self) -> Iterator[tuple[str, DataSource | Failure]]:
        """Every source in order, or why it cannot be used now."""
        for member in self._members:
            yield member.name, member.usable()

    def failed(self, name: str, error: StorageError) -> None:
        """Note that a source failed: until it works again, or for a while, it is not asked."""
        member = self._member(name)
        assert member is not None
        member.failed(error)

    def leave_alone(self, name: str, silent: float) -> float | None:
        """Have nobody ask a source for a while, which has not answered for so many seconds. For how long.

        None where there is no such source any more. Never waits.
        """
        member = self._member(name)
        return None if member is None else member.leave_alone(silent)

    def answered(self, name: str) -> None:
        """Who waited for a source while it was left alone has an answer. Never waits."""
        member = self._member(name)
        if member is not None:
            member.answered()

    def holder_of(self, origin: Name) -> tuple[str, DataSource] | None:
        """The first source that has a zone of exactly this origin: the one it is answered from."""
        for member in self._members:
            source = member.usable()
            if isinstance(source, Failure):
                continue
            try:
                with source.snapshot() as snapshot:
                    if snapshot.zone(origin) is not None:
                        return member.name, source
            except StorageError as error:
                member.failed(error)
        return None

    def share(self, name: str) -> Member:
        """The source of this name, which now takes one more close()."""
        member = self._member(name)
        assert member is not None
        member.hold()
        return member

    def _member(self, name: str) -> Member | None:
        return next((member for member in self._members if member.name == name), None)

    def close(self) -> None:
        """Close all sources that no other shares."""
        if not self._closed:
            self._closed = True
            for member in self._members:
                member.close()


class SourcesSnapshot(Snapshot):
    """All sources as one."""

    def __init__(self, members: list[Member], stack: ExitStack, asking: Asking | None = None) -> None:
        """`asking` is where each question is noted."""
        self._members = members
        self._stack = stack
        self._asking = asking
        self._snapshots: dict[str, Snapshot] = {}
        self._failures: dict[str, Failure] = {}

    def find_zone(self, name: Name) -> Finder | None:
        """The longest match over all sources; of equals that of the first. Raises Unavailable."""
        return self._find(path(name_key(name)), lambda snapshot: snapshot.find_zone(name))

    def zone(self, origin: Name) -> Finder | None:
        """The zone of exactly this origin in the first source that has it. Raises Unavailable."""
        return self._find([name_key(origin)], lambda snapshot: snapshot.zone(origin))

    def _find(self, keys: list[bytes], ask: Callable[[Snapshot], Finder | None]) -> Finder | None:
        best: Finder | None = None
        reach = -1  # the length of the best origin's key
        doubt: Failure | None = None  # why the best may not be the right one
        unknown: Failure | None = None  # why there may be one although none was found
        for member in self._members:
            finder, failure = self._ask(member, ask)
            if failure is None:
                length = -1 if finder is None else len(name_key(finder.info.origin))
            else:
                remembered = member.longest(keys)
                unknown = unknown or (failure if remembered is None else None)
                length = -1 if remembered is None else remembered
            if length > reach:
                best, reach, doubt = finder, length, failure
        doubt = doubt or (unknown if best is None else None)
        if doubt is not None:
            raise Unavailable(f"its data source fails: {doubt.reason}", database=doubt.database)
        return best

    def _ask(self, member: Member, ask: Callable[[Snapshot], Finder | None]) -> tuple[Finder | None, Failure | None]:
        failure = self._failures.get(member.name)
        if failure is not None:
            return None, failure
        try:
            if member.name not in self._snapshots:
                source = self._usable(member)
                if isinstance(source, Failure):
                    self._failures[member.name] = source
                    return None, source
                self._snapshots[member.name] = self._stack.enter_context(self._opened(source, member.name))
        except StorageError as error:
            self._failures[member.name] = failure = member.failed(error)
            return None, failure
        try:
            return ask(self._snapshots[member.name]), None
        except StorageError as error:
            # Of this question: whether the source as a whole fails shows at the next snapshot.
            return None, Failure.of(error)

    def _usable(self, member: Member) -> DataSource | Failure:
        if self._asking is None:
            return member.usable()
        with self._asking.of(member.name):  # one at hand is looked at
            return member.usable()

    def _opened(self, source: DataSource, name: str) -> AbstractContextManager[Snapshot]:
        return source.snapshot() if self._asking is None else AskedSnapshot(source, name, self._asking)


def is_master_files(configured: Mapping[str, Any]) -> bool:
    """Whether an entry of `data_sources` in the configuration is a directory of zone files."""
    return bool(configured["type"] == MASTER_FILES)


def source_url(configured: Mapping[str, Any]) -> str:
    """The URL of an entry of `data_sources` in the configuration."""
    if is_master_files(configured):
        return f"{MASTER_FILES}:{configured['directory']}"
    return str(configured["url"])


def open_sources(
    configured: Mapping[str, Mapping[str, Any]],
    *,
    read_only: bool = True,
    before: Sources | None = None,
    changed: OnChange | None = None,
    patience: float | None = None,
    apart: bool = False,
    asking: Asking | None = None,
) -> Sources:
    """All entries of `data_sources` in the configuration, in order. `changed` hears when one fails or works again.

    `patience`: seconds that a question waits for a zone to be read; None: as long as that takes. `apart`: databases at
    hand are looked after by threads of their own, too, as those behind a network are: who asks for zones of others does
    not try one that fails, which may take its time. `asking` is where answers note what they ask.

    Those that say the same in `before` (opened in the same way) are shared with it and not read again.
    """

    def opener(name: str, entry: Mapping[str, Any]) -> Callable[[], DataSource]:
        def open_source() -> DataSource:
            source = datasrc.open(source_url(entry), name=name, read_only=read_only)
            if patience is not None:
                source.take_patience(patience)
            return source

        return open_source

    known = {} if before is None else before.configured
    shared = {name: before for name, entry in configured.items() if before is not None and known.get(name) == entry}
    openers = {name: opener(name, entry) for name, entry in configured.items()}
    remote = {name for name, entry in configured.items() if is_remote(source_url(entry))}
    others = {name for name, entry in configured.items() if apart and not is_master_files(entry)} - remote
    sources = Sources(openers, shared=shared, remote=remote, apart=others, changed=changed, asking=asking)
    sources.configured = configured
    return sources
