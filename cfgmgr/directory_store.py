"""The store as a directory of files: `revision-00000012`, `candidate-<author>`, `lock`.

A revision file holds the changes from the one before, and a snapshot of everything: always where that is small, so that
damage costs one revision at most; otherwise whenever the changes since the last snapshot have grown as large as a
snapshot, or many, so that the files written and the files read at a start stay in proportion. A large one is not part
of the commit: it is put into the newest revision afterwards. A file that cannot be used is kept
aside as `*.damaged`; the last state that can be built without it is the current one, and numbers once given out are not
given out again.
"""

from __future__ import annotations

import errno
import gc
import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from cfgmgr import files
from cfgmgr.errors import StoreUncertain, StoreUnusable
from cfgmgr.store import Damage, Draft, Revision, Store, Suffered, Summary
from cfgmgr.tree import Change, Tree, apply, flat, with_rows

SMALL_SNAPSHOT = 64 * 1024  # bytes
MAX_CHAIN = 1000  # revisions read at a start beside a snapshot: a tenth of a second

T = TypeVar("T")
Head = TypeVar("Head", bound="_RevisionHead | _RevisionInShort")

_REVISION = re.compile(r"revision-([0-9]{8,12})")
_NUMBERED = re.compile(r"revision-([0-9]{8,12})(\.damaged.*)?")
_CANDIDATE = re.compile(r"candidate-[A-Za-z0-9_.-]{1,120}")


class _RevisionHead(msgspec.Struct, omit_defaults=True):
    """The body of a revision file, but for the snapshot."""

    revision: int
    previous: int  # the revision the changes start from; 0: nothing
    time: datetime
    author: str
    reason: str
    changes: list[tuple[tuple[str | int, ...], Any, Any]]
    since_snapshot: int  # bytes of changes since the last snapshot, these included
    snapshot_size: int  # bytes of the last snapshot


class _RevisionFile(_RevisionHead):
    """The body of a revision file."""

    snapshot: dict[str, Any] | None = None


class _RevisionAlone(_RevisionHead):
    """The same, without objects made of the snapshot: those of 100 000 zones stop all else for half a second."""

    snapshot: msgspec.Raw = msgspec.Raw()


class _RevisionInShort(msgspec.Struct):
    """The same, without objects made of the changes, for a first start has listed all zones in one."""

    revision: int
    time: datetime
    author: str
    reason: str
    changes: list[msgspec.Raw]


class _CandidateFile(msgspec.Struct):
    """The body of a candidate file."""

    author: str
    base: int
    changes: list[tuple[tuple[str | int, ...], Any, Any]]


_revision_decoder = msgspec.json.Decoder(_RevisionFile)
_alone_decoder = msgspec.json.Decoder(_RevisionAlone)
_short_decoder = msgspec.json.Decoder(_RevisionInShort)
_candidate_decoder = msgspec.json.Decoder(_CandidateFile)


