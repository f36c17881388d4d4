"""The end of a process is told once, and soon."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from msgq.processes import ProcessWatch
from tests.msgq.contract import until


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


class Ends:
    def __init__(self):
        self.ended: list[int] = []
        self.unwatched: list[tuple[int, OSError]] = []
        self.watch = ProcessWatch(self.ended.append, lambda pid, error: self.unwatched.append((pid, error)))


@pytest.mark.asyncio
async def test_the_end_of_a_process_is_told_once_even_before_it_is_reaped(child):
    ends = Ends()
    ends.watch.watch(child.pid)
    ends.watch.watch(child.pid)
    await asyncio.sleep(0.05)
    assert ends.ended == []
    child.kill()
    await until(lambda: ends.ended)
    await asyncio.sleep(0.05)
    assert ends.ended == [child.pid]
    ends.watch.close()


@pytest.mark.asyncio
async def test_a_process_that_has_ended_already_is_told(child):
    child.kill()
    child.communicate()
    ends = Ends()
    ends.watch.watch(child.pid)
    await until(lambda: ends.ended == [child.pid])
    ends.watch.close()


@pytest.mark.asyncio
async def test_we_do_not_watch_ourselves():
    ends = Ends()
    ends.watch.watch(os.getpid())
    assert ends.watch._descriptors == {}


@pytest.mark.asyncio
async def test_a_process_that_cannot_be_watched_is_told_of(child, monkeypatch):
    def fail(_pid):
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr(os, "pidfd_open", fail)
    ends = Ends()
    ends.watch.watch(child.pid)
    assert [pid for pid, _ in ends.unwatched] == [child.pid]
    ends.watch.close()


@pytest.mark.asyncio
async def test_closing_leaves_no_descriptor_behind(child):
    before = len(list(Path("/proc/self/fd").iterdir()))
    ends = Ends()
    ends.watch.watch(child.pid)
    ends.watch.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
