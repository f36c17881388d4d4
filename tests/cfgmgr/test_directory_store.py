"""The store of files: numbered, durable, one at a time, and never wrong whatever is damaged."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from datetime import UTC, datetime

import msgspec
import pytest

from cfgmgr import directory_store, files
from cfgmgr.directory_store import DirectoryStore
from cfgmgr.errors import StoreLocked, StoreTooNew, StoreUncertain, StoreUnusable
from cfgmgr.store import Draft, Revision, Suffered
from cfgmgr.tree import Change, apply

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
# Large enough beside SMALL_SNAPSHOT that later revisions are changes only.
BALLAST = {"ballast": "x" * 600}


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "state" / "config"


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """Every configuration counts as large: revisions build on each other."""
    monkeypatch.setattr(directory_store, "SMALL_SNAPSHOT", 0)


def commit(store, *changes, author="alice", reason="because"):
    made = tuple(Change(path, old, new) for path, old, new in changes)
    revision = Revision(store.next_number, NOW, author, reason, made)
    store.append(revision, apply(store.state, made))
    return revision


def filled(directory, revisions=4):
    """A store whose revision N says n=N; its states by revision."""
    states = {}
    store = DirectoryStore(directory)
    for number in range(1, revisions + 1):
        more = [(("ballast",), None, BALLAST["ballast"])] if number == 1 else []
        commit(store, (("n",), number - 1 or None, number), *more)
        states[number] = store.state
    store.close()
    return states


def reopened(directory):
    store = DirectoryStore(directory)
    try:
        return store.head.number if store.head else None, store.state, store.damage, store.next_number
    finally:
        store.close()


def revision_files(directory):
    return sorted(path for path in directory.iterdir() if re.fullmatch(r"revision-[0-9]+", path.name))


def test_an_empty_store_has_no_revision(directory):
    assert reopened(directory) == (None, {}, [], 1)


def test_what_was_appended_is_there_at_the_next_start(directory):
    states = filled(directory)
    assert reopened(directory) == (4, states[4], [], 5)


def test_history_has_author_time_reason_and_changes_newest_first(directory):
    filled(directory, 3)
    store = DirectoryStore(directory)
    revisions = list(store.revisions())
    assert [revision.number for revision in revisions] == [3, 2, 1]
    assert revisions[0] == Revision(3, NOW, "alice", "because", (Change(("n",), 2, 3),))
    assert [revision.number for revision in store.revisions(before=3)] == [2, 1]
    store.close()


def test_history_is_read_without_the_values_of_snapshots(directory):
    """Half a second for 100 000 zones, in which no heart-beat left: on a busy machine that was taken for a hang."""
    filled(directory, 2)
    store = DirectoryStore(directory)
    first = revision_files(directory)[0]
    body = msgspec.json.decode(files.read(first, "revision"))
    files.write(first, "revision", {**body, "snapshot": ["nobody makes this a map"]})
    assert [(revision.number, revision.author) for revision in store.revisions()] == [(2, "alice"), (1, "alice")]
    assert store.damage == []
    store.close()
    assert "its content is not ours" in reopened(directory)[2][0].reason


def test_a_snapshot_is_taken_when_changes_have_grown_as_large_as_one(directory):
    store = DirectoryStore(directory)
    commit(store, (("ballast",), None, "x" * 600))
    for number in range(2, 80):
        commit(store, (("n",), number - 1, number))
        store.maintain()
    store.close()
    snapshots = [path for path in revision_files(directory) if b'"snapshot":' in path.read_bytes()]
    assert 1 < len(snapshots) < 10
    assert reopened(directory)[1] == {"ballast": "x" * 600, "n": 79}


def test_a_snapshot_is_taken_after_many_revisions(directory, monkeypatch):
    """Else a start of 100 000 zones reads as many files as there were changes of one zone."""
    monkeypatch.setattr(directory_store, "MAX_CHAIN", 10)
    store = DirectoryStore(directory)
    commit(store, (("ballast",), None, "x" * 100_000))
    for number in range(1, 25):
        commit(store, (("n",), number - 1 or None, number))
        store.maintain()
    store.close()
    snapshots = [path.name[-2:] for path in revision_files(directory) if b'"snapshot":' in path.read_bytes()]
    assert snapshots == ["01", "11", "21"]
    assert reopened(directory)[1]["n"] == 24


def test_files_are_for_the_owner_only(directory):
    filled(directory, 1)
    store = DirectoryStore(directory)
    store.keep(Draft("alice", 1, ()))
    store.close()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


def test_a_second_process_is_refused_and_told_whose_the_store_is(directory):
    store = DirectoryStore(directory)
    with pytest.raises(StoreLocked, match=f"process {os.getpid()}"):
        DirectoryStore(directory)
    store.close()
    DirectoryStore(directory).close()


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StoreUnusable, match=r"state/config cannot be used: Not a directory"):
        DirectoryStore(tmp_path / "state" / "config")


def test_half_written_files_are_cleaned_away(directory):
    states = filled(directory)
    (directory / "revision-00000005.tmp").write_bytes(b"bobdns revision 1 99 ")
    assert reopened(directory) == (4, states[4], [], 5)
    assert not (directory / "revision-00000005.tmp").exists()


# Candidates.


def test_candidates_are_kept_by_author(directory):
    """V65."""
    store = DirectoryStore(directory)
    drafts = [Draft(name, 1, (Change(("n",), None, name),)) for name in ("alice", "Alice", "a/../b", "\u00fc", "a b")]
    for draft in drafts:
        store.keep(draft)
    store.keep(Draft("alice", 2, ()))
    store.forget("Alice")
    store.forget("nobody")
    store.close()
    store = DirectoryStore(directory)
    found = sorted(store.drafts(), key=lambda draft: draft.author)
    assert found == sorted([Draft("alice", 2, ()), *drafts[2:]], key=lambda draft: draft.author)
    store.close()


def test_a_damaged_candidate_is_set_aside_and_told(directory):
    store = DirectoryStore(directory)
    store.keep(Draft("alice", 1, ()))
    (directory / "candidate-alice").write_bytes(b"junk")
    assert store.drafts() == []
    assert [damage.suffered for damage in store.damage] == [Suffered.CANDIDATE]
    assert (directory / "candidate-alice.damaged").read_bytes() == b"junk"
    store.close()


# Damage.


def test_a_truncated_newest_revision_falls_back_to_the_one_before(directory):
    states = filled(directory)
    newest = revision_files(directory)[-1]
    newest.write_bytes(newest.read_bytes()[:-10])
    number, state, damage, following = reopened(directory)
    assert (number, state) == (3, states[3])
    assert following == 5  # a number that was given out is not given out again
    assert [(one.suffered, one.file) for one in damage] == [(Suffered.STATE, str(newest))]
    assert "bytes where" in damage[0].reason
    assert damage[0].kept == f"{newest}.damaged"


def test_after_a_fallback_it_goes_on_and_the_next_start_is_quiet(directory):
    states = filled(directory)
    newest = revision_files(directory)[-1]
    newest.write_bytes(b"")
    store = DirectoryStore(directory)
    commit(store, (("n",), 3, "new"))
    store.close()
    assert reopened(directory) == (5, {**states[3], "n": "new"}, [], 6)


def test_damage_below_a_snapshot_costs_only_history(directory):
    filled(directory, 3)
    store = DirectoryStore(directory)
    commit(store, (("more",), None, "y" * 2000))  # larger than the last snapshot: becomes one
    store.maintain()
    store.close()
    revision_files(directory)[1].write_bytes(b"junk")
    store = DirectoryStore(directory)
    assert store.head is not None
    assert store.head.number == 4
    assert store.damage == []
    assert [revision.number for revision in store.revisions()] == [4, 3, 1]
    assert [damage.suffered for damage in store.damage] == [Suffered.HISTORY]
    store.close()


def test_a_missing_revision_in_between_takes_those_that_build_on_it_away(directory):
    states = filled(directory)
    revision_files(directory)[2].unlink()
    number, state, damage, following = reopened(directory)
    assert (number, state) == (2, states[2])
    assert [one.reason for one in damage] == ["it builds on revision 3, and it is missing"]
    assert following == 5


def test_a_store_with_nothing_good_left_is_empty_and_says_so(directory):
    filled(directory, 2)
    for path in revision_files(directory):
        path.write_bytes(b"junk")
    number, state, damage, following = reopened(directory)
    assert (number, state, following) == (None, {}, 3)
    assert len(damage) == 2


def test_a_revision_under_another_number_is_damage(directory):
    states = filled(directory)
    shutil.copy(revision_files(directory)[0], directory / "revision-00000005")
    number, state, damage, _ = reopened(directory)
    assert (number, state) == (4, states[4])
    assert damage[0].reason == "it holds revision 1"


@pytest.mark.parametrize("damaged", [1, 2, 3, 4])
def test_in_a_small_configuration_damage_costs_one_revision_at_most(directory, monkeypatch, damaged):
    monkeypatch.undo()
    states = filled(directory)
    revision_files(directory)[damaged - 1].write_bytes(b"junk")
    newest = 4 if damaged < 4 else 3
    assert reopened(directory)[:2] == (newest, states[newest])


def damages(size):
    """Ways to damage a file of so many bytes, at each 64-byte step."""
    for offset in (*range(0, size, 64), size - 1):
        yield f"cut at {offset}", lambda data, at=offset: data[:at]
        yield f"flipped at {offset}", lambda data, at=offset: data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :]
        yield f"zeroed from {offset}", lambda data, at=offset: data[:at] + bytes(len(data) - at)
        yield f"a block gone at {offset}", lambda data, at=offset: data[:at] + data[at + 64 :]
    yield "more at the end", lambda data: data + b"x"


def test_damage_of_any_file_at_any_place_never_gives_a_wrong_configuration(directory, tmp_path):
    states = filled(directory)
    cases = 0
    for path in revision_files(directory):
        number = int(path.name[-8:])
        data = path.read_bytes()
        for what, damaged in damages(len(data)):
            copy = tmp_path / "copy"
            shutil.copytree(directory, copy)
            (copy / path.name).write_bytes(damaged(data))
            found, state, damage, following = reopened(copy)
            # Every revision builds on the first one's snapshot, so the last good one is the one before.
            assert (found, state) == ((number - 1, states[number - 1]) if number > 1 else (None, {})), (path.name, what)
            assert following == 5, (path.name, what)
            assert any(one.file.endswith(path.name) for one in damage), (path.name, what)
            kept = [kept for kept in copy.iterdir() if kept.name == f"{path.name}.damaged"]
            assert kept
            shutil.rmtree(copy)
            cases += 1
    assert cases > 100


def test_a_newer_format_is_refused_and_left_alone(directory, monkeypatch):
    filled(directory, 2)
    with monkeypatch.context() as patch:
        patch.setattr(files, "FORMAT", 2)
        store = DirectoryStore(directory)
        commit(store, (("n",), 2, 3))
        store.close()
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(StoreTooNew, match="has format 2, and this release reads up to 1"):
        DirectoryStore(directory)
    assert {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "lock"} == {
        name: data for name, data in before.items() if name != "lock"
    }


def test_a_damaged_first_line_is_not_taken_for_a_newer_format(directory):
    states = filled(directory)
    newest = revision_files(directory)[-1]
    newest.write_bytes(newest.read_bytes().replace(b"bobdns revision 1 ", b"bobdns revision 2 ", 1))
    assert reopened(directory)[:2] == (3, states[3])


# Disks that fail.


class Disk:
    """Lets the N-th call of an os function fail."""

    def __init__(self, monkeypatch, name, fail_at, code=errno.ENOSPC):
        self.calls = 0
        real = getattr(os, name)

        def call(*arguments, **options):
            self.calls += 1
            if self.calls == fail_at:
                raise OSError(code, os.strerror(code))
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize(("function", "fail_at"), [("open", 1), ("fsync", 1), ("replace", 1)])
def test_a_full_disk_before_the_commit_point_changes_nothing(directory, monkeypatch, function, fail_at):
    states = filled(directory)
    store = DirectoryStore(directory)
    with monkeypatch.context() as patch:
        Disk(patch, function, fail_at)
        with pytest.raises(StoreUnusable, match="No space left"):
            commit(store, (("n",), 4, 5))
    assert store.head is not None
    assert (store.head.number, store.state) == (4, states[4])
    commit(store, (("n",), 4, 6))
    store.close()
    assert reopened(directory)[:3] == (5, {**states[4], "n": 6}, [])


def test_a_failure_to_sync_the_directory_leaves_the_outcome_to_the_next_start(directory, monkeypatch):
    filled(directory)
    store = DirectoryStore(directory)
    with monkeypatch.context() as patch:
        Disk(patch, "fsync", 2, errno.EIO)
        with pytest.raises(StoreUncertain, match="Input/output error"):
            commit(store, (("n",), 4, 5))
    store.close()
    assert reopened(directory)[0] in (4, 5)


def test_a_sector_that_cannot_be_read_is_damage(directory, monkeypatch):
    states = filled(directory)
    real = files.read

    def read(path, kind):
        if path.name == "revision-00000004":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(path, kind)

    with monkeypatch.context() as patch:
        patch.setattr(files, "read", read)
        number, state, damage, _ = reopened(directory)
    assert (number, state) == (3, states[3])
    assert damage[0].reason == "it cannot be read: Input/output error"