class DirectoryStore(Store):
    """A store in a directory, which is made where it is missing. Raises StoreError."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._damage: list[Damage] = []
        self._head: Revision | None = None
        self._state: Tree = {}
        self._since_snapshot = 0
        self._snapshot_size = 0
        self._chained = 0  # revisions since the last snapshot
        self._given_out = 0  # the greatest number so far, also of what is damaged
        try:
            directory.mkdir(mode=files.DIRECTORY_MODE, parents=True, exist_ok=True)
            self._lock = files.lock(directory / "lock", str(directory))
        except OSError as error:
            raise StoreUnusable(f"{directory} cannot be used: {error.strerror}") from error
        try:
            self._clean()
            self._load()
        except OSError as error:
            self.close()
            raise StoreUnusable(f"{error.filename or directory} cannot be used: {error.strerror}") from error
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        return str(self._directory)

    @property
    def head(self) -> Revision | None:
        return self._head

    @property
    def state(self) -> Tree:
        return self._state

    @property
    def damage(self) -> list[Damage]:
        return list(self._damage)

    @property
    def next_number(self) -> int:
        return self._given_out + 1

    def append(self, revision: Revision, state: Tree, *, whole: bool = False) -> None:
        changes = [tuple(change) for change in revision.changes]
        body = _RevisionFile(
            revision=revision.number,
            previous=self._head.number if self._head else 0,
            time=revision.time,
            author=revision.author,
            reason=revision.reason,
            changes=changes,
            since_snapshot=self._since_snapshot + len(msgspec.json.encode(changes)),
            snapshot_size=self._snapshot_size,
        )
        if whole or self._head is None or body.snapshot_size <= SMALL_SNAPSHOT:
            _take_snapshot(body, state)
        self._write(self._path(revision.number), "revision", body)
        self._head, self._state = revision, state
        self._advance(body)

    def maintain(self) -> None:
        """Put a snapshot into the newest revision, when the way back to the last one is long."""
        if self._head is None or not (self._since_snapshot >= self._snapshot_size or self._chained >= MAX_CHAIN):
            return
        if not self._chained:
            return
        body = self._read(self._head.number)
        _take_snapshot(body, self._state)
        self._write(self._path(self._head.number), "revision", body)
        self._advance(body)

    def _advance(self, body: _RevisionFile) -> None:
        """Note how far back the last snapshot is."""
        self._since_snapshot, self._snapshot_size = body.since_snapshot, body.snapshot_size
        self._chained = 0 if body.snapshot is not None else self._chained + 1
        self._given_out = max(self._given_out, body.revision)

    def revisions(self, before: int = 0) -> Iterator[Revision]:
        return (_revision(body) for body in self._bodies(_alone_decoder, before))

    def summaries(self, before: int = 0) -> Iterator[Summary]:
        for body in self._bodies(_short_decoder, before):
            yield Summary(body.revision, body.time, body.author, body.reason, len(body.changes))

    def _bodies(self, decoder: msgspec.json.Decoder[Head], before: int) -> Iterator[Head]:
        for number in sorted(self._numbers(_REVISION), reverse=True):
            if before and number >= before:
                continue
            try:
                body = self._read_as(decoder, number)
            except files.DamagedFile as error:
                self._set_aside(self._path(number), str(error), Suffered.HISTORY)
                continue
            yield body

    def drafts(self) -> list[Draft]:
        found = []
        for path in self._paths(_CANDIDATE):
            try:
                body = _decode(_candidate_decoder, _read_file(path, "candidate"))
            except files.DamagedFile as error:
                self._set_aside(path, str(error), Suffered.CANDIDATE)
                continue
            found.append(Draft(body.author, body.base, _changes(body.changes)))
        return found

    def keep(self, draft: Draft) -> None:
        body = _CandidateFile(draft.author, draft.base, [tuple(change) for change in draft.changes])
        self._write(self._candidate_path(draft.author), "candidate", body)

    def forget(self, author: str) -> None:
        try:
            files.remove(self._candidate_path(author))
        except OSError as error:
            raise StoreUnusable(f"the candidate cannot be removed: {error.strerror}") from error

    def close(self) -> None:
        files.unlock(self._lock)
        self._lock = -1

    def _write(self, path: Path, kind: str, body: msgspec.Struct) -> None:
        try:
            files.write(path, kind, body)
        except OSError as error:
            raise StoreUnusable(f"{path} cannot be written: {error.strerror}") from error
        except files.NotDurable as error:
            raise StoreUncertain(f"{path} was written, but its directory cannot be synced: {error}") from error

    # Reading at the start.

    def _clean(self) -> None:
        for path in self._directory.iterdir():
            if path.name.endswith(files.TEMPORARY):
                path.unlink()

    def _load(self) -> None:
        """Go back to a snapshot, then forward as far as the changes fit together."""
        self._given_out = max(self._numbers(_NUMBERED), default=0)
        chain = self._chain()
        while chain:
            body = chain.pop()
            if body.snapshot is not None:
                self._state = with_rows(body.snapshot)
            else:
                self._state = apply(self._state, _changes(body.changes))
            self._head = _revision(body)
            self._advance(body)

    def _chain(self) -> list[_RevisionFile]:
        """The revisions from the newest good one back to a snapshot; what cannot be reached is set aside."""
        chain: list[_RevisionFile] = []
        for number in sorted(self._numbers(_REVISION), reverse=True):
            if chain and number > chain[-1].previous:
                continue
            try:
                body = self._read(number)
            except files.DamagedFile as error:
                self._cut(number, str(error), chain)
                continue
            if chain and number < chain[-1].previous:
                self._cut(chain[-1].previous, "it is missing", chain)
            chain.append(body)
            if body.snapshot is not None or body.previous == 0:
                return chain
        if chain:
            self._cut(chain[-1].previous, "it is missing", chain)
        return chain

    def _cut(self, number: int, reason: str, chain: list[_RevisionFile]) -> None:
        """Give up a damaged revision, and with it those after it that build on it."""
        path = self._path(number)
        if path.exists():
            self._set_aside(path, reason, Suffered.STATE)
        for body in chain:
            built_on = f"it builds on revision {number}, and {reason}"
            self._set_aside(self._path(body.revision), built_on, Suffered.STATE)
        chain.clear()

    def _set_aside(self, path: Path, reason: str, suffered: Suffered) -> None:
        kept = files.set_aside(path)
        self._damage.append(Damage(str(path), reason, str(kept), suffered))

    def _read(self, number: int) -> _RevisionFile:
        return self._read_as(_revision_decoder, number)

    def _read_as(self, decoder: msgspec.json.Decoder[Head], number: int) -> Head:
        body = _decode(decoder, _read_file(self._path(number), "revision"))
        if body.revision != number:
            raise files.DamagedFile(f"it holds revision {body.revision}")
        return body

    # Names.

    def _path(self, number: int) -> Path:
        return self._directory / f"revision-{number:08}"

    def _candidate_path(self, author: str) -> Path:
        # Names of users are readable; others, and those that differ only in what is replaced, are told apart by a hash.
        readable = re.sub(r"[^A-Za-z0-9_-]", "_", author)[:40]
        mark = "" if readable == author else "." + hashlib.sha256(author.encode()).hexdigest()[:16]
        return self._directory / f"candidate-{readable}{mark}"

    def _paths(self, pattern: re.Pattern[str]) -> list[Path]:
        return sorted(path for path in self._directory.iterdir() if pattern.fullmatch(path.name))

    def _numbers(self, pattern: re.Pattern[str]) -> Iterator[int]:
        for path in self._directory.iterdir():
            if match := pattern.fullmatch(path.name):
                yield int(match[1])


def _read_file(path: Path, kind: str) -> bytes:
    try:
        return files.read(path, kind)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        raise files.DamagedFile(f"it cannot be read: {error.strerror}") from error


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    collecting = gc.isenabled()
    gc.disable()  # values have no circles, and looking for some takes twice the time of making them
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise files.DamagedFile(f"its content is not ours: {error}") from error
    finally:
        if collecting:
            gc.enable()


def _take_snapshot(body: _RevisionFile, state: Tree) -> None:
    body.snapshot, body.since_snapshot = flat(state), 0
    body.snapshot_size = len(msgspec.json.encode(body.snapshot))


def _changes(raw: list[tuple[tuple[str | int, ...], Any, Any]]) -> tuple[Change, ...]:
    return tuple(Change(tuple(path), old, new) for path, old, new in raw)


def _revision(body: _RevisionHead) -> Revision:
    return Revision(body.revision, body.time, body.author, body.reason, _changes(body.changes))
