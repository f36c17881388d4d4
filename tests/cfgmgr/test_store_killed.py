"""The store killed by SIGKILL at each call that changes its files: the old revision or the new one, nothing else."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime

import pytest

from cfgmgr.directory_store import DirectoryStore
from cfgmgr.store import Revision
from cfgmgr.tree import Change
from tests.cfgmgr.store_driver import opened
from tests.kit.killpoint import Forked, Killer

LATE = ["sqlalchemy.dialects.sqlite.pysqlite"]
CALLS = {"files": {"create", "write", "fsync", "rename", "unlink"}, "sqlite": {"create", "write", "fdatasync"}}


def append(store, number):
    change = Change(("n",), store.state.get("n"), number)
    store.append(Revision(number, datetime.now(UTC), "bert", "", (change,)), {"n": number})


def examine(directory, kind, *, before, acknowledged, where):
    """The store after a crash, and that it goes on."""
    store = opened(directory, kind)
    last = store.head.number if store.head else 0
    assert last in (before, before + 1), where
    assert last == before + 1 or not acknowledged, where
    assert store.state == ({"n": last} if last else {}), where
    assert [revision.number for revision in store.revisions()] == list(range(last, 0, -1)), where
    drafts = store.drafts()
    assert [draft.changes for draft in drafts] in ([], [(Change(("n",), before or None, before + 1),)]), where
    assert store.damage == [], where
    assert not list(directory.glob("*.tmp")), where
    append(store, store.next_number)
    store.close()
    store = opened(directory, kind)
    assert store.head is not None, where
    assert store.head.number == last + 1, where
    store.close()


def killed_everywhere(tmp_path, kind, prepare, before):
    """Kill the driver at each point; how many there were."""
    killer = Killer(tmp_path / "lib")
    directory, acknowledged = tmp_path / "state" / "config", tmp_path / "acknowledged"
    directory.parent.mkdir()
    arguments = [str(directory), str(acknowledged), kind]
    with Forked(killer, "tests.cfgmgr.store_driver:main", LATE) as program:
        prepare(directory)
        calls, ended = killer.calls(program, directory.parent, arguments=arguments)
        assert ended.status == 0, ended.error
        assert CALLS[kind] <= {call.kind for call in calls}
        points = list(killer.points(calls))
        for point in points:
            shutil.rmtree(directory, ignore_errors=True)
            acknowledged.unlink(missing_ok=True)
            prepare(directory)
            assert killer.kill(program, directory.parent, point, arguments=arguments), calls[point.at - 1]
            where = (point, calls[point.at - 1])
            examine(directory, kind, before=before, acknowledged=acknowledged.exists(), where=where)
    return len(points)


@pytest.mark.parametrize("kind", CALLS)
def test_the_first_start_killed_at_every_step(tmp_path, kind):
    assert killed_everywhere(tmp_path, kind, lambda directory: None, 0) > 10


@pytest.mark.parametrize("kind", CALLS)
def test_a_commit_killed_at_every_step(tmp_path, kind):
    def prepare(directory):
        store = opened(directory, kind)
        for number in (1, 2):
            append(store, number)
        store.close()

    assert killed_everywhere(tmp_path, kind, prepare, 2) > 10


def test_a_fallback_killed_at_every_step(tmp_path):
    """While a damaged revision is being set aside."""

    def prepare(directory):
        store = DirectoryStore(directory)
        append(store, 1)
        store.close()
        damaged = directory / "revision-00000002"
        damaged.write_bytes(b"junk")

    killer = Killer(tmp_path / "lib")
    directory = tmp_path / "state" / "config"
    directory.parent.mkdir()
    script = """
import sys
from pathlib import Path
from cfgmgr.directory_store import DirectoryStore
DirectoryStore(Path(sys.argv[1])).close()
"""
    command = [sys.executable, "-I", "-c", script, str(directory)]
    prepare(directory)
    calls, _ = killer.calls(command, directory.parent)
    assert "rename" in {call.kind for call in calls}
    for point in killer.points(calls):
        shutil.rmtree(directory)
        prepare(directory)
        assert killer.kill(command, directory.parent, point)
        store = DirectoryStore(directory)
        assert store.head is not None
        assert (store.head.number, store.next_number) == (1, 3)
        assert (directory / "revision-00000002.damaged").read_bytes() == b"junk"
        store.close()
